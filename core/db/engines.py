"""The engines guanxi runs on: what an address names, and SQLAlchemy's engines for it."""

import math
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.base.errors import ConfigurationError
from core.base.settings import SqliteSynchronous
from core.db.sqlite import Alarm, SqliteDriver, prepare_sqlite
from core.db.transaction import Driver

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_READING, _ALARM = "guanxi_reading", "guanxi_alarm"
_FORMS = "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


class ConnectionLimits(NamedTuple):
    """What connections to a database may take.

    Attributes:
        pool_size: the most that write at once.
        readers: the most that only read at once.
        patience: for how many seconds SQLite waits for other processes that write.
        queue_patience: for how many seconds one waits for a connection.
        statement_seconds: a statement that takes longer is cancelled.
        synchronous: what a commit waits for on SQLite.
    """

    pool_size: int
    readers: int
    patience: float
    queue_patience: float
    statement_seconds: float
    synchronous: SqliteSynchronous


def database_url(text: str) -> URL:
    """The address of a database.

    Raises:
        ConfigurationError: it has an unknown form.
    """
    try:
        parsed = make_url(text)
        backend = parsed.get_backend_name()
    except ArgumentError:
        raise ConfigurationError(f"GUANXI_DATABASE_URL={text!r} is not an address; {_FORMS}") from None
    if backend not in (SQLITE, POSTGRESQL):
        raise ConfigurationError(f"GUANXI_DATABASE_URL: {backend} is not supported; {_FORMS}")
    if backend == SQLITE and parsed.database in (None, "", ":memory:"):
        raise ConfigurationError("GUANXI_DATABASE_URL: SQLite needs a file, as in sqlite:///guanxi.db")
    return parsed


def file_of(url: URL) -> Path | None:
    """The file of a database; None on PostgreSQL."""
    return Path(str(url.database)) if url.get_backend_name() == SQLITE else None


def engines(url: URL, limits: ConnectionLimits) -> tuple[Engine, Engine]:
    """SQLAlchemy's engine for a database, and the one whose transactions only read; neither is connected yet."""
    return (_sqlite_engines if url.get_backend_name() == SQLITE else _postgresql_engines)(url, limits)


def driver_to(url: URL, limits: ConnectionLimits) -> Driver:
    """A new connection that writes."""
    if file := file_of(url):
        return SqliteDriver(file, limits.synchronous, limits.patience, limits.statement_seconds)
    # The driver is imported where a database needs it.
    from core.db.postgresql import PostgresDriver

    return PostgresDriver(url, limits.statement_seconds)


def _postgresql_engines(url: URL, limits: ConnectionLimits) -> tuple[Engine, Engine]:
    # The driver is imported where a database needs it.
    from core.db.postgresql import CONNECTING_SECONDS, PatientConnection

    url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        pool_size=limits.pool_size,
        pool_timeout=limits.queue_patience,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECTING_SECONDS},
    )
    reader = create_engine(
        url,
        creator=partial(PatientConnection.to, url, limits.statement_seconds),
        pool_size=limits.readers,
        pool_timeout=limits.queue_patience,
    )
    return engine, reader.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite_engines(url: URL, limits: ConnectionLimits) -> tuple[Engine, Engine]:
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        # The driver's own habit of opening transactions late lets a savepoint survive an outer rollback.
        connection.isolation_level = None
        prepare_sqlite(connection, synchronous=limits.synchronous)
        record.info[_ALARM] = Alarm(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = bool(connection.get_execution_options().get(_READING))
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
        # Taking the write lock first spares the deadlock of two readers that both want to write.
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    @event.listens_for(engine, "before_cursor_execute")
    def before_execution(connection: Connection, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        # What only reads does so for requests.
        reading = bool(connection.get_execution_options().get(_READING))
        connection.info[_ALARM].until = time.monotonic() + limits.statement_seconds if reading else math.inf

    return engine, engine.execution_options(**{_READING: True})
