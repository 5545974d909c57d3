"""Queries of plugins that are prepared once and run as plain statements, without a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Dialect, Select, Table
from sqlalchemy.sql.visitors import iterate
from sqlmodel import Session

from core.base.calendar import Calendar
from core.db.transaction import DatabaseTransaction, Rows, SqlStatement
from core.db.types import Json, ListOf
from core.records.rows import POSTGRESQL, binder, dialect_of, quoted


class Prepared:
    """A query with binds: `Prepared(select(…).where(is_listed(column, "ids")))`; spelled once for each engine."""

    def __init__(self, query: Select[Any]) -> None:
        self._query = query
        self._spelled: dict[tuple[str, Calendar], _Spelled] = {}

    def on(self, transaction: DatabaseTransaction) -> "_Spelled":
        """It as the engine of a transaction takes it, with the days of the business."""
        key = transaction.dialect, transaction.calendar
        if key not in self._spelled:
            self._spelled[key] = _Spelled(self._query, *key)
        return self._spelled[key]

    def asked(self, **values: Any) -> "Question":
        """It with these values, as the hook `questions` names it."""
        return Question(self, values)

    def through(self, session: Session, values: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        """Its rows by the names of their columns, read by a session."""
        return [dict(row) for row in session.execute(self._query, dict(values)).mappings()]


@dataclass(frozen=True, slots=True)
class Question:
    """A query with the values it is asked with."""

    query: Prepared
    values: Mapping[str, Any]


class _Spelled:
    def __init__(self, query: Select[Any], engine: str, calendar: Calendar) -> None:
        self._query = query
        self._dialect = dialect = dialect_of(engine, calendar)
        compiled = _compiled(query, dialect)
        self._sql = str(compiled)
        self._fixed = dict(compiled.params)
        self._lists = [name for name, bind in compiled.binds.items() if isinstance(bind.type, ListOf)]
        self._binds = [
            (name, binder(compiled.binds[name].type, dialect) if name in compiled.binds else None)
            for name in compiled.positiontup
        ]
        #: Names of the tables it reads.
        self.tables = {quoted(engine, part.name) for part in iterate(query) if isinstance(part, Table)}
        self._keys = [str(column.key) for column in query.selected_columns]
        self._loads = [
            orjson.loads
            if isinstance(column.type, Json)
            else column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in query.selected_columns
        ]

    @cached_property
    def _sql_of_one(self) -> str:
        """Its text where each list has one value."""
        is_postgresql = self._dialect.name == POSTGRESQL
        return str(_compiled(self._query, self._dialect, is_single=True)) if is_postgresql else self._sql

    def statement(self, values: Mapping[str, Any]) -> SqlStatement:
        """The statement with these values."""
        given = {**self._fixed, **values}
        given |= {name: list(given[name] or ()) for name in self._lists}
        is_single = all(len(given[name]) == 1 for name in self._lists)
        return SqlStatement(
            self._sql_of_one if is_single else self._sql,
            [given[name] if bind is None else bind(given[name]) for name, bind in self._binds],
        )

    def mappings(self, rows: Rows) -> Sequence[dict[str, Any]]:
        """Rows by the names of their columns."""
        return [
            {
                key: value if load is None or value is None else load(value)
                for key, load, value in zip(self._keys, self._loads, row, strict=True)
            }
            for row in rows
        ]


def _compiled(query: Select[Any], dialect: Dialect, **options: bool) -> Any:
    return query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True, **options})
