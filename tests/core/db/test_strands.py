"""Strands: the loop goes on while they wait, and a cancelled one is done to its end."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import text

from core.db import postgresql
from core.db.database import Database
from core.db.strands import in_strand, in_thread, sleep, woven


def test_the_loop_goes_on_while_a_strand_sleeps():
    seen = []

    def work(name, seconds):
        sleep(seconds)
        seen.append(name)
        return name

    async def both():
        return await asyncio.gather(woven(lambda: work("late", 0.05)), woven(lambda: work("soon", 0)))

    assert asyncio.run(both()) == ["late", "soon"]
    assert seen == ["soon", "late"]
    assert not in_strand()


def test_what_blocks_is_done_in_a_thread():
    strands = []

    def work():
        return in_thread(lambda: strands.append(in_strand()) or "done"), in_strand()

    assert asyncio.run(woven(work)) == ("done", True)
    assert strands == [False]
    assert in_thread(lambda: "here") == "here"


def test_an_error_comes_out_as_it_was_raised():
    def work():
        sleep(0)
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        asyncio.run(woven(work))


def lost():
    raise LookupError("nothing")


def test_what_fails_in_the_thread_fails_in_the_strand():
    def work():
        try:
            return in_thread(lost)
        except LookupError:
            # As a connection is tried again.
            return in_thread(lambda: "found")

    assert asyncio.run(woven(work)) == "found"


def test_threads_of_others_that_hang_are_not_waited_for():
    goes_on = threading.Event()

    async def both():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        hanging = loop.run_in_executor(None, goes_on.wait, 10)
        found = await woven(lambda: in_thread(lambda: "done"))
        was_hanging = not hanging.done()
        goes_on.set()
        await hanging
        return found, was_hanging

    assert asyncio.run(both()) == ("done", True)


@pytest.mark.parametrize("waits", [lambda going: sleep(30), lambda going: in_thread(lambda: going.wait(10))])
def test_who_is_cancelled_is_done_to_the_end(waits):
    going, done = threading.Event(), []

    async def cancelled():
        task = asyncio.ensure_future(woven(lambda: (waits(going), done.append("all"))))
        await asyncio.sleep(0)
        task.cancel()
        asyncio.get_running_loop().call_soon(going.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert done == ["all"]


def test_a_thread_that_makes_a_session_holds_up_no_strand(databases, monkeypatch):
    if databases.engine == "sqlite":
        pytest.skip("on SQLite there are no strands")
    entered, goes_on, made = threading.Event(), threading.Event(), postgresql.guest_connection
    loop_thread = threading.get_ident()

    def guest(engine, driver):
        if threading.get_ident() != loop_thread:
            entered.set()
            assert goes_on.wait(10)
        return made(engine, driver)

    monkeypatch.setattr(postgresql, "guest_connection", guest)

    async def both(database):
        in_thread = asyncio.ensure_future(database.in_session(asked))
        await asyncio.to_thread(entered.wait, 10)
        on_loop = await database.briefly(lambda: database.retrying(asked))
        goes_on.set()
        return on_loop, await in_thread

    with closing(Database(databases.fresh())) as database:
        assert asyncio.run(both(database)) == (1, 1)


def asked(session):
    return session.connection().scalar(text("SELECT 1"))


def test_who_is_cancelled_hears_nothing_of_what_went_wrong():
    def work():
        sleep(0.01)
        raise LookupError("nothing")

    async def cancelled():
        task = asyncio.ensure_future(woven(work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancelled())


def test_what_a_closed_loop_leaves_behind_unwinds():
    seen = []

    def work():
        try:
            sleep(30)
        finally:
            seen.append("unwound")
            # As where a transaction is rolled back: nobody comes back to it.
            sleep(30)

    def begin():
        loop = asyncio.new_event_loop()
        task = loop.create_task(woven(work))
        loop.run_until_complete(asyncio.wait([task], timeout=0))
        loop.close()

    begin()
    gc.collect()
    assert seen == ["unwound"]
    assert asyncio.run(woven(in_strand))
