"""Output types of the catalog: records, connections, aggregates, groups."""

from collections.abc import Sequence
from dataclasses import replace

from core.base.text import words
from schema.catalog.catalog import Catalog, RecordType, ToMany
from schema.catalog.ownership import CAN
from schema.catalog.timelines import TIMELINE
from schema.types.builder import Argument, Builder, Member

CAN_MEMBER = Member(CAN, "Can", "What you may do with it.")


def add_shared(builder: Builder) -> None:
    """The output types that all records share."""
    builder.output(
        "Can",
        "What you may do with a record, so that a page need not offer what would be refused.",
        [
            Member("update", "bool", "Change it."),
            Member("delete", "bool", "Delete it."),
            Member("restore", "bool", "Restore it; only what is deleted can be."),
            Member("destroy", "bool", "Destroy it for good."),
            Member("move", "bool", "Move it to another stage; only opportunities can be."),
        ],
    )
    builder.interface("Node", "Anything with a globally unique id.", [Member("id", "ID", "Globally unique id.")])
    builder.output(
        "Money",
        "An exact amount in one currency.",
        [
            Member("amount", "Decimal", "The amount, with the decimal places of its currency."),
            Member("currency", "CurrencyCode", "The currency."),
            Member(
                "reportingAmount",
                "Decimal",
                "The amount in the reporting currency, at the rate of its day, frozen when it was written.",
            ),
        ],
    )
    builder.output(
        "MoneySum",
        "A sum of money.",
        [
            Member(
                "total",
                "Money",
                "The total in the reporting currency, at the rates frozen when the amounts were written.",
            ),
            Member("perCurrency", "list[Money]", "One row per currency, never mixed."),
        ],
    )
    builder.output(
        "PageInfo",
        "Where a page is in its list.",
        [
            Member("hasNextPage", "bool", "Whether more records follow."),
            Member("hasPreviousPage", "bool", "Whether records precede it."),
            Member(
                "startCursor", "str | None", "Cursor of the first record; on an empty page `before`, if it was given."
            ),
            Member("endCursor", "str | None", "Cursor of the last record; on an empty page `after`, if it was given."),
        ],
    )
    builder.output(
        "ExternalId",
        "A record's id in another system.",
        [Member("system", "str", "Name of the other system."), Member("value", "ID", "The id in that system.")],
    )
    builder.output(
        "FieldChange",
        "The change of one field.",
        [
            Member("field", "str", "Name of the field."),
            Member("previous", "JSON | None", "Its value before, as the API shows it."),
            Member("current", "JSON | None", "Its value after."),
        ],
    )


def list_arguments(record: RecordType) -> Sequence[Argument]:
    """The arguments of a connection."""
    return (
        Argument("first", "int | None", "Number of records from the start; 50 by default, 1,000 at most."),
        Argument("after", "str | None", "Only records after this cursor."),
        Argument("last", "int | None", "Number of records from the end."),
        Argument("before", "str | None", "Only records before this cursor."),
        Argument("where", f"{record.name}Where | None", "Only records that meet this."),
        Argument(
            "orderBy",
            f"list[{record.name}Order] | None",
            "Sort by these keys, then by id; by default by "
            + ", ".join(f"{name} descending" if down else name for name, down in record.default_order)
            + ".",
        ),
    )


def log_arguments() -> Sequence[Argument]:
    """The arguments of the log."""
    return (
        Argument("first", "int | None", "Number of events from the start; 50 by default, 1,000 at most."),
        Argument(
            "after",
            "str | None",
            "Only events after this cursor. Keep `endCursor` to continue later, with these or other arguments; nothing "
            "is missed.",
        ),
        Argument(
            "last", "int | None", "Number of events from the end; with 0, `endCursor` is where to begin from now."
        ),
        Argument("before", "str | None", "Only events before this cursor."),
        Argument("types", "list[EventType] | None", "Only events of these types."),
        Argument("newestFirst", "bool | None", "In the opposite order; cursors are the same in both."),
        Argument("entityTypes", "list[str] | None", "Only events of records of these types, such as Customer."),
        Argument("entity", "ID | None", "Only events of this record."),
        Argument(
            "about",
            "ID | None",
            "Only events of this record, of what refers to it and of what is part of that: an account's timeline.",
        ),
    )


def _timeline() -> Member:
    arguments = [argument for argument in log_arguments() if argument.name not in ("entityTypes", "entity", "about")]
    return Member(
        TIMELINE,
        "EventConnection | None",
        "What happened to it and to what refers to it.",
        [replace(argument, description="") for argument in arguments],
    )


def where_argument(record: RecordType) -> Argument:
    """The argument that filters a list."""
    return Argument("where", f"{record.name}Where | None", "Only records that meet this.")


def add_record(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    """The output types of one record."""
    plural = words(record.plural)
    builder.output(
        record.name,
        record.description,
        [
            *_fields(record),
            *([CAN_MEMBER, _timeline()] if record.has_attachments else []),
            *_relations(catalog, record),
        ],
        interfaces=["Node"],
        owner=record.owner,
    )
    builder.output(
        f"{record.name}Edge",
        f"An entry in a list of {plural}.",
        [
            Member("cursor", "str"),
            Member("node", record.name),
        ],
    )
    builder.output(
        f"{record.name}Connection",
        f"A page of {plural}; the query `{record.plural}` describes the arguments of every such list.",
        [
            Member("edges", f"list[{record.name}Edge]"),
            Member("nodes", f"list[{record.name}]"),
            Member("pageInfo", "PageInfo"),
            Member("totalCount", "int"),
        ],
    )


def _fields(record: RecordType) -> list[Member]:
    return [
        Member(
            field.name,
            field.kind.graphql + (" | None" if field.nullable else ""),
            field.description,
            owner=record.foreign(field.owner),
            deprecated=field.deprecated,
        )
        for field in record.fields.values()
    ]


def _relations(catalog: Catalog, record: RecordType) -> list[Member]:
    members = [
        Member(one.name, f"{one.target} | None", one.description, owner=record.foreign(one.owner))
        for one in record.to_one.values()
    ]
    for many in record.to_many.values():
        members += _list_members(record, catalog.records[many.target], many)
    return members


def _list_members(record: RecordType, target: RecordType, many: ToMany) -> list[Member]:
    members = [
        Member(
            many.name,
            f"{many.target}Connection | None",
            many.description,
            [replace(argument, description="") for argument in list_arguments(target)],
            owner=record.foreign(many.owner),
        )
    ]
    if target.aggregates:
        members.append(
            Member(
                f"{many.name}Aggregate",
                f"{many.target}Aggregate | None",
                f"Count, sums, averages, smallest and largest of: {many.description[:1].lower()}{many.description[1:]}",
                [replace(where_argument(target), description="")],
                owner=record.foreign(many.owner),
            )
        )
    return members
