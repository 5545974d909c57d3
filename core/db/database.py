"""The database: one SQLite file, or PostgreSQL by one setting. Writing sessions; reading is the planner's business."""

import asyncio
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session

from core.base.calendar import PLAIN, Calendar
from core.base.errors import ConfigurationError, OutcomeUnknownError, UnavailableError
from core.base.settings import SqliteSynchronous
from core.db.conflicts import Conflict, conflict_of, repeated
from core.db.faults import UNREACHABLE, FaultLog, fault_of, refuse_write
from core.db.files import OpenFile
from core.db.sqlite import Alarm, SqliteDriver, prepare_sqlite
from core.db.strands import in_thread
from core.db.threads import Threads
from core.db.transaction import DatabaseTransaction, Driver, OnTrip, Rows, SqlStatement

T = TypeVar("T")

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_OLDEST_POSTGRESQL = 18
_MOST_READERS = 4
_READING, _ALARM = "guanxi_reading", "guanxi_alarm"
#: How long, in seconds, work waits for a database that was there a moment ago to come back.
_ABSENCE_SECONDS = 3.0
_LOOKING_SECONDS = 0.05
#: How long, in seconds, to try to connect to a server.
CONNECTING_SECONDS = 5
_FILE_GONE = "the database is no longer where it was; the server stops"


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The result of work in a transaction that is to be committed.

    Attributes:
        answer: of the work.
        reads: statements whose rows are wanted with the commit.
        proof: a statement that cannot be run a second time once the transaction is committed.
        discards: everything is to be rolled back.
    """

    answer: T
    reads: Sequence[SqlStatement] = ()
    proof: SqlStatement | None = None
    discards: bool = False


class Database:
    """One database. Sessions are sync and run off the event loop, or paused on it; on SQLite one writes at a time."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        patience: float = 10,
        queue_patience: float = 10,
        statement_seconds: float = 30,
        synchronous: SqliteSynchronous = "FULL",
        calendar: Calendar = PLAIN,
    ) -> None:
        """Prepares the engine; connects to nothing yet.

        Args:
            url: its address.
            pool_size: the most that write at once.
            patience: for how many seconds a transaction is repeated while others are in its way.
            queue_patience: for how many seconds one waits while as many write as may.
            statement_seconds: a statement that takes longer is cancelled, unless its transaction is endless.
            synchronous: what a commit waits for on SQLite.
            calendar: the days and periods of the business, by which SQL is spelled.

        Raises:
            ConfigurationError: the address has an unknown form.
        """
        self.url = _parsed(url)
        self._patience = patience
        self._synchronous: SqliteSynchronous = synchronous
        self._calendar = calendar
        #: Called before each round trip of a writer.
        self.on_trip: OnTrip | None = None
        self._idle: list[Driver] = []
        self._in_use: set[Driver] = set()
        self._most_idle = pool_size
        #: Why nothing is done on it any more; empty while it may be used.
        self.refusal = ""
        #: Whether it could not be reached when it was last tried.
        self.is_lost = False
        #: Whether it could not be used when it was last tried.
        self.is_at_fault = False
        self._faults = FaultLog()
        self.dialect = self.url.get_backend_name()
        if self.dialect == SQLITE:
            self.engine = _sqlite_engine(self.url, synchronous, statement_seconds)
            self._file = OpenFile(Path(str(self.url.database)))
            self._reader = self.engine.execution_options(**{_READING: True})
        else:
            self.engine = create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                pool_size=pool_size,
                pool_timeout=queue_patience,
                pool_pre_ping=True,
                connect_args={"connect_timeout": CONNECTING_SECONDS},
            )
            # The driver is imported where a database needs it.
            from core.db.postgresql import PatientConnection

            reader = create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                creator=partial(PatientConnection.to, self.url, statement_seconds),
                pool_size=_MOST_READERS,
                pool_timeout=queue_patience,
            )
            self._reader = reader.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.engine.dialect.calendar = self._reader.dialect.calendar = calendar  # type: ignore[attr-defined]
        self._statement_seconds = statement_seconds
        self._queue_patience = queue_patience
        #: Where writers run, and where what looks something up does.
        self.writers = self.threads(1 if self.dialect == SQLITE else pool_size)
        self.lookers = self.threads(_MOST_READERS)

    def threads(self, most: int) -> Threads:
        """Threads of their own for work on it.

        Args:
            most: how many work at once.
        """
        # SQLite's driver cannot be waited for, and Windows' event loop cannot wait for the other's sockets.
        weaves = self.dialect != SQLITE and sys.platform != "win32"
        return Threads(most, self._queue_patience, weaves=weaves)

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

    def writing(
        self, work: Callable[[DatabaseTransaction], Done[T]], *, is_endless: bool = False
    ) -> tuple[T, Sequence[Rows] | None]:
        """Runs work in a transaction and commits it, from the start again while other transactions are in its way.

        Args:
            work: what to do.
            is_endless: its statements may take as long as they need.

        Returns:
            the answer, and the rows of what is read with the commit; None where they were lost on the way.

        Raises:
            ConflictError: others were in its way for too long.
            UnavailableError: the database cannot be used now.
            OutcomeUnknownError: it was lost during the commit.
        """
        return self._repeated(lambda: self._attempt(work, is_endless=is_endless))

    def _repeated(self, attempt: Callable[[], T]) -> T:
        """The result of an attempt that is repeated while others are in its way, and for a while without a database."""
        try:
            answer = repeated(attempt, self._patience, 0 if self.is_lost else min(self._patience, _ABSENCE_SECONDS))
        except Exception as error:
            if conflict_of(error) is Conflict.LOST:
                # Until it is back, nobody waits for that.
                self.is_lost = True
            self.raise_meaning(error)
        self.note_use()
        return answer

    def raise_meaning(self, error: Exception) -> NoReturn:
        """Raises what a driver's error means to whoever asked, or the error itself where the database is not at fault.

        Raises:
            UnavailableError: it cannot be used now.
            SlowStatementError: a statement took too long.
        """
        if isinstance(error, UnavailableError):
            if error.__cause__ is not None:
                self.is_at_fault = self.is_lost = True
                self._faults.note(error, error.__cause__)
            raise error
        fault = fault_of(error)
        if fault is None and conflict_of(error) is Conflict.LOST:
            fault = UnavailableError(UNREACHABLE)
        if fault is None:
            raise error
        if self.refusal:
            # What was under way when it was closed was broken off.
            raise UnavailableError(self.refusal) from error
        if isinstance(fault, UnavailableError):
            self.is_at_fault = True
            self.is_lost = self.is_lost or fault.message == UNREACHABLE
            self._faults.note(fault, error)
        raise fault from error

    def note_use(self) -> None:
        """Notes that it was used with success."""
        self.is_lost = False
        if self.is_at_fault:
            self.is_at_fault = False
            self._faults.note_return()

    def _attempt(
        self, work: Callable[[DatabaseTransaction], Done[T]], *, is_endless: bool
    ) -> tuple[T, Sequence[Rows] | None]:
        with self.driven(is_endless=is_endless) as transaction:
            done = work(transaction)
            if done.discards:
                return done.answer, ()
            self.check_file()
            process = transaction.process
            try:
                rows = transaction.commit(*done.reads)
            except Exception as error:
                # Where the connection is lost on the way, the transaction may be committed all the same.
                if conflict_of(error) is not Conflict.LOST or not self._was_committed(done.proof, process, error):
                    raise
                return done.answer, None
            if not self.file_is_there:
                raise OutcomeUnknownError
            return done.answer, rows

    def _was_committed(self, proof: SqlStatement | None, process: int, cause: Exception) -> bool:
        """Whether a transaction was committed: its proof cannot be written again, and waits while it is under way.

        Args:
            proof: of it.
            process: of the server, which may not even have read all of it, and commits it later unless it is ended.
            cause: why that is asked.

        Raises:
            OutcomeUnknownError: nothing proves it, or the database cannot be asked.
        """
        if proof is None:
            raise OutcomeUnknownError from cause

        def attempt() -> bool:
            with self.driven() as transaction:
                if process and not all(has_ended for (has_ended,) in transaction.rows(_ending(process))):
                    raise OutcomeUnknownError
                try:
                    transaction.send(proof)
                except Exception as error:
                    if conflict_of(error) is Conflict.TAKEN:
                        return True
                    raise
                return False

        try:
            return repeated(attempt, self._patience)
        except Exception as error:
            raise OutcomeUnknownError from error

    @contextmanager
    def driven(self, *, reads: bool = False, is_endless: bool = False) -> Iterator[DatabaseTransaction]:
        """A transaction on a connection of its own, rolled back unless it is committed inside.

        Args:
            reads: it only reads, and waits for no writer.
            is_endless: its statements may take as long as they need.

        Raises:
            UnavailableError: it was closed, or its file is gone.
        """
        driver = self._driver()
        driver.on_trip = self.on_trip
        transaction = DatabaseTransaction(driver, reads=reads, is_endless=is_endless)
        self._in_use.add(driver)
        try:
            try:
                yield transaction
            finally:
                transaction.close()
        except BaseException:
            self._keep(driver)
            raise
        self._keep(driver)

    def _driver(self) -> Driver:
        """A connection that nobody uses."""
        if self.refusal:
            raise UnavailableError(self.refusal)
        while self._idle:
            driver = self._idle.pop()
            driver.refusal = ""
            if not driver.is_stale:
                return driver
            driver.close()
        return self.connect()

    def _keep(self, driver: Driver) -> None:
        self._in_use.discard(driver)
        if driver.is_open and not driver.prepared.are_too_many and len(self._idle) < self._most_idle:
            self._idle.append(driver)
        else:
            driver.close()

    def connect(self) -> Driver:
        """A connection that writes; whoever asks for it closes it."""
        driver = in_thread(self._connected)
        driver.calendar = self._calendar
        return driver

    def _connected(self) -> Driver:
        if self.dialect == SQLITE:
            driver = SqliteDriver(
                Path(str(self.url.database)), self._synchronous, self._patience, self._statement_seconds
            )
            self._file.note()
            return driver
        # The driver is imported where a database needs it.
        from core.db.postgresql import PostgresDriver

        return PostgresDriver(self.url, self._statement_seconds)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end, or rolled back if anything is raised."""
        with self.driven() as transaction:
            yield transaction.session
            transaction.session.flush()
            transaction.commit()

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

        def in_session(transaction: DatabaseTransaction) -> Done[T]:
            answer = work(transaction.session)
            transaction.session.flush()
            return Done(answer)

        return self.writing(in_session)[0]

    def reading(self, work: Callable[[Session], T]) -> T:
        """Runs work that only reads: all its statements see one state of the data, and it can write nothing."""

        def attempt() -> T:
            with Session(self._reader) as session, session.begin():
                try:
                    return work(session)
                except Exception as error:
                    refuse_write(error)
                    raise

        return self._repeated(attempt)

    async def in_reading_session(self, work: Callable[[Session], T]) -> T:
        """Runs work as `reading` does, off the event loop and alongside writers."""
        return await self.lookers.run(lambda: self.reading(work))

    async def looking_up(self, work: Callable[[DatabaseTransaction], T]) -> T:
        """Runs work that only reads in a transaction, off the event loop and alongside writers."""

        def in_transaction() -> T:
            with self.driven(reads=True) as transaction:
                return work(transaction)

        return await self.lookers.run(lambda: self._repeated(in_transaction))

    async def in_session(self, work: Callable[[Session], T], threads: Threads | None = None) -> T:
        """Runs work in a transaction as `retrying` does, off the event loop.

        Args:
            work: what to do.
            threads: its own, where it must not wait for other writers.
        """
        return await (threads or self.writers).run(lambda: self.retrying(work))

    async def in_transaction(
        self, work: Callable[[DatabaseTransaction], Done[T]], threads: Threads
    ) -> tuple[T, Sequence[Rows] | None]:
        """Runs work of a few milliseconds in a transaction as `writing` does: on the event loop where it can be paused.

        Args:
            work: what to do.
            threads: its own, where it must not wait for other writers.
        """
        return await threads.run(lambda: self.writing(work), is_brief=True)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Runs sync work off the event loop, where writers run."""
        return await self.writers.run(work)

    async def briefly(self, work: Callable[[], T]) -> T:
        """Runs sync work of a few milliseconds: on the event loop where it can be paused while it waits."""
        return await self.writers.run(work, is_brief=True)

    # Its file

    @property
    def file_is_there(self) -> bool:
        """Whether the file that is written is still in its place; so for a database without a file."""
        return self.dialect != SQLITE or self._file.is_there()

    def check_file(self) -> None:
        """Closes it to all further work if its file was replaced or deleted.

        Raises:
            UnavailableError: it was.
        """
        if not self.file_is_there:
            self.refusal = _FILE_GONE
            raise UnavailableError(_FILE_GONE)

    # Its end

    async def break_off(self, why: str, seconds: float) -> None:
        """Breaks off all that is under way, none of which can be committed any more, and then accepts other work.

        Args:
            why: what is said of it.
            seconds: for how long to wait until it has ended; code that hangs may not even notice.
        """
        await asyncio.to_thread(self._interrupt, why)
        until = time.monotonic() + seconds
        while any(driver.refusal for driver in list(self._in_use)) and time.monotonic() < until:
            await asyncio.sleep(_LOOKING_SECONDS)
        self.refusal = ""

    def _interrupt(self, why: str) -> None:
        self.refusal = why
        for driver in list(self._in_use):
            driver.refusal = why
            driver.interrupt()

    def close(self) -> None:
        """Closes all connections."""
        while self._idle:
            self._idle.pop().close()
        self.engine.dispose()
        self._reader.dispose()


def _ending(process: int) -> SqlStatement:
    """Ends a process of PostgreSQL, if it is there; true once it has."""
    return SqlStatement(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
        " WHERE pid = $1::int AND usename = current_user AND datname = current_database()",
        [process],
    )


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


def _sqlite_engine(url: URL, synchronous: SqliteSynchronous, statement_seconds: float) -> Engine:
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        # The driver's own habit of opening transactions late lets a savepoint survive an outer rollback.
        connection.isolation_level = None
        prepare_sqlite(connection, synchronous=synchronous)
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
        connection.info[_ALARM].until = time.monotonic() + statement_seconds if reading else math.inf

    return engine
