"""Converts what is in a source to what a field takes: dates, numbers, money, lists, by the kind of the field."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any

from core.base.clock import to_milliseconds
from core.base.errors import InputError
from core.base.money import exponent
from core.base.sentences import sentence
from schema.catalog.attached_kinds import TagsKind
from schema.catalog.kind import Kind
from schema.catalog.kinds import (
    BooleanKind,
    ChoiceKind,
    DateKind,
    DecimalKind,
    IntKind,
    ListKind,
    MomentKind,
    MoneyKind,
    TextKind,
)


@dataclass(frozen=True, slots=True)
class Format:
    """How the values of one field are written in the source.

    Attributes:
        date: the form of dates and moments as `strptime` takes it; None means ISO 8601.
        timezone: where moments are that name no zone.
        thousands: what separates groups of three digits.
        decimal: what separates the decimal places.
        times: what numbers are multiplied by.
        round: whether money is rounded to the places of its currency, half to even.
        split: what separates the items of a list; None makes a list of one.
    """

    date: str | None = None
    timezone: tzinfo = UTC
    thousands: str | None = None
    decimal: str = "."
    times: Decimal = Decimal(1)
    round: bool = False
    split: str | None = None


ISO = Format()

#: Which settings of a format mean something for which kind.
SETTINGS: tuple[tuple[type[Kind], tuple[str, ...]], ...] = (
    (DateKind, ("date",)),
    (MomentKind, ("date", "timezone")),
    (IntKind, ("thousands", "decimal", "times")),
    (DecimalKind, ("thousands", "decimal", "times")),
    (MoneyKind, ("thousands", "decimal", "times", "round", "currency", "currency_column")),
    (ListKind, ("split",)),
    (TagsKind, ("split",)),
)


def as_text(value: Any) -> str:
    """A value as text: numbers and truth values as JSON writes them, dates in ISO 8601.

    Raises:
        InputError: it is a list.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | Decimal):
        return str(value)
    raise InputError(
        sentence("{value!r} is not a single value; only a field that is a list takes several", value=value)
    )


def convert(kind: Kind, value: Any, format: Format, currency: str | None = None) -> Any:
    """A value of the source as a field of this kind takes it.

    Args:
        kind: of the field.
        value: text, or what JSON or TOML has in its place.
        format: how it is written.
        currency: of money; None is the reporting currency.

    Raises:
        InputError: it is not what the field takes; the message says what that is.
    """
    if isinstance(kind, ListKind | TagsKind):
        item = kind.item if isinstance(kind, ListKind) else TextKind()
        return [convert(item, part, format) for part in parts(value, format)]
    if isinstance(kind, MoneyKind):
        return {"amount": _number(as_text(value), format), "currency": currency}
    convert_one = next((found for type_, found in _CONVERSIONS if isinstance(kind, type_)), None)
    return as_text(value) if convert_one is None else convert_one(kind, value, format)


def parts(value: Any, format: Format) -> list[Any]:
    """The items of a list as it is in the source: JSON's own, or a text split."""
    if isinstance(value, list):
        return value
    parts = as_text(value).split(format.split) if format.split else [as_text(value)]
    return [part.strip() for part in parts if part.strip()]


_TRUTH: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _boolean(kind: Any, value: Any, format: Format) -> bool:
    found = _TRUTH.get(as_text(value).lower())
    if found is None:
        raise InputError(
            sentence(
                "{value!r} is neither true nor false; translate it, as in map = {{ Y = true, N = false }}", value=value
            )
        )
    return found


def _choice(kind: ChoiceKind, value: Any, format: Format) -> StrEnum:
    try:
        return kind.enum(as_text(value))
    except ValueError:
        raise InputError(
            sentence(
                '{value!r} is none of {known}; translate it with a map, as in map = {{ "{as_text}" = "{next}" }}',
                value=value,
                known=list(kind.enum),
                as_text=as_text(value),
                next=next(iter(kind.enum)),
            )
        ) from None


def _date(kind: Any, value: Any, format: Format) -> date:
    try:
        if format.date is not None:
            return datetime.strptime(as_text(value), format.date).date()
        return date.fromisoformat(as_text(value))
    except ValueError:
        raise InputError(_no_date(value, format, "2025-06-30", "%d.%m.%Y")) from None


def _moment(kind: Any, value: Any, format: Format) -> datetime:
    text = as_text(value)
    try:
        moment = datetime.fromisoformat(text) if format.date is None else datetime.strptime(text, format.date)
        return to_milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=format.timezone))
    except (ValueError, OverflowError):
        raise InputError(_no_date(value, format, "2025-06-30T08:00:00Z", "%d.%m.%Y %H:%M")) from None


def _no_date(value: Any, format: Format, iso: str, example: str) -> str:
    if format.date is not None:
        return f"{value!r} is not a date written as {format.date}; fix it, or its date in the mapping"
    return f'{value!r} is not a date written as {iso}; fix it, or say how it is written, as in date = "{example}"'


def _number(text: str, format: Format) -> Decimal:
    """An exact number; groups are checked, so that 1,5 is never taken for 15."""
    groups = f"[0-9]{{1,3}}(?:{re.escape(format.thousands)}[0-9]{{3}})+|" if format.thousands else ""
    match = re.fullmatch(
        f"([+-]?)((?:{groups}[0-9]+))(?:{re.escape(format.decimal)}([0-9]+))?(?:[eE]([+-]?[0-9]{{1,2}}))?", text.strip()
    )
    if match is None or len(text) > _LONGEST_NUMBER:
        written = "".join(["1", format.thousands or "", "234", format.decimal, "5"])
        has_separators = re.fullmatch(r"[+-]?[0-9][0-9.,' ]*[0-9]", text.strip()) is not None
        remedy = 'say how it is, as in thousands = ".", decimal = ","' if has_separators else "fix it"
        raise InputError(
            sentence(
                "{text!r} is not a number written as {written}; {remedy}", text=text, written=written, remedy=remedy
            )
        )
    sign, whole, places, power = match.groups()
    digits = whole.replace(format.thousands, "") if format.thousands else whole
    number = Decimal(f"{sign}{digits}.{places or 0}e{power or 0}") * format.times
    # Without its trailing zeros a number fits every field it is exact enough for.
    return Decimal(int(number)) if number == number.to_integral_value() else number.normalize()


def rounded(money: Mapping[str, Any], reporting_currency: str, format: Format) -> tuple[dict[str, Any], str | None]:
    """Money with the places of its currency, and what was rounded, if anything was.

    Args:
        money: amount and currency, as `convert` gives them.
        reporting_currency: that of money without a currency.
        format: whether it may be rounded.

    Raises:
        InputError: it has more places and may not be rounded.
    """
    currency = money["currency"] or reporting_currency
    places = exponent(currency)
    amount: Decimal = money["amount"]
    whole = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    if whole == amount:
        return dict(money), None
    if not format.round:
        raise InputError(
            f"{amount:f} has more than the {places} decimal places of {currency}; fix it, or write round = true, "
            "which rounds it half to even"
        )
    return {**money, "amount": whole}, f"{amount:f} {currency} was rounded to {whole:f}"


#: Longer ones, multiplied, would pass the 28 digits to which decimal arithmetic is exact.
_LONGEST_NUMBER = 20


def _whole(kind: Any, value: Any, format: Format) -> int:
    number = _number(as_text(value), format)
    if number != number.to_integral_value():
        raise InputError(sentence("{value!r} is not a whole number", value=value))
    return int(number)


def _decimal(kind: Any, value: Any, format: Format) -> Decimal:
    return _number(as_text(value), format)


_CONVERSIONS: tuple[tuple[type[Kind], Callable[[Any, Any, Format], Any]], ...] = (
    (BooleanKind, _boolean),
    (ChoiceKind, _choice),
    (DateKind, _date),
    (MomentKind, _moment),
    (IntKind, _whole),
    (DecimalKind, _decimal),
)
