"""Permissions: how they are written, and which each role has unless somebody decides otherwise.

A permission is a text. `Customer.change:team` allows to change the customers of one's team; `*` stands for every record
that belongs to somebody, and `all` is the scope where none is given. Permissions without a record are names, such as
`personal` or `administer`; fields, records and operations say which one they need.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.base.errors import InputError
from core.base.sentences import sentence
from core.records.columns import PERSONAL
from core.records.vocabulary import UserRole, Vocabulary


class Right(Vocabulary):
    """What may be done with records."""

    READ = "READ", "See them."
    CREATE = "CREATE", "Create them."
    CHANGE = "CHANGE", "Change them."
    DELETE = "DELETE", "Delete and restore them."
    DESTROY = "DESTROY", "Destroy them for good."


class RowScope(Vocabulary):
    """Which records a permission is about, from the narrowest to the widest."""

    NONE = "NONE", "None."
    OWN = "OWN", "Those one owns or works on as a member of their team."
    TEAM = "TEAM", "Those of one's team and the teams below it, too."
    REGION = "REGION", "Those of one's region, too."
    ALL = "ALL", "All."


#: Stands for every record that belongs to somebody.
ANY = "*"

OVERRIDE = "override"
MONITOR = "monitor"
APPROVE = "approve"
IMPORT = "import"
EXPORT = "export"
ADMINISTER = "administer"
UNSCOPED = "unscoped"
INTROSPECT = "introspect"

#: The permissions of the core that are about no record.
NAMES: Mapping[str, str] = {
    PERSONAL: "See and change personal data, such as e-mail addresses and notes about people.",
    OVERRIDE: "Override what rules decide, such as a value tier or a credit block.",
    APPROVE: "Approve what rules only recommend, such as abandoning a customer.",
    IMPORT: "Write many records at once.",
    EXPORT: "Take personal data out.",
    MONITOR: "Read the metrics of the server.",
    ADMINISTER: "Manage users, teams, roles, keys, stages and other reference data.",
    UNSCOPED: "Run reports that read all records, whoever they belong to.",
    INTROSPECT: "Ask about the schema, and be given the right name for a misspelt one.",
}

_RECORD = re.compile(r"(\*|[A-Z][A-Za-z0-9]*)\.([a-z]+)(?::([a-z_]+(?:\.[a-z_]+)?))?")
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission about records.

    Attributes:
        record: its name, or `*`.
        right: what may be done.
        scope: with which of them: a row scope, or the name of one that a plugin registers.
    """

    record: str
    right: Right
    scope: str


def grant(text: str) -> Grant | None:
    """A permission about records; None for a name.

    Raises:
        InputError: it is neither.
    """
    found = _RECORD.fullmatch(text)
    if found is None:
        if _NAME.fullmatch(text):
            return None
        raise InputError(
            sentence("permission {text!r}: write it like Customer.change:team, *.read or personal", text=text)
        )
    record, right, scope = found.groups()
    if right.upper() not in Right.__members__:
        raise InputError(
            sentence(
                "permission {text!r}: {right!r} is not a right; use {known}",
                text=text,
                right=right,
                known=[known.lower() for known in Right],
            )
        )
    named = (scope or RowScope.ALL).upper()
    return Grant(record, Right(right.upper()), named if named in RowScope.__members__ else scope)


def scopes(permissions: Collection[str], record: str, right: Right, *, is_owned: bool) -> list[str]:
    """The scopes in which a record may be read or written; none for not at all.

    A permission that names the record takes the place of those for `*`, which are about records that belong to
    somebody. What belongs to nobody, such as stages and products, everybody with any permission to read sees.
    """
    grants = [one for text in permissions if (one := grant(text)) is not None and one.right is right]
    named = [one.scope for one in grants if one.record == record]
    if not named and is_owned:
        named = [one.scope for one in grants if one.record == ANY]
    elif not named and right is Right.READ:
        named = [RowScope.ALL] if grants else []
    elif not named and ADMINISTER in permissions:
        named = [RowScope.ALL]
    return [scope for scope in named if scope != RowScope.NONE]


def check(permissions: Iterable[str], records: Collection[str], names: Collection[str]) -> None:
    """Checks permissions that somebody writes down.

    Args:
        permissions: they.
        records: names of the records there are.
        names: permissions without a record, and scopes that plugins register.

    Raises:
        InputError: one of them means nothing.
    """
    for text in permissions:
        found = grant(text)
        if found is None:
            if text not in names:
                raise InputError(
                    sentence("permission {text!r} is unknown; available: {known}", text=text, known=sorted(names))
                )
        elif found.record != ANY and found.record not in records:
            raise InputError(
                sentence("permission {text!r}: there is no record {record!r}", text=text, record=found.record)
            )
        elif found.scope not in RowScope.__members__ and found.scope not in names:
            raise InputError(
                sentence(
                    "permission {text!r}: {scope!r} is not a scope; use own, team, region or all",
                    text=text,
                    scope=found.scope,
                )
            )


def _grants(rights: str, scope: RowScope) -> frozenset[str]:
    return frozenset(f"*.{right}:{scope.lower()}" for right in rights.split())


_WRITE = "create change delete"

#: Of everybody who works for us.
_STAFF = frozenset({PERSONAL, INTROSPECT})

# G8
DEFAULTS: Mapping[UserRole, frozenset[str]] = {
    UserRole.ADMINISTRATOR: _grants(f"read {_WRITE} destroy", RowScope.ALL) | frozenset(NAMES),
    UserRole.OPPORTUNITY_ADMINISTRATOR: _grants(f"read {_WRITE}", RowScope.ALL)
    | _STAFF
    | {IMPORT, "Product.create", "Product.change"},
    UserRole.ACCOUNT_MANAGER: _grants("read", RowScope.TEAM) | _grants(_WRITE, RowScope.OWN) | _STAFF,
    UserRole.INDUSTRY_MANAGER: _grants("read", RowScope.TEAM) | _grants(_WRITE, RowScope.OWN) | _STAFF,
    UserRole.GRID_MANAGER: _grants("read", RowScope.TEAM) | _grants(_WRITE, RowScope.OWN) | _STAFF,
    UserRole.SUPPORT_MANAGER: _grants("read", RowScope.REGION) | _grants("create change", RowScope.TEAM) | _STAFF,
    UserRole.DEPARTMENT_LEADER: _grants(f"read {_WRITE}", RowScope.TEAM) | _STAFF | {OVERRIDE, APPROVE},
    UserRole.CENTRE_DIRECTOR: _grants(f"read {_WRITE}", RowScope.REGION) | _STAFF | {OVERRIDE, APPROVE},
    UserRole.DEPUTY_MANAGER: _grants(f"read {_WRITE}", RowScope.REGION) | _STAFF | {OVERRIDE, APPROVE},
    UserRole.BRANCH_MANAGER: _grants(f"read {_WRITE}", RowScope.REGION) | _STAFF | {OVERRIDE, APPROVE, EXPORT},
    UserRole.CITY_ADMINISTRATOR: _grants("read create change", RowScope.REGION) | _STAFF | {IMPORT},
    UserRole.SALES_OFFICE: _grants("read", RowScope.ALL)
    | {
        PERSONAL,
        INTROSPECT,
        EXPORT,
        UNSCOPED,
        "Product.create",
        "Product.change",
        "Product.delete",
        "ExchangeRate.create",
    },
    UserRole.REGIONAL_SALES: _grants("read", RowScope.REGION) | _STAFF,
    UserRole.PARTNER: _grants("read create change", RowScope.OWN),
}
