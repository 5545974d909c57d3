"""The smallest query that still shows a difference: parts of it are left out as long as it does."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
    print_ast,
)

#: What may be left out of a query, one item at a time.
_LISTS = ("selections", "arguments", "directives", "fields", "values")


def shrink(text: str, shows_it: Callable[[str], bool], most_tries: int = 600) -> str:
    """The query made smaller, as long as `shows_it` holds of it."""
    document = parse(text, no_location=True)
    tries = 0
    found = True
    while found:
        found = False
        for place in range(len(list(_places(document)))):
            while tries < most_tries:
                smaller = _without(document, place)
                tries += 1
                if smaller is None or not shows_it(print_ast(smaller)):
                    break
                document, found = smaller, True
    return print_ast(document)


def _places(node: Any) -> Iterator[tuple[Any, str, int]]:
    """Every item that could be left out, outer ones first."""
    for name in _LISTS:
        for index, _ in enumerate(getattr(node, name, None) or ()):
            yield node, name, index
    for child in _children(node):
        yield from _places(child)


def _children(node: Any) -> Iterator[Any]:
    for name in node.keys:
        value = getattr(node, name, None)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple | list):
            yield from value


def _without(document: DocumentNode, place: int) -> DocumentNode | None:
    """The document without one of its items, and without what nothing uses any more; None where there is none."""
    smaller = deepcopy(document)
    places = list(_places(smaller))
    if place >= len(places):
        return None
    owner, name, index = places[place]
    left = [item for number, item in enumerate(getattr(owner, name)) if number != index]
    if not left and isinstance(owner, SelectionSetNode):
        return None
    _set(owner, name, left)
    operation = next(part for part in smaller.definitions if isinstance(part, OperationDefinitionNode))
    fragments = {part.name.value: part for part in smaller.definitions if isinstance(part, FragmentDefinitionNode)}
    used: dict[str, FragmentDefinitionNode] = {}
    _follow(operation, fragments, used)
    _set(smaller, "definitions", [operation, *used.values()])
    wanted = {node.name.value for part in smaller.definitions for node in _all(part) if isinstance(node, VariableNode)}
    declared = [made for made in operation.variable_definitions or () if made.variable.name.value in wanted]
    _set(operation, "variable_definitions", declared)
    return smaller


def _set(node: Node, name: str, items: Sequence[Any]) -> None:
    # Nodes are frozen, but this copy is nobody else's.
    object.__setattr__(node, name, tuple(items))


def _follow(node: Any, fragments: dict[str, FragmentDefinitionNode], used: dict[str, FragmentDefinitionNode]) -> None:
    for other in _all(node):
        if isinstance(other, FragmentSpreadNode) and other.name.value not in used:
            used[other.name.value] = fragments[other.name.value]
            _follow(fragments[other.name.value], fragments, used)


def _all(node: Any) -> Iterator[Any]:
    """A node and all below it, but for the declarations of variables."""
    yield node
    for child in _children(node):
        if not isinstance(child, VariableDefinitionNode):
            yield from _all(child)
