"""Fiscal years, each known by the calendar year it begins in."""

from datetime import date, timedelta

from sqlalchemy import extract

from guanxi import Row
from guanxi.calendar import Calendar
from guanxi.sql import Expression, period_start

#: Years that records may be about.
FIRST_YEAR, LAST_YEAR = 1900, 2200


def days_of(calendar: Calendar, year: int) -> tuple[date, date]:
    """The first and the last day of a fiscal year."""
    first, after = (calendar.first_of(date(begins, 12, 31), "YEAR") for begins in (year, year + 1))
    return first, after - timedelta(days=1)


def year_of(calendar: Calendar, day: date) -> int:
    """The fiscal year of a day."""
    return calendar.first_of(day, "YEAR").year


def this_year(row: Row) -> Expression:
    """The fiscal year of the day of the request."""
    return fiscal_year(row.as_of)


def fiscal_year(day: Expression) -> Expression:
    """The fiscal year of a date in SQL."""
    return extract("year", period_start(day, "YEAR"))
