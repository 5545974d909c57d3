"""Parts of documents that decide how they are handled: their nodes, and variables by where they stand."""

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    SKIP,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    ListValueNode,
    Node,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)


def nodes(document: DocumentNode) -> Iterator[Node]:
    """All nodes of a document."""
    left: list[Node] = [document]
    while left:
        node = left.pop()
        yield node
        for key in node.keys:
            value = getattr(node, key, None)
            if isinstance(value, Node):
                left.append(value)
            elif isinstance(value, tuple | list):
                left += [item for item in value if isinstance(item, Node)]


def fields(document: DocumentNode) -> Iterator[FieldNode]:
    """All fields that a document selects, in no order."""
    left: list[Any] = [*document.definitions]
    while left:
        node = left.pop()
        if isinstance(node, FieldNode):
            yield node
        inner: SelectionSetNode | None = getattr(node, "selection_set", None)
        if inner is not None:
            left += inner.selections


def used_below(document: DocumentNode) -> set[str]:
    """The variables that plans of a mutation's payloads may use: not those of its root fields' arguments alone.

    A bulk input is large, and no part of any plan.
    """
    found: set[str] = set()

    class Collect(Visitor):
        def enter_argument(self, node: Any, key: Any, parent: Any, path: Any, ancestors: Sequence[Any]) -> Any:
            fields = sum(isinstance(ancestor, FieldNode) for ancestor in ancestors)
            in_fragment = any(isinstance(ancestor, FragmentDefinitionNode) for ancestor in ancestors)
            in_directive = any(isinstance(ancestor, DirectiveNode) for ancestor in ancestors)
            return None if fields > 1 or in_fragment or in_directive else SKIP

        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            found.add(node.name.value)

        def enter_variable_definition(self, *_: Any) -> Any:
            return SKIP

    visit(document, Collect())
    return found


def deciding(document: DocumentNode) -> tuple[set[str], set[str]]:
    """The variables that decide a statement by their values: sizes of pages, and ids of records of any type.

    A database plans a long page differently from a short one, and an id says which one of all tables to look into.
    """
    sizes: set[str] = set()
    ids: set[str] = set()

    def note(found: set[str], value: Any) -> None:
        if isinstance(value, VariableNode):
            found.add(value.name.value)
        elif isinstance(value, ListValueNode):
            for item in value.values:
                note(found, item)

    for field in fields(document):
        for argument in field.arguments or ():
            if argument.name.value in ("first", "last"):
                note(sizes, argument.value)
            elif field.name.value in ("node", "nodes") or argument.name.value == "about":
                note(ids, argument.value)
    return sizes, ids
