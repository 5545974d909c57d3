"""A statement under construction: its values, its aliases, and the rows whose columns and fields it refers to.

References are plain `alias."column"` texts with a type, so nothing correlates by surprise; a scope collects the joins
its rows ask for, each once, and makes the FROM clause at the end. Statement, scope and row are in one file because each
makes the others.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from math import inf
from typing import Any, Protocol, Self

from sqlalchemy import BigInteger, Dialect, FromClause, Select, and_, case, func, literal, literal_column, null, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.sql.elements import BindParameter, ClauseElement, ColumnClause, ColumnElement, Null
from sqlalchemy.types import TypeEngine

from core.base.errors import ForbiddenError, InputError
from core.base.sentences import sentence
from core.db.sql import Expression, one_of
from core.db.types import Json, ListOf
from core.records.fields import MoneyExpression
from core.records.record import Facet, Record, Table
from schema.catalog.access import Access
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.catalog.kind import Condition
from schema.plan.columns import Columns, default_of, known, type_of
from schema.plan.plan import Gap, Path, Refusal
from schema.sql.binds import Binds
from schema.sql.json import TEXT, column, constant, json_value
from schema.sql.queries import AliasedRows, Joined, Query, equal, exists, is_missing
from schema.sql.selections import Chosen

#: Compiles to SQL what a statement is to answer.
CompileRoot = Callable[["Statement", Chosen], Query | Select[Any]]


@dataclass(frozen=True, slots=True)
class Detour:
    """Something related that is left to a statement of its own."""

    gap: Gap
    compile: CompileRoot
    chosen: Chosen


@dataclass(frozen=True, slots=True)
class JsonLayout:
    """How the parts of a statement are laid out.

    Attributes:
        is_stepped: whether what is related to rows is computed in the FROM clause, alongside the JSON it goes into and
            not inside it: an old SQLite then parses twice as many levels, but reads the JSON of each of them again.
        deepest: relations below this depth are left to statements of their own.
    """

    is_stepped: bool = False
    deepest: float = inf


#: How every statement is laid out that the engine's parser takes so.
FLAT = JsonLayout()


class Statement:
    """What all rows of one statement share.

    Attributes:
        access: what the caller may see.
        layout: how it is laid out, which decides how deep the engine's parser has to go.
        refused: what is wrong with the arguments of fields below the root, by their places.
        gaps, detours: what the statement leaves out, to be filled in afterwards.
        absent: record and name of the fields that expressions read and that are not there.
    """

    def __init__(
        self,
        catalog: Catalog,
        dialect: Dialect,
        access: Access,
        layout: JsonLayout = FLAT,
        refused: Mapping[Path, InputError] | None = None,
    ) -> None:
        self.catalog = catalog
        self.dialect = dialect
        self.access = access
        self.layout = layout
        self.refused = refused or {}
        self.binds = Binds(dialect)
        self.gaps: list[Gap] = []
        self.detours: list[Detour] = []
        self.absent: set[tuple[str, str]] = set()
        self._depth = 0
        self._among: dict[Hashable, Any] = {}
        self._looked_up: dict[Hashable, Any] = {}
        #: What is worked out at its head for several of its rows, by whose it is.
        self.kept: dict[Any, Any] = {}
        self._numbers = count()
        self._fills = count()

    def fill_number(self) -> int:
        """A number no other Python field of the statement has."""
        return next(self._fills)

    def alias(self) -> str:
        """An alias no other table of the statement has."""
        return f"t{next(self._numbers)}"

    def row(self, record: RecordType, *, is_fact: bool = False) -> "PlanRow":
        """A row of a record in a scope of its own.

        Args:
            record: its type.
            is_fact: whether it is part of a fact of another record, whatever the caller may see of it.

        Raises:
            ForbiddenError: the caller may not see records of that type.
        """
        if not is_fact:
            self.demand_record(record)
        alias = self.alias()
        return PlanRow(Scope(self, alias), record, alias, is_fact=is_fact)

    def visible(self, row: "PlanRow", where: Mapping[str, Any] | None = None) -> list[Condition]:
        """The conditions under which a row is there at all, for this caller."""
        return [*self.living(row, where), *self.limited(row)]

    def living(self, row: "PlanRow", where: Mapping[str, Any] | None = None) -> list[Condition]:
        """The conditions under which a row is not deleted, unless the filter asks for deleted ones."""
        found: list[Condition] = []
        if "deleted_at" in row.record.table.c and "deletedAt" not in (where or {}):
            found.append(is_missing(row.reference("deleted_at")))
        if row.record.scope is not None:
            found += row.record.scope(row)
        return found

    def limited(self, row: "PlanRow") -> list[Condition]:
        """The conditions under which the caller may see a row, deleted or not."""
        limit = self.access.rows.get(row.record.name)
        return [] if limit is None else [limit(row.as_fact())]

    def is_among(
        self, record: RecordType, condition: Callable[["PlanRow"], Condition], id: Expression, key: Hashable = None
    ) -> Condition:
        """Whether an id is one of the records, deleted or not, for which a condition holds.

        They are a table at the head of the statement: in its place the condition would be too deep for an old SQLite.

        Args:
            record: their type.
            condition: on a row of them.
            id: which may be one of them.
            key: of conditions that are the same; they share the table.
        """
        found = None if key is None else self._among.get((record.name, key))
        if found is None:
            row = self.row(record, is_fact=True)
            # First, because it may join something.
            holds = condition(row)
            found = select(row.id.label("id")).select_from(row.source()).where(holds).cte(self.alias())
            if key is not None:
                # Looked up by an id each time, however often it is named.
                found = self._among[record.name, key] = found.prefix_with("NOT MATERIALIZED")
        return select(1).select_from(found).where(found.c.id == id).exists()

    def looked_up(
        self, record: RecordType, name: str, value: Callable[["PlanRow"], Expression], id: Expression
    ) -> Expression:
        """What is worked out of a record with an id; null where there is none. From a table at the head likewise.

        Args:
            record: its type.
            name: of what is worked out; what has the same one shares the table.
            value: on a row of them.
            id: which may be one of them.
        """
        found = self._looked_up.get((record.name, name))
        if found is None:
            row = self.row(record, is_fact=True)
            # First, because it may join something.
            worked_out = value(row)
            rows = select(row.id.label("id"), worked_out.label("value")).select_from(row.source())
            found = self._looked_up[record.name, name] = rows.cte(self.alias()).prefix_with("NOT MATERIALIZED")
        return select(found.c.value).where(found.c.id == id).scalar_subquery()

    def reach(self, part: str) -> BindParameter[Any]:
        """Whose records are the caller's: one part of its `Reach`."""
        return self.binds.computed(
            lambda moment: getattr(moment.actor.reach, part), ListOf(TEXT), ("reach", part), is_repeated=True
        )

    @property
    def role(self) -> BindParameter[Any]:
        """The caller's role; null where it has none."""
        return self.binds.computed(lambda moment: moment.actor.role, TEXT, "role")

    def demand_record(self, record: RecordType) -> None:
        """Checks that records of a type may be asked for.

        Raises:
            ForbiddenError: the caller may see none of them, whoever they belong to.
        """
        if record.name in self.access.hidden:
            raise ForbiddenError(
                sentence("{record}: you may not see any; ask for the permission {record}.read", record=record.name)
            )

    def demand(self, record: RecordType, field: CatalogField) -> None:
        """Checks that a field may be used to filter, order, group or aggregate.

        Raises:
            ForbiddenError: the caller may not see it.
        """
        assert field.expression is not None, f"{record.name}.{field.name} is output only"
        if field.permission in self.access.denied:
            raise _forbidden(record, field)

    def shown(self, row: "PlanRow", field: CatalogField, path: Path, key: str) -> bool:
        """Whether a field may be shown; if not, it is null, with an error wherever it is asked."""
        if field.permission not in self.access.denied:
            return True
        self.gaps.append(Refusal(path, key, row.record.name, _forbidden(row.record, field)))
        return False

    def nested(self, gap: Gap, build: Callable[[], Expression]) -> Expression | None:
        """What is built of a field below the root, whose bad arguments make it null and leave the rest alone."""
        place = (*gap.path, gap.key)
        known = self.refused.get(place)
        outer, before = self.binds.place, (len(self.gaps), len(self.detours))
        self.binds.place = place
        self._depth += 1
        try:
            if known is not None:
                raise known
            return build()
        except InputError as error:
            del self.gaps[before[0] :], self.detours[before[1] :]
            self.gaps.append(Refusal(gap.path, gap.key, gap.record, error.bare()))
            return None
        finally:
            self.binds.place = outer
            self._depth -= 1

    @property
    def is_deep(self) -> bool:
        """Whether what is related is to be left to a statement of its own."""
        return self._depth >= self.layout.deepest


def _forbidden(record: RecordType, field: CatalogField) -> ForbiddenError:
    return ForbiddenError(
        sentence(
            "{record}.{field}: needs the permission {permission}, which you do not have",
            record=record.name,
            field=field.name,
            permission=field.permission,
        )
    )


#: What costs nothing to have several times in a statement.
_SHORT = (ColumnClause, BindParameter, Null, constant)


class Scope:
    """One SELECT under construction: the joins its rows ask for, and what is worked out in its FROM clause."""

    def __init__(self, statement: Statement, alias: str) -> None:
        """Begins with nothing.

        Args:
            statement: it is part of.
            alias: of its base.
        """
        self.statement = statement
        self._alias = alias
        #: What is worked out for several of its fields, by whose it is.
        self.kept: dict[Any, Any] = {}
        self._steps: list[Expression] = []
        self._known_steps: dict[Any, bool] = {}
        self._joins: dict[tuple[Any, ...], tuple[AliasedRows, Condition]] = {}

    def join(self, key: tuple[Any, ...], table: SqlTable, on: Callable[[str], ColumnElement[bool]]) -> str:
        """Adds a LEFT JOIN and returns its alias; a join of the same key is made once."""
        if key not in self._joins:
            alias = self.statement.alias()
            self._joins[key] = (AliasedRows(table, alias), on(alias))
        return self._joins[key][0].name

    @property
    def has_joins(self) -> bool:
        """Whether its rows have asked for joins."""
        return bool(self._joins)

    def json(self, built: Expression) -> Expression:
        """JSON that a subquery makes, worked out in the FROM clause where the statement is laid out so."""
        return json_value(self._step(built, Json())) if self.statement.layout.is_stepped else built

    def value(self, found: Any, *, is_repeated: bool) -> Any:
        """A field's value, worked out once, in the FROM clause, if its show repeats it or the statement is laid out so.

        Args:
            found: the value.
            is_repeated: whether it is shown by SQL that has it several times.
        """
        if not (is_repeated or self.statement.layout.is_stepped):
            return found
        if isinstance(found, MoneyExpression):
            return MoneyExpression(*(self._once(part) for part in found))
        return self._once(found)

    def _once(self, part: Expression) -> Expression:
        return part if isinstance(part, _SHORT) or self._has_steps(part) else self._step(part, part.type)

    def _has_steps(self, part: ClauseElement) -> bool:
        """Whether it is made of something that is worked out already: steps do not see each other."""
        # Most parts are made of the same ones: each is looked at once.
        if part not in self._known_steps:
            self._known_steps[part] = (
                part.name.startswith(f'{self._alias}."step')
                if isinstance(part, ColumnClause)
                else any(self._has_steps(each) for each in part.get_children())
            )
        return self._known_steps[part]

    def _step(self, worked_out: Expression, type_: TypeEngine[Any]) -> Expression:
        for number, step in enumerate(self._steps):
            if step is worked_out:
                return column(self._alias, f"step{number}", type_)
        self._steps.append(worked_out)
        return column(self._alias, f"step{len(self._steps) - 1}", type_)

    def select(self, built: Expression, base: FromClause, there: Sequence[Condition] = ()) -> Query:
        """The SELECT of what is built of the rows of a base for which all conditions hold; to be asked for last."""
        source, left = self.rows(base, there)
        return Query({"built": built}, source, left)

    def rows(self, base: FromClause, there: Sequence[Condition]) -> tuple[FromClause, Sequence[Condition]]:
        """The rows of a base with what is worked out of each, and what is left of the conditions that are to hold."""
        if not self._steps:
            return self.from_clause(base, there), there
        steps = {f"step{number}": step for number, step in enumerate(self._steps)}
        # Under the same alias, so that the base's columns have the same names inside and outside.
        columns = {"": literal_column(f"{self._alias}.*"), **steps}
        inner = Query(columns, self.from_clause(base, there), there, is_apart=True)
        return self.from_clause(AliasedRows(inner, self._alias)), ()

    def from_clause(self, base: FromClause, there: Sequence[Condition] = ()) -> FromClause:
        """The base with all joins that were asked for, for a SELECT of the rows for which all conditions hold."""
        # SQLite does not see by itself that a row is needed, and begins with the base, whatever index there is.
        joins = [(rows, on, not _needs_row(rows.name, there)) for rows, on in self._joins.values()]
        return Joined(base, joins) if joins else base


def _needs_row(alias: str, there: Sequence[Condition]) -> bool:
    """Whether conditions hold for none without a row of an alias, because they compare a column of it with a list."""
    columns = (next(iter(one.clauses)) for one in there if isinstance(one, one_of))
    return any(isinstance(column, ColumnClause) and column.name.startswith(f'{alias}."') for column in columns)


class HeldValues(Protocol):
    """What columns held at another time."""

    def column(self, model: type[Table], name: str, present: Expression) -> Expression:
        """What a column held of a record's own table, or of a facet of it."""
        ...


class PlanRow:
    """A row of a record under one alias (`core.records.fields.Row`)."""

    def __init__(
        self, scope: Scope, record: RecordType, alias: str, *, is_joined: bool = False, is_fact: bool = False
    ) -> None:
        self.scope = scope
        self.record = record
        self.alias = alias
        self._is_joined = is_joined
        self._is_fact = is_fact
        self._columns = Columns(record.model, self.reference)
        #: The types of records that do not say whose it is, although it is part of them or shared by them.
        self.left_out: frozenset[str] = frozenset()
        self._view: HeldValues | None = None

    def reference(self, name: str) -> Expression:
        """The column `name` of this alias."""
        return column(self.alias, name, type_of(self.record.table.c[name]))

    def __getattr__(self, name: str) -> Any:
        return self.column(name)

    def column(self, name: str) -> Any:
        """A column of the record's own table, a money field as three in one."""
        return getattr(self._columns, name)

    @property
    def as_of(self) -> Expression:
        """The business date of the request."""
        return self.bind(datetime.date, date, key="as_of")

    @property
    def actor(self) -> Expression:
        """The caller's id."""
        return self.scope.statement.binds.computed(lambda moment: moment.actor.id, TEXT, "actor")

    def as_fact(self) -> Self:
        """The same row, on the way from which the caller's row scopes do not count."""
        access = self.scope.statement.access
        if self._is_fact or not (access.rows or access.hidden):
            return self
        return self._with(_is_fact=True)

    def held(self, view: "HeldValues") -> Self:
        """The same row with the values that it held at another time."""

        def reference(name: str) -> Expression:
            return view.column(self.record.model, name, self.reference(name))

        return self._with(reference=reference, _columns=Columns(self.record.model, reference), _view=view)

    def without(self, left_out: frozenset[str]) -> Self:
        """The same row as if it were not part of any record of some types, and not shared by any."""
        return self if left_out == self.left_out else self._with(left_out=left_out)

    def _with(self, **changed: Any) -> Self:
        row: Self = object.__new__(type(self))
        row.__dict__ |= self.__dict__ | changed
        return row

    @property
    def now(self) -> Expression:
        """The moment of the request."""
        return self.bind(lambda now: now, datetime, key="now")

    def bind(self, value: Callable[[datetime], Any], type: type, key: Any = None) -> Expression:
        """A value computed from the moment of the request, which is in the caller's time zone."""
        statement = self.scope.statement
        return statement.binds.computed(
            lambda moment: value(moment.now.astimezone(moment.zone)), statement.catalog.kind_of(type).sql, key
        )

    def joined(self, model: type[Table], by: str, value: Expression) -> Any:
        """The row of a table whose column `by` has a value, joined once."""
        table = model.__table__
        known(model, by)
        alias = self.scope.join(
            (self.alias, self._view, model, by), table, lambda alias: column(alias, by, table.c[by].type) == value
        )
        return Columns(model, lambda name: column(alias, name, table.c[name].type))

    def facet(self, facet: type[Facet]) -> Any:
        """The record's row in a facet table, joined once; a record without one has the columns' defaults."""
        columns = self.joined(facet, "record_id", self.id)

        def defaulted(name: str) -> Expression:
            found: Expression = getattr(columns, name)
            default = default_of(facet, name)
            if default is None:
                return found
            otherwise = literal(default, found.type)
            if facet.__table__.c[name].nullable:
                # A null of a row that is there is a value of its own.
                held: Expression = case((columns.record_id.is_(None), otherwise), else_=found)
            else:
                held = func.coalesce(found, otherwise)
            there: Expression = self.if_there(held)
            return there if self._view is None else self._view.column(facet, name, there)

        return Columns(facet, defaulted)

    def to(self, relation: str) -> "PlanRow":
        """The row a to-one relation leads to, joined once; all null where it leads nowhere."""
        statement = self.scope.statement
        link = self.record.to_one.get(relation)
        if link is None:
            known = ", ".join(self.record.to_one) or "nowhere"
            raise AttributeError(f"{self.record.name} does not lead to {relation!r}; it leads to {known}")
        target = statement.catalog.records[link.target]
        is_fact = self._is_fact
        if not is_fact:
            statement.demand_record(target)

        def on(alias: str) -> ColumnElement[bool]:
            row = PlanRow(Scope(statement, alias), target, alias, is_fact=is_fact)
            there = statement.living(row) if is_fact else statement.visible(row)
            if row.scope.has_joins:
                # A join cannot depend on what is joined to it, so the condition is one of a row apart.
                apart = statement.row(target, is_fact=True)
                limited = [equal(apart.id, row.id), *statement.limited(apart)]
                there = [*statement.living(row), exists(apart.source(), limited)]
            return and_(equal(row.id, self.reference(link.column)), *there)

        key = (self.alias, self._view, "fact" if is_fact else "to", relation)
        alias = self.scope.join(key, target.table, on)
        return PlanRow(self.scope, target, alias, is_joined=True, is_fact=is_fact)

    def if_there(self, value: Any) -> Any:
        """A value of this row; null where a relation leads to no row."""
        if not self._is_joined:
            return value
        if isinstance(value, MoneyExpression):
            return MoneyExpression(*map(self.if_there, value))
        return case((self.reference("id").is_not(None), value), else_=null())

    def other(self, path: str, type: type) -> Any:
        """Another SQL field by its name in the API; a typed null where no plugin provides it."""
        record, _, name = path.partition(".")
        if record != self.record.name:
            raise TypeError(
                f"{path} is asked of a row of {self.record.name}; go there first, "
                f'as in row.to("{record[:1].lower() + record[1:]}").other(…)'
            )
        field = self.record.fields.get(name)
        if field is None or field.expression is None:
            self.scope.statement.absent.add((self.record.name, name))
            return self.scope.statement.catalog.kind_of(type).typed_null()
        return field.value(self)

    def over(
        self,
        record: type[Record],
        by: str,
        value: Callable[["PlanRow"], Any],
        where: Callable[["PlanRow"], Any] | None = None,
    ) -> Expression:
        """An aggregate over the living records that refer to this one by a column."""
        statement = self.scope.statement
        other = statement.row(statement.catalog.records[record.__name__], is_fact=True)
        found = value(other)
        conditions = [other.reference(known(record, by)) == self.id, *statement.living(other)]
        if where is not None:
            conditions.append(where(other))
        # SQLAlchemy's own, because what plugins give may bring tables with it.
        return select(found).select_from(other.source()).where(*conditions).scalar_subquery()

    def within(self, by: str, value: Callable[["PlanRow"], Any]) -> Expression:
        """The sum of a value over this record and the living ones below it, at any depth."""
        statement = self.scope.statement
        table = self.record.table.alias(statement.alias())
        upper = select(self.id.label("id")).cte(statement.alias(), recursive=True, nesting=True)
        # What is below a deleted one still belongs, and what is met again ends the search.
        members = upper.union(select(table.c.id).where(table.c[known(self.record.model, by)] == upper.c.id))
        member = statement.row(self.record, is_fact=True)
        found = value(member)
        # One by one, by their keys: to join a few of them PostgreSQL would read all records of the table.
        there = [member.id == members.c.id, *statement.living(member)]
        each = select(found).select_from(member.source()).where(*there).correlate(members).scalar_subquery()
        return select(func.coalesce(func.sum(each).cast(BigInteger), 0)).select_from(members).scalar_subquery()

    def source(self, there: Sequence[Condition] = ()) -> FromClause:
        """The FROM clause of this row's scope for rows for which all conditions hold; to be asked for last."""
        return self.scope.from_clause(AliasedRows(self.record.table, self.alias), there)

    def rows(self, there: Sequence[Condition]) -> tuple[FromClause, Sequence[Condition]]:
        """The FROM clause with what is worked out of each row, and what is left of the conditions; likewise."""
        return self.scope.rows(AliasedRows(self.record.table, self.alias), there)

    def select(self, built: Expression, there: Sequence[Condition]) -> Query:
        """The SELECT of what is built of the rows of this row's table for which all conditions hold."""
        return self.scope.select(built, AliasedRows(self.record.table, self.alias), there)


class PageRow(PlanRow):
    """A row of a page that was cut already: its columns are those the inner SELECT hands out, on demand."""

    def __init__(self, inner: PlanRow) -> None:
        statement = inner.scope.statement
        alias = statement.alias()
        super().__init__(Scope(statement, alias), inner.record, alias)
        self.inner = inner
        #: By the names under which they are handed out.
        self.handed_out: dict[str, Expression] = {}

    def reference(self, name: str) -> Expression:
        """A column of the record's own table, handed out by the inner SELECT."""
        shown = _handed_out(name)
        if shown not in self.handed_out:
            self.handed_out[shown] = self.inner.reference(name)
        return column(self.alias, shown, type_of(self.record.table.c[name]))


def _handed_out(name: str) -> str:
    """The name under which a column is handed out, which is none of those a page has itself, such as `place`."""
    return f"c_{name}"
