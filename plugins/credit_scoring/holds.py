"""Holds on customers' credit, set and released by hand (C2)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import strawberry
from sqlalchemy import literal, select

from guanxi import Context, Input, Ref, Reject, UserError, mutation, sentence
from guanxi.records import Customer
from plugins.credit_scoring import rules
from plugins.credit_scoring.evaluation import unknown_customers
from plugins.credit_scoring.limits import reason_problem
from plugins.credit_scoring.models import CreditHold

HOLD_PLACED = "CREDIT_HOLD_PLACED"
HOLD_RELEASED = "CREDIT_HOLD_RELEASED"

holds = CreditHold.__table__.c


@strawberry.input
class PlaceCreditHoldInput(Input):
    """A hold to be placed on a customer's credit."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    reason: str = strawberry.field(description="Reason; stored with the hold.")
    until: date | None = strawberry.field(
        default=None, description="Last day it is in force; until it is released if null."
    )


@strawberry.input
class ReleaseCreditHoldInput(Input):
    """A hold on a customer's credit that is to be released."""

    customer_id: strawberry.ID = strawberry.field(description="The customer.")
    reason: str = strawberry.field(description="Reason; stored with the hold.")


def _keys(input: PlaceCreditHoldInput | ReleaseCreditHoldInput) -> Sequence[tuple[str, ...]]:
    return [("customer", input.customer_id)]


@mutation(locks=_keys, permission="override")
def place_credit_hold(ctx: Context, input: PlaceCreditHoldInput) -> Ref[Customer]:
    """Puts a customer on credit hold, with a reason and optionally a last day; credit control obeys it.

    Rule C2.
    """
    today = ctx.clock.today()
    problems = _problems(ctx, input)
    if input.until is not None and input.until < today:
        message = sentence(
            "until: {until} is in the past; give {today} or a later day, or leave it out",
            until=input.until,
            today=today,
        )
        problems.append(UserError("INVALID", message, ("until",)))
    if _active(ctx, input.customer_id) is not None:
        message = sentence(
            "customerId: {customer_id} is on credit hold already; release that first", customer_id=input.customer_id
        )
        problems.append(UserError("ON_HOLD", message, ("customerId",)))
    if problems:
        raise Reject(*problems)
    hold = CreditHold(
        customer_id=input.customer_id,
        reason=input.reason.strip(),
        placed_on=today,
        placed_at=ctx.clock.now(),
        placed_by=ctx.actor.id,
        until=input.until,
    )
    ctx.session.add(hold)
    ctx.publish(HOLD_PLACED, input.customer_id, reason=hold.reason, until=hold.until)
    return str(input.customer_id)


@mutation(locks=_keys, permission="override")
def release_credit_hold(ctx: Context, input: ReleaseCreditHoldInput) -> Ref[Customer]:
    """Releases the credit hold a customer is on.

    Rule C2.
    """
    problems = _problems(ctx, input)
    hold = _active(ctx, input.customer_id)
    if hold is None and not problems:
        problems = [
            UserError(
                "NOT_ON_HOLD",
                sentence("customerId: {customer_id} is not on credit hold", customer_id=input.customer_id),
                ("customerId",),
            )
        ]
    if problems or hold is None:
        raise Reject(*problems)
    hold.release_reason = input.reason.strip()
    hold.released_on, hold.released_at, hold.released_by = ctx.clock.today(), ctx.clock.now(), ctx.actor.id
    ctx.publish(HOLD_RELEASED, input.customer_id, reason=hold.release_reason)
    return str(input.customer_id)


def _problems(ctx: Context, input: PlaceCreditHoldInput | ReleaseCreditHoldInput) -> list[UserError]:
    problems = unknown_customers(ctx, [input.customer_id], "customerId")
    wrong = reason_problem(input.reason)
    return (
        [*problems, UserError("INVALID", sentence("reason: {wrong}", wrong=wrong), ("reason",))] if wrong else problems
    )


def _active(ctx: Context, customer: str) -> Any:
    """The hold that is in force today, if there is one."""
    found = select(CreditHold).where(
        holds.customer_id == customer,
        rules.is_hold_active(holds.placed_on, holds.until, holds.released_on, literal(ctx.clock.today())),
    )
    return ctx.session.scalars(found).first()
