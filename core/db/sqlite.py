"""Writing to SQLite: one connection, one statement after another."""

import math
import sqlite3
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from core.base.settings import SqliteSynchronous
from core.base.text import fold
from core.db.prepared import PreparedStatements
from core.db.transaction import Driver, Rows, SqlStatement, guest_connection

#: Instructions of SQLite's virtual machine between looks at the clock: some ten milliseconds.
_INSTRUCTIONS = 500_000


def prepare_sqlite(
    connection: sqlite3.Connection,
    *,
    read_only: bool = False,
    synchronous: SqliteSynchronous = "FULL",
    patience: float = 30,
) -> None:
    """Sets what every SQLite connection needs: write-ahead log, foreign keys, text folding.

    Args:
        connection: which one.
        read_only: it never writes.
        synchronous: what a commit waits for.
        patience: for how many seconds it waits for other processes that write.
    """
    connection.create_function("guanxi_fold", 1, lambda text: None if text is None else fold(text), deterministic=True)
    pragmas = [
        f"busy_timeout = {int(patience * 1000)}",
        "foreign_keys = ON",
        "cache_size = -65536",
        "mmap_size = 1073741824",
    ]
    pragmas += ["query_only = ON"] if read_only else ["journal_mode = WAL", f"synchronous = {synchronous}"]
    # Without it macOS leaves what is to be on disk in the disk's own memory; elsewhere it changes nothing.
    pragmas += ["fullfsync = ON"] if synchronous == "FULL" else []
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


class Alarm:
    """Breaks off the statement of a connection that still runs when its time is over.

    Attributes:
        until: by the monotonic clock, when it is; infinite for never.
    """

    def __init__(self, connection: sqlite3.Connection, instructions: int = _INSTRUCTIONS) -> None:
        """Sets it on a connection.

        Args:
            connection: which one.
            instructions: of SQLite's virtual machine, between looks at the clock.
        """
        self.until = math.inf
        connection.set_progress_handler(lambda: time.monotonic() > self.until, instructions)


class SqliteDriver(Driver):
    """The connection that writes to a file."""

    dialect = "sqlite"
    # Taking the write lock first spares the deadlock of two readers that both want to write.
    begin = SqlStatement("BEGIN IMMEDIATE")
    begin_reading = SqlStatement("BEGIN")
    begin_endless = (begin,)

    def __init__(self, path: Path, synchronous: SqliteSynchronous, patience: float, seconds: float) -> None:
        self._seconds = seconds
        self.prepared = PreparedStatements()
        self._driver = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=500)
        self._alarm = Alarm(self._driver)
        try:
            prepare_sqlite(self._driver, synchronous=synchronous, patience=patience)
        except sqlite3.Error:
            self._driver.close()
            raise

    @cached_property
    def connection(self) -> Connection:
        """SQLAlchemy's connection on the same one."""
        engine = create_engine("sqlite+pysqlite://", creator=lambda: self._driver, poolclass=StaticPool)
        connection = guest_connection(engine, self)
        event.listen(engine, "before_cursor_execute", lambda connection, cursor, sql, *more: self._expect(sql))
        return connection

    def _expect(self, sql: str) -> None:
        """Prepares for a statement of the session."""
        self.prepared.note(sql)
        self._set_alarm()

    def _set_alarm(self) -> None:
        """Gives the statement that follows the time that it may take."""
        self._alarm.until = math.inf if self.is_endless else time.monotonic() + self._seconds

    def run(self, statements: Sequence[SqlStatement]) -> list[Rows]:
        """Runs statements in order.

        Raises:
            sqlite3.Error: one failed; those after it were not run.
        """
        if self.on_trip is not None:
            self.on_trip(0, statements)
        found: list[Rows] = []
        self.prepared.note(*(statement.sql for statement in statements))
        for statement in statements:
            self._set_alarm()
            if statement.many:
                self._driver.executemany(statement.sql, statement.values)
                found.append(())
            else:
                cursor = self._driver.execute(statement.sql, statement.values)
                found.append(cursor.fetchall() if cursor.description else ())
        return found

    @property
    def is_open(self) -> bool:
        """Whether it can be used again."""
        return not self._driver.in_transaction

    def interrupt(self) -> None:
        """Breaks off the statement that runs."""
        self._driver.interrupt()

    def close(self) -> None:
        """Closes it."""
        self._driver.close()
