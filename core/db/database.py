"""The database: one SQLite file, or PostgreSQL by one setting. Writing sessions; reading is the planner's business."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core.base.calendar import PLAIN, Calendar
from core.base.errors import ConfigurationError, OutcomeUnknownError, UnavailableError
from core.base.settings import SqliteSynchronous
from core.db.conflicts import Conflict, conflict_of, repeated
from core.db.drivers import Drivers
from core.db.engines import POSTGRESQL, SQLITE, ConnectionLimits, database_url, driver_to, engines, file_of
from core.db.faults import refuse_write
from core.db.files import OpenFile
from core.db.health import Health
from core.db.threads import Threads
from core.db.transaction import DatabaseTransaction, Driver, OnTrip, Rows, SqlStatement

T = TypeVar("T")

_OLDEST_POSTGRESQL = 18
_MOST_READERS = 4
#: How long, in seconds, work waits for a database that was there a moment ago to come back.
_ABSENCE_SECONDS = 3.0
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
        self.url = database_url(url)
        self.dialect = self.url.get_backend_name()
        self.health = Health()
        #: Called before each round trip of a writer.
        self.on_trip: OnTrip | None = None
        self._calendar = calendar
        self._limits = ConnectionLimits(
            pool_size, _MOST_READERS, patience, queue_patience, statement_seconds, synchronous
        )
        self._file = None if (path := self.path) is None else OpenFile(path)
        self.engine, self._reader = engines(self.url, self._limits)
        self.engine.dialect.calendar = self._reader.dialect.calendar = calendar  # type: ignore[attr-defined]
        self.drivers = Drivers(self._connected, pool_size, self.health)
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
        return Threads(most, self._limits.queue_patience, weaves=weaves)

    @property
    def path(self) -> Path | None:
        """The database file; None on PostgreSQL."""
        return file_of(self.url)

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
        health, patience = self.health, self._limits.patience
        try:
            answer = repeated(attempt, patience, 0 if health.is_lost else min(patience, _ABSENCE_SECONDS))
        except Exception as error:
            if conflict_of(error) is Conflict.LOST:
                # Until it is back, nobody waits for that.
                health.is_lost = True
            health.raise_meaning(error)
        if health.is_lost or health.is_at_fault:
            health.note_use()
        return answer

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
            return repeated(attempt, self._limits.patience)
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
        driver = self.drivers.take()
        driver.on_trip = self.on_trip
        transaction = DatabaseTransaction(driver, reads=reads, is_endless=is_endless)
        try:
            yield transaction
        finally:
            try:
                transaction.close()
            finally:
                self.drivers.give_back(driver)

    def _connected(self) -> Driver:
        driver = driver_to(self.url, self._limits)
        driver.calendar = self._calendar
        if self._file is not None:
            self._file.note()
        return driver

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
        return self._file is None or self._file.is_there()

    def check_file(self) -> None:
        """Closes it to all further work if its file was replaced or deleted.

        Raises:
            UnavailableError: it was.
        """
        if not self.file_is_there:
            self.health.refusal = _FILE_GONE
            raise UnavailableError(_FILE_GONE)

    def close(self) -> None:
        """Closes all connections."""
        self.drivers.close()
        self.engine.dispose()
        self._reader.dispose()


def _ending(process: int) -> SqlStatement:
    """Ends a process of PostgreSQL, if it is there; true once it has."""
    return SqlStatement(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
        " WHERE pid = $1::int AND usename = current_user AND datname = current_database()",
        [process],
    )
