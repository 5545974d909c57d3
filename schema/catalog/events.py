"""The event log as a record of the catalog: read-only, in the order of commits, numbered batches only."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Boolean, Integer, and_, case, cast, false, func, literal, not_, null, or_, select
from sqlalchemy.sql.elements import ColumnElement

from core.base.errors import PluginError
from core.base.sentences import noun, sentence, term
from core.base.text import camel, snake, words
from core.crm.consequences import CORE_EVENTS
from core.db.sql import Expression, folded
from core.db.types import Choice, Json, Text
from core.log.events import Action, EventBatch, EventRow
from core.records.forms import TEXT
from core.records.record import CORE
from core.records.vocabulary import Vocabulary, vocabulary
from schema.catalog.catalog import Catalog, CatalogField, Log, RecordType
from schema.catalog.kind import Kind
from schema.catalog.kinds import DecimalKind, IdKind, MomentKind, TextKind
from schema.catalog.timelines import actor_name, log_end, narrowed
from schema.sql.json import json_value
from schema.sql.log import changed_value, changes_list, has_change, without_keys
from schema.sql.selections import Selection

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
#: Types of columns of which the log says what they held in a form that SQL reads; of others the present value counts.
_REPEATABLE = (Text, Choice, Boolean, Integer)

RowCondition = Callable[[Any], Any]


class ChangesKind(Kind):
    """What changed, field by field."""

    graphql = "list[FieldChange]"
    sql = Json()
    can_order = False
    can_group = False

    def json(self, value: Any, selection: Selection) -> Expression:
        chosen = [(field.key, field.name) for field in selection.of("FieldChange")]
        return changes_list(value, chosen)


class JsonKind(Kind):
    """Any JSON value."""

    graphql = "JSON"
    sql = Json()
    can_order = False
    can_group = False

    def json(self, value: Any, selection: Selection) -> Expression:
        return json_value(value)


def event_types(catalog: Catalog, plugins: Mapping[str, Mapping[str, str]]) -> type[StrEnum]:
    """Every type of event this app can log, as an enumeration.

    Raises:
        PluginError: an event of a plugin clashes or is not possible.
    """
    described: dict[str, str] = {
        f"{snake(record.name).upper()}_{action}": sentence(
            "{record}: {meaning}", record=term(words(record.name), record.name), meaning=term(action.description)
        )
        for record in catalog.records.values()
        if record.has_attachments
        for action in Action
        if action not in (Action.MERGED, Action.UNMERGED, Action.PUBLISHED)
    }
    labels = {
        f"{snake(record.name).upper()}_{action}": sentence(
            "{record} {action}", record=noun(record.name).capitalized(), action=term(action.lower())
        )
        for record in catalog.records.values()
        for action in Action
        if action is not Action.PUBLISHED
    }
    described |= CORE_EVENTS
    owners = dict.fromkeys(described, CORE)
    for plugin, events in plugins.items():
        for name, description in events.items():
            if problem := _problem_of(name, description, owners.get(name)):
                raise PluginError(plugin, f"event {name}", problem)
            owners[name] = plugin
        described |= events
    return vocabulary("EventType", "What happened.", described, labels)


def _problem_of(name: str, description: str, rival: str | None) -> str | None:
    if rival is not None:
        return f"{rival} has an event of that name already; choose another"
    if not _NAME.fullmatch(name):
        return "must be named in capitals, as in LEVEL_REACHED"
    return None if description else "has no description; say in one sentence what it means"


def batch(row: Any) -> Any:
    """The batch an event belongs to, joined once."""
    return row.joined(EventBatch, "id", row.batch_id)


def is_numbered(row: Any) -> ColumnElement[bool]:
    """Readers only ever see a gapless past: what has no number yet is not there."""
    numbered: ColumnElement[bool] = batch(row).sequence.is_not(None)
    return numbered


class ScopeChange(Vocabulary):
    """How an event changed whether the caller sees its record."""

    ENTERED = "ENTERED", "The record became one the caller sees."
    LEFT = "LEFT", "The record is no longer one the caller sees; what else changed is not shown."


@dataclass(frozen=True, slots=True)
class EventRule:
    """Which events a caller sees, and how much of them: those of the records it sees.

    Attributes:
        rows: by name of a record, the condition under which a row of it is seen; what is missing is seen whole.
        hidden: the records of which nothing is seen.
        types: the types of events that are not shown.
        fields: by name of a record, the names of its fields that are not shown.
    """

    rows: Mapping[str, RowCondition]
    hidden: Collection[str]
    types: Collection[str]
    fields: Mapping[str, Collection[str]]

    def __call__(self, row: Any) -> ColumnElement[bool]:
        """The condition under which an event is seen: its record is, or it tells that the record left."""
        limited = sorted({*self.rows, *self.hidden})
        # All next to each other, because an old SQLite parses nothing deep.
        seen = [and_(row.entity_type == name, condition) for name, condition in self._seen(row)]
        left = self._moved(row, ScopeChange.LEFT, is_found=False)
        found: ColumnElement[bool] = or_(row.entity_type.not_in(limited), *seen, left)
        return and_(found, row.type.not_in(sorted(self.types))) if self.types else found

    def _seen(self, row: Any) -> Iterator[tuple[str, Any]]:
        statement = row.scope.statement
        for name, limit in self.rows.items():
            yield name, statement.is_among(statement.catalog.records[name], limit, row.entity_id)

    def changes(self, row: Any) -> Any:
        """What changed, without what is not shown."""
        shown = row.changes
        cuts = [(row.entity_type == name, without_keys(shown, names)) for name, names in self.fields.items() if names]
        # Alongside the JSON and not inside it: an old SQLite could not parse both, one in the other.
        left = row.scope.value(self._moved(row, ScopeChange.LEFT), is_repeated=True)
        return case((left, null()), *cuts, else_=shown)

    def scope_change(self, row: Any) -> Any:
        """How an update changed whether the caller sees its record; null where it did not."""
        return case(*((self._moved(row, way), way.value) for way in ScopeChange), else_=null())

    def _moved(self, row: Any, way: ScopeChange, *, is_found: bool = True) -> ColumnElement[bool]:
        """The condition that an update took its record into the caller's scope, or out of it.

        Args:
            row: of the event.
            way: in or out.
            is_found: whether the record may be seen all the same, by way of what it is part of or who shares it.
        """
        moves = ((name, _move(row, name, limit, way, is_found=is_found)) for name, limit in self.rows.items())
        known = [and_(row.entity_type == name, move) for name, move in moves if move is not None]
        moved: ColumnElement[bool] = and_(row.action == literal(Action.UPDATED, Choice(Action)), or_(false(), *known))
        return moved


def _move(row: Any, name: str, limit: RowCondition, way: ScopeChange, *, is_found: bool) -> ColumnElement[bool] | None:
    """The condition that an event moved its record into the scope of a condition or out of it; None where none can.

    The log says what the record's own columns held. What the condition takes from elsewhere, such as who is in a team,
    is taken as it is now.
    """
    statement = row.scope.statement
    record = statement.catalog.records[name]
    other = statement.row(record, is_fact=True)
    changed: dict[str, Any] = {}

    def held(column: str, present: Any, *, is_current: bool) -> Any:
        text = column.removesuffix("_folded")
        is_folded = text != column
        if not isinstance(present.type, _REPEATABLE) or (is_folded and record.model.__folded__[text] is not TEXT):
            return present
        value: Any = changed_value(row.changes, camel(text), is_current=is_current)
        if is_folded:
            value = folded(value)
        elif not isinstance(present.type, Text | Choice):
            value = cast(value, present.type)
        return case((changed.setdefault(column, has_change(row.changes, camel(text))), value), else_=present)

    was, is_now = (limit(other.alone(partial(held, is_current=is_current))) for is_current in (False, True))
    if not changed:
        return None
    here, there = (was, is_now) if way is ScopeChange.LEFT else (is_now, was)
    found = [other.id == row.entity_id, or_(*changed.values()), here, not_(func.coalesce(there, false()))]
    if is_found:
        found.append(not_(statement.is_among(other.record, lambda seen: limit(seen.related()), other.id)))
    return select(1).select_from(other.source()).where(*found).exists()


def _rule(row: Any) -> EventRule | None:
    """The rule of the caller's access; None where everything is seen."""
    found: EventRule | None = row.scope.statement.access.rows.get("Event")
    return found


def _changes(row: Any) -> Any:
    rule = _rule(row)
    return row.changes if rule is None else rule.changes(row)


def _scope_change(row: Any) -> Any:
    rule = _rule(row)
    return null() if rule is None else rule.scope_change(row)


def event_record(catalog: Catalog, plugins: Mapping[str, Mapping[str, str]]) -> RecordType:
    """The record type of the log."""
    types = catalog.kind_of(event_types(catalog, plugins))
    record = RecordType(
        "Event",
        EventRow,
        "Something that happened to a record: one entry of the log, which is complete and in the order of commits.",
        default_order=(("sequence", False),),
        writable=False,
        aggregates=False,
        groups=False,
        scope=lambda row: [is_numbered(row)],
        log=Log(narrowed, log_end),
    )

    def add(name: str, kind: Kind, description: str, expression: Any, *, nullable: bool = False) -> None:
        record.fields[name] = CatalogField(name, kind, description, nullable, CORE, expression)

    add("id", IdKind(), "Id of the event.", lambda row: row.id)
    add("type", types, "What happened.", lambda row: row.type)
    add("entityType", TextKind(), "Type of the record it happened to.", lambda row: row.entity_type)
    add("entityId", IdKind(), "Id of the record it happened to.", lambda row: row.entity_id)
    add("action", catalog.kind_of(Action), "What was done to it.", lambda row: row.action)
    add("occurredAt", MomentKind(), "When it happened in the business.", lambda row: row.occurred_at)
    add("recordedAt", MomentKind(), "When it was recorded.", lambda row: batch(row).recorded_at)
    add("actor", IdKind(), "Who did it.", lambda row: batch(row).actor)
    add(
        "actorName",
        TextKind(),
        "Name of who did it: of a user or API key if you may see it, else what `actor` says.",
        lambda row: actor_name(row, batch(row).actor),
        nullable=True,
    )
    add("requestId", IdKind(), "The request it came from.", lambda row: batch(row).request_id, nullable=True)
    add("changes", ChangesKind(), "What changed, field by field; without fields one may not see.", _changes)
    add(
        "scopeChange",
        catalog.kind_of(ScopeChange),
        "How it changed whether you see the record, if it did.",
        _scope_change,
        nullable=True,
    )
    add("data", JsonKind(), "Further data of a published event.", lambda row: row.data)
    add(
        "sequence",
        DecimalKind(0),
        "Number of its transaction in the log: without gaps, and higher for later changes of a record.",
        lambda row: batch(row).sequence,
    )
    return record
