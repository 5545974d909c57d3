"""What reads: runs statements that give one JSON value, on connections of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: How many statements a connection keeps prepared, as long as `core.db.prepared` does not find them too long.
PREPARED_STATEMENTS = 100


@dataclass(frozen=True, slots=True)
class Steps:
    """An engine's query plan for a statement.

    Attributes:
        lines: its own words, one step per line, indented.
        indexes: those it uses, in order of their names.
    """

    lines: Sequence[str]
    indexes: Sequence[str]

    @classmethod
    def of(cls, lines: Sequence[str], pattern: re.Pattern[str]) -> "Steps":
        """Those of an engine whose words name an index as the pattern says."""
        found = {name for line in lines for name in pattern.findall(line)}
        return cls(lines, sorted(found))


class Turns(Protocol):
    """Those who use connections and those who wait for one."""

    @property
    def busy(self) -> int:
        """How many are in use."""
        ...

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        ...


class Reader(Protocol):
    """Runs statements that give one JSON value."""

    @property
    def pool(self) -> Turns:
        """Its connections."""
        ...

    async def open(self) -> None:
        """Gets ready; called on the event loop that will read."""
        ...

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value, or None where no row came back.

        Raises:
            SlowStatementError: it took too long and was cancelled.
            UnavailableError: the database cannot be reached, or others took too long.
        """
        ...

    def fits(self, sql: str) -> bool:
        """Whether the engine's parser takes a statement."""
        ...

    async def explain(self, sql: str, values: Sequence[Any]) -> "Steps":
        """The engine's query plan for a statement."""
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...
