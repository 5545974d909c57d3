"""Stored results and the tables made of them: figures are kept as JSON, and every table anywhere comes from there.

A document holds a table between `<!-- bench NAME -->` and `<!-- end -->`; NAME is a result, or `summary`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.contestants import EVERYBODY, OURS, WRITERS
from bench.loads import LOOP
from bench.queries import READS

FOLDER = Path(__file__).parent / "results"
_ROOT = Path(__file__).parent.parent
DOCUMENTS = [_ROOT / "docs" / "performance.md"]
_PLACE = re.compile(r"(<!-- bench (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
#: Where less was used, another process did the work.
_SHORTEST_SECONDS = 0.1
_TITLES = {query.name: query.title for query in READS}


def store(name: str, found: dict[str, Any]) -> None:
    """Stores a result, and its tables next to it."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    (FOLDER / f"{name}.md").write_text(page(name, found))


def load(name: str) -> dict[str, Any]:
    """A result that was kept."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def page(name: str, found: dict[str, Any]) -> str:
    """A result's tables with what they were measured with."""
    made = ", ".join(f"{key} {value}" for key, value in found["versions"].items())
    machine = ", ".join(f"{key} {value}" for key, value in found["machine"].items())
    head = f"# {name}\n\n{found['date']}; {machine}; load before {found['load before']}.\n{made}.\n"
    return "\n".join([head, *(_TABLES[name.partition("-")[0]](found))]) + "\n"


def embedded(text: str) -> str:
    """A document with its tables as the stored results have them."""

    def table(found: re.Match[str]) -> str:
        name = found[2]
        tables = _TABLES[name.partition("-")[0]] if name != "summary" else None
        if tables and not (FOLDER / f"{name}.json").exists():
            return found[0]
        made = tables(load(name)) if tables else [summary()]
        return "\n".join([found[1], *made, found[3]])

    return _PLACE.sub(table, text)


def embed() -> None:
    """Brings the tables of the documents up to date."""
    for document in DOCUMENTS:
        document.write_text(embedded(document.read_text()))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _names(found: dict[str, Any]) -> list[str]:
    """The contestants of a result, in order."""
    ordered = dict.fromkeys([*(one.name for one in (*EVERYBODY, *WRITERS)), LOOP])
    return [name for name in ordered if any(name in row for row in found["queries"].values())]


def reads_table(found: dict[str, Any]) -> str:
    """Requests per second by query and contestant, with the ratios of ours to the others'."""
    names = _names(found)
    others = [name for name in names if name != OURS.name]

    def cell(row: dict[str, Any], name: str) -> str:
        if name not in row:
            return "–"
        rate = _short(row[name]["rate"])
        return rate if name == OURS.name else f"{rate} ({_short(_ratio(row, name))}×)"

    rows = [
        [_TITLES.get(query, query), *(cell(row, name) for name in (OURS.name, *others))]
        for query, row in found["queries"].items()
    ]
    return _table(["requests per second", OURS.name, *others], rows)


def _ratio(row: dict[str, Any], name: str) -> float:
    """How often as fast as another we are: the median over rounds, for the machine changes from one to the next."""
    return median(own / other for own, other in zip(row[OURS.name]["rates"], row[name]["rates"], strict=True))


def summary() -> str:
    """How often as fast as the others: the ratios on both engines side by side."""
    by_engine = {"PostgreSQL": load("reads-postgresql"), "SQLite": load("reads-sqlite")}
    columns = [
        (engine, one.name)
        for engine, found in by_engine.items()
        for one in EVERYBODY
        if one is not OURS and any(one.name in row for row in found["queries"].values())
    ]

    def cell(query: str, engine: str, name: str) -> str:
        row = by_engine[engine]["queries"][query]
        return f"{_short(_ratio(row, name))}×" if name in row else "–"

    rows = [
        [title, *(cell(query, engine, name) for engine, name in columns)]
        for query, title in _TITLES.items()
        if query in by_engine["PostgreSQL"]["queries"]
    ]
    return _table(["guanxi answers as often as", *(f"{name}, {engine}" for engine, name in columns)], rows)


def _processor_table(found: dict[str, Any]) -> str:
    names = _names(found)

    def cell(row: dict[str, Any], name: str) -> str:
        return f"{row[name]['cpu']:,.0f} + {row[name]['database cpu']:,.0f}" if name in row else "–"

    rows = [
        [_TITLES.get(query, query), *(cell(row, name) for name in names)] for query, row in found["queries"].items()
    ]
    return _table(["processor µs per request, server + database", *names], rows)


def _reads(found: dict[str, Any]) -> list[str]:
    return [reads_table(found), _processor_table(found)]


def _writes(found: dict[str, Any]) -> list[str]:
    def spent(row: dict[str, float]) -> str:
        return f"{row['rows'] / row['cpu']:,.0f}" if row.get("rows") and row["cpu"] >= _SHORTEST_SECONDS else "–"

    rows = [
        [f"{write}: {name}", f"{row['seconds']:.2f}", f"{row['cpu']:.2f} + {row['database cpu']:.2f}", spent(row)]
        for write, by_name in found["writes"].items()
        for name, row in by_name.items()
    ]
    made = [_table(["write", "seconds", "processor s, server + database", "rows per processor second"], rows)]
    if memory := found.get("import memory"):
        made.append(_table(["import of", "MB at most"], [[rows, f"{size:.0f}"] for rows, size in memory.items()]))
    return made


def scale_table(found: dict[str, Any]) -> str:
    """Milliseconds per request at the small and the large size."""
    rows = []
    for query, times in found["milliseconds"].items():
        small, large = times.values()
        rows.append([query, f"{small:.2f}", f"{large:.2f}", f"{large / small:.2f}×"])
    sizes = [f"{size} customers" for size in next(iter(found["milliseconds"].values()))]
    return _table(["milliseconds per request", *sizes, "ratio"], rows)


def _memory(found: dict[str, Any]) -> list[str]:
    heads = found.get("columns", ["requests answered", "MB"])
    rows = [
        [f"{value:.1f}" if "MB" in head else f"{value:,.0f}" for head, value in zip(heads, row, strict=True)]
        for row in found["held"]
    ]
    return [_table(heads, rows)]


def _figures(found: dict[str, Any]) -> list[str]:
    return [_table(["", "median"], [[key, _short(value)] for key, value in found["figures"].items()])]


def _steps(found: dict[str, Any]) -> list[str]:
    made = []
    for part in ("cached", "first seen"):
        heads = list(next(iter(found[part].values())))
        rows = [
            [_TITLES[query], *(f"{steps[head]:,.0f}" if steps[head] >= 10 else f"{steps[head]:.1f}" for head in heads)]
            for query, steps in found[part].items()
        ]
        made.append(_table([f"{part}, µs", *heads], rows))
    return made


def _access(found: dict[str, Any]) -> list[str]:
    heads = ["cached, µs (ratio)", *next(iter(found["queries"].values()))]
    rows = [
        [_TITLES[query], *(f"{one['µs']:,.0f} ({one['ratio']:.3f})" for one in row.values())]
        for query, row in found["queries"].items()
    ]
    return [_table(heads, rows)]


def _paths(found: dict[str, Any]) -> list[str]:
    made = []
    for plugins, by_title in found["paths"].items():
        heads = list(next(iter(by_title.values())))
        rows = [[title, *(f"{row[head]:,}" for head in heads)] for title, row in by_title.items()]
        made.append(_table([f"cached, {plugins}", *heads], rows))
    return made


def _start(found: dict[str, Any]) -> list[str]:
    rows = [
        [command, f"{row['seconds']:.2f}", f"{row['without plugins']:.2f}", f"{row['per plugin']:.2f}"]
        for command, row in found["commands"].items()
    ]
    return [_table(["processor seconds", "four plugins", "no plugin", "one plugin more"], rows)]


_TABLES: dict[str, Any] = {
    "reads": _reads,
    "mutations": _reads,
    "writes": _writes,
    "scale": lambda found: [scale_table(found)],
    "memory": _memory,
    "interference": _figures,
    "introspection": _figures,
    "steps": _steps,
    "access": _access,
    "paths": _paths,
    "start": _start,
}
