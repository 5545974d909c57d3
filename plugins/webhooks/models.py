"""Webhooks, their secrets, and the log of what they deliver."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint

from guanxi import Record, Table, column, reference
from guanxi.records import User
from plugins.webhooks.vocabulary import WebhookDeliveryStatus, WebhookStatus

#: The permission without which nobody sees or manages webhooks.
MANAGE = "webhooks.manage"


class Webhook(Record, plugin="webhooks", prefix="whk"):
    """An address of another system to which what happens is sent, with the rights of its owner."""

    __read_only__ = True
    __aggregates__ = False
    __owned__ = False
    __permission__ = MANAGE
    __order__ = (("createdAt", True),)

    url: str = column("Where to.", max_length=2000, exact=True)
    description: str | None = column("What it is for.", default=None, max_length=1000, long=True)
    owner_id: str = reference(
        User,
        "The user with whose rights it reads; it delivers only while that user is active and may manage webhooks.",
        on_destroy="CASCADE",
    )
    status: WebhookStatus = column("Whether it delivers.", default=WebhookStatus.ENABLED, index=True)
    event_types: list[str] = column(
        "Types of events it is told of, such as OPPORTUNITY_WON; all if there are none.", default_factory=list
    )
    record_types: list[str] = column(
        "Types of records whose events it is told of, such as Customer; all if there are none.", default_factory=list
    )
    changed_fields: list[str] = column(
        "Fields of which one must have changed in an update; any if there are none.", default_factory=list
    )
    condition: str | None = column(
        "What the record must meet when it is delivered: its `where`, as JSON.", default=None, long=True
    )
    query: str | None = column(
        "The GraphQL query whose answer is sent as `data`; without one, only the event is sent.",
        default=None,
        long=True,
    )
    failures: int = column("Failures since the last delivery that succeeded.", default=0)
    failed_at: datetime | None = column("When a delivery last failed.", default=None)
    paused_because: str | None = column("Why it was paused, where nobody did.", default=None, exact=True)
    resumes_at: datetime | None = column(
        "Until when nothing is tried after several failures in a row.", default=None, internal=True
    )


class WebhookDelivery(Record, plugin="webhooks", prefix="whd"):
    """One event that a webhook delivers, and how that stands."""

    __read_only__ = True
    __aggregates__ = False
    __owned__ = False
    __permission__ = MANAGE
    __order__ = (("createdAt", True),)

    webhook_id: str = reference(
        Webhook,
        "The webhook.",
        inverse="deliveries",
        inverse_description="What it has delivered, and what it is to deliver.",
        on_destroy="CASCADE",
    )
    event_id: str | None = column("Id of the event; null in a ping.", default=None, exact=True)
    event_type: str = column("Type of the event, or PING.", exact=True)
    record_type: str = column("Type of the record it is about.", exact=True)
    record_id: str = column("Id of that record.", exact=True, index=True)
    sequence: int = column("Number of the event's transaction in the log; 0 in a ping.", default=0)
    status: WebhookDeliveryStatus = column("How it stands.", default=WebhookDeliveryStatus.PENDING, index=True)
    attempts: int = column("How often it was tried.", default=0)
    attempted_at: datetime | None = column("When it was last tried.", default=None)
    next_attempt_at: datetime | None = column(
        "When it is tried next, if nothing of its record waits before it.", default=None
    )
    response_status: int | None = column("HTTP status of the last response.", default=None)
    duration_ms: int | None = column("How long the last attempt took, in milliseconds.", default=None)
    problem: str | None = column("Why the last attempt failed, or why it was skipped.", default=None, exact=True)
    first_failed_at: datetime | None = column("When it first failed.", default=None, internal=True)


_deliveries = WebhookDelivery.__table__
_deliveries.append_constraint(UniqueConstraint(_deliveries.c.webhook_id, _deliveries.c.event_id))
# What is due of a webhook, and what of one of its records comes first.
_of = _deliveries.c
Index("ix_webhooks_webhook_delivery_due", _of.webhook_id, _of.status, _of.next_attempt_at, _of.sequence, _of.id)
Index("ix_webhooks_webhook_delivery_turn", _of.webhook_id, _of.record_id, _of.status, _of.sequence, _of.id)


class WebhookSecret(Table, plugin="webhooks"):
    """A secret by which a webhook signs; not a record, so that it is in no list, event or export."""

    id: str = column("Its id.", primary_key=True, exact=True)
    webhook_id: str = reference(Webhook, "The webhook.", on_destroy="CASCADE")
    kept: str = column("The secret as it is stored.", exact=True)
    created_at: datetime = column("When it was made.")
    expires_at: datetime | None = column("Until when it signs; null for the present one.", default=None)
