"""SQL that builds the finished JSON, spelt for each engine. Values are passed on as they are read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, Boolean, FromClause, Integer, case, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter, ClauseElement, ColumnElement, Null
from sqlalchemy.types import NullType, TypeEngine

from core.base.money import EXPONENTS
from core.db.engines import POSTGRESQL, SQLITE
from core.db.sql import Expression, spell
from core.db.types import Choice, Text

#: SQLite takes about 100 arguments in a function call.
_PAIRS = 45


class SqlFunction(ColumnElement[Any]):
    """What is spelt for each engine, of SQL expressions alone: SQLAlchemy's own functions look at each argument."""

    type: TypeEngine[Any] = NullType()
    # The text of a compiled statement is kept by the plan, so SQLAlchemy's own cache of statements is not used.
    inherit_cache = False

    def __init__(self, *clauses: Expression) -> None:
        self.clauses = clauses

    def get_children(self, **kw: Any) -> Iterable[ClauseElement]:
        return self.clauses

    @property
    def _from_objects(self) -> list[FromClause]:
        return [source for clause in self.clauses for source in clause._from_objects]  # noqa: SLF001


#: Types are made once: what SQLAlchemy works out for a type on an engine it keeps with the object.
WHOLE, TEXT = BigInteger(), Text()


class Built(Text):
    """JSON that SQL has built: on PostgreSQL the text of it, on SQLite what its functions for JSON give."""


class Plain(Text):
    """A text in which JSON escapes nothing, such as an id, a number or a moment."""


BUILT, PLAIN = Built(), Plain()


class json_object(SqlFunction):  # noqa: N801  (SQL functions are written small)
    """A JSON object of these keys and values, in this order."""

    type = BUILT

    def __init__(self, pairs: Sequence[tuple[str, Expression]]) -> None:
        self.keys = [key for key, _ in pairs]
        super().__init__(*(value for _, value in pairs))


class json_rows(SqlFunction):  # noqa: N801
    """A JSON list of a value of each row, of those for which `only` holds, in an order.

    On SQLite it is the order of the rows it is made of, whatever is said here.
    """

    type = BUILT

    def __init__(self, value: Expression, order: Sequence[Expression], only: ColumnElement[bool] | None = None) -> None:
        self.value, self.order, self.only = value, order, only
        super().__init__(value, *order, *([] if only is None else [only]))


class json_array(SqlFunction):  # noqa: N801
    """A JSON list of these values."""

    type = BUILT


class json_value(SqlFunction):  # noqa: N801
    """A stored JSON value as JSON."""

    type = BUILT


class json_bool(SqlFunction):  # noqa: N801
    """A boolean as JSON."""

    type = BUILT


class json_if_there(SqlFunction):  # noqa: N801
    """The second value where there is the first one, else null."""

    type = BUILT


class moment_text(SqlFunction):  # noqa: N801
    """A moment as `2025-06-01T08:30:00.000Z`."""

    type = PLAIN


class scaled_text(SqlFunction):  # noqa: N801
    """An integer of the smallest unit as a decimal text with `scale` places."""

    type = PLAIN

    def __init__(self, value: Expression, scale: int) -> None:
        self.scale = scale
        super().__init__(value)


class hex_text(SqlFunction):  # noqa: N801
    """A text as hexadecimal digits."""


class contains(SqlFunction):  # noqa: N801
    """Whether the first text holds the second."""

    type = Boolean()


class ends_with(SqlFunction):  # noqa: N801
    """Whether the first text ends with the second."""

    type = Boolean()


class total(SqlFunction):  # noqa: N801
    """The sum of whole numbers, as one; null of none."""

    type = WHOLE


class or_zero(SqlFunction):  # noqa: N801
    """A whole number, or 0 where there is none."""

    type = WHOLE


class list_holds(SqlFunction):  # noqa: N801
    """Whether a stored JSON list of texts holds any, or every one, of the texts of a list bind."""

    type = Boolean()

    def __init__(self, stored: Expression, wanted: Expression, *, every: bool = False) -> None:
        self.every = every
        super().__init__(stored, wanted)


#: How each engine spells a construct of as many arguments as it takes.
_SPELLINGS: Mapping[type[SqlFunction], Mapping[str, str]] = {
    json_value: {
        SQLITE: "json({0})",
        POSTGRESQL: "CAST({0} AS TEXT)",
    },
    json_bool: {
        SQLITE: "CASE {0} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END",
        POSTGRESQL: "CAST({0} AS TEXT)",
    },
    json_if_there: {
        SQLITE: "CASE WHEN {0} IS NOT NULL THEN {1} END",
        POSTGRESQL: "CASE WHEN {0} IS NOT NULL THEN {1} END",
    },
    moment_text: {
        SQLITE: "{0}",
        POSTGRESQL: "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    },
    hex_text: {
        SQLITE: "hex({0})",
        POSTGRESQL: "encode(convert_to({0}, 'UTF8'), 'hex')",
    },
    contains: {
        SQLITE: "instr({0}, {1}) > 0",
        POSTGRESQL: "strpos({0}, {1}) > 0",
    },
    total: {
        SQLITE: "CAST(sum({0}) AS BIGINT)",
        POSTGRESQL: "CAST(sum({0}) AS BIGINT)",
    },
    or_zero: {
        SQLITE: "coalesce({0}, 0)",
        POSTGRESQL: "coalesce({0}, 0)",
    },
    ends_with: {
        SQLITE: "substr({0}, length({0}) - length({1}) + 1) = {1}",
        POSTGRESQL: "right({0}, length({1})) = {1}",
    },
}
spell(_SPELLINGS)


# What takes more than its arguments to spell


def _parts(element: Any, compiler: SQLCompiler, **kw: Any) -> list[str]:
    return [compiler.process(clause, **kw) for clause in element.clauses]


def _portions(element: json_object, compiler: SQLCompiler, **kw: Any) -> list[list[tuple[str, str]]]:
    pairs = list(zip(element.keys, _parts(element, compiler, **kw), strict=True))
    return [pairs[at : at + _PAIRS] for at in range(0, len(pairs), _PAIRS)] or [[]]


@compiles(json_object, SQLITE)
def _json_object_sqlite(element: json_object, compiler: SQLCompiler, **kw: Any) -> str:
    first, *more = _portions(element, compiler, **kw)
    built = "json_object(" + ", ".join(f"'{key}', {value}" for key, value in first) + ")"
    for portion in more:
        added = ", ".join(f"'$.\"{key}\"', {value}" for key, value in portion)
        built = f"json_insert({built}, {added})"
    return built


@compiles(json_array, SQLITE)
def _json_array_sqlite(element: json_array, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array({', '.join(_parts(element, compiler, **kw))})"


@compiles(json_rows, SQLITE)
def _json_rows_sqlite(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    # The order of the aggregated rows is that of the derived table they come from.
    only = "" if element.only is None else f" FILTER (WHERE {compiler.process(element.only, **kw)})"
    return f"json_group_array({compiler.process(element.value, **kw)}){only}"


# PostgreSQL puts texts together in half the time that its functions for JSON take


class _Fixed(str):
    """A piece of JSON that is known; other pieces are SQL that gives a text, and never null."""


def _pieces(value: Any, compiler: SQLCompiler, **kw: Any) -> Iterator[str]:
    """The pieces that make the JSON of a value."""
    if isinstance(value, json_object):
        for number, (key, member) in enumerate(zip(value.keys, value.clauses, strict=True)):
            yield _Fixed(f'{"," if number else "{"}"{key}":')
            yield from _pieces(member, compiler, **kw)
        yield _Fixed("}" if value.keys else "{}")
    elif isinstance(value, json_array):
        for number, member in enumerate(value.clauses):
            yield _Fixed("," if number else "[")
            yield from _pieces(member, compiler, **kw)
        yield _Fixed("]")
    elif isinstance(value, json_rows):
        order = ", ".join(compiler.process(key, **kw) for key in value.order)
        only = "" if value.only is None else f" FILTER (WHERE {compiler.process(value.only, **kw)})"
        item = json_text(value.value, compiler, **kw)
        yield _Fixed("[")
        yield f"coalesce(string_agg({item}, ','{order and f' ORDER BY {order}'}){only}, '')"
        yield _Fixed("]")
    elif isinstance(value, constant):
        yield _Fixed(json.dumps(value.text, ensure_ascii=False))
    elif isinstance(value, Null):
        yield _Fixed("null")
    else:
        yield f"coalesce({_member(value.type, compiler.process(value, **kw))}, 'null')"


def json_text(value: Any, compiler: SQLCompiler, **kw: Any) -> str:
    """PostgreSQL for the text of the JSON of a value."""
    return _together(_pieces(value, compiler, **kw))


def _member(type_: Any, sql: str) -> str:
    """The JSON text of a value of a type; null where there is none."""
    if isinstance(type_, Built):
        return sql
    if isinstance(type_, Plain | Choice):
        return f"""'"' || {sql} || '"'"""
    return f"CAST({sql} AS TEXT)" if isinstance(type_, Integer) else f"CAST(to_json({sql}) AS TEXT)"


def _together(pieces: Iterable[str]) -> str:
    """Pieces put together, halves of halves, so that no text is copied often and the expression is not deep."""
    merged = [
        literal_text("".join(run)) if is_fixed else piece
        for is_fixed, run in groupby(pieces, lambda piece: isinstance(piece, _Fixed))
        for piece in ([""] if is_fixed else run)
    ]
    return _halves(merged)


def _halves(merged: Sequence[str]) -> str:
    if len(merged) == 1:
        return merged[0]
    middle = len(merged) // 2
    return f"({_halves(merged[:middle])} || {_halves(merged[middle:])})"


@compiles(json_object, POSTGRESQL)
@compiles(json_array, POSTGRESQL)
@compiles(json_rows, POSTGRESQL)
def _json_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return json_text(element, compiler, **kw)


@compiles(scaled_text)
def _scaled_text(element: scaled_text, compiler: SQLCompiler, **kw: Any) -> str:
    (value,) = _parts(element, compiler, **kw)
    if element.scale == 0:
        return f"CAST({value} AS TEXT)"
    if compiler.dialect.name == POSTGRESQL:
        return f"CAST(({value})::numeric * {'0.' + '0' * (element.scale - 1) + '1'} AS TEXT)"
    unit = 10**element.scale
    return (
        f"CASE WHEN {value} IS NOT NULL THEN printf('%s%d.%0{element.scale}d', "
        f"CASE WHEN {value} < 0 THEN '-' ELSE '' END, abs({value}) / {unit}, abs({value}) % {unit}) END"
    )


@compiles(list_holds)
def _list_holds(element: list_holds, compiler: SQLCompiler, **kw: Any) -> str:
    stored, wanted = _parts(element, compiler, **kw)
    if compiler.dialect.name == POSTGRESQL:
        return f"{stored} {'?&' if element.every else '?|'} {wanted}"
    if element.every:
        return (
            f"NOT EXISTS (SELECT 1 FROM json_each({wanted}) WHERE value NOT IN (SELECT value FROM json_each({stored})))"
        )
    return f"EXISTS (SELECT 1 FROM json_each({stored}) WHERE value IN (SELECT value FROM json_each({wanted})))"


# Made of few names over and over, and never changed.
@lru_cache(10_000)
def column(alias: str, name: str, type_: Any) -> Expression:
    """A column of an alias, with its type. It belongs to no table, so no statement correlates by surprise."""
    return literal_column(f'{alias}."{name}"', type_)


def whole_number(value: int) -> Expression:
    """An integer that is part of the statement, such as the size of a page, which decides how it is best run."""
    return literal_column(str(value), WHOLE)


def count_rows() -> Expression:
    """How many rows there are."""
    return literal_column("count(*)", WHOLE)


class constant(ColumnElement[str]):  # noqa: N801
    """A text that is part of the statement, such as a type name or a known currency."""

    type = TEXT
    inherit_cache = False

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(constant)
def _constant(element: constant, compiler: SQLCompiler, **kw: Any) -> str:
    return literal_text(element.text)


def literal_text(text: str) -> str:
    """A text as SQL spells it."""
    return "'" + text.replace("'", "''") + "'"


def _known_text(text: Expression) -> str | None:
    """A text that is known while the statement is made: a constant, or a literal of a plugin's expression."""
    if isinstance(text, constant):
        return text.text
    return text.value if isinstance(text, BindParameter) and isinstance(text.value, str) else None


def amount_text(minor: Expression, currency: Expression) -> Expression:
    """Minor units as a decimal text with the places of their currency."""
    known = _known_text(currency)
    if known in EXPONENTS:
        return scaled_text(minor, EXPONENTS[known])
    places: dict[int, list[str]] = {}
    for code, exponent in EXPONENTS.items():
        if exponent != 2:
            places.setdefault(exponent, []).append(code)
    return case(
        *(
            (currency.in_([constant(code) for code in codes]), scaled_text(minor, exponent))
            for exponent, codes in places.items()
        ),
        else_=scaled_text(minor, 2),
    )
