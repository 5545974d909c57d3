"""Strands: sync work on the event loop, which goes on with other work while this waits.

A hand-over to a thread and back, and threads that take turns, cost a single mutation a quarter of its processor time.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Thread
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
    loop = asyncio.get_running_loop()
    done: Future[T] = Future()
    run = copy_context().run

    def worked() -> None:
        try:
            done.set_result(run(work))
        except BaseException as error:
            done.set_exception(error)

    # One of its own: what others do in a pool may hang. It does not keep the process from ending.
    Thread(target=worked, name="guanxi strand", daemon=True).start()
    while not done.done():
        over = loop.create_future()
        done.add_done_callback(partial(_tell, loop, over))
        pause(over)
    return done.result()


def _tell(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]", done: Any) -> None:
    # Where the loop is closed already, nobody waits.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_set, future)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def woven(work: Callable[[], T]) -> T:
    """The result of work in a strand. Cancelled, it is done to its end all the same: it may be about to commit."""
    strand = Strand(work)
    strand.gr_context = copy_context()
    was_cancelled = False
    try:
        found = strand.switch()
        while not strand.dead:
            try:
                # What went wrong is the strand's, which asks the future.
                with suppress(Exception):
                    await found
            except asyncio.CancelledError:
                was_cancelled = True
            found = strand.switch()
    except Exception:
        # Nobody waits for what it says any more.
        if not was_cancelled:
            raise
    if was_cancelled:
        raise asyncio.CancelledError
    answer: T = found
    return answer
