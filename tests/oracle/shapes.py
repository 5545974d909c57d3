"""What the SDL says of records: their fields by kind, and where their relations lead. The oracle knows no other source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
)


class Kind(Enum):
    """What a value is, and so how it compares."""

    ID = auto()
    TEXT = auto()
    BOOLEAN = auto()
    CHOICE = auto()
    DATE = auto()
    MOMENT = auto()
    DECIMAL = auto()
    INT = auto()
    MONEY = auto()
    LIST = auto()
    TAGS = auto()
    EXTERNAL_IDS = auto()


_BY_TYPE = {
    "ID": Kind.ID,
    "String": Kind.TEXT,
    "Boolean": Kind.BOOLEAN,
    "Date": Kind.DATE,
    "DateTime": Kind.MOMENT,
    "Decimal": Kind.DECIMAL,
    "Int": Kind.INT,
    "Money": Kind.MONEY,
}

#: The reference behind a list, where several references of the other record lead here. The SDL does not tell which.
_REFERENCES = {
    ("Customer", "opportunities"): "customer",
    ("Customer", "referredOpportunities"): "referredBy",
    ("Customer", "subsidiaries"): "parent",
    ("Customer", "referrals"): "referredBy",
}

#: The order of lists that ask for none, where it is another than by id. The SDL tells it in words only.
_DEFAULT_ORDERS = {
    "Stage": [("position", False)],
    "StageTransition": [("movedAt", False)],
    "Interaction": [("occurredAt", True)],
    "TierChange": [("changedAt", True)],
    "Receivable": [("dueOn", False)],
    "Survey": [("createdAt", True)],
}


#: What the types of each function are called after the record: of what is answered, and of filters and orders.
OUTPUTS = {"sum": "Sum", "avg": "Avg", "min": "Values", "max": "Values"}
INPUTS = {"sum": "Numbers", "avg": "Numbers", "min": "Values", "max": "Values"}


@dataclass
class Shape:
    """One record: fields by kind, to-one relations by target, lists by target and the reference that makes them.

    Of an enumeration's field, `ranks` tells the place of each value as declared.
    """

    name: str
    default_order: list[tuple[str, bool]]
    fields: dict[str, Kind] = field(default_factory=dict)
    ranks: dict[str, dict[str, int]] = field(default_factory=dict)
    to_one: dict[str, str] = field(default_factory=dict)
    to_many: dict[str, tuple[str, str]] = field(default_factory=dict)
    singular: str = ""
    plural: str = ""
    is_plain_list: bool = False
    has_aggregates: bool = False
    has_groups: bool = False

    @property
    def sums(self) -> list[str]:
        """The fields that can be summed."""
        return [name for name, kind in self.fields.items() if kind in (Kind.INT, Kind.DECIMAL, Kind.MONEY)]


def shapes_of(schema: GraphQLSchema, enumerations: Mapping[str, Sequence[str]]) -> dict[str, Shape]:
    """The records of a schema by name; the event log, which is written by the system, is left out.

    The SDL is sorted, so `enumerations` has the values of each as they are declared.
    """
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    types = {kind.name: kind for kind in schema.get_possible_types(node) if kind.name != "Event"}
    shapes = {name: Shape(name, _DEFAULT_ORDERS.get(name, [])) for name in types}
    for name, kind in types.items():
        _read(shapes, shapes[name], kind, enumerations)
    for name, shape in shapes.items():
        for list_name, (target, _) in shape.to_many.items():
            ways = [
                way for way, to in shapes[target].to_one.items() if to == name and f"{way}Id" in types[target].fields
            ]
            reference = _REFERENCES.get((name, list_name)) or ways[0]
            assert len(ways) == 1 or (name, list_name) in _REFERENCES, (name, list_name, ways)
            shape.to_many[list_name] = (target, f"{reference}Id")
    assert schema.query_type is not None
    for root, definition in schema.query_type.fields.items():
        made = get_named_type(definition.type).name
        if made in shapes and root != "node":
            shape = shapes[made]
            if isinstance(get_nullable_type(definition.type), GraphQLList):
                shape.plural, shape.is_plain_list = root, True
            else:
                shape.singular = root
        elif made.removesuffix("Connection") in shapes:
            shapes[made.removesuffix("Connection")].plural = root
    for shape in shapes.values():
        shape.has_aggregates = f"{shape.plural}Aggregate" in schema.query_type.fields
        shape.has_groups = f"{shape.plural}GroupBy" in schema.query_type.fields
    return shapes


def _read(
    shapes: dict[str, Shape], shape: Shape, kind: GraphQLObjectType, enumerations: Mapping[str, Sequence[str]]
) -> None:
    for name, definition in kind.fields.items():
        type_ = get_named_type(definition.type)
        if type_.name in shapes:
            shape.to_one[name] = type_.name
        elif type_.name == "EventConnection":
            # The log is written by the system, and so is what it shows of a record.
            continue
        elif type_.name.endswith("Connection"):
            shape.to_many[name] = (type_.name.removesuffix("Connection"), "")
        elif type_.name == "ExternalId":
            shape.fields[name] = Kind.EXTERNAL_IDS
        elif isinstance(get_nullable_type(definition.type), GraphQLList):
            shape.fields[name] = Kind.TAGS if name == "tags" else Kind.LIST
        elif isinstance(type_, GraphQLEnumType):
            shape.fields[name] = Kind.CHOICE
            shape.ranks[name] = {value: rank for rank, value in enumerate(enumerations[type_.name])}
        elif type_.name in _BY_TYPE:
            shape.fields[name] = _BY_TYPE[type_.name]
