"""The oracle notices bugs: each of those that can be planted shows within a bounded number of random queries."""

import pytest

from tests.oracle.asking import ask_on
from tests.oracle.comparing import DifferenceError
from tests.oracle.mutants import MUTANTS
from tests.oracle.queries import make_query
from tests.shares import share

#: Most queries in which a bug has to show, and the seed of the first of them.
MOST, FIRST = 250, 50_000


# One engine is enough to tell whether the oracle sees.
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("name", share(sorted(MUTANTS), 4))
def test_a_planted_bug_is_caught(databases, world, name):
    kept = world.client.app.services.documents._kept

    def ask(text, variables):
        # Only the app has the bug: the oracle uses graphql-core as well.
        with pytest.MonkeyPatch.context() as patch:
            MUTANTS[name](patch)
            return world.ask(text, variables)

    kept._entries.clear()
    try:
        for seed in range(FIRST, FIRST + MOST):
            asked = make_query(world.oracle.schema, world.oracle.records, seed, 2)
            try:
                ask_on(world.oracle, ask, asked, seed, most=3)
            except DifferenceError:
                return
    finally:
        kept._entries.clear()
    pytest.fail(f"not caught in {MOST} queries")
