"""What only one living record may have, declared with the record and kept by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from sqlalchemy import Index, text


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """What only one living record may have: see `one_living`."""

    columns: Sequence[str]
    message: str
    flag: str | None


def one_living(record: type[Any], *columns: str, message: str, flag: str | None = None, name: str = "live") -> None:
    """Lets only one of the living records have these values; the unit of work says so, and the database keeps it.

    Those that had them in common before it was kept are marked by `is_old_twin`, where the record has that column, and
    left as they are.

    Args:
        record: which ones.
        columns: what only one may have; records without one of the values do not count. Texts are compared as filters
            compare them.
        message: what a second one is refused with, after the name of the field: of these columns in braces the values,
            and `{twin}` for the id of the first.
        flag: only records for which this column is true count.
        name: of the index, where a record has several.

    Raises:
        TypeError: the record has no such column, or the message names what it is not given.
    """
    table = record.__table__
    unknown = [column for column in (*columns, *([flag] if flag else ())) if column not in table.c]
    if unknown or not columns:
        missing = ", ".join(unknown) or "none"
        raise TypeError(
            f"one_living({record.__name__}): {missing} is not a column; available: {', '.join(table.c.keys())}"
        )
    places = {place for _, place, _, _ in Formatter().parse(message) if place is not None}
    if strange := places - {"twin", *columns}:
        raise TypeError(
            f"one_living({record.__name__}): the message names {', '.join(sorted(strange))}; "
            f"it may name {', '.join(('twin', *columns))}"
        )
    record.__unique__ = (*record.__unique__, Uniqueness(columns, message, flag))
    conditions = ["deleted_at IS NULL"]
    conditions += ["is_old_twin IS NULL"] if "is_old_twin" in table.c else []
    conditions += [f"{flag} IS TRUE"] if flag else []
    where = text(" AND ".join(conditions))
    keys = [table.c[f"{column}_folded" if column in record.__folded__ else column] for column in columns]
    Index(f"uq_{table.name}_{name}", *keys, unique=True, sqlite_where=where, postgresql_where=where)
