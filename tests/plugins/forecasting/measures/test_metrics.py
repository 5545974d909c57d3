"""Metrics by period and group: the worked examples of F3 to F8, F11 and G11, comparisons, targets."""

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from plugins.value_tiering import ValueTiering
from tests.data import key
from tests.plugins.forecasting.sales import (
    at,
    change,
    deal,
    enter,
    live_until_june,
    lost,
    people,
    sell,
    tick,
    won,
)

POINTS = "periodStart periodEnd value"
KEYS = "region owner { name } ownerId originatedOn"
MORE = "previous growth yearBefore growthOnYear"


def query(points, keys=KEYS):
    return f"""query ($metrics: [SalesMetric!]!, $from: Date!, $to: Date!, $grain: DateGrain!, $by: [OpportunityGroupKey!], $where: OpportunityWhere) {{
      salesMetrics(metrics: $metrics, firstDay: $from, lastDay: $to, grain: $grain, by: $by, where: $where) {{
        metric unit keys {{ {keys} }} points {{ {points} }} }} }}"""


def measured(client, metrics, first, last, grain="MONTH", points=POINTS, keys=KEYS, **more):
    given = {"metrics": metrics, "from": first, "to": last, "grain": grain}
    return client.query(query(points, keys), **given, **more)["salesMetrics"]


def values(found):
    return [point["value"] for point in found["points"]]


@pytest.fixture(scope="module")
def wins(module_crm):
    """Won: 96,000 in June 2024, 100,000 in May 2025, 120,000 in June 2025, by two people in two regions."""
    client = module_crm(ValueTiering, Forecasting, clock=FixedClock(at("2025-06-30")))
    people(client)
    bo = {"ownerExternalId": key("bo"), "customerExternalId": key("c2"), "region": "South"}
    enter(
        client,
        won("last year", 96_000, "2024-06-15", openedOn="2024-05-15", region="North"),
        won("may", 100_000, "2025-05-31", openedOn="2025-05-01", region="North"),
        won("june a", 70_000, "2025-06-01", openedOn="2025-05-12", region="North"),
        won("june b", 50_000, "2025-06-30", openedOn="2025-06-20", **bo),
        lost("lost", 30_000, "2025-06-10", openedOn="2025-06-02", **bo),
        deal("open", 10_000, openedOn="2025-06-05", region="North"),
    )
    return client


def test_f4_f8_what_was_won_by_month_with_the_month_and_the_year_before(wins):
    found = measured(
        wins,
        ["WON_AMOUNT", "WON_COUNT"],
        "2025-05-20",
        "2025-06-01",
        points=f"{POINTS} {MORE} amount {{ amount currency }}",
    )
    amount, count = found
    assert (amount["metric"], amount["unit"], amount["keys"]) == ("WON_AMOUNT", "MONEY", None)
    may, june = amount["points"]
    assert june == {
        "periodStart": "2025-06-01",
        "periodEnd": "2025-06-30",
        "value": "120000.00",
        "amount": {"amount": "120000.00", "currency": "CNY"},
        "previous": "100000.00",
        "growth": "20.00",
        "yearBefore": "96000.00",
        "growthOnYear": "25.00",
    }
    assert (may["previous"], may["growth"], may["growthOnYear"]) == ("0", None, None)
    assert values(count) == ["1", "2"]


@pytest.mark.parametrize(
    ("grain", "first", "last", "expected"),
    [
        ("DAY", "2025-05-30", "2025-06-01", ["0", "100000.00", "70000.00"]),
        ("WEEK", "2025-05-26", "2025-06-02", ["170000.00", "0"]),
        ("QUARTER", "2025-02-01", "2025-06-30", ["0", "220000.00"]),
        ("YEAR", "2024-01-01", "2025-01-01", ["96000.00", "220000.00"]),
    ],
)
def test_f8_any_grain(wins, grain, first, last, expected):
    (found,) = measured(wins, ["WON_AMOUNT"], first, last, grain)
    assert values(found) == expected


def test_f8_by_person_region_and_another_plugins_field(wins):
    by_owner = measured(wins, ["WON_AMOUNT"], "2025-05-01", "2025-06-30", by=[{"owner": {"name": True}}])
    assert {found["keys"]["owner"]["name"]: values(found) for found in by_owner} == {
        "Ann": ["100000.00", "70000.00"],
        "Bo": ["0", "50000.00"],
    }
    by_both = measured(
        wins,
        ["NEW_COUNT"],
        "2025-06-01",
        "2025-06-30",
        by=[{"region": True}, {"customer": {"valueTier": True}}],
        keys="region customer { valueTier }",
    )
    assert {(found["keys"]["region"], found["keys"]["customer"]["valueTier"]): values(found) for found in by_both} == {
        ("North", None): ["1"],
        ("South", None): ["2"],
    }


def test_any_condition_narrows_what_is_measured(wins):
    (found,) = measured(
        wins, ["WON_COUNT"], "2025-06-01", "2025-06-30", where={"customer": {"region": {"eq": "South"}}}
    )
    assert values(found) == ["1"]


def test_rates_and_averages_tell_what_was_divided(wins):
    found = measured(
        wins,
        ["WIN_RATE", "AVERAGE_WON_AMOUNT", "SALES_CYCLE_DAYS", "LOST_AMOUNT"],
        "2025-06-01",
        "2025-06-30",
        points="value part whole",
    )
    assert {series["metric"]: series["points"] for series in found} == {
        "WIN_RATE": [{"value": "66.67", "part": "2", "whole": "3"}],
        "AVERAGE_WON_AMOUNT": [{"value": "60000.00", "part": "120000.00", "whole": "2"}],
        "SALES_CYCLE_DAYS": [{"value": "15.00", "part": "30", "whole": "2"}],
        "LOST_AMOUNT": [{"value": "30000.00", "part": None, "whole": None}],
    }
    (nothing,) = measured(wins, ["WIN_RATE"], "2025-01-01", "2025-01-31", points="value part whole")
    assert nothing["points"] == [{"value": None, "part": "0", "whole": "0"}]


def test_what_is_so_at_the_end_of_a_period_and_what_lies_ahead(wins):
    (found,) = measured(wins, ["OPEN_COUNT"], "2025-04-30", "2025-07-31")
    assert values(found) == ["0", "1", "1", None]
    (amounts,) = measured(wins, ["WEIGHTED_AMOUNT"], "2025-06-01", "2025-06-30", by=[{"owner": {"name": True}}])
    assert (amounts["keys"]["owner"], values(amounts)) == ({"name": "Ann"}, ["1000.00"])


def test_g11_targets_are_those_of_the_group_the_metric_and_the_period(wins):
    ann = {node["name"]: node["id"] for node in wins.query("{ users { nodes { id name } } }")["users"]["nodes"]}["Ann"]
    create = (
        "mutation ($input: CreateSalesTargetInput!) { createSalesTarget(input: $input) { userErrors { message } } }"
    )
    for target in (
        {"metric": "WIN_RATE", "value": "60"},
        {"metric": "WON_AMOUNT", "value": "140000", "userId": ann},
        {"metric": "WON_AMOUNT", "value": "35000", "region": "NORTH"},
    ):
        made = wins.query(create, input={"grain": "MONTH", "periodStart": "2025-06-01", **target})
        assert made["createSalesTarget"]["userErrors"] == []
    points = "value target attainment"
    (rate,) = measured(wins, ["WIN_RATE"], "2025-05-01", "2025-06-30", points=points)
    assert rate["points"] == [
        {"value": "100.00", "target": None, "attainment": None},
        {"value": "66.67", "target": "60.00", "attainment": "111.12"},
    ]
    by_owner = measured(wins, ["WON_AMOUNT"], "2025-06-01", "2025-06-30", points=points, by=[{"ownerId": True}])
    assert {found["keys"]["ownerId"]: found["points"][0]["attainment"] for found in by_owner}[ann] == "50.00"
    by_region = measured(wins, ["WON_AMOUNT"], "2025-06-01", "2025-06-30", points=points, by=[{"region": True}])
    assert {found["keys"]["region"]: found["points"][0]["attainment"] for found in by_region} == {
        "North": "200.00",
        "South": None,
    }
    (whole,) = measured(wins, ["WON_AMOUNT"], "2025-06-01", "2025-06-30", points=points)
    assert whole["points"][0]["target"] is None


def test_only_what_is_asked_is_computed(wins, statements):
    with statements() as asked:
        measured(
            wins, ["WON_AMOUNT", "WON_COUNT", "AVERAGE_WON_AMOUNT"], "2025-01-01", "2025-06-30", by=[{"region": True}]
        )
    assert len(asked) == 1
    with statements() as asked:
        measured(wins, ["WON_AMOUNT"], "2025-06-01", "2025-06-30", points=f"value {MORE} target")
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"from": "2025-06-01", "to": "2025-05-31"},
            "lastDay: 2025-05-31 is before firstDay, 2025-06-01; give a later one",
        ),
        (
            {"from": "2020-01-01", "to": "2025-05-31", "grain": "DAY"},
            "grain: these are more than 400 periods; give fewer days, or a larger grain",
        ),
        (
            {"metrics": ["ACHIEVEMENT"], "grain": "WEEK"},
            "grain: ACHIEVEMENT is of the month after a win; use MONTH, QUARTER or YEAR",
        ),
        (
            {"metrics": ["NEW_COUNT"], "by": [{"originatedOn": "YEAR"}]},
            "by: originatedOn defines the periods; leave it out",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(wins, given, message):
    asked = {"metrics": ["WON_COUNT"], "from": "2025-05-01", "to": "2025-06-30", "grain": "MONTH", **given}
    errors = wins.execute(query(POINTS), **asked)["errors"]
    assert [(error["message"], error["extensions"]["code"]) for error in errors] == [(message, "BAD_USER_INPUT")]


def test_more_groups_than_a_query_gives_are_asked_for_in_halves_or_refused(crm):
    client = crm(Forecasting, clock=FixedClock(at("2025-06-30")), maximum_page_size=5, default_page_size=5)
    people(client)
    enter(
        client,
        *(
            won(f"w{month} {region}", month, f"2025-0{month}-10", region=region)
            for month in (3, 4, 5, 6)
            for region in "AB"
        ),
        *(won(f"many {region}", 1, "2025-01-10", region=region) for region in "ABCDEFG"),
    )
    found = measured(client, ["WON_AMOUNT"], "2025-03-01", "2025-06-30", by=[{"region": True}])
    assert {series["keys"]["region"]: values(series) for series in found} == {
        region: ["3.00", "4.00", "5.00", "6.00"] for region in "AB"
    }
    errors = client.execute(
        query(POINTS),
        **{
            "metrics": ["WON_AMOUNT"],
            "from": "2025-01-01",
            "to": "2025-01-31",
            "grain": "MONTH",
            "by": [{"region": True}],
        },
    )["errors"]
    assert errors[0]["message"] == "by: this makes 5 groups or more; use fewer keys, or a narrower where"


@pytest.fixture(scope="module")
def june(module_crm):
    client = module_crm(Forecasting, clock=FixedClock(at("2025-01-01")))
    live_until_june(client)
    return client


def test_f3_f5_f11_the_cohort_and_the_fresh_of_each_month(june):
    found = measured(
        june,
        ["CONVERSION_BY_AMOUNT", "CONVERSION_BY_COUNT", "FRESH_COUNT", "VALID_COUNT", "VALID_AMOUNT"],
        "2025-05-01",
        "2025-06-30",
        points="value part whole",
    )
    told = {series["metric"]: series["points"] for series in found}
    assert told["CONVERSION_BY_AMOUNT"][0] == {"value": "25.00", "part": "100000.00", "whole": "400000.00"}
    assert told["CONVERSION_BY_COUNT"][0] == {"value": "33.33", "part": "1", "whole": "3"}
    # At the end of May "follows" is fresh and "far" is too far; in June "follows" is too old, three others are not.
    assert [point["value"] for point in told["FRESH_COUNT"]] == ["1", "3"]
    assert [point["value"] for point in told["VALID_COUNT"]] == ["2", "4"]
    assert [point["value"] for point in told["VALID_AMOUNT"]] == ["5200000.00", "6080000.00"]


def test_f6_f7_contribution_and_achievement_of_each_month_and_of_the_quarter(june):
    found = measured(
        june, ["CONTRIBUTION", "ACHIEVEMENT", "REVENUE"], "2025-04-01", "2025-06-30", points="value part whole"
    )
    told = {series["metric"]: series["points"] for series in found}
    assert [point["value"] for point in told["CONTRIBUTION"]] == ["0", "128000.00", "0"]
    assert [point["value"] for point in told["REVENUE"]] == ["0", "128000.00", "7000.00"]
    assert told["ACHIEVEMENT"] == [
        {"value": None, "part": "0", "whole": "0"},
        {"value": "80.00", "part": "128000.00", "whole": "160000.00"},
        {"value": "0.00", "part": "0", "whole": "100000.00"},
    ]
    (quarter,) = measured(june, ["ACHIEVEMENT"], "2025-04-01", "2025-06-30", "QUARTER", points="value part whole")
    assert quarter["points"] == [{"value": "49.23", "part": "128000.00", "whole": "260000.00"}]


def test_metrics_by_a_field_of_what_came_of_them(june):
    found = measured(june, ["REVENUE"], "2025-05-01", "2025-05-31", by=[{"originatedOn": "MONTH"}])
    assert [(series["keys"]["originatedOn"], values(series)) for series in found] == [("2025-02-01", ["128000.00"])]


def test_the_period_that_runs_is_measured_until_today(june):
    tick(june, "2025-06-15")
    change(june, "follows", expectedCloseDate="2025-06-20")
    sell(june, "april a", 1, "2025-06-15")
    (found,) = measured(june, ["REVENUE"], "2025-06-01", "2025-06-30")
    assert values(found) == ["7001.00"]
