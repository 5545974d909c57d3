"""Strands: sync work on the event loop, which goes on with other work while this waits.

Without hand-overs to threads and back, and threads that take turns, a tenth more of mutations is possible.
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

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")


#: Has the loop call a function once what is waited for is there; gives what ends that.
Begin = Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Callable[[], Any]]


class Strand(greenlet):
    """Sync work that runs on the event loop until it has to wait.

    Attributes:
        is_left: nobody goes on with it, because its loop was closed; it only unwinds.
    """

    is_left = False


def in_strand() -> bool:
    """Whether this is called in a strand, so that whatever waits has to `pause` instead."""
    return isinstance(getcurrent(), Strand)


def pause(begin: Begin) -> None:
    """Has the loop go on until it is woken, or nobody wants the answer any more. Only in a strand.

    The strand must hold neither itself nor what wakes it, and so its task: no garbage is found behind its frames.

    Raises:
        GreenletExit: nobody goes on with it.
    """
    if _current().is_left:
        raise GreenletExit
    try:
        _current().parent.switch(begin)
    except GreenletExit:
        _current().is_left = True
        raise


def _current() -> Any:
    return getcurrent()


def sleep(seconds: float) -> None:
    """Waits, in a strand or in a thread."""
    if not in_strand():
        time.sleep(seconds)
        return
    pause(lambda loop, wake: loop.call_later(seconds, wake).cancel)


def in_thread(work: Callable[[], T]) -> T:
    """The result of work that blocks: of a strand, in a thread."""
    if not in_strand():
        return work()
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
        pause(partial(_until, done))
    return done.result()


def _until(done: Future[Any], loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> Callable[[], Any]:
    def tell(_: Any) -> None:
        # Where the loop is closed already, nobody waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(wake)

    done.add_done_callback(tell)
    return lambda: None


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def woven(work: Callable[[], T]) -> T:
    """The result of work in a strand. Cancelled, it is done to its end all the same: it may be about to commit."""
    loop = asyncio.get_running_loop()
    strand = Strand(work)
    strand.gr_context = copy_context()
    was_cancelled = False
    try:
        found = strand.switch()
        while not strand.dead:
            news = loop.create_future()
            end = found(loop, partial(_set, news))
            try:
                await news
            except asyncio.CancelledError:
                was_cancelled = True
            finally:
                end()
            found = strand.switch()
    except Exception:
        # Nobody waits for what it says any more.
        if not was_cancelled:
            raise
    if was_cancelled:
        raise asyncio.CancelledError
    answer: T = found
    return answer
