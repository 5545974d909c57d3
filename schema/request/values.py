"""How large the values of a request are, in variables and as literals of its document.

Nothing here calls itself: values are as deep as a client likes. Each is looked at once, a list of a million only for
its length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FloatValueNode, IntValueNode, ListValueNode, ObjectValueNode, ValueNode, VariableNode

_NUL = "\0"
#: The types of values that hold others.
_COMPOUND = frozenset((dict, list))


@dataclass(slots=True)
class ValueSize:
    """What is measured of values.

    Attributes:
        conditions: members of input objects that filter, order or group.
        values: members of objects and items of lists, whatever they are.
        rows: objects in the outermost lists of the input of a mutation.
        nesting: levels of objects and lists.
        digits: of the longest number that is a literal.
    """

    conditions: int = 0
    values: int = 0
    rows: int = 0
    nesting: int = 0
    digits: int = 0

    def with_variable(self, value: Any, uses: "Sequence[tuple[VariableUse, int]]", most: "ValueSize") -> "ValueSize":
        """The same with the value of a variable.

        Args:
            value: as JSON gives it.
            uses: where it stands, and how often.
            most: of each, where measuring stops.
        """
        size = ValueSize(self.conditions, self.values, self.rows, self.nesting, self.digits)
        for use, often in uses:
            found = size_of_value(value, most, is_input=use.is_input)
            found.nesting += use.level
            size.add(found, often)
        return size

    def add(self, other: "ValueSize", times: int = 1) -> None:
        """Adds what is measured of another that stands there several times."""
        self.conditions += times * other.conditions
        self.values += times * other.values
        self.rows += times * other.rows
        self.nesting = max(self.nesting, other.nesting)
        self.digits = max(self.digits, other.digits)


@dataclass(frozen=True, slots=True)
class VariableUse:
    """Where a variable stands in a literal.

    Attributes:
        name: of the variable.
        is_input: whether that is the input of a mutation.
        level: how many objects and lists are around it.
    """

    name: str
    is_input: bool
    level: int


def size_of_value(value: Any, most: ValueSize, *, is_input: bool) -> ValueSize:
    """The size of the value of a variable; where there is more than `most` of something, what was measured until then.

    Args:
        value: as JSON gives it.
        most: of each, where measuring stops.
        is_input: whether it is the input of a mutation, or a part of that.
    """
    size = ValueSize()
    # Level by level; what is in a row of a bulk apart from what is not, because rows are not counted within rows.
    outside: list[Any] = [value] if type(value) in (dict, list) else []
    within: list[Any] = []
    while outside or within:
        size.nesting += 1
        next_outside: list[Any] = []
        next_within: list[Any] = []
        for held, below in ((outside, next_outside), (within, next_within)):
            objects = [one for one in held if type(one) is dict]
            lists = [one for one in held if type(one) is list]
            members = sum(map(len, objects))
            size.values += members + sum(map(len, lists))
            size.conditions += 0 if is_input else members
            if size.values > most.values or size.conditions > most.conditions:
                return size
            below += [item for one in objects for item in one.values() if type(item) in _COMPOUND]
            items = [item for one in lists for item in one if type(item) in _COMPOUND]
            if is_input and below is next_outside:
                rows = [item for item in items if type(item) is dict]
                size.rows += len(rows)
                if size.rows > most.rows:
                    return size
                next_within += rows
                items = [item for item in items if type(item) is list]
            below += items
        outside, within = next_outside, next_within
    return size


def size_of_literal(literal: ValueNode, *, is_input: bool) -> tuple[ValueSize, list[VariableUse]]:
    """The size of a literal, and the variables in it."""
    size, uses = ValueSize(), []
    left: list[tuple[ValueNode, int, bool]] = [(literal, 0, False)]
    while left:
        node, level, in_row = left.pop()
        if isinstance(node, VariableNode):
            uses.append(VariableUse(node.name.value, is_input, level))
        elif isinstance(node, ObjectValueNode):
            size.nesting = max(size.nesting, level + 1)
            size.values += len(node.fields)
            if not is_input:
                size.conditions += len(node.fields)
            left += [(field.value, level + 1, in_row) for field in node.fields]
        elif isinstance(node, IntValueNode | FloatValueNode):
            size.digits = max(size.digits, len(node.value))
        elif isinstance(node, ListValueNode):
            size.nesting = max(size.nesting, level + 1)
            size.values += len(node.values)
            for item in node.values:
                is_row = is_input and not in_row and isinstance(item, ObjectValueNode)
                size.rows += is_row
                left.append((item, level + 1, in_row or is_row))
    return size, uses


def nul_place(value: Any) -> tuple[str, ...] | None:
    """The way to a text in a value that has the character U+0000, which no database stores; None without any."""
    left: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while left:
        way, one = left.pop()
        if isinstance(one, str):
            if _NUL in one:
                return way
        elif isinstance(one, Mapping):
            left += [((*way, str(name)), item) for name, item in one.items()]
            left += [(way, name) for name in one]
        elif isinstance(one, list):
            left += [((*way, str(place)), item) for place, item in enumerate(one)]
    return None
