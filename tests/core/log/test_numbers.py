"""Numbers of events: without gaps, in the order of each record's changes, and none before one that was read already."""

import asyncio
import itertools
import logging
import threading
from contextlib import closing, suppress

import pytest
from sqlalchemy import text

from core.background import publisher as publishing
from core.background.publisher import Publisher
from core.db.database import Database
from core.log.numbers import number_batches
from guanxi import Plugin, create_app, hookimpl, load_settings
from tests.operating import executed
from tests.writes import changed, made

PAGE = """query ($after: String) { events(first: 7, after: $after) {
    edges { cursor node { id sequence type entityId changes { field previous current } } } } }"""
UPDATE = "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { message } } }"
MOVE = "mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) { userErrors { message } } }"


class Killed(Exception):  # noqa: N818  (it is not an error)
    """Ends a transaction as the death of its process does."""


async def pages(app, after=None):
    """The events after a cursor, page by page as far as they go now, and the cursor to go on from."""
    found = []
    while edges := (await executed(app, PAGE, {"after": after}))["events"]["edges"]:
        found += [edge["node"] for edge in edges]
        after = edges[-1]["cursor"]
    return found, after


def log(client):
    return client.run(pages(client.app))[0]


def numbers(events):
    """The numbers of batches in the order they were read, each once."""
    return [int(number) for number, _ in itertools.groupby(event["sequence"] for event in events)]


def values(events, id, field):
    """From what to what a field of a record went, in the order of the log."""
    return [
        (change["previous"], change["current"])
        for event in events
        if event["entityId"] == id
        for change in event["changes"]
        if change["field"] == field
    ]


def leads_on(steps):
    """Whether each step begins where the one before it ended."""
    return all(before[1] == after[0] for before, after in itertools.pairwise(steps))


def left(database):
    """How many batches have no number."""
    with database.connection() as connection:
        return connection.scalar(text("SELECT count(*) FROM event_batch WHERE sequence IS NULL"))


class Slow(Plugin):
    """Lets transactions that began earlier end later."""

    name, version, api = "slow", "1.0", ">=1,<2"

    def __init__(self):
        self.turns = itertools.count()

    @hookimpl
    def before_commit(self, ctx, changes):
        # Every third waits until others, which began after it, have gone by.
        for _ in range(20 if next(self.turns) % 3 == 0 else 0):
            ctx.session.execute(text("SELECT 1"))


def dying(database):
    """A publisher that is killed after it has numbered, before its commit."""
    with suppress(Killed), database.driven() as transaction:
        transaction.send(*number_batches(transaction).reads)
        raise Killed


def test_with_many_writers_and_two_publishers_one_of_them_killed_a_reader_misses_nothing(crm):
    client = crm(Slow())
    customer = made(client, "Customer", name="0")["id"]
    deal = made(client, "Opportunity", name="Deal")["id"]
    writes = [(UPDATE, {"id": customer, "name": str(turn)}) for turn in range(1, 51)]
    writes += [(MOVE, {"id": deal, "stageKey": "BCD"[turn % 3]}) for turn in range(30)]
    # Neither order is that of the numbers.
    writes = writes[::2] + writes[1::2]

    async def compete(app):
        other = Database(str(app.settings.database_url))
        second = Publisher(other, lambda: None)
        await second.start()
        writing = [asyncio.create_task(executed(app, query, {"input": one})) for query, one in writes]
        seen, cursor = [], None
        while not all(task.done() for task in writing):
            if app.database.dialect == "postgresql":
                # One is killed within its transaction, the other cancelled wherever it is.
                killed = asyncio.to_thread(dying, other)
                cancelled = asyncio.create_task(app.publisher.publish())
                await asyncio.gather(killed, second.publish())
                cancelled.cancel()
                await asyncio.gather(cancelled, return_exceptions=True)
            more, cursor = await pages(app, cursor)
            seen += more
            # Reads of SQLite do not yield to the event loop.
            await asyncio.sleep(0)
        await asyncio.gather(*writing)
        await second.stop()
        await app.publisher.publish()
        more, _ = await pages(app, cursor)
        other.close()
        return seen + more

    seen = client.run(compete(client.app))
    assert seen == log(client)
    assert numbers(seen) == list(range(1, len(numbers(seen)) + 1))
    renamed, moves = values(seen, customer, "name"), values(seen, deal, "stageId")
    assert renamed[0] == (None, "0") and leads_on(renamed) and len(renamed) == 51
    assert len(moves) > 1 and leads_on(moves)


def test_what_is_rolled_back_leaves_no_gap(crm):
    client = crm()
    id = made(client, "Customer", name="Ann")["id"]
    for _ in range(3):
        tried = client.query(UPDATE, input={"id": id, "name": "Tried", "dryRun": True})
        assert tried["updateCustomer"]["userErrors"] == []
    changed(client, "Customer", id, name="Bo")
    assert numbers(log(client)) == [1, 2]


def test_a_reader_waits_for_what_an_unfinished_publisher_holds_and_the_next_publisher_for_it(crm, monkeypatch):
    client = crm()
    id = made(client, "Customer", name="Ann")["id"]
    database, app = client.app.database, client.app
    if database.dialect == "sqlite":
        pytest.skip("batches are numbered as they are written")

    # Its own publisher runs only when it is asked to.
    monkeypatch.setattr(app.services, "announce", lambda: None)

    async def overtake():
        with database.driven() as transaction:
            await executed(app, UPDATE, {"input": {"id": id, "name": "First"}})
            assert transaction.send(*number_batches(transaction).reads)[0]
            await executed(app, UPDATE, {"input": {"id": id, "name": "Second"}})
            # It must number the second after the first, whose number it cannot see yet.
            next_one = asyncio.create_task(app.publisher.publish())
            while not await asyncio.to_thread(waits, database):
                pass
            before, _ = await pages(app)
            transaction.commit()
        await next_one
        return before

    assert numbers(client.run(overtake())) == [1]
    assert numbers(log(client)) == [1, 2, 3]
    assert values(log(client), id, "name") == [(None, "Ann"), ("Ann", "First"), ("First", "Second")]


def waits(database):
    """Whether somebody waits for a lock."""
    with database.connection() as connection:
        return connection.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )


def leave_unnumbered(url):
    """Commits as a server does that dies before it has numbered anything."""

    async def serve():
        app = create_app(load_settings(database_url=url), [])
        async with app.running():
            app.publisher.publish = nothing
            await executed(app, 'mutation { createCustomer(input: {name: "Left"}) { userErrors { message } } }', {})

    asyncio.run(serve())


async def nothing():
    """Publishes nothing."""


def test_what_a_dead_server_left_is_numbered_by_the_next_to_start(crm):
    url = crm.databases.fresh()
    leave_unnumbered(url)
    with closing(Database(url)) as database:
        assert left(database) == (database.dialect == "postgresql")
    client = crm(url=url)
    assert [event["type"] for event in log(client)] == ["CUSTOMER_CREATED"]


def test_what_a_dead_server_left_is_numbered_by_one_that_runs(crm, monkeypatch):
    if crm.databases.engine == "sqlite":
        pytest.skip("batches are numbered as they are written")
    monkeypatch.setattr(publishing, "_POLL_SECONDS", 0.01)
    url = crm.databases.fresh()
    client, numbered = crm(url=url), asyncio.Event()
    monkeypatch.setattr(client.app.delivery, "announce", numbered.set)
    leave_unnumbered(url)
    client.run(asyncio.wait_for(numbered.wait(), 10))
    assert [event["type"] for event in log(client)] == ["CUSTOMER_CREATED"]


def test_a_run_that_fails_is_logged_and_tried_again(crm, monkeypatch, caplog):
    if crm.databases.engine == "sqlite":
        pytest.skip("batches are numbered as they are written")
    monkeypatch.setattr(publishing, "_RETRY_SECONDS", 0)
    failures, numbered = [RuntimeError("no")], asyncio.Event()

    def number(transaction):
        if failures:
            raise failures.pop()
        return number_batches(transaction)

    async def update(app, id):
        await executed(app, UPDATE, {"input": {"id": id, "name": "Bo"}})
        await asyncio.wait_for(numbered.wait(), 10)

    client = crm()
    id = made(client, "Customer", name="Ann")["id"]
    monkeypatch.setattr(publishing, "number_batches", number)
    monkeypatch.setattr(client.app.delivery, "announce", numbered.set)
    with caplog.at_level(logging.ERROR, "guanxi.publisher"):
        client.run(update(client.app, id))
    assert numbers(log(client)) == [1, 2]
    assert [record.message for record in caplog.records] == ["events cannot be numbered now; trying again"]


@pytest.mark.parametrize("fails", [False, True])
def test_an_app_that_ends_numbers_what_it_has_committed(databases, monkeypatch, caplog, fails):
    # After the first run it would pause until the end.
    monkeypatch.setattr(publishing, "_PAUSE_SECONDS", 60)
    url = databases.fresh()

    async def run():
        app = create_app(load_settings(database_url=url), [])
        async with app.running():
            for name in ("Ann", "Bo", "Cy"):
                create = f'mutation {{ createCustomer(input: {{name: "{name}"}}) {{ userErrors {{ message }} }} }}'
                await executed(app, create, {})
            if fails:
                monkeypatch.setattr(publishing, "number_batches", lambda transaction: 1 / 0)

    asyncio.run(run())
    with closing(Database(url)) as database:
        assert bool(left(database)) == (fails and database.dialect == "postgresql")
    assert ("the next server to run will number them" in caplog.text) == (fails and databases.engine == "postgresql")


def test_writers_do_not_hold_up_the_publisher(crm):
    """All connections of writers are taken by transactions that wait for a record."""
    client = crm()
    if client.app.database.dialect == "sqlite":
        pytest.skip("one writes at a time, and numbers what it writes")
    first, locked = (made(client, "Customer", name=name)["id"] for name in ("Ann", "Bo"))
    app, held, go_on = client.app, threading.Event(), threading.Event()

    def hold(session):
        session.execute(text("SELECT id FROM customer WHERE id = :id FOR UPDATE"), {"id": locked})
        held.set()
        assert go_on.wait(30)

    async def crowd():
        await executed(app, UPDATE, {"input": {"id": first, "name": "Changed"}})
        holding = asyncio.create_task(asyncio.to_thread(app.database.retrying, hold))
        await asyncio.to_thread(held.wait)
        waiting = [
            asyncio.create_task(executed(app, UPDATE, {"input": {"id": locked, "name": str(n)}})) for n in range(20)
        ]
        try:
            while await asyncio.to_thread(waits, app.database) < 8:
                pass
            await app.publisher.publish()
            found, _ = await pages(app)
        finally:
            go_on.set()
            await asyncio.gather(holding, *waiting)
        return found

    assert numbers(client.run(crowd())) == [1, 2, 3]
