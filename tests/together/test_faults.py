"""Faults that were found when operations came at once, on both engines."""

import pytest

from core.db import conflicts
from guanxi.testing import Rival, together
from tests.together.faults import FAULTS, RINGS, at_once
from tests.together.world import PLUGINS, SETTINGS, operation


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(*PLUGINS, **SETTINGS)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_operations_at_once_give_what_some_order_gives(client, fault):
    assert not [number for number in range(2) if fault(client, number)]


@pytest.fixture
def deadlocks(monkeypatch):
    """The deadlocks that the database has broken up since; each costs those in it a second or more."""
    found, conflict_of = [], conflicts.conflict_of

    def noting(error):
        if getattr(getattr(error, "orig", None) or error, "sqlstate", None) == "40P01":
            found.append(error)
        return conflict_of(error)

    monkeypatch.setattr(conflicts, "conflict_of", noting)
    return found


@pytest.mark.parametrize("operations", RINGS.values(), ids=RINGS)
def test_nobody_waits_for_who_waits_for_him(client, deadlocks, operations):
    answers = at_once(client, operations(client))
    assert deadlocks == []
    assert [answer for answer in answers if answer is None or answer["userErrors"]] == []


def test_what_is_tied_to_a_record_and_its_change_of_customer_give_what_some_order_gives(crm):
    client = crm()
    mine, other = (client.create("Customer", name=name)["id"] for name in ("Mine", "Other"))
    deal = client.create("Opportunity", name="D", customerId=mine)["id"]
    log = 'mutation ($deal: ID!) { logInteraction(input: {channel: PHONE, summary: "S", opportunityId: $deal}) {'
    id = client.query(f"{log} interaction {{ id }} }} }}", deal=deal)["logInteraction"]["interaction"]["id"]
    client.query(operation("updateInteraction").text, input={"id": id, "customerId": None})
    # Either the interaction finds another customer, or the opportunity leaves one of the first behind.
    moved = "mutation ($input: UpdateOpportunityInput!) { updateOpportunity(input: $input) { warnings { code } } }"
    together(
        client,
        operation("updateInteraction", id=id, customerId=mine),
        Rival(moved, {"input": {"id": deal, "customerId": other}}),
    )
