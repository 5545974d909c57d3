"""A page of a list: cut by keyset, shown with cursors and page info."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import String, case, cast, func, literal_column, null
from sqlalchemy.sql.elements import ColumnElement

from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.sql import Expression
from schema.catalog.catalog import Log, RecordType, ToMany
from schema.plan.order import Cursors, SortKey, Stretch, is_column, sort_keys, stretches
from schema.plan.plan import EACH, Path
from schema.plan.statement import PageRow, PlanRow, Statement
from schema.plan.where import listed
from schema.sql.json import TEXT, WHOLE, column, count_rows, json_bool, json_rows, whole_number
from schema.sql.queries import AliasedRows, Both, Head, Query
from schema.sql.selections import Chosen, Selection

#: Makes the JSON object of a record.
BuildObject = Callable[[PlanRow, Selection, Path], Expression]

#: All columns of a query.
_EVERY: Mapping[str, Expression] = {"": literal_column("*")}

#: Added to places so that all of them have eight digits and sort as text.
_EIGHT_DIGITS = 20_000_000


class Page:
    """The page that a connection's arguments ask for, while its SELECT is being built."""

    def __init__(
        self,
        statement: Statement,
        record: RecordType,
        chosen: Chosen,
        path: Path,
        under: tuple[PlanRow, ToMany] | None,
        build: BuildObject,
    ) -> None:
        given = self._given = chosen.arguments
        self._statement = statement
        self._build = build
        self._record = record
        self._path = path
        self._inner, self._there = listed(statement, record, given, under)
        self._keys = sort_keys(statement, self._inner, given.get("orderBy"))
        self._outer = PageRow(self._inner)
        list_name = record.plural if under is None else f"{under[0].record.name}.{under[1].name}"
        self._cursors = Cursors(statement, list_name, self._keys, given, is_place=record.log is not None)
        self._backward = given.get("last") is not None
        self._has_after, self._has_before = given.get("after") is not None, given.get("before") is not None
        self._ends = [
            (self._cursors.read(given[name], name), name == "before")
            for name in ("after", "before")
            if given.get(name) is not None
        ]
        self._is_below = under is not None
        size = self._wanted_size(given)
        self._size, self._has_size = whole_number(size), size > 0
        # One row more tells whether there are more; places count from the end for a page from the end.
        more = "hasPreviousPage" if self._backward else "hasNextPage"
        self._peeks = any(
            more in field.selection.names("PageInfo")
            for field in chosen.selection.of(f"{record.name}Connection")
            if field.name == "pageInfo"
        )
        self._wanted = whole_number(size + 1 if self._peeks else size)
        # What keys are worked out as would be too deep for an old SQLite inside of conditions.
        is_stepped = statement.layout.is_stepped and not all(is_column(key.expression) for key in self._keys)
        self._step = statement.alias() if is_stepped else None
        # Below a parent rows are few, and sorted.
        self._parts = stretches(
            self._compared_keys(), self._ends, backward=self._backward, is_whole=self._is_below or is_stepped
        )
        self._needs_place = self._peeks or self._backward or len(self._parts) > 1
        self._needs_keys = False

    def _wanted_size(self, given: dict[str, Any]) -> int:
        first, last = given.get("first"), given.get("last")
        if first is not None and last is not None:
            raise InputError(sentence("first and last: give one of them, not both"))
        name, asked = ("last", last) if self._backward else ("first", first)
        settings = self._statement.catalog.settings
        size: int = settings.default_page_size if asked is None else asked
        if not 0 <= size <= settings.maximum_page_size:
            raise InputError(
                sentence(
                    "{name}: {size} is outside 0 to {maximum_page_size}; page with after or before",
                    name=name,
                    size=size,
                    maximum_page_size=settings.maximum_page_size,
                )
            )
        return size

    # What is selected of it

    @property
    def _place(self) -> Expression:
        return column(self._outer.alias, "place", WHOLE)

    @property
    def _order(self) -> Sequence[Any]:
        """The order of the page's rows: by place, or by the keys themselves, for which PostgreSQL need not sort."""
        if self._needs_place:
            return [self._place]
        self._needs_keys = True
        return [
            replace(key, expression=shown).clause() for key, shown in zip(self._keys, self._shown_keys(), strict=True)
        ]

    def _compared_keys(self) -> list[SortKey]:
        """The keys as the rows of the page are ordered by them."""
        if self._step is None:
            return self._keys
        return [
            replace(key, expression=column(self._step, f"k{number}", key.expression.type))
            for number, key in enumerate(self._keys)
        ]

    def _shown_keys(self) -> list[Expression]:
        return [column(self._outer.alias, f"k{number}", key.storage) for number, key in enumerate(self._keys)]

    @property
    def _only(self) -> ColumnElement[bool] | None:
        """The rows of the page, without the one that was only peeked at."""
        if not self._peeks:
            return None
        return self._place >= -self._size if self._backward else self._place <= self._size

    def nodes(self, chosen: Chosen) -> Expression:
        """The records of the page."""
        built = self._build(self._outer, chosen.selection, (*self._path, chosen.key, EACH))
        return json_rows(built, self._order, self._only)

    def edges(self, chosen: Chosen) -> Expression:
        """The records of the page, each with its cursor."""
        path = (*self._path, chosen.key, EACH)
        built = chosen.selection.build(
            f"{self._record.name}Edge",
            {
                "cursor": lambda field: self._cursor(),
                "node": lambda field: self._build(self._outer, field.selection, (*path, field.key)),
            },
        )
        return json_rows(built, self._order, self._only)

    def _cursor(self) -> Expression:
        self._needs_keys = True
        return self._cursors.written(self._shown_keys())

    def info(self, chosen: Chosen) -> Expression:
        """The page info."""
        more = count_rows() > self._size
        built = chosen.selection.build(
            "PageInfo",
            {
                "hasNextPage": lambda field: json_bool(_known(self._has_before) if self._backward else more),
                "hasPreviousPage": lambda field: json_bool(more if self._backward else _known(self._has_after)),
                "startCursor": lambda field: self._end(func.min, "before"),
                "endCursor": lambda field: self._end(func.max, "after"),
            },
        )
        # Of constants alone there would be one for each record of the page; an aggregate makes them one.
        return case((count_rows() >= 0, built), else_=null())

    def _end(self, pick: Any, end: str) -> Expression:
        """The cursor of the first or last row; of an empty page the one it was asked with."""
        self._needs_place = True
        placed = pick(cast(self._place + _EIGHT_DIGITS, String).concat(self._cursor()))
        found: Expression = func.substr(placed if self._only is None else placed.filter(self._only), 9)
        given = self._given.get(end)
        if given is not None:
            return func.coalesce(found, self._statement.binds.value(given, TEXT))
        return func.coalesce(found, self._cursors.written(log.end())) if (log := self._followed(end)) else found

    def _followed(self, end: str) -> Log | None:
        """The log whose end an empty page has reached at one of its ends, if it has."""
        descending = self._keys[0].descending
        other = "before" if end == "after" else "after"
        is_end = (end == "after") != descending and self._given.get(other) is None
        return self._record.log if is_end and (self._backward != descending or self._has_size) else None

    # Where it comes from

    def select(self, built: Expression) -> Query:
        """The SELECT of what is built of the rows of the page."""
        parts = self._parts
        first = self._rows(parts[0], self._wanted)
        inner: Query | Both = first
        if len(parts) == 2:
            # The second part is only begun where the first does not fill the page.
            filled = Head(first, self._statement.alias())
            so_far = Query({"rows": count_rows()}, filled)
            remaining = self._rows(parts[1], self._wanted - so_far, so_far)
            inner = Both(filled, Query(_EVERY, AliasedRows(remaining, self._statement.alias())))
        if self._backward:
            alias = self._statement.alias()
            # SQLite leaves out the order of a subquery that has no limit.
            order = [column(alias, "place", WHOLE)]
            inner = Query(_EVERY, AliasedRows(inner, alias), order_by=order, limit=self._wanted)
        return self._outer.scope.select(built, AliasedRows(inner, self._outer.alias))

    def _rows(self, part: Stretch, wanted: Expression, so_far: Expression | None = None) -> Query:
        """The first rows of a part of the list, with as few columns as will do."""
        clauses = [key.clause(backward=self._backward) for key in part.keys]
        columns = dict(self._outer.handed_out)
        there = [*self._there, *part.there]
        source = self._inner.source(there)
        if self._step is not None:
            found = Query({**columns, **_named(self._keys)}, source, self._there, is_apart=True)
            source, there = AliasedRows(found, self._step), [*part.there]
            columns = {name: column(self._step, name, one.type) for name, one in columns.items()}
        if self._needs_keys:
            columns |= _named(self._compared_keys())
        if self._needs_place:
            place: Expression = func.row_number().over(order_by=clauses)
            if so_far is not None:
                place = so_far + place
            columns["place"] = -place if self._backward else place
        return Query(columns or {"one": whole_number(1)}, source, there, order_by=clauses, limit=wanted)


def _named(keys: Sequence[SortKey]) -> dict[str, Expression]:
    """The values of keys by their names in a page."""
    return {f"k{number}": key.expression for number, key in enumerate(keys)}


def _known(value: bool) -> Expression:
    return literal_column("true" if value else "false")
