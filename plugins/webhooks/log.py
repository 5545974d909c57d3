"""The log of deliveries, which is also the queue: what is to be delivered, what is due, and what became of it."""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, func, not_, or_, select
from sqlmodel import col

from guanxi import Context, Event
from guanxi.sql import Prepared, is_listed, new_stem
from guanxi.types import Timestamp
from plugins.webhooks.filters import EventFilter
from plugins.webhooks.models import Webhook, WebhookDelivery, WebhookSecret
from plugins.webhooks.settings import WebhookSettings
from plugins.webhooks.vocabulary import WebhookDeliveryStatus, WebhookStatus

PING = "PING"
PAUSED = "WEBHOOK_PAUSED"

#: From so many failures in a row on the receiver is taken to be down: one delivery at a time tries it.
_MANY = 5

_chance = random.SystemRandom()

_PENDING = WebhookDeliveryStatus.PENDING
_deliveries = WebhookDelivery.__table__
_webhooks = Webhook.__table__
_secrets = WebhookSecret.__table__
_earlier = _deliveries.alias("earlier")
_NOW = bindparam("now", type_=Timestamp())
_OF_WEBHOOK = _deliveries.c.webhook_id == bindparam("webhook")


def _is_first() -> ColumnElement[bool]:
    """The condition that nothing about the same record is to be delivered before."""
    row = _deliveries.c
    first = (
        select(_earlier.c.id)
        .where(_earlier.c.webhook_id == row.webhook_id, _earlier.c.record_id == row.record_id)
        .where(_earlier.c.status == _PENDING)
        .order_by(_earlier.c.sequence, _earlier.c.id)
        .limit(1)
    )
    # One row is looked up by the index, whatever the engine knows of the table: it makes no join of this.
    return row.id == first.scalar_subquery()


def _due(*conditions: ColumnElement[bool]) -> Prepared:
    """What of a webhook is due, of each record the first."""
    row = _deliveries.c
    return Prepared(
        select(
            row.id,
            row.event_id,
            row.event_type,
            row.record_type,
            row.record_id,
            row.sequence,
            row.attempts,
            row.first_failed_at,
        )
        .where(_OF_WEBHOOK, row.status == _PENDING, row.next_attempt_at <= _NOW, *conditions, _is_first())
        .where(not_(is_listed(row.record_id, "busy")))
        .order_by(row.next_attempt_at, row.sequence, row.id)
        .limit(bindparam("room", type_=BigInteger()))
    )


_WITH_DUE = Prepared(
    select(
        _webhooks.c.id,
        _webhooks.c.owner_id,
        _webhooks.c.status,
        _webhooks.c.failures,
        _webhooks.c.failed_at,
        _webhooks.c.resumes_at,
    )
    .where(
        select(_deliveries.c.id)
        .where(_deliveries.c.webhook_id == _webhooks.c.id)
        .where(_deliveries.c.status == _PENDING, _deliveries.c.next_attempt_at <= _NOW)
        .limit(1)
        .scalar_subquery()
        .is_not(None)
    )
    .order_by(_webhooks.c.id)
)
_DUE = _due()
_DUE_PINGS = _due(_deliveries.c.record_id == _deliveries.c.webhook_id, _deliveries.c.event_type == PING)
#: What waits for another is due already, so what is due later is what failed.
_NEXT = Prepared(
    select(func.min(_deliveries.c.next_attempt_at).label("next"))
    .join(_webhooks, _webhooks.c.id == _deliveries.c.webhook_id)
    .where(_deliveries.c.status == _PENDING, _deliveries.c.next_attempt_at > _NOW)
    .where(_webhooks.c.status == WebhookStatus.ENABLED)
    .where(or_(_webhooks.c.resumes_at.is_(None), _webhooks.c.resumes_at <= _NOW))
)
_RESUMING = Prepared(
    select(func.min(_webhooks.c.resumes_at).label("next")).where(
        _webhooks.c.status == WebhookStatus.ENABLED, _webhooks.c.resumes_at > _NOW
    )
)
_SIGNING = Prepared(
    select(_secrets.c.kept)
    .where(_secrets.c.webhook_id == bindparam("webhook"))
    .where(or_(_secrets.c.expires_at.is_(None), _secrets.c.expires_at > _NOW))
    .order_by(_secrets.c.created_at.desc(), _secrets.c.id.desc())
)
_WEBHOOK = Prepared(
    select(_webhooks.c.failures, _webhooks.c.failed_at, _webhooks.c.resumes_at).where(
        _webhooks.c.id == bindparam("webhook")
    )
)
_KNOWN = Prepared(
    select(_deliveries.c.webhook_id, _deliveries.c.event_id).where(
        is_listed(_deliveries.c.webhook_id, "webhooks"), is_listed(_deliveries.c.event_id, "events")
    )
)


@dataclass(frozen=True, slots=True)
class Due:
    """What of one webhook is to be delivered now.

    Attributes:
        webhook_id, owner_id: the webhook, and its owner.
        secrets: that sign, as they are stored, the present one first.
        deliveries: of each record the first.
    """

    webhook_id: str
    owner_id: str
    secrets: Sequence[str]
    deliveries: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to make a delivery, and what became of it.

    Attributes:
        webhook_id: of the webhook.
        delivery: as it was when it was due.
        began: when the attempt began.
        status: delivered, skipped, or pending where it failed.
        response_status, duration_ms, problem: as they are logged.
        retry_after: seconds after which the receiver wants to be tried again.
        stops: why the webhook is to be paused at once.
    """

    webhook_id: str
    delivery: Mapping[str, Any]
    began: datetime
    status: WebhookDeliveryStatus
    response_status: int | None = None
    duration_ms: int | None = None
    problem: str | None = None
    retry_after: int | None = None
    stops: str | None = None

    @property
    def is_ping(self) -> bool:
        """Whether it was only a ping, which says nothing of deliveries."""
        return bool(self.delivery["event_type"] == PING)


# What is to be delivered


def add_events(ctx: Context, filters: Sequence[EventFilter], events: Sequence[Event]) -> None:
    """Has webhooks deliver what they take of these events, each once however often this is asked for."""
    given = {"webhooks": [one.webhook_id for one in filters], "events": [event.id for event in events]}
    known = {(row["webhook_id"], row["event_id"]) for row in ctx.rows(_KNOWN, **given)}
    _add(
        ctx,
        [
            {
                "webhook_id": one.webhook_id,
                "event_id": event.id,
                "event_type": event.type,
                "record_type": event.entity_type,
                "record_id": event.entity_id,
                "sequence": event.sequence,
            }
            for event in events
            for one in filters
            if one.takes(event) and (one.webhook_id, event.id) not in known
        ],
    )


def add_ping(ctx: Context, webhook_id: str) -> str:
    """Has a webhook deliver a ping; returns the id of the delivery."""
    (id,) = _add(
        ctx,
        [
            {
                "webhook_id": webhook_id,
                "event_id": None,
                "event_type": PING,
                "record_type": "Webhook",
                "record_id": webhook_id,
                "sequence": 0,
            }
        ],
    )
    return id


def _add(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    now, actor, stem = ctx.clock.now(), ctx.actor.id, new_stem(WebhookDelivery.__prefix__)
    same = {
        "status": _PENDING,
        "attempts": 0,
        "next_attempt_at": now,
        "version": 1,
        "created_at": now,
        "created_by": actor,
        "updated_at": now,
        "updated_by": actor,
    }
    made = [{**same, **row, "id": f"{stem}{number:06d}"} for number, row in enumerate(rows)]
    ctx.insert_rows(WebhookDelivery, made)
    return [row["id"] for row in made]


def again(ctx: Context, ids: Collection[str]) -> None:
    """Has deliveries made again from now on, whatever became of them."""
    now = ctx.clock.now()
    ctx.change_rows(
        WebhookDelivery,
        [{"id": id, "status": _PENDING, "next_attempt_at": now, "first_failed_at": None} for id in ids],
    )


# What is due


def due(ctx: Context, busy: Mapping[str, Collection[str]]) -> list[Due]:
    """What is to be delivered now, apart from records with something under way, by the webhook's id."""
    now, found = ctx.clock.now(), []
    settings: WebhookSettings = ctx.settings
    for webhook in ctx.rows(_WITH_DUE, now=now):
        under_way = busy.get(webhook["id"], ())
        is_waiting = webhook["resumes_at"] is not None and webhook["resumes_at"] > now
        is_open = webhook["status"] is WebhookStatus.ENABLED and not is_waiting
        most = 1 if is_open and webhook["failures"] >= _MANY else settings.at_once
        room = most - len(under_way)
        if room <= 0:
            continue
        given = {"webhook": webhook["id"], "now": now}
        rows = ctx.rows(_DUE if is_open else _DUE_PINGS, **given, busy=list(under_way), room=room)
        if rows:
            secrets = [row["kept"] for row in ctx.rows(_SIGNING, **given)]
            found.append(Due(webhook["id"], webhook["owner_id"], secrets, rows))
    return found


def next_due(ctx: Context) -> datetime | None:
    """When something is due next."""
    now = ctx.clock.now()
    moments = [row["next"] for query in (_NEXT, _RESUMING) for row in ctx.rows(query, now=now)]
    return min((moment for moment in moments if moment is not None), default=None)


# What became of it


def settle(ctx: Context, attempts: Sequence[Attempt]) -> None:
    """Notes what became of attempts, and pauses webhooks that fail too often."""
    by_webhook: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_webhook[attempt.webhook_id].append(attempt)
    now = ctx.clock.now()
    ctx.change_rows(WebhookDelivery, [_noted(ctx.settings, attempt, now) for attempt in attempts])
    for webhook_id, several in sorted(by_webhook.items()):
        _count(ctx, webhook_id, [one for one in several if not one.is_ping], now)


def _noted(settings: WebhookSettings, attempt: Attempt, now: datetime) -> dict[str, Any]:
    """The changed row of a delivery."""
    status, next_attempt, first = attempt.status, None, attempt.delivery["first_failed_at"]
    attempts = attempt.delivery["attempts"] + 1
    if status is _PENDING:
        first = first or now
        last = first + settings.retries.duration
        pause = settings.retries.pause(attempts, _chance.random())
        wanted = min(timedelta(seconds=attempt.retry_after or 0), settings.retries.longest_pause)
        next_attempt = min(now + max(pause, wanted), last)
        if now >= last or attempt.is_ping:
            status, next_attempt = WebhookDeliveryStatus.FAILED, None
    return {
        "id": attempt.delivery["id"],
        "status": status,
        "attempts": attempts,
        "attempted_at": attempt.began,
        "next_attempt_at": next_attempt,
        "response_status": attempt.response_status,
        "duration_ms": attempt.duration_ms,
        "problem": attempt.problem,
        "first_failed_at": first,
        "updated_at": now,
    }


def _count(ctx: Context, webhook_id: str, attempts: Iterable[Attempt], now: datetime) -> None:
    """Counts the failures of a webhook in a row; those that were under way together are one."""
    for known in ctx.rows(_WEBHOOK, webhook=webhook_id):
        failures, failed_at, resumes_at = known["failures"], known["failed_at"], known["resumes_at"]
        stops = None
        for attempt in attempts:
            if attempt.status is WebhookDeliveryStatus.DELIVERED:
                failures, resumes_at = 0, None
            elif attempt.status is _PENDING and (failed_at is None or attempt.began > failed_at):
                failures, failed_at = failures + 1, now
                if failures >= _MANY:
                    pause = ctx.settings.retries.pause(failures - _MANY + 1, _chance.random())
                    resumes_at = now + pause
            stops = stops or attempt.stops
        if failures >= ctx.settings.pause_after_failures:
            stops = stops or f"{failures} failures in a row"
        changed = {"failures": failures, "failed_at": failed_at, "resumes_at": resumes_at}
        if changed != dict(known):
            ctx.change_rows(Webhook, [{"id": webhook_id, **changed}])
        if stops is not None:
            pause_webhook(ctx, webhook_id, stops)


def pause_webhook(ctx: Context, webhook_id: str, why: str) -> None:
    """Pauses a webhook that delivers, and announces it."""
    webhook = ctx.session.get(Webhook, webhook_id, with_for_update={"key_share": True}, populate_existing=True)
    if webhook is not None and webhook.status is WebhookStatus.ENABLED:
        webhook.status, webhook.paused_because = WebhookStatus.PAUSED, why
        ctx.publish(PAUSED, webhook, reason=why)


def forget(ctx: Context) -> str:
    """Removes deliveries that are old enough, and secrets that no longer sign."""
    now = ctx.clock.now()
    before = now - timedelta(days=ctx.settings.kept_days)
    gone: Any = ctx.session.execute(delete(_deliveries).where(col(WebhookDelivery.created_at) < before))
    ctx.session.execute(delete(_secrets).where(col(WebhookSecret.expires_at) <= now))
    return f"{gone.rowcount} deliveries removed"
