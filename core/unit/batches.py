"""Batches: rows to be written together, in chunks in which each finds what those before it made."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from core.base.errors import UserError
from core.log.changes import Changes
from core.unit.drafts import Draft
from core.unit.unit import Unit

#: Rows written, validated and handed to hooks together.
CHUNK = 500

#: A row with its number in the batch.
NumberedRow = tuple[int, Any]


class Batch(ABC):
    """What is asked for, row by row, and how its rows become drafts.

    Attributes:
        rows: what is asked, in order.
        is_alone: nothing else is written in the transaction, which is rolled back if its one row is refused.
    """

    rows: Sequence[Any]
    is_alone: bool

    @abstractmethod
    def marks(self, row: Any) -> Collection[Any]:
        """What a row is known by; of two rows with one mark the second sees what the first did."""

    @abstractmethod
    def needs(self, row: Any) -> Collection[Any]:
        """The marks of rows that have to be written before it."""

    @abstractmethod
    def drafts(self, unit: Unit, rows: Sequence[NumberedRow]) -> list[Draft]:
        """The drafts of a chunk; asked for again when the chunk is repeated."""

    def afterthoughts(self, unit: Unit, changes: Changes) -> Mapping[int, Sequence[UserError]]:
        """What is wrong with the rows of a chunk once they are written, by row."""
        return {}

    def chunks(self) -> Iterator[list[NumberedRow]]:
        """Its rows in portions of at most `CHUNK`."""
        portion: list[NumberedRow] = []
        seen: set[Any] = set()
        for index, row in enumerate(self.rows):
            mine = self.marks(row)
            if len(portion) == CHUNK or not seen.isdisjoint(mine) or not seen.isdisjoint(self.needs(row)):
                yield portion
                portion, seen = [], set()
            portion.append((index, row))
            seen.update(mine)
        if portion:
            yield portion
