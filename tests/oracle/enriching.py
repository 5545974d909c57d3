"""Queries of hypothesis-graphql brought down to earth: values that are there, lists of some rows, one key of each order."""

from random import Random
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    IntValueNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    print_ast,
    visit,
)

from tests.oracle.records import Records
from tests.oracle.world import WORDS

#: Values of scalars that are not texts, as they are written.
SCALARS = {
    "Decimal": ["0", "0.5", "10", "100.00", "-1", "7.81234567"],
    "Date": ["2024-02-29", "2025-01-01", "2025-06-15"],
    "DateTime": ["2025-01-01T00:00:00Z", "2025-06-15T12:00:00.001Z", "2024-02-29T23:59:59.999+00:00"],
    "CurrencyCode": ["CNY", "EUR", "JPY"],
    "JSON": ["x"],
}


def enriched(schema: GraphQLSchema, records: Records, text: str, random: Random) -> str:
    """The same query with such values."""
    info = TypeInfo(schema)
    document = visit(parse(text), TypeInfoVisitor(info, _Enrich(info, records, random)))
    return print_ast(document)


class _Enrich(Visitor):
    def __init__(self, info: TypeInfo, records: Records, random: Random) -> None:
        super().__init__()
        self._info = info
        self._random = random
        self._ids = list(records.by_id)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> Any:
        # A filter by null is refused, which is soon seen.
        return REMOVE if isinstance(node.value, NullValueNode) and self._random.random() < 0.95 else None

    def enter_object_value(self, node: ObjectValueNode, *_: Any) -> Any:
        kind = get_named_type(self._info.get_input_type())
        if not isinstance(kind, GraphQLInputObjectType) or not kind.is_one_of:
            return None
        given = [field for field in node.fields if not isinstance(field.value, NullValueNode)]
        return ObjectValueNode(fields=(self._random.choice(given),)) if given else None

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        if node.name.value in ("first", "last") and isinstance(node.value, IntValueNode):
            number = IntValueNode(value=str(self._random.randint(0, 20)))
            return ArgumentNode(name=node.name, value=number)
        if node.name.value in ("after", "before", "last") and self._random.random() < 0.9:
            return REMOVE
        return None

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Any:
        kind = self._info.get_input_type()
        name = None if kind is None else get_named_type(kind).name
        if name == "ID":
            return StringValueNode(value=self._random.choice(self._ids))
        if name == "String":
            word = self._random.choice(WORDS)
            return StringValueNode(value=word[: self._random.randint(1, len(word))])
        return None
