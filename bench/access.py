"""Access: what reads cost a caller whose rows are limited, next to those who see everything, asked the same in turn."""

import time
from statistics import median
from typing import Any

import anyio
import orjson

from bench.data import Size, bench_app
from bench.databases import Folder
from bench.endpoint import post
from bench.machine import stamp
from bench.queries import ANY_ID, GUANXI, LIST, POINT, Query
from core.access.permissions import DEFAULTS
from core.base.actors import LOCAL, Actor, ActorKind, Reach
from core.records.vocabulary import UserRole
from guanxi import App
from schema.request.questions import ask

_REQUESTS, _WARM = 1500, 100
_ID = "4242".rjust(26, "0")


def measure_access(folder: Folder, engine: str, rounds: int) -> dict[str, Any]:
    """Microseconds of processor and wall time per request, by query and caller."""
    with folder.engine(engine) as databases:
        url = databases.ready("10k", Size())
        found = anyio.run(_measured, url, rounds)
    return {**stamp(**{"PostgreSQL" if databases.process else "SQLite": databases.version}), "engine": engine, **found}


async def _measured(url: str, rounds: int) -> dict[str, Any]:
    async with bench_app(url).running() as app:
        callers = await _callers(app)
        return {"queries": {query.name: await _in_turn(app, query, callers, rounds) for query in (POINT, LIST)}}


async def _callers(app: App) -> dict[str, Actor]:
    """Who asks: all of them for the same rows, because the manager's team has everybody."""
    answer = await ask(app.context(), "{ users(first: 1000) { nodes { id } } }")
    everybody = tuple(user["id"] for user in answer["users"]["nodes"])
    reach = Reach(everybody[:1], everybody, (), everybody, ())
    administrator, manager = UserRole.ADMINISTRATOR, UserRole.ACCOUNT_MANAGER
    return {
        "without roles": LOCAL,
        "administrator": Actor(everybody[0], ActorKind.USER, administrator.value, DEFAULTS[administrator], reach=reach),
        "account manager": Actor(everybody[0], ActorKind.USER, manager.value, DEFAULTS[manager], reach=reach),
    }


async def _in_turn(app: App, query: Query, callers: dict[str, Actor], rounds: int) -> dict[str, Any]:
    """The median microseconds of each caller's requests, and its rounds in relation to those without roles.

    Raises:
        RuntimeError: two callers are answered differently.
    """
    body = orjson.dumps(query.body(GUANXI, None)).replace(ANY_ID.encode(), _ID.encode())
    answers = {name: (await post(app, body, actor=actor))[0] for name, actor in callers.items()}
    if len(set(answers.values())) > 1:
        raise RuntimeError(f"{query.name}: callers are answered differently: {answers}")
    measured: dict[str, list[float]] = {name: [] for name in callers}
    for _ in range(rounds):
        times: dict[str, list[float]] = {name: [] for name in callers}
        for number in range(_WARM + _REQUESTS):
            for name, actor in callers.items():
                start = time.perf_counter()
                await post(app, body, actor=actor)
                if number >= _WARM:
                    times[name].append(time.perf_counter() - start)
        for name, several in times.items():
            measured[name].append(median(several) * 1e6)
    base = measured["without roles"]
    found = {
        name: {
            "µs": round(median(several), 1),
            "ratio": round(median(own / other for own, other in zip(several, base, strict=True)), 3),
        }
        for name, several in measured.items()
    }
    print(query.title, found, flush=True)
    return found
