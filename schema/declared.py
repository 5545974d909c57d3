"""What plugins declared, checked before anything is built of it: names that fit, expressions that are SQL."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ColumnElement

from core.declarations import MoneyExpression
from core.errors import PluginError
from core.records import CORE
from schema.access import EVERYTHING
from schema.catalog import Catalog, CatalogField, RecordType
from schema.inputs import RESERVED, RESERVED_OF, reference_name, writable
from schema.kinds import MoneyKind
from schema.rows import Statement

_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9]*")


def root_names(record: RecordType) -> set[str]:
    """The queries a record makes."""
    one, many = record.singular, record.plural
    return {one, many, f"{many}Aggregate", f"{many}GroupBy"}


def check_names(record: RecordType) -> None:
    """Refuses what a plugin has named as no field can be named, or as inputs name something else."""
    used = {
        *RESERVED,
        *RESERVED_OF.get(record.name, ()),
        *(reference_name(field) for field in writable(record) if field.refers),
    }
    for name in (*record.names(), *record.said):
        owner = record.owner_of(name)
        if owner in (None, CORE):
            continue
        place = f"field {record.name}.{name}"
        if not _FIELD_NAME.fullmatch(name):
            raise PluginError(str(owner), place, "must be named in camel case, as in Customer.loyaltyPoints")
        if name in used:
            raise PluginError(str(owner), place, f"inputs of {record.name} use that name; choose another name")


def check_expressions(catalog: Catalog, record: RecordType) -> None:
    """Refuses plugins' SQL fields whose expressions cannot be made, or are none."""
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
