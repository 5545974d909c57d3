"""Targets: of a person, a team, a region or all; what was reached of them; what makes no sense is refused (F10)."""

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from tests.data import key
from tests.plugins.forecasting.sales import at, deal, enter, lost, people, tick, won

CREATE = """mutation ($input: CreateSalesTargetInput!) { createSalesTarget(input: $input) {
    salesTarget { id periodEnd actual attainment gap openPipeline coverage coverageGap } userErrors { code message field plugin } } }"""


@pytest.fixture(scope="module")
def client(module_crm):
    made = module_crm(Forecasting, clock=FixedClock(at("2025-07-01")))
    people(made)
    bo = {"ownerExternalId": key("bo")}
    enter(
        made,
        won("a", 120_000, "2025-04-01", region="North"),
        won("b", 80_000, "2025-06-30", region="NORTH"),
        won("c", 50_000, "2025-06-10", region="South", **bo),
        won("before", 7_000, "2025-03-31"),
        won("after", 7_000, "2025-07-01"),
        lost("lost", 9_000, "2025-06-10"),
        deal("open", 9_000),
    )
    tick(made, "2025-06-15")
    return made


def create(client, **given):
    target = {"metric": "WON_AMOUNT", "grain": "QUARTER", "periodStart": "2025-04-01", "value": "500000", **given}
    return client.query(CREATE, input=target)["createSalesTarget"]


def reached(client, **given):
    made = create(client, **given)
    assert made["userErrors"] == []
    return tuple(made["salesTarget"][name] for name in ("actual", "attainment", "gap"))


def ids(client, plural):
    found = client.query(f"{{ {plural} {{ nodes {{ id name }} }} }}")[plural]["nodes"]
    return {node["name"]: node["id"] for node in found}


def test_f10_a_target_of_500_000_with_200_000_won_is_reached_by_40_percent(client):
    assert reached(client, userId=ids(client, "users")["Ann"]) == ("200000.00", "40.00", "300000.00")


def test_targets_of_a_team_a_region_and_all_count_their_own(client):
    assert reached(client, teamId=ids(client, "teams")["Team 2"])[0] == "50000.00"
    assert reached(client, region="north")[0] == "200000.00"
    assert reached(client, value="200000") == ("250000.00", "125.00", "0.00")


def test_a_target_may_be_of_the_number_won_and_of_what_salesmetrics_measures(client):
    assert reached(client, metric="WON_COUNT", value="4") == ("3.00", "75.00", "1.00")
    assert reached(client, metric="WIN_RATE", value="60") == (None, None, None)
    assert reached(client, metric="LOST_COUNT", value="0") == (None, None, None)


def test_a_target_that_has_no_coverage_says_why(client):
    quarter = {"periodStart": "2025-01-01"}
    for given, expected in (
        ({"value": "700000"}, ("0.00", "0.00", None)),
        ({"value": "0"}, ("0.00", None, "NOTHING_MISSING")),
        ({"value": "700000", **quarter}, ("0.00", None, "PERIOD_OVER")),
        ({"value": "5", "metric": "WIN_RATE"}, (None, None, "OTHER_METRIC")),
        ({"value": "5", "metric": "WON_COUNT"}, ("0.00", "0.00", None)),
    ):
        made = create(client, userId=ids(client, "users")["Director"], **given)["salesTarget"]
        assert tuple(made[name] for name in ("openPipeline", "coverage", "coverageGap")) == expected
        client.query("mutation ($id: ID!) { deleteSalesTarget(input: {id: $id}) { deletedId } }", id=made["id"])


def test_targets_are_filtered_and_ordered_by_attainment(client):
    found = client.query(
        """{ salesTargets(where: {metric: {eq: WON_AMOUNT}, attainment: {lt: "50"}}, orderBy: [{attainment: ASC}]) {
            nodes { attainment periodEnd } } }"""
    )["salesTargets"]["nodes"]
    assert found == [
        {"attainment": "10.00", "periodEnd": "2025-06-30"},
        {"attainment": "40.00", "periodEnd": "2025-06-30"},
        {"attainment": "40.00", "periodEnd": "2025-06-30"},
    ]


@pytest.mark.parametrize(
    ("given", "code", "field", "message"),
    [
        (
            {"periodStart": "2025-04-02"},
            "INVALID",
            ["periodStart"],
            "periodStart: no QUARTER begins on 2025-04-02; give 2025-04-01",
        ),
        ({"value": "-1"}, "INVALID", ["value"], None),
    ],
)
def test_what_makes_no_sense_is_refused(client, given, code, field, message):
    (error,) = create(client, region="East", **given)["userErrors"]
    assert (error["code"], error["field"]) == (code, field)
    assert message is None or error["message"] == message


def test_a_target_is_of_one_and_there_is_one_of_each(client):
    (both,) = create(client, region="West", userId=ids(client, "users")["Bo"])["userErrors"]
    assert both["message"] == "region: a target is for one of them only; leave out userId or region"
    first = create(client, region="Centre")["salesTarget"]["id"]
    (twin,) = create(client, region="Centre")["userErrors"]
    assert (twin["code"], twin["message"]) == (
        "TAKEN",
        f"periodStart: {first} is already that target; change it instead",
    )
    moved = client.query(
        """mutation ($id: ID!) { updateSalesTarget(input: {id: $id, grain: MONTH}) {
            salesTarget { periodEnd } userErrors { message } } }""",
        id=first,
    )["updateSalesTarget"]
    assert moved == {"salesTarget": {"periodEnd": "2025-04-30"}, "userErrors": []}
