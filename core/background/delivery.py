"""Delivery of events to after-commit hooks: from the log, in order, at least once, each plugin at its own pace.

A plugin that fails is tried again with growing pauses, for as long as its policy says; then the batch is set aside. The
later events of the same records wait meanwhile, those of others go on. No client sees any of it, and no other plugin
waits. Of several processes on one database one delivers to a plugin, for as long as it keeps its lease on the plugin's
cursor.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import func
from sqlmodel import Session, select

from core.background.backlog import DeliveryState, PluginCursor, delivery_states
from core.background.lanes import HOOK, Lane
from core.background.leases import Leaseholder
from core.background.publisher import Publisher
from core.base.clock import Clock
from core.base.errors import ConfigurationError, UnavailableError
from core.base.settings import Settings
from core.db.database import Database
from core.db.sql import insert_if_absent
from core.host.contract import Context
from core.host.host import PluginHost
from core.log.events import EventBatch
from core.unit.unit import Transact

_log = logging.getLogger("guanxi.delivery")

_POLL_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 0.2


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
            Lane(plugin, hook, database, host, settings, clock, transact, outside, self._leaseholder)
            for plugin, hook in host.implementations(HOOK)
            if plugin.listens(host.settings[plugin.name])
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
            cursor = {"plugin": lane.plugin.name, "sequence": last, "failures": 0}
            session.execute(insert_if_absent(session, PluginCursor.__table__).values(cursor))

    def _let_go(self, session: Session) -> None:
        for cursor in session.exec(select(PluginCursor).where(PluginCursor.holder == self._leaseholder.id)):
            self._leaseholder.release(cursor)

    async def _run(self, lane: Lane) -> None:
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

    async def states(self) -> dict[str, DeliveryState]:
        """How delivery to each plugin that listens stands, by name."""
        await self._publisher.publish()
        return await self._database.in_session(
            lambda session: delivery_states(session, [lane.plugin.name for lane in self._lanes])
        )

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
