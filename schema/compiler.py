"""From a selection to SQL: each root field becomes one SELECT that returns the finished JSON.

A list has two scopes. The inner SELECT filters, orders and cuts the page from as few columns as will do; the outer one
makes JSON of the rows that are left, and joins only for them what is merely shown. Lists below a row are correlated
subqueries of the same form.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy import BigInteger, Dialect, Select, case, func, null, select

from core.sql import Expression
from schema.aggregates import aggregate, group_by
from schema.binds import Binds
from schema.catalog import Catalog, CatalogField, RecordType, ToMany
from schema.conditions import Where, conditions, linked
from schema.fills import EACH, TYPE_KEY, Fill, Step
from schema.kinds import Condition
from schema.ordering import sort_keys
from schema.pages import Page
from schema.rows import PageRow, PlanRow, Scope
from schema.selections import TYPENAME, Chosen, Selection
from schema.sqljson import column, constant, count_rows, json_object, json_rows

Path = tuple[Step, ...]


class Compiler:
    """The compilation of one root field."""

    def __init__(self, catalog: Catalog, dialect: Dialect) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.binds = Binds(dialect)
        self.fills: list[Fill] = []
        self._numbers = count()

    def alias(self) -> str:
        """An alias no other table of the statement has."""
        return f"t{next(self._numbers)}"

    def row(self, record: RecordType) -> PlanRow:
        """A row of a record in a scope of its own."""
        return PlanRow(Scope(self), record, self.alias())

    def visible(self, row: PlanRow, where: Where | None = None) -> list[Condition]:
        """The conditions under which a row is there at all: not deleted, unless the filter asks for deleted ones."""
        found: list[Condition] = []
        if "deleted_at" in row.record.table.c and "deletedAt" not in (where or {}):
            found.append(row.reference("deleted_at").is_(None))
        if row.record.scope is not None:
            found += row.record.scope(row)
        return found

    def demand(self, record: RecordType, field: CatalogField) -> None:
        """Checks that a field may be used to filter, order, group or aggregate."""
        assert field.expression is not None, f"{record.name}.{field.name} is output only"

    # Objects

    def object(self, row: PlanRow, selection: Selection, path: Path) -> Expression:
        """A record as the JSON object that is selected of it."""
        pairs: list[tuple[str, Expression]] = []
        hidden: dict[str, Expression] = {}
        for field in selection.of(row.record.name):
            pairs.append((field.key, self._member(row, field, path, hidden)))
        return json_object([*pairs, *hidden.items()])

    def _member(self, row: PlanRow, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
        record = row.record
        name = chosen.name
        if name == TYPENAME:
            return constant(record.name)
        if name in record.fields:
            field = record.fields[name]
            if field.python is not None:
                return self._python(row, field, chosen, path, hidden)
            return field.kind.json(field.value(row), chosen.selection)
        if name in record.to_one:
            target = row.to(name)
            return case(
                (target.id.is_not(None), self.object(target, chosen.selection, (*path, chosen.key))), else_=null()
            )
        if name in record.to_many:
            many = record.to_many[name]
            return self.connection(
                self.catalog.records[many.target], chosen, (*path, chosen.key), under=(row, many)
            ).scalar_subquery()
        many = record.to_many[name.removesuffix("Aggregate")]
        return self.aggregate(self.catalog.records[many.target], chosen, under=(row, many)).scalar_subquery()

    def _python(
        self, row: PlanRow, field: CatalogField, chosen: Chosen, path: Path, hidden: dict[str, Expression]
    ) -> Expression:
        hidden[TYPE_KEY] = constant(row.record.name)
        for need in field.needs:
            other = row.record.fields[need]
            hidden[f"${need}"] = other.kind.json(other.value(row), chosen.selection)
        needs = {need: f"${need}" for need in field.needs}
        self.fills.append(Fill(path, chosen.key, field, needs, chosen.selection, row.record.name))
        return null()

    def one(self, record: RecordType, chosen: Chosen, where: Callable[[PlanRow], Condition]) -> Select[Any]:
        """The record for which a condition holds."""
        row = self.row(record)
        built = self.object(row, chosen.selection, ())
        there = [where(row), *self.visible(row)]
        return select(built).select_from(row.source()).where(*there)

    def all_of(self, record: RecordType, chosen: Chosen) -> Select[Any]:
        """All records of a type, in their order, as a plain list."""
        inner = self.row(record)
        keys = sort_keys(self, inner, None)
        outer = PageRow(Scope(self), record, self.alias(), inner)
        built = self.object(outer, chosen.selection, (EACH,))
        place = func.row_number().over(order_by=[key.clause() for key in keys]).label("place")
        there = self.visible(inner)
        page = (
            select(place, *outer.handed_out.values())
            .select_from(inner.source())
            .where(*there)
            .order_by(*(key.clause() for key in keys))
            .subquery(outer.alias)
        )
        rows = json_rows(built, place=column(outer.alias, "place", BigInteger()))
        return select(rows).select_from(outer.scope.from_clause(page))

    # Lists

    def filtered(
        self, record: RecordType, where: Where | None, under: tuple[PlanRow, ToMany] | None
    ) -> tuple[PlanRow, list[Condition]]:
        """A row of a list, and the conditions that put it there."""
        row, link = (self.row(record), []) if under is None else linked(self, *under)
        return row, [*link, *self.visible(row, where), *conditions(self, row, where)]

    def connection(
        self, record: RecordType, chosen: Chosen, path: Path, under: tuple[PlanRow, ToMany] | None = None
    ) -> Select[Any]:
        """A connection: a page of a list with cursors, page info and total count, as far as they are selected."""
        type_name = f"{record.name}Connection"
        arguments = chosen.arguments
        where = arguments.get("where")
        names = chosen.selection.names(type_name)
        page = Page(self, record, chosen, path, under) if names & {"edges", "nodes", "pageInfo"} else None

        def total(field: Chosen) -> Expression:
            row, there = self.filtered(record, where, under)
            return select(count_rows()).select_from(row.source()).where(*there).scalar_subquery()

        parts: dict[str, Callable[[Chosen], Expression]] = {"totalCount": total}
        if page is None:
            return select(chosen.selection.build(type_name, parts))
        parts |= {"nodes": page.nodes, "edges": page.edges, "pageInfo": page.info}
        built = chosen.selection.build(type_name, parts)
        return select(built).select_from(page.source())

    def aggregate(self, record: RecordType, chosen: Chosen, under: tuple[PlanRow, ToMany] | None = None) -> Select[Any]:
        """The aggregates of a list, as far as they are selected."""
        return aggregate(self, record, chosen, under)

    def group_by(self, record: RecordType, chosen: Chosen) -> Select[Any]:
        """The groups of a list."""
        return group_by(self, record, chosen)

    def aggregate_number(self, row: PlanRow, field: CatalogField, function: str) -> Expression:
        """One aggregate of a field over the rows of a scope, as a bare number."""
        self.demand(row.record, field)
        return field.kind.aggregate(function, field.value(row))[0]
