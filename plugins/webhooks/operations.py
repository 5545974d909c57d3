"""The operations of webhooks: entering and changing them, their secrets, pings, and deliveries made again."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry
from sqlmodel import Session, col, select

from guanxi import JSON, SHOWN_ONCE, Context, Input, Named, Payload, Ref, Reject, mutation, sentence
from guanxi.records import User
from guanxi.sql import unordered_id
from plugins.webhooks.checks import check, check_enabled, problem
from plugins.webhooks.log import add_ping, again
from plugins.webhooks.models import MANAGE, Webhook, WebhookDelivery, WebhookSecret
from plugins.webhooks.signing import new_secret, sealed
from plugins.webhooks.vocabulary import WebhookDeliveryStatus, WebhookStatus

#: Tells the job that something is to be delivered that no event of a record is about.
REQUESTED = "WEBHOOK_DELIVERY_REQUESTED"
#: Deliveries that one mutation has made again.
_MOST_AT_ONCE = 1000
_WEBHOOK_TEXT = "The webhook."


@strawberry.input
class WebhookFieldsInput(Input):
    """What a webhook can be given."""

    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    owner_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The user with whose rights it reads, by default yours, also where you change the webhook of "
        "somebody else. It takes the permission `administer` to name another, or to leave it another's.",
    )
    status: WebhookStatus | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether it delivers; ENABLED goes on with what has waited, from the first of each record.",
    )
    event_types: list[Annotated[str, Named("EventType")]] | None = strawberry.field(
        default=strawberry.UNSET, description="Types of events it is told of; all if there are none."
    )
    record_types: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Types of records whose events it is told of, such as Customer; all if there are none.",
    )
    changed_fields: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Fields of these records, such as ownerId, of which one must have changed in an update.",
    )
    condition: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the record must meet when it is delivered: the `where` of its list, as data. It takes one "
        "type of records, and does not keep deletions back.",
    )
    query: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A GraphQL query whose answer is sent as `data`. Its variables may be $id: ID! (the record), "
        "$recordType: String!, $event: ID! and $type: String!.",
    )


@strawberry.input
class CreateWebhookInput(WebhookFieldsInput):
    """A new webhook."""

    url: str = strawberry.field(description="Where to, such as https://example.com/hook.")


@strawberry.input
class UpdateWebhookInput(WebhookFieldsInput):
    """A webhook, and what is to change of it."""

    id: strawberry.ID = strawberry.field(description=_WEBHOOK_TEXT)
    url: str | None = strawberry.field(default=strawberry.UNSET, description="Where to.")


@strawberry.input
class WebhookTargetInput(Input):
    """A webhook."""

    id: strawberry.ID = strawberry.field(description=_WEBHOOK_TEXT)


@strawberry.input
class DeleteWebhookInput(WebhookTargetInput):
    """A webhook that is no longer needed."""


@strawberry.input
class TestWebhookInput(WebhookTargetInput):
    """A webhook that is to be tried."""


@strawberry.input
class RotateWebhookSecretInput(WebhookTargetInput):
    """A webhook whose secret is to be replaced."""

    overlap_hours: int | None = strawberry.field(
        default=None,
        description="For how long the present secret signs as well; by default the setting OVERLAP_HOURS.",
    )


@strawberry.input
class RedeliverWebhookDeliveriesInput(Input):
    """Deliveries that are to be made again: some by id, or what a webhook has given up."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These.")
    webhook_id: strawberry.ID | None = strawberry.field(
        default=None, description="The deliveries that failed of this webhook, instead of ids."
    )
    since: datetime | None = strawberry.field(
        default=None, description="With webhookId: only those of events since this moment."
    )


@strawberry.type
class SecretWebhookPayload(Payload):
    """A webhook and its new secret."""

    webhook: Ref[Webhook] | None = strawberry.field(description=_WEBHOOK_TEXT)
    secret: str | None = strawberry.field(
        metadata=SHOWN_ONCE,
        description="The secret by which it signs, as Standard Webhooks has it. It is shown once: give it to the "
        "receiver. Null if the request is repeated.",
    )


@strawberry.type
class ChangedWebhookPayload(Payload):
    """A webhook as it is now."""

    webhook: Ref[Webhook] | None = strawberry.field(description=_WEBHOOK_TEXT)


@strawberry.type
class DeleteWebhookPayload(Payload):
    """A webhook that was deleted, with its secrets and deliveries."""

    deleted_id: strawberry.ID | None = strawberry.field(description="Its id.")


@strawberry.type
class TestWebhookPayload(Payload):
    """A ping on its way."""

    delivery: Ref[WebhookDelivery] | None = strawberry.field(
        description="The delivery; a little later its `status` says what became of it."
    )


@strawberry.type
class RedeliverWebhookDeliveriesPayload(Payload):
    """Deliveries that are made again."""

    deliveries: list[Ref[WebhookDelivery]] = strawberry.field(
        default_factory=list, description=f"Which, at most {_MOST_AT_ONCE:,} at a time."
    )


def _none(input: Any) -> Iterable[tuple[str, ...]]:
    return ()


@mutation(permission=MANAGE, locks=_none)
def create_webhook(ctx: Context, input: CreateWebhookInput) -> SecretWebhookPayload:
    """Sends what happens from now on to another system. What it reads is tried once as you and as the owner, and
    asked with the rights of the owner for each delivery.
    """
    webhook = Webhook(url=input.url, owner_id=_owner(ctx, input, None))
    _set(webhook, input)
    check_enabled(ctx)
    check(ctx, webhook)
    ctx.session.add(webhook)
    ctx.session.flush()
    return SecretWebhookPayload(webhook=webhook, secret=_shown(input, _add_secret(ctx, webhook)))


@mutation(permission=MANAGE, locks=_none)
def update_webhook(ctx: Context, input: UpdateWebhookInput) -> ChangedWebhookPayload:
    """Changes a webhook. What waits is delivered by what it is then."""
    webhook = _webhook(ctx.session, input.id)
    webhook.owner_id = _owner(ctx, input, webhook)
    if isinstance(input.url, str):
        webhook.url = input.url
    if input.status is WebhookStatus.ENABLED:
        webhook.failures, webhook.failed_at, webhook.resumes_at, webhook.paused_because = 0, None, None, None
    _set(webhook, input)
    with ctx.session.no_autoflush:
        check(ctx, webhook)
    return ChangedWebhookPayload(webhook=webhook)


@mutation(permission=MANAGE, locks=_none)
def delete_webhook(ctx: Context, input: DeleteWebhookInput) -> DeleteWebhookPayload:
    """Deletes a webhook for good, with its secrets and the log of its deliveries."""
    ctx.session.delete(_webhook(ctx.session, input.id))
    return DeleteWebhookPayload(deleted_id=input.id)


@mutation(permission=MANAGE, locks=_none)
def rotate_webhook_secret(ctx: Context, input: RotateWebhookSecretInput) -> SecretWebhookPayload:
    """Gives a webhook a new secret. Until the overlap ends, each delivery carries the signatures of both, so that the
    receiver can change when it likes.
    """
    webhook = _webhook(ctx.session, input.id)
    hours = ctx.settings.overlap_hours if input.overlap_hours is None else input.overlap_hours
    if not 0 <= hours <= 8_760:
        raise Reject(problem("INVALID", "overlapHours", sentence("it must be from 0 to 8,760")))
    now = ctx.clock.now()
    for secret in ctx.session.exec(select(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id)):
        # Two at most are valid.
        secret.expires_at = now + timedelta(hours=hours) if secret.expires_at is None else now
    return SecretWebhookPayload(webhook=webhook, secret=_shown(input, _add_secret(ctx, webhook)))


@mutation(permission=MANAGE, locks=_none)
def test_webhook(ctx: Context, input: TestWebhookInput) -> TestWebhookPayload:
    """Sends a ping, also where the webhook is paused. It is tried once, and does not count as a failure."""
    webhook = _webhook(ctx.session, input.id)
    id = add_ping(ctx, webhook.id)
    ctx.publish(REQUESTED, webhook)
    return TestWebhookPayload(delivery=id)


@mutation(permission=MANAGE, locks=_none)
def redeliver_webhook_deliveries(
    ctx: Context, input: RedeliverWebhookDeliveriesInput
) -> RedeliverWebhookDeliveriesPayload:
    """Makes deliveries again, with what the query reads now, under the same `webhook-id`."""
    if (input.ids is None) is (input.webhook_id is None):
        raise Reject(problem("INVALID", "ids", sentence("give either ids or webhookId")))
    query = select(WebhookDelivery).order_by(col(WebhookDelivery.sequence), col(WebhookDelivery.id))
    if input.ids is not None:
        wanted = list(dict.fromkeys(map(str, input.ids)))
        if len(wanted) > _MOST_AT_ONCE:
            raise Reject(
                problem("INVALID", "ids", sentence("give at most {most_at_once:,}", most_at_once=_MOST_AT_ONCE))
            )
        found = ctx.session.exec(query.where(col(WebhookDelivery.id).in_(wanted))).all()
        if missing := {*wanted} - {one.id for one in found}:
            raise Reject(problem("NOT_FOUND", "ids", sentence("there is no delivery {value!r}", value=min(missing))))
    else:
        webhook = _webhook(ctx.session, str(input.webhook_id), "webhookId")
        failed = query.where(WebhookDelivery.webhook_id == webhook.id)
        failed = failed.where(col(WebhookDelivery.status) == WebhookDeliveryStatus.FAILED)
        if input.since is not None:
            failed = failed.where(col(WebhookDelivery.created_at) >= input.since)
        found = ctx.session.exec(failed.limit(_MOST_AT_ONCE)).all()
    again(ctx, [one.id for one in found])
    for webhook_id in sorted({one.webhook_id for one in found}):
        ctx.publish(REQUESTED, webhook_id)
    return RedeliverWebhookDeliveriesPayload(deliveries=[one.id for one in found])


OPERATIONS = (
    create_webhook,
    update_webhook,
    delete_webhook,
    rotate_webhook_secret,
    test_webhook,
    redeliver_webhook_deliveries,
)


def _webhook(session: Session, id: str, field: str = "id") -> Webhook:
    """A webhook that a field of the input names, locked until the transaction ends.

    Raises:
        Reject: there is none.
    """
    webhook = session.get(Webhook, id, with_for_update={"key_share": True}, populate_existing=True)
    if webhook is None:
        raise Reject(problem("NOT_FOUND", field, sentence("there is no webhook {id!r}", id=id)))
    return webhook


def _owner(ctx: Context, input: WebhookFieldsInput, webhook: Webhook | None) -> str:
    """Whose rights a webhook is to have: those of the user who enters or changes it, unless another is named.

    Only who may administer, and so give anybody any right, leaves it another's. Everybody else could have sent to an
    address of their own what only the other may see.

    Raises:
        Reject: another must not be named, or somebody must, because a key may have fewer rights than its user.
    """
    actor = ctx.actor
    me = actor.id if actor.kind == "USER" else None
    given = [one for one in (actor.permissions, actor.narrowed_to) if one is not None]
    administers = all("administer" in one for one in given)
    if input.owner_id not in (None, strawberry.UNSET):
        if input.owner_id != me and not administers:
            raise Reject(
                problem(
                    "FORBIDDEN", "ownerId", sentence("to name another takes the permission administer; leave it out")
                )
            )
        if not _is_active(ctx, owner := str(input.owner_id)):
            raise Reject(problem("NOT_FOUND", "ownerId", sentence("there is no active user {id!r}", id=owner)))
        return owner
    if webhook is not None and administers:
        return webhook.owner_id
    if me is None:
        raise Reject(problem("REQUIRED", "ownerId", sentence("name the user with whose rights it is to read")))
    return me


def _is_active(ctx: Context, id: str) -> bool:
    user = ctx.session.get(User, id)
    return user is not None and user.is_active and user.deleted_at is None


def _set(webhook: Webhook, input: WebhookFieldsInput) -> None:
    given: Mapping[str, Any] = {
        name: getattr(input, name)
        for name in ("description", "status", "event_types", "record_types", "changed_fields", "condition", "query")
        if getattr(input, name) is not strawberry.UNSET
    }
    for name, value in given.items():
        if name in ("event_types", "record_types", "changed_fields"):
            setattr(webhook, name, [str(one) for one in dict.fromkeys(value or ())])
        elif name == "condition":
            webhook.condition = None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
        elif name != "status" or value is not None:
            setattr(webhook, name, value)


def _add_secret(ctx: Context, webhook: Webhook) -> str:
    text, now = new_secret(), ctx.clock.now()
    kept = sealed(text, ctx.settings.encryption_keys)
    ctx.session.add(WebhookSecret(id=unordered_id("whs"), webhook_id=webhook.id, kept=kept, created_at=now))
    return text


def _shown(input: Input, secret: str) -> str | None:
    return None if input.dry_run else secret
