"""Fields worked out from many other records, in filters, orders and aggregates far down: an old SQLite parses them."""

import pytest

from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering

#: Owing more than 150, by a field that is a sum of sums over a customer and all below it.
DEBTORS = '{customer: {not: {or: [{groupExposure: {lte: "150"}}, {groupExposure: {isNull: true}}]}}}'


@pytest.fixture(scope="module")
def crm(module_crm):
    client = module_crm(CreditScoring, Forecasting, SatisfactionSurveys, ValueTiering, reporting_currency="EUR")
    team = client.create("Team", name="North")["id"]
    for number in range(4):
        customer = client.create("Customer", name=f"Customer {number}")["id"]
        above = client.create("Contact", name=f"Above {number}", customerId=customer)["id"]
        client.create("Contact", name=f"Below {number}", customerId=customer, reportsToId=above)
        owed = {"amount": str(100 * number + 1), "currency": "EUR"}
        days = {"invoicedOn": "2025-01-01", "dueOn": "2025-02-01"}
        client.create("Receivable", number=f"R{number}", customerId=customer, amount=owed, **days)
        period = {"grain": "MONTH", "periodStart": f"2025-0{number + 1}-01", "value": str(number)}
        client.create("SalesTarget", teamId=team, metric="ACHIEVEMENT", **period)
    return client


def test_a_filter_far_down(crm):
    tree = (
        f"reports(first: 5, where: {DEBTORS}) {{ totalCount edges {{ node {{ name }} }} pageInfo {{ hasNextPage }} }}"
    )
    found = crm.query(
        f"{{ customers(first: 5, orderBy: [{{name: ASC}}]) {{ nodes {{ contacts(first: 5, where: {{reportsToId: {{isNull: true}}}}) {{ "
        f"nodes {{ name customer {{ contacts(first: 5, where: {DEBTORS}) {{ nodes {{ {tree} }} }} }} }} }} }} }} }}"
    )
    below = [
        [edge["node"]["name"] for node in above["customer"]["contacts"]["nodes"] for edge in node["reports"]["edges"]]
        for customer in found["customers"]["nodes"]
        for above in customer["contacts"]["nodes"]
    ]
    assert below == [[], [], ["Below 2"], ["Below 3"]]


def test_an_order_with_a_cursor(crm):
    order = (
        "orderBy: [{jobTitle: ASC}, {doNotContact: DESC}, {customer: {groupExposure: DESC_NULLS_FIRST}}, {name: ASC}]"
    )
    asked = "{ edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage } }"
    text = f"query ($after: String) {{ contacts(first: 3, {order}, after: $after, where: {DEBTORS}) {asked} }}"
    first = crm.query(text)["contacts"]
    rest = crm.query(text, after=first["edges"][-1]["cursor"])["contacts"]
    named = [edge["node"]["name"] for edge in (*first["edges"], *rest["edges"])]
    assert named == ["Above 3", "Below 3", "Above 2", "Below 2"]
    assert rest["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}


def test_aggregates_far_down(crm):
    numbers = "value gap attainment openPipeline coverage"
    asked = f"salesTargetsAggregate {{ count sum {{ {numbers} }} avg {{ {numbers} }} min {{ {numbers} }} }}"
    (team,) = crm.query(f"{{ teams {{ nodes {{ {asked} salesTargets {{ nodes {{ team {{ {asked} }} }} }} }} }} }}")[
        "teams"
    ]["nodes"]
    whole = team["salesTargetsAggregate"]
    assert (whole["count"], float(whole["sum"]["value"]), float(whole["avg"]["value"])) == (4, 6, 1.5)
    assert [node["team"]["salesTargetsAggregate"] for node in team["salesTargets"]["nodes"]] == [whole] * 4
