"""Steps: where the time of a request goes, measured inside one process without a network."""

import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import anyio
import orjson
from graphql import parse

from bench.data import Size, bench_app
from bench.databases import Folder
from bench.endpoint import post
from bench.machine import stamp
from bench.queries import ANY_ID, CURSOR, GUANXI, READS, Query
from guanxi import App
from schema.request.coercion import Coercion
from schema.request.documents import Documents
from schema.request.limits import Limits
from schema.request.operations import Operation
from schema.request.questions import answer_root, ask, moment_of
from schema.request.sizes import DocumentMeasure
from schema.request.validation import problems

_BUDGET_SECONDS = 1.0
_FEWEST, _MOST = 15, 2000
_OTHER_ID = "4242".rjust(26, "0")


def measure_steps(folder: Folder, engine: str) -> dict[str, Any]:
    """Microseconds per step by query."""
    with folder.engine(engine) as databases:
        url = databases.ready("10k", Size())
        found = anyio.run(_measured, url)
    return {**stamp(**{"PostgreSQL" if databases.process else "SQLite": databases.version}), "engine": engine, **found}


async def _measured(url: str) -> dict[str, Any]:
    async with bench_app(url).running() as app:
        cursor = None
        for _ in range(10):
            answer = await ask(app.context(), CURSOR[GUANXI], {"after": cursor})
            cursor = answer["customers"]["pageInfo"]["endCursor"]
        asked = [query for query in READS if query.name != "first-seen"]
        bodies = {query.name: orjson.loads(_known(query, cursor)) for query in asked}
        return {
            "cached": {name: await _cached(app, body) for name, body in bodies.items()},
            "first seen": {name: await _first_seen(app, body) for name, body in bodies.items()},
        }


def _known(query: Query, cursor: str | None) -> str:
    return orjson.dumps(query.body(GUANXI, cursor)).decode().replace(ANY_ID, _OTHER_ID)


async def _cached(app: App, body: dict[str, Any]) -> dict[str, float]:
    """The steps of a request whose plan is kept."""
    services = app.services
    context = app.context()
    raw = orjson.dumps(body)
    operation = services.documents.operation(body["query"], None)
    values = operation.variables(body["variables"])
    variant = operation.variant(values, context.access)
    (asked,) = variant.asked.values()
    moment = moment_of(context, values)
    binds = asked.plan.values(moment)

    async def statement() -> None:
        await services.reader.fetch(asked.plan.sql, binds)

    async def field() -> None:
        await answer_root(context, variant, asked, moment)

    async def request() -> None:
        await post(app, raw)

    in_all, read, fetched = await _microseconds(request), await _microseconds(field), await _microseconds(statement)
    bound = _now(lambda: asked.plan.values(moment))
    found = {
        "read JSON": _now(lambda: orjson.loads(raw)),
        "find document": _now(lambda: services.documents.operation(body["query"], None)),
        "check variables": _now(lambda: operation.variables(body["variables"])),
        "find plan": _now(lambda: operation.variant(values, context.access)),
        "values": bound,
        "statement": fetched,
        "fill gaps": max(read - fetched - bound, 0.0),
    }
    found["the rest"] = max(in_all - sum(found.values()), 0.0)
    return {name: round(value, 1) for name, value in {**found, "in all": in_all}.items()}


async def _first_seen(app: App, body: dict[str, Any]) -> dict[str, float]:
    """The steps that only a document has that was not seen before."""
    services = app.services
    context = app.context()
    schema = app.assembled.graphql
    limits = Limits.of(app.settings)
    text = body["query"]
    document = parse(text)
    kept: Documents = services.documents
    planner: Any = kept.operation(text, None).planner

    def compiled() -> None:
        measure, node = DocumentMeasure(document), document.definitions[0]
        operation = Operation(
            schema,
            planner,
            Coercion(),
            limits,
            document,
            node,  # type: ignore[arg-type]  # each document is one operation
            measure,
            lambda weight: None,
        )
        operation.variant(operation.variables(body["variables"]), context.access)

    return {
        "parse": round(_now(lambda: parse(text, max_tokens=limits.tokens)), 1),
        "check limits": round(_now(lambda: limits.of_document(DocumentMeasure(document).document(), None)), 1),
        "validate": round(_now(lambda: problems(schema, document)), 1),
        "compile": round(_now(compiled), 1),
    }


def _now(step: Callable[[], Any]) -> float:
    """Microseconds of a step that does not wait: the median."""
    times = []
    until = time.perf_counter() + _BUDGET_SECONDS
    while len(times) < _FEWEST or (time.perf_counter() < until and len(times) < _MOST):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return median(times) * 1e6


async def _microseconds(step: Callable[[], Awaitable[None]]) -> float:
    """Microseconds of a step that waits: the median, when it is warm."""
    times = []
    until = time.perf_counter() + _BUDGET_SECONDS
    for _ in range(10):
        await step()
    while len(times) < _FEWEST or (time.perf_counter() < until and len(times) < _MOST):
        start = time.perf_counter()
        await step()
        times.append(time.perf_counter() - start)
    return median(times) * 1e6
