"""The event log: what changed, when and by whom, readable as a gapless past.

Each transaction that changes something writes the `Event`s of its changes and, last of all, one `EventBatch`. Readers
see numbered batches only; `core.log.numbers` says how batches get their numbers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Select, func, insert, literal
from sqlmodel import select

from core.base.ids import EVENT_PREFIX, new_id, stem_of
from core.base.text import snake
from core.db.sql import json_document, numbered
from core.db.transaction import DatabaseTransaction, SqlStatement
from core.db.types import Choice, Timestamp
from core.log.changes import Change, shown
from core.log.estates import Estates, Handover, last_owners, reassignments
from core.log.events import Action, EventRow
from core.log.numbers import batch_statements
from core.records.record import Record, record_with_prefix
from core.records.rows import rows_of


class EventLog:
    """The events of one transaction, written just before the commit, their batch last."""

    def __init__(
        self,
        transaction: DatabaseTransaction,
        *,
        actor: str,
        now: datetime,
        request_id: str | None,
        batch_id: str | None = None,
        estates: Estates = MappingProxyType({}),
    ) -> None:
        self._transaction = transaction
        self.now = now
        self._batch: dict[str, Any] = {
            "id": batch_id or new_id("evb"),
            "recorded_at": now,
            "actor": actor,
            "request_id": request_id,
        }
        # Its events have ids like its own: nobody else has either.
        self._stem = f"{EVENT_PREFIX}_{stem_of(self._batch['id'])}"
        self._rows: list[dict[str, Any]] = []
        self._estates = estates
        self._handovers: list[tuple[Handover, Change, int]] = []
        self._written = 0
        self._has_written = False
        #: The statement that writes the batch, which no second transaction can; None until it is closed with events.
        self.proof: SqlStatement | None = None

    def note(self, change: Change, moves: Sequence[Handover]) -> None:
        """Notes the change of a record, and what it gives to others."""
        self._handovers += [(move, change, len(self._rows)) for move in moves]
        self._add(
            _type_of(change.entity, change.action),
            change.entity,
            change.record.id,
            change.action,
            change.occurred_at,
            changes=change.logged() or last_owners(self._estates, change),
        )

    def note_merge(self, action: Action, record: Record, merge_id: str, ids: Sequence[str]) -> None:
        """Notes that others were merged into a record, or that this was undone."""
        entity = type(record).__name__
        data = {"merge": merge_id, "records": list(ids)}
        self._add(_type_of(entity, action), entity, record.id, action, None, data=data)

    def publish(self, type_: str, record: Record | str, *, occurred_at: datetime | None = None, **data: Any) -> None:
        """Announces something about a record."""
        id = record if isinstance(record, str) else record.id
        entity = record_with_prefix(id).__name__ if isinstance(record, str) else type(record).__name__
        values = {name: shown(value) for name, value in data.items()}
        self._add(type_, entity, id, Action.PUBLISHED, occurred_at, data=values)

    def publish_each(self, type_: str, record: type[Record], rows: Select[Any]) -> int:
        """Announces something about many records by one statement; returns how many.

        Args:
            type_: of the events.
            record: type of the records.
            rows: the id of each record as the first column; the others become the event's data by their names.
        """
        source = rows.subquery()
        count: int = self._transaction.session.scalar(select(func.count()).select_from(source)) or 0
        if not count:
            return 0
        self._has_written = True
        key, *data = source.c
        number = func.row_number().over(order_by=key) - 1 + self._reserve(count)
        values: dict[str, Any] = {
            "id": numbered(self._stem, number),
            "batch_id": literal(self._batch["id"]),
            "type": literal(type_),
            "entity_type": literal(record.__name__),
            "entity_id": key,
            "action": literal(Action.PUBLISHED, Choice(Action)),
            "occurred_at": literal(self.now, Timestamp()),
            "changes": json_document({}),
            "data": json_document({column.name: column for column in data}),
        }
        events = insert(EventRow).from_select(list(values), select(*values.values()).select_from(source))
        self._transaction.session.execute(events)
        return count

    def _add(
        self,
        type_: str,
        entity_type: str,
        entity_id: str,
        action: Action,
        occurred_at: datetime | None,
        *,
        changes: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self._rows.append(
            {
                "type": type_,
                "entity_type": entity_type,
                "entity_id": entity_id,
                "action": action,
                "occurred_at": occurred_at or self.now,
                # As text: garbage collection would look at all of many changes again and again until they are written.
                "changes": orjson.Fragment(orjson.dumps(changes)) if changes else {},
                "data": data or {},
            }
        )

    def mark(self) -> tuple[int, int, bool]:
        """The present state, for `rewind`."""
        return len(self._rows), len(self._handovers), self._has_written

    def rewind(self, mark: tuple[int, int, bool]) -> None:
        """Forgets what was noted since the mark: its savepoint was rolled back."""
        rows, handovers, self._has_written = mark
        del self._rows[rows:], self._handovers[handovers:]

    def _reserve(self, count: int) -> int:
        """Reserves positions for `count` events; returns the first."""
        start = self._written
        self._written += count
        return start

    def write_events(self) -> None:
        """Writes the events noted so far, which need no memory then."""
        if not self._rows:
            return
        start = self._reserve(len(self._rows))
        for place, row in enumerate(self._rows, start):
            row["id"] = f"{self._stem}{place:06d}"
            row["batch_id"] = self._batch["id"]
        self._transaction.put(rows_of(EventRow, self._transaction.dialect).insertion(self._rows))
        if self._handovers:
            handovers = [(move, change, self._rows[place]["id"]) for move, change, place in self._handovers]
            self._transaction.put(*reassignments(self._transaction.dialect, self._estates, handovers))
        self._rows, self._handovers = [], []
        self._has_written = True

    def close(self) -> bool:
        """Writes the events that are left, then their batch; returns whether there were any events.

        Nothing may be written after it: a batch takes its position once every lock of its transaction is held.
        """
        self.write_events()
        if self._has_written:
            self._batch["recorded_at"] = self.now
            statements = batch_statements(self._transaction.dialect, self._batch)
            self._transaction.put(*statements)
            self.proof = statements[-1]
        return self._has_written


@cache
def _type_of(entity: str, action: Action) -> str:
    """The type of the events about what is done to records of a type."""
    return f"{snake(entity).upper()}_{action}"
