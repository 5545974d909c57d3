"""API keys: by which integrations prove who they are. A secret is shown once and stored as its hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import UniqueConstraint

from core.access.audit import AuditAction, entry
from core.access.permissions import ADMINISTER
from core.access.storage import change, insertion
from core.crm.people import User
from core.db.transaction import DatabaseTransaction, SqlStatement
from core.records.columns import column, reference
from core.records.installation import Installation
from core.records.record import Record
from core.records.rows import rows_of
from core.records.vocabulary import UserRole

#: What every key begins with, so that people and scanners of code know one when they see it.
START = "gx_"
_FORM = re.compile(r"gx_([0-9a-z]{10})_[0-9a-f]{64}")
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


class ApiKey(Record, prefix="key"):
    """A key by which an integration signs in. Its secret is shown once, when it is created or rotated."""

    __order__ = (("createdAt", True),)
    __read_only__ = True
    __aggregates__ = False
    __permission__ = ADMINISTER
    __owned__ = False

    name: str = column("What it is for.", max_length=200)
    start: str = column("How the key begins, by which it is recognised.", default="", exact=True)
    role: UserRole = column("The role whose permissions it has.")
    scopes: list[str] = column(
        "The permissions to which it is narrowed; all of its role if there are none.", default_factory=list
    )
    user_id: str | None = reference(
        User,
        "The user as whom it sees records where its role sees those of a person or team; the key ends with the user.",
        default=None,
        on_destroy="CASCADE",
    )
    expires_at: datetime | None = column("From when it is no longer accepted.", default=None)
    last_used_at: datetime | None = column("When it was last used, to a minute or two.", default=None)
    rotated_at: datetime | None = column("When its secret was last replaced.", default=None)
    overlap_until: datetime | None = column(
        "Until when the secret before the last rotation is accepted as well.", default=None
    )
    revoked_at: datetime | None = column("When it was revoked.", default=None)
    digest: str = column("Hash of its secret.", default="", exact=True, internal=True)
    previous_digest: str | None = column("Hash of the secret before it.", default=None, exact=True, internal=True)


ApiKey.__table__.append_constraint(UniqueConstraint(ApiKey.__table__.c.start))


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made: the one moment at which it is known.

    Attributes:
        text: the whole key, to be shown once.
        start: how it begins.
        digest: what is stored of it.
    """

    text: str = field(repr=False)
    start: str
    digest: str


def new_secret(start: str | None = None) -> NewSecret:
    """A new key of 256 random bits; `start` keeps that of a key whose secret is replaced."""
    begins = start or START + "".join(secrets.choice(_LETTERS) for _ in range(10))
    text = f"{begins}_{secrets.token_hex(32)}"
    return NewSecret(text, begins, digest_of(text))


def digest_of(text: str) -> str:
    """What is stored of a key: 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def start_of(text: str) -> str | None:
    """How a key begins; None where the text does not have the form of one."""
    match = _FORM.fullmatch(text)
    return START + match[1] if match else None


def is_secret_of(key: ApiKey, digest: str, now: datetime) -> bool:
    """Whether a hash is that of the key itself, or of what it was before a rotation whose overlap lasts."""
    is_current = hmac.compare_digest(digest, key.digest)
    is_previous = key.previous_digest is not None and hmac.compare_digest(digest, key.previous_digest)
    return is_current or (is_previous and key.overlap_until is not None and now < key.overlap_until)


def is_living(key: ApiKey, now: datetime) -> bool:
    """Whether a key is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def create(transaction: DatabaseTransaction, key: ApiKey, actor: str, now: datetime, request_id: str | None) -> str:
    """Stores a new key; from then on the server asks everybody who they are. Returns its secret, to be shown once.

    Args:
        transaction: in which it is stored.
        key: without its secret.
        actor: id of who creates it.
        now: the moment.
        request_id: of the request.
    """
    secret = new_secret()
    key.start, key.digest = secret.start, secret.digest
    transaction.put(insertion(transaction, key, actor, now), _closing(transaction))
    detail = f"{key.start}, role {key.role.value}"
    entry(transaction, actor, now, AuditAction.KEY_CREATED, subject=key.id, detail=detail, request_id=request_id)
    return secret.text


def rotate(
    transaction: DatabaseTransaction,
    key: ApiKey,
    overlap: timedelta,
    actor: str,
    now: datetime,
    request_id: str | None,
) -> str:
    """Replaces the secret of a key, which is accepted for a while longer; returns the new one, to be shown once.

    Args:
        transaction: in which it is done.
        key: that is rotated.
        overlap: for how long the present secret is still accepted.
        actor: id of who rotates it.
        now: the moment.
        request_id: of the request.
    """
    secret = new_secret(key.start)
    key.previous_digest, key.overlap_until, key.rotated_at = key.digest, now + overlap, now
    key.digest = secret.digest
    names = ("digest", "previous_digest", "overlap_until", "rotated_at")
    transaction.put(change(transaction, key, names, actor, now))
    entry(transaction, actor, now, AuditAction.KEY_ROTATED, subject=key.id, detail=key.start, request_id=request_id)
    return secret.text


def revoke(transaction: DatabaseTransaction, key: ApiKey, actor: str, now: datetime, request_id: str | None) -> None:
    """Revokes a key for good."""
    key.revoked_at = now
    transaction.put(change(transaction, key, ("revoked_at",), actor, now))
    entry(transaction, actor, now, AuditAction.KEY_REVOKED, subject=key.id, detail=key.start, request_id=request_id)


_CLOSED = {"name": "authentication", "value": "configured"}


def _closing(transaction: DatabaseTransaction) -> SqlStatement:
    """Notes that there was a key once: the server never again answers those who do not say who they are."""
    return rows_of(Installation, transaction.dialect).insertion([_CLOSED], if_absent=True)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys there are.

    Attributes:
        keys: those that are not revoked, by how they begin.
        is_closed: whether there was ever one.
    """

    keys: Mapping[str, ApiKey]
    is_closed: bool


def key_ring(transaction: DatabaseTransaction) -> KeyRing:
    """The keys there are, read in one round trip."""
    rows, facts = rows_of(ApiKey, transaction.dialect), rows_of(Installation, transaction.dialect)
    keys, closed = transaction.send(rows.select("WHERE revoked_at IS NULL"), facts.present(_CLOSED["name"]))
    return KeyRing({key.start: key for key in rows.all_made(keys)}, bool(closed))
