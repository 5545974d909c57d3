"""What a plugin's after-commit hook has still to be given: its place in the log, and the batches before it that wait.

A batch on which the hook fails is held back and tried again. Later batches about one of its records wait behind it, so
that each record's events are heard in order; those about other records go on. The events of one transaction stay
together, so a batch that waits keeps all of its records waiting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.base.actors import plugin_actor
from core.log.events import Action, EventBatch, EventRow
from core.records.columns import column
from core.records.record import Table


class PluginCursor(Table):
    """How far a plugin's after-commit hook has come in the event log, and whether it works at all at present."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The last batch it has come to; of those before, it has what is not held back.", default=0)
    failures: int = column("Failed attempts since the last that succeeded.", default=0)
    try_at: datetime | None = column("When to go on, where it fails on whatever it is given.", default=None)
    error: str | None = column("The last error.", default=None, exact=True)
    failed_at: datetime | None = column("When it last failed.", default=None)
    holder: str | None = column("The process that delivers to it now.", default=None, exact=True)
    held_until: datetime | None = column("Until when, unless it renews its lease.", default=None)


class HeldBack(Table):
    """A batch that a plugin's hook failed on and is tried again on, or that waits behind one about the same record."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The batch.", primary_key=True)
    behind: int | None = column("The batch it waits behind; null where it is tried itself.", default=None, index=True)
    try_at: datetime = column("When it is tried.")
    attempts: int = column("Failed attempts.", default=0)
    failed_at: datetime | None = column("When the hook first failed on it.", default=None)
    error: str | None = column("The last error.", default=None, exact=True)


class SetAside(Table):
    """A batch that a plugin's after-commit hook failed on for too long; `guanxi plugins retry` tries it again."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The batch.", primary_key=True)
    error: str = column("The error.", exact=True)
    set_aside_at: datetime = column("When it was set aside.")


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How delivery to a plugin stands.

    Attributes:
        backlog: the number of batches it has still to be given, those that were set aside not among them.
        held_back: how many of these are tried again, or wait behind one that is.
        set_aside: the number of batches that wait for `guanxi plugins retry`.
        error: the last error.
        failed_at: when that was.
        try_at: when delivery goes on, where the hook fails on whatever it is given.
    """

    backlog: int
    held_back: int
    set_aside: int
    error: str | None
    failed_at: datetime | None
    try_at: datetime | None


def delivery_states(session: Session, plugins: Iterable[str]) -> dict[str, DeliveryState]:
    """How delivery to these plugins stands, by name; those that never listened are left out."""
    states = {}
    for cursor in session.exec(select(PluginCursor).where(col(PluginCursor.plugin).in_([*plugins]))):
        name = cursor.plugin
        is_foreign = col(EventBatch.actor) != plugin_actor(name).id
        following = select(func.count()).where(col(EventBatch.sequence) > cursor.sequence, is_foreign)
        held = session.exec(select(func.count()).where(HeldBack.plugin == name)).one()
        aside = session.exec(select(func.count()).where(SetAside.plugin == name)).one()
        backlog = session.exec(following).one() + held
        states[name] = DeliveryState(backlog, held, aside, cursor.error, cursor.failed_at, cursor.try_at)
    return states


class Backlog:
    """The batches that wait for one plugin, in one transaction."""

    def __init__(self, session: Session, plugin: str) -> None:
        self._session = session
        self._plugin = plugin

    def due(self, now: datetime) -> EventBatch | None:
        """The first of the batches held back that may be tried now."""
        query = (
            select(HeldBack)
            .where(HeldBack.plugin == self._plugin, col(HeldBack.behind).is_(None), col(HeldBack.try_at) <= now)
            .order_by(col(HeldBack.sequence))
            .limit(1)
        )
        while (held := self._session.exec(query).first()) is not None:
            batch = self._session.exec(select(EventBatch).where(EventBatch.sequence == held.sequence)).one_or_none()
            behind = None if batch is None else self.obstacle(batch)
            if batch is not None and behind is None:
                return batch
            # It waited behind one that is gone, and now waits behind another.
            if batch is None:
                self._session.delete(held)
            else:
                held.behind = behind
            self._session.flush()
        return None

    def obstacle(self, batch: EventBatch) -> int | None:
        """The last batch held back before this one that is about one of its records."""
        own = select(EventRow.entity_id).where(EventRow.batch_id == batch.id, col(EventRow.action) != Action.REASSIGNED)
        query = (
            select(func.max(HeldBack.sequence))
            .join(EventBatch, col(EventBatch.sequence) == col(HeldBack.sequence))
            .join(EventRow, col(EventRow.batch_id) == col(EventBatch.id))
            .where(
                HeldBack.plugin == self._plugin,
                col(HeldBack.sequence) < batch.sequence,
                col(EventRow.entity_id).in_(own),
            )
        )
        return self._session.exec(query).one()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held back."""
        return self._session.exec(select(HeldBack).where(HeldBack.plugin == self._plugin).limit(1)).first() is None

    def following(self, sequence: int, limit: int) -> Sequence[EventBatch]:
        """The next batches in the log."""
        query = select(EventBatch).where(col(EventBatch.sequence) > sequence)
        return self._session.exec(query.order_by(col(EventBatch.sequence)).limit(limit)).all()

    def hold(self, sequence: int, now: datetime, behind: int | None = None) -> HeldBack:
        """A batch as it is held back, from now on if it was not."""
        held = self._session.get(HeldBack, (self._plugin, sequence))
        if held is None:
            held = HeldBack(plugin=self._plugin, sequence=sequence, behind=behind, try_at=now)
            self._session.add(held)
        return held

    def release(self, sequence: int, now: datetime) -> None:
        """Ends waiting for a batch that was delivered or set aside: its own, and that of those behind it."""
        held = self._session.get(HeldBack, (self._plugin, sequence))
        if held is None:
            return
        self._session.delete(held)
        self._session.flush()
        self._change(col(HeldBack.behind) == sequence, behind=None, try_at=now)

    def hurry(self, now: datetime) -> None:
        """Makes all that is tried again due now."""
        self._change(col(HeldBack.behind).is_(None), try_at=now)

    def next_due(self) -> datetime | None:
        """When the next of the batches held back is due."""
        query = select(func.min(HeldBack.try_at)).where(HeldBack.plugin == self._plugin)
        return self._session.exec(query.where(col(HeldBack.behind).is_(None))).one()

    def _change(self, which: object, **values: object) -> None:
        changed = update(HeldBack).where(col(HeldBack.plugin) == self._plugin, which).values(**values)  # type: ignore[arg-type]  # columns by name
        self._session.execute(changed)
