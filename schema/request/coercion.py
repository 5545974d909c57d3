"""Values of variables coerced by what is prepared once per input type.

graphql-core looks at every field of a type anew for each object. What is prepared here goes by the fields that are
given, and gives the same values; what it does not take, graphql-core is asked about, which also says what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

#: Coerces a value that is not null; `Undefined` where graphql-core is to be asked.
Coerce = Callable[[Any], Any]

#: Sets of given fields that are prepared per input type; the rest are prepared anew each time.
_MOST_SHAPES = 200


class Coercion:
    """The coercion of the input types of one schema."""

    def __init__(self) -> None:
        self._known: dict[Any, Coerce] = {}

    def prepare(
        self, signatures: Sequence[GraphQLVariableSignature]
    ) -> Sequence[tuple[GraphQLVariableSignature, Coerce]]:
        """How the values of variables are coerced, null included."""
        return [(signature, _or_null(signature.type, self._of(signature.type))) for signature in signatures]

    def _of(self, type_: GraphQLInputType) -> Coerce:
        bare: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLList):
            return self._of_list(bare)
        found = self._known.get(bare)
        if found is None:
            found = self._of_object(bare) if isinstance(bare, GraphQLInputObjectType) else _of_leaf(bare)
            self._known[bare] = found
        return found

    def _of_list(self, type_: GraphQLList[Any]) -> Coerce:
        coerce, is_required = self._of(type_.of_type), isinstance(type_.of_type, GraphQLNonNull)

        def coerce_all(values: Any) -> Any:
            if type(values) is not list:
                return Undefined
            found = []
            for value in values:
                if value is not None:
                    value = coerce(value)
                elif is_required:
                    return Undefined
                if value is Undefined:
                    return Undefined
                found.append(value)
            return found

        return coerce_all

    def _of_object(self, type_: GraphQLInputObjectType) -> Coerce:
        shapes: dict[tuple[str, ...], _Shape | None] = {}

        def coerce_object(value: Any) -> Any:
            if type(value) is not dict:
                return Undefined
            names = tuple(value)
            if names not in shapes:
                if len(shapes) == _MOST_SHAPES:
                    shapes.clear()
                shapes[names] = self._shape(type_, names)
            shape = shapes[names]
            if shape is None:
                return Undefined
            defaults, fields = shape
            found = defaults.copy()
            for name, out_name, plain, coerce, is_required in fields:
                item = value[name]
                if item is None:
                    if is_required:
                        return Undefined
                elif type(item) is not plain:
                    item = coerce(item)
                    if item is Undefined:
                        return Undefined
                found[out_name] = item
            return type_.out_type(found)

        return coerce_object

    def _shape(self, type_: GraphQLInputObjectType, names: Sequence[str]) -> "_Shape | None":
        """How an object with these fields is coerced; None if it is not valid whatever they hold."""
        given = set(names)
        if not given <= type_.fields.keys() or (type_.is_one_of and len(given) != 1):
            return None
        found: dict[str, Any] = {}
        fields = []
        for name, field in type_.fields.items():
            out_name = field.out_name or name
            is_required = isinstance(field.type, GraphQLNonNull)
            if name in given:
                found[out_name] = None
                plain = str if _is_text(field.type) else None
                # Only of what is given: a type may contain itself.
                fields.append((name, out_name, plain, self._of(field.type), is_required or type_.is_one_of))
                continue
            default = coerce_default_value(field)
            if default is not Undefined:
                found[out_name] = default
            elif is_required:
                return None
        return found, fields


#: All that is found in an object, with its defaults; and of the fields that are given: name, name in Python, type of
#: the values that stay as they are, coercion of the others, and whether null is refused.
_Shape = tuple[dict[str, Any], Sequence[tuple[str, str, type | None, Coerce, bool]]]


def coerced_variables(
    prepared: Sequence[tuple[GraphQLVariableSignature, Coerce]], given: Mapping[str, Any]
) -> VariableValues | None:
    """The values of variables; None where graphql-core is to be asked."""
    sources, coerced = {}, {}
    for signature, coerce in prepared:
        name = signature.name
        value = given.get(name, Undefined)
        if value is Undefined:
            sources[name] = VariableValueSource(signature)
            if signature.default is not None and signature.default.literal is not None:
                # Anew each time: a plugin gets it as an object, and may change that.
                found = coerce_input_literal(signature.default.literal, signature.type)
                if found is Undefined:
                    return None
                coerced[name] = found
            elif isinstance(signature.type, GraphQLNonNull):
                return None
            continue
        found = coerce(value)
        if found is Undefined:
            return None
        sources[name] = VariableValueSource(signature, value)
        coerced[name] = found
    return VariableValues(sources, coerced)


def _or_null(type_: GraphQLInputType, coerce: Coerce) -> Coerce:
    """A coercion that takes null too."""
    null = Undefined if isinstance(type_, GraphQLNonNull) else None
    return lambda value: null if value is None else coerce(value)


def _is_text(type_: GraphQLInputType) -> bool:
    """Whether it takes texts as they are."""
    return (type_.of_type if isinstance(type_, GraphQLNonNull) else type_) in (GraphQLString, GraphQLID)


def _of_leaf(type_: GraphQLScalarType | GraphQLEnumType) -> Coerce:
    def by_type(value: Any) -> Any:
        try:
            return type_.coerce_input_value(value)
        except Exception:
            return Undefined

    if _is_text(type_):
        return lambda value: value if type(value) is str else by_type(value)
    if type_ == GraphQLInt:
        return lambda value: value if type(value) is int and abs(value) <= GRAPHQL_MAX_INT else by_type(value)
    return by_type
