"""Which events a caller sees whose rows are limited, and how each changed what it sees.

The log says what the columns of records held. What else a scope takes into account, such as who is in a team, is taken
as it is now. So a reader who goes on from where it was is told of every record that it sees now and did not then, or
the other way round, by an event of the record itself or by one about the estate of another (`core.log.estates`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Boolean, Integer, and_, case, cast, false, func, literal, not_, null, or_, select, true

from core.access.permissions import RowScope
from core.access.roles import Role
from core.base.text import camel
from core.crm.people import Team, User
from core.db.sql import Expression, folded, one_of
from core.db.types import Choice, Text
from core.log.estates import CAUSE
from core.log.events import Action, EventRow
from core.records.forms import TEXT as PLAIN_TEXT
from core.records.record import Table
from core.records.vocabulary import Vocabulary
from schema.catalog.catalog import Catalog
from schema.catalog.kind import Condition
from schema.catalog.ownership import RowLimit, belongs
from schema.sql.log import changed_value, has_change, text_member, without_keys

#: Types of columns of which the log says what they held in a form that SQL reads; of others the present value counts.
_REPEATABLE = (Text, Choice, Boolean, Integer)


class ScopeChange(Vocabulary):
    """How an event changed what the caller sees."""

    ENTERED = "ENTERED", "The record became one the caller sees."
    LEFT = "LEFT", "The record is no longer one the caller sees; what else changed is not shown."
    RESET = (
        "RESET",
        "Whose records the caller sees changed, by its role, a user or a team; read anew, five seconds later at most.",
    )


class _Held:
    """What columns held before an event, or after it."""

    def __init__(self, catalog: Catalog, changes: Expression, *, is_current: bool) -> None:
        self._catalog = catalog
        self._changes = changes
        self._is_current = is_current
        #: For each field that is asked for, whether it changed.
        self.changed: dict[str, Condition] = {}

    def column(self, model: type[Table], name: str, present: Expression) -> Expression:
        """What a column held of a record's own table, or of a facet of it."""
        text = name.removesuffix("_folded")
        is_folded = text != name
        field = self._field(model, text)
        if field is None or not isinstance(present.type, _REPEATABLE):
            return present
        if is_folded and model.__folded__[text] is not PLAIN_TEXT:
            return present
        value: Any = changed_value(self._changes, field, is_current=self._is_current)
        if is_folded:
            value = folded(value)
        elif not isinstance(present.type, Text | Choice):
            value = cast(value, present.type)
        return case((self.changed.setdefault(field, has_change(self._changes, field)), value), else_=present)

    def _field(self, model: type[Table], column: str) -> str | None:
        """The name under which the log has it; None where it has nothing of it."""
        if column == "id":
            return None
        if not hasattr(model, "__of__"):
            return camel(column)
        field = self._catalog.facet_fields.get((model, column))
        return None if field is None or field.stored is None else field.name


class _Event:
    """An event in a statement, and the one that moved its record: itself, or what caused it."""

    def __init__(self, row: Any) -> None:
        self.row = row
        self.statement = row.scope.statement
        self.catalog: Catalog = self.statement.catalog
        self.is_reassigned = row.action == literal(Action.REASSIGNED, Choice(Action))
        named = case((self.is_reassigned, text_member(row.data, CAUSE)), else_=null())
        self._cause = row.joined(EventRow, "id", named)

    def is_among(self, name: str, condition: Callable[[Any], Condition], id: Expression) -> Condition:
        """Whether an id is that of a record for which a condition holds."""
        found: Condition = self.statement.is_among(self.catalog.records[name], condition, id)
        return found

    def shares(self, name: str) -> bool:
        """Whether records of a type share others."""
        return self.catalog.estates[name].shared is not None

    def did(self, *actions: Action) -> Condition:
        """Whether what moved the record did one of these."""
        found = func.coalesce(self._cause.action, self.row.action)
        return found.in_([literal(action, Choice(Action)) for action in actions])

    @cached_property
    def type(self) -> Expression:
        """The type of the record that was moved."""
        return func.coalesce(self._cause.entity_type, self.row.entity_type)

    @cached_property
    def id(self) -> Expression:
        """The id of the record that was moved."""
        return func.coalesce(self._cause.entity_id, self.row.entity_id)

    @cached_property
    def changes(self) -> Expression:
        """What changed of it."""
        return func.coalesce(self._cause.changes, self.row.changes)

    def held(self, *, is_current: bool) -> _Held:
        """What the columns of the record held before, or after."""
        return _Held(self.catalog, self.changes, is_current=is_current)


@dataclass(frozen=True, slots=True)
class EventRule:
    """Which events a caller sees, and how much of them: those of the records it sees.

    Attributes:
        rows: by name of a record, the condition under which a row of it is seen; what is missing is seen whole.
        hidden: the records of which nothing is seen.
        types: the types of events that are not shown.
        fields: by name of a record, the names of its fields that are not shown.
    """

    rows: Mapping[str, RowLimit]
    hidden: Collection[str]
    types: Collection[str]
    fields: Mapping[str, Collection[str]]

    def __call__(self, row: Any) -> Condition:
        """The condition under which an event is seen: its record is, or it tells that the record left, or of others."""
        event = _Event(row)
        limited = sorted({*self.rows, *self.hidden})
        is_limited = row.entity_type.in_(limited)
        # All next to each other, because an old SQLite parses nothing deep.
        seen = or_(false(), *(and_(row.entity_type == name, is_seen) for name, is_seen in self._seen(event)))
        entered, left = (self._moved(event, way) for way in (ScopeChange.ENTERED, ScopeChange.LEFT))
        found: Condition = case(
            (self._is_reset(row), true()),
            (not_(is_limited), not_(event.is_reassigned)),
            # What was seen already, in another way, has not entered.
            (seen, or_(not_(event.is_reassigned), and_(entered, not_(self._is_seen_otherwise(event))))),
            else_=or_(left, self._is_lost(event)),
        )
        return and_(found, row.type.not_in(sorted(self.types))) if self.types else found

    def _seen(self, event: _Event) -> Iterator[tuple[str, Condition]]:
        for name, limit in self.rows.items():
            yield name, event.is_among(name, limit, event.row.entity_id)

    def _is_seen_otherwise(self, event: _Event) -> Condition:
        """Whether the record of a reassigned one is seen by something else than what reassigned it."""
        found: list[Condition] = [false()]
        for name, limit in self.rows.items():
            for above in event.catalog.sources(name):
                condition = event.is_among(name, partial(_without, limit, frozenset({above})), event.row.entity_id)
                found.append(and_(event.row.entity_type == name, event.type == above, condition))
        return or_(*found)

    def changes(self, row: Any) -> Any:
        """What changed, without what is not shown."""
        shown = row.changes
        cuts = [(row.entity_type == name, without_keys(shown, names)) for name, names in self.fields.items() if names]
        # Alongside the JSON and not inside it: an old SQLite could not parse both, one in the other.
        event = _Event(row)
        left = or_(row.entity_type.in_(sorted(self.hidden)), self._has_left(event), self._is_destroyed(event))
        return case((row.scope.value(left, is_repeated=True), null()), *cuts, else_=shown)

    def scope_change(self, row: Any) -> Any:
        """How an event changed whether the caller sees its record; null where it did not."""
        event = _Event(row)
        # Of reassigned records only those are told of that have entered or left.
        seen = or_(false(), *(and_(row.entity_type == name, is_seen) for name, is_seen in self._seen(event)))
        return case(
            (self._is_reset(row), ScopeChange.RESET.value),
            (or_(self._is_destroyed(event), and_(event.is_reassigned, not_(seen))), ScopeChange.LEFT.value),
            (event.is_reassigned, ScopeChange.ENTERED.value),
            (self._has_left(event), ScopeChange.LEFT.value),
            (self._moved(event, ScopeChange.ENTERED), ScopeChange.ENTERED.value),
            else_=null(),
        )

    def _has_left(self, event: _Event) -> Condition:
        return and_(not_(event.is_reassigned), self._moved(event, ScopeChange.LEFT))

    def _is_destroyed(self, event: _Event) -> Condition:
        destroyed = event.row.action == literal(Action.DESTROYED, Choice(Action))
        return and_(destroyed, event.row.entity_type.in_(sorted(self.rows)))

    def _is_lost(self, event: _Event) -> Condition:
        """Whether the record was destroyed, and was one that the caller saw: its event says whose it was."""
        lost = [
            and_(event.row.entity_type.in_(names), limit.condition(partial(_lost, event)))
            for limit, names in self._limits()
        ]
        return and_(self._is_destroyed(event), or_(false(), *lost))

    def _limits(self) -> Sequence[tuple[RowLimit, Sequence[str]]]:
        """The limits there are, each with the records it is about."""
        found: dict[RowLimit, list[str]] = {}
        for name, limit in self.rows.items():
            found.setdefault(limit, []).append(name)
        return list(found.items())

    def _moved(self, event: _Event, way: ScopeChange) -> Condition:
        """The condition that what moved a record took it into the caller's scope, or out of it."""
        moves: list[Condition] = [false()]
        for limit, names in self._limits():
            above = sorted({source for name in names for source in event.catalog.sources(name)})
            own = [(name, _move(event, name, limit, way)) for name in names]
            inherited = own
            if limit.has_rules or {*above} - {*names}:
                inherited = [(name, _move(event, name, limit.inherited, way)) for name in above]
            of_others = [(name, _shared_move(event, name, limit, way)) for name in above if event.shares(name)]
            found = [and_(event.type == name, move) for name, move in own if move is not None]
            of_group = event.row.entity_type.in_(names)
            if inherited is own:
                moves.append(and_(of_group, event.did(Action.UPDATED), or_(false(), *found)))
            else:
                from_above = [and_(event.type == name, move) for name, move in inherited if move is not None]
                moves.append(and_(of_group, not_(event.is_reassigned), event.did(Action.UPDATED), or_(false(), *found)))
                moves.append(and_(of_group, event.is_reassigned, event.did(Action.UPDATED), or_(false(), *from_above)))
            shared = [and_(event.type == name, move) for name, move in of_others]
            moves.append(and_(of_group, event.is_reassigned, or_(false(), *shared)))
        moved: Condition = or_(*moves)
        return moved

    def _is_reset(self, row: Any) -> Condition:
        """Whether an event changed whose records the caller sees, or which: its role, a user or a team of its own."""
        statement = row.scope.statement
        own, teams, regions = (statement.reach(part) for part in ("own", "teams", "regions"))
        scopes = {scope for limit in self.rows.values() for one in limit.sets for scope in one}
        before, after = (partial(changed_value, row.changes, is_current=is_current) for is_current in (False, True))

        def did(*actions: Action) -> Condition:
            return row.action.in_([literal(action, Choice(Action)) for action in actions])

        def differs(name: str, known: Expression, spelled: Callable[[Expression], Expression]) -> Condition:
            was, is_now = (func.coalesce(one_of(spelled(side(name)), known), false()) for side in (before, after))
            return and_(has_change(row.changes, name), was != is_now)

        role = Role.__table__.alias(statement.alias())
        mine = select(1).select_from(role).where(role.c.id == row.entity_id, role.c.role == statement.role).exists()
        resets = [and_(row.entity_type == Role.__name__, or_(did(Action.DESTROYED), mine))]
        user = User.__table__.alias(statement.alias())
        team = Team.__table__.alias(statement.alias())
        is_me = [has_change(row.changes, name) for name in ("role", "teamId", "region")]
        users: list[Condition] = [and_(did(Action.UPDATED), one_of(row.entity_id, own), or_(*is_me))]
        if scopes & {RowScope.TEAM, RowScope.REGION}:
            near = [one_of(user.c.team_id, teams)]
            users.append(and_(did(Action.UPDATED), differs("teamId", teams, lambda value: value)))
            if RowScope.REGION in scopes:
                near.append(one_of(user.c.region_folded, regions))
                users.append(and_(did(Action.UPDATED), differs("region", regions, folded)))
            gone = select(1).select_from(user).where(user.c.id == row.entity_id, or_(*near)).exists()
            users += [did(Action.DESTROYED), and_(did(Action.DELETED, Action.RESTORED), gone)]
            my_team = select(1).select_from(user).where(one_of(user.c.id, own), user.c.team_id == row.entity_id)
            above = or_(one_of(team.c.id, teams), one_of(team.c.parent_id, teams))
            below = select(1).select_from(team).where(team.c.id == row.entity_id, above)
            moved = or_(one_of(before("parentId"), teams), one_of(after("parentId"), teams))
            ended = or_(my_team.exists(), below.exists())
            teams_moved = or_(
                did(Action.DESTROYED),
                and_(did(Action.DELETED, Action.RESTORED), ended),
                and_(did(Action.UPDATED), has_change(row.changes, "parentId"), func.coalesce(moved, false())),
            )
            resets.append(and_(row.entity_type == Team.__name__, teams_moved))
        resets.append(and_(row.entity_type == User.__name__, or_(*users)))
        return or_(*resets)


def _without(limit: RowLimit, left_out: frozenset[str], row: Any) -> Condition:
    return limit(row.without(left_out))


def _move(event: _Event, name: str, limit: Callable[[Any], Condition], way: ScopeChange) -> Condition | None:
    """The condition that the fields of a record took it into a scope, or out of it; None where none can."""
    other = event.statement.row(event.catalog.records[name], is_fact=True)
    views = [event.held(is_current=is_current) for is_current in (False, True)]
    was, is_now = (limit(other.held(view)) for view in views)
    changed = {**views[0].changed, **views[1].changed}
    if not changed:
        return None
    here, there = (was, is_now) if way is ScopeChange.LEFT else (is_now, was)
    found = [other.id == event.id, or_(*changed.values()), here, not_(func.coalesce(there, false()))]
    return select(1).select_from(other.source()).where(*found).exists()


def _shared_move(event: _Event, name: str, limit: RowLimit, way: ScopeChange) -> Condition:
    """The condition that somebody in a scope came to share a record, or no longer does."""
    member = event.statement.row(event.catalog.records[name], is_fact=True)
    was, is_now = (limit.shared(member.held(event.held(is_current=is_current))) for is_current in (False, True))
    gone = limit.condition(partial(_lost_share, event, name))
    there = select(1).select_from(member.source())
    if way is ScopeChange.LEFT:
        # Where it is shared in another way it is seen, and has not left.
        left = there.where(member.id == event.id, was).exists()
        return or_(and_(event.did(Action.UPDATED, Action.DELETED), left), and_(event.did(Action.DESTROYED), gone))
    shared = event.catalog.estates[name].shared
    assert shared is not None
    _, column = shared
    new = or_(has_change(event.changes, camel(column)), not_(func.coalesce(was, false())))
    entered = there.where(member.id == event.id, is_now)
    return or_(
        and_(event.did(Action.CREATED, Action.RESTORED), entered.exists()),
        and_(event.did(Action.UPDATED), entered.where(new).exists()),
    )


def _lost_value(event: _Event, column: str) -> Expression:
    text = column.removesuffix("_folded")
    value = changed_value(event.changes, camel(text), is_current=False)
    return value if text == column else folded(value)


def _lost(event: _Event, scope: RowScope) -> Condition:
    """The condition that a destroyed record belonged to whoever asks, its team or its region."""
    statement, owners = event.statement, event.catalog.ownerships.values()
    users, teams, regions = ({name for own in owners for name in own.columns()[kind]} for kind in range(3))
    parts: list[Condition] = [
        one_of(_lost_value(event, name), statement.reach(scope.lower())) for name in sorted(users)
    ]
    if scope is not RowScope.OWN:
        parts += [one_of(_lost_value(event, name), statement.reach("teams")) for name in sorted(teams)]
    if scope is RowScope.REGION:
        parts += [one_of(_lost_value(event, name), statement.reach("regions")) for name in sorted(regions)]
    links = {
        (link.column, link.target)
        for name, own in event.catalog.ownerships.items()
        for link in (event.catalog.records[name].to_one[parent] for parent in own.parents)
    }
    for column, target in sorted(links):
        parts.append(event.is_among(target, partial(_belongs, scope), _lost_value(event, column)))
    return or_(false(), *parts)


def _belongs(scope: RowScope, row: Any) -> Condition:
    return belongs(row, scope)


def _lost_share(event: _Event, name: str, scope: RowScope) -> Condition:
    users = event.catalog.ownerships[name].users
    return or_(false(), *(one_of(_lost_value(event, user), event.statement.reach(scope.lower())) for user in users))
