"""A transaction that gives way to a rival is repeated from its start, and its work is there once."""

import pytest
from sqlalchemy import text

from guanxi import Plugin, UserError, hookimpl

#: What PostgreSQL raises where two transactions cannot both go through, raised by itself.
GIVE_WAY = "DO $$ BEGIN RAISE EXCEPTION 'a rival was first' USING ERRCODE = '{state}'; END $$"


class Rivalled(Plugin):
    """Has the database give way so many times, in one hook or the other."""

    name, version, api = "rivalled", "1.0", ">=1,<2"

    def __init__(self):
        self.losses, self.place, self.state, self.tries = 0, "", "", 0

    def give_way(self, ctx, place):
        if place == self.place:
            self.tries += 1
            if self.tries <= self.losses:
                ctx.session.execute(text(GIVE_WAY.format(state=self.state)))

    @hookimpl
    def validate(self, ctx, changes):
        self.give_way(ctx, "validate")
        yield UserError("JUDGED", "judged", warning=True)

    @hookimpl
    def before_commit(self, ctx, changes):
        self.give_way(ctx, "before_commit")


@pytest.fixture
def rivalled(crm, databases):
    if databases.engine == "sqlite":
        pytest.skip("on SQLite one writes at a time, so that nobody gives way")
    plugin = Rivalled()
    return crm(plugin), plugin


@pytest.mark.parametrize("place", ["validate", "before_commit"])
@pytest.mark.parametrize("state", ["40001", "40P01"], ids=["serialization failure", "deadlock"])
def test_work_that_gave_way_twice_goes_through_and_is_there_once(rivalled, place, state):
    client, plugin = rivalled
    plugin.losses, plugin.place, plugin.state = 2, place, state
    client.create("Customer", name="Ann")
    assert plugin.tries == 3
    assert client.query("{ customers { nodes { name } } events { nodes { type } } }") == {
        "customers": {"nodes": [{"name": "Ann"}]},
        "events": {"nodes": [{"type": "CUSTOMER_CREATED"}]},
    }


def test_work_that_always_gives_way_is_given_up_and_leaves_nothing(crm, databases):
    if databases.engine == "sqlite":
        pytest.skip("on SQLite one writes at a time, so that nobody gives way")
    plugin = Rivalled()
    client = crm(plugin, write_deadline_ms=300)
    plugin.losses, plugin.place, plugin.state = 9999, "before_commit", "40001"
    answer = client.execute('mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }')
    assert answer["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert "nothing was written, so try again" in answer["errors"][0]["message"]
    assert plugin.tries > 2
    assert client.query("{ customers { totalCount } }") == {"customers": {"totalCount": 0}}


def test_other_faults_of_the_database_are_not_repeated(rivalled):
    client, plugin = rivalled
    plugin.losses, plugin.place, plugin.state = 1, "before_commit", "22012"
    answer = client.execute('mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }')
    assert answer["errors"][0]["extensions"]["code"] == "PLUGIN_ERROR"
    assert plugin.tries == 1
