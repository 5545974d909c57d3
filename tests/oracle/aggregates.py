"""Aggregates of rows, and groups of rows."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from tests.oracle.records import REPORTING, Money, Records, Row, fold
from tests.oracle.shapes import Kind

#: Places to which the average of whole numbers is worked out.
_AVERAGE_OF_WHOLE = Decimal("0.0001")


def aggregated(function: str, kind: Kind, rows: Sequence[Row], field: str) -> Any:
    """One aggregate of a field, null values left out; None where nothing is left."""
    values = [row[field] for row in rows if row[field] is not None]
    if kind is Kind.MONEY:
        return _of_money(function, values)
    if not values:
        return None
    if function in ("min", "max"):
        return (min if function == "min" else max)(values)
    if function == "sum":
        return sum(map(Decimal, values), Decimal(0))
    places = _AVERAGE_OF_WHOLE if kind is Kind.INT else Decimal(1).scaleb(values[0].as_tuple().exponent)
    return _mean(values, places)


def _mean(values: Sequence[Any], places: Decimal) -> Decimal:
    """The mean, half away from zero."""
    with localcontext(prec=60):
        return (sum(map(Decimal, values), Decimal(0)) / len(values)).quantize(places, ROUND_HALF_UP)


def _of_money(function: str, values: Sequence[Money]) -> Any:
    """An aggregate of money, in the reporting currency."""
    amounts = [value.reporting for value in values]
    if function == "sum":
        # The sum of nothing is nothing, not unknown.
        return _in_reporting_currency(sum(amounts, Decimal("0.00")))
    if not amounts:
        return None
    if function == "avg":
        return _in_reporting_currency(_mean(amounts, Decimal("0.01")))
    return _in_reporting_currency((min if function == "min" else max)(amounts))


def _in_reporting_currency(amount: Decimal) -> Money:
    return Money(amount, REPORTING, amount)


def per_currency(rows: Sequence[Row], field: str) -> list[Money]:
    """The sums of each currency, in the order of their codes."""
    values = [row[field] for row in rows if row[field] is not None]
    return [
        Money(
            sum((value.amount for value in values if value.currency == currency), Decimal(0)),
            currency,
            sum((value.reporting for value in values if value.currency == currency), Decimal(0)),
        )
        for currency in sorted({value.currency for value in values})
    ]


# Groups

Way = tuple[str, ...]


def period_start(day: date, grain: str) -> date:
    """The first day of the period a day lies in."""
    return {
        "DAY": day,
        "WEEK": day - timedelta(days=day.weekday()),
        "MONTH": day.replace(day=1),
        "QUARTER": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "YEAR": day.replace(month=1, day=1),
    }[grain]


def group_key(records: Records, row: Row | None, way: Way, asked: Any) -> Any:
    """The value of a key on a row, across to-one relations."""
    for step in way[:-1]:
        row = None if row is None else records.to_one(row, step)
    value = None if row is None else row[way[-1]]
    if value is None or asked is True:
        return value
    return period_start(value.date() if isinstance(value, datetime) else value, asked)


def way_to(part: Mapping[str, Any]) -> tuple[Way, Any]:
    """The way to a key written as nested objects of one key, and what stands at its end."""
    ((name, inner),) = part.items()
    if not isinstance(inner, Mapping):
        return (name,), inner
    way, end = way_to(inner)
    return (name, *way), end


def grouped(records: Records, rows: Sequence[Row], keys: Sequence[tuple[Way, Any]]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by the values of their keys; of texts that are equal without case, the first by its letters."""
    found: dict[tuple[Any, ...], list[tuple[tuple[Any, ...], Row]]] = {}
    for row in rows:
        values = tuple(group_key(records, row, way, asked) for way, asked in keys)
        alike = tuple(fold(value) if isinstance(value, str) else value for value in values)
        found.setdefault(alike, []).append((values, row))
    return {
        tuple(
            None if several[0] is None else min(several)
            for several in zip(*(values for values, _ in group), strict=True)
        ): [row for _, row in group]
        for group in found.values()
    }
