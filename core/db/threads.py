"""Threads for sync work on the database: so many at once, and nobody waits for one without end."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TypeVar

import anyio
import anyio.to_thread

from core.base.errors import UnavailableError
from core.db.faults import BUSY

T = TypeVar("T")


class Threads:
    """Runs sync work off the event loop, so many at once."""

    def __init__(self, most: int, patience: float) -> None:
        """Prepares it; belongs to the event loop that first runs work by it.

        Args:
            most: how many work at once.
            patience: for how many seconds one waits for its turn.
        """
        self._turns = anyio.CapacityLimiter(most)
        self._patience = patience

    @cached_property
    def _all(self) -> anyio.CapacityLimiter:
        # Turns are taken here, where waiting for one has an end.
        return anyio.CapacityLimiter(math.inf)

    @property
    def busy(self) -> int:
        """How many work now."""
        return self._turns.borrowed_tokens

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._turns.statistics().tasks_waiting

    async def run(self, work: Callable[[], T]) -> T:
        """The result of work in a thread.

        Raises:
            UnavailableError: others took too long.
        """
        borrower = object()
        try:
            self._turns.acquire_on_behalf_of_nowait(borrower)
        except anyio.WouldBlock:
            try:
                async with asyncio.timeout(self._patience):
                    await self._turns.acquire_on_behalf_of(borrower)
            except TimeoutError:
                raise UnavailableError(BUSY) from None
        try:
            return await self._run(work)
        finally:
            self._turns.release_on_behalf_of(borrower)

    async def _run(self, work: Callable[[], T]) -> T:
        running = asyncio.ensure_future(anyio.to_thread.run_sync(work, limiter=self._all))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # A thread cannot be stopped, and nobody may close its connection before it is done.
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([running])
            # Nobody waits for what it says any more; what is not read would be logged as an accident.
            if not running.cancelled():
                running.exception()
            raise
