"""Delivery of events to after-commit hooks: from the log, in order, at least once, each plugin at its own pace.

A plugin that fails is tried again with growing pauses; after so many tries the batch is set aside and it goes on with
the next. No client sees any of it, and no other plugin waits. Of several processes on one database one delivers to a
plugin, for as long as it keeps its hold on the plugin's cursor.
"""

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.background.leases import Leaseholder
from core.background.publisher import Publisher
from core.base.actors import plugin_actor
from core.base.clock import Clock
from core.base.errors import ConfigurationError, GuanxiError, PluginError, UnavailableError, told
from core.base.settings import Settings
from core.db.database import Database
from core.db.faults import fault_of
from core.db.sql import insert_if_absent
from core.host.contract import Context, Plugin
from core.host.host import PluginHost, attributed, logger
from core.log.events import Event, EventBatch, EventRow
from core.records.columns import column
from core.records.record import Table
from core.unit.phases import own_work
from core.unit.unit import Transact, Unit

_log = logging.getLogger("guanxi.delivery")

_HOOK = "after_commit"
#: How much longer than the deadline of an async hook a process holds a cursor.
_HOLD = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(days=1)
_POLL_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 0.2


class PluginCursor(Table):
    """How far a plugin's after-commit hook has come in the event log, and its attempts at the next batch."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The last batch it has handled.", default=0)
    attempts: int = column("Failed attempts at the next batch.", default=0)
    try_at: datetime | None = column("When to try again.", default=None)
    error: str | None = column("The last error.", default=None, exact=True)
    holder: str | None = column("The process that delivers to it now.", default=None, exact=True)
    held_until: datetime | None = column("Until when, unless it renews its lease.", default=None)


class SetAside(Table):
    """A batch that a plugin's after-commit hook failed on too often; `guanxi plugins retry` tries it again."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The batch.", primary_key=True)
    error: str = column("The error.", exact=True)
    set_aside_at: datetime = column("When it was set aside.")


class _TakenOver(Exception):  # noqa: N818  (control flow inside this module)
    """Another process now delivers to the plugin, or has taken up what was set aside."""


class Delivery:
    """Delivers to the plugins of one app."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        host: PluginHost,
        settings: Settings,
        clock: Clock,
        transact: Transact,
        outside: Callable[[str], Context],
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._leaseholder = Leaseholder()
        self._lanes = [
            _Lane(plugin, hook, database, host, settings, clock, transact, outside, self._leaseholder)
            for plugin, hook in host.implementations(_HOOK)
        ]
        self._tasks: set[asyncio.Task[None]] = set()

    def announce(self) -> None:
        """Makes it look for numbered batches now."""
        for lane in self._lanes:
            lane.wake.set()

    async def start(self) -> None:
        """Starts new plugins at the end of the log, and delivers from now on until `stop`."""
        if self._lanes:
            # What the start of the plugins wrote belongs to what was there before.
            await self._publisher.publish()
            await self._database.in_session(self._place_new)
            self._tasks = {asyncio.create_task(self._run(lane)) for lane in self._lanes}

    async def stop(self) -> None:
        """Stops delivering; what is left is delivered after the next start, or by others once it lets go."""
        if not self._tasks:
            return
        running, self._tasks = self._tasks, set()
        while running:
            for task in running:
                task.cancel()
            # Asked again, because a hook may go on when it is cancelled.
            _, running = await asyncio.wait(running, timeout=_STOP_SECONDS)

    async def let_go(self) -> None:
        """Lets others deliver."""
        if self._lanes:
            await self._database.in_session(self._let_go, self._database.threads(1))

    def _place_new(self, session: Session) -> None:
        last = session.exec(select(func.max(EventBatch.sequence))).one() or 0
        for lane in self._lanes:
            cursor = {"plugin": lane.plugin.name, "sequence": last, "attempts": 0}
            session.execute(insert_if_absent(session, PluginCursor.__table__).values(cursor))

    def _let_go(self, session: Session) -> None:
        for cursor in session.exec(select(PluginCursor).where(PluginCursor.holder == self._leaseholder.id)):
            self._leaseholder.release(cursor)

    async def _run(self, lane: "_Lane") -> None:
        while True:
            lane.wake.clear()
            longest = _POLL_SECONDS
            try:
                await lane.drain()
            except UnavailableError:
                # The database's own log tells of it, once.
                longest = _RETRY_SECONDS
            except Exception:
                _log.exception("delivery to %s failed; trying again", lane.plugin.name)
            with suppress(TimeoutError):
                # `wait_for` would lose a cancellation that comes together with news.
                async with asyncio.timeout(min(lane.pause, longest)):
                    await lane.wake.wait()

    async def drain(self) -> None:
        """Delivers all that is due now, and what comes of it: by whichever task, nothing is under way afterwards."""
        delivered = None
        # What a lane says of itself does not suffice: the batch that leads to the next may be in the hands of `_run`.
        while delivered != (delivered := [lane.delivered for lane in self._lanes]):
            await self._publisher.publish()
            await asyncio.gather(*(lane.drain() for lane in self._lanes))

    async def retry(self, name: str) -> int:
        """Tries again what was set aside for a plugin; returns the number of batches delivered.

        Raises:
            ConfigurationError: no such plugin listens.
            GuanxiError: one failed again; it stays set aside, and so do those after it.
        """
        for lane in self._lanes:
            if lane.plugin.name == name:
                return await lane.retry()
        listening = ", ".join(lane.plugin.name for lane in self._lanes) or "none"
        raise ConfigurationError(f"no plugin {name!r} listens to events; those that do: {listening}")


class _Lane:
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
        self._is_async = inspect.iscoroutinefunction(getattr(plugin, _HOOK))
        self._database = database
        self._host = host
        self._settings = settings
        self._clock = clock
        self._transact = transact
        self._outside = outside
        self._leaseholder = leaseholder
        self._deadline = timedelta(milliseconds=settings.delivery_deadline_ms)
        self._try_at: datetime | None = None
        self._busy = asyncio.Lock()

    @property
    def pause(self) -> float:
        """Seconds until a batch that failed is tried again; infinite if none waits."""
        return math.inf if self._try_at is None else max((self._try_at - self._clock.now()).total_seconds(), 0)

    async def drain(self) -> None:
        """Delivers all that is due to the plugin."""
        async with self._busy:
            self._try_at = None
            while await self._deliver_next():
                pass

    async def _deliver_next(self) -> bool:
        """Tries one batch; returns whether to go on with the next."""
        claimed = await self._database.in_session(self._claim)
        if claimed is None:
            return False
        sequence, events = claimed
        try:
            await self._call(events, lambda session: self._advance(session, sequence))
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

    async def _call(self, events: Sequence[Event], done: Callable[[Session], None]) -> None:
        """Calls the hook, and does what is to be committed together with what it wrote."""
        if self._is_async and events:
            await self._call_async(events)

        def work(unit: Unit) -> None:
            # First, so that no other process delivers the same meanwhile.
            done(unit.session)
            if events and not self._is_async:
                with self._host.running(self.plugin, _HOOK, len(events)), own_work(unit, self.plugin, ()):
                    self._hook(ctx=unit.context(self.plugin), events=events)

        await self._database.in_thread(lambda: self._transact(self.plugin, work))
        self.delivered += 1

    async def _call_async(self, events: Sequence[Event]) -> None:
        with attributed(self.plugin, _HOOK):
            try:
                async with asyncio.timeout(self._deadline.total_seconds()) as deadline:
                    await self._hook(ctx=self._outside(self.plugin.name), events=events)
            except TimeoutError:
                if not deadline.expired():
                    raise
                milliseconds = self._settings.delivery_deadline_ms
                raise PluginError(
                    self.plugin.name,
                    _HOOK,
                    f"did not finish within {milliseconds} ms; do less, or raise GUANXI_DELIVERY_DEADLINE_MS",
                ) from None

    # Cursors

    def _claim(self, session: Session) -> tuple[int, list[Event]] | None:
        """The next batch that is due, if no other process delivers to the plugin."""
        now = self._clock.now()
        name = self.plugin.name
        cursor = session.exec(
            select(PluginCursor).where(PluginCursor.plugin == name).with_for_update(skip_locked=True)
        ).one_or_none()
        if cursor is None:
            return None
        if cursor.try_at is not None and cursor.try_at > now:
            self._try_at = cursor.try_at
            return None
        if not self._leaseholder.may_take(cursor, now):
            return None
        following = select(EventBatch).where(col(EventBatch.sequence) > cursor.sequence)
        batch = session.exec(following.order_by(col(EventBatch.sequence)).limit(1)).first()
        if batch is None or batch.sequence is None:
            return None
        self._leaseholder.take(cursor, now + self._deadline + _HOLD)
        own = batch.actor == plugin_actor(name).id
        return batch.sequence, [] if own else events_of(session, batch)

    def _held(self, session: Session) -> PluginCursor:
        """The cursor, locked until the transaction ends, if this process still delivers to the plugin."""
        cursor = session.get(PluginCursor, self.plugin.name, with_for_update=True, populate_existing=True)
        if cursor is None or not self._leaseholder.holds(cursor):
            raise _TakenOver
        return cursor

    def _advance(self, session: Session, sequence: int) -> None:
        """Notes in the hook's own transaction that a batch is done with."""
        cursor = self._held(session)
        cursor.sequence, cursor.attempts, cursor.try_at, cursor.error = sequence, 0, None, None

    def _failed(self, session: Session, sequence: int, error: str) -> None:
        try:
            cursor = self._held(session)
        except _TakenOver:
            return
        cursor.attempts += 1
        cursor.error = error
        tries = self._settings.delivery_attempts
        if cursor.attempts < tries:
            doubled = min(self._settings.delivery_backoff_ms * 2.0 ** (cursor.attempts - 1), 1e12)
            cursor.try_at = self._clock.now() + min(timedelta(milliseconds=doubled), _LONGEST_PAUSE)
            return
        session.merge(SetAside(plugin=self.plugin.name, sequence=sequence, error=error, set_aside_at=self._clock.now()))
        cursor.sequence, cursor.attempts, cursor.try_at = sequence, 0, None
        logger(self.plugin).error("batch %d set aside after try %d: %s", sequence, tries, error)

    # What was set aside

    async def retry(self) -> int:
        """Tries again what was set aside; returns the number of batches delivered."""
        delivered = 0
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
    """The events of a batch in order."""
    rows = session.exec(select(EventRow).where(EventRow.batch_id == batch.id).order_by(col(EventRow.id)))
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
        )
        for row in rows
    ]
