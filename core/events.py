"""The event log: what changed, when and by whom, readable as a gapless past.

Each transaction that changes something writes one `EventBatch` and the `Event`s of its changes. A batch is numbered
after its transaction has committed, one publisher at a time; readers see numbered batches only, so a reader that has
seen number 7 will never see a 6 appear.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, text, update
from sqlmodel import Session, col, select

from core.ids import EVENT_PREFIX, new_id, new_stem
from core.records import Table, column, reference
from core.vocabulary import Vocabulary

_PUBLISH_LOCK = 0x67756178


class Action(Vocabulary):
    """What was done to a record."""

    CREATED = "CREATED", "It was entered."
    UPDATED = "UPDATED", "Fields of it changed."
    DELETED = "DELETED", "It was deleted; it can be restored."
    RESTORED = "RESTORED", "It was brought back."
    DESTROYED = "DESTROYED", "It was removed for good."
    PUBLISHED = "PUBLISHED", "Something happened to it that a plugin or a rule announces."


class EventBatch(Table):
    """What one transaction wrote to the log."""

    id: str = column("Id of the batch.", primary_key=True, exact=True)
    sequence: int | None = column("Place in the order of commits; null until it is numbered.", default=None, index=True)
    recorded_at: datetime = column("When it was recorded.")
    actor: str = column("Who did it.", exact=True)
    request_id: str | None = column("The request it came of.", default=None, exact=True)


class EventRow(Table):
    """One change of one record."""

    __tablename__ = "event"

    id: str = column("Id of the event; sorts by batch, then by order within it.", primary_key=True, exact=True)
    batch_id: str = reference(EventBatch, "The batch it belongs to.")
    type: str = column("What happened, such as CUSTOMER_CREATED.", exact=True, index=True)
    entity_type: str = column("The type of the record.", exact=True)
    entity_id: str = column("The id of the record.", exact=True, index=True)
    action: Action = column("What was done.")
    occurred_at: datetime = column("When it happened in the business.")
    changes: dict[str, Any] = column("Field by field: previous and current value.", default_factory=dict)
    data: dict[str, Any] = column("What a published event says beyond that.", default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """What an after-commit hook gets: one change that did commit.

    Attributes:
        type: such as `OPPORTUNITY_UPDATED`, or a published type such as `OPPORTUNITY_WON`.
        entity_type, entity_id: the record.
        action: what was done.
        occurred_at: when it happened in the business.
        changes: field name to (previous, current), as the API shows values.
        data: what a published event says beyond that.
        actor: who did it.
        id, sequence: the event's own id, and its batch's place in the order of commits.
    """

    type: str
    entity_type: str
    entity_id: str
    action: Action
    occurred_at: datetime
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    id: str = ""
    sequence: int = 0


class Log:
    """The event rows of one transaction, written together with its batch just before the commit."""

    def __init__(self) -> None:
        self.batch_id = new_id("evb")
        self.stem = new_stem(EVENT_PREFIX)
        self._rows: list[dict[str, Any]] = []
        self._written = 0
        self._is_open = False

    def add(
        self,
        *,
        type: str,
        entity_type: str,
        entity_id: str,
        action: Action,
        occurred_at: datetime,
        changes: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Notes one event."""
        self._rows.append(
            {
                "type": type,
                "entity_type": entity_type,
                "entity_id": entity_id,
                "action": action,
                "occurred_at": occurred_at,
                "changes": dict(changes or {}),
                "data": dict(data or {}),
            }
        )

    def mark(self) -> tuple[int, bool]:
        """The present state, for `rewind`."""
        return len(self._rows), self._is_open

    def rewind(self, mark: tuple[int, bool]) -> None:
        """Forgets what was noted since the mark: its savepoint was rolled back."""
        length, self._is_open = mark
        del self._rows[length:]

    def open_batch(self, session: Session, *, actor: str, now: datetime, request_id: str | None) -> None:
        """Writes the batch row, once; rows written by a statement of their own refer to it before `write` does."""
        if not self._is_open:
            self._is_open = True
            batch = {"id": self.batch_id, "recorded_at": now, "actor": actor, "request_id": request_id}
            session.execute(insert(EventBatch), [batch])

    def reserve(self, count: int) -> int:
        """The position of the first of `count` events that are not written by `write`."""
        start = self._written
        self._written += count
        return start

    def write(self, session: Session, *, actor: str, now: datetime, request_id: str | None) -> bool:
        """Writes batch and events; says whether there was anything to write."""
        if not self._rows:
            return self._is_open
        self.open_batch(session, actor=actor, now=now, request_id=request_id)
        start = self.reserve(len(self._rows))
        for position, row in enumerate(self._rows, start):
            row["id"] = f"{self.stem}{position:06d}"
            row["batch_id"] = self.batch_id
        session.execute(insert(EventRow), self._rows)
        self._rows = []
        return True


def publish(session: Session) -> bool:
    """Numbers the batches that have committed and have no number yet; says whether there were any.

    Call it in a transaction of its own, after the commit. One publisher at a time: a lock on PostgreSQL, the single
    writer on SQLite.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_PUBLISH_LOCK})"))
    waiting = session.exec(
        select(EventBatch.id).where(col(EventBatch.sequence).is_(None)).order_by(col(EventBatch.id))
    ).all()
    if not waiting:
        return False
    last = session.exec(select(func.max(EventBatch.sequence))).one() or 0
    session.execute(update(EventBatch), [{"id": id, "sequence": last + place} for place, id in enumerate(waiting, 1)])
    return True
