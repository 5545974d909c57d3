"""Whose a record is: found from its columns and relations, so that a plugin's records belong to somebody as well."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import false, or_, select

from core.access.permissions import RowScope
from core.base.errors import PluginError
from core.crm.people import Team, User
from core.db.sql import one_of
from core.records.record import Record
from schema.catalog.catalog import Catalog, Ownership, RecordType, Share, ToOne
from schema.catalog.kind import Condition

#: The field that tells what the caller may do with a record.
CAN = "can"

#: Relations to a user that make it an owner.
_USERS = ("owner", "user", "assignee")


def ownerships(catalog: Catalog) -> Mapping[str, Ownership]:
    """Whose the records are, by the name of their type; what is not there is reference data.

    Raises:
        PluginError: a record says that it is part of what it does not refer to.
    """
    found: dict[str, Ownership | None] = {}

    def of(record: RecordType) -> Ownership | None:
        if record.name not in found:
            # What leads back to itself adds nothing.
            found[record.name] = None
            found[record.name] = _own(record)
            parents = _parents(record, lambda link: of(catalog.records[link.target]) is not None)
            own = found[record.name]
            if parents:
                found[record.name] = Ownership(*(own or Ownership()).columns(), parents)
        return found[record.name]

    for record in catalog.records.values():
        if record.has_attachments:
            of(record)
    shared: dict[str, list[Share]] = {}
    for record in catalog.records.values():
        relation = getattr(record.model, "__shares__", None)
        if relation is not None:
            link = _link(record, relation)
            shared.setdefault(link.target, []).append(Share(record.name, link.column))
    return {
        name: Ownership(*own.columns(), own.parents, tuple(shared.get(name, ())))
        for name, own in found.items()
        if own is not None
    }


def _own(record: RecordType) -> Ownership | None:
    """What its own columns say."""
    model: type[Record] = record.model  # type: ignore[assignment]  # only records are asked
    if not model.__owned__:
        return None
    links = record.to_one.values()
    users = tuple(link.column for link in links if link.target == User.__name__ and link.name in _USERS)
    teams = tuple(link.column for link in links if link.target == Team.__name__ and link.name == "team")
    if not users and not teams:
        return None
    names = [name for name in ("region_folded", "region") if name in record.table.c]
    return Ownership(users, teams, tuple(names[:1]))


def _parents(record: RecordType, is_owned: Callable[[ToOne], bool]) -> tuple[str, ...]:
    """The relations through which it belongs to somebody."""
    model: type[Record] = record.model  # type: ignore[assignment]  # only records are asked
    if model.__part_of__ is not None:
        return tuple(name for name in model.__part_of__ if is_owned(_link(record, name)))
    if not model.__owned__:
        return ()
    columns: Any = record.table.c
    others = [link for link in record.to_one.values() if link.target != record.name and is_owned(link)]
    required = [link.name for link in others if not columns[link.column].nullable]
    return tuple(required[:1]) or tuple(link.name for link in others)


def _link(record: RecordType, relation: str) -> ToOne:
    if relation not in record.to_one:
        known = ", ".join(record.to_one) or "nothing"
        raise PluginError(record.owner, f"record {record.name}", f"refers to no {relation!r}; it refers to {known}")
    return record.to_one[relation]


def belongs(row: Any, scope: RowScope) -> Condition:
    """The condition that a row belongs to whoever asks, its team or its region.

    By itself, or by what it is part of and who shares it; of some rows only one of the two counts.

    Args:
        row: of a statement.
        scope: anything but all or none.
    """
    statement = row.scope.statement
    own = statement.catalog.ownerships[row.record.name]
    users = statement.reach(scope.lower())
    parts: list[Condition] = []
    if row.is_alone:
        parts += [one_of(row.reference(name), users) for name in own.users]
        if scope is not RowScope.OWN:
            parts += [one_of(row.reference(name), statement.reach("teams")) for name in own.teams]
        if scope is RowScope.REGION:
            parts += [one_of(row.reference(name), statement.reach("regions")) for name in own.regions]
    if not row.is_related:
        return or_(false(), *parts)
    for share in own.shares:
        member = statement.row(statement.catalog.records[share.record], is_fact=True)
        named = statement.catalog.ownerships[share.record].users
        theirs = [or_(false(), *(one_of(member.reference(name), users) for name in named)), *statement.living(member)]
        parts.append(row.id.in_(select(member.reference(share.column)).select_from(member.source()).where(*theirs)))
    for name in own.parents:
        # Of the row alone and not of a join: the condition may be part of one.
        link = row.record.to_one[name]
        parent = statement.catalog.records[link.target]
        parts.append(statement.is_among(parent, lambda seen: belongs(seen, scope), row.reference(link.column)))
    return or_(false(), *parts)
