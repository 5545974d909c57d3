"""Days and periods of the business in SQL: of which day a moment is, and when the period of a day begins."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Date, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from core.base.calendar import PLAIN, Calendar, offsets_of
from core.db.engines import SQLITE

#: A longer expression is more than a column, and is evaluated once for each moment.
_COLUMN = 60


class day_of(FunctionElement[Any]):  # noqa: N801  (SQL functions are written small)
    """`day_of(moment)`: the date of a moment, in the time zone of the business."""

    type = Date()
    inherit_cache = True


class period_start(FunctionElement[Any]):  # noqa: N801
    """`period_start(day, "QUARTER")`: the first day of the week, month, quarter or year a date lies in."""

    type = Date()
    inherit_cache = False

    def __init__(self, value: ColumnElement[Any], grain: str) -> None:
        self.grain = grain
        super().__init__(value)


def calendar_of(dialect: Dialect) -> Calendar:
    """The calendar of the business whose database a dialect spells SQL for."""
    return getattr(dialect, "calendar", PLAIN)


@compiles(day_of)
def _day_of(element: day_of, compiler: SQLCompiler, **kw: Any) -> str:
    (moment,) = (compiler.process(clause, **kw) for clause in element.clauses)
    zone = calendar_of(compiler.dialect).zone
    if compiler.dialect.name != SQLITE:
        return _postgresql_day(moment, zone)
    if zone == "UTC":
        return f"substr({moment}, 1, 10)"
    if len(moment) <= _COLUMN:
        return f"date({moment}, {_sqlite_offset(moment, zone)})"
    # With LIMIT it is a row of its own. Else SQLite would put the expression wherever the moment is compared.
    return f"(SELECT date(m, {_sqlite_offset('m', zone)}) FROM (SELECT {moment} AS m LIMIT 1))"


def _postgresql_day(moment: str, zone: str) -> str:
    if zone == "UTC":
        return f"CAST({moment} AT TIME ZONE 'UTC' AS DATE)"
    changes, offsets = _postgresql_offsets(zone)
    place = f"width_bucket({moment}, CAST('{{{changes}}}' AS timestamptz[])) + 1"
    return f"CAST({moment} AT TIME ZONE 'UTC' + (CAST('{{{offsets}}}' AS interval[]))[{place}] AS DATE)"


@lru_cache(100)
def _postgresql_offsets(zone: str) -> tuple[str, str]:
    offsets = offsets_of(zone)
    changes = ",".join(f"{since:%Y-%m-%dT%H:%MZ}" for since, _ in offsets.changes)
    return changes, ",".join(f"{_minutes(offset)}m" for offset in (offsets.first, *(to for _, to in offsets.changes)))


@lru_cache(200)
def _sqlite_offset(moment: str, zone: str) -> str:
    """The offset of a moment as a modifier of SQLite's `date`, found by halving the changes of the zone."""
    offsets = offsets_of(zone)

    def found(before: timedelta, changes: Sequence[tuple[datetime, timedelta]]) -> str:
        if not changes:
            return f"'{_minutes(before):+d} minutes'"
        middle = len(changes) // 2
        since, offset = changes[middle]
        # As text a moment is at or after the minute it begins with.
        earlier, later = found(before, changes[:middle]), found(offset, changes[middle + 1 :])
        return f"CASE WHEN {moment} < '{since:%Y-%m-%dT%H:%M}' THEN {earlier} ELSE {later} END"

    return found(offsets.first, offsets.changes)


def _minutes(offset: timedelta) -> int:
    return offset // timedelta(minutes=1)


#: The first day of a period of the calendar, on SQLite.
_SQLITE_START = {
    "DAY": "{0}",
    "WEEK": "date({0}, '-6 days', 'weekday 1')",
    "MONTH": "substr({0}, 1, 7) || '-01'",
    "QUARTER": "substr({0}, 1, 5) || substr('010101040404070707101010', 2 * substr({0}, 6, 2) - 1, 2) || '-01'",
    "YEAR": "substr({0}, 1, 4) || '-01-01'",
}


@compiles(period_start)
def _period_start(element: period_start, compiler: SQLCompiler, **kw: Any) -> str:
    (day,) = (compiler.process(clause, **kw) for clause in element.clauses)
    grain, is_sqlite = element.grain, compiler.dialect.name == SQLITE
    start = calendar_of(compiler.dialect).fiscal_year_start
    months = {"QUARTER": 3, "YEAR": 12}.get(grain)
    if months is not None and (start - 1) % months:
        month = f"substr({day}, 6, 2)" if is_sqlite else f"CAST(EXTRACT(MONTH FROM {day}) AS INTEGER)"
        since = f"({month} + {12 - start}) % {months}"
        if is_sqlite:
            return f"date({day}, 'start of month', '-' || ({since}) || ' months')"
        return f"CAST(date_trunc('month', {day}) - make_interval(months => {since}) AS DATE)"
    if is_sqlite:
        return _SQLITE_START[grain].format(day)
    return day if grain == "DAY" else f"CAST(date_trunc('{grain.lower()}', {day}) AS DATE)"
