"""Timelines: which entries of the log a list shows, and who did what they tell."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import and_, case, func, literal, null, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from core.access.keys import ApiKey
from core.base.errors import InputError
from core.base.sentences import sentence
from core.crm.people import User
from core.db.sql import Expression, one_of
from core.db.types import Choice
from core.log.events import Action, EventBatch
from schema.catalog.catalog import Catalog, RecordType, ToOne
from schema.catalog.kind import Condition
from schema.sql.json import TEXT, WHOLE, constant
from schema.sql.slots import prefixes_of

#: The list of events that every record has.
TIMELINE = "timeline"


def log_end() -> Sequence[Expression]:
    """The key values of a place after all that is in the log, and before all that will be."""
    last = select(func.coalesce(func.max(EventBatch.__table__.c.sequence), 0)).scalar_subquery()
    return (last + literal(1, WHOLE), constant(""))


def narrowed(row: Any, arguments: Mapping[str, Any]) -> Iterator[Condition]:
    """The conditions on an event that the arguments of a list stand for."""
    statement = row.scope.statement
    binds, catalog = statement.binds, statement.catalog
    if (types := arguments.get("types")) is not None:
        yield from catalog.records["Event"].fields["type"].conditions(row, {"in": types}, binds)
    if (names := arguments.get("entityTypes")) is not None:
        yield one_of(row.entity_type, binds.many(names, TEXT, partial(check_type, catalog)))
    if (entity := arguments.get("entity")) is not None:
        yield row.entity_id == binds.value(entity, TEXT)
    if (of := arguments.get("of")) is not None:
        # What merely came to belong to others has no part in what happened.
        yield row.action != literal(Action.REASSIGNED, Choice(Action))
        yield is_about(row, [of.record], of.id)
    if (about := arguments.get("about")) is not None:
        prefixes = prefixes_of(about)
        named = [one for one in catalog.records.values() if prefixes is None or one.prefix in prefixes]
        yield is_about(row, named, binds.value(about, TEXT))


def is_about(row: Any, named: Sequence[RecordType], id: Expression) -> Condition:
    """The condition that an event is of a record or of what hangs on it.

    Args:
        row: of the event.
        named: the types that the record may have.
        id: of the record.
    """
    below = [ids for record in named for ids in _hanging(row.scope.statement.catalog, record, id)]
    found: Condition = row.entity_id.in_(union_all(select(id), *below) if below else select(id))
    return found


def _hanging(catalog: Catalog, record: RecordType, id: Expression) -> Iterator[Any]:
    """The ids of what refers to a record, and of what is part of that; deleted or not."""
    near = list(_referring(catalog, record))
    known = {record.name, *(other.name for other, _ in near)}
    for other, link in near:
        table = other.table.alias()
        yield select(table.c.id).where(table.c[link.column] == id)
        for part, own in _referring(catalog, other):
            if part.name not in known and own.name in _parents(catalog, part):
                inner = part.table.alias()
                there = inner.c[own.column] == table.c.id
                yield select(inner.c.id).select_from(inner.join(table, there)).where(table.c[link.column] == id)


def _referring(catalog: Catalog, record: RecordType) -> Iterator[tuple[RecordType, ToOne]]:
    """The records of other types that refer to one, but not as their owner."""
    for other in catalog.records.values():
        own = catalog.ownerships.get(other.name)
        owners = () if own is None else (*own.users, *own.teams)
        for link in other.to_one.values():
            if link.target == record.name != other.name and link.column not in owners and other.has_attachments:
                yield other, link


def _parents(catalog: Catalog, record: RecordType) -> Sequence[str]:
    own = catalog.ownerships.get(record.name)
    return () if own is None else own.parents


def check_type(catalog: Catalog, name: str) -> str:
    """The name of a type of records, as it is given.

    Raises:
        InputError: there is none of this name.
    """
    if name not in catalog.records:
        raise InputError(
            sentence("entityTypes: there is no record {name!r}; they are named like types, as in Customer", name=name)
        )
    return name


def actor_name(row: Any, actor: Expression) -> Expression:
    """The name of a user or API key that did something, if the caller may see it; of others what they are."""
    statement = row.scope.statement
    cases: list[tuple[ColumnElement[bool], Any]] = []
    for model in (User, ApiKey):
        record = statement.catalog.records[model.__name__]
        name: Any = null()
        if record.name not in statement.access.hidden:
            other = statement.row(record)
            there = and_(other.id == actor, *statement.limited(other))
            name = select(other.name).select_from(other.source()).where(there).scalar_subquery()
        cases.append((actor.startswith(f"{record.prefix}_", autoescape=True), name))
    return case(*cases, else_=actor)
