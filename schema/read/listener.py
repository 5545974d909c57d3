"""Listening for new events on PostgreSQL: one connection of a server, kept for as long as it is needed."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import asyncpg

from core.db.database import Database
from core.db.postgresql import CONNECTING_SECONDS
from core.log.numbers import CHANNEL

_log = logging.getLogger("guanxi.live")

_RETRY_SECONDS = 1.0


class Listener:
    """Hears of new numbers in the event log, whichever server has given them."""

    def __init__(self, database: Database, announce: Callable[[], None]) -> None:
        """Prepares it.

        Args:
            database: on PostgreSQL.
            announce: called on the event loop when there may be new numbers.
        """
        self._dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._announce = announce
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens from now on, until `stop`; a connection that is lost is replaced."""
        heard = asyncio.Event()
        self._task = asyncio.create_task(self._keep(heard))
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECTING_SECONDS):
                await heard.wait()

    async def stop(self) -> None:
        """Stops listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _keep(self, heard: asyncio.Event) -> None:
        is_known_lost = False
        while True:
            try:
                await self._listen(heard)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not is_known_lost:
                    _log.warning("new events are looked for now and then, as listening failed: %s", error)
                is_known_lost = True
            else:
                is_known_lost = False
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, heard: asyncio.Event) -> None:
        """Listens until the connection is lost."""
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._dsn, timeout=CONNECTING_SECONDS)
        try:
            connection.add_termination_listener(lambda ended: lost.set())
            await connection.add_listener(CHANNEL, lambda *told: self._announce())
            heard.set()
            # What came before it listened again.
            self._announce()
            await lost.wait()
        finally:
            if not connection.is_closed():
                connection.terminate()
