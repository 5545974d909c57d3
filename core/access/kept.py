"""Answers that are kept for some seconds, each sought once at a time however many wait for it."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from core.base.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An answer that was found.

    Attributes:
        answer: it.
        seconds: how long it may be kept; no longer than the most.
    """

    answer: T
    seconds: float = float("inf")


class Kept(Generic[T]):
    """Answers by key, the last used of them, each for some seconds at most."""

    def __init__(self, clock: Clock, seconds: float, most: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._answers: OrderedDict[Hashable, tuple[datetime, datetime, T]] = OrderedDict()
        self._sought: dict[Hashable, asyncio.Task[T]] = {}

    def peek(self, key: Hashable) -> T | None:
        """The answer that is kept for a key; None where it has to be found anew."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        since, until, answer = kept
        # A clock that was set back has not made it younger.
        return answer if since <= self._clock.now() < until else None

    def forget(self) -> None:
        """Has all of them found anew."""
        self._answers.clear()

    def drop(self, key: Hashable) -> None:
        """Has the answer for a key found anew."""
        self._answers.pop(key, None)

    async def get(self, key: Hashable, seek: Callable[[], Awaitable[Found[T]]]) -> T:
        """The answer for a key: the one kept, or what is found now. Failures are not kept."""
        kept = self.peek(key)
        if kept is not None:
            return kept
        task = self._sought.get(key)
        if task is None:
            task = self._sought[key] = asyncio.ensure_future(self._find(key, seek))
        # Whoever asked first may go away; the others still wait.
        return await asyncio.shield(task)

    async def _find(self, key: Hashable, seek: Callable[[], Awaitable[Found[T]]]) -> T:
        try:
            # Before it is sought: it is as old as what it was read from.
            since = self._clock.now()
            found = await seek()
            until = since + timedelta(seconds=min(self._seconds, found.seconds))
            self._answers[key] = since, until, found.answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
            return found.answer
        finally:
            del self._sought[key]
