"""Scale: guanxi alone, asked the same of small and of large data, for long, and while something slow goes on."""

from contextlib import ExitStack
from statistics import median
from typing import Any

from bench.contestants import OURS, Server, serving
from bench.data import Size
from bench.databases import Databases, Folder
from bench.load import finished, sent, started
from bench.machine import stamp
from bench.queries import AGGREGATE, FIRST_SEEN, FIRST_SEEN_NESTED, LIST, MIXED, NESTED, PAGE, PAGE_ONE, PLUGIN, POINT
from bench.reads import Effort, one_load

LARGE = Size(customers=1_000_000)
_LISTS = [POINT, LIST, NESTED, PLUGIN, MIXED, PAGE_ONE, PAGE]
_MANY_REQUESTS = 200_000
_FILLING_SECONDS = 20
_MEMORY = ["requests answered", "new documents among them", "MB of the server", "MB of PostgreSQL's connections"]
_SLICE_SECONDS = 10


def measure_scale(folder: Folder, engine: str, effort: Effort) -> dict[str, Any]:
    """Milliseconds per request at 10,000 and at 1,000,000 customers."""
    with folder.engine(engine) as databases, ExitStack() as stack:
        urls = {"10,000": databases.ready("10k", Size()), "1,000,000": databases.ready("1m", LARGE)}
        servers = {
            size: stack.enter_context(serving(OURS, url, folder.path, databases.process)) for size, url in urls.items()
        }
        for server in servers.values():
            server.find_cursor()
        found = {}
        for query in _LISTS:
            times: dict[str, list[float]] = {size: [] for size in servers}
            for round in range(effort.rounds + 1):
                for size, server in servers.items():
                    load = one_load(server, query, effort.seconds, effort.connections)
                    if round:  # The first warms up.
                        times[size].append(1000 / load["rate"])
            found[query.name] = {size: round_to_hundredth(median(values)) for size, values in times.items()}
            print(query.title, found[query.name], flush=True)
        return {**stamp(**_version(databases)), "engine": engine, "effort": vars(effort), "milliseconds": found}


def round_to_hundredth(value: float) -> float:
    """Two decimal places."""
    return round(value, 2)


def _version(databases: Databases) -> dict[str, str]:
    return {"PostgreSQL" if databases.process else "SQLite": databases.version}


def measure_memory(folder: Folder, engine: str, requests: int = _MANY_REQUESTS) -> dict[str, Any]:
    """Megabytes held while the server answers point reads of ever-changing ids and documents never seen before."""
    with folder.engine(engine) as databases:
        url = databases.ready("10k", Size())
        with serving(OURS, url, folder.path, databases.process) as server:
            # What may be kept is full before the first figure.
            sent(server.address(FIRST_SEEN_NESTED), server.body(FIRST_SEEN_NESTED), _FILLING_SECONDS)
            held: list[list[float]] = []
            answered = documents = 0
            while answered < requests or documents < requests // 10:
                answered += sent(server.address(POINT), server.body(POINT), _SLICE_SECONDS).requests
                for query in (FIRST_SEEN, FIRST_SEEN_NESTED):
                    new = sent(server.address(query), server.body(query), _SLICE_SECONDS).requests
                    answered, documents = answered + new, documents + new
                held.append(
                    [answered, documents, *(round(at / 1e6, 1) for at in (server.memory, server.memory_behind))]
                )
            return {**stamp(**_version(databases)), "engine": engine, "columns": _MEMORY, "held": held}


def measure_interference(folder: Folder, engine: str, effort: Effort) -> dict[str, Any]:
    """Point reads of four connections, alone and while one connection repeats an aggregate."""
    with folder.engine(engine) as databases:
        url = databases.ready("10k", Size())
        with serving(OURS, url, folder.path, databases.process) as server:
            for query in (POINT, AGGREGATE):
                sent(server.address(query), server.body(query), effort.seconds, 1)
            rows = [_interfered(server, effort.seconds) for _ in range(effort.rounds)]
        found = {key: round(median(row[key] for row in rows), 2) for key in rows[0]}
        return {**stamp(**_version(databases)), "engine": engine, "effort": vars(effort), "figures": found}


def _interfered(server: Server, seconds: int) -> dict[str, float]:
    alone = sent(server.address(POINT), server.body(POINT), seconds, 4)
    aggregate = started(server.address(AGGREGATE), server.body(AGGREGATE), seconds + 2, 1)
    disturbed = sent(server.address(POINT), server.body(POINT), seconds, 4)
    slow = finished(aggregate)
    return {
        "point reads per second, alone": alone.rate,
        "p99 ms, alone": alone.p99,
        "point reads per second": disturbed.rate,
        "p50 ms": disturbed.p50,
        "p99 ms": disturbed.p99,
        "aggregate ms": slow.p50,
    }
