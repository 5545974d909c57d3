"""Measures guanxi against what its users would pick instead: `python -m bench` for all of it, or some parts by name.

It needs `pip install -e '.[bench]'`, wrk for most parts, and for PostGraphile node and npm.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.access import measure_access
from bench.databases import ENGINES, Folder
from bench.introspection import measure_introspection
from bench.loads import measure_mutations
from bench.paths import measure_paths
from bench.reads import Effort, measure_reads
from bench.results import embed, page, store
from bench.scale import measure_interference, measure_memory, measure_scale
from bench.start import measure_start
from bench.steps import measure_steps
from bench.writes import measure_writes

_FULL, _QUICK = Effort(), Effort(rounds=1, seconds=1)
_FEW_REQUESTS = 5_000
#: A round takes minutes.
_ROUNDS_OF_WRITES = 1

#: Parts that need no load generator.
_WITHOUT_LOAD = {"writes", "paths", "steps", "start", "introspection", "access"}

Measure = Callable[[Folder, str, Effort, bool], dict[str, Any]]

PARTS: dict[str, Measure] = {
    "reads": lambda folder, engine, effort, quick: measure_reads(folder, engine, effort),
    "mutations": lambda folder, engine, effort, quick: measure_mutations(folder, engine, effort),
    "writes": lambda folder, engine, effort, quick: measure_writes(folder, engine, _ROUNDS_OF_WRITES),
    "paths": lambda folder, engine, effort, quick: measure_paths(folder, engine),
    "steps": lambda folder, engine, effort, quick: measure_steps(folder, engine),
    "access": lambda folder, engine, effort, quick: measure_access(folder, engine, 1 if quick else 5),
    "introspection": lambda folder, engine, effort, quick: measure_introspection(folder, engine),
    "start": lambda folder, engine, effort, quick: measure_start(folder, engine, 1 if quick else 5),
    "memory": lambda folder, engine, effort, quick: (
        measure_memory(folder, engine, _FEW_REQUESTS) if quick else measure_memory(folder, engine)
    ),
    "interference": lambda folder, engine, effort, quick: measure_interference(folder, engine, effort),
    "scale": lambda folder, engine, effort, quick: measure_scale(folder, engine, effort),
}


def main() -> int:
    """Measures what is asked for, prints the tables, and stores them unless it is only tried out."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument("--engine", choices=ENGINES, help="one engine instead of both")
    parser.add_argument("--quick", action="store_true", help="one short round, without scale; nothing is stored")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where databases are kept (.bench)")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; available: {', '.join(PARTS)}")
    if ({*given.parts} - _WITHOUT_LOAD or not given.parts) and shutil.which("wrk") is None:
        parser.error("wrk is not installed; install it with your package manager")
    parts = given.parts or [part for part in PARTS if part != "scale" or not given.quick]
    for part in parts:
        for engine in [given.engine] if given.engine else ENGINES:
            print(f"{part}, {engine}", flush=True)
            found = PARTS[part](Folder(given.folder), engine, _QUICK if given.quick else _FULL, given.quick)
            print(page(f"{part}-{engine}", found))
            if not given.quick:
                store(f"{part}-{engine}", found)
    if not given.quick:
        embed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
