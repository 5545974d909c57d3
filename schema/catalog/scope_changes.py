"""Which events a caller sees whose rows are limited, and how each changed what it sees.

The log says what the columns of records held. What else a scope takes into account, such as who is in a team, is taken
as it is now. So a reader who goes on from where it was finds every record that it sees now and did not see then, or
the other way round, by an event of the record itself or by one about the estate of another (`core.log.estates`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
from core.log.estates import ACTION, FORMER, ID, TYPE
from core.log.events import Action
from core.records.forms import TEXT as PLAIN_TEXT
from core.records.record import Table
from core.records.vocabulary import Vocabulary
from schema.catalog.catalog import Catalog
from schema.catalog.kind import Condition
from schema.catalog.ownership import RowLimit, is_owned, is_owned_through
from schema.sql.json import TEXT, constant, whole_number
from schema.sql.json import column as reference
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
    """An event in a statement: of what moved its record, or about the estate of another, of which it says what did."""

    def __init__(self, row: Any) -> None:
        self.row = row
        self.statement = row.scope.statement
        self.catalog: Catalog = self.statement.catalog
        self.is_reassigned = row.action == literal(Action.REASSIGNED, Choice(Action))

    def _of_cause(self, member: str, own: Expression) -> Expression:
        return case((self.is_reassigned, text_member(self.row.data, member)), else_=cast(own, TEXT))

    def is_seen(self, name: str, limit: RowLimit, left_out: frozenset[str] = frozenset()) -> Condition:
        """Whether its record is of a type and seen now, if others that are left out do not count."""
        record, id = self.catalog.records[name], self.row.entity_id
        found = self.statement.is_among(record, lambda row: limit(row.without(left_out)), id, (limit, left_out))
        return and_(self.row.entity_type == name, found)

    def shares(self, name: str) -> bool:
        """Whether records of a type share others."""
        return self.catalog.estates[name].shared is not None

    def did(self, *actions: Action) -> Condition:
        """Whether what moved the record did one of these."""
        return self._of_cause(ACTION, self.row.action).in_([literal(action.value, TEXT) for action in actions])

    @cached_property
    def type(self) -> Expression:
        """The type of the record that was moved."""
        return self._of_cause(TYPE, self.row.entity_type)

    @cached_property
    def id(self) -> Expression:
        """The id of the record that was moved."""
        return self._of_cause(ID, self.row.entity_id)

    def held(self, *, is_current: bool) -> _Held:
        """What the columns of the record held before, or after."""
        return _Held(self.catalog, self.row.changes, is_current=is_current)


def _is_own(row: Any) -> Condition:
    """Whether something happened to the record itself."""
    found: Condition = row.action != literal(Action.REASSIGNED, Choice(Action))
    return found


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
        if not self.rows:
            found: Condition = and_(_is_own(row), row.entity_type.not_in(sorted(self.hidden)))
            return self._of_types(row, or_(self._is_reset(row), found))
        is_limited = row.entity_type.in_(sorted({*self.rows, *self.hidden}))
        found = case(
            (self._is_reset(row), true()),
            (not_(is_limited), _is_own(row)),
            else_=self._known_of(row).is_not(None),
        )
        return self._of_types(row, found)

    def _known_of(self, row: Any) -> Expression:
        """How an event changed what the caller sees: empty where it did not, null if it is not told of it.

        Worked out at the head of the statement, because in its place an old SQLite finds it too deep.
        """
        kept = row.scope.statement.kept
        if EventRule not in kept:
            event = _Event(row.scope.statement.row(row.record, is_fact=True))
            known = self._told(event).label("told")
            found = select(event.row.id.label("id"), known).select_from(event.row.source())
            # Looked up by its id each time, however often it is named.
            kept[EventRule] = found.cte(event.statement.alias()).prefix_with("NOT MATERIALIZED")
        head = kept[EventRule]
        told: Expression = select(cast(head.c.told, TEXT)).where(head.c.id == row.id).scalar_subquery()
        return told

    def _told(self, event: _Event) -> Expression:
        worked_out = select(self._is_seen(event).label("is_seen"), _chosen(self._movements(event)).label("movement"))
        alias = event.statement.alias()
        is_seen, movement = reference(alias, "is_seen", Boolean()), reference(alias, "movement", TEXT)
        entered, left = constant(ScopeChange.ENTERED), constant(ScopeChange.LEFT)
        # What was seen already, in another way, has not entered.
        has_entered = and_(movement == entered, not_(self._is_seen_otherwise(event)))
        told: Any = case(
            (and_(event.is_reassigned, is_seen), case((has_entered, entered), else_=null())),
            (movement == left, left),
            (is_seen, func.coalesce(movement, constant(""))),
            else_=null(),
        )
        # An offset keeps engines from working it out wherever it is named.
        told = select(told).select_from(worked_out.offset(whole_number(0)).subquery(alias)).scalar_subquery()
        lost = case((self._is_lost(event), left), else_=null())
        return case((self._is_destroyed(event), lost), else_=told)

    def _of_types(self, row: Any, found: Condition) -> Condition:
        return and_(found, row.type.not_in(sorted(self.types))) if self.types else found

    def _is_seen(self, event: _Event) -> Condition:
        return or_(false(), *(event.is_seen(name, limit) for name, limit in self.rows.items()))

    def _is_seen_otherwise(self, event: _Event) -> Condition:
        """Whether the record of a reassigned one is seen by something else than what reassigned it."""
        found = [
            and_(event.type == above, event.is_seen(name, limit, frozenset({above})))
            for name, limit in self.rows.items()
            for above in event.catalog.sources(name)
            if limit.has_rules or not is_owned_through(event.catalog, name, above)
        ]
        return or_(false(), *found)

    def changes(self, row: Any) -> Any:
        """What changed, without what is not shown."""
        shown = row.changes
        cuts = [(row.entity_type == name, without_keys(shown, names)) for name, names in self.fields.items() if names]
        is_hidden = row.entity_type.in_(sorted(self.hidden))
        has_left = func.coalesce(self._known(row), constant("")) == constant(ScopeChange.LEFT)
        return case(
            (or_(is_hidden, row.action == literal(Action.REASSIGNED, Choice(Action)), has_left), null()),
            *cuts,
            else_=shown,
        )

    def scope_change(self, row: Any) -> Any:
        """How an event changed whether the caller sees its record; null where it did not."""
        return self._known(row)

    def _known(self, row: Any) -> Any:
        """How an event that is seen changed what the caller sees; worked out once for each row."""
        kept = row.scope.kept
        if EventRule not in kept:
            change = func.nullif(self._known_of(row), constant("")) if self.rows else null()
            kept[EventRule] = case((self._is_reset(row), constant(ScopeChange.RESET)), else_=change)
        # Alongside the JSON and not inside it: an old SQLite could not parse both, one in the other.
        return row.scope.value(kept[EventRule], is_repeated=True)

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

    def _movements(self, event: _Event) -> Iterator[tuple[Condition, Expression]]:
        """How what moved a record took it into the caller's scope, or out of it, case by case; null where it did not.

        All next to each other, because an old SQLite parses nothing deep.
        """
        is_updated = event.did(Action.UPDATED)
        for limit, names in self._limits():
            is_one = event.row.entity_type.in_(names)
            above = sorted({source for name in names for source in event.catalog.sources(name)})
            for name in above:
                if event.shares(name):
                    yield and_(event.is_reassigned, event.type == name, is_one), _shared(event, name, limit)
            # What only the system writes is moved by what it is part of.
            told = [name for name in names if not event.catalog.is_read_only(name)]
            is_inherited_alike = not limit.has_rules and {*above} <= {*told}
            there = [is_updated, is_one] if is_inherited_alike else [is_updated, is_one, not_(event.is_reassigned)]
            for name in told:
                if (movement := _moved(event, name, limit)) is not None:
                    yield and_(event.type == name, *there), movement
            for name in () if is_inherited_alike else above:
                if (movement := _moved(event, name, limit.inherited)) is not None:
                    yield and_(event.type == name, is_updated, is_one, event.is_reassigned), movement

    def _is_reset(self, row: Any) -> Condition:
        """Whether an event changed whose records the caller sees, or which: its role, a user or a team of its own."""
        statement = row.scope.statement
        own, teams, regions = (statement.reach(part) for part in ("own", "teams", "regions"))
        scopes = {scope for limit in self.rows.values() for one in limit.sets for scope in one}
        before, after = (partial(changed_value, row.changes, is_current=is_current) for is_current in (False, True))

        def did(*actions: Action) -> Condition:
            done: Condition = row.action.in_([literal(action, Choice(Action)) for action in actions])
            return done

        def differs(name: str, known: Expression, spelled: Callable[[Expression], Expression]) -> Condition:
            was, is_now = (func.coalesce(one_of(spelled(side(name)), known), false()) for side in (before, after))
            differ: Condition = and_(has_change(row.changes, name), was != is_now)
            return differ

        role = Role.__table__.alias(statement.alias())
        # Such lists are read once, whatever the number of events.
        mine = row.entity_id.in_(select(role.c.id).where(role.c.role == statement.role))
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
            gone = row.entity_id.in_(select(user.c.id).where(or_(*near)))
            users += [did(Action.DESTROYED), and_(did(Action.DELETED, Action.RESTORED), gone)]
            my_team = row.entity_id.in_(
                select(user.c.team_id).where(one_of(user.c.id, own), user.c.team_id.is_not(None))
            )
            above = or_(one_of(team.c.id, teams), one_of(team.c.parent_id, teams))
            below = row.entity_id.in_(select(team.c.id).where(above))
            moved = or_(one_of(before("parentId"), teams), one_of(after("parentId"), teams))
            ended = or_(my_team, below)
            teams_moved = or_(
                did(Action.DESTROYED),
                and_(did(Action.DELETED, Action.RESTORED), ended),
                and_(did(Action.UPDATED), has_change(row.changes, "parentId"), func.coalesce(moved, false())),
            )
            resets.append(and_(row.entity_type == Team.__name__, teams_moved))
        resets.append(and_(row.entity_type == User.__name__, or_(*users)))
        found: Condition = or_(*resets)
        return found


def _chosen(cases: Iterable[tuple[Condition, Expression]]) -> Expression:
    """The value of the first case that holds."""
    known = list(cases)
    return case(*known, else_=null()) if known else null()


def _moved(event: _Event, name: str, limit: Callable[[Any], Condition]) -> Expression | None:
    """How the fields of a record took it into a scope, or out of it; None where none can."""
    other = event.statement.row(event.catalog.records[name], is_fact=True)
    views = [event.held(is_current=is_current) for is_current in (False, True)]
    was, is_now = (func.coalesce(limit(other.held(view)), false()) for view in views)
    changed = {**views[0].changed, **views[1].changed}
    if not changed:
        return None
    found = case((was == is_now, null()), (is_now, constant(ScopeChange.ENTERED)), else_=constant(ScopeChange.LEFT))
    return (
        select(found).select_from(other.source()).where(other.id == event.id, or_(*changed.values())).scalar_subquery()
    )


def _shared(event: _Event, name: str, limit: RowLimit) -> Expression:
    """How somebody in a scope who came to share a record, or no longer does, took it there, or out of it."""
    member = event.statement.row(event.catalog.records[name], is_fact=True)
    was, is_now = (
        func.coalesce(limit.shared(member.held(event.held(is_current=is_current))), false())
        for is_current in (False, True)
    )
    shared = event.catalog.estates[name].shared
    assert shared is not None
    entered, left = constant(ScopeChange.ENTERED), constant(ScopeChange.LEFT)
    is_former = text_member(event.row.data, FORMER).is_not(None)
    is_new = or_(event.did(Action.CREATED, Action.RESTORED), has_change(event.row.changes, camel(shared[1])))
    found = case(
        (or_(is_former, event.did(Action.DELETED)), case((was, left), else_=null())),
        (is_new, case((is_now, entered), else_=null())),
        (was == is_now, null()),
        (is_now, entered),
        else_=left,
    )
    there = select(found).select_from(member.source()).where(member.id == event.id)
    gone = limit.condition(partial(_lost_share, event, name))
    return func.coalesce(there.scalar_subquery(), case((and_(event.did(Action.DESTROYED), gone), left), else_=null()))


def _lost_value(event: _Event, column: str) -> Expression:
    text = column.removesuffix("_folded")
    value = changed_value(event.row.changes, camel(text), is_current=False)
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
        parts.append(is_owned(statement, event.catalog.records[target], scope, _lost_value(event, column)))
    return or_(false(), *parts)


def _lost_share(event: _Event, name: str, scope: RowScope) -> Condition:
    users = event.catalog.ownerships[name].users
    return or_(false(), *(one_of(_lost_value(event, user), event.statement.reach(scope.lower())) for user in users))
