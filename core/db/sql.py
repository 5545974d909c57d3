"""The few SQL constructs that rules need and the engines spell differently."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Integer, bindparam, case, cast, func, literal, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session

from core.db.engines import POSTGRESQL, SQLITE
from core.db.types import Json, ListOf, Text

Expression = ColumnElement[Any]


class days_between(FunctionElement[int]):  # noqa: N801  (SQL functions are written small)
    """`days_between(later, earlier)`: whole days between two dates; negative if the first is the earlier."""

    type = Integer()
    inherit_cache = True


class add_days(FunctionElement[Any]):  # noqa: N801
    """`add_days(day, days)`: the date so many days later."""

    type = Date()
    inherit_cache = True


class rounded_share(FunctionElement[int]):  # noqa: N801
    """`rounded_share(part, times, base)`: part times a number by base, of integers, rounded half away from zero.

    The product may be too large for 64 bits: it is exact on PostgreSQL, and to 15 digits on SQLite. Null where the base
    is 0. A result too large for 64 bits is the largest there is.
    """

    type = BigInteger()
    inherit_cache = True


class weighted_mean(FunctionElement[int]):  # noqa: N801
    """`weighted_mean(weight, value)`: mean of integers weighted by others, none negative, rounded half up.

    It is an aggregate, and null where there is no weight. Sums may be too large for 64 bits, as above.
    """

    type = BigInteger()
    inherit_cache = True


class folded(FunctionElement[str]):  # noqa: N801
    """A text as `core.base.text.fold` makes it, for texts that have no folded column.

    PostgreSQL and Python fold alike what both know. A letter newer than the older of their two
    Unicode versions is left unchanged by one of them, so such a text is found by exact spelling only.
    """

    type = Text()
    inherit_cache = True


class list_length(FunctionElement[int]):  # noqa: N801
    """Number of items of a JSON list."""

    type = Integer()
    inherit_cache = True


class one_of(FunctionElement[bool]):  # noqa: N801
    """Whether a value is among the values of a list bind."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Itself: SQLAlchemy would compare it with 1 on SQLite, which then finds no index for it."""
        return self


def is_listed(column: Expression, name: str) -> ColumnElement[bool]:
    """`is_listed(column, "ids")`: whether a text is among those given under a name when a `Prepared` query is run."""
    return one_of(column, bindparam(name, None, type_=ListOf(Text())))


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


#: How each engine spells a construct of as many arguments as it takes.
_SPELLINGS: Mapping[type[FunctionElement[Any]], Mapping[str, str]] = {
    days_between: {
        SQLITE: "CAST(julianday({0}) - julianday({1}) AS INTEGER)",
        POSTGRESQL: "({0} - {1})",
    },
    add_days: {
        SQLITE: "date({0}, ({1}) || ' days')",
        # PostgreSQL does not add a bigint to a date.
        POSTGRESQL: "({0} + CAST({1} AS INTEGER))",
    },
    # Twice the share is cut off and then halved, so that the part, which may be a query, is there once.
    rounded_share: {
        # What is too large for an integer is a floating-point number there, here and in total().
        SQLITE: "CAST(round((2 * ({0}) * ({1})) / nullif({2}, 0) / 2.0) AS INTEGER)",
        # `greatest` takes the limit for null, which is then none.
        POSTGRESQL: (
            "CAST(nullif(least(greatest(round(div(2 * CAST({0} AS NUMERIC) * ({1}), nullif({2}, 0)) / 2), "
            "-9223372036854775808), 9223372036854775807), -9223372036854775808) AS BIGINT)"
        ),
    },
    weighted_mean: {
        SQLITE: "CAST((2 * total(({0}) * ({1})) + total({0})) / nullif(2 * total({0}), 0) AS INTEGER)",
        POSTGRESQL: (
            "CAST(div(2 * sum(CAST({0} AS NUMERIC) * CAST({1} AS NUMERIC)) + sum({0}), nullif(2 * sum({0}), 0)) "
            "AS BIGINT)"
        ),
    },
    folded: {
        # The connection registers core.base.text.fold under this name.
        SQLITE: "guanxi_fold({0})",
        POSTGRESQL: 'casefold(normalize({0}, NFKC) COLLATE "pg_unicode_fast") COLLATE "C"',
    },
    one_of: {
        SQLITE: "{0} IN (SELECT value FROM json_each({1}))",
    },
    list_length: {
        SQLITE: "json_array_length({0})",
        POSTGRESQL: "jsonb_array_length({0})",
    },
    json_text: {
        SQLITE: "json({0})",
        POSTGRESQL: "CAST({0} AS JSONB)",
    },
}


def spell(spellings: Mapping[type[Any], Mapping[str, str]]) -> None:
    """Registers how each engine spells these constructs: a text with their arguments as `{0}`, `{1}` and so on.

    Args:
        spellings: by the class of the construct, which has its arguments as `clauses`, and the name of the engine.
    """
    for construct, by_engine in spellings.items():
        for engine, spelling in by_engine.items():
            compiles(construct, engine)(partial(_spelled, spelling))


def _spelled(spelling: str, element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return spelling.format(*(compiler.process(clause, **kw) for clause in element.clauses))


spell(_SPELLINGS)


@compiles(one_of, POSTGRESQL)
def _one_of(element: one_of, compiler: SQLCompiler, *, is_single: bool = False, **kw: Any) -> str:
    """Spelled for a list of one value where that is what will be given.

    PostgreSQL plans a statement with a list anew each time, because it expects more values in it than there are.
    """
    value, values = element.clauses
    if is_single and isinstance(values.type, ListOf):
        one: Any = bindparam(values.key, None, type_=values.type.item)
        return f"{compiler.process(value, is_single=True, **kw)} = {compiler.process(one, **kw)}"
    return f"{compiler.process(value, **kw)} = ANY({compiler.process(values, **kw)})"


@compiles(json_document)
def _json_document(element: json_document, compiler: SQLCompiler, **kw: Any) -> str:
    is_postgresql = compiler.dialect.name == POSTGRESQL
    values = zip(element.keys, (compiler.process(clause, **kw) for clause in element.clauses), strict=True)
    pairs = ", ".join(f"'{key}'{':' if is_postgresql else ','} {value}" for key, value in values)
    # No function such as jsonb_build_object: Citus takes none of them in rows that are inserted from others.
    return f"json_object({pairs} RETURNING jsonb)" if is_postgresql else f"json_object({pairs})"


def insert_if_absent(session: Session, table: Any) -> Any:
    """An insertion into a table that leaves a row with the same key as it is."""
    dialect = postgresql if session.get_bind().dialect.name == POSTGRESQL else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def numbered(stem: str, number: Expression) -> Expression:
    """The id of record `number`, from 0, of those that a statement makes under one stem (`core.base.ids.new_stem`)."""
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
