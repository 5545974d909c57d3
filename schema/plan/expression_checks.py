"""Checks of plugins' SQL fields, before anything is built of them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ColumnElement

from core.base.errors import PluginError
from core.records.fields import MoneyExpression
from core.records.record import CORE
from schema.catalog.access import EVERYTHING
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.catalog.kinds import MoneyKind
from schema.plan.statement import Statement


def check_expressions(catalog: Catalog) -> None:
    """Refuses plugins' SQL fields whose expressions cannot be made, or are none.

    Raises:
        PluginError: one cannot; the message names plugin, field and problem.
    """
    for record in catalog.records.values():
        for field in record.fields.values():
            if field.owner != CORE and field.expression is not None:
                problem = _problem_of(catalog, record, field)
                if problem:
                    raise PluginError(field.owner, f"field {record.name}.{field.name}", problem)


def _problem_of(catalog: Catalog, record: RecordType, field: CatalogField) -> str | None:
    try:
        value = field.value(Statement(catalog, sqlite.dialect(), EVERYTHING).row(record))
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
