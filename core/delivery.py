"""Delivery of events to after-commit hooks: from the log, in order, at least once, each plugin at its own pace.

A plugin that fails is tried again with growing pauses; after so many tries the batch is set aside and it goes on with
the next. No client sees any of it, and no other plugin waits.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from core.actors import plugin_actor
from core.clock import Clock
from core.database import Database
from core.errors import ConfigurationError, GuanxiError
from core.events import Event, EventBatch, EventRow, publish
from core.host import PluginHost, logger
from core.ids import new_id
from core.keys import PluginCursor, SetAside
from core.plugin import Context, Plugin
from core.settings import Settings
from core.unit import Unit

_log = logging.getLogger("guanxi.delivery")

_HOLD = timedelta(minutes=1)
_POLL_SECONDS = 5.0

Transact = Callable[[Plugin, Callable[[Unit], None]], None]


class Delivery:
    """Delivers to the plugins of one app."""

    def __init__(
        self,
        database: Database,
        host: PluginHost,
        settings: Settings,
        clock: Clock,
        transact: Transact,
        outside: Callable[[str], Context],
    ) -> None:
        self._database = database
        self._host = host
        self._settings = settings
        self._clock = clock
        self._transact = transact
        self._outside = outside
        self._holder = new_id("hld")
        self._hooks = list(host.implementations("after_commit"))
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def announce(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def start(self) -> None:
        """Gives new plugins a place at the end of the log, and delivers from now on until `stop`."""
        if self._hooks:
            await self._database.in_thread(lambda: self._database.retrying(self._place_new))
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops delivering; what is left is delivered after the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _place_new(self, session: Session) -> None:
        last = session.exec(select(func.max(EventBatch.sequence))).one() or 0
        for plugin, _ in self._hooks:
            if session.get(PluginCursor, plugin.name) is None:
                session.add(PluginCursor(plugin=plugin.name, sequence=last))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.drain()
            except Exception:
                _log.exception("delivery failed; trying again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def drain(self) -> None:
        """Delivers all that is due now."""
        await self._database.in_thread(lambda: self._database.retrying(publish))
        for plugin, hook in self._hooks:
            while await self._deliver_next(plugin, hook):
                pass

    async def _deliver_next(self, plugin: Plugin, hook: Callable[..., Any]) -> bool:
        """Delivers one batch to one plugin; says whether to go on with the next."""
        claimed = await self._database.in_thread(
            lambda: self._database.retrying(lambda session: self._claim(session, plugin))
        )
        if claimed is None:
            return False
        sequence, events = claimed
        try:
            await self._call(plugin, hook, sequence, events)
        except Exception as error:
            logger(plugin).exception("hook after_commit failed on batch %d", sequence)
            text = f"{type(error).__name__}: {error}"
            await self._database.in_thread(
                lambda: self._database.retrying(lambda session: self._failed(session, plugin, sequence, text))
            )
        return True

    async def _call(self, plugin: Plugin, hook: Callable[..., Any], sequence: int, events: Sequence[Event]) -> None:
        if not events:
            await self._in_transaction(plugin, lambda unit: self._advance(unit.session, plugin, sequence))
        elif inspect.iscoroutinefunction(getattr(plugin, "after_commit", None)):
            await hook(ctx=self._outside(plugin.name), events=events)
            await self._in_transaction(plugin, lambda unit: self._advance(unit.session, plugin, sequence))
        else:

            def work(unit: Unit) -> None:
                with unit.own_work():
                    hook(ctx=unit.context(plugin), events=events)
                self._advance(unit.session, plugin, sequence)

            await self._in_transaction(plugin, work)

    async def _in_transaction(self, plugin: Plugin, work: Callable[[Unit], None]) -> None:
        await self._database.in_thread(lambda: self._transact(plugin, work))

    # Cursors

    def _claim(self, session: Session, plugin: Plugin) -> tuple[int, list[Event]] | None:
        """The next batch that is due for a plugin, if no other process delivers to it."""
        now = self._clock.now()
        cursor = session.exec(
            select(PluginCursor).where(PluginCursor.plugin == plugin.name).with_for_update()
        ).one_or_none()
        if cursor is None or (cursor.try_at is not None and cursor.try_at > now):
            return None
        held = cursor.held_until is not None and cursor.held_until > now
        if held and cursor.holder != self._holder:
            return None
        batch = session.exec(
            select(EventBatch)
            .where(col(EventBatch.sequence) > cursor.sequence)
            .order_by(col(EventBatch.sequence))
            .limit(1)
        ).first()
        if batch is None or batch.sequence is None:
            return None
        cursor.holder, cursor.held_until = self._holder, now + _HOLD
        own = batch.actor == plugin_actor(plugin.name).id
        return batch.sequence, [] if own else events_of(session, batch)

    def _advance(self, session: Session, plugin: Plugin, sequence: int) -> None:
        """Notes in the hook's own transaction that a batch is done with."""
        session.execute(
            update(PluginCursor)
            .where(
                col(PluginCursor.plugin) == plugin.name,
                or_(col(PluginCursor.holder) == self._holder, col(PluginCursor.holder).is_(None)),
            )
            .values(sequence=sequence, attempts=0, try_at=None, error=None)
        )

    def _failed(self, session: Session, plugin: Plugin, sequence: int, error: str) -> None:
        cursor = session.get(PluginCursor, plugin.name, with_for_update=True)
        assert cursor is not None
        cursor.attempts += 1
        cursor.error = error
        if cursor.attempts < self._settings.delivery_attempts:
            pause = self._settings.delivery_backoff_ms * 2 ** (cursor.attempts - 1)
            cursor.try_at = self._clock.now() + timedelta(milliseconds=pause)
            return
        session.merge(SetAside(plugin=plugin.name, sequence=sequence, error=error, set_aside_at=self._clock.now()))
        cursor.sequence, cursor.attempts, cursor.try_at = sequence, 0, None
        logger(plugin).error("batch %d set aside after %d tries: %s", sequence, self._settings.delivery_attempts, error)

    # What was set aside

    async def retry(self, name: str) -> int:
        """Tries again what was set aside for a plugin; gives the number of batches that went through.

        Raises:
            ConfigurationError: no such plugin listens.
            GuanxiError: one failed again; it stays set aside, and so do those after it.
        """
        found = next(((plugin, hook) for plugin, hook in self._hooks if plugin.name == name), None)
        if found is None:
            listening = ", ".join(plugin.name for plugin, _ in self._hooks) or "none"
            raise ConfigurationError(f"no plugin {name!r} listens to events; those that do: {listening}")
        waiting = await self._database.in_thread(
            lambda: self._database.retrying(lambda session: self._waiting(session, name))
        )
        for sequence, events in waiting:
            try:
                await self._redeliver(*found, sequence, events)
            except Exception as error:
                raise GuanxiError(f"batch {sequence} failed again: {type(error).__name__}: {error}") from error
        return len(waiting)

    def _waiting(self, session: Session, name: str) -> list[tuple[int, list[Event]]]:
        batches = session.exec(
            select(EventBatch)
            .join(SetAside, col(SetAside.sequence) == col(EventBatch.sequence))
            .where(SetAside.plugin == name)
            .order_by(col(EventBatch.sequence))
        ).all()
        return [(batch.sequence or 0, events_of(session, batch)) for batch in batches]

    async def _redeliver(
        self, plugin: Plugin, hook: Callable[..., Any], sequence: int, events: Sequence[Event]
    ) -> None:
        is_async = inspect.iscoroutinefunction(getattr(plugin, "after_commit", None))
        if is_async:
            await hook(ctx=self._outside(plugin.name), events=events)

        def work(unit: Unit) -> None:
            if not is_async:
                with unit.own_work():
                    hook(ctx=unit.context(plugin), events=events)
            unit.session.delete(unit.session.get(SetAside, (plugin.name, sequence)))

        await self._in_transaction(plugin, work)


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
