"""Order: the place of a row among others, by its sort keys and at the end by its id."""

from collections.abc import Mapping, Sequence
from functools import total_ordering
from typing import Any, NamedTuple

from tests.oracle.aggregates import Way, way_to
from tests.oracle.filters import fold
from tests.oracle.records import Records, Row
from tests.oracle.shapes import Kind


@total_ordering
class Down:
    """A value that sorts before smaller ones."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Down) and self.value == other.value

    def __lt__(self, other: "Down") -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)


class SortKey(NamedTuple):
    """One key of an order: the way to its field, and its direction."""

    way: Way
    descending: bool = False
    nulls_first: bool = False


def place_of(value: Any, *, descending: bool, nulls_first: bool) -> tuple[Any, ...]:
    """A value as it sorts: missing ones last unless they are to come first."""
    if value is None:
        return (0,) if nulls_first else (2,)
    return (1, Down(value) if descending else value)


def direction(given: str) -> tuple[bool, bool]:
    """Whether a direction descends, and whether missing values come first."""
    return given.startswith("DESC"), given.endswith("NULLS_FIRST")


def sort_keys(records: Records, type: str, order: Sequence[Mapping[str, Any]] | None) -> list[SortKey]:
    """The keys of an order, ended by the id in the direction of the last of them."""
    if order:
        keys = [SortKey(way, *direction(end)) for way, end in map(way_to, order)]
    else:
        keys = [SortKey((name,), descending) for name, descending in records.shapes[type].default_order]
    return [*keys, SortKey(("id",), keys[-1].descending if keys else False)]


def place(records: Records, row: Row, keys: Sequence[SortKey]) -> tuple[Any, ...]:
    """The place of a row in an order."""
    return tuple(
        place_of(_value(records, row, key.way), descending=key.descending, nulls_first=key.nulls_first) for key in keys
    )


def key_place(records: Records, type: str, way: Way, value: Any) -> Any:
    """A group's key as it sorts: texts without case, enumerations by their values' declared places."""
    for step in way[:-1]:
        type = records.shapes[type].to_one[step]
    rank = records.shapes[type].ranks.get(way[-1])
    if records.shapes[type].fields.get(way[-1]) is Kind.TEXT and value is not None:
        return fold(value)
    return value if rank is None or value is None else rank[value]


def _value(records: Records, row: Row | None, way: Way) -> Any:
    for step in way[:-1]:
        row = None if row is None else records.to_one(row, step)
    if row is None:
        return None
    kind, value = records.shapes[row.type].fields[way[-1]], row[way[-1]]
    if value is None:
        return None
    if kind is Kind.TEXT:
        return fold(value)
    if kind is Kind.CHOICE:
        return records.shapes[row.type].ranks[way[-1]][value]
    return value.reporting if kind is Kind.MONEY else value
