"""Checks of plugins' SQL fields, before anything is built of them."""

from collections.abc import Mapping, Sequence
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
        fields = [field for field in record.fields.values() if field.owner != CORE and field.expression is not None]
        together = Statement(catalog, sqlite.dialect(), EVERYTHING)
        # All at once takes a fraction of the time; one by one only to name the culprit.
        if fields and _problem(together, record, fields):
            for field in fields:
                if problem := _problem(Statement(catalog, sqlite.dialect(), EVERYTHING), record, [field]):
                    raise PluginError(field.owner, f"field {record.name}.{field.name}", problem)
        if any(_near(catalog.records[other], name) for other, name in together.absent):
            for field in fields:
                _warn_of_misspelling(catalog, record, field, plugins[field.owner])


def _near(record: RecordType, name: str, but: CatalogField | None = None) -> str | None:
    """The field of a record that a name which is not there looks like.

    Other names are taken for those of a plugin that is not installed, whose fields are null.
    """
    known = [field.name for field in record.fields.values() if field.expression is not None and field is not but]
    return next(iter(get_close_matches(name, known, 1, _LIKE)), None)


def _warn_of_misspelling(catalog: Catalog, record: RecordType, field: CatalogField, plugin: Plugin) -> None:
    statement = Statement(catalog, sqlite.dialect(), EVERYTHING)
    field.value(statement.row(record))
    for other, name in sorted(statement.absent):
        if near := _near(catalog.records[other], name, field):
            logger(plugin).warning(
                "field %s.%s reads %s.%s, which does not exist, so it is null; did you mean %s?",
                *(record.name, field.name, other, name, near),
            )


def _problem(statement: Statement, record: RecordType, fields: Sequence[CatalogField]) -> str | None:
    """What is wrong with one of the fields, if anything is."""
    row = statement.row(record)
    parts: list[Any] = []
    for field in fields:
        try:
            value = field.value(row)
        except RecursionError:
            return "refers to itself in a cycle"
        except TypeError as error:
            return str(error)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        is_money = isinstance(field.kind, MoneyKind)
        if is_money and not isinstance(value, MoneyExpression):
            return (
                "is Money and does not return a guanxi.MoneyExpression; write for example "
                "MoneyExpression(minor, literal(reporting_currency), minor)"
            )
        if isinstance(value, MoneyExpression) and not is_money:
            return "returns a guanxi.MoneyExpression and is not Money; declare it as Money, or return a part of it"
        for part in value if isinstance(value, MoneyExpression) else [value]:
            if not isinstance(part, ColumnElement):
                return f"gives {part!r}, which is not an SQL expression; wrap a constant in sqlalchemy.literal"
            parts.append(part)
    try:
        compiled: Any = select(*parts).compile(dialect=sqlite.dialect())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    # A row's columns are plain texts; whatever else is selected from would be multiplied with the row.
    if whole := compiled.compile_state.froms:
        return f"reads all of {whole[0]}; read the record's own row, as in row.facet(Points).earned"
    return None
