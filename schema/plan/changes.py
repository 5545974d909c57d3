"""Plans of subscriptions: what is selected of records that have changed, and which records a filter selects.

A subscription is told what changed by the event log. Its statement reads those records, known by their ids, as its
`where` and its caller's scope let them be seen, so one statement serves every change and every subscriber alike.
"""

from sqlalchemy import null

from core.db.sql import Expression
from schema.catalog.catalog import RecordType
from schema.plan.compiler import is_known, record_object
from schema.plan.order import Cursors, sort_keys
from schema.plan.plan import EACH, OF_KEY
from schema.plan.statement import CompileRoot, PlanRow, Statement
from schema.plan.where import filtered
from schema.sql.json import column, constant, json_object, json_rows, whole_number
from schema.sql.queries import AliasedRows, Query
from schema.sql.selections import TYPENAME, Chosen


def changed(record: RecordType) -> CompileRoot:
    """Those of some records that a filter selects, as a JSON list of objects with what is selected of each."""

    def compile_root(statement: Statement, chosen: Chosen) -> Query:
        row, there = filtered(statement, record, chosen.arguments.get("where"), None)
        members = [
            (field.key, record_object(row, field.selection, (EACH, field.key)))
            for field in chosen.selection.of(record.change_type)
            if field.name == "record"
        ]
        return _listed(row, members, [is_known(row), *there])

    return compile_root


def selected_ids(record: RecordType) -> CompileRoot:
    """The ids of the records that a filter selects, as a JSON list, to one more than there may be; null for all."""

    def compile_root(statement: Statement, chosen: Chosen) -> Query:
        where = chosen.arguments.get("where")
        if not where and record.name not in statement.access.rows and record.scope is None:
            return Query({"ids": null()})
        row, there = filtered(statement, record, where, None)
        most = statement.catalog.settings.maximum_subscribed_records + 1
        alias = statement.alias()
        page = Query({"id": row.id}, row.source(there), there, limit=whole_number(most))
        id = column(alias, "id", row.id.type)
        return Query({"ids": json_rows(id, [id])}, AliasedRows(page, alias))

    return compile_root


def event_edges(statement: Statement, chosen: Chosen) -> Query:
    """Those of some events that the caller may see, as a JSON list of objects with what is selected of their edges.

    Of what says which events are asked about, only `about` takes the database to decide.
    """
    record = statement.catalog.records["Event"]
    assert record.log is not None
    row = statement.row(record)
    about = record.log.narrowed(row, {"about": chosen.arguments.get("about")})
    keys = sort_keys(statement, row, None)
    cursors = Cursors(statement, row.record.plural, keys, {}, is_place=True)

    def member(field: Chosen) -> Expression:
        if field.name == TYPENAME:
            return constant("EventEdge")
        if field.name == "cursor":
            return cursors.written([key.expression for key in keys])
        return record_object(row, field.selection, (EACH, field.key))

    members = [(field.key, member(field)) for field in chosen.selection.of("EventEdge")]
    return _listed(row, members, [is_known(row), *statement.visible(row), *about])


def _listed(row: PlanRow, members: list[tuple[str, Expression]], there: list[Expression]) -> Query:
    built = json_object([(OF_KEY, row.id), *members])
    return row.select(json_rows(built, [row.id]), there)
