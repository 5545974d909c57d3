"""Rows inside a statement: how columns, joins and fields are referred to while it is being compiled.

References are plain `alias."column"` texts with a type, so nothing correlates by surprise; a scope collects the joins
its rows ask for, each once, and makes the FROM clause at the end.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import FromClause, and_, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.sql.elements import ColumnElement

from core.declarations import MoneyExpression
from core.records import Facet, Record, Table
from core.sql import Expression
from schema.sqljson import column

if TYPE_CHECKING:
    from schema.catalog import CatalogField, RecordType
    from schema.compiler import Compiler


class Scope:
    """One SELECT under construction: the joins its rows ask for."""

    def __init__(self, compiler: "Compiler") -> None:
        self.compiler = compiler
        self._joins: dict[tuple[Any, ...], tuple[FromClause, ColumnElement[bool]]] = {}
        self._aliases: dict[tuple[Any, ...], str] = {}

    def join(self, key: tuple[Any, ...], table: SqlTable, on: Callable[[str], ColumnElement[bool]]) -> str:
        """Asks for a LEFT JOIN and gives its alias; a join of the same key is made once."""
        if key not in self._aliases:
            alias = self._aliases[key] = self.compiler.alias()
            self._joins[key] = (table.alias(alias), on(alias))
        return self._aliases[key]

    def from_clause(self, base: FromClause) -> FromClause:
        """The base with all joins that were asked for."""
        for table, on in self._joins.values():
            base = base.outerjoin(table, on)
        return base


class Columns:
    """The columns of one alias of a table, money fields as three in one."""

    def __init__(self, model: type[Table], reference: Callable[[str], Expression]) -> None:
        self._model = model
        self._reference = reference

    def __getattr__(self, name: str) -> Any:
        model = self._model
        if name in model.__money__:
            return MoneyExpression(*(self._reference(f"{name}_{part}") for part in ("minor", "currency", "reporting")))
        if name not in model.__table__.c:
            raise AttributeError(
                f"{model.__name__} has no column {name!r}; it has {', '.join(sorted(model.__table__.c.keys()))}"
            )
        return self._reference(name)


class PlanRow:
    """A row of a record under one alias (`core.declarations.Row`)."""

    def __init__(self, scope: Scope, record: "RecordType", alias: str) -> None:
        self.scope = scope
        self.record = record
        self.alias = alias
        self._columns = Columns(record.model, self.reference)

    def reference(self, name: str) -> Expression:
        """The column `name` of this alias."""
        return column(self.alias, name, self.record.table.c[name].type)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._columns, name)

    @property
    def as_of(self) -> Expression:
        """The business date of the request."""
        return self.bind(datetime.date, date, key="as_of")

    @property
    def now(self) -> Expression:
        """The moment of the request."""
        return self.bind(lambda now: now, datetime, key="now")

    def bind(self, value: Callable[[datetime], Any], type: type, key: Any = None) -> Expression:
        """A value computed from the moment of the request."""
        compiler = self.scope.compiler
        kind = compiler.catalog.kind_of(type)
        return compiler.binds.computed(lambda moment: value(moment.now), kind.sql, key)

    def facet(self, facet: type[Facet]) -> Any:
        """The record's row in a facet table, joined once."""
        table = facet.__table__
        alias = self.scope.join(
            (self.alias, facet), table, lambda alias: column(alias, "record_id", table.c.record_id.type) == self.id
        )
        return Columns(facet, lambda name: column(alias, name, table.c[name].type))

    def to(self, relation: str) -> "PlanRow":
        """The row a to-one relation leads to, joined once; all null where it leads nowhere."""
        compiler = self.scope.compiler
        link = self.record.to_one[relation]
        target = compiler.catalog.records[link.target]

        def on(alias: str) -> ColumnElement[bool]:
            row = PlanRow(self.scope, target, alias)
            return and_(row.id == self.reference(link.column), *compiler.visible(row))

        return PlanRow(self.scope, target, self.scope.join((self.alias, "to", relation), target.table, on))

    def other(self, path: str, type: type) -> Any:
        """Another SQL field by its name in the API; a typed null where there is none."""
        record, _, name = path.partition(".")
        field = self.record.fields.get(name) if record == self.record.name else None
        if field is None or field.expression is None:
            return self.scope.compiler.catalog.kind_of(type).typed_null()
        return field.value(self)

    def over(
        self,
        record: type[Record],
        by: str,
        value: Callable[["PlanRow"], Any],
        where: Callable[["PlanRow"], Any] | None = None,
    ) -> Expression:
        """An aggregate over the living records that refer to this one by a column."""
        compiler = self.scope.compiler
        other = compiler.row(compiler.catalog.records[record.__name__])
        found = value(other)
        conditions = [other.reference(by) == self.id, *compiler.visible(other)]
        if where is not None:
            conditions.append(where(other))
        return select(found).select_from(other.source()).where(*conditions).scalar_subquery()

    def source(self) -> FromClause:
        """The FROM clause of this row's scope, this row's table first."""
        return self.scope.from_clause(self.record.table.alias(self.alias))

    def field(self, field: "CatalogField") -> Any:
        """The value of a field on this row."""
        assert field.expression is not None
        return field.expression(self)


class PageRow(PlanRow):
    """A row of a page that was cut already: its columns are those the inner SELECT hands out, on demand."""

    def __init__(self, scope: Scope, record: "RecordType", alias: str, inner: PlanRow) -> None:
        super().__init__(scope, record, alias)
        self.inner = inner
        self.handed_out: dict[str, Expression] = {}

    def reference(self, name: str) -> Expression:
        """A column of the record's own table, handed out by the inner SELECT."""
        if name not in self.handed_out:
            self.handed_out[name] = self.inner.reference(name).label(name)
        return column(self.alias, name, self.record.table.c[name].type)

