"""From a selection to SQL: each root field becomes one SELECT that returns the finished JSON.

A list has two scopes. The inner SELECT filters, orders and cuts the page from as few columns as will do; the outer one
makes JSON of the rows that are left, and joins only for them what is merely shown. Lists below a row are correlated
subqueries of the same form.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Select, case, func, null, select

from core.sql import Expression
from schema.aggregates import aggregate
from schema.catalog import CatalogField, RecordType, ToMany
from schema.conditions import filtered
from schema.fills import EACH, TYPE_KEY, Fill, Path
from schema.kinds import Condition
from schema.ordering import sort_keys
from schema.pages import Page
from schema.rows import PageRow, PlanRow, Statement
from schema.selections import TYPENAME, Chosen, Selection, Whole
from schema.sqljson import column, constant, count_rows, json_object, json_rows


def record_object(row: PlanRow, selection: Selection, path: Path) -> Expression:
    """A record as the JSON object that is selected of it."""
    pairs: list[tuple[str, Expression]] = []
    hidden: dict[str, Expression] = {}
    for chosen in selection.of(row.record.name):
        pairs.append((chosen.key, _member(row, chosen, path, hidden)))
    return json_object([*pairs, *hidden.items()])


def _member(row: PlanRow, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
    record, name = row.record, chosen.name
    statement = row.scope.statement
    if name == TYPENAME:
        return constant(record.name)
    if name in record.fields:
        field = record.fields[name]
        if field.python is not None:
            return _python(row, field, chosen, path, hidden)
        return field.kind.json(field.value(row), chosen.selection)
    if name in record.to_one:
        target = row.to(name)
        built = record_object(target, chosen.selection, (*path, chosen.key))
        return case((target.id.is_not(None), built), else_=null())
    if name in record.to_many:
        many = record.to_many[name]
        target_record = statement.catalog.records[many.target]
        return connection(statement, target_record, chosen, (*path, chosen.key), (row, many)).scalar_subquery()
    many = record.to_many[name.removesuffix("Aggregate")]
    return aggregate(statement, statement.catalog.records[many.target], chosen, (row, many)).scalar_subquery()


def _python(row: PlanRow, field: CatalogField, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
    """A place for a Python field, and beside it, hidden, what its function needs."""
    hidden[TYPE_KEY] = constant(row.record.name)
    whole = Whole(chosen.selection.document, ())
    for need in field.needs:
        other = row.record.fields[need]
        hidden[f"${need}"] = other.kind.json(other.value(row), whole)
    needs = {need: f"${need}" for need in field.needs}
    row.scope.statement.fills.append(Fill(path, chosen.key, field, needs, chosen.selection, row.record.name))
    return null()


def one(statement: Statement, record: RecordType, chosen: Chosen, where: Callable[[PlanRow], Condition]) -> Select[Any]:
    """The record for which a condition holds."""
    row = statement.row(record)
    built = record_object(row, chosen.selection, ())
    there = [where(row), *statement.visible(row)]
    return select(built).select_from(row.source()).where(*there)


def all_of(statement: Statement, record: RecordType, chosen: Chosen) -> Select[Any]:
    """All records of a type, in their order, as a plain list."""
    inner = statement.row(record)
    clauses = [key.clause() for key in sort_keys(statement, inner, None)]
    outer = PageRow(inner)
    built = record_object(outer, chosen.selection, (EACH,))
    there = statement.visible(inner)
    place = func.row_number().over(order_by=clauses).label("place")
    page = (
        select(place, *outer.handed_out.values())
        .select_from(inner.source())
        .where(*there)
        .order_by(*clauses)
        .subquery(outer.alias)
    )
    rows = json_rows(built, place=column(outer.alias, "place", BigInteger()))
    return select(rows).select_from(outer.scope.from_clause(page))


def connection(
    statement: Statement,
    record: RecordType,
    chosen: Chosen,
    path: Path,
    under: tuple[PlanRow, ToMany] | None = None,
) -> Select[Any]:
    """A connection: a page of a list with cursors, page info and total count, as far as they are selected."""
    type_name = f"{record.name}Connection"

    def total(field: Chosen) -> Expression:
        row, there = filtered(statement, record, chosen.arguments.get("where"), under)
        return select(count_rows()).select_from(row.source()).where(*there).scalar_subquery()

    if not chosen.selection.names(type_name) & {"edges", "nodes", "pageInfo"}:
        return select(chosen.selection.build(type_name, {"totalCount": total}))
    page = Page(statement, record, chosen, path, under, record_object)
    parts = {"totalCount": total, "nodes": page.nodes, "edges": page.edges, "pageInfo": page.info}
    built = chosen.selection.build(type_name, parts)
    return select(built).select_from(page.source())
