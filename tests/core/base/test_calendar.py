"""The business calendar: days of a time zone, and periods of a fiscal year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.base.calendar import Calendar, last_of, shifted, zone_of

# Half hours, a midnight that clocks skip, a day that never was, a date line, and DST of both halves of the year.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Havana",
    "Africa/Casablanca",
]
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(1950, 1, 1), datetime(2099, 12, 30), timezones=st.just(UTC))
days = st.dates(date(1950, 1, 1), date(2099, 12, 30))


@given(zones, moments)
@example("America/Sao_Paulo", datetime(2026, 3, 1, 1, 17, tzinfo=UTC))
def test_the_day_of_a_moment_is_that_of_the_zone(zone, moment):
    assert Calendar(zone).day_of(moment) == moment.astimezone(zone_of(zone)).date()


@given(zones, days)
@example("Pacific/Apia", date(2011, 12, 29))
@example("America/Sao_Paulo", date(2018, 11, 4))
@example("America/Havana", date(2024, 3, 10))
def test_a_day_begins_when_the_one_before_has_ended(zone, day):
    calendar = Calendar(zone)
    start = calendar.start_of(day)
    assert calendar.day_of(start) >= day
    assert calendar.day_of(start - timedelta(milliseconds=1)) < day
    assert calendar.end_of(day - timedelta(days=1)) < start


def test_a_midnight_that_clocks_skip_is_the_moment_they_are_set():
    assert Calendar("America/Sao_Paulo").start_of(date(2018, 11, 4)) == datetime(2018, 11, 4, 3, tzinfo=UTC)
    # In Samoa the 30th of December 2011 never was.
    assert Calendar("Pacific/Apia").start_of(date(2011, 12, 31)) == datetime(2011, 12, 30, 10, tzinfo=UTC)


@given(st.integers(1, 12), days, st.sampled_from(["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]))
def test_every_day_is_in_one_period(start, day, grain):
    first = Calendar(fiscal_year_start=start).first_of(day, grain)
    assert first <= day <= last_of(first, grain)
    assert Calendar(fiscal_year_start=start).first_of(shifted(first, grain, 1), grain) == shifted(first, grain, 1)


def test_quarters_and_years_follow_the_fiscal_year():
    april = Calendar(fiscal_year_start=4)
    assert april.first_of(date(2025, 3, 31), "YEAR") == date(2024, 4, 1)
    assert april.first_of(date(2025, 4, 1), "YEAR") == date(2025, 4, 1)
    assert april.first_of(date(2025, 2, 1), "QUARTER") == date(2025, 1, 1)
    assert Calendar(fiscal_year_start=2).first_of(date(2025, 1, 31), "QUARTER") == date(2024, 11, 1)


def test_a_zone_that_is_none_is_refused_with_an_example():
    with pytest.raises(ValueError, match=r"'Mars/Olympus' is not a time zone; give one such as Europe/Berlin"):
        zone_of("Mars/Olympus")
    with pytest.raises(ValueError, match=r"'localtime' is not a time zone"):
        zone_of("localtime")
    assert zone_of("Europe/Berlin") == ZoneInfo("Europe/Berlin")
