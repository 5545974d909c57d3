"""The event log as subscriptions read it: what was recorded after a place, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from core.db.engines import POSTGRESQL
from core.log.events import Action
from schema.read.reader import Reader

#: A number of a transaction, and an event of it.
Place = tuple[int, str]

#: Events that are read at once.
PAGE = 1000
#: Comes after every event of a transaction.
_LAST_EVENT = "~"

_FOUND = """SELECT {list} FROM (
    SELECT event_batch.sequence AS sequence, event.id AS id, event.type AS type, entity_type, entity_id, action
    FROM event_batch JOIN event ON event.batch_id = event_batch.id
    WHERE event_batch.sequence >= {one} AND (event_batch.sequence > {one} OR event.id > {two})
    ORDER BY event_batch.sequence, event.id LIMIT {limit}
) AS found"""
_COLUMNS = "sequence, id, type, entity_type, entity_id, action"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event, as far as it matters to whom it is told."""

    sequence: int
    id: str
    type: str
    entity_type: str
    entity_id: str
    action: Action

    @property
    def place(self) -> Place:
        """Where it is in the log."""
        return self.sequence, self.id


class LogReader:
    """Reads the log of one app."""

    def __init__(self, reader: Reader, dialect: str) -> None:
        self._reader = reader
        if dialect == POSTGRESQL:
            built = f"convert_to(CAST(json_agg(json_build_array({_COLUMNS})) AS TEXT), 'UTF8')"
            self._sql = _FOUND.format(list=built, one="$1", two="$2", limit=PAGE)
        else:
            built = f"json_group_array(json_array({_COLUMNS}))"
            self._sql = _FOUND.format(list=built, one="?1", two="?2", limit=PAGE)

    async def end(self) -> Place:
        """The place after all that has a number.

        Raises:
            SlowStatementError, UnavailableError: it cannot be read now.
        """
        last = await self._reader.fetch("SELECT CAST(last AS TEXT) FROM event_counter", ())
        return int(last or 0), _LAST_EVENT

    async def after(self, place: Place) -> Sequence[LogEntry]:
        """The events after a place in order, as many as are read at once.

        Raises:
            SlowStatementError, UnavailableError: they cannot be read now.
        """
        found = await self._reader.fetch(self._sql, place)
        return [_entry(*row) for row in orjson.loads(found or b"[]") or ()]


def _entry(sequence: int, id: str, type: str, entity_type: str, entity_id: str, action: str) -> LogEntry:
    return LogEntry(sequence, id, type, entity_type, entity_id, Action(action))
