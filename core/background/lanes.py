"""A lane: delivery to one plugin, by one process at a time, as its policy of retries says."""

import asyncio
import inspect
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session, col, select

from core.background.backlog import Backlog, PluginCursor, SetAside
from core.background.leases import Leaseholder
from core.base.actors import plugin_actor
from core.base.clock import Clock
from core.base.errors import GuanxiError, PluginError, UnavailableError, told
from core.base.settings import Settings
from core.db.database import Database
from core.db.faults import fault_of
from core.host.contract import Context, Plugin
from core.host.host import PluginHost, attributed, logger
from core.log.events import Action, Event, EventBatch, EventRow
from core.unit.phases import own_work
from core.unit.unit import Transact, Unit

_log = logging.getLogger("guanxi.delivery")

HOOK = "after_commit"
#: How long a process that died holds up another: a lease ends so soon unless it is renewed, which is done more often.
LEASE = timedelta(seconds=4)
_RENEW_SECONDS = 1.0
#: When to look again at a cursor that another process has locked.
_LOCKED = timedelta(seconds=1)
#: From so many failures in a row on, the fault is not taken for that of single batches: all of them wait for a while.
_MANY = 5
#: Batches looked at in one transaction.
_AT_ONCE = 100

_chance = random.SystemRandom()


class _TakenOver(Exception):  # noqa: N818  (control flow inside this module)
    """Another process now delivers to the plugin, or has taken up what was set aside."""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """What is to be delivered next.

    Attributes:
        sequence: the batch; None where there was nothing to deliver among many that were looked at.
        events: of it.
    """

    sequence: int | None
    events: Sequence[Event] = ()


class Lane:
    """Delivers to one plugin."""

    def __init__(
        self,
        plugin: Plugin,
        hook: Callable[..., Any],
        database: Database,
        host: PluginHost,
        settings: Settings,
        clock: Clock,
        transact: Transact,
        outside: Callable[[str], Context],
        leaseholder: Leaseholder,
    ) -> None:
        self.plugin = plugin
        self.wake = asyncio.Event()
        #: Batches that went through since the start.
        self.delivered = 0
        self._hook = hook
        self._is_async = inspect.iscoroutinefunction(getattr(plugin, HOOK))
        self._database = database
        self._host = host
        self._settings = settings
        self._clock = clock
        self._transact = transact
        self._outside = outside
        self._leaseholder = leaseholder
        self._look_at: datetime | None = None
        self._busy = asyncio.Lock()

    @property
    def pause(self) -> float:
        """Seconds until there may be something to do without any news; infinite if that is not known."""
        return math.inf if self._look_at is None else max((self._look_at - self._clock.now()).total_seconds(), 0)

    async def drain(self) -> None:
        """Delivers all that is due to the plugin."""
        async with self._busy:
            while await self._deliver_next():
                pass

    async def _deliver_next(self) -> bool:
        """Tries one batch; returns whether to go on with the next."""
        claimed = await self._database.in_session(self._claim)
        if claimed is None:
            return False
        sequence = claimed.sequence
        if sequence is None:
            return True
        try:
            await self._call(claimed.events, lambda session: self._advance(session, sequence))
        except _TakenOver:
            logger(self.plugin).warning("hook after_commit: another process took over at batch %d", sequence)
            return False
        except Exception as error:
            if isinstance(fault := fault_of(error) or error, UnavailableError):
                # The hook is not at fault, and this was no attempt.
                raise fault from error
            logger(self.plugin).exception("hook after_commit failed on batch %d", sequence)
            text = told(error)
            await self._database.in_session(lambda session: self._failed(session, sequence, text))
        return True

    # The hook

    async def _call(self, events: Sequence[Event], done: Callable[[Session], None]) -> None:
        """Calls the hook, and does what is to be committed together with what it wrote."""
        if self._is_async:
            await self._call_async(events)

        def work(unit: Unit) -> None:
            # First, so that no other process delivers the same meanwhile.
            done(unit.session)
            if not self._is_async:
                with self._host.running(self.plugin, HOOK, len(events)), own_work(unit, self.plugin, ()):
                    self._hook(ctx=unit.context(self.plugin), events=events)

        await self._database.in_thread(lambda: self._transact(self.plugin, work))
        self.delivered += 1

    async def _call_async(self, events: Sequence[Event]) -> None:
        milliseconds = self._settings.delivery_deadline_ms
        with attributed(self.plugin, HOOK):
            try:
                async with self._renewing(), asyncio.timeout(milliseconds / 1000) as deadline:
                    await self._hook(ctx=self._outside(self.plugin.name), events=events)
            except TimeoutError:
                if not deadline.expired():
                    raise
                raise PluginError(
                    self.plugin.name,
                    HOOK,
                    f"did not finish within {milliseconds} ms; do less, or raise GUANXI_DELIVERY_DEADLINE_MS",
                ) from None

    @asynccontextmanager
    async def _renewing(self) -> AsyncIterator[None]:
        """Renews the lease while a hook runs; one that runs in a transaction has the cursor locked instead."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(_RENEW_SECONDS)
                try:
                    await self._database.in_session(self._renew)
                except Exception:
                    _log.exception("the lease on the cursor of %s is not renewed; trying again", self.plugin.name)

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    # The cursor

    def _claim(self, session: Session) -> _Claimed | None:
        """What is due next, if no other process delivers to the plugin."""
        now = self._clock.now()
        name = self.plugin.name
        cursor = session.exec(
            select(PluginCursor).where(PluginCursor.plugin == name).with_for_update(skip_locked=True)
        ).one_or_none()
        if cursor is None:
            self._look_at = now + _LOCKED
            return None
        if not self._leaseholder.may_take(cursor, now):
            self._look_at = cursor.held_until
            return None
        is_waiting = cursor.try_at is not None and cursor.try_at > now
        claimed = None if is_waiting else self._next(session, cursor, now)
        if claimed is not None:
            self._leaseholder.take(cursor, now + LEASE)
            return claimed
        self._look_at = cursor.try_at if is_waiting else Backlog(session, name).next_due()
        if self._leaseholder.holds(cursor):
            # Whoever has news next goes on.
            self._leaseholder.release(cursor)
        return None

    def _next(self, session: Session, cursor: PluginCursor, now: datetime) -> _Claimed | None:
        """The first batch held back that is due, else the next in the log that need not wait; those that must, do."""
        backlog = Backlog(session, self.plugin.name)
        batch = backlog.due(now)
        if batch is not None:
            return _Claimed(batch.sequence, events_of(session, batch))
        own, is_empty = plugin_actor(self.plugin.name).id, backlog.is_empty
        batches = backlog.following(cursor.sequence, _AT_ONCE)
        for batch in batches:
            if batch.actor != own:
                behind = None if is_empty else backlog.obstacle(batch)
                if behind is None:
                    return _Claimed(batch.sequence, events_of(session, batch))
                backlog.hold(batch.sequence or 0, now, behind)
                session.flush()
            cursor.sequence = batch.sequence or 0
        return _Claimed(None) if len(batches) == _AT_ONCE else None

    def _held(self, session: Session) -> PluginCursor:
        """The cursor, locked until the transaction ends, if this process still delivers to the plugin."""
        cursor = session.get(PluginCursor, self.plugin.name, with_for_update=True, populate_existing=True)
        if cursor is None or not self._leaseholder.holds(cursor):
            raise _TakenOver
        return cursor

    def _renew(self, session: Session) -> None:
        try:
            self._leaseholder.take(self._held(session), self._clock.now() + LEASE)
        except _TakenOver:
            return

    def _advance(self, session: Session, sequence: int) -> None:
        """Notes in the hook's own transaction that a batch is done with."""
        cursor, now, backlog = self._held(session), self._clock.now(), Backlog(session, self.plugin.name)
        if cursor.failures >= _MANY:
            # It was not the batches' fault, so they need not wait any longer.
            backlog.hurry(now)
        cursor.failures, cursor.try_at = 0, None
        cursor.sequence = max(cursor.sequence, sequence)
        backlog.release(sequence, now)

    def _failed(self, session: Session, sequence: int, error: str) -> None:
        """Notes that the hook failed on a batch: it is tried again later, or set aside."""
        try:
            cursor = self._held(session)
        except _TakenOver:
            return
        now, retries, backlog = self._clock.now(), self.plugin.retries, Backlog(session, self.plugin.name)
        cursor.failures += 1
        cursor.error, cursor.failed_at = error, now
        cursor.sequence = max(cursor.sequence, sequence)
        if cursor.failures >= _MANY:
            cursor.try_at = now + retries.pause(cursor.failures - _MANY + 1, _chance.random())
        held = backlog.hold(sequence, now)
        held.attempts += 1
        held.failed_at, held.error = held.failed_at or now, error
        last = held.failed_at + retries.duration
        held.try_at = min(now + retries.pause(held.attempts, _chance.random()), last)
        session.flush()
        if now >= last:
            attempts = held.attempts
            session.merge(SetAside(plugin=self.plugin.name, sequence=sequence, error=error, set_aside_at=now))
            backlog.release(sequence, now)
            logger(self.plugin).error("batch %d set aside after try %d: %s", sequence, attempts, error)

    # What was set aside

    async def retry(self) -> int:
        """Tries again what was set aside; returns the number of batches delivered. What is held back is due at once.

        Raises:
            GuanxiError: one failed again; it stays set aside, and so do those after it.
        """
        delivered = 0
        await self._database.in_session(self._hurry)
        async with self._busy:
            for sequence, events in await self._database.in_session(self._waiting):
                try:
                    await self._call(events, partial(self._take_up, sequence=sequence))
                    delivered += 1
                except _TakenOver:
                    continue
                except Exception as error:
                    raise GuanxiError(f"batch {sequence} failed again: {told(error)}") from error
        return delivered

    def _hurry(self, session: Session) -> None:
        cursor = session.get(PluginCursor, self.plugin.name, with_for_update=True)
        if cursor is not None:
            cursor.try_at = None
            Backlog(session, self.plugin.name).hurry(self._clock.now())

    def _waiting(self, session: Session) -> list[tuple[int, list[Event]]]:
        batches = session.exec(
            select(EventBatch)
            .join(SetAside, col(SetAside.sequence) == col(EventBatch.sequence))
            .where(SetAside.plugin == self.plugin.name)
            .order_by(col(EventBatch.sequence))
        ).all()
        return [(batch.sequence or 0, events_of(session, batch)) for batch in batches]

    def _take_up(self, session: Session, sequence: int) -> None:
        row = session.get(SetAside, (self.plugin.name, sequence), with_for_update=True)
        if row is None:
            raise _TakenOver
        session.delete(row)


def events_of(session: Session, batch: EventBatch) -> list[Event]:
    """The events of a batch in order, without those that only matter to whose scope is limited."""
    is_told = col(EventRow.action) != Action.REASSIGNED
    rows = session.exec(select(EventRow).where(EventRow.batch_id == batch.id, is_told).order_by(col(EventRow.id)))
    return [
        Event(
            type=row.type,
            entity_type=row.entity_type,
            entity_id=row.entity_id,
            action=row.action,
            occurred_at=row.occurred_at,
            changes={name: (before, after) for name, (before, after) in row.changes.items()},
            data=row.data,
            actor=batch.actor,
            id=row.id,
            sequence=batch.sequence or 0,
            recorded_at=batch.recorded_at,
        )
        for row in rows
    ]
