"""New customers and their events in plain batched INSERTs on a driver's connection: the limit of an upsert of new rows.

It checks nothing and reads nothing: 500 rows at a time go into the customers and into the events, then the batch of the
events, in one transaction.
"""

import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import Any

import psycopg

from bench.peers.bare import Engine, new_id
from core.db.engines import POSTGRESQL, SQLITE

_ROWS_AT_ONCE = 500
_MARK = {POSTGRESQL: "$", SQLITE: "?"}


def insert_plainly(engine: str, url: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Inserts customers, given as the items of an upsert."""
    kind = Engine(engine)
    customers = [_customer(kind, item) for item in items]
    batch = {"id": new_id("evb"), "recorded_at": kind.now(), "actor": "plain", "request_id": None}
    stem = new_id("evt")[:24]
    events = [_event(kind, f"{stem}{place:06d}", str(batch["id"]), item) for place, item in enumerate(items)]
    made: Any = sqlite3.connect(url.removeprefix("sqlite:///")) if kind.is_sqlite else _connected(url)
    with closing(made) as connection:
        if kind.is_sqlite:
            connection.isolation_level = None
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN IMMEDIATE")
        _insert(connection, engine, "customer", customers)
        _insert(connection, engine, "event", events)
        if kind.is_sqlite:
            connection.execute("UPDATE event_counter SET last = last + 1")
            (batch["sequence"],) = connection.execute("SELECT last FROM event_counter").fetchone()
        _insert(connection, engine, "event_batch", [batch])
        connection.execute("COMMIT")


def _connected(url: str) -> Any:
    # Statements go as they are: to look for the driver's own parameters in the text takes longer than the insert.
    return psycopg.connect(url, cursor_factory=psycopg.RawCursor, prepare_threshold=1)


def _insert(connection: Any, engine: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    waiting = iter(rows)
    columns = list(rows[0])
    while some := list(islice(waiting, _ROWS_AT_ONCE)):
        numbers = itertools.count(1)
        marks = (f"({', '.join(f'{_MARK[engine]}{next(numbers)}' for _ in columns)})" for _ in some)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(marks)}"
        connection.execute(sql, list(chain.from_iterable(row.values() for row in some)))


def _customer(kind: Engine, item: Mapping[str, Any]) -> dict[str, Any]:
    minor, now = int(float(item["annualRevenue"]["amount"]) * 100), kind.now()
    return {
        "id": item["id"],
        "name": item["name"],
        "name_folded": item["name"].casefold(),
        "industry": item["industry"],
        "industry_folded": item["industry"].casefold(),
        "region": item["region"],
        "region_folded": item["region"].casefold(),
        "employee_count": item["employeeCount"],
        "annual_revenue_minor": minor,
        "annual_revenue_currency": item["annualRevenue"]["currency"],
        "annual_revenue_reporting": minor,
        "kind": "COMPANY",
        "status": "PROSPECT",
        "account_relation": "UNSPECIFIED",
        "do_not_contact": False,
        **dict.fromkeys(("needs", "preferences", "interests", "industry_competitors"), "[]"),
        "version": 1,
        "created_at": now,
        "created_by": "plain",
        "updated_at": now,
        "updated_by": "plain",
    }


def _event(kind: Engine, id: str, batch: str, item: Mapping[str, Any]) -> dict[str, Any]:
    changes = {name: [None, value] for name, value in sorted(item.items())}
    return {
        "id": id,
        "batch_id": batch,
        "type": "CUSTOMER_CREATED",
        "entity_type": "Customer",
        "entity_id": item["id"],
        "action": "CREATED",
        "occurred_at": kind.now(),
        "changes": json.dumps(changes),
        "data": "{}",
    }
