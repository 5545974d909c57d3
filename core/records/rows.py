"""Rows of a table class as statements of one engine: what is known of it before any request, prepared once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from operator import itemgetter, methodcaller
from typing import Any

import orjson
from sqlalchemy import Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.orm import InstanceState, configure_mappers
from sqlalchemy.orm.base import DEFAULT_STATE_ATTR
from sqlalchemy.types import TypeDecorator

from core.base.calendar import PLAIN, Calendar
from core.db.engines import POSTGRESQL
from core.db.transaction import Rows, SqlStatement, among, listed, mark
from core.db.types import Json, ListOf, Text, Timestamp
from core.records.record import Table, new_values

#: With so many rows, one value in a whole column is hardly a coincidence.
_MANY = 50
#: The position of a row among those that are looked for; no column has this name.
_NUMBER = "_number"

RowValues = Mapping[str, Any]

#: Values of several rows by the names of columns.
ByColumn = Mapping[str, Sequence[Any]]


@lru_cache(100)
def dialect_of(engine: str, calendar: Calendar = PLAIN) -> Dialect:
    """The SQLAlchemy dialect whose spelling the drivers understand, with the days and periods of a business."""
    made: Any = asyncpg.dialect() if engine == POSTGRESQL else sqlite.dialect(paramstyle="qmark")  # type: ignore[no-untyped-call]
    made.calendar = calendar
    return made  # type: ignore[no-any-return]


@lru_cache(10_000)
def quoted(engine: str, name: str) -> str:
    """The name of a table or column as an engine takes it."""
    return dialect_of(engine).identifier_preparer.quote(name)


class TableRows:
    """The rows of one table class.

    Attributes:
        names: of its columns, in order.
        plain_names: the same without the companions of texts.
        key: names of the columns of its primary key.
    """

    def __init__(self, kind: type[Table], engine: str) -> None:
        dialect = dialect_of(engine)
        columns = list(kind.__table__.columns)
        quote = dialect.identifier_preparer.quote
        self.kind = kind
        self.names = tuple(column.key for column in columns)
        companions = {companion.name for companion in kind.__companions__}
        self.plain_names = tuple(name for name in self.names if name not in companions)
        self.key = tuple(column.key for column in kind.__table__.primary_key.columns)
        self._is_postgresql = engine == POSTGRESQL
        self._engine, self._first = engine, mark(engine, 1)
        self._table = quote(kind.__table__.name)
        self._quoted = {column.key: quote(column.name) for column in columns}
        self._types = {column.key: _sql_type(column.type, dialect) for column in columns}
        self._json = {column.key for column in columns if isinstance(column.type, Json)}
        self._binds = {column.key: bind for column in columns if (bind := binder(column.type, dialect)) is not None}
        # Binding texts does nothing but refuse what no text may hold, which is looked for in all of them at once.
        self._texts = {column.key for column in columns if isinstance(column.type, Text)}
        # Of two rows none shares a list with the other.
        self._loads = [
            (place, load, column.key not in self._json)
            for place, column in enumerate(columns)
            if (load := _loader(column.type, dialect)) is not None
        ]
        # A stored row is not a new one: it has all of its values, and no defaults. Nothing constructs it, which would
        # else have SQLAlchemy make its attributes readable.
        configure_mappers()
        self._manager = kind.__mapper__.class_manager  # type: ignore[attr-defined]  # mapped
        self._all = ", ".join(self._quoted.values())
        self._insertion = lru_cache(100)(self._make_insertion)
        self._insertions = lru_cache(100)(self._make_insertions)
        self._change = lru_cache(1000)(self._make_change)
        self._changes = lru_cache(1000)(self._make_changes)
        self._selection = lru_cache(100)(lambda rest: f"SELECT {self._all} FROM {self._table} {rest}")

    # Reading

    def select(self, rest: str, *values: Any) -> SqlStatement:
        """A statement that reads whole rows; `rest` is what follows the table in it."""
        return SqlStatement(self._selection(rest), values)

    def locked(self, ids: Collection[str], *, exclusive: bool = False) -> SqlStatement:
        """A statement that reads the rows with these keys in order, locked until the transaction ends.

        Args:
            ids: values of the primary key.
            exclusive: nobody may refer to them in the meantime either.
        """
        lock = (" FOR UPDATE" if exclusive else " FOR NO KEY UPDATE") if self._is_postgresql else ""
        return self.stored(ids, lock)

    def stored(self, ids: Collection[str], lock: str = "") -> SqlStatement:
        """A statement that reads the rows with these keys in order."""
        key = self._quoted[self.key[0]]
        if len(ids) == 1:
            return self.select(f"WHERE {key} = {self._first}{lock}", *ids)
        where = among(self._engine, key, 1)
        return self.select(f"WHERE {where} ORDER BY {key}{lock}", listed(self._engine, ids))

    def alike(self, names: Sequence[str], wanted: Sequence[Sequence[Any]]) -> SqlStatement:
        """A statement that reads which of the wanted values, by their position, which living rows have, by their id.

        Args:
            names: of columns.
            wanted: values of these columns together.
        """
        by_name = dict(zip(names, zip(*wanted, strict=True), strict=True))
        if self._is_postgresql:
            plain = [{_NUMBER: number, **row} for number, row in enumerate(self._as_json(by_name))]
            columns = ", ".join(f"{self._quoted[name]} {self._types[name]}" for name in names)
            given = f"json_to_recordset($1::json) AS r({_NUMBER} int, {columns})"
            number, terms = f"r.{_NUMBER}", [f"r.{self._quoted[name]}" for name in names]
            values = orjson.dumps(plain).decode()
        else:
            given, number = "json_each(?1) AS r", "r.key"
            terms = [f"json_extract(r.value, '$[{place}]')" for place in range(len(names))]
            bound = [self._all_bound(name, values) for name, values in by_name.items()]
            values = orjson.dumps([*zip(*bound, strict=True)]).decode()
        same = " AND ".join(f"t.{self._quoted[name]} = {term}" for name, term in zip(names, terms, strict=True))
        # In this order SQLite looks each of them up.
        table = f"FROM {given} CROSS JOIN {self._table} AS t"
        return SqlStatement(f"SELECT {number}, t.id {table} WHERE {same} AND t.deleted_at IS NULL", (values,))

    def present(self, id: str) -> SqlStatement:
        """A statement that has a row if there is one with this key."""
        return SqlStatement(
            f"SELECT 1 FROM {self._table} WHERE {self._quoted[self.key[0]]} = {mark(self._engine, 1)}", (id,)
        )

    def all_made(self, rows: Rows) -> list[Any]:
        """The objects of rows, known to no session."""
        if len(rows) == 1:
            single = list(rows[0])
            for place, load, _ in self._loads:
                if single[place] is not None:
                    single[place] = load(single[place])
            return [self._made(dict(zip(self.names, single, strict=True)))]
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place, load, is_shared in self._loads if rows else ():
            columns[place] = (_each if is_shared else _each_apart)(load, columns[place])
        return [self._made(dict(zip(self.names, values, strict=True))) for values in zip(*columns, strict=True)]

    def new(self, values: RowValues) -> Any:
        """The object of a row that is to be inserted, known to no session.

        Raises:
            TypeError: a value is of no field.
        """
        return self._made(new_values(self.kind, values))

    def _made(self, held: dict[str, Any]) -> Any:
        # As SQLAlchemy makes an instance, without the way through its setters.
        made = object.__new__(self.kind)
        held[DEFAULT_STATE_ATTR] = InstanceState(made, self._manager)
        object.__setattr__(made, "__dict__", held)
        return made

    # Writing

    def insertion(self, rows: Sequence[RowValues], *, if_absent: bool = False) -> SqlStatement:
        """A statement that inserts rows, each with a value for the same columns; what else they hold is left alone.

        Args:
            rows: what they hold.
            if_absent: rows with the same key are left as they are.
        """
        count, given = len(rows), rows[0]
        if count == 1:
            names = tuple([name for name in self.names if given.get(name) is not None])
            return SqlStatement(
                self._insertion(names, if_absent), self._bound(names, given), table=self._table, inserts=True
            )
        columns = {name: [*map(itemgetter(name), rows)] for name in self.names if name in given}
        # What none of them has a value for is left out.
        columns = {name: values for name, values in columns.items() if values.count(None) != count}
        return self._many(partial(self._insertions, if_absent), columns)._replace(table=self._table, inserts=True)

    def change(self, rows: Sequence[RowValues], names: Sequence[str] | None = None) -> SqlStatement:
        """A statement that changes rows by their key.

        Args:
            rows: what they hold, each its key and a value for the same columns.
            names: of the columns; by default all that the first row has.
        """
        names = tuple(name for name in names or rows[0] if name not in self.key)
        given = (*names, *self.key)
        if len(rows) == 1:
            return SqlStatement(self._change(names), self._bound(given, rows[0]), table=self._table)
        columns = {name: [*map(itemgetter(name), rows)] for name in given}
        return self._many(self._changes, columns)._replace(table=self._table)

    def removal(self, ids: Collection[str]) -> SqlStatement:
        """A statement that removes the rows with these keys."""
        where = among(self._engine, self._quoted[self.key[0]], 1)
        return SqlStatement(f"DELETE FROM {self._table} WHERE {where}", (listed(self._engine, ids),))

    def _many(self, sql: Callable[[tuple[str, ...], tuple[str, ...]], str], columns: ByColumn) -> SqlStatement:
        """A statement about many rows.

        Args:
            sql: its text, given the names of columns that differ from row to row, and of those that do not.
            columns: by name the values of all rows.
        """
        if not self._is_postgresql:
            bound = [self._all_bound(name, values) for name, values in columns.items()]
            return SqlStatement(sql((*columns,), ()), [*zip(*bound, strict=True)], many=True)
        same = {name: values[0] for name, values in columns.items() if self._is_one(name, values)}
        differing = {name: values for name, values in columns.items() if name not in same}
        given = orjson.dumps(self._as_json(differing)).decode()
        return SqlStatement(sql((*differing,), (*same,)), (given, *self._bound((*same,), same)))

    def _is_one(self, name: str, values: Sequence[Any]) -> bool:
        """Whether a column has one value in all of many rows, so that it need not be sent with each."""
        first = values[0]
        # With few rows that may be a coincidence, and would give another statement each time.
        return (
            len(values) >= _MANY
            and name not in self.key
            and (name not in self._json or not first)
            and values.count(first) == len(values)
        )

    def _as_json(self, columns: ByColumn) -> list[dict[str, Any]]:
        """Rows as `json_to_recordset` takes them."""
        bound = [values if name in self._json else self._all_bound(name, values) for name, values in columns.items()]
        return [dict(zip(columns, values, strict=True)) for values in zip(*bound, strict=True)]

    def _all_bound(self, name: str, values: Sequence[Any]) -> Sequence[Any]:
        bind = self._binds.get(name)
        if bind is None or (name in self._texts and "\0" not in "".join(filter(None, values))):
            return values
        return (_each_apart if name in self._json else _each)(bind, values)

    def _bound(self, names: Sequence[str], row: RowValues) -> list[Any]:
        binds, texts = self._binds, self._texts
        values = [
            value if (value := row[name]) is None or name in texts or name not in binds else binds[name](value)
            for name in names
        ]
        if "\0" in "".join([value for value in values if isinstance(value, str)]):
            return [
                value if name not in texts else binds[name](value) for name, value in zip(names, values, strict=True)
            ]
        return values

    def _make_insertion(self, names: tuple[str, ...], if_absent: bool) -> str:
        values = ", ".join(mark(self._engine, number) for number in range(1, len(names) + 1))
        return f"INSERT INTO {self._table} ({self._list(names)}) VALUES ({values}){_ending(if_absent)}"

    def _make_insertions(self, if_absent: bool, names: tuple[str, ...], same: tuple[str, ...]) -> str:
        if not self._is_postgresql:
            return self._make_insertion(names, if_absent)
        listed_names = self._list((*names, *same))
        given = ", ".join(self._records(names, same).values())
        return (
            f"INSERT INTO {self._table} ({listed_names}) SELECT {given} FROM {self._source(names)}{_ending(if_absent)}"
        )

    def _make_change(self, names: tuple[str, ...]) -> str:
        given = [mark(self._engine, number) for number in range(1, len(names) + len(self.key) + 1)]
        sets = ", ".join(f"{self._quoted[name]} = {mark}" for name, mark in zip(names, given, strict=False))
        where = " AND ".join(
            f"{self._quoted[name]} = {mark}" for name, mark in zip(self.key, given[len(names) :], strict=True)
        )
        return f"UPDATE {self._table} SET {sets} WHERE {where}"

    def _make_changes(self, names: tuple[str, ...], same: tuple[str, ...]) -> str:
        if not self._is_postgresql:
            return self._make_change(tuple(name for name in names if name not in self.key))
        given = self._records(names, same)
        sets = ", ".join(f"{self._quoted[name]} = {value}" for name, value in given.items() if name not in self.key)
        where = " AND ".join(f"{self._table}.{self._quoted[name]} = {given[name]}" for name in self.key)
        return f"UPDATE {self._table} SET {sets} FROM {self._source(names)} WHERE {where}"

    def _records(self, names: tuple[str, ...], same: tuple[str, ...]) -> Mapping[str, str]:
        """By name the values of columns, in rows that differ in some of them."""
        given = {name: f"r.{self._quoted[name]}" for name in names}
        return given | {name: f"${number}::{self._types[name]}" for number, name in enumerate(same, 2)}

    def _source(self, names: tuple[str, ...]) -> str:
        columns = ", ".join(f"{self._quoted[name]} {self._types[name]}" for name in names)
        return f"json_to_recordset($1::json) AS r({columns})"

    def _list(self, names: Sequence[str]) -> str:
        return ", ".join(self._quoted[name] for name in names)


def _ending(if_absent: bool) -> str:
    return " ON CONFLICT DO NOTHING" if if_absent else ""


def _loader(type_: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes of a value of a column that of an object; None where it is the same."""
    if isinstance(type_, Json):
        # On PostgreSQL SQLAlchemy would leave it to the driver.
        return orjson.loads
    if isinstance(found := type_.dialect_impl(dialect), Timestamp):
        # The type's own, without a call into Python for each value: SQLite holds moments in UTC, and its texts say so.
        return methodcaller("astimezone", UTC) if dialect.name == POSTGRESQL else datetime.fromisoformat
    load: Callable[[Any], Any] | None = found.result_processor(dialect, None)
    return load


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> Sequence[Any]:
    """What becomes of values; the same of the same, of which a column mostly has many."""
    known = {value: None if value is None else convert(value) for value in {*values}}
    return [*known.values()] * len(values) if len(known) == 1 else [known[value] for value in values]


def _each_apart(convert: Callable[[Any], Any], values: Sequence[Any]) -> Sequence[Any]:
    """The same, one by one: lists cannot be looked up, and are not to be shared."""
    return [None if value is None else convert(value) for value in values]


def binder(type_: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes of a value of a type what is stored; None where it is that already."""
    found = type_.dialect_impl(dialect)
    if isinstance(found, Timestamp):
        return _moment_binder(dialect.name)
    if isinstance(found, Json):
        return lambda value: orjson.dumps(value).decode()
    if (
        isinstance(found, TypeDecorator)
        and not isinstance(found, ListOf)
        and found.impl_instance.bind_processor(dialect) is None
    ):
        # SQLAlchemy's own goes by way of two more calls for each value.
        return partial(found.process_bind_param, dialect=dialect)
    bind: Callable[[Any], Any] | None = found.bind_processor(dialect)
    return bind


@cache
def _moment_binder(engine: str) -> Callable[[Any], Any]:
    # Those of one transaction are mostly the same.
    return lru_cache(1000)(partial(Timestamp().process_bind_param, dialect=dialect_of(engine)))


def _sql_type(type_: Any, dialect: Dialect) -> str:
    # A collation is the column's own; here it would only be in the way.
    return str(type_.dialect_impl(dialect).compile(dialect)).split(" COLLATE ")[0]


#: The rows of a table class on an engine.
rows_of: Callable[[Any, str], TableRows] = cache(TableRows)
