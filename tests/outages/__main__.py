"""Outages at length: `python -m tests.outages postgresql --rounds 20`, `… kill`, `… load --requests 100000`, `… full`.

`postgresql` stops or crashes the database under load again and again, `kill` and `kill-postgresql` kill the server
under eight writers, `load` sends mixed requests to several workers and
watches their memory, and `full` fills a small file system (as root only) and frees it again.
"""

import argparse
import http.client
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.outages.clients import Clients, asked, check, names
from tests.outages.cluster import cluster
from tests.outages.served import Served, migrated, served


def _figures(clients: Clients) -> str:
    record = clients.record
    told = ", ".join(f"{count} × {status} {code}".rstrip() for (status, code), count in sorted(record.statuses.items()))
    return f"{told}; {len(record.written)} written, {len(record.unknown)} unknown, slowest {record.slowest:.1f} s"


def postgresql(rounds: int, workers: int) -> None:
    """Stops or crashes the database at a random moment under load, and starts it again at another."""
    with cluster() as database:
        migrated(database.url)
        with served(database.url, "--workers", str(workers)) as server:
            server.until_ready()
            for number in range(rounds):
                how = "crash" if number % 2 else "stop"
                with Clients(server.address, 8, prefix=f"r{number}x") as clients:
                    time.sleep(random.uniform(0.2, 1.5))
                    getattr(database, how)()
                    time.sleep(random.uniform(0.0, 2.0))
                    database.start()
                    back = server.until_ready()
                    clients.until(200)
                check(clients.record, names(server.address))
                print(f"{number + 1}: {how}, ready {back:.1f} s after it was back; {_figures(clients)}", flush=True)
            print("exit code and seconds:", server.stop())


def kill(rounds: int, url: str) -> None:
    """Kills the server at a random moment under eight writers, and looks for what it had acknowledged."""
    migrated(url)
    for number in range(rounds):
        with served(url) as server:
            server.until_ready()
            with Clients(server.address, 8, reads=0, prefix=f"k{number}x") as clients:
                time.sleep(random.uniform(0.1, 1.0))
                server.process.kill()
                server.process.wait()
        # Whoever was not answered knows nothing, and all else must be so.
        clients.record.wrong.clear()
        with served(url) as server:
            back = server.until_ready()
            check(clients.record, names(server.address))
            _check_events(server.address)
        print(f"{number + 1}: ready after {back:.1f} s; {_figures(clients)}", flush=True)


def kill_postgresql(rounds: int) -> None:
    """The same with PostgreSQL, which goes on."""
    with cluster() as database:
        kill(rounds, database.url)


def kill_sqlite(rounds: int) -> None:
    """The same with SQLite."""
    with TemporaryDirectory() as folder:
        kill(rounds, f"sqlite:///{Path(folder) / 'crm.db'}")


def _check_events(address: str) -> None:
    """Every customer has its event, and no other has one."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    text = "{ customers { totalCount } events(types: [CUSTOMER_CREATED]) { totalCount } }"
    # Those of the last moment are numbered a moment after the start.
    for _ in range(100):
        _, _, body = asked(connection, text)
        customers, events = body["data"]["customers"]["totalCount"], body["data"]["events"]["totalCount"]
        if customers == events:
            break
        time.sleep(0.05)
    else:
        raise AssertionError(f"{customers} customers, {events} events")
    connection.close()


def load(requests: int, workers: int) -> None:
    """Sends mixed requests, and tells of the memory of all processes now and then."""
    with cluster() as database:
        migrated(database.url)
        with served(database.url, "--workers", str(workers)) as server:
            server.until_ready(120)
            _loaded(server, requests, 8)


def _loaded(server: Served, requests: int, count: int, parts: int = 10) -> None:
    total: Counter[tuple[int, str]] = Counter()
    began = time.monotonic()
    for part in range(parts):
        with Clients(server.address, count, reads=4, most=requests // parts // count, prefix=f"p{part}x") as clients:
            clients.join()
        check(clients.record, Counter(clients.record.written))
        total += clients.record.statuses
        print(f"{sum(total.values())} requests: {server.memory() / 1e6:.0f} MB", flush=True)
    rate = sum(total.values()) / (time.monotonic() - began)
    print(f"{dict(total)}, {rate:.0f} requests per second")
    there = sum(names(server.address).values())
    print(f"{there} customers are there; exit code and seconds: {server.stop()}")


@contextmanager
def _small(folder: Path, megabytes: int) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "guanxi", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full() -> None:
    """Fills the file system of a SQLite database under load, and frees it again."""
    with TemporaryDirectory() as folder, _small(Path(folder), 64) as small:
        _filled(f"sqlite:///{small / 'crm.db'}", small)


def full_postgresql() -> None:
    """The same with the files of a PostgreSQL server of its own, whose log of writes goes elsewhere."""
    with TemporaryDirectory() as folder, _small(Path(folder), 96) as small, cluster() as database:
        # The log of writes has its own place: where that is full, PostgreSQL stops altogether.
        Path(folder).chmod(0o777)
        place = small / "data"
        place.mkdir()
        subprocess.run(["chown", "pgserver", str(place)], check=True)
        database.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        database.execute("ALTER DATABASE template1 SET TABLESPACE small")
        database.execute("CREATE DATABASE crm TABLESPACE small")
        _filled(database.url.replace("/postgres?", "/crm?"), small)


def _filled(url: str, small: Path) -> None:
    migrated(url)
    with served(url) as server:
        server.until_ready()
        with Clients(server.address, 4, prefix="full") as clients:
            clients.until(200)
            filler = small / "filler"
            with filler.open("wb") as file, suppress(OSError):
                while True:
                    file.write(bytes(65_536))
                    file.flush()
            clients.until(503, 120)
            time.sleep(2)
            filler.unlink()
            clients.until(200)
            time.sleep(1)
        check(clients.record, names(server.address))
        print(f"full: {_figures(clients)}")
        print("exit code and seconds:", server.stop())


def main() -> int:
    """Returns 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("what", choices=["postgresql", "kill", "kill-postgresql", "load", "full", "full-postgresql"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if given.what == "kill":
        kill_sqlite(given.rounds)
    elif given.what == "kill-postgresql":
        kill_postgresql(given.rounds)
    elif given.what == "postgresql":
        postgresql(given.rounds, given.workers)
    elif given.what == "load":
        load(given.requests, given.workers)
    elif given.what == "full":
        full()
    else:
        full_postgresql()
    return 0


if __name__ == "__main__":
    sys.exit(main())
