"""Where sync work on the database runs: in threads or on the event loop, so much at once, and none waits for ever."""

import asyncio
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from core.base.errors import UnavailableError
from core.db.faults import BUSY
from core.db.strands import woven

T = TypeVar("T")

#: Work in the context of whoever asks for it, and where its result goes; None ends a thread.
_Task = tuple[Callable[[], Any], Context, "asyncio.Future[Any]"] | None


class Threads:
    """Runs sync work off the event loop, or so that it does not hold it up; so much at once.

    Attributes:
        busy: how much runs now.
        waiting: how much waits for its turn.
    """

    def __init__(self, most: int, patience: float, *, weaves: bool = False) -> None:
        """Prepares it; starts threads as they are needed.

        Args:
            most: how much runs at once.
            patience: for how many seconds one waits for its turn.
            weaves: brief work may run on the event loop, because it can be paused wherever it waits.
        """
        self._turns = asyncio.Semaphore(most)
        self._patience = patience
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        self._started = 0
        self._weaves = weaves
        self.busy = self.waiting = 0

    async def run(self, work: Callable[[], T], *, is_brief: bool = False) -> T:
        """The result of work.

        Args:
            work: what to do.
            is_brief: it waits for nothing but the database, and takes some milliseconds of the processor at most, so
                that it may run on the event loop.

        Raises:
            UnavailableError: others took too long.
        """
        if self._turns.locked():
            await self._turn()
        else:
            await self._turns.acquire()
        self.busy += 1
        try:
            return await (woven(work) if is_brief and self._weaves else self._run(work))
        finally:
            self.busy -= 1
            self._turns.release()

    async def _turn(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise UnavailableError(BUSY) from None
        finally:
            self.waiting -= 1

    async def _run(self, work: Callable[[], T]) -> T:
        if self.busy > self._started:
            self._start()
        running: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tasks.put((work, copy_context(), running))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and nobody may close its connection before it is done.
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([running])
            # Nobody waits for what it says any more; what is not read would be logged as an accident.
            running.exception()
            raise

    def _start(self) -> None:
        # It does not keep the process from ending where code of a plugin hangs, nor this object from being let go.
        Thread(target=_work, args=(self._tasks,), name="guanxi database", daemon=True).start()
        weakref.finalize(self, self._tasks.put, None)
        self._started += 1


def _work(tasks: "SimpleQueue[_Task]") -> None:
    """Does what is asked for, until there is nothing more to come."""
    while (task := tasks.get()) is not None:
        work, context, running = task
        try:
            result = context.run(work)
        except BaseException as error:
            # A future does not accept these.
            failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
            _report(running, running.set_exception, failure)
            del failure
        else:
            _report(running, running.set_result, result)
            del result
        # Nothing is kept alive while it waits.
        del task, work, context, running


def _report(running: "asyncio.Future[Any]", tell: Callable[[Any], None], what: Any) -> None:
    # Where the loop is closed already, nobody waits.
    with suppress(RuntimeError):
        running.get_loop().call_soon_threadsafe(tell, what)
