"""Allowances of requests: counted once for all servers, leased in blocks, none of it in a request's way."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core.access.allowances import Allowances
from core.base.clock import FixedClock
from core.base.errors import RateLimitedError
from core.db.database import Database

LIMIT = 100


@pytest.fixture
def clock():
    return FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC))


@pytest.fixture
def make(databases, clock):
    """Makes servers on one database."""
    url, made = databases.fresh(), []

    def server(per_minute=LIMIT, at_once=1000):
        made.append(Database(url))
        return Allowances(made[-1], clock, per_minute, at_once)

    yield server
    for database in made:
        database.close()


async def taken(server, times, actor="key"):
    """How many of so many requests are let through."""
    count = 0
    for _ in range(times):
        try:
            await server.take(actor)
        except RateLimitedError:
            continue
        server.give_back(actor)
        count += 1
        # Leases go on between requests.
        await asyncio.sleep(0)
    await server.stop()
    return count


def test_one_server_lets_through_what_is_allowed_and_at_most_a_block_more(make):
    server = make()
    assert LIMIT <= asyncio.run(taken(server, 3 * LIMIT)) <= LIMIT + server.block


def test_servers_together_let_through_at_most_a_block_each_beyond_what_is_allowed(make):
    servers = [make() for _ in range(3)]

    async def together():
        return sum(await asyncio.gather(*(taken(server, 2 * LIMIT) for server in servers)))

    # What one has leased and not used is not there for the others.
    unused = 3 * 2 * servers[0].block
    assert LIMIT - unused <= asyncio.run(together()) <= LIMIT + 3 * servers[0].block


def test_the_next_minute_begins_anew(make, clock):
    server = make()

    async def work():
        await taken(server, 2 * LIMIT)
        with pytest.raises(RateLimitedError, match="more than 100 requests within a minute; wait 60 s") as refused:
            await server.take("key")
        assert refused.value.seconds == 60
        clock.moment += timedelta(seconds=60)
        return await taken(server, 2 * LIMIT)

    assert LIMIT <= asyncio.run(work()) <= LIMIT + server.block


def test_each_actor_has_its_own(make):
    server = make()

    async def work():
        await taken(server, 2 * LIMIT, "one")
        return await taken(server, 10, "another")

    assert asyncio.run(work()) == 10


def test_one_actor_has_so_many_requests_under_way(make):
    server = make(at_once=2)

    async def work():
        await server.take("key")
        await server.take("key")
        with pytest.raises(RateLimitedError, match="2 requests of yours are under way"):
            await server.take("key")
        await server.take("another")
        server.give_back("key")
        await server.take("key")
        await server.stop()

    asyncio.run(work())


def test_what_is_left_is_told(make):
    server = make()

    async def work():
        first = await server.take("key")
        await server.stop()
        return first, await server.take("key")

    first, second = asyncio.run(work())
    assert (first.limit, first.left) == (100, 0)
    # A block of five was leased, of which the first was taken on credit.
    assert (second.limit, second.left, second.seconds) == (100, 3, 60)


def test_requests_are_answered_though_they_cannot_be_counted(make, caplog):
    server = make()

    async def work():
        server._database.retrying(lambda session: session.connection().exec_driver_sql("DROP TABLE request_count"))
        return await taken(server, 3)

    assert asyncio.run(work()) == 3
    assert "cannot be counted" in caplog.text
