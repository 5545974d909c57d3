"""Argument values with the variables still open, so that one plan serves every value of one shape.

A `Slot` stands where a variable's leaf value will be. What decides the statement (booleans, directions, grains, sizes
of pages, which keys an input object has, what is null) stays as it is and becomes part of the variables' shape.
"""

from collections.abc import Callable, Container, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)

from core.base.ids import prefix_of

#: Enumerations whose values decide the statement's text.
STRUCTURAL_ENUMS = frozenset({"Direction", "DateGrain"})


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a variable's leaf value.

    Attributes:
        path: variable name, then keys and indexes.
        prefixes: of the ids that it holds, where they decide the statement; None of what is not an id.
    """

    path: tuple[str | int, ...]
    prefixes: frozenset[str | None] | None = None

    def read(self, variables: Mapping[str, Any]) -> Any:
        """The value in these variables."""
        value: Any = variables
        for step in self.path:
            value = value[step]
        return value


def resolve(value: Any, variables: Mapping[str, Any]) -> Any:
    """A value with every slot filled from the variables."""
    if isinstance(value, Slot):
        return value.read(variables)
    if isinstance(value, list):
        return [resolve(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, variables) for key, item in value.items()}
    return value


def is_open(value: Any) -> bool:
    """Whether a value has a slot anywhere."""
    if isinstance(value, list):
        return any(map(is_open, value))
    return any(map(is_open, value.values())) if isinstance(value, dict) else isinstance(value, Slot)


def prefixes_of(given: Any) -> frozenset[str | None] | None:
    """The prefixes of an id, or of the ids of a list, in an argument; None if they are not known yet."""
    if isinstance(given, Slot):
        return given.prefixes
    if not isinstance(given, list):
        return frozenset({prefix_of(given)})
    found = [prefixes_of(item) for item in given]
    return None if None in found else frozenset().union(*(one for one in found if one))


#: Opens the value of one variable: with slots for its leaves, and its shape.
Opener = Callable[[Any], tuple[Any, Hashable]]


def openers(kinds: Mapping[str, GraphQLInputType], sizes: Container[str], ids: Container[str]) -> Mapping[str, Opener]:
    """How each variable of an operation is opened.

    Args:
        kinds: their types by name.
        sizes: those that are sizes of pages, which decide the statement's text too.
        ids: those that are ids, or lists of ids, of records of any type, whose types decide it too.
    """
    found: dict[str, Opener] = {}
    for name, kind in kinds.items():
        if name in sizes:
            found[name] = _open_size
        elif name in ids:
            found[name] = partial(_open_ids, name)
        else:
            found[name] = _opener(kind, (name,))
    return found


def open_variables(openers: Mapping[str, Opener], coerced: Mapping[str, Any]) -> tuple[dict[str, Any], Hashable]:
    """Coerced variables with slots for their leaves, and the shape that the slots leave out."""
    opened: dict[str, Any] = {}
    shape = []
    for name, opener in openers.items():
        if name in coerced:
            opened[name], mark = opener(coerced[name])
            shape.append((name, mark))
    return opened, tuple(shape)


def _open_size(value: Any) -> tuple[Any, Hashable]:
    return value, value


def _open_ids(name: str, value: Any) -> tuple[Any, Hashable]:
    if value is None:
        return None, None
    prefixes = prefixes_of(value)
    return Slot((name,), prefixes), prefixes


def _opener(kind: GraphQLInputType, path: tuple[str, ...]) -> Opener:
    """How a variable is opened; of a leaf, as most are, all but null comes out the same."""
    bare: Any = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if not isinstance(bare, GraphQLScalarType | GraphQLEnumType) or _decides(bare):
        return lambda value: _open(kind, value, path)
    null, leaf = (None, None), (Slot(path), ...)
    return lambda value: null if value is None else leaf


def _open(kind: GraphQLInputType, value: Any, path: tuple[str | int, ...]) -> tuple[Any, Hashable]:
    if isinstance(kind, GraphQLNonNull):
        return _open(kind.of_type, value, path)
    if value is None:
        return None, None
    if isinstance(kind, GraphQLInputObjectType):
        parts = {key: _open(kind.fields[key].type, item, (*path, key)) for key, item in value.items()}
        return {key: part[0] for key, part in parts.items()}, tuple((key, part[1]) for key, part in parts.items())
    if isinstance(kind, GraphQLList):
        return _open_list(kind.of_type, value, path)
    if _decides(kind):
        return value, value
    return Slot(path), ...


def _open_list(kind: GraphQLInputType, value: list[Any], path: tuple[str | int, ...]) -> tuple[Any, Hashable]:
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(inner, GraphQLScalarType | GraphQLEnumType) and not _decides(inner):
        return Slot(path), ...
    parts = [_open(kind, item, (*path, index)) for index, item in enumerate(value)]
    return [part[0] for part in parts], tuple(part[1] for part in parts)


def _decides(kind: Any) -> bool:
    return kind.name in STRUCTURAL_ENUMS or kind.name == "Boolean"
