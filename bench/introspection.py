"""Introspection with all bundled plugins: what an answer from memory costs, and what working it out once costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import orjson
from graphql import execute, get_introspection_query, parse

from bench.databases import Folder
from bench.endpoint import post
from bench.machine import stamp
from guanxi import App, create_app, load_settings

_TIMES = 25
_TICK_SECONDS = 0.001


def measure_introspection(folder: Folder, engine: str) -> dict[str, Any]:
    """Processor milliseconds of each way to an answer, its size, and how long the event loop is blocked."""
    with folder.engine(engine) as databases:
        databases.make("introspection")
        app = create_app(load_settings(database_url=databases.url("introspection")))
        app.migrate()
        figures = asyncio.run(measured(app))
        versions = {"PostgreSQL" if databases.process else "SQLite": databases.version}
    return {**stamp(**versions), "engine": engine, "figures": figures}


async def measured(app: App) -> dict[str, float]:
    async with app.running(serving=True):
        body = orjson.dumps({"query": get_introspection_query(), "operationName": "IntrospectionQuery"})
        packed = {"accept-encoding": "gzip"}
        await post(app, b'{"query": "{ __typename }"}')
        first, pause = await _first(app, body)
        sent, headers = await post(app, body, packed)
        plain, _ = await post(app, body)
        known = packed | {"if-none-match": headers["etag"]}
        document = parse(get_introspection_query())
        return {
            "by graphql-core's executor, ms": await _milliseconds(_executed(app, document), 1),
            "worked out by the walk and compressed, ms": first,
            "longest pause of the event loop meanwhile, ms": pause,
            "from memory, compressed, ms": await _milliseconds(lambda: post(app, body, packed)),
            "from memory, not compressed, ms": await _milliseconds(lambda: post(app, body)),
            "known to the client (304), ms": await _milliseconds(lambda: post(app, body, known)),
            "size, kB": len(plain) / 1000,
            "compressed, kB": len(sent) / 1000,
        }


def _executed(app: App, document: Any) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        execute(app.assembled.graphql, document)

    return work


async def _first(app: App, body: bytes) -> tuple[float, float]:
    """Processor milliseconds until the first answer, and the longest time in which nothing else had its turn."""
    pauses = [0.0]

    async def watch() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(_TICK_SECONDS)
            pauses.append(time.perf_counter() - start - _TICK_SECONDS)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(_TICK_SECONDS)
    taken = await _milliseconds(lambda: post(app, body, {"accept-encoding": "gzip"}), 1)
    watcher.cancel()
    return taken, max(pauses) * 1000


async def _milliseconds(step: Callable[[], Awaitable[Any]], times: int = _TIMES) -> float:
    """Processor milliseconds of a step, those of its threads included: the median."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        await step()
        taken.append(time.process_time() - start)
    return round(median(taken) * 1000, 2)
