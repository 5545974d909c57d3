"""Row scopes: a caller is answered as anybody is where the rows that it may not see are not there."""

import pytest

from tests.access.removal import check_round
from tests.shares import EXHAUSTIVE

#: Callers, and queries of each.
ROUNDS, QUERIES = 40 if EXHAUSTIVE else 3, 8


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_caller_is_answered_as_if_the_rest_were_not_there(world, seed):
    assert check_round(world, seed, QUERIES) >= QUERIES / 2
