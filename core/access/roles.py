"""Roles as data: what each may do, where somebody has decided otherwise than the defaults."""

from core.access.permissions import ADMINISTER, DEFAULTS
from core.base.sentences import template
from core.crm.people import User
from core.log.changes import Change
from core.log.events import Action
from core.records.columns import column
from core.records.record import Record
from core.records.uniqueness import one_living
from core.records.vocabulary import UserRole


class Role(Record, prefix="rol"):
    """What users and keys of a role may do, in place of the default."""

    __aggregates__ = False
    __order__ = (("role", False),)
    __permission__ = ADMINISTER

    role: UserRole = column("The role.", index=True)
    permissions: list[str] = column(
        "What it may do, such as `Customer.change:team`, `*.read` or `personal`; together they replace the default.",
        default_factory=list,
    )


one_living(Role, "role", message=template("{twin} is what {role} may do already; change that one"))


#: What decides on a user's permissions, and on whose records are its own.
_DECISIVE = {"role", "team_id", "region", "is_active"}


#: The types of the records that decide what somebody may see and do.
DECIDING = frozenset({User, Role})


def changes_access(change: Change) -> bool:
    """Whether a change is of what somebody may see and do."""
    if isinstance(change.record, User):
        return change.action not in (Action.CREATED, Action.UPDATED) or not _DECISIVE.isdisjoint(
            name for name, value in change.after.items() if change.before.get(name) != value
        )
    return isinstance(change.record, Role)


def default_permissions(role: UserRole) -> frozenset[str]:
    """What a role may do where nobody has decided otherwise."""
    return DEFAULTS[role]
