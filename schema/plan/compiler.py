"""From a selection to SQL: each root field becomes one SELECT that returns the finished JSON.

A list has two scopes. The inner SELECT filters, orders and cuts the page from as few columns as will do; the outer one
makes JSON of the rows that are left, and joins only for them what is merely shown. Lists below a row are correlated
subqueries of the same form.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import String, and_, case, false, func, not_, null, true

from core.access.permissions import Right
from core.db.engines import POSTGRESQL
from core.db.sql import Expression, one_of
from core.db.types import ListOf
from schema.catalog.catalog import CatalogField, RecordType, ToMany
from schema.catalog.kind import Condition
from schema.catalog.kinds import BooleanKind
from schema.catalog.merges import where_it_leads
from schema.catalog.ownership import CAN
from schema.catalog.timelines import TIMELINE
from schema.plan.aggregates import aggregate
from schema.plan.order import sort_keys
from schema.plan.pages import Page
from schema.plan.plan import EACH, ID_KEY, OF_KEY, TYPE_KEY, Fill, Gap, Path
from schema.plan.statement import CompileRoot, Detour, PageRow, PlanRow, Statement
from schema.plan.where import listed
from schema.sql.json import TEXT, WHOLE, column, constant, count_rows, json_if_there, json_object, json_rows
from schema.sql.queries import AliasedRows, Query, equal
from schema.sql.selections import TYPENAME, Chosen, Selection, Whole
from schema.sql.template import placeholder

#: The one record that is read by its id, which is one: nothing is wrong with it.
_ONLY_ID, _ID = attrgetter("id"), String()


def record_object(row: PlanRow, selection: Selection, path: Path) -> Expression:
    """A record as the JSON object that is selected of it."""
    pairs: list[tuple[str, Expression]] = []
    hidden: dict[str, Expression] = {}
    for chosen in selection.of(row.record.name):
        pairs.append((chosen.key, _member(row, chosen, path, hidden)))
    return json_object([*pairs, *hidden.items()])


def _member(row: PlanRow, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
    record, name = row.record, chosen.name
    if name == TYPENAME:
        return constant(record.name)
    if name == CAN and record.has_attachments:
        return _can(row, chosen.selection)
    if name not in record.fields:
        return _related(row, chosen, path, hidden)
    field = record.fields[name]
    if not row.scope.statement.shown(row, field, path, chosen.key):
        hidden[TYPE_KEY] = constant(record.name)
        return null()
    if field.python is not None:
        return _python(row, field, chosen, path, hidden)
    return _shown(row, field, chosen.selection)


def _can(row: PlanRow, selection: Selection) -> Expression:
    """What the caller may do with a record, as a JSON object."""
    record = row.record
    is_living = row.reference("deleted_at").is_(None)

    def right(needed: Right, *states: Condition) -> Expression:
        allowed = row.scope.statement.access.can(row, needed) if record.writable else False
        parts = [] if allowed is True else [false() if allowed is False else func.coalesce(allowed, false())]
        return BooleanKind().json(and_(true(), *parts, *states), selection)

    answers: Mapping[str, Callable[[Chosen], Expression]] = {
        "update": lambda chosen: right(Right.CHANGE, is_living),
        "delete": lambda chosen: right(Right.DELETE, is_living),
        "restore": lambda chosen: right(Right.DELETE, not_(is_living)),
        "destroy": lambda chosen: right(Right.DESTROY),
        "move": lambda chosen: right(Right.CHANGE, is_living, true() if record.name == "Opportunity" else false()),
    }
    return selection.build("Can", answers)


def _shown(row: PlanRow, field: CatalogField, selection: Selection) -> Expression:
    value = row.scope.value(field.value(row), is_repeated=field.kind.repeats)
    return field.kind.json(value, selection)


def _python(row: PlanRow, field: CatalogField, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
    """A place for a Python field, which holds what its function needs."""
    statement, record = row.scope.statement, row.record
    # Who may not see what it is made from may not see it either.
    if not all(statement.shown(row, record.fields[need], path, chosen.key) for need in field.needs):
        hidden[TYPE_KEY] = constant(record.name)
        return null()
    whole = Whole(chosen.selection.document, ())
    needed = [record.fields[need] for need in field.needs]
    number = statement.fill_number()
    statement.gaps.append(Fill(path, chosen.key, record.name, number, field, chosen.selection))
    return placeholder(number, [_shown(row, other, whole) for other in needed])


def _related(row: PlanRow, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
    """What a record leads to: a record, a list, or the aggregates of one; or a place for it."""
    statement = row.scope.statement
    gap = Gap(path, chosen.key, row.record.name)
    if statement.is_deep:
        statement.detours.append(Detour(gap, _by_itself(row.record), chosen))
        built = None
    else:
        built = statement.nested(gap, lambda: _built(row, chosen, (*path, chosen.key)))
    if built is None:
        hidden |= {TYPE_KEY: constant(row.record.name), ID_KEY: row.id}
        return null()
    return built


def _built(row: PlanRow, chosen: Chosen, path: Path) -> Expression:
    record, statement, name = row.record, row.scope.statement, chosen.name
    if name == TIMELINE:
        return row.scope.json(events(statement, chosen, path, row))
    if name in record.to_one:
        target = row.to(name)
        return json_if_there(target.id, record_object(target, chosen.selection, path))
    many = record.to_many[name if name in record.to_many else name.removesuffix("Aggregate")]
    target_record = statement.catalog.records[many.target]
    if name in record.to_many:
        found = connection(statement, target_record, chosen, path, (row, many))
    else:
        found = aggregate(statement, target_record, chosen, (row, many))
    return row.scope.json(found)


def _by_itself(record: RecordType) -> CompileRoot:
    """One related thing of records that are known by id, as a JSON list."""

    def compile_root(statement: Statement, chosen: Chosen) -> Query:
        row = statement.row(record)
        hidden: dict[str, Expression] = {}
        member = _member(row, chosen, (EACH,), hidden)
        built = json_object([(chosen.key, member), (OF_KEY, row.id), *hidden.items()])
        return row.select(json_rows(built, [row.id]), [is_known(row)])

    return compile_root


def by_ids(record: RecordType, *, is_single: bool) -> CompileRoot:
    """Records that are known by id, as a JSON list of objects with their `id` and `record`.

    Args:
        record: what they are.
        is_single: there is one. PostgreSQL would plan for a list anew each time.
    """

    def compile_root(statement: Statement, chosen: Chosen) -> Query:
        row = statement.row(record)
        built = record_object(row, chosen.selection, (EACH, "record"))
        pairs = json_object([("id", row.id), ("record", built)])
        known = equal(row.id, statement.binds.computed(_ONLY_ID, _ID)) if is_single else is_known(row)
        there = [known, *statement.limited(row)]
        return row.select(json_rows(pairs, [row.id]), there)

    return compile_root


def permitted(statement: Statement, record: RecordType, right: Right) -> Query:
    """The ids of those of some records, known by id, with which a caller may do something, as a JSON list."""
    row = statement.row(record, is_fact=True)
    limit = statement.access.limit(record.name, right)
    there = [is_known(row), *([] if limit is None else [limit(row)])]
    return row.select(json_rows(row.id, [row.id]), there)


def is_known(row: PlanRow) -> Condition:
    """Whether a row is one of those that are known by id."""
    ids = row.scope.statement.binds.computed(lambda moment: moment.ids, ListOf(TEXT), "ids")
    found: Condition = one_of(row.id, ids)
    return found


def one(statement: Statement, record: RecordType, chosen: Chosen, where: Callable[[PlanRow], Condition]) -> Query:
    """The record for which a condition holds."""
    row = statement.row(record)
    built = record_object(row, chosen.selection, ())
    there = [where(row), *statement.visible(row)]
    return row.select(built, there)


def all_of(statement: Statement, record: RecordType, chosen: Chosen) -> Query:
    """All records of a type, in their order, as a plain list."""
    inner = statement.row(record)
    clauses = [key.clause() for key in sort_keys(statement, inner, None)]
    outer = PageRow(inner)
    built = record_object(outer, chosen.selection, (EACH,))
    there = statement.visible(inner)
    columns = {"place": func.row_number().over(order_by=clauses), **outer.handed_out}
    # SQLite leaves out the order of a subquery that has no limit.
    page = Query(columns, inner.source(), there, order_by=clauses, is_apart=True)
    rows = json_rows(built, [column(outer.alias, "place", WHOLE)])
    return outer.scope.select(rows, AliasedRows(page, outer.alias))


def connection(
    statement: Statement,
    record: RecordType,
    chosen: Chosen,
    path: Path,
    under: tuple[PlanRow, ToMany] | None = None,
) -> Query:
    """A connection: a page of a list with cursors, page info and total count, as far as they are selected."""
    type_name = f"{record.name}Connection"

    def total(field: Chosen) -> Expression:
        row, there = listed(statement, record, chosen.arguments, under)
        return Query({"total": count_rows()}, row.source(there), there)

    # Made in any case: what is wrong with its arguments is wrong regardless of what is selected.
    page = Page(statement, record, chosen, path, under, record_object)
    if not chosen.selection.names(type_name) & {"edges", "nodes", "pageInfo"}:
        return Query({"built": chosen.selection.build(type_name, {"totalCount": total})})
    parts = {"totalCount": total, "nodes": page.nodes, "edges": page.edges, "pageInfo": page.info}
    built = chosen.selection.build(type_name, parts)
    return page.select(built)


def events(statement: Statement, chosen: Chosen, path: Path, of: PlanRow | None = None) -> Query:
    """A page of the log, newest first if that is asked; of a record and what hangs on it, or of all."""
    order = [{"sequence": "DESC" if chosen.arguments.get("newestFirst") else "ASC"}]
    arguments = {**chosen.arguments, "orderBy": order, "of": of}
    asked = Chosen(chosen.key, chosen.name, arguments, chosen.selection)
    return connection(statement, statement.catalog.records["Event"], asked, path)


def by_type(
    statement: Statement, named: Sequence[RecordType], chosen: Chosen, id: Any, path: tuple[str, ...]
) -> Expression:
    """The object an id names, of one of some types: one subquery per type, of which one is run."""
    prefix = (
        func.split_part(id, "_", 1)
        if statement.dialect.name == POSTGRESQL
        else func.substr(id, 1, func.instr(id, "_") - 1)
    )
    cases = []
    for record in named:
        if record.name in statement.access.hidden:
            continue
        row = statement.row(record)
        built = record_object(row, chosen.selection, path)
        there = [equal(row.id, where_it_leads(id) if record.merges else id), *statement.visible(row)]
        cases.append((prefix == constant(record.prefix), row.select(built, there)))
    return case(*cases, else_=null()) if cases else null()
