"""Strands: the loop goes on while they wait, and a cancelled one is done to its end."""

import asyncio

import pytest

from core.db.strands import in_strand, in_thread, pause, sleep, woven


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


@pytest.mark.parametrize("waits", [lambda: sleep(30), lambda: in_thread(lambda: None)])
def test_who_is_cancelled_is_done_to_the_end(waits):
    done = []

    async def cancelled():
        task = asyncio.ensure_future(woven(lambda: (waits(), done.append("all"))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert done == ["all"]


def test_strands_wait_for_each_other():
    async def meeting():
        opened = asyncio.get_running_loop().create_future()

        def first():
            pause(opened)
            return opened.result()

        return await asyncio.gather(woven(first), woven(lambda: opened.set_result("open")))

    assert asyncio.run(meeting()) == ["open", None]
