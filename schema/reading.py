"""Running plans: connections of our own for reading, and the connection of a transaction for those inside one."""

import queue
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import anyio
import anyio.to_thread
import psycopg
from psycopg.adapt import Loader
from sqlalchemy import Connection

from core.database import POSTGRESQL, Database, prepare_sqlite
from core.errors import GuanxiError


class SlowStatementError(GuanxiError):
    """A statement took longer than it may and was cancelled."""

    code = "TIMEOUT"

    def __init__(self) -> None:
        super().__init__("the query took too long and was cancelled; ask for less, or filter by an indexed field")


class Reader(Protocol):
    """Runs a statement that gives one JSON value."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value, or None where no row came back."""
        ...

    async def open(self) -> None:
        """Gets ready; called on the event loop that will read."""
        ...

    async def close(self) -> None:
        """Lets go of all connections."""
        ...


def reader_of(database: Database, timeout: float) -> Reader:
    """The reader for a database."""
    if database.dialect == POSTGRESQL:
        return PostgresReader(database, timeout)
    return SqliteReader(database, timeout)


class SqliteReader:
    """SQLite connections that only read, each used by one thread at a time."""

    def __init__(self, database: Database, timeout: float, size: int = 4) -> None:
        self._path = str(database.path)
        self._timeout = timeout
        self._limiter = anyio.CapacityLimiter(size)
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._opened: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Nothing to do: connections are opened when they are needed."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value of a statement, run in a worker thread."""
        return await anyio.to_thread.run_sync(self.fetch_now, sql, values, limiter=self._limiter)

    def fetch_now(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The same in this thread."""
        connection = self._take()
        timer = threading.Timer(self._timeout, connection.interrupt)
        timer.start()
        try:
            row = connection.execute(sql, values).fetchone()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise SlowStatementError from None
            raise
        finally:
            timer.cancel()
            self._idle.put(connection)
        return None if row is None or row[0] is None else str(row[0]).encode()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, cached_statements=1000
            )
            prepare_sqlite(connection, read_only=True)
            self._opened.append(connection)
            return connection

    async def close(self) -> None:
        """Closes every connection."""
        while self._opened:
            self._opened.pop().close()


class PostgresReader:
    """A pool of asyncpg connections; JSON comes as the bytes that are sent on."""

    def __init__(self, database: Database, timeout: float, size: int = 8) -> None:
        self._dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._timeout = timeout
        self._size = size
        self._pool: Any = None
        self._opening = None

    async def open(self) -> None:
        """Opens the pool on this event loop."""
        import asyncpg

        async def prepare(connection: Any) -> None:
            await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")

        async def keep(connection: Any) -> None:
            """Nothing to reset: these connections only ever run single statements."""

        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=1,
            max_size=self._size,
            init=prepare,
            reset=keep,
            statement_cache_size=1000,
            server_settings={"jit": "off", "statement_timeout": str(int(self._timeout * 1000))},
        )

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value of a statement."""
        import asyncpg

        try:
            async with self._pool.acquire() as connection:
                found: bytes | None = await connection.fetchval(sql, *values)
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise SlowStatementError from None
        return found

    async def close(self) -> None:
        """Closes the pool."""
        if self._pool is not None:
            await self._pool.close()


class _RawJson(Loader):
    """JSON as the bytes it came in."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


def fetch_in_transaction(connection: Connection, sql: str, values: Sequence[Any]) -> bytes | None:
    """The JSON value of a statement on the connection of a running transaction, whose rows it sees."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == POSTGRESQL:
        with psycopg.RawCursor(driver) as cursor:
            cursor.adapters.register_loader("json", _RawJson)
            row = cursor.execute(sql, values).fetchone()
    else:
        row = driver.execute(sql, values).fetchone()
    if row is None or row[0] is None:
        return None
    return row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
