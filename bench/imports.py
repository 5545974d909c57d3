"""Imports: what `guanxi import` spends on the rows of a file, next to an upsert of the same rows."""

import csv
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.contestants import OURS, serving
from bench.databases import Databases, Folder
from bench.load import Meter

ROWS = 5_000
_MANY_ROWS = 20_000

_UPSERT = """mutation ($items: [CustomerUpsertItem!]!) {
  upsertCustomers(input: {matchBy: EXTERNAL_ID, items: $items}) { created failed }
}"""

#: The fields of a row beyond those of every customer: how the mapping has each, and its value by number.
_KINDS: Mapping[str, Mapping[str, tuple[str, Any]]] = {
    "customers": {},
    "customers with credit dimensions": {
        name: (f'"{name}"', lambda row, step=step: row * step % 100)
        for step, name in enumerate(("creditFinancialStatus", "creditReputation", "creditTransactionRecord"), 3)
    },
    "customers with a potential value": {
        "potentialValue": (
            '{ column = "potentialValue", currency = "CNY" }',
            lambda row: {"amount": f"{row * 100}.50", "currency": "CNY"},
        )
    },
}


def measure_imports(folder: Folder, databases: Databases) -> tuple[dict[str, Any], dict[str, float]]:
    """Figures of new rows by kind, of an import and of an upsert; and the megabytes an import holds by its rows."""
    found: dict[str, Any] = {}
    for kind in _KINDS:
        url = databases.copy("10k", "written")
        with serving(OURS, url, folder.path, databases.process) as server:
            items = [_item(kind, row) for row in range(ROWS)]
            meter, start = server.meter(), perf_counter()
            answer = server.ask({"query": _UPSERT, "variables": {"items": items}})["upsertCustomers"]
            seconds = perf_counter() - start
            if answer["created"] != ROWS:
                raise RuntimeError(f"{kind}: of {ROWS} rows {answer}")
            own, behind = meter.read()
        upserted = _figures(seconds, own, behind)
        url = databases.copy("10k", "written")
        with _files(kind) as write:
            _imported(url, write(1), databases)
            # The first start on a database brings it up to date; what later ones cost is not the rows' cost either.
            started = _imported(url, write(1), databases)
            run = _imported(url, write(ROWS), databases)
        imported = _figures(run.seconds - started.seconds, run.own - started.own, max(0.0, run.behind - started.behind))
        found[f"{ROWS:,} new {kind}"] = {"guanxi import": imported, "guanxi, upsert": upserted}
    url = databases.copy("10k", "written")
    with _files("customers") as write:
        _imported(url, write(1), databases)
        memory = {f"{rows:,} rows": _imported(url, write(rows), databases).megabytes for rows in (ROWS, _MANY_ROWS)}
    return found, memory


def _figures(seconds: float, own: float, behind: float) -> dict[str, float]:
    return {"seconds": round(seconds, 3), "cpu": round(own, 3), "database cpu": round(behind, 3), "rows": ROWS}


def _item(kind: str, row: int) -> dict[str, Any]:
    return {
        "externalIds": [{"system": "bench", "value": f"row {row}"}],
        "name": f"Imported {row}",
        "industry": ("Retail", "Energy", "Finance")[row % 3],
        "region": ("North", "East", "South", "West")[row % 4],
        "employeeCount": row % 5000,
        **{name: value(row) for name, (_, value) in _KINDS[kind].items()},
    }


@contextmanager
def _files(kind: str) -> Iterator[Any]:
    """A function that writes a file of so many rows next to its mapping."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fields = {name: f'"{name}"' for name in ("name", "industry", "region", "employeeCount")}
        fields |= {name: mapped for name, (mapped, _) in _KINDS[kind].items()}
        lines = [f"{name} = {mapped}" for name, mapped in fields.items()]
        head = ["[[record]]", 'type = "Customer"', 'key = { system = "bench", column = "key" }', "[record.fields]"]
        (folder / "mapping.toml").write_text("\n".join([*head, *lines]) + "\n")

        def write(rows: int) -> Path:
            source = folder / f"{rows}.csv"
            with source.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["key", *fields])
                for row in range(rows):
                    item = _item(kind, row)
                    values = (item[name] for name in fields)
                    cells = (value["amount"] if isinstance(value, dict) else value for value in values)
                    writer.writerow([f"row {row}", *cells])
            return source

        yield write


@dataclass(frozen=True)
class _Run:
    """Seconds of a command, processor seconds of it and of the database server, and the most memory it held."""

    seconds: float
    own: float
    behind: float
    megabytes: float


def _imported(url: str, source: Path, databases: Databases) -> _Run:
    meter, start = Meter(os.getpid(), databases.process), perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.command", "import", source, "--mapping", source.parent / "mapping.toml"],
        env={**os.environ, "GUANXI_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the import ended with exit code {process.returncode}: {said}")
    return _Run(perf_counter() - start, _processor(used), meter.read()[1], round(used.ru_maxrss / 1024, 1))


def _processor(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime
