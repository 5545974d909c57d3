"""A pool of asyncpg connections that run single statements."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")

#: How long an abandoned connection may take to close in order.
_PARTING_SECONDS = 5


class Pool:
    """Connections for one statement at a time, the last one used first.

    asyncpg's own pool makes a task and a proxy for each use, for transactions and settings that would have to be
    undone. These connections have nothing to undo, and most statements take less time than that.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int) -> None:
        """Prepares a pool; connects to nothing yet.

        Args:
            connect: opens a connection.
            size: the most that are open at once.
        """
        self._connect = connect
        self._free = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._parting: set[asyncio.Task[None]] = set()

    async def use(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """The result of work on a connection of its own.

        Raises:
            Exception: as the work does; a connection is kept only if the database itself answered with the error.
        """
        async with self._free:
            connection = self._from_idle() or await self._connect()
            try:
                answer = await work(connection)
            except asyncpg.PostgresError:
                self._idle.append(connection)
                raise
            except BaseException:
                self._part_from(connection)
                raise
            self._idle.append(connection)
            return answer

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
