"""The source of time. Rules take `as_of`; only the edge of the program asks a clock."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from time import time_ns
from typing import Protocol

from core.base.calendar import Calendar, zone_of
from core.base.errors import InputError
from core.base.sentences import sentence

#: Days that anything happens on. Before and after them is room for what is reckoned from them, such as a year earlier.
EARLIEST, LATEST = date(1000, 1, 1), date(2999, 12, 31)


def check_day(value: date) -> None:
    """Refuses a day, or a moment, with which nothing can be reckoned.

    Raises:
        InputError: it is outside `EARLIEST` to `LATEST`.
    """
    day = value.date() if isinstance(value, datetime) else value
    if not EARLIEST <= day <= LATEST:
        raise InputError(
            sentence(
                "{day} is outside {earliest} to {latest}; leave it out if it means without end",
                day=day,
                earliest=EARLIEST,
                latest=LATEST,
            )
        )


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC, truncated to the milliseconds that are stored and shown."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Clock(Protocol):
    """Gives the moment."""

    def now(self) -> datetime:
        """The moment, aware, in UTC, in whole milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        # Every request asks, and to cut off what is finer takes twice as long.
        return datetime.fromtimestamp(time_ns() // 1_000_000 / 1000, UTC)


@dataclass
class FixedClock:
    """A clock that stands still until it is set, for tests and for queries as of another day."""

    moment: datetime

    def now(self) -> datetime:
        return to_milliseconds(self.moment)


@dataclass(frozen=True, slots=True)
class BusinessClock:
    """A clock that knows what day it is.

    Attributes:
        source: of the moment.
        calendar: of the business: of which day a moment is, and when periods begin.
        caller_zone: the time zone of who asks, where it is another than that of the business.
    """

    source: Clock
    calendar: Calendar
    caller_zone: str | None = None

    @property
    def zone(self) -> tzinfo:
        """The time zone whose day it is."""
        return zone_of(self.caller_zone or self.calendar.zone)

    def now(self) -> datetime:
        """The moment, aware, in UTC, in whole milliseconds."""
        return self.source.now()

    def today(self) -> date:
        """The day it is where the caller is, or else in the time zone of the business."""
        return self.now().astimezone(self.zone).date()

    def of(self, caller_zone: str | None) -> "BusinessClock":
        """The same clock for a caller of a time zone."""
        return self if caller_zone == self.caller_zone else replace(self, caller_zone=caller_zone)

    def at_end_of(self, day: date) -> "BusinessClock":
        """A clock that stands still at the end of another day."""
        return replace(self, source=FixedClock(datetime.combine(day, time.max, self.zone)))
