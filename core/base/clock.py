"""The source of time. Rules take `as_of`; only the edge of the program asks a clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol


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
        return to_milliseconds(datetime.now(UTC))

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
