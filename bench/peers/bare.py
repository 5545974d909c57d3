"""The limit of writes: a bare Starlette route per mutation, by hand, without GraphQL and without rules.

In one transaction it sends the statements that the host of guanxi sends: it reads the record under a lock, writes it
with the next version, its event with the values before and after, the batch of the event, and reads the answer as JSON.
The statements of plugins are left out. On PostgreSQL it is asyncpg on the event loop, on SQLite a connection of the
standard library on it, as durable as guanxi's.
"""

import json
import os
import secrets
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.db.engines import SQLITE

#: Sends a statement; returns its rows as mappings.
Send = Callable[..., Awaitable[list[Mapping[str, Any]]]]
Write = Callable[["Engine", Send, Mapping[str, Any]], Awaitable[str]]


class Engine:
    """What the engines spell differently.

    Attributes:
        lock: ends a SELECT of rows that are to be written.
        lock_reference: ends a SELECT of rows that are to be referred to.
        object: the function that makes a JSON object.
    """

    def __init__(self, name: str) -> None:
        self.is_sqlite = name == SQLITE
        self.lock = "" if self.is_sqlite else "FOR NO KEY UPDATE"
        self.lock_reference = "" if self.is_sqlite else "FOR KEY SHARE"
        self.object = "json_object" if self.is_sqlite else "json_build_object"

    def now(self) -> Any:
        """The moment, as columns keep it."""
        now = datetime.now(UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z") if self.is_sqlite else now


def new_id(prefix: str) -> str:
    """An id that sorts after earlier ones."""
    return f"{prefix}_{time.time_ns():016x}{secrets.token_hex(5)}"


def shown(value: Any) -> Any:
    """A value as events have it."""
    return value.isoformat() if isinstance(value, datetime) else value


async def log(engine: Engine, send: Send, entity: str, id: str, *events: tuple[str, str, Mapping[str, Any]]) -> None:
    """Writes the events of a record, each with its type, its action and its changes, then their batch."""
    batch, now = new_id("evb"), engine.now()
    for type_, action, changes in events:
        await send(
            "INSERT INTO event (id, batch_id, type, entity_type, entity_id, action, occurred_at, changes, data) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '{}')",
            new_id("evt"),
            batch,
            type_,
            entity,
            id,
            action,
            now,
            json.dumps(changes),
        )
    if engine.is_sqlite:
        await send("UPDATE event_counter SET last = last + 1")
        await send(
            "INSERT INTO event_batch (id, recorded_at, actor, request_id, sequence) "
            "VALUES ($1, $2, 'bare', NULL, (SELECT last FROM event_counter))",
            batch,
            now,
        )
    else:
        await send(
            "INSERT INTO event_batch (id, recorded_at, actor, request_id) VALUES ($1, $2, 'bare', NULL)", batch, now
        )


async def payload(engine: Engine, send: Send, table: str, record: str, **columns: str) -> str:
    """The written record as JSON, by the names of the API."""
    pairs = ", ".join(f"'{name}', {column}" for name, column in columns.items())
    (row,) = await send(f"SELECT {engine.object}({pairs}) AS found FROM {table} t WHERE id = $1", record)
    found: str = row["found"]
    return found


async def create_customer(engine: Engine, send: Send, given: Mapping[str, Any]) -> str:
    """Creates a customer."""
    id, now = new_id("cus"), engine.now()
    values = {
        "id": id,
        "name": given["name"],
        "name_folded": given["name"].casefold(),
        "industry": given["industry"],
        "industry_folded": given["industry"].casefold(),
        "region": given["region"],
        "region_folded": given["region"].casefold(),
        "employee_count": given["employeeCount"],
        "kind": "COMPANY",
        "status": "PROSPECT",
        "account_relation": "UNSPECIFIED",
        "do_not_contact": False,
        **dict.fromkeys(("needs", "preferences", "interests", "industry_competitors"), "[]"),
        "version": 1,
        "created_at": now,
        "created_by": "bare",
        "updated_at": now,
        "updated_by": "bare",
    }
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await send(f"INSERT INTO customer ({', '.join(values)}) VALUES ({places})", *values.values())
    changed = {name: [None, value] for name, value in given.items()}
    await log(engine, send, "Customer", id, ("CUSTOMER_CREATED", "CREATED", changed))
    return await payload(
        engine,
        send,
        "customer",
        id,
        id="id",
        version="version",
        name="name",
        industry="industry",
        region="region",
        employeeCount="employee_count",
    )


async def update_customer(engine: Engine, send: Send, given: Mapping[str, Any]) -> str:
    """Changes the city of a customer."""
    id, city = given["id"], given["city"]
    (before,) = await send(f"SELECT * FROM customer WHERE id = $1 {engine.lock}", id)
    await send(
        "UPDATE customer SET city = $1, city_folded = $2, version = $3, updated_at = $4, updated_by = 'bare' "
        "WHERE id = $5",
        city,
        city.casefold(),
        before["version"] + 1,
        engine.now(),
        id,
    )
    await log(engine, send, "Customer", id, ("CUSTOMER_UPDATED", "UPDATED", {"city": [before["city"], city]}))
    return await payload(engine, send, "customer", id, id="id", version="version", name="name", city="city")


async def update_opportunity(engine: Engine, send: Send, given: Mapping[str, Any]) -> str:
    """Changes the next action of an opportunity."""
    id, action = given["id"], given["nextAction"]
    (before,) = await send(f"SELECT * FROM opportunity WHERE id = $1 {engine.lock}", id)
    await send(
        "UPDATE opportunity SET next_action = $1, version = $2, updated_at = $3, updated_by = 'bare' WHERE id = $4",
        action,
        before["version"] + 1,
        engine.now(),
        id,
    )
    changed = {"nextAction": [before["next_action"], action]}
    await log(engine, send, "Opportunity", id, ("OPPORTUNITY_UPDATED", "UPDATED", changed))
    return await payload(
        engine, send, "opportunity", id, id="id", version="version", name="name", nextAction="next_action"
    )


async def move_opportunity(engine: Engine, send: Send, given: Mapping[str, Any]) -> str:
    """Moves an opportunity to another stage, and notes the transition."""
    id, now = given["id"], engine.now()
    stages = {row["key"]: row for row in await send("SELECT * FROM stage WHERE deleted_at IS NULL ORDER BY position")}
    stage = stages[given["stageKey"]]["id"]
    (before,) = await send(f"SELECT * FROM opportunity WHERE id = $1 {engine.lock}", id)
    await send(f"SELECT id FROM stage WHERE id = $1 AND deleted_at IS NULL {engine.lock_reference}", stage)
    await send(
        "UPDATE opportunity SET stage_id = $1, stage_entered_at = $2, version = $3, updated_at = $4, "
        "updated_by = 'bare' WHERE id = $5",
        stage,
        now,
        before["version"] + 1,
        now,
        id,
    )
    await send(
        "INSERT INTO stage_transition (id, opportunity_id, from_stage_id, to_stage_id, from_status, to_status, "
        "moved_at, moved_by, version, created_at, created_by, updated_at, updated_by) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 'bare', 1, $8, 'bare', $9, 'bare')",
        new_id("stt"),
        id,
        before["stage_id"],
        stage,
        before["status"],
        before["status"],
        now,
        now,
        now,
    )
    changed = {
        "stageEnteredAt": [shown(before["stage_entered_at"]), shown(now)],
        "stageId": [before["stage_id"], stage],
    }
    moved: tuple[str, str, Mapping[str, Any]] = ("OPPORTUNITY_STAGE_CHANGED", "PUBLISHED", {})
    await log(engine, send, "Opportunity", id, moved, ("OPPORTUNITY_UPDATED", "UPDATED", changed))
    there = f"(SELECT {engine.object}('key', key) FROM stage WHERE id = t.stage_id)"
    return await payload(engine, send, "opportunity", id, id="id", version="version", name="name", stage=there)


WRITES: Mapping[str, tuple[str, Write]] = {
    "createCustomer": ("customer", create_customer),
    "updateCustomer": ("customer", update_customer),
    "updateOpportunity": ("opportunity", update_opportunity),
    "moveOpportunity": ("opportunity", move_opportunity),
}


class BareSqlite:
    """One connection to a file, which syncs at every commit."""

    def __init__(self, path: str) -> None:
        self._engine = Engine(SQLITE)
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=500)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
            self._connection.execute(f"PRAGMA {pragma}")

    async def _send(self, sql: str, *values: Any) -> list[Mapping[str, Any]]:
        # sqlite3 takes `$1` for a name; `?1` is the same parameter.
        return self._connection.execute(sql.replace("$", "?"), values).fetchall()

    async def run(self, write: Write, given: Mapping[str, Any]) -> str:
        """Runs one mutation in a transaction; returns the record as JSON."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            found = await write(self._engine, self._send, given)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return found

    async def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


class BarePostgres:
    """A pool of asyncpg."""

    def __init__(self, pool: Any) -> None:
        self._engine = Engine("postgresql")
        self._pool = pool

    async def run(self, write: Write, given: Mapping[str, Any]) -> str:
        """Runs one mutation in a transaction; returns the record as JSON."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await write(self._engine, connection.fetch, given)

    async def close(self) -> None:
        """Closes the pool."""
        await self._pool.close()


async def connected(url: str) -> BareSqlite | BarePostgres:
    """Connections to a database."""
    if url.startswith(SQLITE):
        return BareSqlite(url.removeprefix("sqlite:///"))

    async def keep(connection: Any) -> None:
        """Nothing to reset."""

    return BarePostgres(await asyncpg.create_pool(url, min_size=1, max_size=8, reset=keep))


def route(name: str, entity: str, write: Write) -> Route:
    """The route of one mutation."""
    head = f'{{"data":{{"{name}":{{"{entity}":'.encode()

    async def answer(request: Request) -> Response:
        given = json.loads(await request.body())["variables"]["input"]
        found = await request.state.database.run(write, given)
        return Response(head + found.encode() + b',"userErrors":[]}}}', media_type="application/json")

    return Route(f"/{name}", answer, methods=["POST"])


async def alive(request: Request) -> Response:
    """Says that the server runs."""
    return Response(b'{"data":{}}', media_type="application/json")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Holds the connections."""
    database = await connected(os.environ["BENCH_URL"])
    yield {"database": database}
    await database.close()


def serve(port: int) -> None:
    """Serves until it is stopped."""
    routes = [route(name, entity, write) for name, (entity, write) in WRITES.items()]
    app = Starlette(routes=[*routes, Route("/graphql", alive, methods=["POST"])], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", server_header=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
