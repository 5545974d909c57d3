"""The business calendar: of which day a moment is, and when weeks, months, quarters and years begin."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_DAYS = {"DAY": 1, "WEEK": 7}
_A_YEAR_OF_WEEKS = timedelta(weeks=52)

#: Between these moments clocks are set forward and back as the time zone database says; before and after them a zone
#: keeps the time it has there. SQL and Python go by the same table.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
#: Files next to the zones of a machine that are another zone on each, or none.
_MEANT_LOCALLY = frozenset({"localtime", "posixrules", "Factory"})
#: No zone sets its clocks twice within so short a time and back again.
_STEP = timedelta(days=7)
_SECOND = timedelta(seconds=1)


@lru_cache(1_000)
def zone_of(name: str) -> tzinfo:
    """The time zone of a name such as Europe/Berlin.

    Raises:
        ValueError: there is none of this name.
    """
    if name == "UTC":
        return UTC
    try:
        if name in _MEANT_LOCALLY:
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; give one such as Europe/Berlin, Asia/Shanghai or UTC") from None


@dataclass(frozen=True, slots=True)
class Offsets:
    """What is to be added to UTC for the time of a zone.

    Attributes:
        first: before the first change.
        changes: the moments at which it changes, in UTC, and what it is from then on.
    """

    first: timedelta
    changes: tuple[tuple[datetime, timedelta], ...]

    def at(self, moment: datetime) -> timedelta:
        """The offset at a moment."""
        place = bisect_right(self.changes, moment, key=lambda change: change[0])
        return self.changes[place - 1][1] if place else self.first


@lru_cache(100)
def offsets_of(name: str) -> Offsets:
    """The offsets of a time zone from 1900 to 2100."""
    zone = zone_of(name)

    def offset(moment: datetime) -> timedelta:
        # Some zones kept the seconds of their local mean time; days begin at whole minutes here.
        exact = moment.astimezone(zone).utcoffset() or timedelta()
        return timedelta(minutes=exact // timedelta(minutes=1))

    changes = []
    start, held = _FIRST, offset(_FIRST)
    first = held
    while start < _LAST:
        end = start + _STEP
        if offset(end) == held:
            start = end
            continue
        while end - start > _SECOND:
            middle = start + (end - start) // 2
            middle -= timedelta(microseconds=middle.microsecond)
            if middle <= start:
                break
            start, end = (middle, end) if offset(middle) == held else (start, middle)
        held = offset(end)
        changes.append((end, held))
        start = end
    return Offsets(first, tuple(changes))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days and periods of a business.

    Attributes:
        zone: name of the time zone its days begin in.
        fiscal_year_start: month its fiscal year begins with; quarters follow it.
    """

    zone: str = "UTC"
    fiscal_year_start: int = 1

    @property
    def tzinfo(self) -> tzinfo:
        """Its time zone."""
        return zone_of(self.zone)

    def day_of(self, moment: datetime) -> date:
        """The business day of a moment."""
        if self.zone == "UTC":
            return moment.astimezone(UTC).date()
        moment = moment.astimezone(UTC)
        return (moment + offsets_of(self.zone).at(moment)).date()

    def start_of(self, day: date) -> datetime:
        """The moment a business day begins, in UTC; where clocks skip its midnight, its first moment."""
        midnight = datetime.combine(day, time(), UTC)
        if self.zone == "UTC":
            return midnight
        offsets = offsets_of(self.zone)
        around = {offsets.at(midnight - timedelta(days=1)), offsets.at(midnight + timedelta(days=1))}
        found = [midnight - offset for offset in around if offsets.at(midnight - offset) == offset]
        if found:
            return min(found)
        # Its midnight does not exist: it begins when the clocks are set forward.
        return max(since for since, _ in offsets.changes if since <= midnight - min(around))

    def end_of(self, day: date) -> datetime:
        """The last moment of a business day that can be stored, in UTC."""
        return self.start_of(day + timedelta(days=1)) - timedelta(milliseconds=1)

    def first_of(self, day: date, grain: str) -> date:
        """The first day of the period a day lies in; weeks begin on Monday, years as the fiscal year does."""
        if grain == "DAY":
            return day
        if grain == "WEEK":
            return day - timedelta(days=day.weekday())
        months = _MONTHS[grain]
        since = (day.month - self.fiscal_year_start) % months
        years, month = divmod(day.year * 12 + day.month - 1 - since, 12)
        return date(years, month + 1, 1)

    def between(self, first: date, last: date, grain: str) -> Iterator[date]:
        """The first days of the periods from the one that holds the first day to the one that holds the last."""
        start = self.first_of(first, grain)
        while start <= last:
            yield start
            start = shifted(start, grain, 1)


#: The calendar without settings.
PLAIN = Calendar()


def shifted(start: date, grain: str, periods: int) -> date:
    """The first day of the period so many later, or earlier where the number is negative."""
    if grain in _DAYS:
        return start + timedelta(days=_DAYS[grain] * periods)
    years, month = divmod(start.year * 12 + start.month - 1 + _MONTHS[grain] * periods, 12)
    return date(years, month + 1, 1)


def last_of(start: date, grain: str) -> date:
    """The last day of the period that begins on a day."""
    return shifted(start, grain, 1) - timedelta(days=1)


def year_before(start: date, grain: str) -> date:
    """The first day of the period to compare with in the year before: of weeks the one 52 weeks earlier."""
    if grain == "WEEK":
        return start - _A_YEAR_OF_WEEKS
    if (start.month, start.day) == (2, 29):
        return date(start.year - 1, 2, 28)
    return start.replace(year=start.year - 1)
