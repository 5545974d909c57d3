"""SEASONAL against the same month of last year, and each method's error on the past."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from guanxi import FixedClock
from guanxi.calendar import shifted
from guanxi.vocabulary import DateGrain
from plugins.forecasting import Forecasting
from plugins.forecasting.outlook import smoothing
from plugins.forecasting.shared import rules
from tests.data import key
from tests.plugins.forecasting.sales import at, enter, people, tick, won

ACCURACY = """query ($methods: [ForecastMethod!], $periods: Int! = 12, $by: [OpportunityGroupKey!]) {
  forecastAccuracy(methods: $methods, periods: $periods, by: $by) { method keys { owner { name } } periods errorPercent
    biasPercent previousErrorPercent yearBeforeErrorPercent gap reason replays { periodStart forecast { amount } actual { amount } } } }"""
FORECAST = """query ($grain: DateGrain! = MONTH, $where: OpportunityWhere) {
  forecast(method: SEASONAL, grain: $grain, where: $where) { periodStart revenue { amount } wins missing reason
    factors { name value part whole firstDay lastDay } } }"""
#: What a year of sales is like, month by month, in thousands.
YEAR = (40, 45, 60, 55, 50, 65, 30, 25, 60, 70, 80, 120)


@pytest.fixture(scope="module")
def client(module_crm):
    """Ann has won by the seasons for 40 months, a tenth more each year; Bo has lost one opportunity, in this month."""
    pytest.importorskip("statsmodels")
    made = module_crm(Forecasting, clock=FixedClock(at("2025-05-10")))
    people(made)
    months = [shifted(date(2022, 1, 1), DateGrain.MONTH, number) for number in range(40)]
    deals = []
    for number, month in enumerate(months):
        amount = YEAR[number % 12] * 1000 * (10 + number // 12) // 10
        deals.append(won(f"of {month}", amount, str(month.replace(day=15)), openedOn=str(month)))
    enter(made, *deals)
    tick(made, "2025-05-10")
    return made


def test_seasonal_forecasts_the_month_after_next_from_36_months_or_says_why_not(client):
    made = client.query(FORECAST)["forecast"]
    history, last_year, wins = made["factors"]
    assert (made["periodStart"], made["missing"], made["reason"]) == ("2025-06-01", [], None)
    assert (history["value"], history["whole"], history["lastDay"]) == ("40", "36", "2025-04-30")
    assert (last_year["value"], last_year["firstDay"], wins["value"]) == ("78000.00", "2024-06-01", "1")
    # A tenth of the first year more than last June.
    assert Decimal(made["revenue"]["amount"]) == pytest.approx(Decimal(84500), rel=Decimal("0.05"))
    assert made["wins"] == "1.0000"
    quarter = client.query(FORECAST, grain="QUARTER")["forecast"]
    assert (quarter["periodStart"], quarter["factors"][0]["whole"], quarter["reason"]) == ("2025-07-01", "12", None)
    late = client.query(FORECAST, where={"openedOn": {"gte": "2024-02-01"}})["forecast"]
    assert (late["revenue"], late["missing"]) == (None, ["HISTORY"])
    assert late["reason"] == "SEASONAL needs 36 closed months on record; there are 15"
    errors = client.execute(FORECAST, grain="WEEK")["errors"]
    assert errors[0]["message"] == "grain: SEASONAL knows months and quarters, not WEEK; use MONTH or QUARTER"


def test_each_method_has_its_error_on_the_past_per_owner_and_null_with_a_reason_without_one(client):
    enter(
        client,
        {"name": "first of Bo", "externalIds": [key("bo")], "ownerExternalId": key("bo"), "openedOn": "2025-05-02"},
    )
    found = client.query(
        ACCURACY, methods=["SEASONAL", "TREND", "STAGE_WEIGHTED", "FORMULA"], periods=4, by=[{"owner": {"name": True}}]
    )
    shown = {(one["method"], one["keys"]["owner"]["name"]): one for one in found["forecastAccuracy"]}
    seasonal, trend = shown["SEASONAL", "Ann"], shown["TREND", "Ann"]
    assert (seasonal["periods"], seasonal["gap"], seasonal["reason"]) == (4, None, None)
    assert Decimal(seasonal["errorPercent"]) < Decimal(seasonal["yearBeforeErrorPercent"])
    # January to April 2025 were 52, 58.5, 78 and 71.5; the means of three months before each.
    assert [one["actual"]["amount"] for one in trend["replays"]] == ["52000.00", "58500.00", "78000.00", "71500.00"]
    assert [one["forecast"]["amount"] for one in trend["replays"]][:2] == ["108000.00", "97333.33"]
    # Months before: 144 for 52, 52 for 58.5, 58.5 for 78, 78 for 71.5; together 124.5 of 260.
    assert (trend["previousErrorPercent"], trend["yearBeforeErrorPercent"]) == ("47.88", "7.69")
    # Opportunities that are entered as won were open before nobody knows where: no stage, no forecast.
    assert (shown["FORMULA", "Ann"]["errorPercent"], shown["FORMULA", "Ann"]["gap"]) == (None, "NO_FORECAST")
    assert shown["FORMULA", "Ann"]["reason"].startswith("CONVERSION_BY_AMOUNT")
    for method in ("SEASONAL", "TREND", "STAGE_WEIGHTED", "FORMULA"):
        assert (shown[method, "Bo"]["errorPercent"], shown[method, "Bo"]["gap"]) == (None, "NO_PAST")
        assert shown[method, "Bo"]["replays"] == []


def test_the_error_is_of_all_that_was_won_and_unknown_where_nothing_was():
    said = [Fraction(90), Fraction(0), Fraction(130)]
    was = [Decimal(100), Decimal(0), Decimal(100)]
    assert (rules.forecast_error(said, was), rules.forecast_bias(said, was)) == (Decimal("20.00"), Decimal("10.00"))
    assert rules.forecast_error([Fraction(5)], [Decimal(0)]) is None


def test_smoothing_beats_last_year_on_orders_of_electrical_equipment():
    """On a real series that comes with statsmodels, and leaves a constant and a series of zeros alone."""
    pytest.importorskip("statsmodels")
    from statsmodels.datasets import elec_equip

    values = [Decimal(str(value)) for value in elec_equip.load_pandas().data.iloc[:, -1]][-72:]
    ends = range(60, 72, 3)
    actual = [values[end] for end in ends]
    smoothed = [smoothing.smoothed(values[:end], 12, 1) for end in ends]
    last_year = [Fraction(values[end - 12]) for end in ends]
    assert rules.forecast_error(smoothed, actual) < rules.forecast_error(last_year, actual)
    assert smoothing.smoothed([Decimal(7)] * 36, 12, 2) == 7
    assert smoothing.smoothed([Decimal(0)] * 35 + [Decimal(9)], 12, 1) >= 0
