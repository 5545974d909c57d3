"""Fires each attack at a served app while somebody else reads single records.

Three processes, so that none waits for another's interpreter: the server, who attacks, and who reads. Prints of each
attack the processor time that the server takes to refuse it, and how long a point read takes meanwhile. On Linux.
"""

import logging
import socket
import time
from http.client import HTTPConnection
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from core.host.host import discover
from guanxi import create_app, load_settings
from guanxi.cli.server import serve_app
from tests.attacks.attacks import attacks

_SECONDS = 3.0
_SHOTS = 5
_SLOW_SENDERS = 200
_HEADERS = {"content-type": "application/json"}
_READ = orjson.dumps({"query": "query ($id: ID!) { customer(id: $id) { id name } }", "variables": {"id": "cus_none"}})
_SLOW = f"{_SLOW_SENDERS} slow senders"


def _served(folder: str, told: Connection) -> None:
    logging.disable(logging.CRITICAL)
    app = create_app(load_settings(database_url=f"sqlite:///{folder}/attacked.db"), discover())
    app.migrate()
    serve_app(app, "127.0.0.1", 0, lambda url, is_configured: told.send(url))


def _attacked(port: int, body: bytes | None, over: Event) -> None:
    """Sends a body again and again; without one, bodies that never end."""
    if body is None:
        senders = [socket.create_connection(("127.0.0.1", port)) for _ in range(_SLOW_SENDERS)]
        head = (
            b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n"
        )
        for sender in senders:
            sender.sendall(head)
        while not over.wait(0.5):
            for sender in senders:
                sender.sendall(b" ")
        return
    while not over.is_set():
        _sent(HTTPConnection("127.0.0.1", port), body)


def _sent(connection: HTTPConnection, body: bytes) -> bytes:
    try:
        connection.request("POST", "/graphql", body, _HEADERS)
        return connection.getresponse().read()
    except OSError:
        # What is too large is answered before it is read to its end.
        return b""
    finally:
        connection.close()


def _processor_ms(process: int) -> float:
    """What a process and its threads have taken of the processor."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def _reads(port: int, seconds: float) -> list[float]:
    """How long point reads take, in milliseconds, one after the other for so long."""
    connection = HTTPConnection("127.0.0.1", port)
    found = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        connection.request("POST", "/graphql", _READ, _HEADERS)
        answer = connection.getresponse().read()
        found.append((time.perf_counter() - start) * 1000)
        assert answer == b'{"data":{"customer":null}}', answer
    connection.close()
    return sorted(found)


def _figures(reads: list[float]) -> str:
    return f"{reads[len(reads) // 2]:8.2f} {reads[int(len(reads) * 0.99)]:8.2f} {reads[-1]:8.2f} {len(reads):8}"


def measure(seconds: float = _SECONDS) -> None:
    """Prints a line per attack."""
    processes: Any = get_context("spawn")
    with TemporaryDirectory() as folder:
        heard, told = processes.Pipe(duplex=False)
        server = processes.Process(target=_served, args=(folder, told), daemon=True)
        server.start()
        port = int(heard.recv().rpartition(":")[2].partition("/")[0])
        _reads(port, 1)
        print(f"{'':52} {'processor':>9} {'p50':>8} {'p99':>8} {'longest':>8} {'reads':>8}")
        print(f"{'nobody attacks':52} {'':>9} {_figures(_reads(port, seconds))}", flush=True)
        for attack in [*attacks(), None]:
            taken, body = "", attack and attack.body()
            if body is not None:
                _sent(HTTPConnection("127.0.0.1", port), body)
                before = _processor_ms(server.pid)
                for _ in range(_SHOTS):
                    _sent(HTTPConnection("127.0.0.1", port), body)
                taken = f"{(_processor_ms(server.pid) - before) / _SHOTS:.1f} ms"
            over = processes.Event()
            attacker = processes.Process(target=_attacked, args=(port, body, over), daemon=True)
            attacker.start()
            time.sleep(1)
            reads = _reads(port, seconds)
            over.set()
            attacker.join()
            print(f"{attack.name if attack else _SLOW:52} {taken:>9} {_figures(reads)}", flush=True)
        server.terminate()
        server.join()
