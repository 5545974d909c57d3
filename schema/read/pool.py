"""A pool of asyncpg connections that run single statements."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from core.base.errors import UnavailableError
from core.db.faults import BUSY

T = TypeVar("T")

#: States in which PostgreSQL ends the connection: its own failures, and a server that goes away.
_ENDING = ("08", "57P")
#: How long an abandoned connection may take to close in order.
_PARTING_SECONDS = 5


class Pool:
    """Connections for one statement at a time, the last one used first.

    asyncpg's own pool makes a task and a proxy for each use, for transactions and settings that would have to be
    undone. These connections have nothing to undo, and most statements take less time than that.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int, patience: float) -> None:
        """Prepares a pool; connects to nothing yet.

        Args:
            connect: opens a connection.
            size: the most that are open at once.
            patience: for how many seconds one waits for a connection.
        """
        self._connect = connect
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        #: How many connections are in use, and how many wait for one.
        self.busy = self.waiting = 0
        self._idle: list[Any] = []
        self._parting: set[asyncio.Task[None]] = set()

    async def use(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """The result of work on a connection of its own.

        Raises:
            UnavailableError: others took too long.
            Exception: as connecting and the work do; a connection is kept only if the database itself answered with the
                error.
        """
        await self._take_turn()
        try:
            while True:
                connection, is_new = self._from_idle(), False
                if connection is None:
                    connection, is_new = await self._connect(), True
                try:
                    return await self._used_for(work, connection)
                except Exception as error:
                    # What only reads is done again; where the server is gone, connecting anew tells.
                    if is_new or not _is_lost(error):
                        raise
        finally:
            self.busy -= 1
            self._free.release()

    async def _used_for(self, work: Callable[[Any], Awaitable[T]], connection: Any) -> T:
        try:
            answer = await work(connection)
        except asyncpg.PostgresError as error:
            if _is_lost(error):
                self._part_from(connection)
            else:
                self._idle.append(connection)
            raise
        except BaseException:
            self._part_from(connection)
            raise
        self._idle.append(connection)
        return answer

    async def _take_turn(self) -> None:
        """Waits while all connections are in use."""
        if self._free.locked():
            self.waiting += 1
            try:
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            except TimeoutError:
                raise UnavailableError(BUSY) from None
            finally:
                self.waiting -= 1
        else:
            await self._free.acquire()
        self.busy += 1

    def _from_idle(self) -> Any:
        """An open connection that nobody uses, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _part_from(self, connection: Any) -> None:
        """Releases a connection that may still be busy; its work is cancelled in the meantime."""
        task = asyncio.ensure_future(connection.close(timeout=_PARTING_SECONDS))
        self._parting.add(task)
        task.add_done_callback(self._parted)

    def _parted(self, task: "asyncio.Task[None]") -> None:
        self._parting.discard(task)
        if not task.cancelled():
            # A broken connection cannot close in order, and need not.
            task.exception()

    async def close(self) -> None:
        """Closes the connections nobody uses."""
        await asyncio.gather(*self._parting, return_exceptions=True)
        while self._idle:
            await self._idle.pop().close()


def _is_lost(error: Exception) -> bool:
    """Whether an error says that a connection is gone, and not what was asked."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_ENDING)
    # Its own, where the connection turns out to be closed.
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | ConnectionError)
