"""The few SQL constructs that rules need and the engines spell differently."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Date, Integer, case, cast, func, literal, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from core.types import Json, Text

Expression = ColumnElement[Any]


class days_between(FunctionElement[int]):  # noqa: N801  (SQL functions are written small)
    """`days_between(later, earlier)`: whole days from the one date to the other; negative if they are the other way."""

    type = Integer()
    inherit_cache = True


class add_days(FunctionElement[Any]):  # noqa: N801
    """`add_days(day, days)`: the date so many days later."""

    type = Date()
    inherit_cache = True


class day_of(FunctionElement[Any]):  # noqa: N801
    """The date of a moment, in UTC."""

    type = Date()
    inherit_cache = True


class folded(FunctionElement[str]):  # noqa: N801
    """A text as `core.text.fold` makes it, for texts that have no folded column.

    PostgreSQL and Python fold alike what both know. A letter younger than the older of their two Unicode versions
    stays as it is in one of them, so such a text is found letter by letter only.
    """

    type = Text()
    inherit_cache = True


class list_length(FunctionElement[int]):  # noqa: N801
    """Number of items of a JSON list."""

    type = Integer()
    inherit_cache = True


class json_text(FunctionElement[Any]):  # noqa: N801
    """A text that is JSON, as JSON."""

    type = Json()
    inherit_cache = True


class json_document(FunctionElement[Any]):  # noqa: N801
    """A JSON object of these keys and values."""

    type = Json()
    inherit_cache = False

    def __init__(self, values: Mapping[str, Expression]) -> None:
        self.keys = list(values)
        super().__init__(*values.values())


def _arguments(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> list[str]:
    return [compiler.process(clause, **kw) for clause in element.clauses]


@compiles(days_between, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = _arguments(element, compiler, **kw)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(days_between, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    later, earlier = _arguments(element, compiler, **kw)
    return f"({later} - {earlier})"


@compiles(add_days, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    day, days = _arguments(element, compiler, **kw)
    return f"date({day}, ({days}) || ' days')"


@compiles(add_days, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    day, days = _arguments(element, compiler, **kw)
    # PostgreSQL adds no bigint to a date.
    return f"({day} + CAST({days} AS INTEGER))"


@compiles(day_of, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    (moment,) = _arguments(element, compiler, **kw)
    return f"substr({moment}, 1, 10)"


@compiles(day_of, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    (moment,) = _arguments(element, compiler, **kw)
    return f"CAST({moment} AT TIME ZONE 'UTC' AS DATE)"


@compiles(folded, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = _arguments(element, compiler, **kw)
    # The connection registers core.text.fold under this name.
    return f"guanxi_fold({text})"


@compiles(folded, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = _arguments(element, compiler, **kw)
    return f'casefold(normalize({text}, NFKC) COLLATE "pg_unicode_fast") COLLATE "C"'


@compiles(list_length, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_length({_arguments(element, compiler, **kw)[0]})"


@compiles(list_length, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_length({_arguments(element, compiler, **kw)[0]})"


@compiles(json_text, "sqlite")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"json({_arguments(element, compiler, **kw)[0]})"


@compiles(json_text, "postgresql")
def _(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({_arguments(element, compiler, **kw)[0]} AS JSONB)"


def _document(element: json_document, compiler: SQLCompiler, **kw: Any) -> str:
    values = _arguments(element, compiler, **kw)
    return ", ".join(f"'{key}', {value}" for key, value in zip(element.keys, values, strict=True))


@compiles(json_document, "sqlite")
def _(element: json_document, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_object({_document(element, compiler, **kw)})"


@compiles(json_document, "postgresql")
def _(element: json_document, compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_build_object({_document(element, compiler, **kw)})"


def numbered(stem: str, number: Expression) -> Expression:
    """The id of record `number`, from 0, of those that a statement makes under one stem (`core.ids.new_stem`)."""
    return literal(stem).concat(func.substr(cast(number + 1_000_000, Text()), 2))


def whole(expression: Expression) -> Expression:
    """An exact decimal or a count as the integer that is stored, for integer arithmetic."""
    return type_coerce(expression, BigInteger)


def rounded_ratio(numerator: Expression, denominator: Expression) -> Expression:
    """Numerator by denominator of integers, rounded half away from zero; the denominator is positive."""
    up = (2 * numerator + denominator) // (2 * denominator)
    down = -((denominator - 2 * numerator) // (2 * denominator))
    return case((numerator < 0, down), else_=up)


def names_where(conditions: Sequence[tuple[str, Expression]]) -> Expression:
    """A JSON list of the names whose condition holds."""
    joined: Expression = literal("")
    for name, condition in conditions:
        joined = joined.concat(case((condition, f',"{name}"'), else_=""))
    return json_text(literal("[").concat(func.ltrim(joined, ",")).concat("]"))
