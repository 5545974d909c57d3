"""Reads: every contestant asked the same, in turn, round after round."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from math import ceil
from statistics import median
from typing import Any

from bench.contestants import EVERYBODY, OURS, Contestant, Server, installed_version, serving
from bench.data import Size
from bench.databases import Databases, Folder
from bench.load import sent
from bench.machine import stamp
from bench.queries import CURSOR, READS, Query

_ENOUGH_ANSWERS = 50
_LONGEST_SECONDS = 10


@dataclass(frozen=True)
class Effort:
    """How long everything is measured."""

    rounds: int = 5
    seconds: int = 2
    connections: int = 8


def measure_reads(folder: Folder, engine: str, effort: Effort) -> dict[str, Any]:
    """The results of all queries on one engine."""
    with folder.engine(engine) as databases:
        url = databases.ready("10k", Size())
        stamped = stamp(**{"PostgreSQL" if databases.process else "SQLite": databases.version}, **_npm(folder, engine))
        with ExitStack() as stack:
            servers = running(stack, [one for one in EVERYBODY if engine in one.engines], url, folder, databases)
            agree(servers, READS)
            found = {query.name: _rounds(servers, query, effort) for query in READS}
    return {**stamped, "engine": engine, "effort": vars(effort), "queries": found}


def _npm(folder: Folder, engine: str) -> dict[str, str]:
    from bench.contestants import installed

    found = {}
    for one in EVERYBODY:
        if one.package and engine in one.engines:
            installed(one, folder.path)
            found[one.name] = installed_version(one, folder.path)
    return found


def running(
    stack: ExitStack, contestants: Sequence[Contestant], url: str, folder: Folder, databases: Databases
) -> list[Server]:
    """Servers of contestants, each with the cursor it goes on from."""
    servers: list[Server] = []
    plans: Mapping[str, Any] = {}
    for contestant in contestants:
        server = stack.enter_context(serving(contestant, url, folder.path, databases.process, plans))
        if not contestant.is_limit and contestant.dialect in CURSOR:
            server.find_cursor()
        if contestant is OURS:
            plans = {query.name: server.body(query) for query in READS if query.name != "first-seen"}
        servers.append(server)
    return servers


def agree(servers: Sequence[Server], queries: Sequence[Query]) -> None:
    """Checks that all give the same data.

    Raises:
        RuntimeError: two do not.
    """
    for query in queries:
        expected = servers[0].rows(query)
        if not expected:
            raise RuntimeError(f"{query.name}: the answer is empty, so nothing is compared")
        for server in servers[1:]:
            if server.takes(query) and server.contestant.gives_same(query):
                got = server.rows(query)
                if got != expected:
                    raise RuntimeError(f"{query.name}: {server.contestant.name} gives {got!r} instead of {expected!r}")


def _rounds(servers: Sequence[Server], query: Query, effort: Effort) -> dict[str, Any]:
    """Medians by contestant, of rounds in which each is asked in turn."""
    asked = [server for server in servers if server.takes(query)]
    seconds = {server.contestant.name: _long_enough(server, query, effort) for server in asked}
    measured: dict[str, list[dict[str, float]]] = {server.contestant.name: [] for server in asked}
    for number in range(effort.rounds):
        # Another begins each time, so that none always follows the same one.
        for server in islice(asked * 2, number % len(asked), number % len(asked) + len(asked)):
            measured[server.contestant.name].append(
                one_load(server, query, seconds[server.contestant.name], effort.connections)
            )
    found = {name: {key: median(row[key] for row in rows) for key in rows[0]} for name, rows in measured.items()}
    print(
        query.title,
        {name: (round(row["rate"]), round(row["cpu"]), round(row["database cpu"])) for name, row in found.items()},
        flush=True,
    )
    return {name: {**row, "rates": [round(one["rate"], 1) for one in measured[name]]} for name, row in found.items()}


def _long_enough(server: Server, query: Query, effort: Effort) -> int:
    """Warms a server up, and returns for how many seconds it must be loaded to give enough answers."""
    warm = sent(server.address(query), server.body(query), effort.seconds, effort.connections)
    return max(effort.seconds, min(_LONGEST_SECONDS, ceil(_ENOUGH_ANSWERS / max(warm.rate, 1))))


def one_load(server: Server, query: Query, seconds: int, connections: int) -> dict[str, float]:
    """The figures of one load: requests per second, milliseconds, and processor microseconds per request."""
    meter = server.meter()
    load = sent(server.address(query), server.body(query), seconds, connections)
    own, behind = meter.read()
    if not load.requests:
        return one_load(server, query, seconds * 2, connections)
    return {
        "rate": load.rate,
        "p50": load.p50,
        "p99": load.p99,
        "cpu": own / load.requests * 1e6,
        "database cpu": behind / load.requests * 1e6,
        "bytes": load.bytes / load.requests,
    }
