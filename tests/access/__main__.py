"""Asks random queries as random callers, round by round: `python -m tests.access --rounds 200`.

With `--operations 50000` sends random operations, mutations among them, as users of houses that are to see and change
nothing of each other.
"""

import argparse
import logging
import sys
from contextlib import ExitStack
from time import perf_counter

from core.host.host import discover
from guanxi.testing import app_with
from tests.access.operations import LeakError, Operations
from tests.access.removal import check_round
from tests.conftest import ENGINES
from tests.oracle.__main__ import empty_database
from tests.oracle.comparing import DifferenceError
from tests.oracle.trial import trial

_EVERY = 20
_STEPS = 2500


def main() -> int:
    """Runs it; answers 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.access", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="how many callers (200)")
    parser.add_argument("--queries", type=int, default=20, help="of each (20)")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="on which database")
    parser.add_argument("--seed", type=int, default=10_000, help="of the first round (10000); the tests use lower ones")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences (5)")
    parser.add_argument("--operations", type=int, help="instead: how many random operations")
    given = parser.parse_args()
    # What fails inside is reported as a difference.
    logging.disable(logging.CRITICAL)
    if given.operations is not None:
        return _operate(given.engine, given.operations, given.seed)
    answered, differences, start = 0, 0, perf_counter()
    with ExitStack() as stack:
        made = stack.enter_context(trial(empty_database(given.engine, stack)))
        for number in range(1, given.rounds + 1):
            try:
                answered += check_round(made, given.seed + number, given.queries)
            except DifferenceError as error:
                differences += 1
                print(f"{error}\n")
            if number % _EVERY == 0 or number == given.rounds or differences >= given.most:
                seconds = perf_counter() - start
                print(
                    f"{number} rounds in {seconds:.0f} s: {answered} answers alike; {differences} differences",
                    flush=True,
                )
            if differences >= given.most:
                break
    return 1 if differences else 0


def _operate(engine: str, count: int, seed: int) -> int:
    """Sends random operations; answers 1 where something leads from one house to another, or fails inside."""
    start = perf_counter()
    with ExitStack() as stack:
        settings = {"database_url": empty_database(engine, stack)}
        client = stack.enter_context(app_with(*discover(), **settings))
        operations = Operations(client, seed)
        for number in range(1, count + 1):
            try:
                operations.step()
                if number % _STEPS == 0 or number == count:
                    records = operations.check_world()
            except LeakError as error:
                print(f"operation {number}: {error}")
                return 1
            if number % _STEPS == 0 or number == count:
                seconds = perf_counter() - start
                print(f"{number} operations in {seconds:.0f} s; {records} records; {operations.statuses}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
