"""Ids of records that the caller may not see: taken, whoever writes them down first."""

import pytest
from sqlalchemy import text

from guanxi import Plugin, hookimpl


class Reading(Plugin):
    """Reads by a session before anything is committed, so that what was put off is written there."""

    name = "reading"
    version = "1.0"
    api = ">=1,<2"

    @hookimpl
    def before_commit(self, ctx, changes):
        ctx.session.execute(text("SELECT 1"))


@pytest.mark.parametrize("plugins", [(), (Reading,)])
def test_a_record_is_not_made_by_the_id_of_one_that_is_hidden(crm, plugins):
    client = crm(*plugins)
    hidden = client.create("Customer", name="Hidden")["id"]
    user = client.acting_as(client.create("User", name="Li", role="ACCOUNT_MANAGER")["id"])
    made = 'mutation ($id: ID!) { createCustomer(input: {id: $id, name: "Mine"}) { customer { id } userErrors { code field } } }'
    answer = user.query(made, id=hidden)["createCustomer"]
    assert answer["customer"] is None
    assert [error["code"] for error in answer["userErrors"]] == ["CONFLICT"]
    assert client.query("query ($id: ID!) { customer(id: $id) { name } }", id=hidden)["customer"] == {"name": "Hidden"}
