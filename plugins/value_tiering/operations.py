"""The operations of value tiering: override by hand, abandonment, the 20/80 report, and those of its rooms."""

from datetime import date
from decimal import Decimal

import strawberry

from guanxi import Context, Input, Money, Ref, Reject, UserError, mutation, query, sentence
from guanxi.records import Customer
from plugins.value_tiering import rules
from plugins.value_tiering.assets.operations import customer_asset_value, customer_equity
from plugins.value_tiering.models import VALUE, CustomerValue, TierChangeReason, ValueTier
from plugins.value_tiering.profile.needs import customer_needs
from plugins.value_tiering.ranking.classes import classify
from plugins.value_tiering.ranking.measures import refresh_measures
from plugins.value_tiering.ranking.operations import recompute_value_tiers, value_tier_movements
from plugins.value_tiering.ranking.tiering import move
from plugins.value_tiering.resources.operations import resource_report
from plugins.value_tiering.revenue.operations import customer_base_report

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
        description="Their share of the profit of all profitable customers with a tier, in percent; 80 is typical."
    )
    unprofitable: int = strawberry.field(description="Number of customers with a tier that bring a loss.")
    losses: Money = strawberry.field(description="Sum of their losses, as a positive amount.")


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
    tiered = {"valueTier": {"isNull": False}}
    profitable, key = {"lifetimeProfit": {"gt": "0"}}, {"isKeyCustomer": {"eq": True}}
    everyone, keys = ctx.total("Customer", tiered), ctx.total("Customer", key)
    gains = ctx.total("Customer", tiered | profitable, sum=["lifetimeProfit"]).sum["lifetimeProfit"]
    key_gains = ctx.total("Customer", key | profitable, sum=["lifetimeProfit"]).sum["lifetimeProfit"]
    losing = ctx.total("Customer", tiered | {"lifetimeProfit": {"lt": "0"}}, sum=["lifetimeProfit"])
    return KeyCustomerReport(
        customers=everyone.count,
        key_customers=keys.count,
        share_of_customers=rules.percent(Decimal(keys.count), Decimal(everyone.count)),
        share_of_profit=rules.percent(key_gains, gains),
        unprofitable=losing.count,
        losses=Money(abs(losing.sum["lifetimeProfit"]), ctx.reporting_currency),
    )


def _customer(
    input: OverrideValueTierInput | ClearValueTierOverrideInput | ConfirmAbandonmentInput | WithdrawAbandonmentInput,
) -> list[tuple[str, ...]]:
    return [("customer", input.customer_id)]


@mutation(locks=_customer, permission="override")
def override_value_tier(ctx: Context, input: OverrideValueTierInput) -> Ref[Customer]:
    """Sets a customer's tier by hand, with a reason and optionally a last day.

    Rule T1.
    """
    problems, today = _check_reason(input.reason), ctx.clock.today()
    if input.until is not None and input.until < today:
        message = sentence(
            "until: {until} is in the past; give {today} or a later day, or leave it out",
            until=input.until,
            today=today,
        )
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
        raise _refusal(
            "NOT_OVERRIDDEN", sentence("the tier of {customer_id} is not set by hand", customer_id=input.customer_id)
        )
    value.override_tier = value.override_reason = value.override_until = None
    value.override_by = value.override_at = None
    return _settle(ctx, value, TierChangeReason.OVERRIDE_CLEARED, input.reason)


@mutation(locks=_customer, permission="approve")
def confirm_abandonment(ctx: Context, input: ConfirmAbandonmentInput) -> Ref[Customer]:
    """Confirms the recommendation to abandon a customer.

    Rules T5, X16.
    """
    id, note = input.customer_id, input.reason.strip()
    value = _value_of(ctx, id, _check_reason(input.reason))
    asked = "query ($id: ID!) { customer(id: $id) { abandonmentReasons } }"
    reasons = ctx.query(asked, {"id": id})["customer"]["abandonmentReasons"]
    if not reasons:
        message = sentence(
            "abandoning {id} is not recommended; only small customers without a high potential are abandoned", id=id
        )
        raise _refusal("NOT_RECOMMENDED", message)
    value.abandoned_reason, value.abandoned_by, value.abandoned_at = note, ctx.actor.id, ctx.clock.now()
    ctx.publish(ABANDONED, id, reasons=reasons, note=note)
    return id


@mutation(locks=_customer, permission="approve")
def withdraw_abandonment(ctx: Context, input: WithdrawAbandonmentInput) -> Ref[Customer]:
    """Withdraws the abandonment of a customer.

    Rule T5.
    """
    value = _value_of(ctx, input.customer_id)
    if value.abandoned_at is None:
        raise _refusal("NOT_ABANDONED", sentence("{customer_id} is not abandoned", customer_id=input.customer_id))
    value.abandoned_reason = value.abandoned_by = value.abandoned_at = None
    return input.customer_id


OPERATIONS = (
    key_customer_report,
    customer_base_report,
    customer_asset_value,
    customer_equity,
    customer_needs,
    resource_report,
    recompute_value_tiers,
    value_tier_movements,
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
        raise _refusal("NOT_FOUND", sentence("there is no customer {id!r}", id=id))
    if problems:
        raise Reject(*problems)
    value: CustomerValue = ctx.facet(CustomerValue, id)
    return value


def _refusal(code: str, message: str) -> Reject:
    return Reject(UserError(code, sentence("customerId: {message}", message=message), ("customerId",)))


def _check_reason(reason: str) -> list[UserError]:
    if reason.strip() and len(reason) <= 1000:
        return []
    return [UserError("INVALID", sentence("reason: say why, in at most 1,000 characters"), ("reason",))]


def _settle(ctx: Context, value: CustomerValue, reason: TierChangeReason, note: str | None) -> str:
    ctx.session.flush()
    ids = [value.record_id]
    refresh_measures(ctx, ids)
    move(ctx, reason, ids, note)
    classify(ctx, ids)
    return value.record_id
