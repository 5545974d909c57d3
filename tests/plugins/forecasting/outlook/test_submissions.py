"""Forecasts by category: submitted by owners, rolled up by their manager, adjustments kept beside the original."""

import itertools
from datetime import date, timedelta

import pytest

from guanxi import FixedClock
from guanxi.calendar import last_of, shifted
from guanxi.vocabulary import DateGrain
from plugins.forecasting import Forecasting
from tests.data import key
from tests.plugins.forecasting.sales import at, deal, enter, people, stage, tick, won

OF_PERIOD = """query ($start: Date!) { forecastSubmissions(where: {periodStart: {eq: $start}}) {
    nodes { id isCurrent } } }"""
SUBMIT = """mutation ($input: SubmitForecastInput!) { submitForecast(input: $input) {
    submission { id isCurrent periodEnd note submittedBy lines { nodes { id category ownCount ownAmount { amount } teamAmount { amount }
      amount { amount } adjustedAmount { amount } effectiveAmount { amount } } } }
    warnings { code message } userErrors { code message field } } }"""
ADJUST = """mutation ($input: AdjustForecastInput!) { adjustForecast(input: $input) {
    line { category amount { amount } adjustedAmount { amount } effectiveAmount { amount }
      adjustments { nodes { previousAmount { amount } amount { amount } reason adjustedBy } } }
    userErrors { code message field } } }"""
ROLLUP = """query ($user: ID!, $start: Date!, $grain: DateGrain!) { forecastRollup(userId: $user, periodStart: $start, grain: $grain) {
    user { name } periodEnd missing { name } reports { user { name } submission { note } }
    categories { category ownCount ownAmount { amount } teamAmount { amount } amount { amount } adjustedAmount { amount }
      effectiveAmount { amount } cumulativeAmount { amount } } } }"""


@pytest.fixture(scope="module")
def shared(module_crm):
    made = module_crm(Forecasting, clock=FixedClock(at("2025-06-15")))
    people(made)
    made.users = {node["name"]: node["id"] for node in made.query("{ users { nodes { id name } } }")["users"]["nodes"]}
    made.months = itertools.count(1)
    return made


@pytest.fixture
def client(shared):
    """Ann's and Bo's opportunities of a month of its own: every category, and what is not of the period."""
    month = shifted(date(2025, 6, 1), DateGrain.MONTH, next(shared.months) * 2)
    shared.start, shared.end = str(month), str(last_of(month, DateGrain.MONTH))
    before, after = str(month - timedelta(days=1)), str(shifted(month, DateGrain.MONTH, 1))
    due, bo = {"expectedCloseDate": shared.end}, {"ownerExternalId": key("bo")}

    def named(name):
        return f"{name} {month}"

    tick(shared, after)
    enter(
        shared,
        deal(named("pipeline"), 100, stageId=stage("A"), **due),
        deal(named("best"), 200, stageId=stage("C"), **due),
        deal(named("commit"), 400, stageId=stage("D"), **due),
        deal(named("said"), 50, stageId=stage("A"), forecastCategoryOverride="COMMIT", **due),
        deal(named("omitted"), 999, forecastCategoryOverride="OMITTED", **due),
        won(named("closed"), 800, shared.start),
        won(named("closed before"), 999, before, **due),
        deal(named("later"), 999, expectedCloseDate=after),
        deal(named("bo commits"), 3000, stageId=stage("D"), **due, **bo),
    )
    tick(shared, "2025-06-15")
    return shared


def submit(client, name, **more):
    given = {"userId": client.users[name], "periodStart": client.start, **more}
    return client.query(SUBMIT, input=given)["submitForecast"]


def lines(submission):
    return {line["category"]: line for line in submission["lines"]["nodes"]}


def rollup(client, name):
    return client.query(ROLLUP, user=client.users[name], start=client.start, grain="MONTH")["forecastRollup"]


def effective(categories):
    return {line["category"]: line["effectiveAmount"]["amount"] for line in categories}


def test_an_owner_submits_the_open_of_the_period_by_category_and_what_was_won_in_it(client):
    made = submit(client, "Ann", note=" On track ")
    assert made["userErrors"] == []
    assert {
        category: (line["ownCount"], line["amount"]["amount"]) for category, line in lines(made["submission"]).items()
    } == {
        "CLOSED": (1, "800.00"),
        "COMMIT": (2, "450.00"),
        "BEST_CASE": (1, "200.00"),
        "PIPELINE": (1, "100.00"),
    }
    assert {name: made["submission"][name] for name in ("isCurrent", "periodEnd", "note", "submittedBy")} == {
        "isCurrent": True,
        "periodEnd": client.end,
        "note": "On track",
        "submittedBy": "local",
    }
    told = client.query(
        "query ($id: ID!) { events(entity: $id, types: [FORECAST_SUBMITTED]) { nodes { data } } }",
        id=made["submission"]["id"],
    )
    assert told["events"]["nodes"][0]["data"]["COMMIT"] == "450.00"


def test_a_manager_rolls_up_what_reports_submitted_as_adjusted(client):
    ann = submit(client, "Ann")["submission"]
    before = rollup(client, "Director")
    assert [user["name"] for user in before["missing"]] == ["Bo"]
    submit(client, "Bo", note="Sure")
    commit = lines(ann)["COMMIT"]["id"]
    adjusted = client.query(ADJUST, input={"lineId": commit, "amount": "300", "reason": "One is shaky"})[
        "adjustForecast"
    ]
    assert adjusted == {
        "line": {
            "category": "COMMIT",
            "amount": {"amount": "450.00"},
            "adjustedAmount": {"amount": "300.00"},
            "effectiveAmount": {"amount": "300.00"},
            "adjustments": {
                "nodes": [
                    {
                        "previousAmount": {"amount": "450.00"},
                        "amount": {"amount": "300.00"},
                        "reason": "One is shaky",
                        "adjustedBy": "local",
                    }
                ]
            },
        },
        "userErrors": [],
    }
    found = rollup(client, "Director")
    assert (found["user"]["name"], found["periodEnd"], found["missing"]) == ("Director", client.end, [])
    assert {report["user"]["name"]: report["submission"]["note"] for report in found["reports"]} == {
        "Ann": None,
        "Bo": "Sure",
    }
    assert effective(found["categories"]) == {
        "CLOSED": "800.00",
        "COMMIT": "3300.00",
        "BEST_CASE": "200.00",
        "PIPELINE": "100.00",
    }
    assert [line["cumulativeAmount"]["amount"] for line in found["categories"]] == [
        "800.00",
        "4100.00",
        "4300.00",
        "4400.00",
    ]


def test_a_manager_submits_and_is_adjusted_and_it_stays_beside_the_original(client):
    submit(client, "Ann")
    own = submit(client, "Director")["submission"]
    commit = lines(own)["COMMIT"]
    assert (commit["ownAmount"]["amount"], commit["teamAmount"]["amount"]) == ("0.00", "450.00")
    client.query(ADJUST, input={"lineId": commit["id"], "amount": "0", "reason": "Nothing is sure"})
    line = next(line for line in rollup(client, "Director")["categories"] if line["category"] == "COMMIT")
    assert (line["amount"]["amount"], line["adjustedAmount"]["amount"], line["effectiveAmount"]["amount"]) == (
        "450.00",
        "0.00",
        "0.00",
    )
    back = client.query(ADJUST, input={"lineId": commit["id"], "reason": "It is after all"})["adjustForecast"]["line"]
    assert (back["adjustedAmount"], back["effectiveAmount"]) == (None, {"amount": "450.00"})
    assert [one["reason"] for one in back["adjustments"]["nodes"]][::-1] == ["Nothing is sure", "It is after all"]


def test_a_later_submission_takes_the_place_of_the_one_before_which_is_kept(client):
    first = submit(client, "Ann")["submission"]
    client.query(ADJUST, input={"lineId": lines(first)["COMMIT"]["id"], "amount": "1", "reason": "Low"})
    tick(client, "2025-06-16")
    again = submit(client, "Ann")
    second = again["submission"]
    # What a manager decided is not undone by who is below.
    commit = lines(second)["COMMIT"]
    assert (commit["amount"]["amount"], commit["effectiveAmount"]["amount"]) == ("450.00", "1.00")
    assert [warning["code"] for warning in again["warnings"]] == ["ADJUSTMENT_KEPT"]
    assert again["warnings"][0]["message"] == (
        "COMMIT: the adjustment to 1.00 CNY still holds, though 450.00 is calculated now; clear it by adjustForecast if "
        "it is over"
    )
    kept = client.query(OF_PERIOD, start=client.start)["forecastSubmissions"]["nodes"]
    assert [(node["id"], node["isCurrent"]) for node in kept] == [(second["id"], True), (first["id"], False)]
    (late,) = client.query(ADJUST, input={"lineId": lines(first)["COMMIT"]["id"], "amount": "2", "reason": "Late"})[
        "adjustForecast"
    ]["userErrors"]
    assert (late["code"], late["field"]) == ("NOT_CURRENT", ["lineId"])
    summed = client.query(
        """query ($start: Date!) { forecastLinesGroupBy(by: [{category: true}], where: {submission: {isCurrent: {eq: true}, periodStart: {eq: $start}}, category: {eq: COMMIT}}) {
            aggregate { sum { effectiveAmount { total { amount } } } } } }""",
        start=client.start,
    )["forecastLinesGroupBy"]
    assert summed[0]["aggregate"]["sum"]["effectiveAmount"]["total"]["amount"] == "1.00"


CALL = """query ($user: ID!, $start: Date!) { forecastRollup(userId: $user, periodStart: $start) {
    call { amount } teamCall { amount } coverage coverageGap target { openPipeline gap } } }"""
CALLS = """query ($start: Date!) { forecastSubmissions(where: {periodStart: {eq: $start}, call: {isNull: false}}) {
    nodes { user { name } call { amount } calledBy calledAt } } }"""


def test_a_call_is_kept_alongside_and_a_manager_sees_the_team_s_and_how_the_target_is_covered(client):
    def seen(name):
        return client.query(CALL, user=client.users[name], start=client.start)["forecastRollup"]

    def target(value):
        given = {"value": value, "userId": client.users["Ann"], "grain": "MONTH", "periodStart": client.start}
        assert client.create("SalesTarget", **given)["id"]

    assert seen("Director") == {
        "call": None,
        "teamCall": None,
        "coverage": None,
        "coverageGap": "NO_TARGET",
        "target": None,
    }
    submit(client, "Ann", call="900.50")
    submit(client, "Bo", call="3100")
    tick(client, "2025-06-16")
    submit(client, "Ann", note="One more visit")
    called = client.query(CALLS, start=client.start)["forecastSubmissions"]["nodes"]
    assert sorted((one["user"]["name"], one["call"]["amount"], one["calledAt"][:10]) for one in called) == [
        ("Ann", "900.50", "2025-06-15"),
        ("Ann", "900.50", "2025-06-15"),
        ("Bo", "3100.00", "2025-06-15"),
    ]
    assert {one["calledBy"] for one in called} == {"local"}
    # 750 and 999 are open, 800 is won of 1,383: 1,749 by 583.
    target("1383")
    assert seen("Ann") == {
        "call": {"amount": "900.50"},
        "teamCall": None,
        "coverage": "3.00",
        "coverageGap": None,
        "target": {"openPipeline": "1749.00", "gap": "583.00"},
    }
    assert (seen("Director")["call"], seen("Director")["teamCall"]) == (None, {"amount": "4000.50"})
    for given, message in (("-1", "call: -1 is negative; give 0 or more"), ("1.001", "call: amount 1.001 has more")):
        (error,) = submit(client, "Ann", call=given)["userErrors"]
        assert error["message"].startswith(message)


def test_a_submission_with_a_key_is_made_once(client):
    first, second = (submit(client, "Ann", idempotencyKey="k") for _ in range(2))
    assert first == second
    assert len(client.query(OF_PERIOD, start=client.start)["forecastSubmissions"]["nodes"]) == 1


def test_what_cannot_be_submitted_or_adjusted_changes_nothing(client):
    def refused(answer):
        (error,) = answer["userErrors"]
        return error["code"], error["field"], error["message"]

    assert refused(submit(client, "Ann", periodStart="2025-06-02")) == (
        "INVALID",
        ["periodStart"],
        "periodStart: no MONTH begins on 2025-06-02; give 2025-06-01",
    )
    assert refused(submit(client, "Ann", userId="usr_01h455vb4pex5vsknk084sn02q"))[:2] == ("NOT_FOUND", ["userId"])
    assert refused(submit(client, "Ann", note="x" * 2001))[:2] == ("INVALID", ["note"])
    line = lines(submit(client, "Ann")["submission"])["COMMIT"]["id"]
    for given, expected in (
        ({"amount": "-1"}, ("INVALID", ["amount"])),
        ({"amount": "1.001"}, ("INVALID", ["amount"])),
        ({"amount": "1", "reason": " "}, ("INVALID", ["reason"])),
        ({"amount": "1", "lineId": "fln_01h455vb4pex5vsknk084sn02q"}, ("NOT_FOUND", ["lineId"])),
    ):
        asked = {"lineId": line, "reason": "Why", **given}
        assert refused(client.query(ADJUST, input=asked)["adjustForecast"])[:2] == expected
    found = "query ($id: ID!) { forecastAdjustments(where: {lineId: {eq: $id}}) { totalCount } }"
    assert client.query(found, id=line) == {"forecastAdjustments": {"totalCount": 0}}
    (error,) = client.execute(ROLLUP, user=client.users["Ann"], start="2025-06-02", grain="MONTH")["errors"]
    assert error["message"] == "periodStart: no MONTH begins on 2025-06-02; give 2025-06-01"
