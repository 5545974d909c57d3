"""A transaction of writing, as statements that are sent together wherever none of them waits for another's rows.

The host owns it: it begins, commits and rolls back. An ORM session is a guest, made when somebody asks for one.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event
from sqlmodel import Session

from core.base import tracing
from core.base.calendar import PLAIN, Calendar
from core.base.errors import SlowStatementError, UnavailableError
from core.db.faults import FAILING, fault_of
from core.db.prepared import PreparedStatements

#: The rows of one statement.
Rows = Sequence[tuple[Any, ...]]


class SqlStatement(NamedTuple):
    """A statement as the driver takes it.

    Attributes:
        sql: its text, with the engine's own parameters.
        values: its parameters; with `many`, those of each of its executions.
        many: it is executed once for each of its values.
        table: which it writes without returning rows, so that it can be a part of what is written after it.
        inserts: it only adds rows to that table.
    """

    sql: str
    values: Sequence[Any] = ()
    many: bool = False
    table: str | None = None
    inserts: bool = False


@dataclass(slots=True)
class Foreseen:
    """A statement that somebody will ask.

    Attributes:
        statement: it.
        tables: names of those it reads; None where it locks what it reads, which then stays as it is.
        rows: its rows, once it was sent.
    """

    statement: SqlStatement
    tables: Collection[str] | None
    rows: Rows | None = None


#: Called with each round trip: the number of the server's process, and what is sent.
OnTrip = Callable[[int, Sequence[SqlStatement]], Any]


class Driver(ABC):
    """One connection that writes, used by one transaction at a time."""

    #: Name of the engine.
    dialect: str
    #: The days of the business, by which its SQL is spelled.
    calendar: Calendar = PLAIN
    #: How a transaction begins.
    begin: SqlStatement
    #: How one begins that only reads, alongside writers.
    begin_reading: SqlStatement
    #: How one begins whose statements may take as long as they need.
    begin_endless: Sequence[SqlStatement]
    #: Called before each round trip.
    on_trip: OnTrip | None = None
    #: Why nothing more is sent but a rollback; empty while it may be used.
    refusal: str = ""
    #: A statement of its transaction took too long: nothing more is sent but a rollback.
    was_slow: bool = False
    #: Answers are waited for without end, not only as long as statements may take.
    is_endless: bool = False
    #: What it keeps prepared; with too many it is closed once its transaction has ended.
    prepared: PreparedStatements
    #: Called before SQLAlchemy's connection sends anything.
    before_execution: Callable[[], Any] = staticmethod(lambda: None)
    #: The number of the server's process; 0 for a database without a server.
    process: int = 0

    @abstractmethod
    def run(self, statements: Sequence[SqlStatement]) -> list[Rows]:
        """Runs statements in order, in as few round trips as it can.

        Returns:
            the rows of each that returns some; others may be parts of the one after them.
        """

    def note(self, error: BaseException) -> None:
        """Notes an error of a statement, whoever else may catch it."""
        self.was_slow = self.was_slow or isinstance(fault_of(error), SlowStatementError)

    @property
    @abstractmethod
    def connection(self) -> Connection:
        """SQLAlchemy's connection on the same transaction; it never begins, commits or rolls back anything itself."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether it can be used again."""

    @property
    def is_lost(self) -> bool:
        """Whether the server is gone, with all that it did not commit."""
        return False

    @property
    def is_stale(self) -> bool:
        """Whether the server went away while nobody used it."""
        return False

    @abstractmethod
    def interrupt(self) -> None:
        """Breaks off what it is doing; may be called in any thread."""

    @abstractmethod
    def close(self) -> None:
        """Closes it."""


def mark(engine: str, number: int) -> str:
    """A parameter as an engine spells it."""
    return f"${number}" if engine == "postgresql" else f"?{number}"


def among(engine: str, column: str, number: int) -> str:
    """The condition that a column of text is among the values of a parameter, which `listed` makes."""
    if engine == "postgresql":
        return f"{column} = ANY(${number}::text[])"
    return f"{column} IN (SELECT value FROM json_each(?{number}))"


def listed(engine: str, values: Iterable[str]) -> Any:
    """Values as one parameter, in order."""
    wanted = sorted(values)
    return wanted if engine == "postgresql" else json.dumps(wanted)


def _nothing() -> None:
    pass


def guest_connection(engine: Engine, driver: Driver) -> Connection:
    """A connection on a driver's own. The host begins and ends its transactions: a plugin's commit commits nothing."""
    dialect: Any = engine.dialect
    dialect.calendar = driver.calendar
    dialect.do_begin = dialect.do_commit = dialect.do_rollback = lambda connection: None

    def before_execution(connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        driver.before_execution()
        if driver.on_trip is not None:
            driver.on_trip(driver.process, [SqlStatement(sql, values, many)])

    event.listen(engine, "before_cursor_execute", before_execution)
    event.listen(engine, "handle_error", lambda context: driver.note(context.original_exception))
    return engine.connect()


COMMIT, ROLLBACK = SqlStatement("COMMIT"), SqlStatement("ROLLBACK")


class DatabaseTransaction:
    """One transaction on a driver.

    Attributes:
        process: the number of the server's process; 0 for a database without a server.
        before_session: called before the session is made, to write what was put off.
    """

    def __init__(self, driver: Driver, *, reads: bool = False, is_endless: bool = False) -> None:
        self._driver = driver
        self.process = driver.process
        driver.is_endless, driver.was_slow = is_endless, False
        begin = driver.begin_endless if is_endless else [driver.begin_reading if reads else driver.begin]
        self._waiting: list[SqlStatement] = [*begin]
        self._foreseen: list[Foreseen] = []
        self._session: Session | None = None
        self._has_begun = False
        self._savepoints = 0
        #: How many statements were sent, apart from those of the session.
        self.statements = 0
        self.is_committed = False
        #: Whether somebody asked for the session.
        self.has_session = False
        self.dialect, self.calendar = driver.dialect, driver.calendar
        self._is_traced = tracing.is_on()
        self.before_session: Callable[[], None] = _nothing
        #: Called with a new session, which it may fill.
        self.on_session: Callable[[Session], None] = lambda session: None

    def put(self, *statements: SqlStatement) -> None:
        """Puts statements off until something is sent: nobody needs their rows."""
        self._waiting += statements
        if self._foreseen:
            # What writes to no one table may lock, or write to any.
            written = {statement.table for statement in statements}
            self._foreseen = [
                one
                for one in self._foreseen
                if one.rows is None or one.tables is None or written.isdisjoint({None, *one.tables})
            ]

    def foresee(self, statement: SqlStatement, tables: Collection[str] | None) -> None:
        """Has a statement that somebody will ask go with whatever is sent next, after it.

        Whoever asks it then gets its rows, once, unless something was written to one of its tables, or any rows or keys
        were locked in between.

        Args:
            statement: that will be asked.
            tables: names of those it reads; None where it locks what it reads.
        """
        if not self.has_session:
            self._foreseen.append(Foreseen(statement, tables))

    def _answer(self, statement: SqlStatement) -> Rows | None:
        for one in self._foreseen:
            if one.statement == statement:
                self._foreseen.remove(one)
                return one.rows
        return None

    def forget(self) -> None:
        """Has whatever was foreseen asked again: what it rests on may have changed."""
        self._foreseen.clear()

    def send(self, *statements: SqlStatement) -> list[Rows]:
        """Sends what was put off and these; returns the rows of these."""
        if self._driver.refusal:
            raise UnavailableError(self._driver.refusal)
        if self._driver.was_slow:
            raise SlowStatementError
        if self._has_begun and self._driver.is_open:
            # Where a disk is full, SQLite rolls back by itself; what is sent now would be committed one by one.
            raise UnavailableError(FAILING)
        if not self._foreseen:
            found = self._run([*self._waiting, *statements])
            return found[len(found) - len(statements) :]
        known = [self._answer(statement) for statement in statements]
        asked = [statement for statement, rows in zip(statements, known, strict=True) if rows is None]
        if not asked and (statements or not self._waiting):
            # What was put off still goes with what is read later.
            return [rows for rows in known if rows is not None]
        foreseen = [one for one in self._foreseen if one.rows is None]
        found = self._run([*self._waiting, *asked, *(one.statement for one in foreseen)])
        read = iter(found[len(found) - len(asked) - len(foreseen) :])
        answers = [next(read) if rows is None else rows for rows in known]
        for one in foreseen:
            one.rows = next(read)
        return answers

    def _run(self, together: Sequence[SqlStatement]) -> list[Rows]:
        self._waiting = []
        if not together:
            return []
        self._has_begun = True
        self.statements += len(together)
        try:
            return self._traced(together) if self._is_traced else self._driver.run(together)
        except Exception as error:
            self._driver.note(error)
            raise

    def _traced(self, together: Sequence[SqlStatement]) -> list[Rows]:
        with tracing.span("statements", count=len(together)):
            return self._driver.run(together)

    def rows(self, statement: SqlStatement) -> Rows:
        """The rows of one statement."""
        return self.send(statement)[0]

    def commit(self, *statements: SqlStatement) -> list[Rows]:
        """Sends what was put off, these and the commit; returns the rows of these."""
        self.forget()
        found = self.send(*statements, COMMIT)
        self.is_committed = True
        return found[: len(statements)]

    # Savepoints

    def save(self) -> str:
        """Sets a savepoint; returns its name."""
        self._savepoints += 1
        name = f"s{self._savepoints}"
        self.put(SqlStatement(f"SAVEPOINT {name}"))
        return name

    def release(self, name: str) -> None:
        """Keeps what was done since the savepoint."""
        self.put(SqlStatement(f"RELEASE SAVEPOINT {name}"))

    def undo(self, name: str) -> None:
        """Undoes what was done since the savepoint."""
        self.forget()
        # What was put off since may not have been sent, and is undone by not being sent; the savepoint itself may wait.
        marks = [place for place, statement in enumerate(self._waiting) if statement.sql == f"SAVEPOINT {name}"]
        if marks:
            del self._waiting[marks[0] :]
        else:
            self._waiting = []
            self.send(SqlStatement(f"ROLLBACK TO SAVEPOINT {name}"), SqlStatement(f"RELEASE SAVEPOINT {name}"))
        if self._session is not None:
            self._session.expunge_all()

    # The guest

    @property
    def session(self) -> Session:
        """The session on this transaction, made when it is first asked for, after what was put off is sent."""
        if self._session is None:
            self.before_session()
            self.forget()
            self.send()
            # What is put off from now on goes before what the session sends.
            self._driver.before_execution = self.send
            connection = self._driver.connection
            if not connection.in_transaction():
                connection.begin()
            self._session = Session(connection, expire_on_commit=False, join_transaction_mode="rollback_only")
            self.has_session = True
            self.on_session(self._session)
        return self._session

    def close(self) -> None:
        """Ends it: what was not committed is rolled back."""
        try:
            if not self.is_committed and not self._driver.is_lost and not self._driver.is_open:
                self._waiting = []
                self._driver.run([ROLLBACK])
        finally:
            if self._session is not None:
                self._session.expunge_all()
                self._session.close()
                self._session, self.has_session = None, False
                self._driver.before_execution = _nothing
                self._driver.connection.rollback()
