"""Roles as data: what each may do, where somebody has decided otherwise than the defaults."""

from core.access.permissions import ADMINISTER, DEFAULTS
from core.records.columns import column
from core.records.record import Record, one_living
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


one_living(Role, "role")


def default_permissions(role: UserRole) -> frozenset[str]:
    """What a role may do where nobody has decided otherwise."""
    return DEFAULTS[role]
