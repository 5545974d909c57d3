"""The audit list: who was given access, who used it for what is not undone, and who was refused."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from core.access.permissions import ADMINISTER
from core.access.storage import insertion
from core.db.transaction import DatabaseTransaction
from core.records.columns import column
from core.records.record import Record
from core.records.vocabulary import Vocabulary


class AuditAction(Vocabulary):
    """What the audit list has entries for."""

    KEY_CREATED = "KEY_CREATED", "An API key was created."
    KEY_ROTATED = "KEY_ROTATED", "The secret of an API key was replaced."
    KEY_REVOKED = "KEY_REVOKED", "An API key was revoked."
    IDENTITY_LINKED = "IDENTITY_LINKED", "Someone an issuer knows was linked to a user."
    IDENTITY_UNLINKED = "IDENTITY_UNLINKED", "That link was removed."
    PERMISSIONS_CHANGED = "PERMISSIONS_CHANGED", "The permissions of a role were changed."
    EXPORTED = "EXPORTED", "What is stored about a person or customer was exported."
    ERASED = "ERASED", "Personal data was erased."
    REFUSED = "REFUSED", "Requests were refused because they did not prove who asks, or came by a forbidden way."


class AuditEntry(Record, prefix="aud"):
    """An entry of the audit list: `createdAt` says when, `createdBy` who. Nobody can change or delete it."""

    __order__ = (("createdAt", True),)
    __read_only__ = True
    __aggregates__ = False
    __permission__ = ADMINISTER

    action: AuditAction = column("What was done.", index=True)
    subject_id: str | None = column("Id of the record it is about.", default=None, exact=True, index=True)
    detail: str | None = column("More about it, in words.", default=None, long=True)
    request_id: str | None = column("The request by which it was done.", default=None, exact=True)
    number: int = column("How often; more than one only for requests refused within a minute.", default=1)


def entry(
    transaction: DatabaseTransaction,
    actor: str,
    now: datetime,
    action: AuditAction,
    *,
    subject: str | None = None,
    detail: str | None = None,
    request_id: str | None = None,
    number: int = 1,
) -> None:
    """Puts an entry into the audit list, in the transaction that does what it says.

    Args:
        transaction: that does it.
        actor: id of who does it.
        now: the moment.
        action: what is done.
        subject: id of the record it is about.
        detail: more about it, in words; never a secret or personal data.
        request_id: of the request.
        number: how often.
    """
    made = AuditEntry(action=action, subject_id=subject, detail=detail, request_id=request_id, number=number)
    transaction.put(insertion(transaction, made, actor, now))


def drop_refusals(session: Session, before: datetime) -> None:
    """Removes what was refused before a moment."""
    is_refusal = col(AuditEntry.action) == AuditAction.REFUSED
    session.execute(delete(AuditEntry).where(is_refusal, col(AuditEntry.created_at) < before))
