"""How large a document is, fragments in place of their spreads, each looked at once.

A fragment that is spread twice in one that is spread twice counts four times, without being looked at four times. And
nothing here calls itself: a chain of fragments may be as long as a document.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from core.base.sentences import sentence
from schema.request.values import ValueSize, VariableUse, size_of_literal

#: The names of the root types, as this schema has them.
_ROOTS = ("Query", "Mutation")


@dataclass(slots=True)
class DocumentSize:
    """What is measured of a document: of all its operations, and of fragments that none of them uses.

    Attributes:
        depth: levels of fields.
        fields, aliases, directives: as often as fragments bring them there.
        root_fields: fields of operations themselves.
        fragments: definitions.
        values: in arguments, without those of variables.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    fragments: int = 0
    values: ValueSize = field(default_factory=ValueSize)

    def add(self, other: "DocumentSize", times: int = 1, level: int = 0) -> None:
        """Adds what is measured of a part that stands there several times, at a level at most."""
        self.depth = max(self.depth, level + other.depth)
        self.fields += times * other.fields
        self.aliases += times * other.aliases
        self.directives += times * other.directives
        self.root_fields += times * other.root_fields
        self.values.add(other.values, times)


@dataclass(slots=True)
class _Part:
    """An operation or a fragment by itself, with how often and how deep at most it spreads others."""

    selections: SelectionSetNode
    size: DocumentSize = field(default_factory=DocumentSize)
    uses: Counter[VariableUse] = field(default_factory=Counter)
    spreads: dict[str, tuple[int, int]] = field(default_factory=dict)


class DocumentMeasure:
    """The measure of one document."""

    def __init__(self, document: DocumentNode) -> None:
        """Looks at each of its nodes once.

        Raises:
            GraphQLError: fragments spread each other in a circle.
        """
        self._nodes = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
        self._count = len(self._nodes)
        self._fragments: dict[str, _Part] = {}
        for node in self._nodes:
            on = node.type_condition.name.value
            self._fragments[node.name.value] = _part_of(
                node.selection_set, len(node.directives or ()), is_root=on in _ROOTS, is_mutation=on == "Mutation"
            )
        self._operations = {
            id(node): _part_of(
                node.selection_set,
                len(node.directives or ()),
                is_root=True,
                is_mutation=node.operation is OperationType.MUTATION,
            )
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        parts = (*self._operations.values(), *self._fragments.values())
        self._spread = Counter(name for part in parts for name in part.spreads)
        self._order = self._in_order()

    def _in_order(self) -> Sequence[str]:
        """The fragments, each before those that it spreads."""
        above = Counter(name for part in self._fragments.values() for name in part.spreads)
        found = [name for name in self._fragments if not above[name]]
        for name in found:
            for below in self._fragments[name].spreads:
                above[below] -= 1
                if not above[below] and below in self._fragments:
                    found.append(below)
        if len(found) < len(self._fragments):
            placed = set(found)
            circle = [node for node in self._nodes if node.name.value not in placed][:5]
            names = [node.name.value for node in circle]
            message = sentence("fragments spread each other in a circle, or are spread by such: {names}", names=names)
            raise GraphQLError(message, circle)
        return found

    def document(self) -> DocumentSize:
        """The size of all of it; what validation compares is only counted where it is not too large already."""
        times, levels = self._placed(self._operations.values(), with_unused=True)
        size = DocumentSize(fragments=self._count)
        for part in self._operations.values():
            size.add(part.size)
        for name in self._order:
            size.add(self._fragments[name].size, times[name], levels[name])
        return size

    def comparisons(self, most: int) -> int:
        """Pairs of fields that validation compares, because they have one name in one place; counted until `most`."""
        found = 0
        unused = [name for name in self._order if not self._spread[name]]
        groups = [[part.selections] for part in self._operations.values()]
        groups += [[self._fragments[name].selections] for name in unused]
        while groups and found <= most:
            fields, spread = self._merged(groups.pop())
            found += spread
            for several in fields.values():
                found += len(several) * (len(several) - 1) // 2
                below = [node.selection_set for node in several if node.selection_set is not None]
                if below:
                    groups.append(below)
        return found

    def _merged(self, left: list[SelectionSetNode]) -> tuple[Mapping[str, list[FieldNode]], int]:
        """The fields of selections of one place by the name they are answered under, and how many fragments are in it.

        Each fragment is put in place once.
        """
        fields: dict[str, list[FieldNode]] = defaultdict(list)
        seen: set[str] = set()
        while left:
            for node in left.pop().selections:
                if isinstance(node, FieldNode):
                    fields[(node.alias or node.name).value].append(node)
                elif isinstance(node, InlineFragmentNode):
                    left.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                    seen.add(node.name.value)
                    if node.name.value in self._fragments:
                        left.append(self._fragments[node.name.value].selections)
        return fields, len(seen)

    def operation(self, node: OperationDefinitionNode) -> tuple[ValueSize, Mapping[VariableUse, int]]:
        """The size of the literals of one operation, and how often each variable stands where in it.

        What a variable is without a value given is among the literals.
        """
        part = self._operations[id(node)]
        times, _ = self._placed([part], with_unused=False)
        size = ValueSize()
        uses: Counter[VariableUse] = Counter()
        for other, often in [(part, 1), *((self._fragments[name], times[name]) for name in self._order)]:
            if often:
                size.add(other.size.values, often)
                for use, count in other.uses.items():
                    uses[use] += often * count
        for definition in node.variable_definitions or ():
            if definition.default_value is not None:
                for use, count in uses.items():
                    if use.name == definition.variable.name.value:
                        size.add(size_of_literal(definition.default_value, is_input=use.is_input)[0], count)
        return size, uses

    def _placed(self, roots: Iterable[_Part], *, with_unused: bool) -> tuple[Counter[str], Counter[str]]:
        """How often each fragment is put in place below some operations, and at which level at most."""
        times: Counter[str] = Counter()
        levels: Counter[str] = Counter()

        def spread(part: _Part, often: int, level: int) -> None:
            for name, (count, deepest) in part.spreads.items():
                times[name] += often * count
                levels[name] = max(levels[name], level + deepest)

        for part in roots:
            spread(part, 1, 0)
        for name in self._order:
            if with_unused and not self._spread[name]:
                times[name] = 1
            if times[name]:
                spread(self._fragments[name], times[name], levels[name])
        return times, levels


def _part_of(selections: SelectionSetNode, directives: int, *, is_root: bool, is_mutation: bool) -> _Part:
    """An operation or a fragment, each node of it looked at once."""
    part = _Part(selections)
    size = part.size
    size.directives = directives
    left = [(selections, 0)]
    while left:
        below, level = left.pop()
        for node in below.selections:
            size.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                size.fields += 1
                size.root_fields += is_root and level == 0
                size.aliases += node.alias is not None
                size.depth = max(size.depth, level + 1)
                for argument in node.arguments or ():
                    values, uses = size_of_literal(argument.value, is_input=is_mutation and level == 0)
                    size.values.add(values)
                    part.uses.update(uses)
                if node.selection_set is not None:
                    left.append((node.selection_set, level + 1))
            elif isinstance(node, InlineFragmentNode):
                left.append((node.selection_set, level))
            elif isinstance(node, FragmentSpreadNode):
                count, deepest = part.spreads.get(node.name.value, (0, 0))
                part.spreads[node.name.value] = (count + 1, max(deepest, level))
    return part
