"""Customers that are lost: why, since when, and the task to win them back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from guanxi import Action, Change, Changes, Context, UserError
from guanxi.records import Task
from plugins.value_tiering.profile.models import BuyerProfile, RelationshipClass

LOST = "CUSTOMER_LOST"

_CLASS, _REASON = "relationshipClass", "lostReason"


def loss_problems(changes: Changes) -> Iterator[UserError]:
    """Why a class is refused: it is lost, and nobody says why (T18)."""
    for change in _becoming_lost(changes):
        reason = change.after.get(_REASON)
        if not (reason or "").strip():
            message = f"{_REASON}: say why the customer is lost, in at most 1,000 characters"
            yield UserError("INVALID", message, (_REASON,), change.record)


def keep_losses(ctx: Context, changes: Changes) -> None:
    """Keeps since when customers are lost, announces it, and has somebody try to win them back (T18)."""
    lost = list(_becoming_lost(changes))
    found = [change for change in changes.of("Customer") if _CLASS in change.after and change not in lost]
    ids = sorted(change.record.id for change in [*lost, *found])
    profiles = ctx.facets(BuyerProfile, ids) if ids else {}
    for change in found:
        profiles[change.record.id].lost_on = profiles[change.record.id].lost_reason = None
    for change in lost:
        customer: Any = change.record
        profile = profiles[customer.id]
        profile.lost_on = ctx.clock.today()
        # Without the reason, which may be personal: who may see it finds it with the customer.
        ctx.publish(LOST, customer)
        if (days := ctx.settings.win_back_days) is not None:
            due = ctx.clock.today() + timedelta(days=days)
            subject = f"Win back {customer.name}"[:300]
            ctx.session.add(Task(subject=subject, customer_id=customer.id, assignee_id=customer.owner_id, due_on=due))


def _becoming_lost(changes: Changes) -> Iterator[Change]:
    for change in changes.of("Customer", Action.CREATED, Action.UPDATED):
        if change.after.get(_CLASS) == RelationshipClass.LOST and change.before.get(_CLASS) != RelationshipClass.LOST:
            yield change
