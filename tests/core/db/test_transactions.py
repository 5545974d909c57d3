"""Transactions of writing: what is put off goes together, a guest sees it, and a lost end is found out."""

import sqlite3

import psycopg
import pytest
from sqlalchemy import text

from core.base.errors import SlowStatementError
from core.db.conflicts import Conflict, conflict_of
from core.db.database import Database, Done
from core.db.transaction import SqlStatement, mark


@pytest.fixture
def database(databases):
    database = Database(databases.empty(), patience=5)
    with database.driven() as transaction:
        transaction.put(SqlStatement("CREATE TABLE visit (id TEXT PRIMARY KEY, place TEXT)"))
        transaction.commit()
    yield database
    database.close()


def insertion(database, id, place="Bonn"):
    first, second = (mark(database.dialect, number) for number in (1, 2))
    return SqlStatement(
        f"INSERT INTO visit (id, place) VALUES ({first}, {second})", (id, place), table="visit", inserts=True
    )


def stored(database):
    with database.driven() as transaction:
        return transaction.rows(SqlStatement("SELECT id FROM visit ORDER BY id"))


def test_what_is_put_off_goes_with_what_is_read_in_one_round_trip(database):
    trips = []
    database.on_trip = lambda process, statements: trips.append([statement.sql.split()[0] for statement in statements])
    with database.driven() as transaction:
        transaction.put(insertion(database, "a"), insertion(database, "b"))
        assert trips == []
        (rows,) = transaction.commit(SqlStatement("SELECT id FROM visit ORDER BY id"))
    assert [row[0] for row in rows] == ["a", "b"]
    inserts = ["INSERT", "INSERT"] if database.dialect == "sqlite" else ["WITH"]
    assert trips == [["BEGIN", *inserts, "SELECT", "COMMIT"]]


def test_what_is_written_is_joined_unless_a_table_is_changed_by_two_parts(database):
    one, two = (mark(database.dialect, number) for number in (1, 2))
    moved = SqlStatement(f"UPDATE visit SET place = {one} WHERE id = {two}", ("Rome", "a"), table="visit")
    trips = []
    database.on_trip = lambda process, statements: trips.append(len(statements))
    with database.driven() as transaction:
        transaction.put(insertion(database, "a"), insertion(database, "b"), moved, insertion(database, "c"))
        rows = transaction.rows(SqlStatement("SELECT place FROM visit ORDER BY id"))
    assert [row[0] for row in rows] == ["Rome", "Bonn", "Bonn"]
    # BEGIN, a with b, the change, c, and the query; on SQLite each is its own.
    assert trips[0] == (6 if database.dialect == "sqlite" else 5)


def test_the_session_sees_what_was_put_off_and_commits_nothing(database):
    with database.driven() as transaction:
        transaction.put(insertion(database, "a"))
        assert transaction.session.execute(text("SELECT id FROM visit")).all() == [("a",)]
        transaction.put(insertion(database, "b"))
        assert transaction.session.execute(text("SELECT count(*) FROM visit")).scalar_one() == 2
        transaction.session.commit()
    assert stored(database) == []


def test_an_undone_savepoint_takes_back_what_was_sent_and_what_was_not(database):
    with database.driven() as transaction:
        transaction.put(insertion(database, "a"))
        name = transaction.save()
        transaction.put(insertion(database, "b"))
        transaction.send()
        transaction.undo(name)
        name = transaction.save()
        transaction.put(insertion(database, "c"))
        transaction.undo(name)
        transaction.commit()
    assert [row[0] for row in stored(database)] == ["a"]


def test_an_error_in_a_round_trip_writes_nothing_of_it(database):
    with database.driven() as transaction:
        transaction.put(insertion(database, "a"))
        transaction.put(SqlStatement(insertion(database, "a").sql, ("a", "Ulm")))
        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)) as caught:
            transaction.commit()
    assert conflict_of(caught.value) is Conflict.TAKEN
    assert stored(database) == []


@pytest.mark.parametrize("committed", [True, False])
def test_where_the_line_is_cut_at_the_commit_it_is_found_out_whether_it_was_committed(database, committed):
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no line that could be cut")
    cuts = [1]
    connect = database.drivers.connect

    def cut_once():
        driver = connect()
        run = driver.run

        def cut(statements):
            ends = statements[-1].sql == "COMMIT" and cuts
            if not ends:
                return run(statements)
            cuts.pop()
            if committed:
                run(statements)
            driver.close()
            raise psycopg.errors.lookup("08006")("the connection is lost")

        driver.run = cut
        return driver

    database.close()
    database.drivers.connect = cut_once
    tries = []

    def work(transaction):
        tries.append(1)
        transaction.put(insertion(database, "a"))
        return Done("done", (SqlStatement("SELECT 1"),), insertion(database, "a"))

    answer, rows = database.writing(work)
    assert answer == "done"
    assert (len(tries), rows is None) == ((1, True) if committed else (2, False))
    assert [row[0] for row in stored(database)] == ["a"]


def test_a_statement_that_takes_too_long_is_cancelled_unless_the_transaction_is_endless(databases):
    database = Database(databases.empty(), statement_seconds=0.05)
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n"
    slow = SqlStatement("SELECT pg_sleep(0.2)" if databases.engine == "postgresql" else counting)

    def work(transaction):
        transaction.rows(slow)
        return Done(transaction.session.execute(text(slow.sql)).all())

    def in_session(transaction):
        return Done(transaction.session.execute(text(slow.sql)).all())

    for each in (work, in_session):
        with pytest.raises(SlowStatementError):
            database.writing(each)
        assert database.writing(each, is_endless=True)
    # The connection goes on, and so does its limit.
    with pytest.raises(SlowStatementError):
        database.writing(work)
    with pytest.raises(SlowStatementError):
        database.reading(lambda session: session.execute(text(slow.sql)).all())
    database.close()
