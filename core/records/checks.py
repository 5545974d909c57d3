"""What columns take: limits of texts and numbers, the same for input and for what plugins write."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.base.clock import check_day
from core.base.errors import InputError, UserError
from core.base.text import camel
from core.records.columns import ColumnInfo, column_info
from core.records.record import Record

#: Longest text of a field that names no limit of its own.
LONGEST_TEXT = 20_000


def check_text(value: str, longest: int) -> None:
    """Refuses a text that is empty, too long, or contains what no database accepts.

    Raises:
        InputError: says which.
    """
    if len(value) > longest:
        raise InputError(f"{value[:40]!r}… has {len(value)} characters; at most {longest} are possible")
    if "\0" in value:
        raise InputError("the character NUL (U+0000) is not possible; leave it out")
    if not value.strip():
        raise InputError("it must not be empty; give a text")


def check_text_of(value: str, info: ColumnInfo) -> None:
    """Refuses a text that a column does not take.

    Raises:
        InputError: says why.
    """
    check_text(value, info.max_length or LONGEST_TEXT)
    if info.pattern and not re.fullmatch(info.pattern, value):
        raise InputError(f"{value!r} does not fit: {info.hint or f'it must match {info.pattern}'}")


def check_number_of(value: Any, info: ColumnInfo) -> None:
    """Refuses a number that a column does not take.

    Raises:
        InputError: says why.
    """
    if info.minimum is not None and value < info.minimum:
        raise InputError(f"{spelled(value)} is too small; the minimum is {spelled(info.minimum)}")
    if info.maximum is not None and value > info.maximum:
        raise InputError(f"{spelled(value)} is too large; the maximum is {spelled(info.maximum)}")


def spelled(number: Decimal | int) -> str:
    """A number as messages show it."""
    return f"{Decimal(number):f}"


def record_problems(record: Record, values: Mapping[str, Any]) -> Iterator[UserError]:
    """An error for each value that its column does not take, as input would be refused."""
    columns = type(record).__table__.columns
    for name, value in values.items():
        if name not in columns or value is None:
            continue
        info, kind = column_info(columns[name]), columns[name].info.get("kind")
        if info.internal or info.read_only:
            continue
        try:
            if kind is str:
                check_text_of(value, info)
            elif kind in (int, Decimal):
                check_number_of(value, info)
            elif kind in (date, datetime):
                check_day(value)
        except InputError as error:
            yield UserError("INVALID", f"{camel(name)}: {error.message}", (camel(name),), record)
