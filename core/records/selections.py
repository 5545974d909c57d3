"""Queries of plugins that are prepared once and run as plain statements, without a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Dialect, Select, TableClause, TextClause
from sqlalchemy.sql.visitors import iterate
from sqlmodel import Session

from core.base.calendar import Calendar
from core.db.engines import POSTGRESQL
from core.db.transaction import DatabaseTransaction, Rows, SqlStatement
from core.db.types import Json, ListOf
from core.records.rows import binder, dialect_of, quoted


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

    def asked(self, **values: Any) -> "PreparedQuestion":
        """It with these values, as the hook `questions` names it."""
        return PreparedQuestion(self, values)

    def through(self, session: Session, values: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        """Its rows by the names of their columns, read by a session."""
        return [dict(row) for row in session.execute(self._query, dict(values)).mappings()]


@dataclass(frozen=True, slots=True)
class PreparedQuestion:
    """A query with the values it is asked with."""

    query: Prepared
    values: Mapping[str, Any]


class _Spelled:
    def __init__(self, query: Select[Any], engine: str, calendar: Calendar) -> None:
        self._query = query
        self._dialect = dialect = dialect_of(engine, calendar)
        self._is_postgresql = engine == POSTGRESQL
        compiled = _compiled(query, dialect)
        self._lists = [name for name, bind in compiled.binds.items() if isinstance(bind.type, ListOf)]
        self._binds = {name: binder(bind.type, dialect) for name, bind in compiled.binds.items()}
        #: What is the same each time, as the engine takes it.
        self._fixed = {name: self._bound(name, value) for name, value in compiled.params.items()}
        self._text = str(compiled), compiled.positiontup
        parts = [*iterate(query)]
        is_known = not any(isinstance(part, TextClause) for part in parts)
        #: Names of the tables it reads; None where they are in SQL that is written as text.
        self.tables = (
            {quoted(engine, part.name) for part in parts if isinstance(part, TableClause)} if is_known else None
        )
        self._keys = [str(column.key) for column in query.selected_columns]
        self._loads = [
            orjson.loads
            if isinstance(column.type, Json)
            else column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in query.selected_columns
        ]

    @cached_property
    def _text_of_one(self) -> tuple[str, Sequence[str]]:
        """Its text where each list has one value, and the names of what that takes."""
        compiled = _compiled(self._query, self._dialect, is_single=True)
        return str(compiled), compiled.positiontup

    def _bound(self, name: str, value: Any) -> Any:
        bind = self._binds.get(name)
        return value if bind is None else bind(value)

    def statement(self, values: Mapping[str, Any]) -> SqlStatement:
        """The statement with these values."""
        bound = {**self._fixed, **{name: self._bound(name, value) for name, value in values.items()}}
        if self._is_postgresql and self._lists and all(len(bound[name]) == 1 for name in self._lists):
            sql, names = self._text_of_one
            bound |= {name: bound[name][0] for name in self._lists}
        else:
            sql, names = self._text
        return SqlStatement(sql, [bound[name] for name in names])

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
