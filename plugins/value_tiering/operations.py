"""The operations of value tiering: recompute with preview, override by hand, abandonment, the 20/80 report."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, Done, Operations, Reject, UserError
from guanxi.records import Customer
from plugins.value_tiering import rules
from plugins.value_tiering.models import CustomerValue, TierChangeReason, ValueTier
from plugins.value_tiering.settings import Measure
from plugins.value_tiering.tiering import Recomputed, classify, move, recompute, refresh_measures

ABANDONED = "CUSTOMER_ABANDONED"

_ASKED = strawberry.argument(description="What is asked.")
_KEY = "The same request with the same key again changes nothing and is answered as before."


def operations(plugin: str, types: Any) -> Operations:
    """The classes whose fields join Query and Mutation."""

    @strawberry.type(description="How far the key customers carry the enterprise (T2). A diagnosis, no quota (X23).")
    class KeyCustomerReport:
        customers: int = strawberry.field(description="Customers that have a tier.")
        key_customers: int = strawberry.field(description="Important and main customers among them.")
        share_of_customers: Decimal | None = strawberry.field(description="Their share in percent; 20 is usual.")
        share_of_profit: Decimal | None = strawberry.field(
            description="Their share of the profit of all that have a tier, in percent; 80 is usual."
        )

    @strawberry.type(description="How many customers pass from one tier to another.")
    class ValueTierMovement:
        previous: ValueTier | None = strawberry.field(description="Tier before; null if they had none.")
        tier: ValueTier | None = strawberry.field(description="Tier after; null if they are ranked no more.")
        customers: int = strawberry.field(description="How many customers.")

    @strawberry.type(description="What became of a recompute, or would become of it.")
    class RecomputeValueTiersPayload:
        measure: Measure = strawberry.field(description="By what customers were ranked (X24).")
        ranked: int = strawberry.field(description="How many were ranked; those without data are not.")
        changed: int = strawberry.field(description="How many change tier.")
        movements: list[ValueTierMovement] = strawberry.field(description="From which tier to which, with numbers.")
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")
        warnings: list[types.UserError] = strawberry.field(description="What policy only warns about.")

    @strawberry.input(description="How to recompute.")
    class RecomputeValueTiersInput:
        preview: bool = strawberry.field(default=False, description="Answer what would happen and write nothing.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A tier set by hand.")
    class OverrideValueTierInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        tier: ValueTier = strawberry.field(description="The tier it is to have.")
        reason: str = strawberry.field(description="Why; kept with the change.")
        until: date | None = strawberry.field(
            default=strawberry.UNSET, description="The last day it holds; without end if none."
        )
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A tier set by hand that is to hold no more.")
    class ClearValueTierOverrideInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        reason: str | None = strawberry.field(default=strawberry.UNSET, description="Why; kept with the change.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A customer that is to be abandoned, as it is recommended (T5).")
    class ConfirmAbandonmentInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        reason: str = strawberry.field(description="What there is to say; kept with the customer.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A customer that is abandoned no more.")
    class WithdrawAbandonmentInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.type
    class Query:
        @strawberry.field(description="Share of key customers and of the profit they bring (T2).")
        async def key_customer_report(self, info: strawberry.Info) -> KeyCustomerReport:
            context: Any = info.context
            return KeyCustomerReport(**await key_customer_report(context.query))

    @strawberry.type
    class Mutation:
        @strawberry.mutation(
            description="Ranks all customers again and gives them their tiers and classes (T1, T6, T7, T11)."
        )
        async def recompute_value_tiers(
            self, info: strawberry.Info, input: Annotated[RecomputeValueTiersInput, _ASKED]
        ) -> RecomputeValueTiersPayload:
            context: Any = info.context
            done: Done = await context.perform(
                plugin, "recomputeValueTiers", input, lambda ctx: _shown(recompute(ctx)), dry=input.preview
            )
            answer = done.answer
            movements = [
                ValueTierMovement(previous=_tier(old), tier=_tier(new), customers=count)
                for old, new, count in answer["movements"]
            ]
            return RecomputeValueTiersPayload(
                measure=Measure(answer["measure"]),
                ranked=answer["ranked"],
                changed=answer["changed"],
                movements=movements,
                user_errors=list(done.user_errors),
                warnings=list(done.warnings),
            )

        @strawberry.mutation(description="Sets a customer's tier by hand, with a reason and perhaps a last day (T1).")
        async def override_value_tier(
            self, info: strawberry.Info, input: Annotated[OverrideValueTierInput, _ASKED]
        ) -> types.CustomerPayload:
            until = input.until or None
            return await _one(
                info.context,
                plugin,
                "overrideValueTier",
                input,
                lambda ctx, id: override(ctx, id, ValueTier(input.tier), input.reason, until),
            )

        @strawberry.mutation(description="Takes back a tier that was set by hand: the rank's tier holds again (T1).")
        async def clear_value_tier_override(
            self, info: strawberry.Info, input: Annotated[ClearValueTierOverrideInput, _ASKED]
        ) -> types.CustomerPayload:
            return await _one(
                info.context,
                plugin,
                "clearValueTierOverride",
                input,
                lambda ctx, id: clear_override(ctx, id, input.reason or None),
            )

        @strawberry.mutation(description="Confirms that a customer is abandoned, as it is recommended (T5, X16).")
        async def confirm_abandonment(
            self, info: strawberry.Info, input: Annotated[ConfirmAbandonmentInput, _ASKED]
        ) -> types.CustomerPayload:
            return await _one(
                info.context,
                plugin,
                "confirmAbandonment",
                input,
                lambda ctx, id: confirm_abandonment(ctx, id, input.reason),
            )

        @strawberry.mutation(description="Takes back that a customer is abandoned (T5).")
        async def withdraw_abandonment(
            self, info: strawberry.Info, input: Annotated[WithdrawAbandonmentInput, _ASKED]
        ) -> types.CustomerPayload:
            return await _one(
                info.context,
                plugin,
                "withdrawAbandonment",
                input,
                withdraw_abandonment,
            )

    return Operations(Query, Mutation)


def _tier(value: str | None) -> ValueTier | None:
    return None if value is None else ValueTier(value)


def _shown(done: Recomputed) -> dict[str, Any]:
    return {
        "measure": done.measure.value,
        "ranked": done.ranked,
        "changed": done.changed,
        "movements": [
            [movement.previous and movement.previous.value, movement.tier and movement.tier.value, movement.customers]
            for movement in done.movements
        ],
    }


async def _one(
    context: Any, plugin: str, operation: str, input: Any, work: Callable[[Context, str], None]
) -> dict[str, Any]:
    """Does the work for one customer and answers with its payload."""
    id = str(input.customer_id)

    def work_on_it(ctx: Context) -> str:
        _check_customer(ctx, id)
        work(ctx, id)
        return id

    done: Done = await context.perform(plugin, operation, input, work_on_it)
    return done.payload("customer")


def override(ctx: Context, id: str, tier: ValueTier, reason: str, until: date | None) -> None:
    """Sets a tier by hand.

    Raises:
        Reject: the reason or the last day will not do.
    """
    problems = _check_reason(reason)
    if until is not None and until < ctx.clock.today():
        problems.append(
            UserError("INVALID", f"until: {until} is past; give a day from {ctx.clock.today()} on, or none", ("until",))
        )
    if problems:
        raise Reject(*problems)
    value: CustomerValue = ctx.facet(CustomerValue, id)
    value.override_tier, value.override_reason, value.override_until = tier, reason.strip(), until
    value.override_by, value.override_at = ctx.actor.id, ctx.clock.now()
    _settle(ctx, id, TierChangeReason.OVERRIDDEN, reason.strip())


def clear_override(ctx: Context, id: str, reason: str | None) -> None:
    """Takes back a tier set by hand.

    Raises:
        Reject: it is not set by hand.
    """
    value: CustomerValue = ctx.facet(CustomerValue, id)
    if value.override_tier is None:
        raise _refusal("NOT_OVERRIDDEN", f"the tier of {id} is not set by hand")
    value.override_tier = value.override_reason = value.override_until = None
    value.override_by = value.override_at = None
    _settle(ctx, id, TierChangeReason.OVERRIDE_CLEARED, reason)


def confirm_abandonment(ctx: Context, id: str, reason: str) -> None:
    """Notes that a customer is abandoned.

    Raises:
        Reject: that is not recommended, or the reason will not do.
    """
    if problems := _check_reason(reason):
        raise Reject(*problems)
    asked = "query ($id: ID!) { customer(id: $id) { abandonmentReasons } }"
    reasons = ctx.query(asked, {"id": id})["customer"]["abandonmentReasons"]
    if not reasons:
        message = f"nothing speaks for abandoning {id}; only small customers without potential are"
        raise _refusal("NOT_RECOMMENDED", message)
    value: CustomerValue = ctx.facet(CustomerValue, id)
    value.abandoned_reason, value.abandoned_by, value.abandoned_at = reason.strip(), ctx.actor.id, ctx.clock.now()
    ctx.publish(ABANDONED, id, reasons=reasons, note=reason.strip())


def withdraw_abandonment(ctx: Context, id: str) -> None:
    """Takes back that a customer is abandoned.

    Raises:
        Reject: it is not.
    """
    value: CustomerValue = ctx.facet(CustomerValue, id)
    if value.abandoned_at is None:
        raise _refusal("NOT_ABANDONED", f"{id} is not abandoned")
    value.abandoned_reason = value.abandoned_by = value.abandoned_at = None


def _refusal(code: str, message: str) -> Reject:
    return Reject(UserError(code, f"customerId: {message}", ("customerId",)))


def _check_reason(reason: str) -> list[UserError]:
    if reason.strip() and len(reason) <= 1000:
        return []
    return [UserError("INVALID", "reason: say why, in 1,000 characters at most", ("reason",))]


def _check_customer(ctx: Context, id: str) -> None:
    found = ctx.session.get(Customer, id)
    if found is None or found.deleted_at is not None:
        raise _refusal("NOT_FOUND", f"there is no customer {id!r}")


def _settle(ctx: Context, id: str, reason: TierChangeReason, note: str | None) -> None:
    ctx.session.flush()
    refresh_measures(ctx, [id])
    move(ctx, reason, [id], note)
    classify(ctx, [id])


_REPORT = """{
  all: customersAggregate(where: {valueTier: {isNull: false}}) {
    count sum { lifetimeProfit { total { amount } } }
  }
  key: customersAggregate(where: {isKeyCustomer: {eq: true}}) {
    count sum { lifetimeProfit { total { amount } } }
  }
}"""


async def key_customer_report(query: Callable[..., Any]) -> dict[str, Any]:
    """How many customers are key customers, and what share of profit they bring (T2)."""
    answer = await query(_REPORT)

    def profit(part: str) -> Decimal:
        return Decimal(answer[part]["sum"]["lifetimeProfit"]["total"]["amount"])

    return {
        "customers": answer["all"]["count"],
        "key_customers": answer["key"]["count"],
        "share_of_customers": rules.percent(Decimal(answer["key"]["count"]), Decimal(answer["all"]["count"])),
        "share_of_profit": rules.percent(profit("key"), profit("all")),
    }
