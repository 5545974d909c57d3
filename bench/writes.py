"""Writes of many rows: upserts of 10,000, imports, and the recompute of the value tiers of 100,000 customers."""

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg

from bench.contestants import IDIOMATIC, OURS, serving
from bench.data import Size
from bench.databases import Databases, Folder
from bench.imports import measure_imports
from bench.load import Meter
from bench.machine import stamp
from bench.peers.plain_insert import insert_plainly
from bench.recompute import recompute_plainly
from core.db.engines import SQLITE

ROWS = 10_000
POPULATION = Size(customers=100_000, contacts_each=0, opportunities_each=0, roles_each=0, has_tiers=False)

_UPSERT = """mutation ($items: [CustomerUpsertItem!]!) {
  upsertCustomers(input: {matchBy: ID, items: $items}) { created updated unchanged }
}"""
_RECOMPUTE = "mutation { recomputeValueTiers(input: {}) { ranked changed } }"


@dataclass(frozen=True)
class Timed:
    """Seconds that one write took, and the processor seconds of server and database server."""

    seconds: float
    own: float
    behind: float


def new_customers(name: str) -> list[dict[str, Any]]:
    """Customers in addition to the existing ones; given another name they are changed."""
    return [
        {
            "id": f"cus_{Size().customers + 1 + row:026d}",
            "name": f"{name} {row}",
            "industry": ("Retail", "Energy", "Finance")[row % 3],
            "region": ("North", "East", "South", "West")[row % 4],
            "employeeCount": row % 5000,
            "annualRevenue": {"amount": f"{row * 100}.50", "currency": "CNY"},
        }
        for row in range(ROWS)
    ]


def measure_writes(folder: Folder, engine: str, rounds: int) -> dict[str, Any]:
    """The results of all writes on one engine."""
    with folder.engine(engine) as databases:
        stamped = stamp(**{"PostgreSQL" if databases.process else "SQLite": databases.version})
        found = _upserts(folder, databases, rounds)
        imports, memory = measure_imports(folder, databases)
        found |= {**imports, "recompute": _recomputes(folder, databases, rounds)}
    return {**stamped, "engine": engine, "rounds": rounds, "writes": found, "import memory": memory}


def _upserts(folder: Folder, databases: Databases, rounds: int) -> dict[str, Any]:
    """Medians by what becomes of the rows and by contestant."""
    databases.ready("10k", Size())
    timed: dict[str, dict[str, list[Timed]]] = {"created": {}, "updated": {}, "unchanged": {}}
    for _ in range(rounds):
        for contestant in (OURS, IDIOMATIC):
            url = databases.copy("10k", "written")
            with serving(contestant, url, folder.path, databases.process) as server:
                for outcome, name in (("created", "Customer"), ("updated", "Changed"), ("unchanged", "Changed")):
                    body = {"query": _UPSERT, "variables": {"items": new_customers(name)}}
                    meter, start = server.meter(), time.perf_counter()
                    answer = server.ask(body)["upsertCustomers"]
                    seconds = time.perf_counter() - start
                    if answer[outcome] != ROWS:
                        raise RuntimeError(f"{contestant.name}: of {ROWS} rows {answer}")
                    timed[outcome].setdefault(contestant.name, []).append(Timed(seconds, *meter.read()))
        url = databases.copy("10k", "written")
        plain = _timed(databases, lambda url=url: insert_plainly(databases.engine, url, new_customers("Customer")))  # type: ignore[misc]
        timed["created"].setdefault("plain batched insert", []).append(plain)
    return {f"upsert {outcome}": _medians(by_name, ROWS) for outcome, by_name in timed.items()}


def _medians(timed: Mapping[str, list[Timed]], count: int) -> dict[str, dict[str, float]]:
    return {
        name: {
            "seconds": round(median(one.seconds for one in rows), 3),
            "cpu": round(median(one.own for one in rows), 3),
            "database cpu": round(median(one.behind for one in rows), 3),
            "rows": count,
        }
        for name, rows in timed.items()
    }


def _recomputes(folder: Folder, databases: Databases, rounds: int) -> dict[str, Any]:
    """Medians by contestant, with how many tiers change: all, and next time none."""
    databases.ready("100k", POPULATION)
    timed: dict[str, list[Timed]] = {}
    for _ in range(rounds):
        url = databases.copy("100k", "written")
        with serving(OURS, url, folder.path, databases.process) as server:
            for name in ("guanxi, all change", "guanxi, none changes"):
                meter, start = server.meter(), time.perf_counter()
                server.ask({"query": _RECOMPUTE})
                timed.setdefault(name, []).append(Timed(time.perf_counter() - start, *meter.read()))
        ours = _state(databases.engine, url)
        url = databases.copy("100k", "written")
        for name in ("plain SQL, all change", "plain SQL, none changes"):
            plain = _timed(databases, lambda url=url: recompute_plainly(databases.engine, url))  # type: ignore[misc]
            timed.setdefault(name, []).append(plain)
        if _state(databases.engine, url) != ours:
            raise RuntimeError("the plain SQL gives other tiers")
    return _medians(timed, POPULATION.customers)


def _timed(databases: Databases, work: Callable[[], None]) -> Timed:
    """What work in this process takes."""
    meter, start = Meter(os.getpid(), databases.process), time.perf_counter()
    work()
    return Timed(time.perf_counter() - start, *meter.read())


_STATE = """SELECT count(*), count(tier), sum(rank), sum(profit), sum(CASE WHEN is_key THEN 1 ELSE 0 END),
  min(account_class), min(abc_class), (SELECT count(*) FROM value_tiering_tier_change),
  (SELECT count(*) FROM event WHERE type = 'VALUE_TIER_CHANGED')
FROM value_tiering_customer_value GROUP BY tier ORDER BY tier"""


def _connected(engine: str, url: str) -> Any:
    return sqlite3.connect(url.removeprefix("sqlite:///")) if engine == SQLITE else psycopg.connect(url)


def _state(engine: str, url: str) -> list[tuple[Any, ...]]:
    """What a recompute leaves behind, in figures."""
    connection = _connected(engine, url)
    try:
        return [tuple(map(str, row)) for row in connection.execute(_STATE).fetchall()]
    finally:
        connection.close()
