"""Reading from SQLite: on the event loop where that is quick, else in threads."""

import math
import queue
import re
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from core.base.errors import SlowStatementError
from core.db.database import Database
from core.db.prepared import PreparedStatements
from core.db.sqlite import Alarm, prepare_sqlite
from schema.read.reader import PREPARED_STATEMENTS, Steps

_INDEX = re.compile(r"USING (?:COVERING )?INDEX (\S+)")
#: Statements that take less than this on average are run on the event loop; a thread would cost them more.
_QUICK_SECONDS = 0.002
#: After this long on the event loop a statement is broken off and run in a thread instead.
_PATIENCE_SECONDS = 0.008
#: The weight of each new run in the average.
_WEIGHT = 0.2
_LONGEST_HISTORY = 500
#: Instructions of SQLite's virtual machine between looks at the clock: about a millisecond.
_INSTRUCTIONS = 50_000


class _Connection:
    """A connection that only reads, used by one thread at a time, and breaks off what takes too long."""

    def __init__(self, path: str, most: int = PREPARED_STATEMENTS) -> None:
        self._path, self._most = path, most
        self._open()

    def _open(self) -> None:
        driver = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=self._most
        )
        prepare_sqlite(driver, read_only=True)
        self._driver, self._alarm, self._prepared = driver, Alarm(driver, _INSTRUCTIONS), PreparedStatements()

    def close(self) -> None:
        """Closes it."""
        self._driver.close()

    def fetch(self, sql: str, values: Sequence[Any], seconds: float) -> bytes | None:
        """The JSON value of a statement.

        Raises:
            TimeoutError: it took longer.
        """
        if self._prepared.are_too_many:
            # Only once there is another: what cannot be opened now may be opened for the next who asks.
            worn = self._driver
            self._open()
            worn.close()
        self._prepared.note(sql)
        self._alarm.until = time.monotonic() + seconds
        try:
            row = self._driver.execute(sql, values).fetchone()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise TimeoutError from None
            raise
        return None if row is None or row[0] is None else row[0].encode()

    def explain(self, sql: str, values: Sequence[Any]) -> Steps:
        """The engine's query plan for a statement."""
        self._alarm.until = math.inf
        depths = {0: -1}
        lines = []
        for number, parent, _, said in self._driver.execute(f"EXPLAIN QUERY PLAN {sql}", values):
            depths[number] = depths[parent] + 1
            lines.append(f"{'  ' * depths[number]}{said}")
        return Steps.of(lines, _INDEX)

    def parse(self, sql: str) -> None:
        """Only parses a statement."""
        self._alarm.until = math.inf
        self._driver.execute(f"EXPLAIN {sql}", (None,) * sql.count("?")).close()


class SqliteReader:
    """SQLite: statements known to be quick on the event loop, others in threads, so that none waits for a slow one."""

    def __init__(self, database: Database, timeout: float, threads: int = 4) -> None:
        self._database = database
        self._path = str(database.path)
        self._timeout = timeout
        self.pool = database.threads(threads)
        self._idle: queue.SimpleQueue[_Connection] = queue.SimpleQueue()
        self._opened: list[_Connection] = []
        self._seconds: dict[str, float] = {}

    async def open(self) -> None:
        """Opens the connection of the event loop."""
        self._here = self._connect()
        # Of what is only parsed nothing is kept.
        self._parser = self._connect(most=0)

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value of a statement."""
        try:
            if self._seconds.get(sql, _QUICK_SECONDS) < _QUICK_SECONDS:
                # What is broken off is timed in its thread, and stays off the event loop where it is slow indeed.
                # Every read comes by here, and `suppress` takes longer.
                try:
                    return self._timed(self._here, sql, values, _PATIENCE_SECONDS)
                except TimeoutError:
                    pass
            return await self.pool.run(lambda: self._fetch_there(sql, values))
        except TimeoutError:
            raise SlowStatementError from None
        except sqlite3.Error as error:
            self._database.health.raise_meaning(error)

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
        # Not by wall-clock time: on a busy machine all would seem slow, and threads would make it busier.
        start = time.thread_time()
        found = connection.fetch(sql, values, seconds)
        self._note(sql, time.thread_time() - start)
        return found

    def _note(self, sql: str, seconds: float) -> None:
        usual = self._seconds.get(sql)
        if usual is None and len(self._seconds) >= _LONGEST_HISTORY:
            self._seconds.clear()
        self._seconds[sql] = seconds if usual is None else usual + _WEIGHT * (seconds - usual)

    def _connect(self, most: int = PREPARED_STATEMENTS) -> _Connection:
        connection = _Connection(self._path, most)
        self._opened.append(connection)
        return connection

    def fits(self, sql: str) -> bool:
        """Whether the parser takes a statement: its stack is not deep, and joins are not without limit."""
        try:
            self._parser.parse(sql)
        except sqlite3.OperationalError as error:
            if "overflow" in str(error) or "too large" in str(error) or "at most" in str(error):
                return False
            raise
        return True

    async def explain(self, sql: str, values: Sequence[Any]) -> Steps:
        """The engine's query plan for a statement."""
        return self._here.explain(sql, values)

    async def close(self) -> None:
        """Closes every connection."""
        while self._opened:
            self._opened.pop().close()
