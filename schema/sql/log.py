"""SQL that reads the changes of an event, stored as `{field: [previous, current]}`, spelt for each engine."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from core.db.engines import SQLITE
from core.db.sql import Expression
from schema.sql.json import BUILT, TEXT, SqlFunction, json_text


class changes_list(SqlFunction):  # noqa: N801
    """The changes of an event, stored as `{field: [previous, current]}`, as a JSON list of objects."""

    type = BUILT

    def __init__(self, stored: Expression, chosen: Sequence[tuple[str, str]]) -> None:
        self.chosen = chosen
        super().__init__(stored)


class without_keys(SqlFunction):  # noqa: N801
    """A stored JSON object without some of its keys."""

    def __init__(self, stored: Expression, keys: Iterable[str]) -> None:
        self.keys = sorted(keys)
        super().__init__(stored)


class changed_value(SqlFunction):  # noqa: N801
    """The previous or the current value of one field of an event's changes, as text; null where it did not change."""

    type = TEXT

    def __init__(self, stored: Expression, name: str, *, is_current: bool) -> None:
        self.name, self.place = name, int(is_current)
        super().__init__(stored)


class text_member(SqlFunction):  # noqa: N801
    """A member of a stored JSON object, as text."""

    type = TEXT

    def __init__(self, stored: Expression, name: str) -> None:
        self.name = name
        super().__init__(stored)


class has_change(SqlFunction):  # noqa: N801
    """Whether one field is among an event's changes."""

    type = Boolean()

    def __init__(self, stored: Expression, name: str) -> None:
        self.name = name
        super().__init__(stored)


class replaced_json(SqlFunction):  # noqa: N801
    """What a change replaced of one field, as the text of its JSON; null where the field did not change."""

    type = BUILT

    def __init__(self, stored: Expression, name: str) -> None:
        self.name = name
        super().__init__(stored)


class json_or(SqlFunction):  # noqa: N801
    """JSON given as its text, or else that of a value."""

    type = BUILT

    def __init__(self, given: Expression, value: Expression) -> None:
        self.given, self.value = given, value
        super().__init__(given, value)


class json_member(SqlFunction):  # noqa: N801
    """A member of a JSON object, as JSON."""

    type = BUILT

    def __init__(self, object: Expression, name: str) -> None:
        self.name = name
        super().__init__(object)


def _stored(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    (stored,) = element.clauses
    return compiler.process(stored, **kw)


_CHANGE = {"field": "key", "previous": "value -> 0", "current": "value -> 1", "__typename": "'FieldChange'"}


@compiles(changes_list)
def _changes_list(element: changes_list, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _stored(element, compiler, **kw)
    change = ", ".join(f"'{key}', {_CHANGE[name]}" for key, name in element.chosen)
    if compiler.dialect.name == SQLITE:
        return f"(SELECT json_group_array(json_object({change})) FROM json_each({stored}))"
    built = f'json_agg(json_build_object({change}) ORDER BY key COLLATE "C")'
    return f"(SELECT CAST(coalesce({built}, '[]'::json) AS TEXT) FROM jsonb_each({stored}))"


@compiles(without_keys)
def _without_keys(element: without_keys, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _stored(element, compiler, **kw)
    if compiler.dialect.name == SQLITE:
        paths = ", ".join(f"'$.{key}'" for key in element.keys)
        return f"json_remove({stored}, {paths})"
    keys = ", ".join(f"'{key}'" for key in element.keys)
    return f"({stored} - ARRAY[{keys}])"


@compiles(changed_value)
def _changed_value(element: changed_value, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _stored(element, compiler, **kw)
    if compiler.dialect.name == SQLITE:
        return f"json_extract({stored}, '$.{element.name}[{element.place}]')"
    return f"({stored} -> '{element.name}' ->> {element.place})"


@compiles(text_member)
def _text_member(element: text_member, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _stored(element, compiler, **kw)
    if compiler.dialect.name == SQLITE:
        return f"json_extract({stored}, '$.{element.name}')"
    return f"({stored} ->> '{element.name}')"


@compiles(has_change)
def _has_change(element: has_change, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _stored(element, compiler, **kw)
    if compiler.dialect.name == SQLITE:
        return f"(json_type({stored}, '$.{element.name}') IS NOT NULL)"
    return f"({stored} -> '{element.name}' IS NOT NULL)"


@compiles(replaced_json)
def _replaced_json(element: replaced_json, compiler: SQLCompiler, **kw: Any) -> str:
    stored = _stored(element, compiler, **kw)
    if compiler.dialect.name == SQLITE:
        return f"({stored} -> '$.{element.name}[0]')"
    return f"CAST({stored} -> '{element.name}' -> 0 AS TEXT)"


@compiles(json_or)
def _json_or(element: json_or, compiler: SQLCompiler, **kw: Any) -> str:
    given = compiler.process(element.given, **kw)
    if compiler.dialect.name == SQLITE:
        return f"json(coalesce({given}, json_quote({compiler.process(element.value, **kw)})))"
    return f"coalesce({given}, {json_text(element.value, compiler, **kw)})"


@compiles(json_member)
def _json_member(element: json_member, compiler: SQLCompiler, **kw: Any) -> str:
    held = _stored(element, compiler, **kw)
    if compiler.dialect.name == SQLITE:
        return f"({held} -> '$.{element.name}')"
    return f"CAST(CAST({held} AS JSON) -> '{element.name}' AS TEXT)"
