"""Checks of plugins' SQL fields, before anything is built of them."""

from collections.abc import Sequence
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
        fields = [field for field in record.fields.values() if field.owner != CORE and field.expression is not None]
        # All at once takes a fraction of the time; one by one only to name the culprit.
        if fields and _problem(catalog, record, fields):
            for field in fields:
                if problem := _problem(catalog, record, [field]):
                    raise PluginError(field.owner, f"field {record.name}.{field.name}", problem)


def _problem(catalog: Catalog, record: RecordType, fields: Sequence[CatalogField]) -> str | None:
    """What is wrong with one of the fields, if anything is."""
    row = Statement(catalog, sqlite.dialect(), EVERYTHING).row(record)
    parts: list[Any] = []
    for field in fields:
        try:
            value = field.value(row)
        except RecursionError:
            return "reads itself in a circle"
        except TypeError as error:
            return str(error)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        is_money = isinstance(field.kind, MoneyKind)
        if is_money != isinstance(value, MoneyExpression):
            return f"gives {value!r}, which is {'no' if is_money else 'a'} guanxi.MoneyExpression"
        for part in value if isinstance(value, MoneyExpression) else [value]:
            if not isinstance(part, ColumnElement):
                return f"gives {part!r}, which is no SQL expression; wrap a constant in sqlalchemy.literal"
            parts.append(part)
    try:
        compiled: Any = select(*parts).compile(dialect=sqlite.dialect())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    # A row's columns are plain texts; whatever else is selected from would be multiplied with the row.
    if whole := compiled.compile_state.froms:
        return f"reads all of {whole[0]}; read the record's own row, as in row.facet(Points).earned"
    return None
