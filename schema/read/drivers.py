"""Which driver runs a statement that gives one JSON value. A driver is imported where a database needs it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from core.db.database import Database
from core.db.engines import POSTGRESQL
from schema.read.reader import Reader


def reader_of(database: Database, timeout: float, patience: float) -> Reader:
    """The reader for a database.

    Args:
        database: which one.
        timeout: it cancels what takes longer, in seconds.
        patience: for how many seconds one waits while all its connections are in use.
    """
    if database.dialect == POSTGRESQL:
        from schema.read.postgresql import PostgresReader

        return PostgresReader(database, timeout, patience)
    from schema.read.sqlite import SqliteReader

    return SqliteReader(database, timeout)


def fetch_in_transaction(connection: Connection, sql: str, values: Sequence[Any]) -> bytes | None:
    """The JSON value of a statement on the connection of a running transaction, whose rows it sees."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == POSTGRESQL:
        from schema.read.postgresql import fetch

        return fetch(driver, sql, values)
    row = driver.execute(sql, values).fetchone()
    return None if row is None or row[0] is None else str(row[0]).encode()
