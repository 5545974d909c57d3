"""A record as it was at a moment: its fields from the log and from plugins' histories, in the same statement.

What a field was is what the first change after the moment replaced; without such a change it is what it is now.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, literal_column, null, select

from core.base.errors import ErasedError, InputError
from core.base.sentences import sentence
from core.base.text import camel
from core.crm.consequences import ERASURES
from core.db.sql import Expression
from core.db.types import Timestamp
from core.log.events import Action, EventRow
from core.records.fields import History, MoneyExpression
from schema.catalog.catalog import CatalogField, RecordType, ToOne
from schema.catalog.kind import Condition
from schema.catalog.kinds import BooleanKind, MoneyKind
from schema.plan.plan import ERASED_KEY, TYPE_KEY, Fill, Path, Refusal
from schema.plan.statement import PlanRow, Statement
from schema.sql.binds import Moment
from schema.sql.json import constant, json_object, json_value, moment_text
from schema.sql.log import json_member, json_or, replaced_json
from schema.sql.queries import Query
from schema.sql.selections import TYPENAME, Chosen, Selection, Whole
from schema.sql.slots import resolve
from schema.sql.template import placeholder

#: What never changes.
_FIXED = frozenset({"id", "createdAt", "createdBy"})
#: Columns whose changes are not in the log.
_UNLOGGED = frozenset({"version", "updatedAt", "updatedBy"})
_NOTHING = "null"


def one_then(statement: Statement, record: RecordType, chosen: Chosen, where: Callable[[PlanRow], Condition]) -> Query:
    """The record for which a condition holds, as it was at the moment that its argument `asOf` names.

    Raises:
        InputError: something is selected of which nobody knows what it was.
    """
    row = statement.row(record)
    at = _moment(statement, chosen)
    built = _PastRow(row, at).object(chosen.selection, ())
    # A record that is deleted now was there then, and says so.
    return row.select(built, [where(row), row.created_at <= at, *statement.limited(row)])


def _moment(statement: Statement, chosen: Chosen) -> Expression:
    given = chosen.arguments["asOf"]

    def source(moment: Moment) -> datetime:
        at: datetime = resolve(given, moment.variables)
        if at > moment.now:
            raise InputError(
                sentence(
                    "asOf: {isoformat} is in the future, of which nothing is known; leave it out for now",
                    isoformat=at.isoformat(),
                )
            )
        return at

    return statement.binds.computed(source, Timestamp(), is_repeated=True)


class _PastRow:
    """A row of a record, and the moment as of which it is shown."""

    def __init__(self, row: PlanRow, at: Expression) -> None:
        self._row = row
        self._record = row.record
        self._statement = row.scope.statement
        self._at = at

    def object(self, selection: Selection, path: Path) -> Expression:
        """The record as the JSON object that is selected of it."""
        hidden: dict[str, Expression] = {}
        pairs = [(chosen.key, self._member(chosen, path, hidden)) for chosen in selection.of(self._record.name)]
        return json_object([*pairs, *hidden.items()])

    def _member(self, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
        record, name = self._record, chosen.name
        if name == TYPENAME:
            return constant(record.name)
        if name in record.to_one:
            return self._related(record.to_one[name], chosen, path)
        field = record.fields.get(name)
        if field is None or not self._is_known(field):
            raise InputError(
                sentence(
                    "{record}.{name}: nobody knows what it was, since it is worked out from other records as they are "
                    "now; leave it out, or ask without asOf",
                    record=record.name,
                    name=name,
                )
            )
        if not self._statement.shown(self._row, field, path, chosen.key):
            hidden[TYPE_KEY] = constant(record.name)
            return null()
        if field.history is not None:
            return self._by_history(field, field.history, chosen, path)
        if name in _FIXED:
            return field.kind.json(field.value(self._row), chosen.selection)
        if name == "deletedAt":
            return moment_text(self._deleted_at())
        return self._logged(field, chosen, path, hidden)

    def _is_known(self, field: CatalogField) -> bool:
        is_own = field.stored is not None or field.name in self._own_names or field.name == "tags"
        return field.history is not None or (is_own and field.name not in {*_UNLOGGED, "externalIds"})

    @property
    def _own_names(self) -> frozenset[str]:
        companions = {companion.name for companion in self._record.model.__companions__}
        return frozenset(camel(name) for name in self._record.table.columns.keys() if name not in companions)  # noqa: SIM118

    # From the log

    def _event(self) -> Any:
        return EventRow.__table__.alias(self._statement.alias())

    def _replaced(self, name: str) -> Expression:
        """The JSON of what the first change after the moment replaced; null without such a change."""
        event = self._event()
        found = replaced_json(event.c.changes, name)
        # What is noted of a reassigned record is how another changed.
        own = event.c.action != Action.REASSIGNED
        there = [event.c.entity_id == self._row.id, event.c.occurred_at > self._at, own, found.is_not(None)]
        return select(found).where(*there).order_by(event.c.occurred_at, event.c.id).limit(1).scalar_subquery()

    def _deleted_at(self) -> Expression:
        event = self._event()
        ended = case((event.c.action == Action.DELETED, event.c.occurred_at), else_=null())
        there = [
            event.c.entity_id == self._row.id,
            event.c.occurred_at <= self._at,
            event.c.action.in_([Action.DELETED, Action.RESTORED]),
        ]
        last = select(ended).where(*there).order_by(event.c.occurred_at.desc(), event.c.id.desc()).limit(1)
        return last.scalar_subquery()

    def _is_erased(self) -> Expression:
        event = self._event()
        there = [event.c.entity_id == self._row.id, event.c.type.in_(ERASURES)]
        return select(literal_column("1")).where(*there).exists()

    def _logged(self, field: CatalogField, chosen: Chosen, path: Path, hidden: dict[str, Expression]) -> Expression:
        replaced = self._replaced(field.name)
        if not field.nullable:
            # What was erased holds what it holds now.
            replaced = func.nullif(replaced, _NOTHING)
        if isinstance(field.kind, MoneyKind):
            found = self._money(field, replaced, chosen.selection)
        else:
            found = json_or(replaced, field.kind.json(field.value(self._row), chosen.selection))
        if not (field.personal and field.nullable and self._record.name in ("Contact", "Customer")):
            return json_value(found)
        is_erased = self._is_erased()
        hidden |= {TYPE_KEY: constant(self._record.name), ERASED_KEY: BooleanKind().json(is_erased, chosen.selection)}
        place = f"{self._record.name}.{field.name}"
        error = ErasedError(sentence("{place}: it was erased, with what it had been before", place=place))
        self._statement.gaps.append(Refusal(path, chosen.key, self._record.name, error, ERASED_KEY))
        return case((is_erased, null()), else_=json_value(found))

    def _money(self, field: CatalogField, replaced: Expression, selection: Selection) -> Expression:
        if "reportingAmount" in selection.names("Money"):
            raise InputError(
                sentence(
                    "{record}.{field}: what it was worth in the reporting currency is not kept; leave out "
                    "reportingAmount, or ask without asOf",
                    record=self._record.name,
                    field=field.name,
                )
            )
        value = json_or(replaced, field.kind.json(field.value(self._row), Whole(selection.document, ())))
        parts: dict[str, Callable[[Chosen], Expression]] = {
            name: lambda chosen: json_value(json_member(value, chosen.name)) for name in ("amount", "currency")
        }
        return case((json_value(value) != _NOTHING, selection.build("Money", parts)), else_=null())

    def _related(self, link: ToOne, chosen: Chosen, path: Path) -> Expression:
        """The record that it referred to then, as that was then."""
        statement, target = self._statement, self._statement.catalog.records[link.target]
        row = statement.row(target)
        replaced = self._replaced(camel(link.column))
        now = self._row.reference(link.column)
        # An id has nothing that JSON escapes; no id is what nobody refers to.
        then = case((replaced.is_not(None), func.trim(replaced, '"')), else_=now)
        built = _PastRow(row, self._at).object(chosen.selection, (*path, chosen.key))
        return row.select(built, [row.id == then, *statement.limited(row)])

    # From a history that a plugin keeps

    def _by_history(self, field: CatalogField, history: Any, chosen: Chosen, path: Path) -> Expression:
        if isinstance(history, History):
            return field.kind.json(self._latest(history), chosen.selection)
        number = self._statement.fill_number()
        filled = replace(field, python=history, needs=("id", "at"))
        self._statement.gaps.append(Fill(path, chosen.key, self._record.name, number, filled, chosen.selection))
        return placeholder(number, [self._row.id, moment_text(self._at)])

    def _latest(self, history: History) -> Any:
        record = self._statement.catalog.records[history.record.__name__]

        def part(name: str) -> Expression:
            row = self._statement.row(record, is_fact=True)
            when = row.reference(history.at)
            there = [row.reference(history.by) == self._row.id, when <= self._at, *self._statement.living(row)]
            found = select(row.reference(name)).select_from(row.source()).where(*there)
            return found.order_by(when.desc(), row.id.desc()).limit(1).scalar_subquery()

        if history.value in history.record.__money__:
            return MoneyExpression(
                *(part(f"{history.value}_{suffix}") for suffix in ("minor", "currency", "reporting"))
            )
        return part(history.value)
