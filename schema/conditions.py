"""Where: filters on fields, on the record a relation leads to, on lists, and on aggregates of lists."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, func, not_, or_, select, true

from core.errors import InputError
from schema.kinds import Condition, IntKind
from schema.rows import PlanRow
from schema.sqljson import count_rows

if TYPE_CHECKING:
    from schema.catalog import ToMany
    from schema.compiler import Compiler

Where = Mapping[str, Any]


def holds(condition: Condition) -> Condition:
    """A condition that is false where SQL would say null, so that its negation is true."""
    return func.coalesce(condition, false())


def conditions(compiler: "Compiler", row: PlanRow, where: Where | None) -> list[Condition]:
    """The conditions on a row that a `where` stands for; all of them must hold."""
    found: list[Condition] = []
    for name, given in (where or {}).items():
        if given is None:
            raise InputError(f"where.{name}: null filters nothing; leave it out, or ask for isNull")
        found += _part(compiler, row, name, given)
    return found


def _part(compiler: "Compiler", row: PlanRow, name: str, given: Any) -> Iterator[Condition]:
    record = row.record
    if name == "and":
        yield from (condition for part in given for condition in conditions(compiler, row, part))
    elif name == "or":
        yield or_(false(), *(and_(true(), *conditions(compiler, row, part)) for part in given))
    elif name == "not":
        yield not_(holds(and_(true(), *conditions(compiler, row, given))))
    elif name in record.fields:
        field = record.fields[name]
        compiler.demand(record, field)
        yield from field.kind.conditions(field, row, given, compiler.binds)
    elif name in record.to_one:
        target = row.to(name)
        yield target.id.is_not(None)
        yield from conditions(compiler, target, given)
    elif name in record.to_many:
        yield from _list_conditions(compiler, row, record.to_many[name], given)
    else:
        yield from _aggregate_conditions(compiler, row, record.to_many[name.removesuffix("Aggregate")], given)


def linked(compiler: "Compiler", row: PlanRow, many: "ToMany") -> tuple[PlanRow, list[Condition]]:
    """A row of a list under its parent, and the conditions that put it there."""
    other = compiler.row(compiler.catalog.records[many.target])
    return other, [other.reference(many.column) == row.id]


def _list_conditions(
    compiler: "Compiler", row: PlanRow, many: "ToMany", given: Mapping[str, Any]
) -> Iterator[Condition]:
    for quantifier, where in given.items():
        other, link = linked(compiler, row, many)
        wanted = and_(true(), *conditions(compiler, other, where or {}))
        if quantifier == "every":
            wanted = not_(holds(wanted))
        there = [*link, *compiler.visible(other, where), wanted]
        found = select(1).select_from(other.source()).where(*there).exists()
        yield found if quantifier == "some" else not_(found)


def _aggregate_conditions(
    compiler: "Compiler", row: PlanRow, many: "ToMany", given: Mapping[str, Any]
) -> Iterator[Condition]:
    where = given.get("where")
    for function, asked in given.items():
        if function == "where":
            continue
        if asked is None:
            raise InputError(f"{many.name}Aggregate.{function}: null filters nothing; leave it out")
        if function == "count":
            count = _aggregate(compiler, row, many, where, None, "count")
            yield from IntKind().conditions_on(count, asked, compiler.binds)
            continue
        for name, filter_ in asked.items():
            field = compiler.catalog.records[many.target].fields[name]
            _, kind = field.kind.aggregate(function, field.kind.typed_null())
            value = _aggregate(compiler, row, many, where, name, function)
            yield from kind.conditions_on(kind.of_number(value), filter_, compiler.binds)


def _aggregate(
    compiler: "Compiler", row: PlanRow, many: "ToMany", where: Where | None, name: str | None, function: str
) -> Any:
    """One aggregate of a list under its parent, as a bare number."""
    other, link = linked(compiler, row, many)
    there = [*link, *compiler.visible(other, where), *conditions(compiler, other, where)]
    value = count_rows() if name is None else compiler.aggregate_number(other, other.record.fields[name], function)
    return select(value).select_from(other.source()).where(*there).scalar_subquery()
