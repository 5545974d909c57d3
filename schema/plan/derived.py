"""Plugin code's own SELECT over a list: the rows a caller may see as columns, and what is worked out of them in SQL."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import CTE, Select, select

from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.sql import Expression, whole
from schema.catalog.catalog import RecordType
from schema.catalog.kinds import DecimalKind, MoneyKind
from schema.plan.aggregates import GroupKey, group_key
from schema.plan.statement import CompileRoot, PlanRow, Statement
from schema.plan.where import filtered
from schema.sql.json import json_array, json_rows
from schema.sql.selections import Chosen

#: Makes a SELECT of the rows of a list.
Derivation = Callable[[CTE], Select[Any]]


def derived(record: RecordType, fields: Mapping[str, str], derivation: Derivation) -> CompileRoot:
    """Compiles a derivation of the rows of a list, by the arguments `where` and `by` of the field it stands for.

    Args:
        record: of the list.
        fields: name of a column to its field, across to-one relations: `{"day": "response.answeredOn"}`. Decimals and
            money are whole numbers of the smallest unit, money in the reporting currency. Keys are `key0`, `key1` ….
        derivation: gives the SELECT whose rows are the answer.
    """

    def compile_root(statement: Statement, chosen: Chosen) -> Select[Any]:
        row, there = filtered(statement, record, chosen.arguments.get("where"), None)
        keys = [group_key(statement, row, part, ()) for part in chosen.arguments.get("by") or ()]
        columns = [_value(statement, row, path).label(name) for name, path in fields.items()]
        columns += [_shown(key, chosen).label(f"key{number}") for number, key in enumerate(keys)]
        rows = select(*columns).select_from(row.source(there)).where(*there).cte(statement.alias())
        found = derivation(rows.prefix_with("MATERIALIZED")).subquery(statement.alias())
        return select(json_rows(json_array(*found.c), [])).select_from(found)

    return compile_root


def _shown(key: GroupKey, chosen: Chosen) -> Expression:
    """What is one within a group, as the API shows it; of a text as it is compared."""
    is_plain = key.kind.functions == ("min", "max")
    return key.expression if is_plain else key.kind.json(key.expression, chosen.selection)


def _value(statement: Statement, row: PlanRow, path: str) -> Expression:
    *way, name = path.split(".")
    for step in way:
        row = row.to(step)
    if name not in row.record.fields:
        raise InputError(
            sentence(
                "{record} has no field {name!r}; see the schema for those it has", record=row.record.name, name=name
            )
        )
    field = row.record.fields[name]
    statement.demand(row.record, field)
    value = field.value(row)
    if isinstance(field.kind, MoneyKind):
        return value.reporting  # type: ignore[no-any-return]
    return whole(value) if isinstance(field.kind, DecimalKind) else value
