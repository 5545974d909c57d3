"""SQL that builds the finished JSON, spelt for each engine. Values are passed on as they are read."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, case, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine

from core.money import EXPONENTS
from core.sql import Expression
from core.types import Text

#: Both engines take about 100 arguments in a function call.
_PAIRS = 45


class _Sql(FunctionElement[Any]):
    type: TypeEngine[Any] = NullType()
    # The text of a compiled statement is kept by the plan, so SQLAlchemy's own cache of statements is not used.
    inherit_cache = False


class json_object(_Sql):  # noqa: N801  (SQL functions are written small)
    """A JSON object of these keys and values, in this order."""

    def __init__(self, pairs: Sequence[tuple[str, Expression]]) -> None:
        self.keys = [key for key, _ in pairs]
        super().__init__(*(value for _, value in pairs))


class json_rows(_Sql):  # noqa: N801
    """A JSON list of a value of each row, in the rows' order; `place` is the column of that order, if it is needed."""

    def __init__(
        self, value: Expression, *, place: Expression | None = None, only: ColumnElement[bool] | None = None
    ) -> None:
        self.has_place, self.has_only = place is not None, only is not None
        super().__init__(*(part for part in (value, place, only) if part is not None))


class json_array(_Sql):  # noqa: N801
    """A JSON list of these values."""


class json_value(_Sql):  # noqa: N801
    """A stored JSON value as JSON."""


class json_bool(_Sql):  # noqa: N801
    """A boolean as JSON."""


class moment_text(_Sql):  # noqa: N801
    """A moment as `2025-06-01T08:30:00.000Z`."""


class scaled_text(_Sql):  # noqa: N801
    """An integer of the smallest unit as a decimal text with `scale` places."""

    def __init__(self, value: Expression, scale: int) -> None:
        self.scale = scale
        super().__init__(value)


class hex_text(_Sql):  # noqa: N801
    """A text as hexadecimal digits."""


class contains(_Sql):  # noqa: N801
    """Whether the first text holds the second."""

    type = Boolean()


class ends_with(_Sql):  # noqa: N801
    """Whether the first text ends with the second."""

    type = Boolean()


class one_of(_Sql):  # noqa: N801
    """Whether a value is among the values of a list bind."""

    type = Boolean()


class list_holds(_Sql):  # noqa: N801
    """Whether a stored JSON list of texts holds any, or every one, of the texts of a list bind."""

    type = Boolean()

    def __init__(self, stored: Expression, wanted: Expression, *, every: bool = False) -> None:
        self.every = every
        super().__init__(stored, wanted)


class changes_list(_Sql):  # noqa: N801
    """The changes of an event, stored as `{field: [previous, current]}`, as a JSON list of objects."""

    def __init__(self, stored: Expression, chosen: Sequence[tuple[str, str]]) -> None:
        self.chosen = chosen
        super().__init__(stored)


class period_start(_Sql):  # noqa: N801
    """The first day of the week, month, quarter or year a date lies in."""

    type = Date()

    def __init__(self, value: Expression, grain: str) -> None:
        self.grain = grain
        super().__init__(value)


def _parts(element: Any, compiler: SQLCompiler, **kw: Any) -> list[str]:
    return [compiler.process(clause, **kw) for clause in element.clauses]


def _portions(element: json_object, compiler: SQLCompiler, **kw: Any) -> list[list[tuple[str, str]]]:
    pairs = list(zip(element.keys, _parts(element, compiler, **kw), strict=True))
    return [pairs[at : at + _PAIRS] for at in range(0, len(pairs), _PAIRS)] or [[]]


@compiles(json_object, "sqlite")
def _(element: json_object, compiler: SQLCompiler, **kw: Any) -> str:
    first, *more = _portions(element, compiler, **kw)
    built = "json_object(" + ", ".join(f"'{key}', {value}" for key, value in first) + ")"
    for portion in more:
        added = ", ".join(f"'$.\"{key}\"', {value}" for key, value in portion)
        built = f"json_insert({built}, {added})"
    return built


@compiles(json_object, "postgresql")
def _(element: json_object, compiler: SQLCompiler, **kw: Any) -> str:
    built = [
        "json_build_object(" + ", ".join(f"'{key}', {value}" for key, value in portion) + ")"
        for portion in _portions(element, compiler, **kw)
    ]
    if len(built) == 1:
        return built[0]
    inside = " || ',' || ".join(f"left(right({part}::text, -1), -1)" for part in built)
    return f"('{{' || {inside} || '}}')::json"


@compiles(json_rows, "sqlite")
def _(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    value, *rest = _parts(element, compiler, **kw)
    only = f" FILTER (WHERE {rest[-1]})" if element.has_only else ""
    # The order of the aggregated rows is that of the derived table they come from.
    return f"json_group_array({value}){only}"


@compiles(json_rows, "postgresql")
def _(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    value, *rest = _parts(element, compiler, **kw)
    order = f" ORDER BY {rest[0]}" if element.has_place else ""
    only = f" FILTER (WHERE {rest[-1]})" if element.has_only else ""
    return f"coalesce(json_agg({value}{order}){only}, '[]'::json)"


@compiles(json_array, "sqlite")
def _(element: json_array, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array({', '.join(_parts(element, compiler, **kw))})"


@compiles(json_array, "postgresql")
def _(element: json_array, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_array({', '.join(_parts(element, compiler, **kw))})"


@compiles(json_value, "sqlite")
def _(element: json_value, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json({_parts(element, compiler, **kw)[0]})"


@compiles(json_value, "postgresql")
def _(element: json_value, compiler: SQLCompiler, **kw: Any) -> str:
    return _parts(element, compiler, **kw)[0]


@compiles(json_bool, "sqlite")
def _(element: json_bool, compiler: SQLCompiler, **kw: Any) -> str:
    value = _parts(element, compiler, **kw)[0]
    return f"CASE {value} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"


@compiles(json_bool, "postgresql")
def _(element: json_bool, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({_parts(element, compiler, **kw)[0]})"


@compiles(moment_text, "sqlite")
def _(element: moment_text, compiler: SQLCompiler, **kw: Any) -> str:
    return _parts(element, compiler, **kw)[0]


@compiles(moment_text, "postgresql")
def _(element: moment_text, compiler: SQLCompiler, **kw: Any) -> str:
    value = _parts(element, compiler, **kw)[0]
    return f"to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


@compiles(scaled_text, "sqlite")
def _(element: scaled_text, compiler: SQLCompiler, **kw: Any) -> str:
    value = _parts(element, compiler, **kw)[0]
    if element.scale == 0:
        return f"CAST({value} AS TEXT)"
    unit = 10**element.scale
    return (
        f"CASE WHEN {value} IS NOT NULL THEN printf('%s%d.%0{element.scale}d', "
        f"CASE WHEN {value} < 0 THEN '-' ELSE '' END, abs({value}) / {unit}, abs({value}) % {unit}) END"
    )


@compiles(scaled_text, "postgresql")
def _(element: scaled_text, compiler: SQLCompiler, **kw: Any) -> str:
    value = _parts(element, compiler, **kw)[0]
    if element.scale == 0:
        return f"CAST({value} AS TEXT)"
    return f"CAST(({value})::numeric * {'0.' + '0' * (element.scale - 1) + '1'} AS TEXT)"


@compiles(hex_text, "sqlite")
def _(element: hex_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"hex({_parts(element, compiler, **kw)[0]})"


@compiles(hex_text, "postgresql")
def _(element: hex_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"encode(convert_to(({_parts(element, compiler, **kw)[0]})::text, 'UTF8'), 'hex')"


@compiles(contains, "sqlite")
def _(element: contains, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = _parts(element, compiler, **kw)
    return f"instr({text}, {part}) > 0"


@compiles(contains, "postgresql")
def _(element: contains, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = _parts(element, compiler, **kw)
    return f"strpos({text}, {part}) > 0"


@compiles(ends_with, "sqlite")
def _(element: ends_with, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = _parts(element, compiler, **kw)
    return f"substr({text}, length({text}) - length({part}) + 1) = {part}"


@compiles(ends_with, "postgresql")
def _(element: ends_with, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = _parts(element, compiler, **kw)
    return f"right({text}, length({part})) = {part}"


@compiles(one_of, "sqlite")
def _(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    value, values = _parts(element, compiler, **kw)
    return f"{value} IN (SELECT value FROM json_each({values}))"


@compiles(one_of, "postgresql")
def _(element: one_of, compiler: SQLCompiler, **kw: Any) -> str:
    value, values = _parts(element, compiler, **kw)
    return f"{value} = ANY ({values})"


@compiles(list_holds, "sqlite")
def _(element: list_holds, compiler: SQLCompiler, **kw: Any) -> str:
    stored, wanted = _parts(element, compiler, **kw)
    if element.every:
        return (
            f"NOT EXISTS (SELECT 1 FROM json_each({wanted}) WHERE value NOT IN (SELECT value FROM json_each({stored})))"
        )
    return f"EXISTS (SELECT 1 FROM json_each({stored}) WHERE value IN (SELECT value FROM json_each({wanted})))"


@compiles(list_holds, "postgresql")
def _(element: list_holds, compiler: SQLCompiler, **kw: Any) -> str:
    stored, wanted = _parts(element, compiler, **kw)
    return f"{stored} {'?&' if element.every else '?|'} {wanted}"


_CHANGE = {"field": "key", "previous": "value -> 0", "current": "value -> 1", "__typename": "'FieldChange'"}


def _change(element: changes_list) -> str:
    return ", ".join(f"'{key}', {_CHANGE[name]}" for key, name in element.chosen)


@compiles(changes_list, "sqlite")
def _(element: changes_list, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _parts(element, compiler, **kw)[0]
    return f"(SELECT json_group_array(json_object({_change(element)})) FROM json_each({stored}))"


@compiles(changes_list, "postgresql")
def _(element: changes_list, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _parts(element, compiler, **kw)[0]
    built = f'json_agg(json_build_object({_change(element)}) ORDER BY key COLLATE "C")'
    return f"(SELECT coalesce({built}, '[]'::json) FROM jsonb_each({stored}))"


@compiles(period_start, "sqlite")
def _(element: period_start, compiler: SQLCompiler, **kw: Any) -> str:
    day = _parts(element, compiler, **kw)[0]
    quarter = f"substr('010101040404070707101010', 2 * substr({day}, 6, 2) - 1, 2)"
    return {
        "DAY": day,
        "WEEK": f"date({day}, '-6 days', 'weekday 1')",
        "MONTH": f"substr({day}, 1, 7) || '-01'",
        "QUARTER": f"substr({day}, 1, 5) || {quarter} || '-01'",
        "YEAR": f"substr({day}, 1, 4) || '-01-01'",
    }[element.grain]


@compiles(period_start, "postgresql")
def _(element: period_start, compiler: SQLCompiler, **kw: Any) -> str:
    day = _parts(element, compiler, **kw)[0]
    return day if element.grain == "DAY" else f"CAST(date_trunc('{element.grain.lower()}', {day}) AS DATE)"


def column(alias: str, name: str, type_: Any) -> Expression:
    """A column of an alias, with its type. No table hangs on it, so no statement correlates by surprise."""
    return literal_column(f'{alias}."{name}"', type_)


def whole_number(value: int) -> Expression:
    """An integer that is part of the statement, such as the size of a page, which decides how it is best run."""
    return literal_column(str(value), BigInteger())


def count_rows() -> Expression:
    """How many rows there are."""
    return literal_column("count(*)", BigInteger())


class constant(ColumnElement[str]):  # noqa: N801
    """A text that is part of the statement, such as a type name or a known currency."""

    type = Text()
    inherit_cache = False

    def __init__(self, text: str) -> None:
        self.text = text


@compiles(constant)
def _(element: constant, compiler: SQLCompiler, **kw: Any) -> str:
    return "'" + element.text.replace("'", "''") + "'"


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
