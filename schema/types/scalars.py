"""The scalars: exact decimals, dates, moments, currency codes, JSON."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from core.base.clock import to_milliseconds
from core.base.errors import InputError
from core.base.money import exponent
from core.log.changes import shown

CurrencyCode = NewType("CurrencyCode", str)
JSON = NewType("JSON", object)

_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?")


def _decimal(value: Any) -> Decimal:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise GraphQLError(
            f'{value!r} is not an exact decimal: write text such as "1234.50", with at most 20 digits before '
            "and 12 after the point; a floating-point number is not exact"
        )
    return Decimal(text)


def _date(value: Any) -> date:
    try:
        found = date.fromisoformat(value)
    except (ValueError, TypeError):
        found = None
    if found is None or found.isoformat() != value:
        raise GraphQLError(f'{value!r} is not a date: write it as "2025-06-30"')
    return found


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise GraphQLError(f'{value!r} has no time zone: write it as "2025-06-30T08:00:00Z"')
        return to_milliseconds(moment.astimezone(UTC))
    except (ValueError, TypeError, OverflowError):
        raise GraphQLError(f'{value!r} is not a moment: write it as "2025-06-30T08:00:00Z"') from None


def _currency(value: Any) -> str:
    try:
        exponent(value)
    except (InputError, TypeError):
        raise GraphQLError(f"{value!r} is not a current ISO 4217 currency code, such as CNY, EUR or USD") from None
    return str(value)


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as text, such as "1234.50"; never a float, never NaN or infinite.',
        serialize=str,
        parse_value=_decimal,
    ),
    date: strawberry.scalar(
        name="Date",
        description='A date without time zone, as "2025-06-30".',
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=shown,
        parse_value=_date,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description='A moment in UTC with milliseconds, as "2025-06-30T08:00:00.000Z"; input needs a time zone.',
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=shown,
        parse_value=_moment,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description='An ISO 4217 currency code, such as "CNY".',
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        serialize=str,
        parse_value=_currency,
    ),
    JSON: strawberry.scalar(
        name="JSON", description="Any JSON value.", serialize=lambda value: value, parse_value=lambda value: value
    ),
}
