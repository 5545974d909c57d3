"""Periods of every grain: where they begin and end, how they follow each other."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base import calendar
from core.base.calendar import PLAIN
from guanxi.vocabulary import DateGrain

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
GRAINS = st.sampled_from(list(DateGrain))


@given(DAYS, GRAINS)
def test_a_day_lies_in_one_period_and_periods_follow_each_other_without_a_gap(day, grain):
    start = PLAIN.first_of(day, grain)
    end = calendar.last_of(start, grain)
    assert start <= day <= end
    assert {PLAIN.first_of(start, grain), PLAIN.first_of(end, grain)} == {start}
    assert calendar.shifted(start, grain, 1) == end + timedelta(days=1)


@given(DAYS, GRAINS, st.integers(-40, 40))
def test_shifting_forth_and_back_leads_home(day, grain, number):
    start = PLAIN.first_of(day, grain)
    there = calendar.shifted(start, grain, number)
    assert PLAIN.first_of(there, grain) == there
    assert calendar.shifted(there, grain, -number) == start


@pytest.mark.parametrize(
    ("start", "grain", "before"),
    [
        ("2025-06-01", DateGrain.MONTH, "2024-06-01"),
        ("2025-04-01", DateGrain.QUARTER, "2024-04-01"),
        ("2025-01-01", DateGrain.YEAR, "2024-01-01"),
        ("2025-06-09", DateGrain.WEEK, "2024-06-10"),
        ("2024-02-29", DateGrain.DAY, "2023-02-28"),
        ("2025-03-31", DateGrain.DAY, "2024-03-31"),
    ],
)
def test_f8_the_period_a_year_before(start, grain, before):
    assert calendar.year_before(date.fromisoformat(start), grain) == date.fromisoformat(before)


def test_periods_between_two_days_are_those_that_hold_them_and_all_between():
    found = list(PLAIN.between(date(2024, 11, 15), date(2025, 2, 1), DateGrain.MONTH))
    assert [str(start) for start in found] == ["2024-11-01", "2024-12-01", "2025-01-01", "2025-02-01"]
    assert list(PLAIN.between(date(2025, 2, 2), date(2025, 2, 1), DateGrain.DAY)) == []
