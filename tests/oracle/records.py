"""The data as the oracle holds it: lists of rows, found by id and by reference."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from tests.oracle.shapes import Shape

#: The currency in which amounts are compared and summed.
REPORTING = "CNY"


def fold(text: str) -> str:
    """How texts compare without case."""
    return unicodedata.normalize("NFKC", text).casefold()


class Money(NamedTuple):
    """An amount, its currency, and what it is worth in the reporting currency."""

    amount: Decimal
    currency: str
    reporting: Decimal


class Row:
    """A record: its values by their names in the API."""

    __slots__ = ("type", "values")

    def __init__(self, type: str, values: dict[str, Any]) -> None:
        self.type = type
        self.values = values

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __repr__(self) -> str:
        return f"{self.type} {self.values['id']}"

    @property
    def is_living(self) -> bool:
        return self.values["deletedAt"] is None


class Records:
    """All rows there are."""

    def __init__(self, shapes: dict[str, Shape], rows: Iterable[Row]) -> None:
        self.shapes = shapes
        self.lists: dict[str, list[Row]] = {name: [] for name in shapes}
        self.by_id: dict[str, Row] = {}
        for row in rows:
            self.lists[row.type].append(row)
            self.by_id[row["id"]] = row
        self._children: dict[tuple[str, str], dict[str, list[Row]]] = {}

    def living(self, id: str | None) -> Row | None:
        """The record of an id, unless it is deleted."""
        row = None if id is None else self.by_id.get(id)
        return row if row is not None and row.is_living else None

    def to_one(self, row: Row, relation: str) -> Row | None:
        """The living record a reference leads to."""
        return self.living(row[f"{relation}Id"])

    def below(self, row: Row, name: str) -> list[Row]:
        """The rows of a list under a record, deleted ones with them."""
        target, reference = self.shapes[row.type].to_many[name]
        if (target, reference) not in self._children:
            found: dict[str, list[Row]] = defaultdict(list)
            for other in self.lists[target]:
                if other[reference] is not None:
                    found[other[reference]].append(other)
            self._children[target, reference] = found
        return self._children[target, reference].get(row["id"], [])
