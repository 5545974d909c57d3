"""Days, weeks, months, quarters and years: when they begin, how they follow each other, which one was a year before."""

from collections.abc import Iterator
from datetime import date, timedelta

from guanxi.vocabulary import DateGrain

_MONTHS = {DateGrain.MONTH: 1, DateGrain.QUARTER: 3, DateGrain.YEAR: 12}
_DAYS = {DateGrain.DAY: 1, DateGrain.WEEK: 7}
_A_YEAR_OF_WEEKS = timedelta(weeks=52)


def first_of(day: date, grain: DateGrain) -> date:
    """The first day of the period a day lies in; weeks begin on Monday."""
    if grain is DateGrain.DAY:
        return day
    if grain is DateGrain.WEEK:
        return day - timedelta(days=day.weekday())
    months = _MONTHS[grain]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def shifted(start: date, grain: DateGrain, periods: int) -> date:
    """The first day of the period so many later, or earlier where the number is negative."""
    if grain in _DAYS:
        return start + timedelta(days=_DAYS[grain] * periods)
    years, month = divmod(start.year * 12 + start.month - 1 + _MONTHS[grain] * periods, 12)
    return date(years, month + 1, 1)


def last_of(start: date, grain: DateGrain) -> date:
    """The last day of the period that begins on a day."""
    return shifted(start, grain, 1) - timedelta(days=1)


def year_before(start: date, grain: DateGrain) -> date:
    """The first day of the period to compare with in the year before: of weeks the one 52 weeks earlier."""
    if grain is DateGrain.WEEK:
        return start - _A_YEAR_OF_WEEKS
    if (start.month, start.day) == (2, 29):
        return date(start.year - 1, 2, 28)
    return start.replace(year=start.year - 1)


def between(first: date, last: date, grain: DateGrain) -> Iterator[date]:
    """The first days of the periods from the one that holds the first day to the one that holds the last."""
    start = first_of(first, grain)
    while start <= last:
        yield start
        start = shifted(start, grain, 1)
