"""The event log as a record of the catalog: read-only, in the order of commits, numbered batches only."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import case, literal, null
from sqlalchemy.sql.elements import ColumnElement

from core.base.errors import PluginError
from core.base.sentences import noun, sentence, term
from core.base.text import snake, words
from core.crm.consequences import CORE_EVENTS
from core.db.sql import Expression
from core.db.types import Choice, Json
from core.log.events import Action, EventBatch, EventRow
from core.records.record import CORE
from core.records.vocabulary import vocabulary
from schema.catalog.catalog import Catalog, CatalogField, Log, RecordType
from schema.catalog.kind import Condition, Kind
from schema.catalog.kinds import DecimalKind, IdKind, MomentKind, TextKind
from schema.catalog.scope_changes import EventRule, ScopeChange
from schema.catalog.timelines import actor_name, log_end, narrowed
from schema.sql.json import json_value
from schema.sql.log import changes_list
from schema.sql.selections import Selection

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


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
        for action in _actions(catalog, record)
        if action not in (Action.MERGED, Action.UNMERGED)
    }
    labels = {
        f"{snake(record.name).upper()}_{action}": sentence(
            "{record} {action}", record=noun(record.name).capitalized(), action=term(action.lower())
        )
        for record in catalog.records.values()
        for action in _actions(catalog, record)
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


def _actions(catalog: Catalog, record: RecordType) -> Iterator[Action]:
    """What can be done to records of a type."""
    for action in Action:
        if action is not Action.PUBLISHED and (action is not Action.REASSIGNED or catalog.sources(record.name)):
            yield action


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


def _is_told(row: Any) -> Sequence[Condition]:
    """The conditions under which an event is there: of reassigned records hear only those whose rows are limited."""
    if _rule(row) is not None:
        return [is_numbered(row)]
    return [is_numbered(row), row.action != literal(Action.REASSIGNED, Choice(Action))]


def _published_data(row: Any) -> Any:
    # Of reassigned records it is about another, which not everybody may see.
    return case((row.action == literal(Action.REASSIGNED, Choice(Action)), null()), else_=row.data)


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
        scope=_is_told,
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
    add("data", JsonKind(), "Further data of a published event.", _published_data)
    add(
        "sequence",
        DecimalKind(0),
        "Number of its transaction in the log: without gaps, and higher for later changes of a record.",
        lambda row: batch(row).sequence,
    )
    return record
