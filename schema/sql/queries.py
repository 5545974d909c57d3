"""SELECTs as plans make them, spelt as they are given.

SQLAlchemy's own SELECT finds out by itself which tables its expressions come from, which of them a SELECT around it has
already, and under which names its rows will be read: most of the time in which a statement is compiled. A plan says
which tables it reads, refers to their columns by plain texts and gives one value. Each kind can be a part of the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, FromClause, literal_column, null
from sqlalchemy import Table as SqlTable
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BinaryExpression, ClauseElement, ColumnElement, UnaryExpression

from core.db.engines import SQLITE
from core.db.sql import Expression
from schema.sql.json import WHOLE, SqlFunction

_Condition = ColumnElement[bool]


class Query(ColumnElement[Any]):
    """A SELECT; as a value, the one that it gives."""

    inherit_cache = False

    def __init__(
        self,
        columns: Mapping[str, Expression],
        source: FromClause | None = None,
        where: Sequence[_Condition] = (),
        *,
        group_by: Sequence[Expression] = (),
        having: Sequence[_Condition] = (),
        order_by: Sequence[Expression] = (),
        limit: Expression | None = None,
        is_apart: bool = False,
    ) -> None:
        """Makes it.

        Args:
            columns: what it selects, by name; several columns, such as all of an alias, have none.
            source: of its rows; one row without it.
            where: conditions that hold of the rows, all of them.
            group_by, having, order_by, limit: as SQL has them.
            is_apart: whether engines have to work it out as it stands, instead of putting what it selects into
                whatever uses it; they do for an offset.
        """
        self.columns = columns
        self.source = source
        self.where = where
        self.group_by = group_by
        self.having = having
        self.order_by = order_by
        self.limit = limit
        self.is_apart = is_apart
        self.type = next(iter(columns.values())).type

    def get_children(self, **kw: Any) -> Iterator[ClauseElement]:
        yield from self.columns.values()
        if self.source is not None:
            yield self.source
        for parts in (self.where, self.group_by, self.having, self.order_by):
            yield from parts
        if self.limit is not None:
            yield self.limit


class AliasedRows(FromClause):
    """The rows of a table or of a query, under an alias."""

    inherit_cache = False

    def __init__(self, given: "SqlTable | Query | Both", alias: str) -> None:
        self.given = given
        self.name = alias

    @property
    def _from_objects(self) -> list[FromClause]:
        return [self]

    def get_children(self, **kw: Any) -> Iterator[ClauseElement]:
        yield self.given


class Head(FromClause):
    """The rows of a query that several parts of a statement use: a table at its head."""

    inherit_cache = False

    def __init__(self, query: Query, alias: str) -> None:
        self.query = query
        self.name = alias

    def get_children(self, **kw: Any) -> Iterator[ClauseElement]:
        yield self.query


class Both(ClauseElement):
    """The rows of one query and those of another, which may look at the first: it is at their head."""

    inherit_cache = False

    def __init__(self, first: Head, second: Query) -> None:
        self.first = first
        self.second = second

    def get_children(self, **kw: Any) -> Iterator[ClauseElement]:
        yield from (self.first, self.second)


class Joined(FromClause):
    """Rows with those of tables that are joined to them, each on its condition, with or without a match."""

    inherit_cache = False

    def __init__(self, base: FromClause, joins: Sequence[tuple[AliasedRows, _Condition, bool]]) -> None:
        """Joins.

        Args:
            base: the rows.
            joins: what is joined, its condition, and whether rows without a match are left.
        """
        self.base = base
        self.joins = joins

    @property
    def _from_objects(self) -> list[FromClause]:
        return [self]

    def get_children(self, **kw: Any) -> Iterator[ClauseElement]:
        yield self.base
        for rows, condition, _ in self.joins:
            yield from (rows, condition)


_BOOLEAN = Boolean()
_ONE: Expression = literal_column("1", WHOLE)


# What SQLAlchemy's operators give, without their search for what each means for the types of its operands


def equal(left: Expression, right: Expression) -> _Condition:
    """Whether two values are the same."""
    return BinaryExpression(left, right, operators.eq, type_=_BOOLEAN, negate=operators.ne)


def is_missing(value: Expression) -> _Condition:
    """Whether a value is missing."""
    return BinaryExpression(value, null(), operators.is_, type_=_BOOLEAN, negate=operators.is_not)


def is_there(value: Expression) -> _Condition:
    """Whether there is a value."""
    return BinaryExpression(value, null(), operators.is_not, type_=_BOOLEAN, negate=operators.is_)


def ordered(key: Expression, *, descending: bool, nulls_first: bool | None) -> Expression:
    """A key of an order, with or without a place for nulls."""
    made: Expression = UnaryExpression(key, modifier=operators.desc_op if descending else operators.asc_op)
    if nulls_first is None:
        return made
    return UnaryExpression(made, modifier=operators.nulls_first_op if nulls_first else operators.nulls_last_op)


class is_beyond(SqlFunction):  # noqa: N801  (SQL functions are written small)
    """Whether the keys of a row, taken together, are greater than some values, or less."""

    type = _BOOLEAN

    def __init__(self, keys: Sequence[Expression], values: Sequence[Expression], *, descending: bool) -> None:
        self.keys, self.values, self.descending = keys, values, descending
        super().__init__(*keys, *values)

    def self_group(self, against: Any = None) -> Any:
        """Itself: SQLAlchemy would compare it with 1 on SQLite, which then finds no index for it."""
        return self


def exists(source: FromClause, where: Sequence[_Condition]) -> _Condition:
    """Whether there are rows for which all conditions hold."""
    return UnaryExpression(Query({"one": _ONE}, source, where), operator=operators.exists, type_=_BOOLEAN)


# Spelling


@compiles(Query)
def _query(element: Query, compiler: SQLCompiler, **kw: Any) -> str:
    if compiler.statement is not element:
        return f"({_text(element, compiler, **kw)})"
    # SQLAlchemy's own SELECTs below it are to know that they are, and leave their tables at the head to this one.
    compiler.stack.append(compiler._default_stack_entry)  # noqa: SLF001
    text = _text(element, compiler, **kw)
    compiler.stack.pop()
    heads: str = compiler._render_cte_clause()  # type: ignore[no-untyped-call]  # noqa: SLF001
    return heads + text


def _text(query: Query, compiler: SQLCompiler, **kw: Any) -> str:
    columns = [
        f'{compiler.process(value, **kw)} AS "{name}"' if name else compiler.process(value, **kw)
        for name, value in query.columns.items()
    ]
    parts = ["SELECT ", ", ".join(columns)]
    if query.source is not None:
        parts += (" FROM ", compiler.process(query.source, **{**kw, "asfrom": True}))
    if query.where:
        parts += (" WHERE ", _all(query.where, compiler, **kw))
    if query.group_by:
        parts += (" GROUP BY ", _listed(query.group_by, compiler, **kw))
    if query.having:
        parts += (" HAVING ", _all(query.having, compiler, **kw))
    if query.order_by:
        parts += (" ORDER BY ", _listed(query.order_by, compiler, **kw))
    if query.limit is not None:
        parts += (" LIMIT ", compiler.process(query.limit, **kw))
    if query.is_apart:
        # SQLite knows no offset without a limit.
        parts.append(" LIMIT -1 OFFSET 0" if compiler.dialect.name == SQLITE else " OFFSET 0")
    return "".join(parts)


def _listed(parts: Iterable[Expression], compiler: SQLCompiler, **kw: Any) -> str:
    return ", ".join([compiler.process(part, **kw) for part in parts])


def _all(conditions: Iterable[_Condition], compiler: SQLCompiler, **kw: Any) -> str:
    return " AND ".join([compiler.process(one.self_group(against=operators.and_), **kw) for one in conditions])


@compiles(is_beyond)
def _is_beyond(element: is_beyond, compiler: SQLCompiler, **kw: Any) -> str:
    keys, values = (_listed(parts, compiler, **kw) for parts in (element.keys, element.values))
    return f"({keys}) {'<' if element.descending else '>'} ({values})"


@compiles(Both)
def _both(element: Both, compiler: SQLCompiler, **kw: Any) -> str:
    first = element.first
    head = f"WITH {first.name} AS ({_text(first.query, compiler, **kw)})"
    return f"{head} SELECT * FROM {first.name} UNION ALL {_text(element.second, compiler, **kw)}"


@compiles(Head)
def _head(element: Head, compiler: SQLCompiler, **kw: Any) -> str:
    return element.name


@compiles(AliasedRows)
def _rows(element: AliasedRows, compiler: SQLCompiler, **kw: Any) -> str:
    given = element.given
    if isinstance(given, SqlTable):
        return f"{compiler.process(given, **kw)} AS {element.name}"
    inner = (
        _text(given, compiler, **_inside(kw)) if isinstance(given, Query) else compiler.process(given, **_inside(kw))
    )
    return f"({inner}) AS {element.name}"


@compiles(Joined)
def _joined(element: Joined, compiler: SQLCompiler, **kw: Any) -> str:
    parts = [compiler.process(element.base, **kw)]
    for rows, condition, is_left in element.joins:
        parts += (
            " LEFT OUTER JOIN " if is_left else " JOIN ",
            compiler.process(rows, **kw),
            " ON ",
            compiler.process(condition, **_inside(kw)),
        )
    return "".join(parts)


def _inside(kw: Mapping[str, Any]) -> dict[str, Any]:
    """What SQLAlchemy says of a part of a FROM clause, without what is not so of what stands inside of it."""
    return {name: value for name, value in kw.items() if name not in _OF_FROM}


_OF_FROM = frozenset({"asfrom", "fromhints", "from_linter"})
