"""A deadline for what clients are waited for, which costs those next to nothing that keep it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: How often it is looked who is late, in parts of the deadline.
_LOOKS = 10


class Deadline:
    """A time that many may take, watched by one timer for all of them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        #: The event loop whose timer watches them.
        self._watched_by: asyncio.AbstractEventLoop | None = None

    async def keep(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work of the current task.

        Raises:
            TimeoutError: it takes longer.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._until[task] = loop.time() + self.seconds
        if self._watched_by is not loop:
            self._watch(loop)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            del self._until[task]
            self._late.discard(task)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends what is late, and comes again as long as there is anything to watch."""
        now = loop.time()
        for task, until in self._until.items():
            if until < now and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._watched_by = loop if self._until else None
        if self._until:
            loop.call_later(self.seconds / _LOOKS, self._watch, loop)
