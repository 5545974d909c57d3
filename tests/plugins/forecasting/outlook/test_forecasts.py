"""The three methods through the API: the worked examples of F1, F2, F5, F6, F9, F11, F12 with the months of X10."""

import pytest

from guanxi import FixedClock
from plugins.forecasting import Forecasting
from tests.plugins.forecasting.sales import SOON, at, change, deal, enter, live_until_june, people, stage, tick

FORECAST = """query ($method: ForecastMethod!, $grain: DateGrain!, $asOf: Date, $where: OpportunityWhere, $assume: ForecastAssumptions) {
  forecast(method: $method, grain: $grain, asOf: $asOf, where: $where, assume: $assume) {
    method periodStart periodEnd asOf revenue { amount currency } wins winsRounded missing isWhatIf policyVersion
    factors { name unit firstDay lastDay value part whole stage { key } isAssumed } } }"""


def forecast(client, method, grain="MONTH", **more):
    return client.query(FORECAST, method=method, grain=grain, **more)["forecast"]


def brief(made):
    return [(factor["name"], factor["firstDay"], factor["lastDay"], factor["value"]) for factor in made["factors"]]


NO_APRIL = {"not": {"name": {"startsWith": "april"}}}


@pytest.fixture(scope="module")
def june(module_crm):
    client = module_crm(Forecasting, clock=FixedClock(at("2025-01-01")))
    live_until_june(client)
    return client


def test_f1_f2_the_formula_multiplies_what_is_counted_by_two_closed_rates(june):
    made = forecast(june, "FORMULA")
    assert made["revenue"] == {"amount": "200000.00", "currency": "CNY"}
    assert (made["wins"], made["winsRounded"]) == ("0.6667", 1)
    assert (made["periodStart"], made["periodEnd"], made["asOf"]) == ("2025-07-01", "2025-07-31", "2025-06-15")
    assert (made["missing"], made["isWhatIf"]) == ([], False)
    assert brief(made) == [
        ("VALID_AMOUNT", "2025-06-15", "2025-07-31", "1000000.00"),
        ("VALID_COUNT", "2025-06-15", "2025-07-31", "2"),
        ("CONVERSION_BY_AMOUNT", "2025-03-01", "2025-05-31", "25.00"),
        ("CONVERSION_BY_COUNT", "2025-03-01", "2025-05-31", "33.33"),
        ("ACHIEVEMENT", "2025-04-01", "2025-05-31", "80.00"),
    ]
    conversion, achievement = made["factors"][2], made["factors"][4]
    assert (conversion["part"], conversion["whole"], conversion["unit"]) == ("100000.00", "400000.00", "PERCENT")
    assert (achievement["part"], achievement["whole"]) == ("128000.00", "160000.00")


def test_f1_a_missing_rate_gives_null_and_says_which_is_missing(june):
    made = forecast(june, "FORMULA", where=NO_APRIL)
    assert made["revenue"] is None and made["missing"] == ["ACHIEVEMENT"]
    assert made["factors"][4] == {
        "name": "ACHIEVEMENT",
        "unit": "PERCENT",
        "firstDay": "2025-04-01",
        "lastDay": "2025-05-31",
        "value": None,
        "part": "0.00",
        "whole": "0.00",
        "stage": None,
        "isAssumed": False,
    }
    assert made["wins"] == "0.6667"
    empty = forecast(june, "FORMULA", where={"name": {"eq": "nothing"}})
    assert empty["missing"] == ["CONVERSION_BY_AMOUNT", "CONVERSION_BY_COUNT", "ACHIEVEMENT"]
    assert (empty["revenue"], empty["wins"], empty["winsRounded"]) == (None, None, None)


def test_f1_the_past_is_forecast_by_what_was_so_then(june):
    counted = {day: brief(forecast(june, "FORMULA", asOf=day))[0] for day in ("2025-06-01", "2025-06-15")}
    assert counted["2025-06-01"] == ("VALID_AMOUNT", "2025-06-01", "2025-07-31", "200000.00")
    assert counted["2025-06-15"][3] == "1000000.00"


def test_what_if_takes_given_rates_and_says_so(june):
    made = forecast(june, "FORMULA", assume={"achievement": "100", "conversionByCount": "50"})
    assert (made["revenue"]["amount"], made["wins"], made["isWhatIf"]) == ("250000.00", "1.0000", True)
    assert [factor["isAssumed"] for factor in made["factors"]] == [False, False, False, True, True]
    assert forecast(june, "FORMULA", where=NO_APRIL, assume={"achievement": "0"})["revenue"]["amount"] == "0.00"


@pytest.mark.parametrize(
    ("method", "assume", "message"),
    [
        ("FORMULA", {"achievement": "-1"}, "assume: -1 is negative; give percentages of 0 or more"),
        ("TREND", {"achievement": "1"}, "assume: TREND has no rates; use FORMULA, or leave it out"),
    ],
)
def test_what_if_refuses_what_makes_no_sense(june, method, assume, message):
    errors = june.execute(FORECAST, method=method, grain="MONTH", assume=assume)["errors"]
    assert [error["message"] for error in errors] == [message]


def test_a_day_ahead_is_refused(june):
    errors = june.execute(FORECAST, method="FORMULA", grain="MONTH", asOf="2025-06-16")["errors"]
    assert errors[0]["message"] == "asOf: 2025-06-16 is in the future; give 2025-06-15 or an earlier day"


def test_any_condition_on_opportunities_narrows_the_forecast(june):
    made = forecast(june, "FORMULA", where={"name": {"ne": "arises"}, "customer": {"region": {"eq": "North"}}})
    assert made["revenue"]["amount"] == "40000.00"


def test_f9_stage_weighted_tells_each_stage(june):
    made = forecast(june, "STAGE_WEIGHTED")
    weighted = {
        factor["stage"]["key"]: (factor["part"], factor["whole"])
        for factor in made["factors"]
        if factor["name"] == "WEIGHTED_AMOUNT"
    }
    # What is expected in the rest of June is not of July; "not valid" and "not new" count here, but close in June.
    assert weighted == {"B": ("50000.00", "200000.00"), "C": ("400000.00", "800000.00")}
    assert made["revenue"]["amount"] == "450000.00"
    assert (made["wins"], made["winsRounded"]) == ("0.7500", 1)


def test_f9_what_is_overdue_still_counts(june):
    made = forecast(june, "STAGE_WEIGHTED", grain="DAY", where={"name": {"eq": "arises"}})
    assert made["factors"] == [] and made["revenue"]["amount"] == "0.00"
    tick(june, "2025-08-05")
    late = forecast(june, "STAGE_WEIGHTED", where={"name": {"eq": "arises"}})
    tick(june, "2025-06-15")
    assert late["revenue"]["amount"] == "400000.00"


def test_f9_a_day_whose_stages_nobody_knows_has_no_forecast(crm):
    client = crm(Forecasting, clock=FixedClock(at("2025-06-15")))
    stages = {node["key"]: node["id"] for node in client.query("{ stages { id key } }")["stages"]}
    money = {"amount": "1000"}
    client.create(
        "Opportunity",
        name="Entered late",
        openedOn="2025-01-10",
        expectedCloseDate="2025-04-20",
        expectedAmount=money,
        stageId=stages["F"],
        wonAt="2025-05-02T09:00:00Z",
    )
    made = forecast(client, "STAGE_WEIGHTED", asOf="2025-03-31")
    assert (made["revenue"], made["wins"], made["winsRounded"]) == (None, None, None)
    assert made["missing"] == ["WEIGHTED_AMOUNT", "WEIGHTED_COUNT"]
    assert [(factor["value"], factor["whole"]) for factor in made["factors"]] == [(None, "1000.00"), (None, "1")]


def test_f12_the_trend_is_the_mean_of_closed_months_with_0_where_nothing_was_won(june):
    made = forecast(june, "TREND")
    assert brief(made) == [
        ("WON_AMOUNT", "2025-03-01", "2025-03-31", "0"),
        ("WON_COUNT", "2025-03-01", "2025-03-31", "0"),
        ("WON_AMOUNT", "2025-04-01", "2025-04-30", "160000.00"),
        ("WON_COUNT", "2025-04-01", "2025-04-30", "2"),
        ("WON_AMOUNT", "2025-05-01", "2025-05-31", "100000.00"),
        ("WON_COUNT", "2025-05-01", "2025-05-31", "1"),
    ]
    assert (made["revenue"]["amount"], made["wins"]) == ("86666.67", "1.0000")


def test_f12_on_its_last_day_a_month_counts_as_closed(june):
    assert brief(forecast(june, "TREND", asOf="2025-05-31"))[-2][1] == "2025-05-01"
    assert brief(forecast(june, "TREND", asOf="2025-05-30"))[-2][1] == "2025-04-01"


def test_f12_before_there_was_anything_the_trend_is_null(june):
    made = forecast(june, "TREND", asOf="2025-04-15")
    assert made["revenue"] is None and made["missing"] == ["WON_AMOUNT", "WON_COUNT"]
    assert [factor["value"] for factor in made["factors"]][:2] == [None, None]


def test_by_quarter_the_same_rules_hold_for_quarters(june):
    tick(june, "2025-07-31")
    made = forecast(june, "FORMULA", grain="QUARTER", asOf="2025-07-31")
    tick(june, "2025-06-15")
    assert (made["periodStart"], made["periodEnd"]) == ("2025-10-01", "2025-12-31")
    assert brief(made)[2] == ("CONVERSION_BY_AMOUNT", "2025-04-01", "2025-06-30", "1.67")
    assert brief(made)[4] == ("ACHIEVEMENT", "2025-01-01", "2025-06-30", None)


def test_the_policy_decides_who_counts_and_has_a_version(crm):
    relaxed = {"valid_only": False, "new_customers_only": False, "cohort_months": 1, "moving_average_periods": 1}
    client = crm(Forecasting, clock=FixedClock(at("2025-05-10")), plugins={"forecasting": relaxed})
    people(client)
    enter(client, deal("plain", 100, **SOON))
    tick(client, "2025-05-20")
    change(client, "plain", status="WON", stageId=stage("E"))
    enter(client, deal("other", 300, **SOON))
    tick(client, "2025-06-15")
    made = forecast(client, "FORMULA", assume={"achievement": "100"})
    assert brief(made)[0][3] == "300.00" and brief(made)[2][1:] == ("2025-05-01", "2025-05-31", "25.00")
    assert made["revenue"]["amount"] == "75.00"
    assert forecast(client, "TREND")["revenue"]["amount"] == "100.00"
    assert len(made["policyVersion"]) == 12
