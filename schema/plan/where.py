"""Where: filters on fields, on the record a relation leads to, on lists, and on aggregates of lists."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from sqlalchemy import and_, false, func, not_, or_, true

from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.sql import Expression
from schema.catalog.catalog import CatalogField, RecordType, ToMany
from schema.catalog.kind import Condition
from schema.catalog.kinds import IntKind
from schema.plan.statement import PlanRow, Statement
from schema.sql.json import count_rows
from schema.sql.queries import Query, equal, exists, is_there

Where = Mapping[str, Any]


def holds(condition: Condition) -> Condition:
    """A condition that is false where SQL would say null, so that its negation is true."""
    return func.coalesce(condition, false())


def conditions(statement: Statement, row: PlanRow, where: Where | None) -> list[Condition]:
    """The conditions on a row that a `where` stands for; all of them must hold."""
    found: list[Condition] = []
    for name, given in (where or {}).items():
        if given is None:
            raise InputError(sentence("where.{name}: null filters nothing; leave it out, or use isNull", name=name))
        found += _part(statement, row, name, given)
    return found


def _part(statement: Statement, row: PlanRow, name: str, given: Any) -> Iterator[Condition]:
    record = row.record
    if name == "and":
        yield from (condition for part in given for condition in conditions(statement, row, part))
    elif name == "or":
        yield or_(false(), *(and_(true(), *conditions(statement, row, part)) for part in given))
    elif name == "not":
        yield not_(holds(and_(true(), *conditions(statement, row, given))))
    elif name in record.fields:
        field = record.fields[name]
        statement.demand(record, field)
        if not statement.layout.is_stepped or field.stored is not None:
            yield from field.conditions(row, given, statement.binds)
            return
        # What it is worked out as would be too deep in its place.
        asked = partial(_all_of, field, given)
        yield statement.is_among(record, asked, row.id, asked)
    elif name in record.to_one:
        target = row.to(name)
        yield is_there(target.id)
        yield from conditions(statement, target, given)
    elif name in record.to_many:
        yield from _list_conditions(statement, row, record.to_many[name], given)
    else:
        yield from _aggregate_conditions(statement, row, record.to_many[name.removesuffix("Aggregate")], given)


def _all_of(field: CatalogField, given: Any, row: PlanRow) -> Condition:
    return and_(true(), *field.conditions(row, given, row.scope.statement.binds))


def linked(statement: Statement, row: PlanRow, many: ToMany) -> tuple[PlanRow, list[Condition]]:
    """A row of a list under its parent, and the conditions that put it there."""
    other = statement.row(statement.catalog.records[many.target])
    return other, [equal(other.reference(many.column), row.id)]


def filtered(
    statement: Statement, record: RecordType, where: Where | None, under: tuple[PlanRow, ToMany] | None
) -> tuple[PlanRow, list[Condition]]:
    """A row of a list, at the root or under a parent, and the conditions that put it there."""
    row, link = (statement.row(record), []) if under is None else linked(statement, *under)
    return row, [*link, *statement.visible(row, where), *conditions(statement, row, where)]


def listed(
    statement: Statement, record: RecordType, arguments: Mapping[str, Any], under: tuple[PlanRow, ToMany] | None
) -> tuple[PlanRow, list[Condition]]:
    """A row of a list that may be a log, and the conditions that all of its arguments put on it."""
    row, there = filtered(statement, record, arguments.get("where"), under)
    return row, there if record.log is None else [*there, *record.log.narrowed(row, arguments)]


def aggregate_number(
    statement: Statement, row: PlanRow, field: CatalogField, function: str, *, is_shown: bool = False
) -> Expression:
    """One aggregate of a field over the rows of a scope, as a bare number.

    Args:
        statement: which.
        row: any of them.
        field: of theirs.
        function: that makes one value of all.
        is_shown: whether the SELECT has what is worked out of its rows (`PlanRow.rows`).
    """
    statement.demand(row.record, field)
    value = field.value(row)
    return field.kind.aggregate(function, row.scope.value(value, is_repeated=False) if is_shown else value)


def _list_conditions(statement: Statement, row: PlanRow, many: ToMany, given: Mapping[str, Any]) -> Iterator[Condition]:
    for quantifier, where in given.items():
        other, link = linked(statement, row, many)
        wanted = and_(true(), *conditions(statement, other, where or {}))
        if quantifier == "every":
            wanted = not_(holds(wanted))
        there = [*link, *statement.visible(other, where), wanted]
        found = exists(other.source(), there)
        yield found if quantifier == "some" else not_(found)


def _aggregate_conditions(
    statement: Statement, row: PlanRow, many: ToMany, given: Mapping[str, Any]
) -> Iterator[Condition]:
    where = given.get("where")
    for function, asked in given.items():
        if function == "where":
            continue
        if asked is None:
            raise InputError(
                sentence(
                    "{many}Aggregate.{function}: null filters nothing; leave it out", many=many.name, function=function
                )
            )
        if function == "count":
            count = _aggregate(statement, row, many, where, None, "count")
            yield from IntKind().conditions(count, asked, statement.binds)
            continue
        for name, filter_ in asked.items():
            if filter_ is None:
                raise InputError(
                    sentence(
                        "{many}Aggregate.{function}.{name}: null filters nothing; leave it out",
                        many=many.name,
                        function=function,
                        name=name,
                    )
                )
            field = statement.catalog.records[many.target].fields[name]
            kind = field.kind.aggregate_kind(function)
            value = _aggregate(statement, row, many, where, name, function)
            yield from kind.conditions(kind.of_number(value), filter_, statement.binds)


def _aggregate(
    statement: Statement, row: PlanRow, many: ToMany, where: Where | None, name: str | None, function: str
) -> Any:
    """One aggregate of a list under its parent, as a bare number."""
    other, link = linked(statement, row, many)
    there = [*link, *statement.visible(other, where), *conditions(statement, other, where)]
    value = count_rows() if name is None else aggregate_number(statement, other, other.record.fields[name], function)
    return Query({"value": value}, other.source(), there)
