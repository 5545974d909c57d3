"""A set of ids that takes eight bytes for each."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

_MASK = 2**64 - 1
#: Changes are kept apart until there are so many, or an eighth of the ids.
_FEW = 1000


class IdSet:
    """Ids, of each of which a number of 64 bits is kept: two of a million share theirs once in 30 million times."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._sorted = array("Q", sorted({_number(id) for id in ids}))
        self._added: set[int] = set()
        self._removed: set[int] = set()

    def __contains__(self, id: str) -> bool:
        number = _number(id)
        return number in self._added or (self._is_sorted(number) and number not in self._removed)

    def add(self, id: str) -> None:
        """Adds an id."""
        number = _number(id)
        self._removed.discard(number)
        if not self._is_sorted(number):
            self._added.add(number)
            self._settle()

    def discard(self, id: str) -> None:
        """Removes an id, if it is there."""
        number = _number(id)
        self._added.discard(number)
        if self._is_sorted(number):
            self._removed.add(number)
            self._settle()

    def _is_sorted(self, number: int) -> bool:
        place = bisect_left(self._sorted, number)
        return place < len(self._sorted) and self._sorted[place] == number

    def _settle(self) -> None:
        if len(self._added) + len(self._removed) > max(_FEW, len(self._sorted) // 8):
            self._sorted = array("Q", sorted((set(self._sorted) | self._added) - self._removed))
            self._added, self._removed = set(), set()


def _number(id: str) -> int:
    return hash(id) & _MASK
