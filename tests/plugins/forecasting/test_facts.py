"""Facts about opportunities as fields: selected, filtered, ordered, grouped, in one statement."""

import pytest

from plugins.forecasting import Forecasting
from tests.data import key, upsert
from tests.plugins.forecasting.sales import change, deal, enter, ids, lost, people, sell, stage, won


@pytest.fixture(scope="module")
def shared(module_crm):
    from datetime import UTC, datetime

    from guanxi import FixedClock

    client = module_crm(Forecasting, clock=FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)))
    people(client)
    return client


def one(client, name, selection):
    found = client.query(
        f"query ($name: String!) {{ opportunities(where: {{name: {{eq: $name}}}}) {{ nodes {{ {selection} }} }} }}",
        name=name,
    )
    return found["opportunities"]["nodes"][0]


def test_f3_fresh_opportunities_are_filtered_counted_by_follower_and_flagged_when_overdue(shared):
    enter(
        shared,
        deal("f first", openedOn="2025-04-01", expectedCloseDate="2025-07-31", ownerExternalId=BO),
        deal("f too old", openedOn="2025-03-31", expectedCloseDate="2025-07-31", ownerExternalId=BO),
        deal("f too far", openedOn="2025-04-01", expectedCloseDate="2025-08-01", ownerExternalId=BO),
        deal("f overdue", openedOn="2025-04-01", expectedCloseDate="2025-06-05", ownerExternalId=BO),
        won("f won", 1, "2025-06-01", openedOn="2025-04-01", expectedCloseDate="2025-07-31", ownerExternalId=BO),
    )
    found = shared.query(
        """{ opportunities(where: {isFresh: {eq: true}, name: {startsWith: "f "}}, orderBy: [{originatedOn: ASC}, {name: ASC}]) {
            nodes { name isCloseOverdue } }
          users(where: {freshOpportunityCount: {gt: 0}}) { nodes { name freshOpportunityCount } } }"""
    )
    assert found == {
        "opportunities": {
            "nodes": [{"name": "f first", "isCloseOverdue": False}, {"name": "f overdue", "isCloseOverdue": True}]
        },
        "users": {"nodes": [{"name": "Bo", "freshOpportunityCount": 2}]},
    }


BO = {"system": "test", "value": "bo"}


def test_o7_validity_follows_the_file_and_the_key_person_and_says_what_is_lacking(shared):
    enter(shared, deal("v valid", valid=True), deal("v dear", valid=True) | {"acceptsPrice": False})
    enter(shared, deal("v bare"))
    found = shared.query(
        '{ opportunities(where: {name: {startsWith: "v "}}, orderBy: [{name: ASC}]) { nodes { name isValid invalidReasons } } }'
    )
    assert found["opportunities"]["nodes"] == [
        {
            "name": "v bare",
            "isValid": False,
            "invalidReasons": ["NO_NEED", "NO_KEY_PERSON", "NO_BUDGET", "PRICE_NOT_ACCEPTED", "VALUE_NOT_RECOGNISED"],
        },
        {"name": "v dear", "isValid": False, "invalidReasons": ["PRICE_NOT_ACCEPTED"]},
        {"name": "v valid", "isValid": True, "invalidReasons": []},
    ]
    listed = shared.query(
        '{ opportunities(where: {invalidReasons: {has: PRICE_NOT_ACCEPTED}, name: {eq: "v dear"}}) { totalCount } }'
    )
    assert listed["opportunities"]["totalCount"] == 1


def test_o1_lost_never_counts_0_is_a_value_and_the_source_is_told(shared):
    enter(
        shared,
        deal("p stage", 1000, stageId=stage("B")),
        deal("p zero", 1000, stageId=stage("D"), winProbabilityOverride="0"),
        won("p won", 1000, "2025-06-01"),
        lost("p lost", 1000, "2025-06-01", stageId=stage("D")),
    )
    found = shared.query(
        """{ opportunities(where: {name: {startsWith: "p "}}, orderBy: [{name: ASC}]) { nodes {
            winProbability winProbabilitySource forecastCategory weightedAmount { amount } modelWinProbability } }
          opportunitiesGroupBy(by: [{forecastCategory: true}], where: {name: {startsWith: "p "}}) {
            keys { forecastCategory } aggregate { count } } }"""
    )
    rows = [tuple(node.values()) for node in found["opportunities"]["nodes"]]
    assert rows == [
        ("0.00", "OUTCOME", "OMITTED", {"amount": "0.00"}, None),
        ("25.00", "STAGE", "PIPELINE", {"amount": "250.00"}, None),
        ("100.00", "OUTCOME", "CLOSED", {"amount": "1000.00"}, None),
        ("0.00", "OVERRIDE", "PIPELINE", {"amount": "0.00"}, None),
    ]
    groups = {group["keys"]["forecastCategory"]: group["aggregate"]["count"] for group in found["opportunitiesGroupBy"]}
    assert groups == {"CLOSED": 1, "OMITTED": 1, "PIPELINE": 2}


def test_an_owner_says_the_category_and_takes_it_back(shared):
    enter(shared, deal("c own", 10, stageId=stage("A"), forecastCategoryOverride="COMMIT"))
    assert one(shared, "c own", "forecastCategory forecastCategoryOverride") == {
        "forecastCategory": "COMMIT",
        "forecastCategoryOverride": "COMMIT",
    }
    change(shared, "c own", forecastCategoryOverride=None)
    assert one(shared, "c own", "forecastCategory") == {"forecastCategory": "PIPELINE"}


def test_nobody_says_closed_of_what_is_not_won(shared):
    enter(shared, deal("c closed", 10))
    refused = shared.query(
        """mutation ($id: ID!) { updateOpportunity(input: {id: $id, forecastCategoryOverride: CLOSED}) {
            userErrors { code field message plugin } } }""",
        id=ids(shared)["c closed"],
    )["updateOpportunity"]["userErrors"]
    assert [(error["code"], error["field"], error["plugin"]) for error in refused] == [
        ("INVALID", ["forecastCategoryOverride"], "forecasting")
    ]


def test_f1_a_customer_is_new_until_it_has_bought(shared):
    enter(shared, deal("n early", openedOn="2025-01-10"), deal("n late", openedOn="2025-03-10"))
    enter(
        shared,
        deal("n said", openedOn="2025-03-10", isNewCustomer=True),
        deal("n nobody") | {"customerExternalId": None},
    )
    sell(shared, "n early", 50, "2025-02-01")
    found = shared.query(
        '{ opportunities(where: {name: {startsWith: "n "}}, orderBy: [{name: ASC}]) { nodes { name winsNewCustomer } } }'
    )["opportunities"]["nodes"]
    assert {node["name"]: node["winsNewCustomer"] for node in found} == {
        "n early": True,
        "n late": False,
        "n said": True,
        "n nobody": None,
    }


def test_f6_f7_revenue_and_contribution_of_an_opportunity(shared):
    enter(shared, won("r", 100, "2025-04-20", openedOn="2025-01-05", isNewCustomer=True))
    for day, amount in (("2025-04-25", 5), ("2025-05-02", 70), ("2025-05-31", 20), ("2025-06-01", 3)):
        sell(shared, "r", amount, day)
    assert one(shared, "r", "actualRevenue { amount } contribution { amount } cycleDays") == {
        "actualRevenue": {"amount": "98.00"},
        "contribution": {"amount": "90.00"},
        "cycleDays": 105,
    }
    summed = shared.query(
        """{ transactionsGroupBy(by: [{occurredOn: MONTH}], where: {isContribution: {eq: true}, opportunity: {name: {eq: "r"}}}) {
            keys { occurredOn } aggregate { sum { actualAmount { total { amount } } } } } }"""
    )["transactionsGroupBy"]
    assert summed == [
        {"keys": {"occurredOn": "2025-05-01"}, "aggregate": {"sum": {"actualAmount": {"total": {"amount": "90.00"}}}}}
    ]


def test_f9_the_weighted_pipeline_of_a_customer_counts_what_is_open(shared):
    upsert(shared, "customers", [{"externalIds": [key("heavy")], "name": "Heavy"}])
    amounts = {"A": 100_000, "B": 200_000, "C": 100_000, "D": 80_000, "E": 50_000, "F": 30_000}
    deals = [
        {
            "externalIds": [key(f"heavy {letter}")],
            "name": f"heavy {letter}",
            "customerExternalId": key("heavy"),
            "stageId": stage(letter),
            "expectedAmount": {"amount": str(amount)},
        }
        for letter, amount in amounts.items()
    ]
    upsert(shared, "opportunities", deals)
    found = shared.query(
        """{ customers(where: {name: {eq: "heavy"}, weightedPipeline: {gt: "214999"}}, orderBy: [{weightedPipeline: DESC}]) {
            nodes { name weightedPipeline { amount } } } }"""
    )["customers"]["nodes"]
    assert found == [{"name": "Heavy", "weightedPipeline": {"amount": "215000.00"}}]


def test_a_close_date_is_pushed_when_it_moves_to_a_later_month(shared):
    enter(shared, deal("push", expectedCloseDate="2025-06-10"))
    for day in ("2025-06-25", "2025-07-01", "2025-06-30", "2025-08-31", None, "2025-09-30"):
        change(shared, "push", expectedCloseDate=day)
    assert one(shared, "push", "pushCount pushedDays firstExpectedCloseDate lastPushedAt") == {
        "pushCount": 2,
        "pushedDays": 112,
        "firstExpectedCloseDate": "2025-06-10",
        "lastPushedAt": "2025-06-15T12:00:00.000Z",
    }
    pushed = shared.query(
        "query ($id: ID!) { events(types: [OPPORTUNITY_PUSHED], entity: $id) { nodes { data } } }",
        id=ids(shared)["push"],
    )
    assert [node["data"] for node in pushed["events"]["nodes"]] == [
        {"previous": "2025-06-25", "current": "2025-07-01", "count": 1},
        {"previous": "2025-06-30", "current": "2025-08-31", "count": 2},
    ]
    assert one(shared, "v valid", "pushCount pushedDays") == {"pushCount": 0, "pushedDays": None}
    ordered = shared.query(
        "{ opportunities(where: {pushCount: {gte: 1}}, orderBy: [{pushCount: DESC}]) { nodes { name } } }"
    )
    assert ordered["opportunities"]["nodes"] == [{"name": "push"}]
