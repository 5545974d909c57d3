"""What a caller may see and do. Every statement is made under one access, so that it holds everywhere at once."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from core.access.declarations import Permission, RowRule
from core.access.permissions import ADMINISTER, DEFAULTS, NAMES, Right, RowScope, scopes
from core.base.actors import Actor
from core.base.errors import ForbiddenError
from core.base.sentences import sentence
from core.records.vocabulary import UserRole
from schema.catalog.catalog import Catalog, RecordType
from schema.catalog.ownership import RowLimit
from schema.catalog.scope_changes import EventRule

#: Any row, and no row.
ANY_ROW, NO_ROW = None, RowLimit((frozenset(),))


def lacking(record: str, right: Right) -> str:
    """What is said to whom lacks a permission about records."""
    permission = f"{record}.{right.lower()}"
    if right is Right.DELETE:
        return sentence(
            "this needs the permission {permission} (to delete and restore), which you do not have",
            permission=permission,
        )
    return sentence("this needs the permission {permission}, which you do not have", permission=permission)


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may see and do.

    Attributes:
        name: accesses of one name have the same rows, whoever asks; it identifies them where plans are cached.
        denied: the permissions it lacks. A field that needs one of them is null with an error where it is selected,
            and cannot filter, order, group or be summed.
        rows: by name of a record, the condition under which a row of it is there at all. `row.actor` is the caller.
        hidden: the records of which it sees none; to ask for them is refused.
        writes: by record and right, the condition under which a row may be written, None for any; what is not there
            is refused. None instead of the whole allows everything.
    """

    name: str = "everything"
    denied: frozenset[str] = frozenset()
    rows: Mapping[str, RowLimit | EventRule] = field(default_factory=dict, compare=False)
    hidden: frozenset[str] = field(default=frozenset(), compare=False)
    writes: Mapping[tuple[str, Right], RowLimit | None] | None = field(default=None, compare=False)

    def has(self, permission: str | None) -> bool:
        """Whether it has a permission that is about no record."""
        return permission not in self.denied

    def demand(self, permission: str | None) -> None:
        """Refuses who lacks a permission.

        Raises:
            ForbiddenError: it does.
        """
        if permission in self.denied:
            raise ForbiddenError(
                sentence("this needs the permission {permission}, which you do not have", permission=permission)
            )

    def may(self, record: str, right: Right) -> bool:
        """Whether it may do something with records of a type at all."""
        if right is Right.READ:
            return record not in self.hidden
        return self.writes is None or (record, right) in self.writes

    def demand_right(self, record: str, right: Right) -> None:
        """Refuses who may not do something with records of a type at all.

        Raises:
            ForbiddenError: it may not.
        """
        if not self.may(record, right):
            raise ForbiddenError(lacking(record, right))

    def limit(self, record: str, right: Right) -> RowLimit | EventRule | None:
        """The condition under which it may do that with a row; None for any row."""
        if right is Right.READ:
            return self.rows.get(record)
        return None if self.writes is None else self.writes.get((record, right), NO_ROW)

    def can(self, row: Any, right: Right) -> Any:
        """Whether it may do that with a row, as SQL or as a bool where that is known beforehand."""
        if not self.may(row.record.name, right):
            return False
        limit = self.limit(row.record.name, right)
        return True if limit is None else limit(row.as_fact())


EVERYTHING = Access()

GetAccess = Callable[[Actor], Access]


class AccessControl:
    """From the permissions of an actor to its access, for one app.

    Attributes:
        names: the permissions about no record, each with its description.
    """

    def __init__(self, catalog: Catalog, declared: Iterable[Permission], rules: Iterable[RowRule]) -> None:
        self._catalog = catalog
        self._declared = list(declared)
        self._rules = {rule.name: rule for rule in rules}
        self.names: dict[str, str] = {**NAMES, **{one.name: one.description for one in self._declared}}
        self._events = {type_: one.name for one in self._declared for type_ in one.events}
        self._access = lru_cache(256)(self._make)

    @property
    def scope_names(self) -> Collection[str]:
        """The scopes of rows that plugins register."""
        return self._rules.keys()

    def of(self, actor: Actor) -> Access:
        """What an actor may see and do."""
        if actor.permissions is None and actor.narrowed_to is None:
            return EVERYTHING
        return self._access(actor.role, actor.permissions, actor.narrowed_to)

    def permissions(self, actor: Actor) -> frozenset[str] | None:
        """What an actor's role allows, those of plugins included; None for everything."""
        return self._permissions(actor.role, actor.permissions)

    def _permissions(self, role_name: str | None, given: frozenset[str] | None) -> frozenset[str] | None:
        if given is None or role_name is None:
            return given
        role = UserRole(role_name)
        if given != DEFAULTS[role]:
            return given
        own = {one.name for one in self._declared if role in one.roles or role is UserRole.ADMINISTRATOR}
        return given | own

    def shown(self, actor: Actor) -> list[str]:
        """What an actor may do, in order: all there is where nothing limits it."""
        everything = DEFAULTS[UserRole.ADMINISTRATOR] | self.names.keys()
        given = self.permissions(actor)
        access = self.of(actor)
        allowed = everything if given is None else given
        if actor.narrowed_to is not None:
            # Of what a key narrows, the narrower says more; where either is a name, both must have it.
            names = {name for name in self.names if access.has(name)}
            allowed = frozenset({one for one in actor.narrowed_to if one not in self.names} | names)
        return sorted(allowed)

    def _make(self, role: str | None, given: frozenset[str] | None, narrowed_to: frozenset[str] | None) -> Access:
        permissions = self._permissions(role, given)
        sets = [self._with_grants(one) for one in (permissions, narrowed_to) if one is not None]
        denied = frozenset(name for name in self.names if not all(name in one for one in sets))
        rows: dict[str, RowLimit] = {}
        hidden = set()
        writes: dict[tuple[str, Right], RowLimit | None] = {}
        for record in self._catalog.records.values():
            if not record.has_attachments:
                continue
            for right in Right:
                limits = [self._limit(one, record, right) for one in sets]
                if record.permission in denied or NO_ROW in limits:
                    if right is Right.READ:
                        hidden.add(record.name)
                    continue
                limit = _all_of(limits)
                if right is not Right.READ:
                    writes[record.name, right] = limit
                elif limit is not None:
                    rows[record.name] = limit
        seen: dict[str, RowLimit | EventRule] = dict(rows)
        seen["Event"] = EventRule(
            rows,
            hidden,
            [type_ for type_, name in self._events.items() if name in denied],
            self._denied_fields(denied),
        )
        name = " | ".join("everything" if one is None else " ".join(sorted(one)) for one in (permissions, narrowed_to))
        return Access(name, denied, seen, frozenset(hidden), writes)

    def _with_grants(self, permissions: frozenset[str]) -> frozenset[str]:
        """Permissions with those about records that come with them."""
        return permissions.union(*(one.grants for one in self._declared if one.name in permissions))

    def _limit(self, permissions: Collection[str], record: RecordType, right: Right) -> RowLimit | None:
        """The condition under which a set of permissions lets a row of a record be read or written."""
        is_owned = record.name in self._catalog.ownerships
        named = scopes(permissions, record.name, right, is_owned=is_owned)
        is_refused = f"{record.name}.{right.lower()}:{RowScope.NONE.lower()}" in permissions
        if not (named or is_owned or is_refused) and record.permission in permissions:
            # Reference data with a permission of its own needs no other to be seen, and administering to be written.
            named = [RowScope.ALL] if right is Right.READ or record.permission == ADMINISTER else []
        if not named:
            return NO_ROW
        if RowScope.ALL in named:
            return ANY_ROW
        return RowLimit((frozenset(named),), self._rules)

    def _denied_fields(self, denied: Collection[str]) -> Mapping[str, Collection[str]]:
        return {
            record.name: [field.name for field in record.fields.values() if field.permission in denied]
            for record in self._catalog.records.values()
        }


def _all_of(limits: Collection[RowLimit | None]) -> RowLimit | None:
    """The condition that all of them hold."""
    given = [limit for limit in limits if limit is not None]
    if not given:
        return None
    sets = dict.fromkeys(one for limit in given for one in limit.sets)
    return RowLimit(tuple(sets), given[0].rules)
