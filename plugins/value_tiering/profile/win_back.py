"""Customers that are lost: why, since when, and the task to win them back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from guanxi import Action, Change, Changes, Context, UserError, sentence
from guanxi.records import Task
from guanxi.vocabulary import TaskStatus
from plugins.value_tiering.profile.models import BuyerProfile, RelationshipClass

LOST = "CUSTOMER_LOST"

_WIN_BACK = "Win back"

_CLASS, _REASON = "relationshipClass", "lostReason"


def loss_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Why a class or a reason is refused: a customer is lost and nobody says why, or the other way round (T18)."""
    for change in changes.of("Customer", Action.CREATED, Action.UPDATED):
        if change.after.keys().isdisjoint((_CLASS, _REASON)):
            continue
        known = ctx.session.get(BuyerProfile, change.record.id)
        is_lost = change.after.get(_CLASS, known and known.relationship_class) == RelationshipClass.LOST
        reason = change.after.get(_REASON, known and known.lost_reason)
        if is_lost and not (reason or "").strip():
            message = sentence("{reason}: say why the customer is lost, in at most 1,000 characters", reason=_REASON)
            yield UserError("INVALID", message, (_REASON,), change.record)
        elif not is_lost and change.after.get(_REASON) is not None:
            message = sentence(
                "{reason}: the customer is not lost; leave it out, or give {value}: LOST", reason=_REASON, value=_CLASS
            )
            yield UserError("INVALID", message, (_REASON,), change.record)


def keep_losses(ctx: Context, changes: Changes) -> None:
    """Keeps since when customers are lost, announces it, and has somebody try to win them back (T18)."""
    lost = list(_becoming_lost(changes))
    found = [change for change in changes.of("Customer") if _CLASS in change.after and change not in lost]
    ids = sorted(change.record.id for change in [*lost, *found])
    profiles = ctx.facets(BuyerProfile, ids) if ids else {}
    for change in found:
        profiles[change.record.id].lost_on = profiles[change.record.id].lost_reason = None
    pursued = _pursued(ctx, [change.record.id for change in lost])
    for change in lost:
        customer: Any = change.record
        profile = profiles[customer.id]
        profile.lost_on = ctx.clock.today()
        # Without the reason, which may be personal: who may see it finds it with the customer.
        ctx.publish(LOST, customer)
        if (days := ctx.settings.win_back_days) is not None and customer.id not in pursued:
            due = ctx.clock.today() + timedelta(days=days)
            subject = f"{_WIN_BACK} {customer.name}"[:300]
            ctx.session.add(Task(subject=subject, customer_id=customer.id, assignee_id=customer.owner_id, due_on=due))


def _becoming_lost(changes: Changes) -> Iterator[Change]:
    for change in changes.of("Customer", Action.CREATED, Action.UPDATED):
        if change.after.get(_CLASS) == RelationshipClass.LOST and change.before.get(_CLASS) != RelationshipClass.LOST:
            yield change


def _pursued(ctx: Context, customers: list[str]) -> set[str]:
    """Those of these customers that somebody is to win back already."""
    if not customers:
        return set()
    query = select(Task.customer_id).where(
        col(Task.customer_id).in_(customers),
        col(Task.subject).startswith(_WIN_BACK),
        col(Task.status).in_([TaskStatus.OPEN, TaskStatus.IN_PROGRESS]),
        col(Task.deleted_at).is_(None),
    )
    return {str(id) for id in ctx.session.exec(query)}
