"""Identities: which user somebody is whom an issuer of tokens, or a plugin, knows."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, bindparam, exists, select

from core.access.audit import AuditAction, entry
from core.access.permissions import ADMINISTER
from core.access.storage import insertion
from core.base.actors import Identity
from core.base.text import fold
from core.crm.people import User
from core.db.transaction import DatabaseTransaction
from core.db.types import Text
from core.records.columns import column, reference
from core.records.record import Record
from core.records.rows import rows_of
from core.records.selections import Prepared


class UserIdentity(Record, prefix="idn"):
    """A link from somebody whom an issuer of tokens knows to the user that person is."""

    __read_only__ = True
    __aggregates__ = False
    __permission__ = ADMINISTER
    __owned__ = False

    issuer: str = column("The issuer, as its tokens name it; `plugin:` and its name for a plugin.", exact=True)
    subject: str = column("The person, as the issuer names them.", exact=True, personal=True)
    user_id: str = reference(
        User,
        "The user.",
        on_destroy="CASCADE",
    )


UserIdentity.__table__.append_constraint(
    UniqueConstraint(UserIdentity.__table__.c.issuer, UserIdentity.__table__.c.subject)
)


_ISSUER, _SUBJECT = bindparam("issuer", type_=Text()), bindparam("subject", type_=Text())
# As type checkers do not know them: columns of a table rather than values of a row.
_LINK: Any = UserIdentity
_PERSON: Any = User
_LINKED = Prepared(select(_LINK.id, _LINK.user_id).where(_LINK.issuer == _ISSUER, _LINK.subject == _SUBJECT))
_OF_LINK = Prepared(select(_LINK.user_id).where(_LINK.id == bindparam("id", type_=Text())))
_BY_EMAIL = Prepared(
    select(
        _PERSON.id,
        exists().where(_LINK.user_id == _PERSON.id, _LINK.issuer == _ISSUER).label("is_known"),
    ).where(
        _PERSON.email_folded == bindparam("email", type_=Text()),
        _PERSON.deleted_at.is_(None),
        _PERSON.is_active.is_(True),
    )
)


def linked_user(transaction: DatabaseTransaction, identity: Identity) -> str | None:
    """The id of the user that somebody is."""
    return _linked(transaction, identity, "user_id")


def link_id(transaction: DatabaseTransaction, identity: Identity) -> str | None:
    """The id of the link from somebody to a user."""
    return _linked(transaction, identity, "id")


def _linked(transaction: DatabaseTransaction, identity: Identity, column: str) -> str | None:
    query = _LINKED.on(transaction)
    values = {"issuer": identity.issuer, "subject": identity.subject}
    rows = query.mappings(transaction.rows(query.statement(values)))
    return rows[0][column] if rows else None


def user_of_link(transaction: DatabaseTransaction, id: str) -> str | None:
    """The id of the user at the other end of a link; None where it was removed."""
    query = _OF_LINK.on(transaction)
    rows = query.mappings(transaction.rows(query.statement({"id": id})))
    return rows[0]["user_id"] if rows else None


def user_by_email(transaction: DatabaseTransaction, identity: Identity) -> str | None:
    """The id of the one active user with somebody's verified e-mail address; None if there is none, or more than one.

    Nor if the issuer already knows the user as somebody else: addresses are given to others when people leave.
    """
    if not identity.email:
        return None
    query = _BY_EMAIL.on(transaction)
    values = {"issuer": identity.issuer, "email": fold(identity.email)}
    rows = query.mappings(transaction.rows(query.statement(values)))
    return rows[0]["id"] if len(rows) == 1 and not rows[0]["is_known"] else None


def link(
    transaction: DatabaseTransaction,
    identity: Identity,
    user_id: str,
    actor: str,
    now: datetime,
    request_id: str | None = None,
) -> str:
    """Links somebody to a user, unless they are linked already; returns the id of the new link.

    Args:
        transaction: in which it is done.
        identity: who signs in.
        user_id: the user that person is.
        actor: id of who links them.
        now: the moment.
        request_id: of the request.
    """
    made = UserIdentity(issuer=identity.issuer, subject=identity.subject, user_id=user_id)
    transaction.put(insertion(transaction, made, actor, now, if_absent=True))
    entry(
        transaction,
        actor,
        now,
        AuditAction.IDENTITY_LINKED,
        subject=user_id,
        detail=f"to an identity of {identity.issuer}",
        request_id=request_id,
    )
    return made.id


def unlink(
    transaction: DatabaseTransaction, link: UserIdentity, actor: str, now: datetime, request_id: str | None
) -> None:
    """Removes a link: the person can no longer sign in by it."""
    transaction.put(rows_of(UserIdentity, transaction.dialect).removal([link.id]))
    entry(
        transaction,
        actor,
        now,
        AuditAction.IDENTITY_UNLINKED,
        subject=link.user_id,
        detail=f"from an identity of {link.issuer}",
        request_id=request_id,
    )
