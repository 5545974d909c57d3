"""Neighbours of the list that are about one thing, at once on PostgreSQL; `python -m tests.together` runs all pairs."""

import pytest

from guanxi.testing import together
from tests.shares import share
from tests.together.world import LEFT_OUT, PLUGINS, SETTINGS, clock, fill, neighbours

#: Places to stop at for each pair; the command tries all of them.
_ROUNDS = 1


@pytest.fixture(scope="module")
def world(module_crm):
    client = module_crm(*PLUGINS, clock=clock(), **SETTINGS)
    if client.app.database.dialect == "sqlite":
        pytest.skip("on SQLite one transaction writes at a time")
    return client, fill(client)


def test_the_list_is_long_and_each_mutation_of_it_is_possible_by_itself(world):
    client, listed = world
    assert len(listed) >= 40
    for one in listed:
        answer = client.execute(one.operation.text, input={**one.operation.variables["input"], "dryRun": True})
        (payload,) = answer["data"].values()
        assert payload["userErrors"] == []
        assert payload.get("failed", 0) == 0


def test_pairs_about_one_thing_give_what_some_order_gives(world):
    client, listed = world
    for one, other in share(neighbours(listed), 5):
        together(client, one.operation, other.operation, rounds=_ROUNDS, left_out=LEFT_OUT)
