"""Outages at length: `python -m tests.outages postgresql --rounds 20`, `… load --requests 100000`, `… full`.

`postgresql` stops or crashes the database under load again and again, `load` sends mixed requests to several workers and
watches their memory, and `full` fills a small file system (as root only) and frees it again.
"""

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.outages.clients import Clients, check, names
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
    """Fills the file system of a SQLite database under load, frees it again, and makes it read-only for a while."""
    with TemporaryDirectory() as folder, _small(Path(folder), 64) as small:
        url = f"sqlite:///{small / 'crm.db'}"
        migrated(url)
        with served(url) as server:
            server.until_ready()
            with Clients(server.address, 4, prefix="full") as clients:
                clients.until(200)
                filler = small / "filler"
                with filler.open("wb") as file:
                    try:
                        while True:
                            file.write(bytes(65_536))
                            file.flush()
                    except OSError:
                        pass
                clients.until(503)
                time.sleep(2)
                filler.unlink()
                clients.until(200)
                time.sleep(1)
            check(clients.record, names(server.address))
            print(f"full: {_figures(clients)}")
            print("exit code and seconds:", server.stop())


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
        url = database.url.replace("/postgres?", "/crm?")
        migrated(url)
        with served(url) as server:
            server.until_ready()
            with Clients(server.address, 4, prefix="full") as clients:
                clients.until(200)
                filler = small / "filler"
                with filler.open("wb") as file:
                    try:
                        while True:
                            file.write(bytes(65_536))
                            file.flush()
                    except OSError:
                        pass
                clients.until(503, 120)
                time.sleep(2)
                filler.unlink()
                clients.until(200)
                time.sleep(1)
            check(clients.record, names(server.address))
            print(f"full: {_figures(clients)}")


def main() -> int:
    """Returns 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("what", choices=["postgresql", "load", "full", "full-postgresql"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    if asked.what == "postgresql":
        postgresql(asked.rounds, asked.workers)
    elif asked.what == "load":
        load(asked.requests, asked.workers)
    elif asked.what == "full":
        full()
    else:
        full_postgresql()
    return 0


if __name__ == "__main__":
    sys.exit(main())
