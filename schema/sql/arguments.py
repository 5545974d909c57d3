"""Values of arguments, coerced by the fields that a document gives.

graphql-core looks at every field of an input type anew for each object, and conditions are of types with hundreds.
What is done here gives the same values; whatever else there is, and what is wrong, is for graphql-core to say.
"""

from typing import Any
from weakref import WeakKeyDictionary

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import FragmentVariableValues, VariableValues, coerce_argument
from graphql.utilities.coerce_input_value import (
    coerce_default_value,
    coerce_input_literal,
    get_coerced_variable_value,
)


def argument_values(
    definition: GraphQLField,
    node: FieldNode,
    variables: VariableValues,
    of_fragment: FragmentVariableValues | None = None,
) -> dict[str, Any]:
    """The values of a field's arguments, by their names in Python.

    Raises:
        GraphQLError: one is not as it is declared.
    """
    given = {argument.name.value: argument for argument in node.arguments or ()}
    values = _Values(variables, of_fragment)
    found: dict[str, Any] = {}
    for name, argument in definition.args.items():
        there = given.get(name)
        if there is not None and isinstance(there.value, ObjectValueNode | ListValueNode):
            value = values.coerced(there.value, argument.type)
            if value is not Undefined:
                found[argument.out_name or name] = value
                continue
        coerce_argument(found, node, name, argument, there, variables, of_fragment)
    return found


class _Values:
    """Literals with the variables of a request in them."""

    def __init__(self, variables: VariableValues, of_fragment: FragmentVariableValues | None) -> None:
        self._variables = variables
        self._of_fragment = of_fragment

    def coerced(self, node: ValueNode, type_: GraphQLInputType) -> Any:
        """A value of a type; `Undefined` where graphql-core is to be asked."""
        bare: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(node, ListValueNode) and isinstance(bare, GraphQLList):
            items = [self.coerced(item, bare.of_type) for item in node.values]
            return Undefined if any(item is Undefined for item in items) else items
        if isinstance(node, ObjectValueNode) and isinstance(bare, GraphQLInputObjectType):
            return self._object(node, bare)
        return coerce_input_literal(node, type_, self._variables, self._of_fragment)

    def _object(self, node: ObjectValueNode, type_: GraphQLInputObjectType) -> Any:
        names = {field.name.value for field in node.fields}
        if not names <= type_.fields.keys() or (type_.is_one_of and len(names) != 1):
            return Undefined
        given = {field.name.value: field.value for field in node.fields if not self._is_missing(field.value)}
        places = _places_of(type_)
        found: dict[str, Any] = {}
        for name in sorted({*given, *places.unasked}, key=places.order.__getitem__):
            field = type_.fields[name]
            value = self.coerced(given[name], field.type) if name in given else coerce_default_value(field)
            if value is Undefined or (value is None and type_.is_one_of):
                return Undefined
            found[field.out_name or name] = value
        return Undefined if type_.is_one_of and not found else type_.out_type(found)

    def _is_missing(self, node: ValueNode) -> bool:
        if not isinstance(node, VariableNode):
            return False
        return get_coerced_variable_value(node, self._variables, self._of_fragment) is Undefined


class _Places:
    """The fields of an input type.

    Attributes:
        order: the place of each.
        unasked: those that have a value, or are wrong, where none is given.
    """

    __slots__ = ("order", "unasked")

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self.order = {name: place for place, name in enumerate(type_.fields)}
        self.unasked = [
            name
            for name, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull) or coerce_default_value(field) is not Undefined
        ]


_known: WeakKeyDictionary[GraphQLInputObjectType, _Places] = WeakKeyDictionary()


def _places_of(type_: GraphQLInputObjectType) -> _Places:
    found = _known.get(type_)
    if found is None:
        found = _known[type_] = _Places(type_)
    return found
