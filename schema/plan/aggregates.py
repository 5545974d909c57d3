"""Aggregates: counts, sums, averages, smallest and largest values, over a list or over its groups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Subquery, and_, false, func, not_, or_, select, true

from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.sql import Expression
from core.records.fields import MoneyExpression
from schema.catalog.catalog import CatalogField, RecordType, ToMany
from schema.catalog.kind import Condition, Kind
from schema.catalog.kinds import IntKind, MoneyKind, TextKind
from schema.plan.order import SortKey, check_keys, direction
from schema.plan.statement import PlanRow, Statement
from schema.plan.where import Where, aggregate_number, filtered, holds
from schema.sql.json import WHOLE, amount_text, column, constant, count_rows, json_rows, total, whole_number
from schema.sql.queries import AliasedRows, Query
from schema.sql.selections import Chosen, Selection
from schema.types.aggregates import OUTPUTS

FUNCTIONS = ("sum", "avg", "min", "max")

Number = Callable[[CatalogField, str], Expression]
Sums = Callable[[CatalogField], tuple[Subquery, Sequence[Condition]]]


def aggregate(statement: Statement, record: RecordType, chosen: Chosen, under: tuple[PlanRow, ToMany] | None) -> Query:
    """The aggregates selected of a list, in one row."""
    where = chosen.arguments.get("where")
    row, there = filtered(statement, record, where, under)
    numbers = _Numbers(statement, row)

    def sums(field: CatalogField) -> tuple[Subquery, Sequence[Condition]]:
        other, also_there = filtered(statement, record, where, under)
        return _sums(other, field, also_there, []).subquery(), []

    built = _object(record, chosen.selection, numbers.rows, numbers.number, sums)
    # Apart from their show, because an old SQLite does not parse both in one.
    source, left = row.rows(there)
    found = Query(numbers.columns() or {"rows": count_rows()}, source, left)
    return Query({"built": built}, AliasedRows(found, numbers.alias))


class _Numbers:
    """The columns of the SELECT that counts and sums, handed out on demand to the one that shows them."""

    def __init__(self, statement: Statement, row: PlanRow) -> None:
        self.alias = statement.alias()
        self._statement = statement
        self._row = row
        self._known: dict[tuple[str, str], Expression] = {}
        self._counts = False

    def columns(self) -> dict[str, Expression]:
        """What it has to give, by name."""
        found = {f"n{number}": value for number, value in enumerate(self._known.values())}
        return {**found, "rows": count_rows()} if self._counts else found

    def rows(self) -> Expression:
        """The number of rows."""
        self._counts = True
        return column(self.alias, "rows", WHOLE)

    def number(self, field: CatalogField, function: str) -> Expression:
        """An aggregate as a bare number."""
        if (field.name, function) not in self._known:
            value = aggregate_number(self._statement, self._row, field, function, is_shown=True)
            self._known[field.name, function] = value
        value = self._known[field.name, function]
        return column(self.alias, f"n{list(self._known).index((field.name, function))}", value.type)


def _sums(row: PlanRow, field: CatalogField, there: Sequence[Condition], keys: Sequence[Expression]) -> Select[Any]:
    """The sums of a money field, a row for each currency, within groups where there are keys."""
    money: MoneyExpression = field.value(row)
    return (
        select(
            *(key.label(f"k{number}") for number, key in enumerate(keys)),
            money.currency.label("currency"),
            total(money.minor).label("minor"),
            total(money.reporting).label("reporting"),
        )
        .select_from(row.source(there))
        .where(*there, money.minor.is_not(None))
        .group_by(*keys, money.currency)
    )


def _object(
    record: RecordType, selection: Selection, rows: Callable[[], Expression], number: Number, sums: Sums
) -> Expression:
    """The aggregates selected, as a JSON object."""

    def of_function(function: str) -> Callable[[Chosen], Expression]:
        def of_field(chosen: Chosen) -> Expression:
            field = record.fields[chosen.name]
            kind = field.kind.aggregate_kind(function)
            if function == "sum" and isinstance(kind, MoneyKind):
                return _money_sum(kind, field, chosen.selection, number, sums)
            return kind.json(kind.of_number(number(field, function)), chosen.selection)

        return lambda chosen: chosen.selection.build(
            record.name + OUTPUTS[function], dict.fromkeys(record.fields, of_field)
        )

    parts = {function: of_function(function) for function in FUNCTIONS}
    return selection.build(f"{record.name}Aggregate", {"count": lambda chosen: rows(), **parts})


def _money_sum(kind: MoneyKind, field: CatalogField, selection: Selection, number: Number, sums: Sums) -> Expression:
    """A sum of money: one total in the reporting currency, and one row per currency."""

    def total(chosen: Chosen) -> Expression:
        return kind.json(kind.of_number(number(field, "sum")), chosen.selection)

    def per_currency(chosen: Chosen) -> Expression:
        every, mine = sums(field)
        # Ordered here, because SQLite reads those of one group in the order of an index that it makes for itself.
        ordered = select(every.c.currency, every.c.minor, every.c.reporting).where(*mine).order_by(every.c.currency)
        found = ordered.subquery()
        money = chosen.selection.build(
            "Money",
            {
                "amount": lambda part: amount_text(found.c.minor, found.c.currency),
                "currency": lambda part: found.c.currency,
                "reportingAmount": lambda part: amount_text(found.c.reporting, constant(kind.currency)),
            },
        )
        return select(json_rows(money, [found.c.currency])).select_from(found).scalar_subquery()

    return selection.build("MoneySum", {"total": total, "perCurrency": per_currency})


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One key of a group.

    Attributes:
        way: to it across to-one relations, as keys are called.
        field: whose values are grouped.
        grain: of a date.
        expression: what is one within a group. Of texts it is what `eq` compares, so that "B" and "b" are one group.
        shown: the value shown of the group: of texts that are one, the first by their letters.
    """

    way: tuple[str, ...]
    field: CatalogField
    grain: str | None
    expression: Expression
    shown: Expression

    @property
    def kind(self) -> Kind:
        """Of its field."""
        return self.field.kind

    @property
    def is_folded(self) -> bool:
        """Whether what is shown is not what makes the group."""
        return self.shown is not self.expression


def group_by(statement: Statement, record: RecordType, chosen: Chosen) -> Query:
    """The groups of a list by some keys, each with its aggregates."""
    arguments = chosen.arguments
    where = arguments.get("where")
    check_keys("by", arguments["by"])
    check_keys("orderBy", arguments.get("orderBy"))
    row, there = filtered(statement, record, where, None)
    keys = [group_key(statement, row, part, ()) for part in arguments["by"]]
    if not keys:
        raise InputError(
            sentence(
                "by: name at least one key; for aggregates of the whole list there is {plural}Aggregate",
                plural=record.plural,
            )
        )
    ways = [key.way for key in keys]
    if twice := next((way for way in ways if ways.count(way) > 1), None):
        raise InputError(
            sentence(
                "by: {known} is named twice, but a group shows one value of it; leave one out", known=".".join(twice)
            )
        )
    groups = _Groups(statement, record, row, keys, where)
    built = chosen.selection.build(
        f"{record.name}Group",
        {
            "keys": lambda field: groups.keys_object(record, field.selection, ()),
            "aggregate": lambda field: _object(record, field.selection, groups.rows, groups.number, groups.sums),
        },
    )
    having = _having(statement, row, arguments.get("having"))
    order = _order(statement, row, keys, arguments.get("orderBy"))
    clauses = [key.clause() for key in order]
    source, left = row.rows(there)
    grouped = Query(
        {"place": func.row_number().over(order_by=clauses), **groups.columns()},
        source,
        left,
        group_by=[key.expression for key in keys],
        having=having,
        order_by=clauses,
        limit=whole_number(_limit(statement, arguments.get("first"))),
    )
    rows = json_rows(built, [column(groups.alias, "place", WHOLE)])
    return Query({"rows": rows}, AliasedRows(grouped, groups.alias))


def _limit(statement: Statement, first: int | None) -> int:
    largest = statement.catalog.settings.maximum_page_size
    size = largest if first is None else first
    if not 0 <= size <= largest:
        raise InputError(
            sentence(
                "first: {size} is outside 0 to {largest}; ask for fewer groups, or narrow them by where or having",
                size=size,
                largest=largest,
            )
        )
    return size


def group_key(statement: Statement, row: PlanRow, part: Mapping[str, Any], way: tuple[str, ...]) -> GroupKey:
    """A key as it is asked for, across the to-one relations that lead to it.

    Raises:
        InputError: it is not a key.
        ForbiddenError: the caller may not see it.
    """
    ((name, asked),) = part.items()
    if name in row.record.to_one:
        return group_key(statement, row.to(name), asked, (*way, name))
    field = row.record.group_keys[name]
    statement.demand(row.record, field)
    if asked is False:
        raise InputError(sentence("by.{name}: false groups by nothing; write true, or leave it out", name=name))
    grain = None if asked is True else str(asked)
    expression = _group_expression(row, field, grain)
    shown = func.min(field.value(row)) if _is_folded(field) else expression
    return GroupKey((*way, name), field, grain, expression, shown)


def _is_folded(field: CatalogField) -> bool:
    """Whether several spellings of its texts are one group."""
    return isinstance(field.kind, TextKind) and not field.is_exact


def _group_expression(row: PlanRow, field: CatalogField, grain: str | None) -> Expression:
    """What rows are grouped by."""
    return field.folded(row) if _is_folded(field) else field.kind.group_key(field.value(row), grain)


class _Groups(_Numbers):
    """The same for the groups of a list, with their keys."""

    def __init__(
        self, statement: Statement, record: RecordType, row: PlanRow, keys: Sequence[GroupKey], where: Where | None
    ) -> None:
        super().__init__(statement, row)
        self._record = record
        self._keys = keys
        self._where = where
        self._sums = False

    def columns(self) -> dict[str, Expression]:
        keys = {f"k{number}": key.shown for number, key in enumerate(self._keys)}
        # What finds the sums of a group, where it is not what is shown.
        found = {f"g{number}": key.expression for number, key in enumerate(self._keys) if key.is_folded}
        return {**keys, **(found if self._sums else {}), **super().columns()}

    def sums(self, field: CatalogField) -> tuple[Subquery, Sequence[Condition]]:
        """The sums per currency of all groups, worked out once, and the condition that picks one group's."""
        statement, self._sums = self._statement, True
        row, there = filtered(statement, self._record, self._where, None)
        keys = [_expression(statement, row, key) for key in self._keys]
        found: Any = _sums(row, field, there, keys).cte(statement.alias()).prefix_with("MATERIALIZED")
        mine = [
            found.c[f"k{number}"].is_not_distinct_from(
                column(self.alias, f"{'g' if key.is_folded else 'k'}{number}", key.expression.type)
            )
            for number, key in enumerate(self._keys)
        ]
        return found, mine

    def keys_object(self, record: RecordType, selection: Selection, way: tuple[str, ...]) -> Expression:
        """The keys selected, as a JSON object."""

        def part(chosen: Chosen) -> Expression:
            here = (*way, chosen.name)
            if chosen.name in record.to_one:
                target = self._statement.catalog.records[record.to_one[chosen.name].target]
                return self.keys_object(target, chosen.selection, here)
            for number, key in enumerate(self._keys):
                if key.way == here:
                    value = column(self.alias, f"k{number}", key.expression.type)
                    return value if key.kind.functions == ("min", "max") else key.kind.json(value, chosen.selection)
            raise InputError(sentence("keys.{name} is not a key of these groups; name it in `by`", name=".".join(here)))

        names = [*record.group_keys, *record.to_one]
        return selection.build(f"{record.name}GroupKeys", dict.fromkeys(names, part))


def _expression(statement: Statement, row: PlanRow, key: GroupKey) -> Expression:
    for step in key.way[:-1]:
        row = row.to(step)
    return _group_expression(row, key.field, key.grain)


def _having(statement: Statement, row: PlanRow, given: Mapping[str, Any] | None) -> list[Condition]:
    """The conditions on groups; all of them must hold."""
    found: list[Condition] = []
    for name, asked in (given or {}).items():
        if asked is None:
            raise InputError(sentence("having.{name}: null filters nothing; leave it out", name=name))
        if name == "and":
            found += [condition for part in asked for condition in _having(statement, row, part)]
        elif name == "or":
            found.append(or_(false(), *(and_(true(), *_having(statement, row, part)) for part in asked)))
        elif name == "not":
            found.append(not_(holds(and_(true(), *_having(statement, row, asked)))))
        elif name == "count":
            found += IntKind().conditions(count_rows(), asked, statement.binds)
        else:
            for field_name, filter_ in asked.items():
                if filter_ is None:
                    raise InputError(
                        sentence(
                            "having.{name}.{field_name}: null filters nothing; leave it out",
                            name=name,
                            field_name=field_name,
                        )
                    )
                field = row.record.fields[field_name]
                statement.demand(row.record, field)
                number, kind = field.kind.aggregate(name, field.value(row)), field.kind.aggregate_kind(name)
                found += kind.conditions(kind.of_number(number), filter_, statement.binds)
    return found


def _order(
    statement: Statement, row: PlanRow, keys: Sequence[GroupKey], given: Sequence[Mapping[str, Any]] | None
) -> list[SortKey]:
    """The order of groups: as asked, then by their keys, which makes it total."""
    found = []
    for part in given or ():
        ((name, asked),) = part.items()
        if name == "count":
            found.append(SortKey(count_rows(), *direction(asked), nullable=False))
        elif name == "key":
            found.append(_key_order(keys, asked, ()))
        else:
            ((field_name, wanted),) = asked.items()
            field = row.record.fields[field_name]
            statement.demand(row.record, field)
            found.append(SortKey(aggregate_number(statement, row, field, name), *direction(wanted)))
    return [*found, *(SortKey(_sortable(key)) for key in keys)]


def _sortable(key: GroupKey) -> Expression:
    return key.expression if key.is_folded else key.kind.sortable(key.expression)


def _key_order(keys: Sequence[GroupKey], given: Mapping[str, Any], way: tuple[str, ...]) -> SortKey:
    ((name, asked),) = given.items()
    here = (*way, name)
    if isinstance(asked, Mapping):
        return _key_order(keys, asked, here)
    for key in keys:
        if (*key.way[:-1], key.field.name) == here:
            return SortKey(_sortable(key), *direction(asked))
    raise InputError(
        sentence(
            "orderBy.key.{name} is not a key of these groups, whose keys are {keys}; name it in `by`, or order by "
            "one of those",
            name=".".join(here),
            keys=[".".join(key.way) for key in keys],
        )
    )
