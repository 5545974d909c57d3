"""The database: one SQLite file, or PostgreSQL by one setting. Writing sessions; reading is the planner's business."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from core.base.errors import ConfigurationError
from core.base.text import fold
from core.db.conflicts import repeated

T = TypeVar("T")

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_OLDEST_POSTGRESQL = 18
_MOST_READERS = 4
_READING = "guanxi_reading"


def prepare_sqlite(connection: sqlite3.Connection, *, read_only: bool = False) -> None:
    """Sets what every SQLite connection needs: write-ahead log, foreign keys, busy timeout, text folding."""
    connection.create_function("guanxi_fold", 1, lambda text: None if text is None else fold(text), deterministic=True)
    pragmas = ["busy_timeout = 30000", "foreign_keys = ON", "cache_size = -65536", "mmap_size = 1073741824"]
    pragmas += ["query_only = ON"] if read_only else ["journal_mode = WAL", "synchronous = NORMAL"]
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


class Database:
    """One database. Sessions are sync and run in worker threads; on SQLite one writes at a time."""

    def __init__(self, url: str, *, pool_size: int = 8, patience: float = 10) -> None:
        """Prepares the engine; connects to nothing yet.

        Args:
            url: its address.
            pool_size: the most that write at once.
            patience: for how many seconds a transaction is repeated while others are in its way.

        Raises:
            ConfigurationError: the address has an unknown form.
        """
        self.url = _parsed(url)
        self._patience = patience
        self.dialect = self.url.get_backend_name()
        if self.dialect == SQLITE:
            self.engine = _sqlite_engine(self.url)
            self._limiter = anyio.CapacityLimiter(1)
            self._reader = self.engine.execution_options(**{_READING: True})
        else:
            self.engine = create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                pool_size=pool_size,
                # Never what the database's own default is: under REPEATABLE READ a locked row may be an old one.
                isolation_level="READ COMMITTED",
            )
            self._limiter = anyio.CapacityLimiter(pool_size)
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._readers = anyio.CapacityLimiter(_MOST_READERS)

    @property
    def path(self) -> Path | None:
        """The database file; None on PostgreSQL."""
        return Path(str(self.url.database)) if self.dialect == SQLITE else None

    def check(self) -> None:
        """Connects once.

        Raises:
            ConfigurationError: it cannot be reached, or is too old.
        """
        try:
            with self.engine.connect() as connection:
                version: Any = connection.dialect.server_version_info
        except DBAPIError as error:
            # A driver's message may have several lines.
            problem = " ".join(str(error.orig).split()).rstrip(".?")
            raise ConfigurationError(
                f"the database {self.url.render_as_string()} cannot be reached: {problem}. "
                "Set GUANXI_DATABASE_URL to one that can"
            ) from None
        if self.dialect == POSTGRESQL and version and version[0] < _OLDEST_POSTGRESQL:
            raise ConfigurationError(
                f"PostgreSQL {version[0]} is too old: this needs {_OLDEST_POSTGRESQL} or newer for Unicode case folding"
            )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end, or rolled back if anything is raised."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A plain connection in a transaction, for work on tables rather than records."""
        with self.engine.begin() as connection:
            yield connection

    def retrying(self, work: Callable[[Session], T]) -> T:
        """Runs work in a transaction, from the start again while other transactions are in its way.

        Raises:
            ConflictError: they were for too long.
        """

        def attempt() -> T:
            with self.transaction() as session:
                return work(session)

        return repeated(attempt, self._patience)

    def reading(self, work: Callable[[Session], T]) -> T:
        """Runs work that only reads: all its statements see one state of the data, and it can write nothing."""
        with Session(self._reader) as session, session.begin():
            return work(session)

    async def in_reading_session(self, work: Callable[[Session], T]) -> T:
        """Runs work as `reading` does, off the event loop and alongside writers."""
        return await _in_thread(lambda: self.reading(work), self._readers)

    async def in_session(self, work: Callable[[Session], T]) -> T:
        """Runs work in a transaction as `retrying` does, off the event loop."""
        return await self.in_thread(lambda: self.retrying(work))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Runs sync work off the event loop, within the engine's limit of concurrency."""
        return await _in_thread(work, self._limiter)

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


async def _in_thread(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    running = asyncio.ensure_future(anyio.to_thread.run_sync(work, limiter=limiter))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        # A thread cannot be stopped, and nobody may close its connection before it is done.
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError:
        raise ConfigurationError(f"GUANXI_DATABASE_URL={url!r} is not an address; {_FORMS}") from None
    if backend not in (SQLITE, POSTGRESQL):
        raise ConfigurationError(f"GUANXI_DATABASE_URL: {backend} is not supported; {_FORMS}")
    if backend == SQLITE and parsed.database in (None, "", ":memory:"):
        raise ConfigurationError("GUANXI_DATABASE_URL: SQLite needs a file, as in sqlite:///guanxi.db")
    return parsed


_FORMS = "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        # The driver's own habit of opening transactions late lets a savepoint survive an outer rollback.
        connection.isolation_level = None
        prepare_sqlite(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = bool(connection.get_execution_options().get(_READING))
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
        # Taking the write lock first spares the deadlock of two readers that both want to write.
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
