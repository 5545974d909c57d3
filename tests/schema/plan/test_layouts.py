"""Layouts: however a statement is laid out for the engine's parser, it answers the same."""

import pytest

from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from schema.plan import planner
from schema.plan.statement import JsonLayout

#: Orders by what is worked out, of the record itself, of what it refers to, and with nulls.
QUERIES = (
    "{ opportunities(orderBy: [{cycleDays: DESC}]) { edges { cursor node { name } } } }",
    "{ opportunities(orderBy: [{weightedAmount: DESC_NULLS_FIRST}, {name: DESC}]) { nodes { name } } }",
    "{ opportunities(orderBy: [{customer: {creditExposure: ASC}}, {name: ASC}]) { nodes { name } } }",
    """{ customers { nodes { name opportunities(orderBy: [{exceedsAvailableCredit: DESC}, {name: ASC}]) {
      edges { cursor node { name } } pageInfo { startCursor endCursor } } } } }""",
)
#: As deep as an engine's old parser does not take it unless what is worked out stands at the head.
DEEP = """
{ opportunities { nodes { name k2: cycleDays pipelineStates(orderBy: [{opportunity: {exceedsAvailableCredit: DESC}}]) {
  totalCount
  edges { cursor node { winProbability externalIds { system value } opportunity { status modelReasons category } } }
  pageInfo { endCursor startCursor hasNextPage }
  nodes { isInferred outcome weightedAmount { currency amount } can { update delete } }
} expectedAmount { currency amount reportingAmount } } } }
"""


@pytest.fixture(scope="module")
def client(module_crm):
    client = module_crm(CreditScoring, Forecasting)
    for number, limit in enumerate((None, "150", "5000")):
        credit = {"creditLimit": {"amount": limit}, "creditLimitReason": "agreed"} if limit else {}
        customer = client.create("Customer", name=f"Customer {number}", **credit)["id"]
        for amount in ("100", "200", None)[: number + 1]:
            given = {"expectedAmount": {"amount": amount}} if amount else {}
            client.create("Opportunity", name=f"Deal {number} {amount}", customerId=customer, **given)
    return client


@pytest.mark.parametrize("query", QUERIES)
def test_every_layout_gives_the_same_order(client, monkeypatch, query):
    usual = client.query(query)
    monkeypatch.setattr(planner, "_LAYOUTS", (JsonLayout(is_stepped=True),))
    assert client.query(f"query Again {query}") == usual


def test_orders_by_what_is_worked_out_are_not_too_deep(client):
    found = client.query(DEEP)["opportunities"]["nodes"]
    assert len(found) == 6
    assert all(deal["pipelineStates"]["totalCount"] == len(deal["pipelineStates"]["nodes"]) for deal in found)
