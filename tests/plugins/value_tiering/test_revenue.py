"""What customers bought within a year, and how many stay and buy again."""

from datetime import datetime, timedelta

import pytest

from plugins.value_tiering import ValueTiering
from plugins.value_tiering.revenue import rules
from tests import data


def bought(client, sales):
    """Enters transactions: customer, day, amount, product."""
    for kind, names in (("customers", {sale[0] for sale in sales}), ("products", {sale[3] for sale in sales} - {None})):
        data.upsert(client, kind, [{"externalIds": [data.key(name)], "name": name} for name in sorted(names)])
    rows = [
        {
            "externalIds": [data.key(f"t{number}")],
            "customerExternalId": data.key(name),
            "occurredOn": day,
            "actualAmount": {"amount": str(amount)},
            **({} if product is None else {"productExternalId": data.key(product)}),
        }
        for number, (name, day, amount, product) in enumerate(sales)
    ]
    data.upsert(client, "transactions", rows)


def found(client, fields):
    nodes = client.query(f"{{ customers(first: 200) {{ nodes {{ name {fields} }} }} }}")["customers"]["nodes"]
    return {node.pop("name"): node for node in nodes}


def test_t16_t17_t24_grade_breadth_and_frequency_of_twelve_months(crm, clock):
    client = crm(ValueTiering, clock=clock)
    bought(
        client,
        [
            ("special", "2025-06-15", 500_000, None),
            ("nearly special", "2024-06-16", "499999.99", "pump"),
            ("premium", "2025-01-01", 200_000, "pump"),
            ("nearly premium", "2025-01-01", "199999.99", "pump"),
            ("broad", "2025-01-01", 160_000, "pump"),
            ("broad", "2025-02-01", 100_000, "valve"),
            ("small", "2025-01-01", 60_000, "pump"),
            ("small", "2025-02-01", 40_000, "valve"),
            ("too old", "2024-06-15", 900_000, "pump"),
            *(("monthly", f"2025-05-{day:02d}", 1, "pump") for day in range(1, 13)),
        ],
    )
    got = found(client, "revenueGrade usageBreadth")
    assert {name: node["revenueGrade"] for name, node in got.items()} == {
        "special": "SPECIAL",
        "nearly special": "PREMIUM",
        "premium": "PREMIUM",
        "nearly premium": "NONE",
        "broad": "PREMIUM",
        "small": "NONE",
        "too old": "NONE",
        "monthly": "NONE",
    }
    breadths = {"broad": "COMPREHENSIVE", "premium": "SPECIALISED", "small": "NONE", "special": "NONE"}
    assert {name: got[name]["usageBreadth"] for name in breadths} == breadths
    frequencies = found(client, "purchaseFrequency yearlyRevenue { amount }")
    assert frequencies["monthly"] == {"purchaseFrequency": "1.00", "yearlyRevenue": {"amount": "12.00"}}
    assert frequencies["too old"] == {"purchaseFrequency": "0.00", "yearlyRevenue": None}
    large = client.query("{ customersAggregate(where: {revenueGrade: {in: [SPECIAL, PREMIUM]}}) { count } }")
    assert large["customersAggregate"]["count"] == 4


def test_t16_t24_the_top_100_by_revenue_and_the_spending_band(crm, clock):
    client = crm(ValueTiering, clock=clock)
    bought(
        client,
        [
            *((f"c{place:03d}", "2025-01-01", 1000 - place, None) for place in range(1, 102)),
            ("c001", "2024-06-15", 1, None),
            ("long ago", "2024-06-15", 9_000_000, None),
            ("large", "2025-06-15", 5, None),
        ],
    )
    total = {"customerExternalId": data.key("large"), "year": 2024, "total": {"amount": "1000000"}}
    data.upsert(client, "purchaseTotals", [{"externalIds": [data.key("large")], **total}])
    assert found(client, "revenueRank isTop100")["c001"] == {"revenueRank": None, "isTop100": False}
    assert client.run_job("compare_customers") == "102 customers ranked by revenue, 0 get more than planned"
    got = found(client, "revenueRank isTop100 spendingBand")
    assert got["c001"] == {"revenueRank": 1, "isTop100": True, "spendingBand": "LOW"}
    assert (got["c100"]["isTop100"], got["c101"]["isTop100"]) == (True, False)
    assert got["long ago"] == {"revenueRank": None, "isTop100": False, "spendingBand": None}
    assert got["large"] == {"revenueRank": 102, "isTop100": False, "spendingBand": "HIGH"}
    top = client.query("{ customersAggregate(where: {isTop100: {eq: true}}) { count } }")
    assert top["customersAggregate"]["count"] == 100
    sale = {"customerExternalId": data.key("c101"), "occurredOn": "2025-06-01", "actualAmount": {"amount": "5000"}}
    data.upsert(client, "transactions", [{"externalIds": [data.key("late")], **sale}])
    client.run_job("compare_customers")
    assert found(client, "revenueRank")["c101"] == {"revenueRank": 1}
    deleted = client.query('{ customer(externalId: {system: "test", value: "c101"}) { id } }')["customer"]["id"]
    client.query("mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { userErrors { code } } }", id=deleted)
    client.run_job("compare_customers")
    assert found(client, "revenueRank")["c001"] == {"revenueRank": 1}


def test_what_the_daily_job_compares_says_as_of_when_it_is(crm, clock):
    client = crm(ValueTiering, clock=clock)
    at = clock.moment
    data.upsert(client, "customers", [{"externalIds": [data.key("old")], "name": "old"}])
    assert found(client, "comparisonComputedAt") == {"old": {"comparisonComputedAt": None}}
    for moment in (at, at + timedelta(days=1)):
        clock.moment = moment
        client.run_job("compare_customers")
    clock.moment += timedelta(hours=1)
    data.upsert(client, "customers", [{"externalIds": [data.key("new")], "name": "new"}])
    last = at + timedelta(days=1)
    got = found(client, "comparisonComputedAt")
    assert got["new"] == {"comparisonComputedAt": None}
    assert datetime.fromisoformat(got["old"]["comparisonComputedAt"]) == last
    names = """query ($at: DateTime!) { customers(
        where: {comparisonComputedAt: {gte: $at}}, orderBy: [{comparisonComputedAt: ASC}]) { nodes { name } } }"""
    assert client.query(names, at=last.isoformat())["customers"]["nodes"] == [{"name": "old"}]
    later = (last + timedelta(milliseconds=1)).isoformat()
    assert client.query(names, at=later)["customers"]["nodes"] == []


REPORT = """query ($first: Date!, $last: Date!) { customerBaseReport(firstDay: $first, lastDay: $last) {
    atStart lost churnRate retentionRate buyers repeatBuyers repeatRate orders
    revenue { amount } averageOrder { amount } } }"""


def test_t27_x26_churn_retention_repeat_rate_and_average_order(crm, clock):
    client = crm(ValueTiering, clock=clock, plugins={"value_tiering": {"lost_after_days": 30}})
    bought(
        client,
        [
            ("stays", "2025-04-15", 1, None),
            ("stays", "2025-05-10", 100, None),
            ("stays", "2025-05-20", 20, None),
            ("goes", "2025-04-15", 1, None),
            ("went long ago", "2024-01-01", 1, None),
            ("comes", "2025-05-10", 60, None),
        ],
    )
    data.upsert(client, "customers", [{"externalIds": [data.key("never bought")], "name": "never bought"}])
    report = client.query(REPORT, first="2025-05-01", last="2025-05-31")["customerBaseReport"]
    assert report == {
        "atStart": 2,
        "lost": 1,
        "churnRate": "50.00",
        "retentionRate": "50.00",
        "buyers": 2,
        "repeatBuyers": 1,
        "repeatRate": "50.00",
        "orders": 3,
        "revenue": {"amount": "180.00"},
        "averageOrder": {"amount": "60.00"},
    }
    nothing = client.query(REPORT, first="2000-01-01", last="2000-01-31")["customerBaseReport"]
    assert (nothing["churnRate"], nothing["retentionRate"], nothing["repeatRate"]) == (None, None, None)
    assert (nothing["orders"], nothing["averageOrder"]) == (0, None)
    for first, last, field in (("2025-05-01", "2025-06-16", "lastDay"), ("2025-05-02", "2025-05-01", "firstDay")):
        errors = client.execute(REPORT, first=first, last=last)["errors"]
        assert field in errors[0]["message"]


@pytest.mark.parametrize(("part", "whole", "percent"), [(10, 200, "5.00"), (30, 80, "37.50"), (0, 0, None)])
def test_t27_rates(part, whole, percent):
    assert (found := rules.share(part, whole)) is None or str(found) == percent


def test_t27_retention_is_the_rest_and_the_average_order_is_rounded():
    assert str(rules.retention(rules.share(10, 200))) == "95.00"
    assert rules.average(12_000_000, 8) == 1_500_000
