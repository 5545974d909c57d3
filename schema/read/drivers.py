"""Running statements that give one JSON value: on connections of our own, or on that of a running transaction."""

import queue
import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
import anyio.to_thread
import asyncpg
import psycopg
from psycopg.adapt import Loader
from sqlalchemy import Connection

from core.base.errors import GuanxiError
from core.db.database import POSTGRESQL, Database, prepare_sqlite
from schema.read.pool import Pool


class SlowStatementError(GuanxiError):
    """A statement took longer than it may and was cancelled."""

    code = "TIMEOUT"

    def __init__(self) -> None:
        super().__init__("the query took too long and was cancelled; ask for less, or filter by an indexed field")


@dataclass(frozen=True, slots=True)
class Steps:
    """How an engine goes about a statement.

    Attributes:
        lines: its own words, one step a line, indented.
        indexes: those it uses, in order of their names.
    """

    lines: Sequence[str]
    indexes: Sequence[str]

    @classmethod
    def of(cls, lines: Sequence[str], pattern: re.Pattern[str]) -> "Steps":
        """Those of an engine whose words name an index as the pattern says."""
        found = {name for line in lines for name in pattern.findall(line)}
        return cls(lines, sorted(found))


_SQLITE_INDEX = re.compile(r"USING (?:COVERING )?INDEX (\S+)")
_POSTGRES_INDEX = re.compile(r"Index (?:Only )?Scan (?:Backward )?(?:using|on) (\S+)")


class Reader(Protocol):
    """Runs statements that give one JSON value."""

    async def open(self) -> None:
        """Gets ready; called on the event loop that will read."""
        ...

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value, or None where no row came back.

        Raises:
            SlowStatementError: it took too long and was cancelled.
        """
        ...

    def fits(self, sql: str) -> bool:
        """Whether the engine's parser takes a statement."""
        ...

    async def explain(self, sql: str, values: Sequence[Any]) -> "Steps":
        """How the engine goes about a statement."""
        ...

    async def close(self) -> None:
        """Lets go of all connections."""
        ...


def reader_of(database: Database, timeout: float) -> Reader:
    """The reader for a database."""
    if database.dialect == POSTGRESQL:
        return PostgresReader(database, timeout)
    return SqliteReader(database, timeout)


#: Statements that take less than this on average are run on the event loop; a thread would cost them more.
_QUICK_SECONDS = 0.002
#: After this long on the event loop a statement is broken off and run in a thread instead.
_PATIENCE_SECONDS = 0.008
#: What one that was broken off is taken to need, which keeps it off the event loop for some time.
_PUNISHMENT_SECONDS = 0.04
#: How much of the average each new run makes up.
_WEIGHT = 0.2
_LONGEST_HISTORY = 2000
#: Instructions of SQLite's virtual machine between looks at the clock: about a millisecond.
_INSTRUCTIONS = 50_000


class _Connection:
    """A connection that only reads, used by one thread at a time, and breaks off what takes too long."""

    def __init__(self, path: str) -> None:
        self._driver = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1000)
        prepare_sqlite(self._driver, read_only=True)
        self._deadline = 0.0
        self._driver.set_progress_handler(lambda: time.monotonic() > self._deadline, _INSTRUCTIONS)
        self.close = self._driver.close

    def fetch(self, sql: str, values: Sequence[Any], seconds: float) -> bytes | None:
        """The JSON value of a statement.

        Raises:
            TimeoutError: it took longer.
        """
        self._deadline = time.monotonic() + seconds
        try:
            row = self._driver.execute(sql, values).fetchone()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TimeoutError from None
            raise
        return None if row is None or row[0] is None else row[0].encode()

    def explain(self, sql: str, values: Sequence[Any]) -> Steps:
        """How the engine goes about a statement."""
        self._deadline = float("inf")
        depths = {0: -1}
        lines = []
        for number, parent, _, said in self._driver.execute(f"EXPLAIN QUERY PLAN {sql}", values):
            depths[number] = depths[parent] + 1
            lines.append(f"{'  ' * depths[number]}{said}")
        return Steps.of(lines, _SQLITE_INDEX)

    def parse(self, sql: str) -> None:
        """Only has a statement parsed."""
        self._deadline = float("inf")
        self._driver.execute(f"EXPLAIN {sql}", (None,) * sql.count("?")).close()


class SqliteReader:
    """SQLite: statements known to be quick on the event loop, others in threads, so that none waits for a slow one."""

    def __init__(self, database: Database, timeout: float, threads: int = 4) -> None:
        self._path = str(database.path)
        self._timeout = timeout
        self._limiter = anyio.CapacityLimiter(threads)
        self._idle: queue.SimpleQueue[_Connection] = queue.SimpleQueue()
        self._opened: list[_Connection] = []
        self._seconds: dict[str, float] = {}

    async def open(self) -> None:
        """Opens the connection of the event loop."""
        self._here = self._connect()

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value of a statement."""
        if self._seconds.get(sql, _QUICK_SECONDS) < _QUICK_SECONDS:
            try:
                return self._timed(self._here, sql, values, _PATIENCE_SECONDS)
            except TimeoutError:
                self._note(sql, _PUNISHMENT_SECONDS)
        try:
            return await anyio.to_thread.run_sync(self._fetch_there, sql, values, limiter=self._limiter)
        except TimeoutError:
            raise SlowStatementError from None

    def _fetch_there(self, sql: str, values: Sequence[Any]) -> bytes | None:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            return self._timed(connection, sql, values, self._timeout)
        finally:
            self._idle.put(connection)

    def _timed(self, connection: _Connection, sql: str, values: Sequence[Any], seconds: float) -> bytes | None:
        # Not by the clock on the wall: on a busy machine all would seem slow, and threads would make it busier.
        start = time.thread_time()
        found = connection.fetch(sql, values, seconds)
        self._note(sql, time.thread_time() - start)
        return found

    def _note(self, sql: str, seconds: float) -> None:
        usual = self._seconds.get(sql)
        if usual is None and len(self._seconds) >= _LONGEST_HISTORY:
            self._seconds.clear()
        self._seconds[sql] = seconds if usual is None else usual + _WEIGHT * (seconds - usual)

    def _connect(self) -> _Connection:
        connection = _Connection(self._path)
        self._opened.append(connection)
        return connection

    def fits(self, sql: str) -> bool:
        """Whether the parser takes a statement: its stack is not deep, and joins are not without limit."""
        try:
            self._here.parse(sql)
        except sqlite3.OperationalError as error:
            if "overflow" in str(error) or "too large" in str(error) or "at most" in str(error):
                return False
            raise
        return True

    async def explain(self, sql: str, values: Sequence[Any]) -> Steps:
        """How the engine goes about a statement."""
        return self._here.explain(sql, values)

    async def close(self) -> None:
        """Closes every connection."""
        while self._opened:
            self._opened.pop().close()


class PostgresReader:
    """PostgreSQL: a pool of asyncpg connections; JSON comes as the bytes that are sent on."""

    def __init__(self, database: Database, timeout: float, size: int = 8) -> None:
        self._dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._timeout = timeout
        self._pool = Pool(self._connect, size)

    async def open(self) -> None:
        """Checks that it can connect."""
        await self._pool.use(lambda connection: connection.fetchval("SELECT 1"))

    async def _connect(self) -> Any:
        connection = await asyncpg.connect(
            self._dsn,
            statement_cache_size=1000,
            # Long statements are those that gain most.
            max_cacheable_statement_size=0,
            server_settings={
                "jit": "off",
                "statement_timeout": str(int(self._timeout * 1000)),
                "default_transaction_read_only": "on",
            },
        )
        await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
        return connection

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value of a statement."""
        try:
            found: bytes | None = await self._pool.use(lambda connection: connection.fetchval(sql, *values))
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise SlowStatementError from None
        return found

    def fits(self, sql: str) -> bool:
        """Whatever is not too deep for the limits of queries."""
        return True

    async def explain(self, sql: str, values: Sequence[Any]) -> Steps:
        """How the engine goes about a statement, which it runs for that."""
        options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF"
        rows = await self._pool.use(lambda connection: connection.fetch(f"EXPLAIN ({options}) {sql}", *values))
        return Steps.of([row[0] for row in rows], _POSTGRES_INDEX)

    async def close(self) -> None:
        """Closes the pool."""
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
