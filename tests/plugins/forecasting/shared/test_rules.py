"""The worked examples of F1 to F12, O6, O7 and X9: expressions on both engines, numbers in Python."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import BigInteger, Boolean, Date, String, literal, null, select

from guanxi import create_app, load_settings
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.vocabulary import ForecastCategory


@pytest.fixture(scope="module")
def scalar(databases):
    database = create_app(load_settings(database_url=databases.fresh()), []).database
    with database.engine.connect() as connection:
        yield lambda expression: connection.scalar(select(expression))
    database.close()


def typed(value, type_):
    return null().cast(type_) if value is None else literal(value, type_)


def day(value):
    return typed(None if value is None else date.fromisoformat(value), Date())


def text(value):
    return typed(value, String())


def flag(value):
    return typed(value, Boolean())


def number(value):
    return typed(value, BigInteger())


# F3, with the window and horizon of 15 June 2025


@pytest.mark.parametrize(
    ("arisen", "ships", "status", "fresh", "overdue"),
    [
        ("2025-04-01", "2025-07-31", "FOLLOWING", True, False),
        ("2025-03-31", "2025-07-31", "FOLLOWING", False, False),
        ("2025-04-01", "2025-08-01", "FOLLOWING", False, False),
        ("2025-04-01", "2025-07-31", "WON", False, False),
        ("2025-04-01", "2025-06-05", "FOLLOWING", True, True),
        ("2025-04-01", "2025-06-15", "FOLLOWING", True, False),
        ("2025-04-01", None, "FOLLOWING", False, False),
    ],
)
def test_f3_fresh_is_followed_young_and_in_sight_even_when_overdue(scalar, arisen, ships, status, fresh, overdue):
    found = rules.is_fresh(text(status), day(arisen), day(ships), day("2025-04-01"), day("2025-07-31"))
    assert bool(scalar(found)) is fresh
    outcome = "WON" if status == "WON" else "OPEN"
    assert bool(scalar(rules.is_close_overdue(text(outcome), day(ships), day("2025-06-15")))) is overdue


@pytest.mark.parametrize(
    ("need", "persons", "budget", "price", "value", "reasons"),
    [
        ("DO", 1, True, True, True, "[]"),
        ("DO", 1, True, False, True, '["PRICE_NOT_ACCEPTED"]'),
        ("DO", 0, True, True, True, '["NO_KEY_PERSON"]'),
        (None, None, None, None, None, None),
    ],
)
def test_o7_valid_is_need_key_person_and_the_whole_budget(scalar, need, persons, budget, price, value, reasons):
    lacking = rules.lacks(text(need), number(persons), flag(budget), flag(price), flag(value))
    assert bool(scalar(rules.is_valid(lacking))) is (reasons == "[]")
    every = '["NO_NEED","NO_KEY_PERSON","NO_BUDGET","PRICE_NOT_ACCEPTED","VALUE_NOT_RECOGNISED"]'
    found = scalar(rules.invalid_reasons(lacking))
    assert "".join(str(found).replace("'", '"').split()) == (reasons or every)


@pytest.mark.parametrize(
    ("said", "has_customer", "first_order", "new"),
    [
        (True, False, None, True),
        (False, True, None, False),
        (None, False, None, None),
        (None, True, None, True),
        (None, True, "2025-03-31", False),
        (None, True, "2025-04-01", True),
    ],
)
def test_f1_a_customer_is_new_as_said_else_if_it_had_not_bought_before(scalar, said, has_customer, first_order, new):
    found = scalar(rules.wins_new_customer(flag(said), flag(has_customer), day(first_order), day("2025-04-01")))
    assert (None if found is None else bool(found)) is new


@pytest.mark.parametrize(
    ("outcome", "override", "modelled", "source"),
    [
        ("WON", 20, 30, "OUTCOME"),
        ("LOST", None, None, "OUTCOME"),
        ("OPEN", 0, 30, "OVERRIDE"),
        ("OPEN", None, 0, "MODEL"),
        ("OPEN", None, None, "STAGE"),
    ],
)
def test_o1_the_source_of_a_probability_is_the_first_that_is_there(scalar, outcome, override, modelled, source):
    assert scalar(rules.probability_source(text(outcome), number(override), number(modelled))) == source


@pytest.mark.parametrize(
    ("outcome", "said", "hundredths", "category"),
    [
        ("WON", "OMITTED", 10_000, "CLOSED"),
        ("LOST", "COMMIT", 0, "OMITTED"),
        ("OPEN", "COMMIT", 1_000, "COMMIT"),
        ("OPEN", "OMITTED", 9_000, "OMITTED"),
        ("OPEN", None, 7_500, "COMMIT"),
        ("OPEN", None, 7_499, "BEST_CASE"),
        ("OPEN", None, 5_000, "BEST_CASE"),
        ("OPEN", None, 4_999, "PIPELINE"),
        ("OPEN", None, 0, "PIPELINE"),
        ("OPEN", None, None, "PIPELINE"),
    ],
)
def test_a_category_follows_outcome_then_owner_then_probability(scalar, outcome, said, hundredths, category):
    assert scalar(rules.forecast_category(text(outcome), text(said), number(hundredths), 50, 75)) == category


@pytest.mark.parametrize(
    ("sold", "won", "new", "counts"),
    [
        ("2025-06-01", "2025-05-31", True, True),
        ("2025-06-30", "2025-05-01", True, True),
        ("2025-05-31", "2025-05-01", True, False),
        ("2025-07-01", "2025-05-31", True, False),
        ("2025-01-15", "2024-12-31", True, True),
        ("2025-06-01", "2025-05-31", False, False),
        ("2025-06-01", "2025-05-31", None, False),
        ("2025-06-01", None, True, False),
    ],
)
def test_f7_revenue_counts_in_the_month_after_the_win(scalar, sold, won, new, counts):
    assert bool(scalar(rules.is_contribution(day(sold), day(won), flag(new)))) is counts


# Numbers


def test_f1_1_000_000_by_25_percent_by_80_percent_is_200_000():
    assert rules.forecast(Decimal(1_000_000), Fraction(25, 100), Fraction(80, 100)) == 200_000


def test_f1_a_missing_rate_gives_nothing_and_a_rate_of_0_gives_0():
    assert rules.forecast(Decimal(1_000_000), Fraction(25, 100), None) is None
    assert rules.forecast(Decimal(1_000_000), Fraction(0), Fraction(80, 100)) == 0


def test_f2_40_by_30_percent_is_12():
    assert rules.forecast(40, Fraction(30, 100)) == 12


@pytest.mark.parametrize(
    ("part", "whole", "found"),
    [
        (100_000, 400_000, "25.00"),  # F5
        (128_000, 160_000, "80.00"),  # F6
        (15, 50, "30.00"),  # F11
        (200_000, 500_000, "40.00"),  # F10
        (12, 20, "60.00"),  # O6
        (8, 14, "57.14"),  # O6
        (92, 90, "102.22"),  # G11
        (0, 50, "0.00"),
        (15, 0, None),
    ],
)
def test_rates_are_percentages_with_two_places(part, whole, found):
    assert rules.percent(part, whole) == (None if found is None else Decimal(found))


@pytest.mark.parametrize(
    ("value", "base", "found"),
    [
        (120, 100, "20.00"),
        (120, 96, "25.00"),
        (120, 0, None),
        (120, None, None),
        (None, 100, None),
        (50, -100, "150.00"),
    ],
)
def test_f8_growth_is_of_the_base_and_nothing_grows_from_0(value, base, found):
    given = [None if number is None else Decimal(number) for number in (value, base)]
    assert rules.growth(*given) == (None if found is None else Decimal(found))


def test_f12_the_trend_is_the_mean_of_the_last_three():
    assert rules.moving_average([90, 120, 150], 3) == 120
    assert rules.moving_average([1_000_000, 90, 120, 150], 3) == 120
    assert rules.moving_average([120, 150], 3) is None


def test_f10_a_stage_needs_the_gap_by_its_win_rate():
    assert rules.needed(Decimal(300_000), Decimal(50)) == 600_000
    assert rules.needed(Decimal(-1), Decimal(50)) == 0
    assert rules.needed(Decimal(300_000), Decimal(0)) is None
    assert rules.needed(Decimal(300_000), None) is None


@pytest.mark.parametrize(
    ("value", "places", "found"), [("0.005", 2, "0.01"), ("-0.005", 2, "-0.01"), ("0.0049", 2, "0.00"), ("2.5", 0, "3")]
)
def test_rounding_is_half_away_from_zero(value, places, found):
    assert str(rules.rounded(Decimal(value), places)) == found


def test_categories_build_on_each_other():
    amounts = {
        ForecastCategory.PIPELINE: Decimal(8),
        ForecastCategory.BEST_CASE: Decimal(4),
        ForecastCategory.COMMIT: Decimal(2),
        ForecastCategory.CLOSED: Decimal(1),
        ForecastCategory.OMITTED: Decimal(100),
    }
    assert [str(value) for value in rules.cumulative(amounts).values()] == ["1", "3", "7", "15"]
