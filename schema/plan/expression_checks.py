"""Checks of plugins' SQL fields, before anything is built of them."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ColumnElement

from core.base.errors import PluginError
from core.host.contract import Plugin
from core.host.host import logger
from core.records.fields import MoneyExpression
from core.records.record import CORE
from schema.catalog.access import EVERYTHING
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.catalog.kinds import MoneyKind
from schema.plan.statement import Statement

#: How like a known name an unknown one has to be to be taken for a misspelling of it.
_LIKE = 0.8


def check_expressions(catalog: Catalog, plugins: Mapping[str, Plugin]) -> None:
    """Refuses plugins' SQL fields whose expressions cannot be made, or are none; warns of names that look misspelt.

    Args:
        catalog: of the app.
        plugins: its plugins, by name.

    Raises:
        PluginError: one cannot; the message names plugin, field and problem.
    """
    for record in catalog.records.values():
        for field in record.fields.values():
            if field.owner != CORE and field.expression is not None:
                statement = Statement(catalog, sqlite.dialect(), EVERYTHING)
                problem = _problem_of(statement, record, field)
                if problem:
                    raise PluginError(field.owner, f"field {record.name}.{field.name}", problem)
                for other, name in sorted(statement.absent):
                    _warn(catalog.records[other], name, record, field, plugins[field.owner])


def _warn(other: RecordType, name: str, record: RecordType, field: CatalogField, plugin: Plugin) -> None:
    """Warns of a name that `row.other` did not find and that is like a known one.

    Other names are taken for those of a plugin that is not installed, whose fields are null.
    """
    known = [one.name for one in other.fields.values() if one.expression is not None and one is not field]
    if near := get_close_matches(name, known, 1, _LIKE):
        logger(plugin).warning(
            "field %s.%s reads %s.%s, which there is not, so it is null; did you mean %s?",
            *(record.name, field.name, other.name, name, near[0]),
        )


def _problem_of(statement: Statement, record: RecordType, field: CatalogField) -> str | None:
    try:
        value = field.value(statement.row(record))
    except RecursionError:
        return "reads itself in a circle"
    except TypeError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(field.kind, MoneyKind) != isinstance(value, MoneyExpression):
        return f"gives {value!r}, which is {'no' if isinstance(field.kind, MoneyKind) else 'a'} guanxi.MoneyExpression"
    parts: Any = value if isinstance(value, MoneyExpression) else [value]
    for part in parts:
        if not isinstance(part, ColumnElement):
            return f"gives {part!r}, which is no SQL expression; wrap a constant in sqlalchemy.literal"
        try:
            compiled: Any = select(part).compile(dialect=sqlite.dialect())
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        # A row's columns are plain texts; whatever else is selected from would be multiplied with the row.
        if whole := compiled.compile_state.froms:
            return f"reads all of {whole[0]}; read the record's own row, as in row.facet(Points).earned"
    return None
