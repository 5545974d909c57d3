"""The publisher: numbers the events of committed transactions, soon after the commit and outside of requests.

Each server has one. Its own commits wake it, at most one run waits for the one under way, and now and then it looks for
what servers left that died between a commit and its number. On SQLite batches are numbered as they are written
(`core.log.numbers`), so there it only passes the news on.
"""

import asyncio
import logging
from collections.abc import Callable

from core.base.errors import UnavailableError
from core.db.database import Database
from core.db.engines import SQLITE
from core.db.strands import in_strand
from core.log.numbers import number_batches

_log = logging.getLogger("guanxi.publisher")

#: After a run, so that under load one run numbers many batches.
_PAUSE_SECONDS = 0.02
_RETRY_SECONDS = 1.0
_POLL_SECONDS = 5.0


class Publisher:
    """Numbers what one app commits, and what others left."""

    def __init__(self, database: Database, announce: Callable[[], None]) -> None:
        """Prepares it.

        Args:
            database: where events are.
            announce: called on the event loop when there are new numbers.
        """
        self._database = database
        self._announce = announce
        self._numbers = database.dialect != SQLITE
        # A connection of its own: it must not wait behind the writers it follows.
        self._threads = database.threads(1)
        self._busy = asyncio.Lock()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_behind = False

    @property
    def is_behind(self) -> bool:
        """Whether something that this app committed may have no number yet."""
        return self._is_behind or self._busy.locked()

    def wake(self) -> None:
        """Makes it number soon what was committed just now; may be called in any thread while it runs."""
        if not self._numbers:
            self._loop.call_soon_threadsafe(self._announce)
            return
        self._is_behind = True
        # Where it is awake already it has not looked yet, so it finds this commit too.
        if not self._news.is_set():
            if in_strand():
                self._news.set()
            else:
                self._loop.call_soon_threadsafe(self._news.set)

    async def start(self) -> None:
        """Numbers what was left by others, and from now on what is committed, until `stop`."""
        self._loop = asyncio.get_running_loop()
        await self.publish()
        if self._numbers:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops after a last run, so that nothing is left without a number."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        try:
            await self.publish()
        except Exception:
            # Everything else must still be stopped.
            _log.exception("events cannot be numbered now; the next server to run will number them")

    async def publish(self) -> None:
        """Numbers all that has been committed so far; afterwards readers see it."""
        if not self._numbers:
            return
        async with self._busy:
            # Before it looks: what is committed meanwhile may be overlooked.
            self._is_behind = False
            try:
                _, rows = await self._database.in_transaction(number_batches, self._threads)
            except BaseException:
                self._is_behind = True
                raise
        if rows is None or rows[0]:
            self._announce()

    async def _run(self) -> None:
        while True:
            try:
                # `wait_for` would lose a cancellation that comes together with news.
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._news.wait()
                is_due = self._is_behind
            except TimeoutError:
                is_due = True
            pause = _PAUSE_SECONDS
            self._news.clear()
            try:
                if is_due:
                    await self.publish()
            except UnavailableError:
                # The database's own log tells of it, once.
                pause = _RETRY_SECONDS
                self._news.set()
            except Exception:
                _log.exception("events cannot be numbered now; trying again")
                pause = _RETRY_SECONDS
                self._news.set()
            await asyncio.sleep(pause)
