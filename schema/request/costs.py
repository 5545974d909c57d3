"""What an operation costs: the objects that its answer may have, the sizes of pages multiplied through nested lists."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution.collect_fields import FragmentDetails

from schema.request.limits import Limits

#: Items of a list that says nothing about its size, such as the exchange rates of a plugin.
_UNSIZED = 10


class Cost(NamedTuple):
    """The most objects that an answer has.

    Attributes:
        fixed: whatever the values of the variables.
        per_item: for each record that is asked for by its id, or row that is written.
    """

    fixed: int = 0
    per_item: int = 0

    def plus(self, other: "Cost") -> "Cost":
        """Both together."""
        return Cost(self.fixed + other.fixed, self.per_item + other.per_item)

    def of(self, items: int) -> int:
        """The cost with so many items."""
        return self.fixed + self.per_item * items


class CostMeasure:
    """Works out the cost of one operation, each fragment once."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDetails],
        limits: Limits,
        variables: Mapping[str, Any],
    ) -> None:
        """Prepares it.

        Args:
            schema: of the app.
            fragments: of the document.
            limits: the sizes of pages.
            variables: their values, as far as they are sizes of pages.
        """
        self._schema = schema
        self._fragments = fragments
        self._limits = limits
        self._variables = variables
        self._known: dict[str, Cost] = {}

    def operation(self, node: OperationDefinitionNode) -> Cost:
        """The cost of an operation that was found to be valid."""
        root = self._schema.get_root_type(node.operation)
        assert root is not None
        return self._selected(root, node.selection_set)

    def _selected(self, parent: GraphQLNamedType, selections: SelectionSetNode) -> Cost:
        """The cost of what is selected of an object; per item of the list that the object is a page of."""
        found = Cost()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                # What has no fields is part of an object, and costs nothing.
                if node.selection_set is not None:
                    found = found.plus(self._field(parent, node))
            elif isinstance(node, FragmentSpreadNode):
                found = found.plus(self._fragment(node.name.value))
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition
                found = found.plus(
                    self._selected(parent if on is None else self._schema.type_map[on.name.value], node.selection_set)
                )
        return found

    def _fragment(self, name: str) -> Cost:
        if name not in self._known:
            node = self._fragments[name].definition
            on = self._schema.type_map[node.type_condition.name.value]
            self._known[name] = self._selected(on, node.selection_set)
        return self._known[name]

    def _field(self, parent: GraphQLNamedType, node: FieldNode) -> Cost:
        definition = None
        if isinstance(parent, GraphQLObjectType):
            definition = self._schema.get_field(parent, node.name.value)
        elif hasattr(parent, "fields"):
            definition = parent.fields.get(node.name.value)
        if definition is None or node.selection_set is None:
            return Cost()
        kind = get_named_type(definition.type)
        below = self._selected(kind, node.selection_set)
        is_list = is_list_type(get_nullable_type(definition.type))
        if "first" in definition.args:
            size = self._size(node, self._limits.largest_page if is_list else self._limits.default_page)
            # A connection is a page of its list; groups are the list itself.
            return Cost(size * (1 + below.fixed)) if is_list else Cost(1 + below.of(size))
        if not is_list:
            return Cost(1).plus(below)
        if self._is_counted(parent, node):
            return Cost(0, 1 + below.fixed)
        return Cost(_UNSIZED * (1 + below.of(_UNSIZED)))

    def _is_counted(self, parent: GraphQLNamedType, node: FieldNode) -> bool:
        """Whether somebody above knows how long a list is: a page, or the input of a mutation."""
        is_page = parent.name.endswith("Connection")
        return is_page or parent.name.endswith("Payload") or (node.name.value == "nodes" and parent.name == "Query")

    def _size(self, node: FieldNode, otherwise: int) -> int:
        """The size of a page."""
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value: Any = argument.value
                asked: Any = None
                if isinstance(value, IntValueNode):
                    asked = int(value.value)
                elif isinstance(value, VariableNode):
                    asked = self._variables.get(value.name.value)
                if isinstance(asked, int):
                    # What is more than the largest is refused by name.
                    return max(0, min(asked, self._limits.largest_page))
        return otherwise
