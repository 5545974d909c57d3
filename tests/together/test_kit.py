"""The kit finds races that are planted, and only those."""

import pytest
import strawberry

from guanxi import Facet, Field, Input, Plugin, Ref, hookimpl, mutation
from guanxi.records import Customer
from guanxi.testing import RaceError, Rival, together

VISIT = """mutation ($id: ID!, $by: Int!) { %s(input: {customerId: $id, by: $by}) {
    customer { id } userErrors { code } } }"""
CREATE = "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { name createdAt } } }"


class Visits(Facet, of="Customer", plugin="races"):
    count: int = 0


@strawberry.input
class VisitInput(Input):
    """Visits."""

    customer_id: strawberry.ID = strawberry.field(description="Of whom.")
    by: int = strawberry.field(description="How many.")


@mutation(locks=lambda input: ())
def count_carelessly(ctx, input: VisitInput) -> Ref[Customer]:
    """Counts visits without waiting for others."""
    found = ctx.session.get(Visits, input.customer_id)
    ctx.session.merge(Visits(record_id=input.customer_id, count=(found.count if found else 0) + input.by))
    return input.customer_id


@mutation
def count_carefully(ctx, input: VisitInput) -> Ref[Customer]:
    """Counts visits one at a time."""
    return count_carelessly(ctx, input)


class Races(Plugin):
    name, version, api = "races", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.visits", Visits.count, "How many.")

    @hookimpl
    def register_operations(self):
        return [count_carelessly, count_carefully]


@pytest.fixture
def client(crm):
    client = crm(Races)
    client.id = client.create("Customer", name="Ann")["id"]
    client.query(VISIT % "countCarefully", id=client.id, by=1)
    return client


def visits(client, name, *numbers):
    return [Rival(VISIT % name, {"id": client.id, "by": number}) for number in numbers]


def test_a_planted_race_is_found_and_told_with_all_that_explains_it(client):
    if client.app.database.dialect == "sqlite":
        assert together(client, *visits(client, "countCarelessly", 2, 3)) == 1
        return
    with pytest.raises(RaceError) as caught:
        together(client, *visits(client, "countCarelessly", 2, 3))
    message = str(caught.value)
    assert "operations at once gave what no order of them gives" in message
    assert "in the order 1, 2:" in message
    assert "'by': 3" in message
    assert "races_visits" in message


def test_what_waits_for_each_other_passes_and_leaves_the_data_as_it_was(client):
    before = client.query("{ customers { nodes { id name visits version } } }")
    rounds = together(client, *visits(client, "countCarefully", 2, 3), Rival(CREATE, {"name": "Bo"}))
    assert rounds == 1 if client.app.database.dialect == "sqlite" else rounds > 5
    assert client.query("{ customers { nodes { id name visits version } } }") == before


def test_places_to_stop_are_spread_over_fewer_rounds(client):
    if client.app.database.dialect == "sqlite":
        pytest.skip("on SQLite there is one round")
    assert together(client, *visits(client, "countCarefully", 2, 2, 2, 2, 2), rounds=4) == 4


def test_too_many_orders_are_refused(client):
    with pytest.raises(ValueError, match="5 operations have 120 orders"):
        together(client, *visits(client, "countCarefully", 1, 2, 3, 4, 5))
