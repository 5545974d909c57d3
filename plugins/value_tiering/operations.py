"""The operations of value tiering: recompute, override by hand, abandonment, the 20/80 report."""

from datetime import date
from decimal import Decimal

import strawberry

from guanxi import Context, Input, Payload, Ref, Reject, UserError, mutation, query
from guanxi.records import Customer
from plugins.value_tiering import rules
from plugins.value_tiering.models import VALUE, CustomerValue, TierChangeReason, ValueTier
from plugins.value_tiering.settings import Measure
from plugins.value_tiering.tiering import classify, move, recompute, refresh_measures, unmeasured_customers

ABANDONED = "CUSTOMER_ABANDONED"

_CUSTOMER = "The customer."


@strawberry.type
class KeyCustomerReport:
    """Share of key customers and of the profit they bring. A diagnosis, not a quota."""

    customers: int = strawberry.field(description="Number of customers with a tier.")
    key_customers: int = strawberry.field(description="Number of key customers, important and main, among them.")
    share_of_customers: Decimal | None = strawberry.field(
        description="Key customers in percent of customers; 20 is typical."
    )
    share_of_profit: Decimal | None = strawberry.field(
        description="Their share of the profit of all customers with a tier that bring any, in percent; 80 is typical."
    )


@strawberry.type
class ValueTierMovement:
    """Number of customers moving from one tier to another."""

    previous: ValueTier | None = strawberry.field(description="Tier before; null if they had none.")
    tier: ValueTier | None = strawberry.field(description="Tier after; null if they are no longer ranked.")
    customers: int = strawberry.field(description="Number of customers.")


@strawberry.type
class RecomputeValueTiersPayload(Payload):
    """The result of a recompute, or of a dry run."""

    measure: Measure | None = strawberry.field(
        default=None, description="Measure by which customers were ranked; null if it was refused."
    )
    ranked: int = strawberry.field(default=0, description="Number of customers ranked; those without data are not.")
    changed: int = strawberry.field(default=0, description="Number of customers whose tier changes.")
    movements: list[ValueTierMovement] = strawberry.field(
        default_factory=list, description="Movements between tiers, with counts."
    )


@strawberry.input
class RecomputeValueTiersInput(Input):
    """The input of a recompute."""


@strawberry.input
class OverrideValueTierInput(Input):
    """A tier set by hand."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    tier: ValueTier = strawberry.field(description="The tier to set.")
    reason: str = strawberry.field(description="Reason; stored with the change.")
    until: date | None = strawberry.field(default=None, description="Last day it is in force; open-ended if null.")


@strawberry.input
class ClearValueTierOverrideInput(Input):
    """A tier set by hand that is to be cleared."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    reason: str | None = strawberry.field(default=None, description="Reason; stored with the change.")


@strawberry.input
class ConfirmAbandonmentInput(Input):
    """A customer to be abandoned, as recommended."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    reason: str = strawberry.field(description="The reason; kept with the customer.")


@strawberry.input
class WithdrawAbandonmentInput(Input):
    """A customer whose abandonment is withdrawn."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)


@query(permission=VALUE)
def key_customer_report(ctx: Context) -> KeyCustomerReport:
    """Reports the share of key customers and of the profit they bring.

    Rule T2.
    """
    everyone = ctx.total("Customer", {"valueTier": {"isNull": False}})
    key = ctx.total("Customer", {"isKeyCustomer": {"eq": True}})
    # Losses are not a negative part of the profit: with them, the share could be any number.
    brings = {"lifetimeProfit": {"gt": 0}}
    profit = ctx.total("Customer", {**brings, "valueTier": {"isNull": False}}, sum=["lifetimeProfit"])
    key_profit = ctx.total("Customer", {**brings, "isKeyCustomer": {"eq": True}}, sum=["lifetimeProfit"])
    return KeyCustomerReport(
        customers=everyone.count,
        key_customers=key.count,
        share_of_customers=rules.percent(Decimal(key.count), Decimal(everyone.count)),
        share_of_profit=rules.percent(key_profit.sum["lifetimeProfit"], profit.sum["lifetimeProfit"]),
    )


def _customer(
    input: OverrideValueTierInput | ClearValueTierOverrideInput | ConfirmAbandonmentInput | WithdrawAbandonmentInput,
) -> list[tuple[str, ...]]:
    return [("customer", input.customer_id)]


@mutation(unscoped=True)
def recompute_value_tiers(ctx: Context, input: RecomputeValueTiersInput) -> RecomputeValueTiersPayload:
    """Ranks all customers again and assigns their tiers and classes.

    Rules T1, T6, T7, T11.
    """
    done = recompute(ctx)
    movements = [
        ValueTierMovement(previous=one.previous, tier=one.tier, customers=one.customers) for one in done.movements
    ]
    unmeasured = unmeasured_customers(ctx)
    warnings = []
    if unmeasured:
        what = {Measure.PROFIT: "cost", Measure.USAGE: "quantity"}[done.measure]
        message = f"customers not ranked because no {what} of their transactions is known: {unmeasured}"
        warnings.append(UserError("NOT_MEASURED", message, warning=True))
    return RecomputeValueTiersPayload(
        measure=done.measure, ranked=done.ranked, changed=done.changed, movements=movements, warnings=warnings
    )


@mutation(locks=_customer, permission="override")
def override_value_tier(ctx: Context, input: OverrideValueTierInput) -> Ref[Customer]:
    """Sets a customer's tier by hand, with a reason and optionally a last day.

    Rule T1.
    """
    problems, today = _check_reason(input.reason), ctx.clock.today()
    if input.until is not None and input.until < today:
        message = f"until: {input.until} is in the past; give {today} or a later day, or leave it out"
        problems.append(UserError("INVALID", message, ("until",)))
    value = _value_of(ctx, input.customer_id, problems)
    value.override_tier, value.override_reason, value.override_until = input.tier, input.reason.strip(), input.until
    value.override_by, value.override_at = ctx.actor.id, ctx.clock.now()
    return _settle(ctx, value, TierChangeReason.OVERRIDDEN, input.reason.strip())


@mutation(locks=_customer, permission="override")
def clear_value_tier_override(ctx: Context, input: ClearValueTierOverrideInput) -> Ref[Customer]:
    """Clears a tier that was set by hand: the tier by rank applies again.

    Rule T1.
    """
    value = _value_of(ctx, input.customer_id)
    if value.override_tier is None:
        raise _refusal("NOT_OVERRIDDEN", f"the tier of {input.customer_id} is not set by hand")
    value.override_tier = value.override_reason = value.override_until = None
    value.override_by = value.override_at = None
    return _settle(ctx, value, TierChangeReason.OVERRIDE_CLEARED, input.reason)


@mutation(locks=_customer, permission="override")
def confirm_abandonment(ctx: Context, input: ConfirmAbandonmentInput) -> Ref[Customer]:
    """Confirms the recommendation to abandon a customer.

    Rules T5, X16.
    """
    id, note = input.customer_id, input.reason.strip()
    value = _value_of(ctx, id, _check_reason(input.reason))
    asked = "query ($id: ID!) { customer(id: $id) { abandonmentReasons } }"
    reasons = ctx.query(asked, {"id": id})["customer"]["abandonmentReasons"]
    if not reasons:
        message = f"abandoning {id} is not recommended; only small customers without a high potential are abandoned"
        raise _refusal("NOT_RECOMMENDED", message)
    value.abandoned_reason, value.abandoned_by, value.abandoned_at = note, ctx.actor.id, ctx.clock.now()
    ctx.publish(ABANDONED, id, reasons=reasons, note=note)
    return id


@mutation(locks=_customer, permission="override")
def withdraw_abandonment(ctx: Context, input: WithdrawAbandonmentInput) -> Ref[Customer]:
    """Withdraws the abandonment of a customer.

    Rule T5.
    """
    value = _value_of(ctx, input.customer_id)
    if value.abandoned_at is None:
        raise _refusal("NOT_ABANDONED", f"{input.customer_id} is not abandoned")
    value.abandoned_reason = value.abandoned_by = value.abandoned_at = None
    return input.customer_id


OPERATIONS = (
    key_customer_report,
    recompute_value_tiers,
    override_value_tier,
    clear_value_tier_override,
    confirm_abandonment,
    withdraw_abandonment,
)


def _value_of(ctx: Context, id: str, problems: list[UserError] | None = None) -> CustomerValue:
    """Returns the values of a living customer.

    Raises:
        Reject: there is no such customer, or there are problems.
    """
    found = ctx.session.get(Customer, id)
    if found is None or found.deleted_at is not None:
        raise _refusal("NOT_FOUND", f"there is no customer {id!r}")
    if problems:
        raise Reject(*problems)
    value: CustomerValue = ctx.facet(CustomerValue, id)
    return value


def _refusal(code: str, message: str) -> Reject:
    return Reject(UserError(code, f"customerId: {message}", ("customerId",)))


def _check_reason(reason: str) -> list[UserError]:
    if reason.strip() and len(reason) <= 1000:
        return []
    return [UserError("INVALID", "reason: say why, in at most 1,000 characters", ("reason",))]


def _settle(ctx: Context, value: CustomerValue, reason: TierChangeReason, note: str | None) -> str:
    ctx.session.flush()
    ids = [value.record_id]
    refresh_measures(ctx, ids)
    move(ctx, reason, ids, note)
    classify(ctx, ids)
    return value.record_id
