"""The pool of PostgreSQL connections: each used by one at a time, and none kept that may not be fit to use."""

import asyncio

import asyncpg
import psycopg
import pytest

from schema.read.pool import Pool

SLEEP = "SELECT count(*) FROM (SELECT pg_sleep(20)) s"
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool'"


@pytest.fixture
def ended():
    """Set when a connection has ended."""
    return asyncio.Event()


@pytest.fixture
def ask(postgres, ended):
    """Runs a test's coroutine with a pool of two connections."""

    async def connect():
        connection = await asyncpg.connect(postgres, server_settings={"application_name": "pool"})
        connection.add_termination_listener(lambda connection: ended.set())
        return connection

    def run(work):
        async def in_pool():
            pool = Pool(connect, 2, 60)
            try:
                return await work(pool)
            finally:
                await pool.close()

        return asyncio.run(in_pool())

    return run


def backends(postgres):
    with psycopg.connect(postgres) as connection:
        return connection.execute(BACKENDS).fetchone()[0]


async def process(connection):
    return await connection.fetchval("SELECT pg_backend_pid()")


def test_the_connection_used_last_is_used_first(ask):
    async def work(pool):
        return [await pool.use(process) for _ in range(5)]

    assert len(set(ask(work))) == 1


def test_no_more_are_open_at_once_than_may_be_and_all_get_their_turn(ask):
    async def work(pool):
        async def slowly(connection):
            await connection.execute("SELECT pg_sleep(0.05)")
            return await process(connection)

        return await asyncio.gather(*(pool.use(slowly) for _ in range(6)))

    found = ask(work)
    assert len(found) == 6
    assert len(set(found)) == 2


def test_an_error_of_the_database_costs_no_connection(ask):
    async def work(pool):
        first = await pool.use(process)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await pool.use(lambda connection: connection.fetchval("SELECT 1 / 0"))
        return first, await pool.use(process)

    first, second = ask(work)
    assert first == second


def test_a_connection_that_the_server_ended_is_replaced(ask, ended, postgres):
    async def work(pool):
        first = await pool.use(process)
        with psycopg.connect(postgres) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [first])
        await ended.wait()
        return first, await pool.use(process)

    first, second = ask(work)
    assert first != second


def test_who_gives_up_waiting_ends_the_statement_and_leaves_room_for_others(ask, postgres):
    async def work(pool):
        first = await pool.use(process)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.use(lambda connection: connection.fetchval(SLEEP)), 0.1)
        return first, await asyncio.gather(*(pool.use(process) for _ in range(2)))

    first, others = ask(work)
    assert first not in others
    assert backends(postgres) == 0
