"""From a user or a key to an actor: its permissions, and whose records are its own, its team's and its region's."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from core.access.roles import Role, default_permissions
from core.base.actors import Actor, ActorKind, Reach
from core.base.errors import NotFoundError
from core.base.sentences import sentence
from core.crm.people import Team, User
from core.db.transaction import DatabaseTransaction
from core.db.types import Text
from core.records.selections import Prepared
from core.records.vocabulary import UserRole

_ME = bindparam("user", type_=Text())


def _teams() -> Any:
    """The user's team and the teams below it."""
    below = (
        select(col(Team.id))
        .join(User, col(User.team_id) == col(Team.id))
        .where(col(User.id) == _ME, col(Team.deleted_at).is_(None))
        .cte("below", recursive=True)
    )
    under = aliased(Team)
    steps = select(col(under.id)).join(below, col(under.parent_id) == below.c.id)
    return below.union(steps.where(col(under.deleted_at).is_(None)))


def _colleagues() -> Any:
    """Users of the user's team, of those below, and of its region."""
    teams, me = _teams(), aliased(User)
    region: Any = select(me.region_folded).where(col(me.id) == _ME).scalar_subquery()  # type: ignore[attr-defined]
    in_team = col(User.team_id).in_(select(teams.c.id))
    near = select(col(User.id), in_team.label("in_team")).where(col(User.deleted_at).is_(None))
    return near.where(or_(in_team, User.region_folded == region)).order_by(col(User.id))  # type: ignore[attr-defined]


def _user() -> Any:
    of_role: Any = select(User.role, User.region_folded, User.time_zone)  # type: ignore[attr-defined]
    return of_role.where(col(User.id) == _ME, col(User.deleted_at).is_(None), col(User.is_active).is_(True))


def _roles() -> Any:
    return select(Role.role, Role.permissions).where(col(Role.deleted_at).is_(None))


_USER = Prepared(_user())
_TEAMS = Prepared(select(_teams().c.id))
_COLLEAGUES = Prepared(_colleagues())
_ROLES = Prepared(_roles())


def user_actor(transaction: DatabaseTransaction, user_id: str) -> Actor | None:
    """The user as an actor; None where it is deleted or no longer active."""
    found = _read(transaction, user_id)
    if found is None:
        return None
    role, zone, reach, roles = found
    permissions = frozenset[str]() if role is None else roles[role]
    return Actor(
        user_id, ActorKind.USER, None if role is None else role.value, permissions, reach=reach, time_zone=zone
    )


def active_user(transaction: DatabaseTransaction, user_id: str) -> Actor:
    """The user as an actor.

    Raises:
        NotFoundError: it is deleted or no longer active, or there is none.
    """
    actor = user_actor(transaction, user_id)
    if actor is None:
        raise NotFoundError(sentence("there is no active user {user!r}; give the id of one who is", user=user_id))
    return actor


def integration_actor(
    transaction: DatabaseTransaction, id: str, role: UserRole, user_id: str | None, scopes: Iterable[str]
) -> Actor | None:
    """An integration as an actor; None where the user it acts for is deleted or no longer active.

    Args:
        transaction: to read in.
        id: of its key.
        role: whose permissions it has.
        user_id: the user whose records are its own, if any.
        scopes: permissions that narrow those of the role; none leaves them as they are.
    """
    narrowed = frozenset(scopes) or None
    if user_id is None:
        reach, roles = Reach(), _permissions(_ROLES.on(transaction), transaction)
    else:
        found = _read(transaction, user_id)
        if found is None:
            return None
        _, _, reach, roles = found
    return Actor(id, ActorKind.INTEGRATION, role.value, roles[role], narrowed, reach)


def _read(
    transaction: DatabaseTransaction, user_id: str
) -> tuple[UserRole | None, str | None, Reach, Mapping[UserRole, frozenset[str]]] | None:
    asked = [query.on(transaction) for query in (_USER, _TEAMS, _COLLEAGUES, _ROLES)]
    answers = transaction.send(*(one.statement({"user": user_id}) for one in asked))
    users, teams, colleagues, roles = (one.mappings(rows) for one, rows in zip(asked, answers, strict=True))
    if not users:
        return None
    (user,) = users
    reach = Reach(
        (user_id,),
        tuple(sorted({user_id, *(row["id"] for row in colleagues if row["in_team"])})),
        tuple(row["id"] for row in teams),
        tuple(sorted({user_id, *(row["id"] for row in colleagues)})),
        () if user["region_folded"] is None else (user["region_folded"],),
    )
    return user["role"], user["time_zone"], reach, _by_role(roles)


def _permissions(asked: Any, transaction: DatabaseTransaction) -> Mapping[UserRole, frozenset[str]]:
    return _by_role(asked.mappings(transaction.rows(asked.statement({}))))


def _by_role(rows: Iterable[Mapping[str, Any]]) -> Mapping[UserRole, frozenset[str]]:
    decided = {row["role"]: frozenset(row["permissions"]) for row in rows}
    return {role: decided.get(role, default_permissions(role)) for role in UserRole}
