"""Resources for customers: budgets, use, what is planned for each class, and who gets more than that."""

from decimal import Decimal

import pytest

from plugins.value_tiering import ValueTiering
from plugins.value_tiering.resources import rules
from tests import data

REPORT = """query ($year: Int!) { resourceReport(year: $year) { overReliance neglectedPotential resources {
    kind budget used shareOfKeyCustomers
    classes { accountClass customers planned plannedEach plannedShare used usedEach usedShare } } } }"""


def entered(client, profits, potentials=None):
    """Enters customers with one sale each, of these profits, and ranks them."""
    rows = [{"externalIds": [data.key(name)], "name": name} for name in profits]
    for row in rows:
        if potential := (potentials or {}).get(row["name"]):
            row["potentialValue"] = {"amount": str(potential)}
    data.upsert(client, "customers", rows)
    sales = [
        {
            "externalIds": [data.key(name)],
            "customerExternalId": data.key(name),
            "occurredOn": "2025-05-01",
            "actualAmount": {"amount": str(profit)},
            "cost": {"amount": "0"},
        }
        for name, profit in profits.items()
    ]
    data.upsert(client, "transactions", sales)
    client.query("mutation { recomputeValueTiers(input: {}) { changed } }")


def budget(client, **given):
    text = """mutation ($input: CreateResourceBudgetInput!) { createResourceBudget(input: $input) {
        userErrors { code message field } } }"""
    return client.query(text, input={"year": 2025, "kind": "TIME", **given})["createResourceBudget"]["userErrors"]


def spent(client, *uses):
    """Enters uses: customer, kind, day, quantity or cost."""
    rows = [
        {
            "externalIds": [data.key(f"{name} {kind} {day}")],
            "customerExternalId": data.key(name),
            "kind": kind,
            "usedOn": day,
            **({"cost": {"amount": str(quantity)}} if kind == "FUNDS" else {"quantity": str(quantity)}),
        }
        for name, kind, day, quantity in uses
    ]
    return data.upsert(client, "resourceUses", rows)


def of_class(report, name):
    return next(one for one in report["classes"] if one["accountClass"] == name)


def test_t10_two_of_ten_customers_get_800_of_1000_hours(crm, clock):
    client = crm(ValueTiering, clock=clock)
    entered(client, {f"c{n}": 1000 - n for n in range(10)})
    shares = {"majorShare": "40", "namedShare": "40", "nonNamedShare": "7.5", "massMarketShare": "12.5"}
    assert budget(client, quantity="1000", **shares) == []
    (time,) = client.query(REPORT, year=2025)["resourceReport"]["resources"]
    assert (time["kind"], time["budget"], time["used"], time["shareOfKeyCustomers"]) == (
        "TIME",
        "1000.00",
        "0.00",
        None,
    )
    planned = {one["accountClass"]: (one["customers"], one["planned"], one["plannedEach"]) for one in time["classes"]}
    assert planned == {
        "MAJOR": (1, "400.00", "400.00"),
        "NAMED": (1, "400.00", "400.00"),
        "NON_NAMED": (3, "75.00", "25.00"),
        "MASS_MARKET": (5, "125.00", "25.00"),
    }
    assert Decimal(planned["MAJOR"][2]) / Decimal(planned["MASS_MARKET"][2]) == 16


def test_t10_x23_what_was_used_is_compared_with_the_plan_by_class(crm, clock):
    client = crm(ValueTiering, clock=clock)
    entered(client, {f"c{n}": 1000 - n for n in range(10)})
    data.upsert(client, "customers", [{"externalIds": [data.key("prospect")], "name": "prospect"}])
    budget(client, quantity="100")
    spent(
        client,
        ("c0", "TIME", "2025-01-01", 10),
        ("c1", "TIME", "2025-06-01", 20),
        ("c9", "TIME", "2025-06-01", "8.5"),
        ("c9", "TIME", "2024-12-31", 99),
        ("prospect", "TIME", "2025-06-01", 1),
        ("c2", "FUNDS", "2025-06-01", "12.34"),
    )
    talk = {"customerExternalId": data.key("c9"), "channel": "PHONE", "summary": "Hello", "durationMinutes": 30}
    text = "mutation ($input: LogInteractionInput!) { logInteraction(input: $input) { userErrors { message } } }"
    assert (
        client.query(text, input={**talk, "occurredAt": "2025-06-01T10:00:00Z"})["logInteraction"]["userErrors"] == []
    )
    time, funds = client.query(REPORT, year=2025)["resourceReport"]["resources"]
    assert (time["used"], time["shareOfKeyCustomers"]) == ("40.00", "75.00")
    assert of_class(time, "NAMED") == {
        "accountClass": "NAMED",
        "customers": 1,
        "planned": "30.00",
        "plannedEach": "30.00",
        "plannedShare": "30.00",
        "used": "20.00",
        "usedEach": "20.00",
        "usedShare": "50.00",
    }
    assert of_class(time, "MASS_MARKET")["used"] == "9.00"
    assert of_class(time, "MASS_MARKET")["usedEach"] == "1.80"
    unclassed = of_class(time, None)
    assert (unclassed["customers"], unclassed["planned"], unclassed["used"]) == (1, "0.00", "1.00")
    assert (funds["kind"], funds["budget"], funds["used"]) == ("FUNDS", None, "12.34")
    assert of_class(funds, "NON_NAMED")["planned"] is None
    refused = client.execute(REPORT, year=1)["errors"][0]["message"]
    assert refused.startswith("year: 1 is not between 1900 and 2200")


def test_t6_t10_who_gets_more_than_planned_without_potential_is_relied_on_too_much(crm, clock):
    thresholds = {"current_value_threshold": "500", "potential_value_threshold": "1000"}
    client = crm(ValueTiering, clock=clock, plugins={"value_tiering": thresholds})
    entered(client, {"high": 900, "other high": 800, "low": 100}, {"high": 10, "other high": 10, "low": 2000})
    alerts = "{ customers(where: {isOverReliedOn: {eq: true}}) { nodes { name valueAlerts } } }"

    def relied():
        client.run_job("compare_customers")
        return client.query(alerts)["customers"]["nodes"]

    # Of 100 hours 15 are a third each for two, that is, 7.5 of 100.
    spent(client, ("high", "TIME", "2025-01-01", 75), ("low", "TIME", "2025-01-01", 925))
    assert relied() == []
    budget(client, quantity="5000")
    assert relied() == []
    spent(client, ("high", "TIME", "2025-02-01", "0.1"))
    assert relied() == [{"name": "high", "valueAlerts": ["OVER_RELIANCE"]}]
    spent(client, ("low", "TIME", "2025-02-01", "10"))
    assert relied() == []
    spent(client, ("other high", "TIME", "2024-02-01", "1000"), ("high", "TIME", "2025-03-01", "100"))
    report = client.query(REPORT, year=2025)["resourceReport"]
    assert report["overReliance"] == 0
    assert [one["name"] for one in relied()] == ["high"]
    assert client.query(REPORT, year=2025)["resourceReport"]["overReliance"] == 1


def test_t6_a_neglected_potential_is_an_alert_as_well(crm, clock):
    thresholds = {"current_value_threshold": "500", "potential_value_threshold": "1000"}
    client = crm(ValueTiering, clock=clock, plugins={"value_tiering": thresholds})
    entered(client, {"low": 100, "high": 900}, {"low": 2000})
    override = """mutation ($id: ID!) { overrideValueTier(input: {customerId: $id, tier: ORDINARY, reason: "Potential"}) {
        customer { valueAlerts } } }"""
    low = client.query('{ customer(externalId: {system: "test", value: "low"}) { id } }')["customer"]["id"]
    done = client.query(override, id=low)["overrideValueTier"]["customer"]
    assert done == {"valueAlerts": ["NEGLECTED_POTENTIAL"]}
    assert client.query(REPORT, year=2025)["resourceReport"]["neglectedPotential"] == 1


def test_a_budget_is_found_by_year_and_kind(crm):
    client = crm(ValueTiering)

    def budgets(*rows):
        items = [{"year": year, "kind": kind, "quantity": quantity} for year, kind, quantity in rows]
        answer = data.upsert(client, "resourceBudgets", items, matchBy="YEAR_AND_KIND")
        return [result["status"] for result in answer["results"]]

    first = [(2025, "TIME", "10"), (2025, "PEOPLE", "10"), (2026, "TIME", "10"), (2025, "TIME", "11")]
    assert budgets(*first) == ["CREATED", "CREATED", "CREATED", "UPDATED"]
    assert budgets(*first[1:]) == ["UNCHANGED"] * 3
    kept = client.query("{ resourceBudgets { nodes { year kind quantity version } } }")["resourceBudgets"]["nodes"]
    assert sorted((one["year"], one["kind"], one["quantity"], one["version"]) for one in kept) == [
        (2025, "PEOPLE", "10.00", 1),
        (2025, "TIME", "11.00", 2),
        (2026, "TIME", "10.00", 1),
    ]


def test_t10_what_makes_no_sense_is_refused(crm):
    client = crm(ValueTiering)
    data.upsert(client, "customers", [{"externalIds": [data.key("a")], "name": "a"}])
    (error,) = budget(client, quantity="1", majorShare="80")
    assert error["message"].startswith("massMarketShare: the four shares sum to 130")
    assert budget(client, quantity="1") == []
    assert [error["code"] for error in budget(client, quantity="2")] == ["ALREADY_EXISTS"]
    text = """mutation ($input: CreateResourceUseInput!) { createResourceUse(input: $input) {
        userErrors { field } } }"""

    def fields(**given):
        input = {"customerExternalId": data.key("a"), "usedOn": "2025-05-01", **given}
        return [error["field"] for error in client.query(text, input=input)["createResourceUse"]["userErrors"]]

    assert fields(kind="TIME", cost={"amount": "1"}) == [["quantity"]]
    assert fields(kind="FUNDS", quantity="1") == [["cost"], ["quantity"]]
    assert fields(kind="PEOPLE", quantity="1", cost={"amount": "1"}) == []


@pytest.mark.parametrize(
    ("used", "share", "customers", "limit"),
    [(1000, Decimal(15), 2, 75), (1001, Decimal(15), 2, 75), (100, Decimal("7.5"), 3, 2), (0, Decimal(15), 1, 0)],
)
def test_t6_the_limit_is_a_customer_s_part_of_the_share_of_its_class(used, share, customers, limit):
    assert rules.planned_limit(used, share, customers) == limit
