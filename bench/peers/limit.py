"""The limit: a bare Starlette route per query, which sends the SQL that guanxi's plan sends and passes the JSON on."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.data import bench_app
from bench.queries import ANY_ID
from core.db.database import SQLITE
from schema.plan.plan import Plan
from schema.request.questions import moment_of

URL = os.environ["BENCH_URL"]
BODIES = json.loads(Path(os.environ["BENCH_QUERIES"]).read_text())
SQLITE_FILE = URL.removeprefix("sqlite:///") if URL.startswith(SQLITE) else None

Fetch = Callable[[str, Sequence[Any]], Awaitable[bytes]]


async def planned() -> dict[str, tuple[str, str, list[Any]]]:
    """By path: under which key a query is answered, its SQL and its values."""
    found = {}
    async with bench_app(URL).running() as app:
        context = app.context()
        for path, body in BODIES.items():
            operation = app.services.documents.operation(body["query"], None)
            values = operation.variables(body["variables"])
            (asked,) = operation.variant(values, context.access).asked.values()
            plan: Plan = asked.plan
            found[path] = (asked.key, plan.sql, plan.values(moment_of(context, values)))
    return found


async def connect_postgresql() -> tuple[Fetch, Any]:
    """Fetches on a pool of asyncpg."""

    async def prepare(connection: Any) -> None:
        await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")

    async def keep(connection: Any) -> None:
        """Nothing to reset."""

    pool = await asyncpg.create_pool(URL, min_size=1, max_size=8, init=prepare, reset=keep, statement_cache_size=1000)

    async def fetch(sql: str, values: Sequence[Any]) -> bytes:
        async with pool.acquire() as connection:
            found: bytes = await connection.fetchval(sql, *values)
            return found

    return fetch, pool.close


async def connect_sqlite() -> tuple[Fetch, Any]:
    """Fetches on one connection, on the event loop."""
    connection = sqlite3.connect(str(SQLITE_FILE), isolation_level=None, cached_statements=1000)
    for pragma in ("cache_size = -65536", "mmap_size = 1073741824", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}")

    async def fetch(sql: str, values: Sequence[Any]) -> bytes:
        found: str = connection.execute(sql, values).fetchone()[0]
        return found.encode()

    async def close() -> None:
        connection.close()

    return fetch, close


def route(path: str, key: str, sql: str, values: Sequence[Any]) -> Route:
    """The route of one query."""
    head = b'{"data":{"%s":' % key.encode()
    varying = [place for place, value in enumerate(values) if isinstance(value, str) and ANY_ID in value]

    async def answer(request: Request) -> Response:
        given = list(values)
        if varying:
            variables = json.loads(await request.body())["variables"]
            for place in varying:
                given[place] = variables["id"]
        found = await request.state.fetch(sql, given)
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
    routes = [route(path, *plan) for path, plan in asyncio.run(planned()).items()]
    app = Starlette(routes=[*routes, Route("/graphql", alive, methods=["POST"])], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", server_header=False)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
