"""A database that is full, read-only, busy or gone is answered with 503 and a code, and what was refused is not there."""

import asyncio
import sqlite3
import threading
from contextlib import closing, contextmanager

import orjson
import psycopg
import pytest

from core.base.errors import UnavailableError
from core.db.database import Database
from guanxi import Plugin, hookimpl
from tests.outages.served import migrated, served
from tests.warm import python

CREATE = 'mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }'
COUNT = "{ customers { totalCount } }"


def posted(client, query):
    """Status, headers and body of the answer to an operation."""
    status, headers, body = client.post(orjson.dumps({"query": query}), {"content-type": "application/json"})
    return status, headers, orjson.loads(body)


def check_unavailable(answer, word):
    status, headers, body = answer
    assert status == 503, body
    assert headers["retry-after"] == "5"
    assert body["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}
    assert word in body["errors"][0]["message"]


@contextmanager
def without_room(client):
    """While a SQLite file may not grow."""
    with client.app.database.driven() as transaction:
        driver = transaction._driver._driver
    driver.execute("PRAGMA max_page_count = 1")
    yield
    driver.execute("PRAGMA max_page_count = 1000000000")


@contextmanager
def read_only(client):
    """While a PostgreSQL database accepts no changes, as a standby does."""
    database = client.app.database
    name = database.url.database

    def set_to(value):
        with psycopg.connect(database.url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        database.close()

    set_to("on")
    yield
    set_to("off")


def test_a_database_that_takes_nothing_more_is_still_read_and_takes_it_again(crm, databases):
    client = crm()
    client.create("Customer", name="Before")
    is_full = databases.engine == "sqlite"
    with (without_room if is_full else read_only)(client):
        written = 1
        # A file has some room left in its pages.
        while is_full and posted(client, CREATE)[0] == 200:
            written += 1
        for _ in range(3):
            check_unavailable(posted(client, CREATE), "no room" if is_full else "accepts no changes")
        assert posted(client, COUNT)[2] == {"data": {"customers": {"totalCount": written}}}
    client.create("Customer", name="After")
    assert posted(client, COUNT)[2] == {"data": {"customers": {"totalCount": written + 1}}}


class Swallowing(Plugin):
    """Goes on after whatever the database refuses it."""

    name, version, api = "swallowing", "1.0", ">=1,<2"

    @hookimpl
    def before_commit(self, ctx, changes):
        for record in changes.created("Customer"):
            if record.name == "Ann":
                driver = ctx.session.connection().connection.driver_connection
                if isinstance(driver, sqlite3.Connection):
                    # What SQLite does by itself where a disk is full.
                    driver.execute("ROLLBACK")


def test_what_comes_after_a_transaction_that_sqlite_ended_is_not_committed_bit_by_bit(crm, databases):
    if databases.engine != "sqlite":
        pytest.skip("PostgreSQL accepts nothing more in a transaction that failed")
    client = crm(Swallowing)
    check_unavailable(posted(client, CREATE), "cannot read or write")
    assert posted(client, COUNT)[2] == {"data": {"customers": {"totalCount": 0}}}


def test_who_waits_too_long_for_others_is_told_to_come_back(crm, databases):
    client = crm(write_deadline_ms=300, queue_deadline_ms=300)
    with closing(Database(client.app.settings.database_url)) as other, other.driven() as transaction:
        if databases.engine == "sqlite":
            transaction.session.connection()
            check_unavailable(posted(client, CREATE), "busy")
    begun, done = threading.Event(), threading.Event()

    async def crowded():
        def hold():
            begun.set()
            done.wait(30)

        writers = client.app.database.writers
        holding = [asyncio.ensure_future(writers.run(hold)) for _ in range(8)]
        await asyncio.to_thread(begun.wait)
        try:
            with pytest.raises(UnavailableError, match="busy"):
                await client.app.database.in_thread(lambda: None)
        finally:
            done.set()
            await asyncio.gather(*holding, return_exceptions=True)

    client.run(crowded())
    client.create("Customer", name="Ann")


class Failing(Plugin):
    """Has the database end its connection at the commit."""

    name, version, api = "failing", "1.0", ">=1,<2"
    is_on = False

    @hookimpl
    def before_commit(self, ctx, changes):
        if Failing.is_on:
            from sqlalchemy import text

            ctx.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_a_connection_that_is_always_lost_is_no_fault_of_the_plugin(crm, databases, monkeypatch):
    if databases.engine == "sqlite":
        pytest.skip("there is no connection to be lost")
    client = crm(Failing, write_deadline_ms=300)
    monkeypatch.setattr(Failing, "is_on", True)
    check_unavailable(posted(client, CREATE), "cannot be reached")
    monkeypatch.setattr(Failing, "is_on", False)
    client.create("Customer", name="Ann")
    assert posted(client, COUNT)[2] == {"data": {"customers": {"totalCount": 1}}}


def test_readers_connect_again_by_themselves_where_the_server_ended_their_connections(crm, databases):
    if databases.engine == "sqlite":
        pytest.skip("there is no connection to be lost")
    client = crm()
    assert posted(client, COUNT)[0] == 200
    with psycopg.connect(client.app.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert posted(client, COUNT)[0] == 200
    client.create("Customer", name="Ann")


def test_what_would_go_into_a_deleted_file_is_refused(crm, databases):
    if databases.engine != "sqlite":
        pytest.skip("there is no file")
    client = crm()
    client.app.database.path.unlink()
    check_unavailable(posted(client, CREATE), "no longer where it was")
    client.run(asyncio.wait_for(client.app.lost_file.wait(), 30))
    check_unavailable(posted(client, COUNT), "no longer where it was")


def test_a_server_whose_file_is_replaced_stops_with_one_line(tmp_path):
    file = tmp_path / "crm.db"
    migrated(f"sqlite:///{file}")
    with served(f"sqlite:///{file}", python=python()) as server:
        server.until_ready()
        file.rename(tmp_path / "old.db")
        file.write_bytes(b"")
        assert server.process.wait(30) == 1
        lines = [line for line in server.log.splitlines() if not line.startswith("{")]
        assert len(lines) == 1
        assert "the file was replaced or deleted while the server was running" in lines[0]
