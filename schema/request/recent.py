"""Values by key, of which those used last are kept."""

from collections.abc import Callable, Hashable
from itertools import count
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """So many values by key; the one that was not used for longest goes. Threads may share it.

    Unlike `lru_cache` it can be asked what it has without making what it has not. A key is hashed once each time, for
    that takes longest; so when a value goes, it is looked for.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        #: By key the value, and when it was used last.
        self._entries: dict[Hashable, tuple[V, list[int]]] = {}
        self._next = count().__next__
        self._lock = Lock()
        #: How often `find` had a value, and how often not.
        self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Hashable) -> V | None:
        """The value of a key; None if there is none."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        entry[1][0] = self._next()
        return entry[0]

    def keep(self, key: Hashable, value: V) -> V:
        """Keeps a value, and returns it."""
        with self._lock:
            self._entries[key] = (value, [self._next()])
            if len(self._entries) > self._most:
                self._drop_one()
        return value

    def trim(self, weigh: Callable[[V], int], most: int) -> int:
        """Lets go of values until the rest weighs no more than so much, but never of all; returns its weight."""
        with self._lock:
            weights = {key: weigh(value) for key, (value, _) in self._entries.items()}
            total = sum(weights.values())
            while total > most and len(self._entries) > 1:
                total -= weights[self._drop_one()]
        return total

    def _drop_one(self) -> Hashable:
        oldest = min(self._entries, key=lambda known: self._entries[known][1][0])
        del self._entries[oldest]
        return oldest
