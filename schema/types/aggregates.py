"""Types of aggregates and groups: totals of records, and the inputs that filter and order by them.

Types of the same shape are one, named after what it is for rather than after its fields, so that no field a plugin adds
renames a type: `CustomerValues` for the smallest and for the largest, `CustomerNumbersWhere` for sums and for averages.
Their members are described once, by the fields of the record that they are named after.
"""

from dataclasses import replace

from core.base.text import words
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.catalog.kinds import DateKind, MomentKind, MoneyKind
from schema.types.builder import Builder, Member

FUNCTIONS = {"sum": "Sums", "avg": "Averages", "min": "Smallest values", "max": "Largest values"}

#: What the types of each function are called after the record's name: of its outputs, and of its inputs.
OUTPUTS = {"sum": "Sum", "avg": "Avg", "min": "Values", "max": "Values"}
INPUTS = {"sum": "Numbers", "avg": "Numbers", "min": "Values", "max": "Values"}

_COUNT = "Number of records."


def aggregated(record: RecordType, function: str) -> list[CatalogField]:
    """The fields of a record that an aggregate function means something for."""
    return [
        field
        for field in record.fields.values()
        if field.aggregate and field.expression is not None and function in field.kind.functions
    ]


def functions_of(record: RecordType) -> list[str]:
    """The aggregate functions that mean something for some field of a record."""
    return [function for function in FUNCTIONS if aggregated(record, function)]


def add_aggregates(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    """What a record does not leave out of its aggregates and groups."""
    if record.aggregates:
        _add_outputs(builder, record)
        _add_wheres(builder, record)
    if record.groups:
        _add_groups(builder, catalog, record)
        _add_group_inputs(builder, record)
        _add_group_keys(builder, catalog, record)


def _named_alike(record: RecordType) -> str:
    """Where the members of a type say what they mean."""
    return f"each of the {record.name} field of the same name"


def _member(record: RecordType, field: CatalogField, annotation: str) -> Member:
    return Member(field.name, f"{annotation} | None", owner=record.foreign(field.owner))


def _add_outputs(builder: Builder, record: RecordType) -> None:
    name, plural = record.name, words(record.plural)
    what = {"Sum": "Sums", "Avg": "Averages", "Values": "Smallest or largest values"}
    for function in functions_of(record):
        of = OUTPUTS[function]
        if f"{name}{of}" not in builder.types:
            members = [_member(record, field, _output(field, function)) for field in aggregated(record, function)]
            builder.output(f"{name}{of}", f"{what[of]} over {plural}, {_named_alike(record)}.", members)
    functions = [
        Member(function, f"{name}{OUTPUTS[function]} | None", f"{FUNCTIONS[function]}, field by field.")
        for function in functions_of(record)
    ]
    description = f"Totals of {plural}: count, sums, averages, smallest and largest values."
    builder.output(f"{name}Aggregate", description, [Member("count", "int", _COUNT), *functions])


def _output(field: CatalogField, function: str) -> str:
    kind = field.kind.aggregate_kind(function)
    return "MoneySum" if function == "sum" and isinstance(kind, MoneyKind) else kind.graphql


def _inputs(record: RecordType, ending: str) -> list[tuple[str, str, str]]:
    """The functions of a record, each with its input type and with what that is about."""
    about = {"Numbers": "sums or averages", "Values": "smallest or largest values"}
    return [
        (function, f"{record.name}{INPUTS[function]}{ending}", f"{about[INPUTS[function]]} over {words(record.plural)}")
        for function in functions_of(record)
    ]


def _add_wheres(builder: Builder, record: RecordType) -> None:
    for function, name, about in _inputs(record, "Where"):
        if name not in builder.types:
            members = [
                _member(record, field, str(field.kind.aggregate_kind(function).filter_name))
                for field in aggregated(record, function)
            ]
            description = f"A condition on {about}, {_named_alike(record)}. All given conditions must hold."
            builder.input(name, description, members)
    builder.input(
        f"{record.name}AggregateWhere",
        f"A condition on the totals of some {words(record.plural)}. All given conditions must hold.",
        [
            Member("where", f"{record.name}Where | None", "Only of those that meet this; of all if not given."),
            *_conditions(record),
        ],
    )


def _conditions(record: RecordType) -> list[Member]:
    """The conditions on aggregates of records."""
    return [
        Member("count", "IntFilter | None", _COUNT),
        *(
            Member(function, f"{name} | None", f"{FUNCTIONS[function]}, field by field.")
            for function, name, _ in _inputs(record, "Where")
        ),
    ]


def _key(record: RecordType, key: str, field: CatalogField, annotation: str) -> Member:
    member = _member(record, field, annotation)
    return member if key == field.name else replace(member, name=key, description=field.description)


def _add_groups(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    name, plural = record.name, words(record.plural)
    keys = [
        _key(record, key, field, "Date" if isinstance(field.kind, DateKind | MomentKind) else field.kind.graphql)
        for key, field in record.group_keys.items()
    ]
    ways = _ways(catalog, record, "GroupKeys")
    builder.output(
        f"{name}GroupKeys", f"What the {plural} of a group have in common, {_named_alike(record)}.", [*keys, *ways]
    )
    builder.output(
        f"{name}Group",
        f"A group of {plural} with the same keys.",
        [
            Member("keys", f"{name}GroupKeys", "Only the keys named in `by`; a period is given by its first day."),
            Member("aggregate", f"{name}Aggregate", "Their totals."),
        ],
    )


def _ways(catalog: Catalog, record: RecordType, ending: str) -> list[Member]:
    """The members that lead to the group keys of the records it refers to."""
    return [
        Member(one.name, f"{one.target}{ending} | None", owner=record.foreign(one.owner))
        for one in record.to_one.values()
        if catalog.records[one.target].groups
    ]


def _add_group_keys(builder: Builder, catalog: Catalog, record: RecordType) -> None:
    keys = [
        _key(record, key, field, "DateGrain" if isinstance(field.kind, DateKind | MomentKind) else "bool")
        for key, field in record.group_keys.items()
    ]
    builder.input(
        f"{record.name}GroupKey",
        f"One key by which {words(record.plural)} are grouped: true for the value of the {record.name} field of "
        "the same name, a grain for a date, a key of the record that a relation leads to.",
        [*keys, *_ways(catalog, record, "GroupKey")],
        one_of=True,
    )


def _add_group_inputs(builder: Builder, record: RecordType) -> None:
    name, plural = record.name, words(record.plural)
    for function, type_name, about in _inputs(record, "Order"):
        if type_name not in builder.types:
            members = [_member(record, field, "Direction") for field in aggregated(record, function)]
            builder.input(type_name, f"An order by {about}, {_named_alike(record)}.", members, one_of=True)
    builder.input(
        f"{name}Having",
        f"Selects groups of {plural}. All given conditions must hold.",
        [
            Member("and", f"list[{name}Having] | None"),
            Member("or", f"list[{name}Having] | None"),
            Member("not", f"{name}Having | None"),
            *_conditions(record),
        ],
    )
    builder.input(
        f"{name}GroupOrder",
        f"One sort key of groups of {plural}.",
        [
            Member("key", f"{name}Order | None", "A key of the groups; it must be one of `by`."),
            Member("count", "Direction | None", _COUNT),
            *(
                Member(function, f"{type_name} | None", f"{FUNCTIONS[function]}.")
                for function, type_name, _ in _inputs(record, "Order")
            ),
        ],
        one_of=True,
    )
