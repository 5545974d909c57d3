"""What only one living record may have, declared with the record and kept by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
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
        message: what a second one is refused with: names of columns in braces, and `{twin}` for the id of the first.
        flag: only records for which this column is true count.
        name: of the index, where a record has several.
    """
    table = record.__table__
    record.__unique__ = (*record.__unique__, Uniqueness(columns, message, flag))
    conditions = ["deleted_at IS NULL"]
    conditions += ["is_old_twin IS NULL"] if "is_old_twin" in table.c else []
    conditions += [f"{flag} IS TRUE"] if flag else []
    where = text(" AND ".join(conditions))
    keys = [table.c[f"{column}_folded" if column in record.__folded__ else column] for column in columns]
    Index(f"uq_{table.name}_{name}", *keys, unique=True, sqlite_where=where, postgresql_where=where)
