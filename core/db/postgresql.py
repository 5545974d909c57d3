"""Writing to PostgreSQL: libpq's pipeline, one write and one wait for statements that go together."""

import asyncio
import math
import re
import select
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from typing import Any, Self, TypeVar

import psycopg
from greenlet import GreenletExit
from psycopg import waiting
from psycopg.abc import Transformer as AbstractTransformer
from psycopg.adapt import Loader, PyFormat, Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus
from psycopg.types.string import TextLoader
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from core.db.prepared import PreparedStatements
from core.db.strands import in_strand, pause
from core.db.transaction import Driver, Rows, SqlStatement, guest_connection

T = TypeVar("T")

#: How long to wait for the server before looking again; the driver's own default does not wait at all.
_INTERVAL = 0.1
_PARAMETER = re.compile(r"\$(\d+)")
#: How long, in seconds, to try to connect, and until a server that does not answer the network counts as gone.
CONNECTING_SECONDS = 5
_NETWORK: dict[str, Any] = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_CANCELLING_SECONDS = 1.0
#: Types of the items of lists that arrays hold as they are, and in quotes.
_PLAIN, _TEXTS = {int, bool, type(None)}, {str, type(None)}
#: How much longer, in seconds, than a statement may take its answer is waited for.
GRACE_SECONDS = 2.0
_OPTIONS = (
    "-c jit=off -c timezone=UTC -c default_transaction_isolation=read\\ committed "
    # A server whose client is gone ends its transaction within seconds, and with it its locks.
    "-c client_connection_check_interval=5s "
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)


#: The statement of a command, and whether it only prepares it.
_Kind = tuple[str, bool]


class _Bytes(Loader):
    """A value as the bytes it came in."""

    def load(self, data: Any) -> bytes:
        return bytes(data)


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up a server that hangs: one that does not even cancel what takes too long.

    Attributes:
        seconds: for how long an answer is waited for; None without end.
    """

    seconds: float | None = None

    @classmethod
    def to(cls, url: URL, seconds: float, **more: Any) -> Self:
        """Connects.

        Args:
            url: where.
            seconds: what takes longer is cancelled by the server.
            more: for the driver.
        """
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        options = f"{_OPTIONS} -c statement_timeout={int(seconds * 1000)}"
        made = cls.connect(address, options=options, connect_timeout=CONNECTING_SECONDS, **_NETWORK, **more)
        made.seconds = seconds + GRACE_SECONDS
        return made

    def wait(self, gen: Generator[Any, Any, T], *more: Any, **named: Any) -> T:
        """What the server answers; in a strand the event loop goes on meanwhile."""
        if in_strand():
            try:
                return _woven(self._in_time(gen), self.pgconn.socket)
            except GreenletExit:
                # Nobody reads the answer, and nobody ends the transaction but the server.
                self.close()
                raise
        return super().wait(self._in_time(gen), *more, **named)

    def _in_time(self, talk: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """The same talk, as long as it may last; the connection is closed where the server does not answer.

        Raises:
            psycopg.OperationalError: it does not.
        """
        until = math.inf if self.seconds is None else time.monotonic() + self.seconds
        try:
            wanted = next(talk)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > until:
                    self.close()
                    raise psycopg.OperationalError("the server does not answer")
                wanted = talk.send(ready)
        except StopIteration as end:
            answer: T = end.value
            return answer


def _woven(talk: Generator[Any, Any, T], socket: int) -> T:
    """The result of a talk over a socket, in a strand."""
    try:
        wanted = next(talk)
        while True:
            wanted = talk.send(_ready(socket, wanted))
    except StopIteration as end:
        answer: T = end.value
        return answer


def _ready(socket: int, wanted: int) -> int:
    """For what a socket is ready of what is wanted; after a while, or if nobody waits any more, for nothing."""
    ready = 0
    reads, writes = wanted & waiting.Wait.R, wanted & waiting.Wait.W

    def begin(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> Callable[[], None]:
        def note(what: int) -> None:
            nonlocal ready
            ready |= what
            wake()

        def end() -> None:
            timer.cancel()
            # A loop that was closed has none.
            if not loop.is_closed():
                if reads:
                    loop.remove_reader(socket)
                if writes:
                    loop.remove_writer(socket)

        if reads:
            loop.add_reader(socket, note, waiting.Ready.R)
        if writes:
            loop.add_writer(socket, note, waiting.Ready.W)
        timer = loop.call_later(_INTERVAL, wake)
        return end

    pause(begin)
    return ready


class PostgresDriver(Driver):
    """One connection to PostgreSQL."""

    dialect = "postgresql"
    begin = SqlStatement("BEGIN ISOLATION LEVEL READ COMMITTED")
    begin_reading = SqlStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    begin_endless = (begin, SqlStatement("SET LOCAL statement_timeout = 0"))

    def __init__(self, url: URL, seconds: float) -> None:
        self._url = url
        self._driver = PatientConnection.to(url, seconds, autocommit=True)
        self._patience = self._driver.seconds
        self.process = self._driver.pgconn.backend_pid
        # Where it prepares by itself, any ROLLBACK makes it forget all that is prepared, ours too.
        self._driver.prepare_threshold = None
        self.prepared = PreparedStatements()
        self._names: dict[str, bytes] = {}
        self._guest: Connection | None = None
        self._count = 0
        # Only a cursor has adapters of its own; the session's are the connection's.
        own = psycopg.RawCursor(self._driver)
        # The answer of a plan is passed on as it comes; what records hold is read by their columns' types.
        own.adapters.register_loader("json", _Bytes)
        own.adapters.register_loader("jsonb", TextLoader)
        self._cursor = own
        self._transformer: AbstractTransformer = Transformer(own)
        # One for each statement, which knows by what its rows are read.
        self._readers: dict[str, AbstractTransformer] = {}

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection on the same one."""
        # Not a cached property: to make it takes round trips, during which Python 3.11 has all threads wait for one.
        if self._guest is None:
            engine = create_engine(
                self._url.set(drivername="postgresql+psycopg"), creator=lambda: self._driver, poolclass=StaticPool
            )
            self._guest = guest_connection(engine, self)
        return self._guest

    def run(self, statements: Sequence[SqlStatement]) -> list[Rows]:
        """Runs statements in one pipeline.

        Raises:
            psycopg.Error: one failed; those after it were not run.
        """
        pgconn = self._driver.pgconn
        self._driver.seconds = None if self.is_endless else self._patience
        statements = _joined(statements)
        if self.on_trip is not None:
            self.on_trip(self.process, statements)
        pgconn.enter_pipeline_mode()
        commands: deque[Any] = deque()
        kinds: list[_Kind] = []
        for statement in statements:
            for values in statement.values if statement.many else [statement.values]:
                self._command(statement.sql, values, commands, kinds)
        commands.append(pgconn.pipeline_sync)
        try:
            results = self._driver.wait(_talk(pgconn, commands), _INTERVAL)
        finally:
            if pgconn.status == ConnStatus.OK:
                pgconn.exit_pipeline_mode()
        return self._rows(statements, results, kinds)

    def _command(self, sql: str, values: Sequence[Any], commands: "deque[Any]", kinds: list[_Kind]) -> None:
        """Adds the commands of one execution, and what they are."""
        pgconn = self._driver.pgconn
        name = self._names.get(sql)
        if name is None:
            self._count += 1
            name = b"g%d" % self._count
            self.prepared.note(sql)
            commands.append(partial(pgconn.send_prepare, name, sql.encode()))
            kinds.append((sql, True))
        if list in set(map(type, values)):
            values = [_array(value) if type(value) is list else value for value in values]
        given = self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else ()
        commands.append(partial(pgconn.send_query_prepared, name, given))
        kinds.append((sql, False))

    def _rows(self, statements: Sequence[SqlStatement], results: list[Any], kinds: Sequence[_Kind]) -> list[Rows]:
        found: list[Rows] = []
        failed = None
        prepared = self._count - sum(is_preparation for _, is_preparation in kinds)
        for result, (sql, is_preparation) in zip(results, kinds, strict=False):
            if result.status == ExecStatus.FATAL_ERROR and failed is None:
                failed = result
            if is_preparation:
                prepared += 1
                # Only what the server did accept; where a batch fails, what comes after was not prepared.
                if result.status == ExecStatus.COMMAND_OK:
                    self._names[sql] = b"g%d" % prepared
            elif result.status == ExecStatus.TUPLES_OK:
                found.append(self._loaded(sql, result))
            else:
                found.append(())
        if failed is not None and failed.error_field(DiagnosticField.SQLSTATE):
            raise psycopg.errors.error_from_result(failed, encoding="utf-8")
        # An error without a state is not from the server: it is gone.
        if failed is not None or len(results) < len(kinds):
            raise psycopg.OperationalError("the server closed the connection before it had answered everything")
        if any(statement.many for statement in statements):
            return _gathered(statements, found)
        return found

    def _loaded(self, sql: str, result: Any) -> Rows:
        reader = self._readers.get(sql)
        if reader is None:
            reader = self._readers[sql] = Transformer(self._cursor)
            reader.set_pgresult(result)
        else:
            # The columns of a prepared statement stay as they are.
            reader.set_pgresult(result, set_loaders=False)
        rows = reader.load_rows(0, result.ntuples, tuple)
        # It would keep as much as it has read until it reads again.
        reader.set_pgresult(None, set_loaders=False)
        return rows

    @property
    def is_open(self) -> bool:
        """Whether it can be used again."""
        return not self.is_lost and self._driver.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def is_lost(self) -> bool:
        """Whether the server is gone, with all that it did not commit."""
        return self._driver.closed or self._driver.pgconn.status != ConnStatus.OK

    @cached_property
    def _poll(self) -> "select.poll":
        poll = select.poll()
        poll.register(self._driver.pgconn.socket, select.POLLIN)
        return poll

    @property
    def is_stale(self) -> bool:
        """Whether the server went away: while nobody asks, that is all it has to report."""
        return bool(self._poll.poll(0))

    def interrupt(self) -> None:
        """Asks the server to break off the statement that runs."""
        with suppress(psycopg.Error):
            self._driver.cancel_safe(timeout=_CANCELLING_SECONDS)

    def close(self) -> None:
        """Closes it."""
        self._driver.close()


def _array(values: list[Any]) -> Any:
    """A list as the text of an array, where its items are plain: the driver looks at each of them several times."""
    kinds = {*map(type, values)}
    if kinds <= _PLAIN:
        spelled = ["NULL" if value is None else str(value) for value in values]
    elif kinds <= _TEXTS and "\0" not in (together := "".join(filter(None, values))):
        if "\\" in together or '"' in together:
            values = [value and value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
        spelled = ["NULL" if value is None else f'"{value}"' for value in values]
    else:
        return values
    return f"{{{','.join(spelled)}}}"


def _joined(statements: Sequence[SqlStatement]) -> Sequence[SqlStatement]:
    """The same with what is written one after the other in one statement; nobody wants rows of it.

    Parts of one statement do not see each other, so a table of which rows are changed is written by one part alone.
    """
    found: list[SqlStatement] = []
    several: list[SqlStatement] = []
    # The tables they write, each with whether rows are only added to it.
    tables: dict[str, bool] = {}
    for statement in statements:
        table = statement.table
        is_apart = table is None or not tables or (table in tables and not (tables[table] and statement.inserts))
        if several and is_apart:
            found.append(_one_of(several))
            several, tables = [], {}
        several.append(statement)
        if table is not None:
            tables[table] = tables.get(table, True) and statement.inserts
    return [*found, _one_of(several)] if several else found


def _one_of(several: Sequence[SqlStatement]) -> SqlStatement:
    if len(several) == 1:
        return several[0]
    sql = _together(*((one.sql, len(one.values)) for one in several))
    return SqlStatement(sql, [value for one in several for value in one.values])


@lru_cache(1000)
def _together(*parts: tuple[str, int]) -> str:
    """One statement made of several, given their texts and the numbers of their parameters."""
    texts, start = [], 0
    for sql, count in parts:
        texts.append(_PARAMETER.sub(lambda found, start=start: f"${int(found[1]) + start}", sql))  # type: ignore[misc]
        start += count
    named = ", ".join(f"w{number} AS ({text})" for number, text in enumerate(texts[:-1]))
    return f"WITH {named} {texts[-1]}"


def _gathered(statements: Sequence[SqlStatement], found: Sequence[Rows]) -> list[Rows]:
    """The rows of each statement, those of all its executions together."""
    rest = iter(found)
    return [
        [row for _ in statement.values for row in next(rest)] if statement.many else next(rest)
        for statement in statements
    ]


def _talk(pgconn: Any, commands: "deque[Any]") -> Generator[Any, Any, list[Any]]:
    """Puts commands into libpq's buffer, sends them by one write, and reads until each has its result."""
    for command in commands:
        command()
    while pgconn.flush():
        # The server may wait for its answers to be read before it reads on.
        if (yield waiting.Wait.RW) & waiting.Ready.R:
            pgconn.consume_input()
    results: list[Any] = []
    while len(results) < len(commands):
        if pgconn.is_busy():
            if (yield waiting.Wait.R) & waiting.Ready.R:
                pgconn.consume_input()
            continue
        result = pgconn.get_result()
        if result is None:
            # The connection was lost.
            break
        results.append(result)
        if result.status != ExecStatus.PIPELINE_SYNC:
            # That a command has no more results comes as one of its own.
            pgconn.get_result()
    return results
