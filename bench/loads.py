"""Mutations one at a time: each contestant alone with the same database, in turn, round after round."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from statistics import median
from typing import Any

import anyio
import psycopg

from bench.contestants import POSTGRAPHILE_4, WRITERS, Contestant, Server, installed, installed_version, serving
from bench.data import Size, bench_app
from bench.databases import Databases, Folder
from bench.load import Count, sent
from bench.machine import stamp
from bench.mutations import IDS, MUTATIONS, Mutation, filled
from bench.peers.bare import WRITES, BareSqlite
from bench.queries import ANY_ID
from bench.reads import Effort
from core.db.database import Database
from core.db.engines import SQLITE
from core.log.numbers import number_batches

#: The statements of the bare route with no server before them.
LOOP = "bare sqlite3, no HTTP"

_CONNECTIONS = (8, 1)
_NUMBERS_EACH = 10_000_000
#: Opportunities that no load changes.
_CHECKED_IDS = 49_000
#: All opportunities are at the second of two stages, so that the first move takes each to the first.
_ALL_AT_SECOND = "UPDATE opportunity SET stage_id = 'stg_00000000000000000000000002'"


def measure_mutations(folder: Folder, engine: str, effort: Effort) -> dict[str, Any]:
    """The results of all mutations on one engine."""
    with folder.engine(engine) as databases:
        url = writable(databases)
        contestants = [one for one in WRITERS if engine in one.engines]
        versions = {"PostgreSQL" if databases.process else "SQLite": databases.version}
        if POSTGRAPHILE_4 in contestants:
            installed(POSTGRAPHILE_4, folder.path)
            versions[POSTGRAPHILE_4.name] = installed_version(POSTGRAPHILE_4, folder.path)
        stamped = stamp(**versions)
        _agree(contestants, url, folder, databases)
        found = _Rounds(folder, databases, url, effort).of(contestants)
    return {
        **stamped,
        "engine": engine,
        "effort": {"rounds": effort.rounds, "seconds": effort.seconds},
        "queries": found,
    }


def writable(databases: Databases) -> str:
    """The address of a copy that may be written to, in which the first move of each opportunity is one."""
    databases.ready("10k", Size())
    url = databases.copy("10k", "written")
    _execute(databases.engine, url, _ALL_AT_SECOND)
    # The first start on a database writes what plugins keep of the records, which the analysis is to know.
    anyio.run(_started, url)
    _execute(databases.engine, url, "VACUUM ANALYZE" if databases.process else "ANALYZE")
    return url


async def _started(url: str) -> None:
    async with bench_app(url).running():
        pass


class _Rounds:
    """Rounds in which each contestant is served, asked and stopped in turn."""

    def __init__(self, folder: Folder, databases: Databases, url: str, effort: Effort) -> None:
        self._folder = folder
        self._databases = databases
        self._url = url
        self._effort = effort
        self._numbers: dict[tuple[str, str], int] = {}
        self._measured: dict[str, dict[str, list[dict[str, float]]]] = {
            _title(mutation, connections): {} for mutation in MUTATIONS for connections in _CONNECTIONS
        }

    def of(self, contestants: list[Contestant]) -> dict[str, Any]:
        """Medians by mutation and contestant."""
        places = {one.name: place for place, one in enumerate(contestants)}
        for number in range(self._effort.rounds):
            # Another begins each time, so that none always follows the same one.
            first = number % len(contestants)
            for one in islice(contestants * 2, first, first + len(contestants)):
                self._serve(one, places[one.name])
            if self._databases.engine == SQLITE:
                self._loop(len(contestants))
        return {
            title: {
                name: {
                    **{key: median(row[key] for row in rows) for key in rows[0]},
                    "rates": [round(row["rate"], 1) for row in rows],
                }
                for name, rows in by_name.items()
            }
            for title, by_name in self._measured.items()
        }

    def _serve(self, contestant: Contestant, place: int) -> None:
        with serving(contestant, self._url, self._folder.path, self._databases.process) as server:
            for mutation in MUTATIONS:
                self._loaded(server, mutation, max(_CONNECTIONS), 1, place)
                for connections in _CONNECTIONS:
                    figures = self._loaded(server, mutation, connections, self._effort.seconds, place)
                    self._note(mutation, connections, contestant.name, figures)
        # What one has left behind is not to be another's work.
        _tidy(self._databases, self._url)

    def _loaded(
        self, server: Server, mutation: Mutation, connections: int, seconds: int, place: int
    ) -> dict[str, float]:
        """The figures of one load: requests per second, milliseconds, and processor microseconds per request.

        Raises:
            RuntimeError: there is no event for an answer.
        """
        key = (server.contestant.name, mutation.name)
        start = self._numbers.setdefault(key, (place + 1) * _NUMBERS_EACH)
        events = _events(self._databases.engine, self._url)
        meter = server.meter()
        body = mutation.body(server.contestant.dialect)
        load = sent(server.address(mutation), body, seconds, connections, Count(start, _offset(mutation, place)))
        own, behind = meter.read()
        # Those on the way when a load ends were written too, but not answered.
        self._numbers[key] = start + load.requests + 2 * connections
        written = _events(self._databases.engine, self._url) - events
        if server.contestant is not POSTGRAPHILE_4 and written < load.requests:
            raise RuntimeError(
                f"{server.contestant.name}, {mutation.name}: {written} events of {load.requests} answers"
            )
        return {
            "rate": load.rate,
            "p50": load.p50,
            "p99": load.p99,
            "cpu": own / load.requests * 1e6,
            "database cpu": behind / load.requests * 1e6,
        }

    def _loop(self, place: int) -> None:
        """The statements of the bare route one after another in this process, with no server before them."""
        database = BareSqlite(self._url.removeprefix("sqlite:///"))

        async def work() -> None:
            for mutation in MUTATIONS:
                key = (LOOP, mutation.name)
                start = number = self._numbers.setdefault(key, (place + 1) * _NUMBERS_EACH)
                _, write = WRITES[mutation.name]
                template = json.dumps(mutation.given)
                began, used = time.perf_counter(), time.process_time()
                until = began + self._effort.seconds
                while time.perf_counter() < until:
                    number += 1
                    await database.run(write, json.loads(filled(template, number, _offset(mutation, place))))
                seconds, used = time.perf_counter() - began, time.process_time() - used
                self._numbers[key] = number
                done = number - start
                figures = {"rate": done / seconds, "cpu": used / done * 1e6, "database cpu": 0.0}
                self._note(mutation, 1, LOOP, figures)
            await database.close()

        anyio.run(work)

    def _note(self, mutation: Mutation, connections: int, name: str, figures: dict[str, float]) -> None:
        title = _title(mutation, connections)
        self._measured[title].setdefault(name, []).append(figures)
        print(
            f"{title}: {name} {figures['rate']:.0f}/s, {figures['cpu']:.0f} + {figures['database cpu']:.0f} µs",
            flush=True,
        )


def _title(mutation: Mutation, connections: int) -> str:
    return f"{mutation.title}, {connections} connection{'s' if connections > 1 else ''}"


def _offset(mutation: Mutation, place: int) -> int:
    """After which ids those of a contestant begin: no two move the same opportunities."""
    return place * IDS if mutation.record == "Opportunity" else 0


def _agree(contestants: list[Contestant], url: str, folder: Folder, databases: Databases) -> None:
    """Checks that all write and answer the same.

    Raises:
        RuntimeError: two do not.
    """
    expected: dict[str, Any] = {}
    for place, contestant in enumerate(contestants):
        with serving(contestant, url, folder.path, databases.process) as server:
            for mutation in MUTATIONS:
                record = f"{(_CHECKED_IDS if mutation.record == 'Opportunity' else 0) + place + 1:026d}"
                text = json.dumps(mutation.body(contestant.dialect)).replace(ANY_ID, record)
                data = server.ask(json.loads(filled(text, 0)), mutation)
                got = mutation.row(contestant.dialect, data)
                if got != expected.setdefault(mutation.name, got):
                    raise RuntimeError(
                        f"{mutation.name}: {contestant.name} gives {got!r} instead of {expected[mutation.name]!r}"
                    )
    _tidy(databases, url)


@contextmanager
def _connected(engine: str, url: str) -> Iterator[Any]:
    file = url.removeprefix("sqlite:///")
    made: Any = (
        sqlite3.connect(file, isolation_level=None) if engine == SQLITE else psycopg.connect(url, autocommit=True)
    )
    with closing(made) as connection:
        yield connection


def _execute(engine: str, url: str, statement: str) -> None:
    with _connected(engine, url) as connection:
        connection.execute(statement)


def _events(engine: str, url: str) -> int:
    with _connected(engine, url) as connection:
        count: int = connection.execute("SELECT count(*) FROM event").fetchone()[0]
    return count


def _tidy(databases: Databases, url: str) -> None:
    """Numbers the batches that are left without a number, and writes out what is only in the log of the database."""
    database = Database(url)
    if databases.process:
        database.writing(number_batches)
    database.close()
    _execute(databases.engine, url, "CHECKPOINT" if databases.process else "PRAGMA wal_checkpoint(TRUNCATE)")
