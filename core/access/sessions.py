"""Sessions of browsers: each begins with an API key or a sign-in, and ends with it."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, delete

from core.base.actors import Actor
from core.db.transaction import DatabaseTransaction
from core.records.columns import column
from core.records.record import Table
from core.records.rows import rows_of

_BYTES = 32


class BrowserSession(Table):
    """A session that a browser proves by a cookie, and what it began with: an API key or an identity."""

    digest: str = column("Hash of its secret.", primary_key=True, exact=True)
    key_start: str | None = column("How the API key begins.", default=None, exact=True)
    key_digest: str | None = column("Hash of the key's secret as it was used.", default=None, exact=True)
    identity_id: str | None = column("The link from who signed in to a user.", default=None, exact=True)
    expires_at: datetime = column("When it ends at the latest.", index=True)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a session begins with, verified.

    Attributes:
        actor: whom it proves.
        seconds: for how long it does.
        key_start: how its API key begins; None for an identity.
        key_digest: hash of the key's secret.
        identity_id: the link from an identity to its user; None for a key.
    """

    actor: Actor
    seconds: float
    key_start: str | None = None
    key_digest: str | None = None
    identity_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun: the one moment at which its secret is known.

    Attributes:
        secret: by which it is proved.
        expires_at: when it ends at the latest.
        seconds: how long that is.
    """

    secret: str = field(repr=False)
    expires_at: datetime
    seconds: float


def new_session_secret() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(_BYTES)


def store(transaction: DatabaseTransaction, session: BrowserSession, now: datetime) -> None:
    """Stores a new session, and drops those that have ended."""
    transaction.session.execute(delete(BrowserSession).where(col(BrowserSession.expires_at) <= now))
    rows = rows_of(BrowserSession, transaction.dialect)
    transaction.put(rows.insertion([{name: getattr(session, name) for name in rows.names}]))


def stored(transaction: DatabaseTransaction, digest: str) -> BrowserSession | None:
    """The session of a secret with this hash, whether it has ended or not."""
    rows = rows_of(BrowserSession, transaction.dialect)
    found: list[BrowserSession] = rows.all_made(transaction.rows(rows.stored([digest])))
    return found[0] if found else None


def end(transaction: DatabaseTransaction, digest: str) -> None:
    """Ends a session."""
    transaction.put(rows_of(BrowserSession, transaction.dialect).removal([digest]))


def end_all(session: Session) -> None:
    """Ends every session."""
    session.execute(delete(BrowserSession))
