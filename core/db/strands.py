"""Strands: sync work on the event loop, which goes on with other work while this waits.

A hand-over to a thread and back, and threads that take turns, cost a single mutation a quarter of its processor time.
"""

import asyncio
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class Strand(greenlet):
    """Sync work that runs on the event loop until it has to wait."""


def in_strand() -> bool:
    """Whether this is called in a strand, so that whatever waits has to `pause` instead."""
    return isinstance(getcurrent(), Strand)


def pause(awaited: "asyncio.Future[Any]") -> None:
    """Has the loop go on until a future is done, or was cancelled because nobody wants the answer any more.

    Only in a strand.
    """
    parent = getcurrent().parent
    assert parent is not None
    parent.switch(awaited)


def sleep(seconds: float) -> None:
    """Waits, in a strand or in a thread."""
    if not in_strand():
        time.sleep(seconds)
        return
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    timer = loop.call_later(seconds, _set, over)
    pause(over)
    timer.cancel()


def in_thread(work: Callable[[], T]) -> T:
    """The result of work that blocks: of a strand, in a thread."""
    if not in_strand():
        return work()
    done = asyncio.ensure_future(asyncio.to_thread(work))
    while not done.done():
        pause(asyncio.shield(done))
    return done.result()


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def woven(work: Callable[[], T]) -> T:
    """The result of work in a strand. Cancelled, it is done to its end all the same: it may be about to commit."""
    strand = Strand(work)
    strand.gr_context = copy_context()
    was_cancelled = False
    found = strand.switch()
    while not strand.dead:
        try:
            await found
        except asyncio.CancelledError:
            was_cancelled = True
        found = strand.switch()
    if was_cancelled:
        raise asyncio.CancelledError
    answer: T = found
    return answer
