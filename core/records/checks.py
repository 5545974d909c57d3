"""What columns take: limits of texts and numbers, the same for input and for what plugins write."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_origin
from unicodedata import category

from core.base.clock import check_day
from core.base.errors import InputError, UserError
from core.base.sentences import sentence
from core.base.settings import Settings
from core.base.text import camel
from core.records.columns import ColumnInfo, column_info
from core.records.record import Facet, Record

#: Longest text of a field that names no limit of its own.
LONGEST_TEXT = 20_000
#: The largest `Int` of GraphQL, which has 32 bits; the columns of whole numbers have more.
LARGEST_INT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Conventions:
    """What input means where it does not say so itself.

    Attributes:
        currency: of amounts.
        region: country of telephone numbers, by its two letters.
    """

    currency: str
    region: str

    @classmethod
    def of(cls, settings: Settings) -> "Conventions":
        """Those of the settings."""
        return cls(settings.reporting_currency, settings.phone_region)


#: Letters that are drawn as nothing, though they are neither space nor control characters.
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"


def is_visible(text: str) -> bool:
    """Whether a text has a character that can be seen."""
    # Nearly every text begins with a letter.
    return "!" <= text[:1] <= "~" or any(letter not in _BLANKS and category(letter)[0] not in "CZM" for letter in text)


def check_text(value: str, longest: int) -> None:
    """Refuses a text that is empty, too long, or contains what no database accepts.

    Raises:
        InputError: says which.
    """
    if len(value) > longest:
        raise InputError(
            sentence(
                "{value!r}… has {count} characters; at most {longest} are possible",
                value=value[:40],
                count=len(value),
                longest=longest,
            )
        )
    if "\0" in value:
        raise InputError(sentence("the character NUL (U+0000) is not possible; leave it out"))
    if not value.strip():
        raise InputError(sentence("it must not be empty; give a text"))
    if not is_visible(value):
        raise InputError(sentence("nothing of {value!a} can be seen; give a text", value=value[:40]))


def check_text_of(value: str, info: ColumnInfo, region: str) -> None:
    """Refuses a text that a column does not take; `region` is that of `Conventions`.

    Raises:
        InputError: says why.
    """
    check_text(value, info.max_length or LONGEST_TEXT)
    if info.pattern and not re.fullmatch(info.pattern, value):
        hint = info.hint or sentence("it must match {pattern}", pattern=info.pattern)
        raise InputError(sentence("{value!r} does not fit: {hint}", value=value, hint=hint))
    info.form.check(value, region)


def check_texts_of(values: Collection[str], info: ColumnInfo, region: str) -> None:
    """Refuses texts of which a column does not take one; they have no outer blanks.

    Raises:
        InputError: says why, of one of them.
    """
    longest = info.max_length or LONGEST_TEXT
    is_plain = (
        max(map(len, values), default=0) <= longest and "\0" not in "".join(values) and all(map(is_visible, values))
    )
    for value in () if is_plain and not info.pattern and not info.form.is_checked else values:
        check_text_of(value, info, region)


def check_number_of(value: Any, info: ColumnInfo) -> None:
    """Refuses a number that a column does not take, or that no answer could show.

    Raises:
        InputError: says why.
    """
    minimum, maximum = info.minimum, info.maximum
    if isinstance(value, int):
        minimum = -LARGEST_INT - 1 if minimum is None else minimum
        maximum = LARGEST_INT if maximum is None else maximum
    if minimum is not None and value < minimum:
        raise InputError(
            sentence(
                "{value} is too small; the minimum is {limit}",
                value=spelled(value),
                limit=spelled(minimum),
            )
        )
    if maximum is not None and value > maximum:
        raise InputError(
            sentence(
                "{value} is too large; the maximum is {limit}",
                value=spelled(value),
                limit=spelled(maximum),
            )
        )


def spelled(number: Decimal | int) -> str:
    """A number as messages show it."""
    return f"{Decimal(number):f}"


def row_problems(row: Record | Facet, values: Mapping[str, Any], region: str) -> Iterator[UserError]:
    """An error for each value that its column does not take, as input would be refused."""
    columns, moneys = type(row).__table__.columns, type(row).__money__
    for name, value in values.items():
        try:
            if value is None:
                continue
            if name in moneys:
                # Sums are kept in facets and in what input does not change.
                if isinstance(row, Record) and not row.__read_only__:
                    value.check_size()
                _check_stored(value.amount, Decimal, moneys[name].info, region)
            elif name in columns:
                _check_stored(value, columns[name].info.get("kind"), column_info(columns[name]), region)
        except InputError as error:
            yield UserError(
                "INVALID",
                sentence("{name}: {problem}", name=camel(name), problem=error.message),
                (camel(name),),
                row.record_id if isinstance(row, Facet) else row,
            )


def _check_stored(value: Any, kind: Any, info: ColumnInfo, region: str) -> None:
    if info.internal or info.read_only:
        return
    if kind is str:
        check_text_of(value, info, region)
    elif get_origin(kind) is list:
        for item in value:
            info.form.check(str(item), region)
    elif kind is int:
        check_number_of(value, info)
    elif kind is Decimal:
        # A hook may have written a whole number there.
        check_number_of(Decimal(value), info)
    elif kind in (date, datetime):
        check_day(value)
