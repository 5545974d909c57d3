"""Races: operations at once must give what some order of them, one after the other, gives.

The serial orders are run first, from the same data each; they are what is right. Then the operations are run at once,
one of them stopped before each of its round trips to the database in turn while the others go on until they are done or
wait for it. So each gap of each transaction has the others in it once, which random timing rarely brings about.
"""

import asyncio
import hashlib
import itertools
import math
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import unified_diff
from typing import Any

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, exists, func, insert, select, text, update
from sqlalchemy import Table as SqlTable

from core.background import backlog, jobs
from core.db.database import Database
from core.db.engines import SQLITE
from core.db.strands import sleep
from core.db.transaction import COMMIT, SqlStatement
from core.log.events import EventBatch, EventCounter, EventRow
from core.records.record import CORE, tables_of
from core.search.entries import SearchEntry
from core.search.samples import without_samples
from core.unit.idempotency import IdempotencyKey

#: Most serial orders: of four operations that all differ.
_MOST_ORDERS = 24
_LONGEST_WAIT = 30.0
_POLL = 0.002
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
_ID = re.compile(r"[a-z]{3,12}_[0-7][0-9a-hjkmnp-tv-z]{25}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
#: What no operation changes by itself: numbers of events, and what background work keeps.
_LEFT_OUT = frozenset(
    table.__tablename__
    for table in (
        EventBatch,
        EventCounter,
        EventRow,
        IdempotencyKey,
        backlog.PluginCursor,
        backlog.HeldBack,
        backlog.SetAside,
        jobs.PluginJob,
    )
)


class RaceError(AssertionError):
    """Operations at once gave what no order of them gives; the message has the operations and all answers."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One request of several that are made at once.

    Attributes:
        text: a GraphQL mutation.
        variables: its variables; they may be Python values, such as dates and `Money`.
    """

    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{' '.join(self.text.split())} {self.variables or ''}".rstrip()

    @property
    def mark(self) -> str:
        """Equal for operations that ask for the same."""
        return repr((self.text, sorted(self.variables.items())))


Execute = Callable[[Rival], Awaitable[Any]]
StoredRow = Mapping[str, Any]
State = Mapping[SqlTable, Mapping[tuple[Any, ...], StoredRow]]


@dataclass(frozen=True, slots=True)
class RaceOutcome:
    """What operations gave: the answer to each, and what is in the database afterwards; with ids and times by role."""

    answers: tuple[str, ...]
    state: tuple[str, ...]


class _Participant:
    """One operation on its way: counts its round trips, and stops before one of them."""

    def __init__(self, stops_before: int | None = None) -> None:
        self.trips = 0
        self.trips_to_commit: int | None = None
        self.process: int | None = None
        self._stops_before = stops_before
        self.stopped = threading.Event()
        self.goes_on = threading.Event()

    def arrives(self, process: int, *, commits: bool) -> None:
        """Is called before each round trip, in the thread or the strand that makes it."""
        self.trips += 1
        self.process = process
        if self.trips_to_commit is None and commits:
            self.trips_to_commit = self.trips
        if self.trips == self._stops_before:
            self.stopped.set()
            until = time.monotonic() + _LONGEST_WAIT
            while not self.goes_on.is_set() and time.monotonic() < until:
                sleep(_POLL)


_participant: ContextVar[_Participant | None] = ContextVar("participant", default=None)


class Races:
    """Runs operations on one database, one after the other and at once, each time from the same data."""

    def __init__(self, database: Database, plugins: Iterable[str], execute: Execute) -> None:
        self._database = database
        self._execute = execute
        self._tables = [
            table for owner in (CORE, *plugins) for table in tables_of(owner) if table.name not in _LEFT_OUT
        ]
        self._began = datetime.now(UTC)
        self._last_event = ""
        self._present: State = {}

    async def check(self, operations: Sequence[Rival], rounds: int | None, left_out: Sequence[str]) -> int:
        """Compares operations at once with all orders of them; returns the number of rounds.

        Args:
            operations: two or more.
            rounds: how many of the places to stop at are tried, spread evenly; None for all.
            left_out: columns that are left out, as `table.column`.

        Raises:
            RaceError: a round gave what no order gives.
        """
        start = self._dump()
        known = set(_ID.findall(_texts(start, left_out) + "".join(map(str, operations))))
        orders = _orders(operations)
        right: dict[RaceOutcome, Sequence[int]] = {}
        trips = [0] * len(operations)
        try:
            with self._alone(), self._stopping():
                for order in orders:
                    outcome = await self._serially(operations, order, known, left_out, trips)
                    right.setdefault(outcome, order)
                    self._restore(start)
                stops = self._stops(trips, rounds)
                for who, trip in stops:
                    outcome = await self._at_once(operations, who, trip, known, left_out)
                    if outcome not in right:
                        where = "" if who is None else f"operation {who + 1} stopped before its round trip {trip}"
                        raise RaceError(_said(operations, where, outcome, right))
                    self._restore(start)
        except BaseException:
            self._dump()
            self._restore(start)
            raise
        return len(stops)

    def _stops(self, trips: Sequence[int], rounds: int | None) -> list[tuple[int | None, int]]:
        """Who is stopped before which round trip, round by round; in the first one nobody is."""
        stops: list[tuple[int | None, int]] = [(None, 0)]
        # SQLite has one writer, so nobody can be stopped with others in between.
        if self._database.dialect != SQLITE:
            stops += [(who, trip) for who, last in enumerate(trips) for trip in range(2, last + 1)]
        if rounds is None or len(stops) <= rounds:
            return stops
        return [stops[(2 * place + 1) * len(stops) // (2 * rounds)] for place in range(rounds)]

    # Runs

    async def _serially(
        self,
        operations: Sequence[Rival],
        order: Sequence[int],
        known: set[str],
        left_out: Sequence[str],
        trips: list[int],
    ) -> RaceOutcome:
        answers: dict[int, Any] = {}
        for place in order:
            participant = _Participant()
            answers[place] = await self._one(operations[place], participant)
            trips[place] = max(trips[place], participant.trips_to_commit or participant.trips)
        return self._outcome(operations, [answers[place] for place in range(len(operations))], known, left_out)

    async def _at_once(
        self, operations: Sequence[Rival], who: int | None, trip: int, known: set[str], left_out: Sequence[str]
    ) -> RaceOutcome:
        participants = [_Participant(trip if place == who else None) for place in range(len(operations))]
        tasks: dict[int, asyncio.Task[Any]] = {}

        def begin(place: int) -> None:
            tasks[place] = asyncio.create_task(self._one(operations[place], participants[place]))

        if who is not None:
            begin(who)
            while not participants[who].stopped.is_set() and not tasks[who].done():
                await asyncio.sleep(_POLL)
        for place in range(len(operations)):
            if place != who:
                begin(place)
        if who is not None:
            try:
                others = [place for place in tasks if place != who]
                while not self._are_done_or_wait([(tasks[place], participants[place]) for place in others]):
                    await asyncio.sleep(_POLL)
            finally:
                participants[who].goes_on.set()
        answers = await asyncio.gather(*(tasks[place] for place in range(len(operations))))
        return self._outcome(operations, answers, known, left_out)

    async def _one(self, operation: Rival, participant: _Participant) -> Any:
        token = _participant.set(participant)
        try:
            return await self._execute(operation)
        finally:
            _participant.reset(token)

    def _are_done_or_wait(self, others: Sequence[tuple[asyncio.Task[Any], _Participant]]) -> bool:
        """Whether nobody of the others can go on: they are done, or wait for a lock."""
        going = [participant.process for task, participant in others if not task.done()]
        if not going:
            return True
        if None in going:
            return False
        waiting = text(
            "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE pid = ANY(:going) AND wait_event_type = 'Lock'"
        )
        with self._database.engine.connect() as connection:
            return bool(connection.scalar(waiting, {"going": going}) == len(set(going)))

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """While it lasts, each round trip of a participant is one before which it can be stopped."""

        def on_trip(process: int, statements: Sequence[SqlStatement]) -> None:
            if participant := _participant.get():
                participant.arrives(process, commits=COMMIT in statements)

        before, self._database.on_trip = self._database.on_trip, on_trip
        try:
            yield
        finally:
            self._database.on_trip = before

    # The data

    def _dump(self) -> State:
        with self._database.engine.connect() as connection:
            self._last_event = connection.scalar(select(func.max(EventRow.id))) or ""
            # Most tables are empty, and to ask all of them takes most of the time of a round.
            is_filled = connection.execute(select(*(exists(select(table)).label(table.name) for table in self._tables)))
            filled = is_filled.mappings().one()
            self._present = {table: _rows(connection, table) if filled[table.name] else {} for table in self._tables}
            return self._present

    def _restore(self, start: State) -> None:
        """Brings the tables back to what they were, but those of events, which are read from the last one on."""
        with self._putting_back() as connection:
            for table, rows in start.items():
                _put_back(connection, table, self._present[table], rows)
            self._last_event = connection.scalar(select(func.max(EventRow.id))) or ""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While it lasts, nothing is delivered to hooks and no job is run; at the end the events since are gone."""
        tables = [backlog.PluginCursor.__table__, jobs.PluginJob.__table__]
        logs = [EventRow.__table__, EventBatch.__table__]
        with self._database.engine.begin() as connection:
            before = {table: _rows(connection, table) for table in tables}
            last = {table: connection.scalar(select(func.max(table.c.id))) or "" for table in logs}
            for table in tables:
                connection.execute(update(table).values(holder="races", held_until=_NEVER))
        try:
            yield
        finally:
            with self._putting_back() as connection:
                for table, rows in before.items():
                    _put_back(connection, table, _rows(connection, table), rows)
                for table in logs:
                    connection.execute(delete(table).where(table.c.id > last[table]))

    @contextmanager
    def _putting_back(self) -> Iterator[Connection]:
        """A connection in whose transaction nothing follows from what is put back."""
        with self._database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            if self._database.dialect == SQLITE:
                driver.execute("PRAGMA foreign_keys = OFF")
            else:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            yield connection
            connection.commit()
            if self._database.dialect == SQLITE:
                driver.execute("PRAGMA foreign_keys = ON")

    def _outcome(
        self, operations: Sequence[Rival], answers: Sequence[Any], known: set[str], left_out: Sequence[str]
    ) -> RaceOutcome:
        last = self._last_event
        rows = list(_lines(self._dump(), left_out))
        columns = ("type", "entity_type", "entity_id", "action", "changes", "data")
        events = select(*(EventRow.__table__.c[name] for name in columns)).where(EventRow.__table__.c.id > last)
        with self._database.engine.connect() as connection:
            rows += [f"event {_line(row)}" for row in connection.execute(events).mappings()]
        told = [orjson.dumps(answer, option=orjson.OPT_SORT_KEYS).decode() for answer in answers]
        rows, told = self._by_role(rows, told, known)
        # Which of equal operations got which answer makes no difference.
        groups: dict[str, list[str]] = defaultdict(list)
        for operation, answer in zip(operations, told, strict=True):
            groups[operation.mark].append(answer)
        ordered = {mark: iter(sorted(group)) for mark, group in groups.items()}
        return RaceOutcome(tuple(next(ordered[operation.mark]) for operation in operations), tuple(sorted(rows)))

    def _by_role(self, rows: Sequence[str], told: Sequence[str], known: set[str]) -> tuple[list[str], list[str]]:
        """The same with moments since the beginning called now, and new ids called by what is said with them."""
        texts = [_MOMENT.sub(self._now, line) for line in (*rows, *told)]
        new = {id for line in texts for id in _ID.findall(line)} - known
        names = {id: f"new {id.partition('_')[0]}" for id in new}
        for _ in range(3):
            about: dict[str, list[str]] = defaultdict(list)
            for line in texts[: len(rows)]:
                for id in new.intersection(_ID.findall(line)):
                    about[id].append(_named(line, {**names, id: "itself"}))
            names = {id: f"{id.partition('_')[0]}#{_hash(sorted(about[id]))}" for id in new}
        texts = [_named(line, names) for line in texts]
        return texts[: len(rows)], texts[len(rows) :]

    def _now(self, moment: re.Match[str]) -> str:
        found = datetime.fromisoformat(moment[0])
        return "now" if found.replace(tzinfo=found.tzinfo or UTC) >= self._began else moment[0]


def _orders(operations: Sequence[Rival]) -> list[tuple[int, ...]]:
    """Every order of the operations; of orders that differ by equal operations only one."""
    marks = [operation.mark for operation in operations]
    number = math.factorial(len(marks)) // math.prod(math.factorial(count) for count in Counter(marks).values())
    if number > _MOST_ORDERS:
        problem = f"{len(marks)} operations have {number} orders, more than {_MOST_ORDERS}"
        raise ValueError(f"{problem}; give fewer operations, or more equal ones")
    if number == 1:
        return [tuple(range(len(marks)))]
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for order in itertools.permutations(range(len(marks))):
        found.setdefault(tuple(marks[place] for place in order), order)
    return list(found.values())


def _rows(connection: Connection, table: SqlTable) -> dict[tuple[Any, ...], StoredRow]:
    names = [column.name for column in table.primary_key]
    found = [dict(row) for row in connection.execute(select(table)).mappings()]
    return {tuple(row[name] for name in names): row for row in found}


def _put_back(
    connection: Connection,
    table: SqlTable,
    present: Mapping[tuple[Any, ...], StoredRow],
    start: Mapping[tuple[Any, ...], StoredRow],
) -> None:
    keys = list(table.primary_key)
    wrong = [key for key, row in present.items() if start.get(key) != row]
    missing = [dict(row) for key, row in start.items() if present.get(key) != row]
    if wrong:
        mine = and_(*(column == bindparam(f"key_{place}") for place, column in enumerate(keys)))
        parameters = [{f"key_{place}": part for place, part in enumerate(key)} for key in wrong]
        connection.execute(delete(table).where(mine), parameters)
    if missing:
        connection.execute(insert(table), missing)


def _lines(state: State, left_out: Sequence[str]) -> Iterator[str]:
    for table, rows in state.items():
        hidden = {name.partition(".")[2] for name in left_out if name.partition(".")[0] == table.name}
        for row in rows.values():
            shown = {name: value for name, value in row.items() if name not in hidden}
            if table is SearchEntry.__table__:
                # Which samples a record is in follows from its id, which is another in each round.
                shown = {name: _without_samples(value) for name, value in shown.items()}
            yield f"{table.name} {_line(shown)}"


def _without_samples(value: Any) -> Any:
    return without_samples(value) if isinstance(value, str) else value


def _line(row: Mapping[Any, Any]) -> str:
    # What is null says nothing.
    return str({str(name): _plain(value) for name, value in row.items() if value is not None})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if not isinstance(value, dict | list) else value


def _texts(state: State, left_out: Sequence[str]) -> str:
    return "\n".join(_lines(state, left_out))


def _named(line: str, names: Mapping[str, str]) -> str:
    return _ID.sub(lambda found: names.get(found[0], found[0]), line)


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


def _said(operations: Sequence[Rival], where: str, got: RaceOutcome, right: Mapping[RaceOutcome, Sequence[int]]) -> str:
    """The message of a race: the operations, what they gave, and what each order gives."""
    lines = ["operations at once gave what no order of them gives" + (f" ({where})" if where else "")]
    lines += [f"  {place}: {operation}" for place, operation in enumerate(operations, 1)]
    lines += ["at once:", *(f"  {place}: {answer}" for place, answer in enumerate(got.answers, 1))]
    for outcome, order in right.items():
        lines.append(f"in the order {', '.join(str(place + 1) for place in order)}:")
        lines += [f"  {place}: {answer}" for place, answer in enumerate(outcome.answers, 1)]
        lines.append("  state, - in this order, + at once:")
        difference = list(unified_diff(outcome.state, got.state, n=0, lineterm=""))[2:]
        lines += [f"    {line}" for line in difference if not line.startswith("@@")] or ["    the same"]
    return "\n".join(lines)
