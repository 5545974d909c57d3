"""Input types of the catalog: filters, orders, group keys, and what mutations take."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from core.base.text import camel, words
from core.records.record import Record
from core.records.vocabulary import Vocabulary
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.types.builder import Builder, Member


class Direction(Vocabulary):
    """The direction of an order. Records without a value come last unless stated otherwise."""

    ASC = "ASC", "Smallest first.", "Ascending"
    DESC = "DESC", "Largest first.", "Descending"
    ASC_NULLS_FIRST = (
        "ASC_NULLS_FIRST",
        "Smallest first, but records without a value before all others.",
        "Ascending, without a value first",
    )
    DESC_NULLS_FIRST = (
        "DESC_NULLS_FIRST",
        "Largest first, but records without a value before all others.",
        "Descending, without a value first",
    )


class DateGrain(Vocabulary):
    """Length of the periods by which dates are grouped; moments count by their day in the business's time zone."""

    DAY = "DAY", "Days."
    WEEK = "WEEK", "Weeks from Monday."
    MONTH = "MONTH", "Months."
    QUARTER = "QUARTER", "Quarters of the fiscal year."
    YEAR = "YEAR", "Fiscal years."


_EQUALITY = (
    ("eq", "{0} | None", "Equal."),
    ("ne", "{0} | None", "Different, or without a value."),
    ("in", "list[{0}] | None", "One of these."),
    ("notIn", "list[{0}] | None", "None of these, or without a value."),
)
_RANGE = (
    ("lt", "{0} | None", "Smaller or earlier."),
    ("lte", "{0} | None", "Smaller or earlier, or equal."),
    ("gt", "{0} | None", "Larger or later."),
    ("gte", "{0} | None", "Larger or later, or equal."),
)
_NULL = (("isNull", "bool | None", "true: without a value; false: with one."),)
_TEXT = (
    ("contains", "str | None", "Holds this."),
    ("startsWith", "str | None", "Starts with this."),
    ("endsWith", "str | None", "Ends with this."),
)
_LIST = (
    ("has", "{0} | None", "Holds this."),
    ("hasAny", "list[{0}] | None", "Contains at least one of these."),
    ("hasAll", "list[{0}] | None", "Contains all of these."),
    ("isEmpty", "bool | None", "true: empty; false: not empty."),
)


def add_shared(builder: Builder) -> None:
    """The inputs that all records share."""
    builder.enum(Direction)
    builder.enum(DateGrain)

    def filter_(name: str, what: str, annotation: str, *operators: Sequence[tuple[str, str, str]]) -> None:
        _add_filter(builder, name, what, annotation, *operators)

    filter_("IdFilter", "an id", "ID", _EQUALITY, _NULL)
    filter_("BooleanFilter", "a yes or no", "bool", _EQUALITY[:1], _NULL)
    for name, what, annotation in (
        ("IntFilter", "a whole number", "int"),
        ("DecimalFilter", "an exact decimal", "Decimal"),
        ("DateFilter", "a date", "Date"),
        ("DateTimeFilter", "a moment", "DateTime"),
    ):
        filter_(name, what, annotation, _EQUALITY, _RANGE, _NULL)
    currency = (
        (
            "currency",
            "CurrencyCode | None",
            "Compare only amounts in this currency; by default all are compared in the reporting currency.",
        ),
    )
    filter_("MoneyFilter", "an amount of money", "Decimal", _EQUALITY, _RANGE, _NULL, currency)
    builder.input(
        "TextFilter",
        "A condition on a text. All given conditions must hold.",
        [Member(name, pattern.format("str"), text) for name, pattern, text in (*_EQUALITY, *_TEXT, *_NULL)]
        + [Member("ignoreCase", "bool", "Ignore case, the default.", default=True)],
    )
    filter_("TextListFilter", "a list of texts, compared by exact spelling", "str", _LIST, _NULL)
    filter_("TagsFilter", "the tags of a record, compared case-insensitively", "str", _LIST)
    builder.input(
        "ExternalIdMatch",
        "External ids of one system.",
        [
            Member("system", "str", "Name of the other system."),
            Member("values", "list[ID] | None", "One of these ids in that system; any if not given."),
        ],
    )
    builder.input(
        "ExternalIdsFilter",
        "A condition on the external ids of a record. All given conditions must hold.",
        [
            Member("has", "ExternalIdMatch | None", "Has such an external id."),
            Member("isEmpty", "bool | None", "true: without external ids; false: with at least one."),
        ],
    )
    builder.input(
        "ExternalIdInput",
        "A record's id in another system.",
        [Member("system", "str", "Name of the other system."), Member("value", "ID", "The id in that system.")],
    )
    builder.input(
        "MoneyInput",
        "An exact amount in one currency.",
        [
            Member("amount", "Decimal", "The amount, with no more decimal places than its currency has."),
            Member("currency", "CurrencyCode | None", "The currency; by default the reporting currency."),
        ],
    )


def add_enum(builder: Builder, catalog: Catalog, enum: type[StrEnum]) -> None:
    """An enumeration that fields use, and the inputs that filter by it."""
    builder.enum(enum)
    name = enum.__name__
    _add_filter(builder, f"{name}Filter", f"a value of {name}", name, _EQUALITY, _NULL)
    listed = f"{name}ListFilter"
    if any(field.kind.filter_name == listed for record in catalog.records.values() for field in record.fields.values()):
        _add_filter(builder, listed, f"a list of values of {name}", name, _LIST, _NULL)


def _add_filter(
    builder: Builder, name: str, what: str, annotation: str, *operators: Sequence[tuple[str, str, str]]
) -> None:
    members = [
        Member(operator, pattern.format(annotation), description)
        for group in operators
        for operator, pattern, description in group
    ]
    builder.input(name, f"A condition on {what}. All given conditions must hold.", members)


def add_record(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    """The inputs of one record that read."""
    _add_where(builder, catalog, record)
    _add_order(builder, record)


#: The fields that every record has, which mean the same in each.
EVERYWHERE = frozenset(
    {*(camel(name) for name in Record.__annotations__ if not name.startswith("_")), "tags", "externalIds"}
)


def _usable(record: RecordType, wanted: Callable[[CatalogField], bool]) -> list[CatalogField]:
    return [field for field in record.fields.values() if field.expression is not None and wanted(field)]


def _add_where(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    name, plural = record.name, words(record.plural)
    members = [
        Member("and", f"list[{name}Where] | None"),
        Member("or", f"list[{name}Where] | None"),
        Member("not", f"{name}Where | None"),
    ]
    members += [
        Member(
            field.name,
            f"{field.kind.filter_name} | None",
            "" if field.name in EVERYWHERE else field.description,
            owner=record.foreign(field.owner),
        )
        for field in _usable(record, lambda field: field.filter and field.kind.filter_name is not None)
    ]
    members += [
        Member(
            one.name,
            f"{one.target}Where | None",
            f"There is one, and it meets this condition: {one.description}",
            owner=record.foreign(one.owner),
        )
        for one in record.to_one.values()
    ]
    for many in record.to_many.values():
        target = catalog.records[many.target]
        members.append(
            Member(many.name, f"{target.plural_type}Filter | None", many.description, owner=record.foreign(many.owner))
        )
        if target.aggregates:
            members.append(
                Member(
                    f"{many.name}Aggregate",
                    f"{target.name}AggregateWhere | None",
                    f"Totals of these: {many.description}",
                    owner=record.foreign(many.owner),
                )
            )
    description = (
        f"Selects {plural}. All given conditions must hold; deleted ones are left out unless a list's own filter asks "
        f"for deletedAt, and a relation to one never leads to them. Fields of every record are described in {name}."
    )
    builder.input(f"{name}Where", description, members)
    builder.input(
        f"{record.plural_type}Filter",
        f"A condition on a list of {plural}. All given conditions must hold.",
        [
            Member("some", f"{name}Where | None"),
            Member("every", f"{name}Where | None"),
            Member("none", f"{name}Where | None"),
        ],
    )


def _add_order(builder: Builder, record: RecordType) -> None:
    members = [
        Member(field.name, "Direction | None", owner=record.foreign(field.owner))
        for field in _usable(record, lambda field: field.order and field.kind.can_order)
    ]
    members += [
        Member(one.name, f"{one.target}Order | None", owner=record.foreign(one.owner)) for one in record.to_one.values()
    ]
    description = f"One sort key of {words(record.plural)}: the {record.name} field of the same name."
    builder.input(f"{record.name}Order", description, members, one_of=True)


def write_members(catalog: Catalog, record: RecordType, *, creating: bool) -> list[Member]:
    """The members by which a mutation sets the fields of a record."""
    members: list[Member] = []
    for field in record.input_fields:
        assert field.stored is not None
        required = creating and field.stored.required and not field.refers
        annotation = field.kind.input + ("" if required else " | None")
        members.append(Member(field.name, annotation, field.description, owner=record.foreign(field.owner)))
        if field.refers:
            name = field.reference_name
            members.append(
                Member(
                    name,
                    "ExternalIdInput | None",
                    f"The same record by external id, instead of {field.name}.",
                    owner=record.foreign(field.owner),
                )
            )
    members.append(Member("tags", "list[str] | None", "Replaces all its tags."))
    members.append(Member("externalIds", "list[ExternalIdInput] | None", "Replaces all its external ids."))
    return members


def said_members(record: RecordType) -> list[Member]:
    """The members by which something is said with a change that is not a field."""
    return [
        Member(said.name, f"{said.kind.input} | None", said.description, owner=record.foreign(said.owner))
        for said in record.said.values()
    ]
