"""What connections keep prepared: bounded, however many long statements are run."""

import sqlite3

import pytest

from core.db import prepared
from core.db.database import Database
from core.db.prepared import PreparedStatements
from core.db.transaction import SqlStatement

MOST = 2_000
HELD = "SELECT coalesce(sum(length(statement)), 0) FROM pg_prepared_statements"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(prepared, "_MOST_CHARACTERS", MOST)


def statement(number):
    return f"SELECT '{number:0300}'"


def test_a_statement_counts_once():
    statements = PreparedStatements()
    for number in (*range(6), *range(6)):
        statements.note(statement(number))
    assert not statements.are_too_many
    statements.note(statement(6))
    assert statements.are_too_many
    statements.clear()
    assert not statements.are_too_many


def test_connections_that_write_are_replaced_when_they_have_prepared_too_much(databases, monkeypatch):
    database = Database(databases.empty(), patience=5)
    opened = []
    connect = database.drivers.connect
    monkeypatch.setattr(database.drivers, "connect", lambda: opened.append(1) or connect())
    for number in range(40):
        with database.driven() as transaction:
            assert transaction.rows(SqlStatement(statement(number))) == [(f"{number:0300}",)]
            if database.dialect == "postgresql":
                assert transaction.rows(SqlStatement(HELD))[0][0] < MOST + 400
    assert 4 < len(opened) < 10
    database.close()


def test_what_is_read_by_a_plugins_session_counts_on_sqlite(databases):
    database = Database(databases.empty(), patience=5)
    with database.driven() as transaction:
        for number in range(8):
            transaction.session.connection().exec_driver_sql(statement(number))
        driver = transaction.session.connection().connection.dbapi_connection
    is_closed = False
    try:
        driver.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        is_closed = True
    # psycopg prepares nothing of a session.
    assert is_closed is (database.dialect == "sqlite")
    database.close()


def test_connections_that_read_let_go_of_what_they_have_prepared(crm, monkeypatch):
    client = crm()
    reader = client.app.services.reader
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: opened.append(1) or connect(*given, **named))
    for number in range(20):
        found = client.query(f"{{ customers {{ nodes {{ {' '.join(f'a{number}x{n}: name' for n in range(20))} }} }} }}")
        assert found == {"customers": {"nodes": []}}
    if client.app.database.dialect == "postgresql":
        held = client.run(reader.fetch(f"SELECT convert_to(({HELD})::text, 'UTF8')", ()))
        assert int(held) < 2 * MOST
    else:
        assert len(opened) > 4


def test_a_connection_that_could_not_be_replaced_goes_on(crm, monkeypatch):
    client = crm()
    if client.app.database.dialect != "sqlite":
        # A connection to PostgreSQL stays the same one.
        return

    def long(number):
        return f"{{ customers {{ nodes {{ {' '.join(f'a{number}x{n}: name' for n in range(150))} }} }} }}"

    def refused(*given, **named):
        raise sqlite3.OperationalError("unable to open database file")

    for number in range(3):
        client.query(long(number))
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", refused)
        assert client.execute(long(3)).get("errors")
    assert client.query(long(4)) == {"customers": {"nodes": []}}
