"""The SDL without what the oracle does not know: some plugins make more of a record than is worked out here."""

import re
from collections.abc import Callable, Collection
from typing import Any

from graphql import DocumentNode, parse

#: Says whether the oracle knows a record or a field that a plugin declares: by the plugin's name and its own.
Knows = Callable[[str, str], bool]

#: What the types that go with a record are called after it.
_SATELLITES = r"(Edge|Connection|Aggregate|Group|Where|Order|Having|Sum|Avg|Values|Numbers)\w*"

#: Fields that every record has, whatever is entered of it.
_OF_EVERY_RECORD = {"id", "version", "createdAt", "createdBy", "updatedAt", "updatedBy", "deletedAt"}

#: Fields of the core that are made by a library, and worked out nowhere here.
_UNKNOWN = {"namePinyin"}

_BUILT_IN = {"ID", "String", "Int", "Float", "Boolean"}


def pruned(sdl: str, knows: Knows, as_entered: Collection[str] = ()) -> DocumentNode:
    """The SDL as a document, without unknown records and fields and all that leads to them.

    Args:
        sdl: of the app.
        knows: says what is known.
        as_entered: records of which only what is entered is known, and nothing that is made of it.
    """
    definitions = list(parse(sdl, no_location=True).definitions)
    unknown = [node.name.value for node in definitions if not _is_known(node, knows)]
    gone = re.compile("|".join(f"{name}({_SATELLITES})?" for name in unknown) or r"\b\B")
    kept = [node for node in definitions if not (hasattr(node, "name") and gone.fullmatch(node.name.value))]
    for node in kept:
        _keep(node, [field for field in _fields(node) if _is_known(field, knows)])
    for record in as_entered:
        _keep_entered(record, kept)
    return DocumentNode(definitions=tuple(_without_loose_ends(kept)))


def _without_loose_ends(definitions: list[Any]) -> list[Any]:
    """The definitions without fields whose type is gone, and without types that lost all of their fields."""
    while True:
        names = {node.name.value for node in definitions if hasattr(node, "name")} | _BUILT_IN
        loose = False
        for node in definitions:
            fields = [field for field in _fields(node) if _type_of(field) in names]
            loose = loose or len(fields) < len(_fields(node))
            _keep(node, fields)
        left = [node for node in definitions if getattr(node, "fields", None) is None or _fields(node)]
        if not loose and len(left) == len(definitions):
            return left
        definitions = left


def _keep_entered(record: str, definitions: list[Any]) -> None:
    """Takes from a record, and from the types that go with it, what is not entered of it."""
    named = {node.name.value: node for node in definitions if hasattr(node, "name")}
    entered = {field.name.value for field in _fields(named[f"Create{record}Input"])} | _OF_EVERY_RECORD
    made = {field.name.value for field in _fields(named[record])}
    made -= entered | {name.removesuffix("Id") for name in entered}
    family = re.compile(f"{record}({_SATELLITES})?")
    for name, node in named.items():
        if family.fullmatch(name):
            _keep(node, [field for field in _fields(node) if field.name.value not in made])


def _is_known(node: Any, knows: Knows) -> bool:
    owners = [
        argument.value.value
        for directive in getattr(node, "directives", None) or ()
        if directive.name.value == "plugin"
        for argument in directive.arguments
        if argument.name.value == "name"
    ]
    named = getattr(getattr(node, "name", None), "value", "")
    return named not in _UNKNOWN and all(knows(owner, named) for owner in owners)


def _fields(node: Any) -> tuple[Any, ...]:
    return tuple(getattr(node, "fields", None) or ())


def _keep(node: Any, fields: list[Any]) -> None:
    if len(fields) < len(_fields(node)):
        # Nodes are frozen, but these were parsed for nobody else.
        object.__setattr__(node, "fields", tuple(fields))


def _type_of(field: Any) -> str:
    inner = field.type
    while hasattr(inner, "type"):
        inner = inner.type
    return str(inner.name.value)
