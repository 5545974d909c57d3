"""The limit: a bare Starlette route per query, which sends the best SQL known for it and passes its JSON on.

It has no GraphQL, no limits, no errors and no time limit.
"""

import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.limit_sql import POSTGRESQL_SQL, SQLITE_SQL
from core.db.engines import SQLITE

URL = os.environ["BENCH_URL"]
BODIES = json.loads(Path(os.environ["BENCH_QUERIES"]).read_text())
SQLITE_FILE = URL.removeprefix("sqlite:///") if URL.startswith(SQLITE) else None

Fetch = Callable[[str, Sequence[Any]], Awaitable[bytes]]

#: Under which key each query is answered.
KEYS = {"point": "customer", "group": "opportunitiesGroupBy"}


async def connect_postgresql() -> tuple[Fetch, Any]:
    """Fetches on a pool of asyncpg."""

    async def keep(connection: Any) -> None:
        """Nothing to reset."""

    pool = await asyncpg.create_pool(URL, min_size=1, max_size=8, reset=keep, server_settings={"jit": "off"})

    async def fetch(sql: str, values: Sequence[Any]) -> bytes:
        async with pool.acquire() as connection:
            found: bytes = await connection.fetchval(f"SELECT convert_to(({sql}), 'UTF8')", *values)
            return found

    return fetch, pool.close


async def connect_sqlite() -> tuple[Fetch, Any]:
    """Fetches on one connection, on the event loop."""
    connection = sqlite3.connect(str(SQLITE_FILE), isolation_level=None)
    for pragma in ("cache_size = -65536", "mmap_size = 1073741824", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}")

    async def fetch(sql: str, values: Sequence[Any]) -> bytes:
        found: str = connection.execute(sql, values).fetchone()[0]
        return found.encode()

    async def close() -> None:
        connection.close()

    return fetch, close


def values_of(variables: Mapping[str, Any]) -> Sequence[Any]:
    """The values of a query: an id, or the name and the id that a cursor carries after its signature."""
    if "after" in variables:
        carried: list[Any] = json.loads(bytes.fromhex(variables["after"][12:]))
        return carried
    return list(variables.values())


def route(path: str, sql: str) -> Route:
    """The route of one query."""
    head = b'{"data":{"%s":' % KEYS.get(path, "customers").encode()
    known = values_of(BODIES[path]["variables"])

    async def answer(request: Request) -> Response:
        values = [json.loads(await request.body())["variables"]["id"]] if path == "point" else known
        found = await request.state.fetch(sql, values)
        return Response(head + found + b"}}", media_type="application/json")

    return Route(f"/{path}", answer, methods=["POST"])


async def alive(request: Request) -> Response:
    """Says that the server runs."""
    return Response(b'{"data":{}}', media_type="application/json")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Holds the connections."""
    fetch, close = await (connect_sqlite() if SQLITE_FILE else connect_postgresql())
    yield {"fetch": fetch}
    await close()


def serve(port: int) -> None:
    """Serves until it is stopped."""
    statements = SQLITE_SQL if SQLITE_FILE else POSTGRESQL_SQL
    routes = [route(path, statements[path]) for path in BODIES]
    app = Starlette(routes=[*routes, Route("/graphql", alive, methods=["POST"])], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", server_header=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
