"""Whose a record is: found from its columns and relations, so that a plugin's records belong to somebody as well."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, false, or_, select

from core.access.declarations import RowRule
from core.access.permissions import RowScope
from core.base.errors import PluginError
from core.crm.people import Team, User
from core.db.sql import Expression, one_of
from core.log.estates import Estate, Line
from core.records.columns import column_info
from core.records.record import Record
from core.search.owners import Belonging, OwnerWay, Step
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
            parents = _parents(record, lambda link: of(catalog.records[link.target]) is not None)
            own = _own(record)
            found[record.name] = Ownership(*(own or Ownership()).columns(), parents) if parents else own
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
    return Ownership(users, teams, _regions(record))


def _regions(record: RecordType) -> tuple[str, ...]:
    """The column of its region, unless that is where somebody lives rather than who works there."""
    columns: Any = record.table.c
    if "region" not in columns or column_info(columns["region"]).personal:
        return ()
    return ("region_folded",) if "region_folded" in columns else ("region",)


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


def estates(catalog: Catalog) -> Mapping[str, Estate]:
    """What belongs to whoever the records belong to, by the name of their type."""
    below = _below(catalog)

    def lines(name: str, steps: tuple[tuple[str, str], ...], above: tuple[str, ...]) -> Iterator[Line]:
        for record, column in below.get(name, ()):
            if record.name not in above:
                way = (*steps, (record.table.name, column))
                # What only the system writes is not told of.
                if not catalog.is_read_only(record.name):
                    yield Line(record.name, way)
                yield from lines(record.name, way, (*above, record.name))

    found = {}
    for name, own in catalog.ownerships.items():
        record = catalog.records[name]
        relation = getattr(record.model, "__shares__", None)
        shared = None if relation is None else record.to_one[relation]
        columns = (*own.users, *own.teams, *own.regions, *(record.to_one[parent].column for parent in own.parents))
        found[name] = Estate(
            record.table.name,
            frozenset(column.removesuffix("_folded") for column in columns),
            tuple(lines(name, (), (name,))),
            None if shared is None else (shared.target, shared.column),
        )
    return found


def _below(catalog: Catalog) -> Mapping[str, list[tuple[RecordType, str]]]:
    """What is part of records, by the name of their type: the types, and the columns that refer to them."""
    found: dict[str, list[tuple[RecordType, str]]] = {}
    for name, own in catalog.ownerships.items():
        for link in (catalog.records[name].to_one[parent] for parent in own.parents):
            found.setdefault(link.target, []).append((catalog.records[name], link.column))
    return found


def searched_belongings(catalog: Catalog) -> Mapping[str, Belonging]:
    """By which of whose they are records are searched, by the name of their type."""
    parts = _below(catalog)

    def ways(record: RecordType, steps: tuple[Step, ...]) -> Iterator[OwnerWay]:
        own = catalog.ownerships[record.name]
        yield from (OwnerWay(steps, column) for column in (*own.users, *own.teams))
        yield from (OwnerWay(steps, column, is_region=True) for column in own.regions)
        for share in own.shares:
            way = (*steps, Step("id", catalog.records[share.record].table.name, share.column))
            yield from (OwnerWay(way, column) for column in catalog.ownerships[share.record].users)
        for link in (record.to_one[name] for name in own.parents):
            parent = catalog.records[link.target]
            yield from ways(parent, (*steps, Step(link.column, parent.table.name, "id")))

    def below(name: str, steps: tuple[Step, ...], above: tuple[str, ...]) -> Iterator[tuple[str, tuple[Step, ...]]]:
        for record, column in parts.get(name, ()):
            if record.name not in above:
                way = (*steps, Step("id", record.table.name, column))
                if record.searched:
                    yield record.name, way
                yield from below(record.name, way, (*above, record.name))

    found = {}
    for name, own in catalog.ownerships.items():
        record = catalog.records[name]
        up = tuple(ways(record, ())) if record.searched else ()
        found[name] = Belonging(record.table.name, up, bool(own.parents), tuple(below(name, (), (name,))))
    return {name: one for name, one in found.items() if one.ways or one.below}


def belongs(row: Any, scope: RowScope) -> Condition:
    """The condition that a row belongs to whoever asks, its team or its region.

    By itself, or by what it is part of and who shares it; what is left out of the row does not count.

    Args:
        row: of a statement.
        scope: anything but all or none.
    """
    statement = row.scope.statement
    own = statement.catalog.ownerships[row.record.name]
    users = statement.reach(scope.lower())
    parts: list[Condition] = [one_of(row.reference(name), users) for name in own.users]
    if scope is not RowScope.OWN:
        parts += [one_of(row.reference(name), statement.reach("teams")) for name in own.teams]
    if scope is RowScope.REGION:
        parts += [one_of(row.reference(name), statement.reach("regions")) for name in own.regions]
    for share in own.shares:
        if share.record not in row.left_out:
            member = statement.row(statement.catalog.records[share.record], is_fact=True)
            theirs = [shares(member, scope), *statement.living(member)]
            parts.append(row.id.in_(select(member.reference(share.column)).select_from(member.source()).where(*theirs)))
    for name in own.parents:
        # Of the row alone and not of a join: the condition may be part of one.
        link = row.record.to_one[name]
        if link.target not in row.left_out:
            parent = statement.catalog.records[link.target]
            parts.append(is_owned(statement, parent, scope, row.reference(link.column), row.left_out))
    return or_(false(), *parts)


def is_owned(
    statement: Any, record: RecordType, scope: RowScope, id: Expression, left_out: frozenset[str] = frozenset()
) -> Condition:
    """The condition that an id is of a record that belongs to whoever asks, its team or its region.

    Args:
        statement: of which it is a part.
        record: its type.
        scope: anything but all or none.
        id: of the record.
        left_out: types of records that do not count.
    """
    found: Condition = statement.is_among(
        record, lambda row: belongs(row.without(left_out), scope), id, ("owned", scope, left_out)
    )
    return found


def is_owned_through(catalog: Catalog, name: str, above: str) -> bool:
    """Whether records of a type belong to somebody by way of those of another type alone."""
    own = catalog.ownerships[name]
    ways = [catalog.records[name].to_one[parent].target for parent in own.parents]
    if any(own.columns()) or any(share.record != above for share in own.shares):
        return False
    return all(way == above or is_owned_through(catalog, way, above) for way in ways)


def shares(member: Any, scope: RowScope) -> Condition:
    """The condition that a row which shares another record names whoever asks, or somebody of its team or region."""
    statement = member.scope.statement
    named = statement.catalog.ownerships[member.record.name].users
    return or_(false(), *(one_of(member.reference(name), statement.reach(scope.lower())) for name in named))


@dataclass(frozen=True, slots=True)
class RowLimit:
    """The condition under which a row may be seen or written.

    Attributes:
        sets: for each set of permissions that all have to allow it, the scopes that do.
        rules: the scopes of plugins, by name.
    """

    sets: tuple[frozenset[str], ...]
    rules: Mapping[str, RowRule] = field(default_factory=dict, compare=False)

    def __call__(self, row: Any) -> Condition:
        """The condition on a row."""
        return self._all(lambda scope: self._in_scope(row, scope))

    @property
    def has_rules(self) -> bool:
        """Whether it names scopes of plugins."""
        return any(not _is_ours(scope) for scopes in self.sets for scope in scopes)

    @property
    def narrowing(self) -> frozenset[RowScope] | None:
        """Scopes one of which lets through whatever it lets through; None where scopes of plugins have a say."""
        return next((frozenset(map(RowScope, one)) for one in self.sets if all(map(_is_ours, one))), None)

    def inherited(self, row: Any) -> Condition:
        """The condition on a row for what is part of it: scopes of plugins are about their own records alone."""
        return self.condition(lambda scope: belongs(row, scope))

    def shared(self, member: Any) -> Condition:
        """The condition on a row for what its user shares."""
        return self.condition(lambda scope: shares(member, scope))

    def condition(self, belongs_to: Callable[[RowScope], Condition]) -> Condition:
        """What it comes to where scopes of plugins do not count, from what each other scope does."""
        return self._all(lambda scope: belongs_to(RowScope(scope)) if _is_ours(scope) else false())

    def _all(self, condition: Callable[[str], Condition]) -> Condition:
        return and_(*(or_(false(), *map(condition, sorted(scopes))) for scopes in self.sets))

    def _in_scope(self, row: Any, scope: str) -> Condition:
        if not _is_ours(scope):
            rule = self.rules.get(scope)
            condition = None if rule is None else rule.rows.get(row.record.name)
            return false() if condition is None else condition(row)
        # What belongs to nobody is nobody's own.
        is_owned = row.record.name in row.scope.statement.catalog.ownerships
        return belongs(row, RowScope(scope)) if is_owned else false()


def _is_ours(scope: str) -> bool:
    return scope in RowScope.__members__
