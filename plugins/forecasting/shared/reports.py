"""Building blocks of reports: conditions, keys of groups, moments of the pipeline, and results."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guanxi import Context, InputError, Money, Reject, UserError, sentence
from guanxi.calendar import Calendar
from guanxi.vocabulary import DateGrain, Outcome
from plugins.forecasting.shared.rules import rounded

WhereInput = Mapping[str, Any]
ReportKey = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of the pipeline.

    Attributes:
        moment: in the business.
        known_at: only what was recorded by then; None for all that is known today.
    """

    moment: datetime
    known_at: datetime | None = None

    def where(self) -> WhereInput:
        """The states that held at the moment."""
        lasts = {"or": [{"validUntil": {"isNull": True}}, {"validUntil": {"gt": self.moment}}]}
        return every({"validFrom": {"lte": self.moment}}, lasts, self.known())

    def known(self) -> WhereInput:
        """The states that were known."""
        if self.known_at is None:
            return {"supersededAt": {"isNull": True}}
        not_yet = [{"supersededAt": {"isNull": True}}, {"supersededAt": {"gt": self.known_at}}]
        return {"recordedAt": {"lte": self.known_at}, "or": not_yet}


def day_range(name: str, first: date, last: date) -> WhereInput:
    """A date field lies between two days, both included."""
    return {name: {"gte": first, "lte": last}}


def moment_range(calendar: Calendar, name: str, first: date, last: date) -> WhereInput:
    """A moment lies between two days, both included."""
    return {name: {"gte": calendar.start_of(first), "lte": calendar.end_of(last)}}


def is_open() -> WhereInput:
    """The state of an opportunity that is undecided."""
    return {"outcome": {"eq": Outcome.OPEN}}


def every(*conditions: WhereInput | None) -> WhereInput:
    """All of these that say something."""
    return {"and": [condition for condition in conditions if condition]}


def of_opportunity(*conditions: WhereInput | None) -> WhereInput | None:
    """The opportunity of a state or a sale meets these; nothing where none says anything."""
    said = [condition for condition in conditions if condition]
    return {"opportunity": {"and": said}} if said else None


def under(relation: str, by: Sequence[ReportKey]) -> list[ReportKey]:
    """Keys of a record, seen from one that leads to it."""
    return [{relation: key} for key in by]


def path_of(key: ReportKey) -> tuple[str, ...]:
    """The names that lead to a key's field."""
    ((name, rest),) = key.items()
    return (name, *path_of(rest)) if isinstance(rest, Mapping) else (name,)


def grain_of(key: ReportKey) -> DateGrain | None:
    """The grain of a key that is a date.

    Raises:
        InputError: it is not a key.
    """
    ((name, rest),) = key.items()
    if isinstance(rest, Mapping):
        return grain_of(rest)
    if rest is False:
        raise InputError(sentence("by.{name}: false groups by nothing; write true, or leave it out", name=name))
    return None if rest is True else DateGrain(rest)


def value_at(keys: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Returns the value of a group's keys at the end of a path."""
    found: Any = keys
    for name in path:
        found = None if found is None else found.get(name)
    return found


def mark(keys: Mapping[str, Any]) -> str:
    """The keys of a group as text, for comparison."""
    return json.dumps(keys, sort_keys=True, default=str)


def selected(key: ReportKey) -> str:
    """The selection of a key among the keys of a group."""
    ((name, rest),) = key.items()
    return f"{name} {{ {selected(rest)} }}" if isinstance(rest, Mapping) else name


def places(ctx: Context) -> int:
    """Decimal places of the reporting currency."""
    exponent = Money(Decimal(0), ctx.reporting_currency).amount.as_tuple().exponent
    return -int(exponent)


def money(ctx: Context, amount: Decimal | Fraction) -> Money:
    """An amount of the reporting currency, rounded to its decimal places."""
    return Money(rounded(amount, places(ctx)), ctx.reporting_currency)


def refuse(code: str, field: str, message: str) -> Reject:
    """The refusal of one input field."""
    return Reject(UserError(code, sentence("{field}: {message}", field=field, message=message), (field,)))
