"""How large a document may be, each fragment measured once, so that nesting fragments does not multiply the work."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from core.base.settings import Settings

#: Counts stop here; fragments that hold fragments that hold fragments grow without end.
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each that a document may have."""

    tokens: int
    depth: int
    fields: int
    aliases: int
    directives: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Those of the settings."""
        return cls(
            settings.maximum_tokens,
            settings.maximum_depth,
            settings.maximum_fields,
            settings.maximum_aliases,
            settings.maximum_directives,
        )


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured of a selection, fragments in place of their spreads."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def plus(self, other: "Size") -> "Size":
        """Both together."""
        return Size(
            max(self.depth, other.depth),
            min(self.fields + other.fields, _MOST),
            min(self.aliases + other.aliases, _MOST),
            min(self.directives + other.directives, _MOST),
        )


def exceeded(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """What is too large about a document; empty if nothing is."""
    measure = _Measure(document)
    return [
        error
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
        for error in _errors(node, measure.operation(node), limits)
    ]


def _errors(node: OperationDefinitionNode, size: Size, limits: Limits) -> Iterator[GraphQLError]:
    for what, found, most in (
        ("levels of selection", size.depth, limits.depth),
        ("fields", size.fields, limits.fields),
        ("aliases", size.aliases, limits.aliases),
        ("directives", size.directives, limits.directives),
    ):
        if found > most:
            yield GraphQLError(
                f"the query has {found} {what}; at most {most} are allowed. Split it into several queries", node
            )


class _Measure:
    """Measures selections of one document, each fragment once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}

    def operation(self, node: OperationDefinitionNode) -> Size:
        """The size of an operation."""
        return self._set(node.selection_set).plus(Size(directives=len(node.directives or ())))

    def _set(self, selections: SelectionSetNode | None) -> Size:
        found = Size()
        for node in selections.selections if selections is not None else ():
            found = found.plus(Size(directives=len(node.directives or ())))
            if isinstance(node, FragmentSpreadNode):
                found = found.plus(self._fragment(node.name.value))
            elif isinstance(node, FieldNode):
                below = self._set(node.selection_set)
                found = found.plus(Size(below.depth + 1, 1, int(node.alias is not None))).plus(below)
            elif isinstance(node, InlineFragmentNode):
                found = found.plus(self._set(node.selection_set))
        return found

    def _fragment(self, name: str) -> Size:
        """The size of a fragment; nothing of one that is unknown or holds itself, which other rules refuse."""
        if name not in self._known:
            self._known[name] = Size()
            if name in self._fragments:
                self._known[name] = self._set(self._fragments[name].selection_set)
        return self._known[name]
