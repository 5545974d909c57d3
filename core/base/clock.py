"""The source of time. Rules take `as_of`; only the edge of the program asks a clock."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from core.base.errors import InputError

#: Days that anything happens on. Before and after them is room for what is reckoned from them, such as a year earlier.
EARLIEST, LATEST = date(1000, 1, 1), date(2999, 12, 31)


def check_day(value: date) -> None:
    """Refuses a day, or a moment, with which nothing can be reckoned.

    Raises:
        InputError: it is outside `EARLIEST` to `LATEST`.
    """
    day = value.date() if isinstance(value, datetime) else value
    if not EARLIEST <= day <= LATEST:
        raise InputError(f"{day} is outside {EARLIEST} to {LATEST}; leave it out if it means without end")


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in UTC, truncated to the milliseconds that are stored and shown."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Clock(Protocol):
    """Gives the moment and the business date."""

    def now(self) -> datetime:
        """The moment, aware, in UTC, in whole milliseconds."""
        ...

    def today(self) -> date:
        """The business date."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        # Every request asks, and to cut off what is finer takes twice as long.
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)

    def today(self) -> date:
        return self.now().date()


@dataclass
class FixedClock:
    """A clock that stands still until it is set, for tests and for queries as of another day."""

    moment: datetime

    def now(self) -> datetime:
        return to_milliseconds(self.moment)

    def today(self) -> date:
        return self.now().date()
