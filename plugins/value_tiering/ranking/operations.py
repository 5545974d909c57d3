"""Recompute and preview of tiers, and movements between two days."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from guanxi import Context, Input, Payload, Ref, Reject, UserError, mutation, query, sentence, term
from guanxi.records import Customer
from plugins.value_tiering.models import VALUE, ValueTier
from plugins.value_tiering.ranking.measures import basis_of
from plugins.value_tiering.ranking.moves import MoveCause, Movement, movements_between
from plugins.value_tiering.ranking.tiering import TiersRecomputed, recompute
from plugins.value_tiering.settings import Measure, Quotas


@strawberry.type
class ValueTierMovement:
    """Number of customers moving from one tier to another."""

    previous: ValueTier | None = strawberry.field(description="Tier before; null if they had none.")
    tier: ValueTier | None = strawberry.field(description="Tier after; null if they are no longer ranked.")
    customers: int = strawberry.field(description="Number of customers.")


@strawberry.type
class ValueTierMove:
    """A customer that moves to another tier, and why."""

    customer: Ref[Customer] | None = strawberry.field(description="The customer.")
    previous: ValueTier | None = strawberry.field(description="Tier before; null for none.")
    tier: ValueTier | None = strawberry.field(description="Tier after; null if it is no longer ranked.")
    previous_rank: int | None = strawberry.field(description="Rank at the last recompute; null if it was not ranked.")
    rank: int | None = strawberry.field(description="Rank now; null if it is not ranked.")
    previous_value: Decimal | None = strawberry.field(description="Value it was ranked by.")
    value: Decimal | None = strawberry.field(description="Value it is ranked by: amount or quantity.")
    cause: MoveCause = strawberry.field(description="Why it moves.")


@strawberry.type
class RecomputeValueTiersPayload(Payload):
    """The result of a recompute, or of a dry run."""

    measure: Measure | None = strawberry.field(
        default=None, description="Measure by which customers were ranked; null if it was refused."
    )
    period_start: date | None = strawberry.field(default=None, description="First day that counts; null for all.")
    period_end: date | None = strawberry.field(default=None, description="Last day that counts; null for all.")
    ranked: int = strawberry.field(default=0, description="Number of customers ranked; those without data are not.")
    unmeasured: int = strawberry.field(
        default=0, description="Number of customers that bought but are not ranked: no cost, or no quantity, is known."
    )
    changed: int = strawberry.field(default=0, description="Number of customers whose tier changes.")
    movements: list[ValueTierMovement] = strawberry.field(
        default_factory=list, description="Movements between tiers, with counts."
    )
    moves: list[ValueTierMove] = strawberry.field(
        default_factory=list, description="The customers that move, by rank: as many as `listMoves` asks for."
    )


@strawberry.input
class ValueTierQuotasInput:
    """Shares of the tiers in percent of all ranked customers, summing to 100."""

    important: int = strawberry.field(description="Share of important customers.")
    main: int = strawberry.field(description="Share of main customers.")
    ordinary: int = strawberry.field(description="Share of ordinary customers.")
    small: int = strawberry.field(description="Share of small customers.")


@strawberry.input
class RecomputeValueTiersInput(Input):
    """What customers are ranked by; what is left out is as set by policy."""

    measure: Measure | None = strawberry.field(default=None, description="Measure by which they are ranked.")
    period_start: date | None = strawberry.field(
        default=None, description="First day whose transactions count; without both days the period is as set."
    )
    period_end: date | None = strawberry.field(default=None, description="Last day whose transactions count.")
    quotas: ValueTierQuotasInput | None = strawberry.field(
        default=None, description="Shares to try; only with `dryRun`, since those that apply are set by policy."
    )
    list_moves: int = strawberry.field(default=0, description="How many of those that move to list, at most 1,000.")


@mutation(unscoped=True)
def recompute_value_tiers(ctx: Context, input: RecomputeValueTiersInput) -> RecomputeValueTiersPayload:
    """Ranks all customers again and assigns their tiers and classes.

    Rules T1, T6, T7, T11.
    """
    quotas = _checked(input)
    basis = basis_of(ctx, input.measure, input.period_start, input.period_end)
    done = recompute(ctx, basis, quotas, input.list_moves)
    return RecomputeValueTiersPayload(
        measure=done.basis.measure,
        period_start=done.basis.start,
        period_end=done.basis.end,
        ranked=done.ranked,
        unmeasured=done.unmeasured,
        changed=done.changed,
        movements=[_movement(one) for one in done.movements],
        moves=[
            ValueTierMove(
                customer=one.customer_id,
                previous=one.previous,
                tier=one.tier,
                previous_rank=one.previous_rank,
                rank=one.rank,
                previous_value=one.previous_value,
                value=one.value,
                cause=one.cause,
            )
            for one in done.moves
        ],
        warnings=_warnings(done),
    )


def _warnings(done: TiersRecomputed) -> list[UserError]:
    """What those who rank must know about customers that bought but cannot be ranked (X24)."""
    if not done.unmeasured:
        return []
    missing, remedy = {
        Measure.PROFIT: (term("cost"), sentence("enter costs, or rank by REVENUE")),
        Measure.USAGE: (term("quantity"), sentence("enter quantities, or rank by REVENUE")),
    }[done.basis.measure]
    message = sentence(
        "measure: {unmeasured} customers that bought are not ranked, because no {missing} is known of what they "
        "bought; {remedy}",
        unmeasured=done.unmeasured,
        missing=missing,
        remedy=remedy,
    )
    return [UserError("NOT_MEASURED", message, ("measure",), warning=True)]


def _movement(one: Movement) -> ValueTierMovement:
    return ValueTierMovement(previous=one.previous, tier=one.tier, customers=one.customers)


def _checked(input: RecomputeValueTiersInput) -> Quotas | None:
    """Returns the shares to try.

    Raises:
        Reject: the input contradicts itself.
    """
    problems, quotas = [], None
    if input.period_start and input.period_end and input.period_end < input.period_start:
        message = sentence(
            "periodEnd: {period_end} is before the first day; give {period_start} or a later day",
            period_end=input.period_end,
            period_start=input.period_start,
        )
        problems.append(UserError("INVALID", message, ("periodEnd",)))
    if not 0 <= input.list_moves <= 1000:
        message = sentence("listMoves: {list_moves} is not between 0 and 1000", list_moves=input.list_moves)
        problems.append(UserError("INVALID", message, ("listMoves",)))
    if input.quotas is not None and not input.dry_run:
        setting = "GUANXI_PLUGINS__VALUE_TIERING__QUOTAS"
        message = sentence(
            "quotas: they are only tried; give dryRun: true, and set {setting} to apply them", setting=setting
        )
        problems.append(UserError("INVALID", message, ("quotas",)))
    elif input.quotas is not None:
        given = input.quotas
        shares = {"important": given.important, "main": given.main, "ordinary": given.ordinary, "small": given.small}
        if min(shares.values()) < 0 or sum(shares.values()) != 100:
            message = sentence("quotas: {known} are not shares that sum to 100", known=list(shares.values()))
            problems.append(UserError("INVALID", message, ("quotas",)))
        else:
            quotas = Quotas(**shares)
    if problems:
        raise Reject(*problems)
    return quotas


@query(permission=VALUE, unscoped=True)
def value_tier_movements(
    ctx: Context,
    first_day: Annotated[date, strawberry.argument(description="Day at whose end the earlier tiers are taken.")],
    last_day: Annotated[date, strawberry.argument(description="Day at whose end the later tiers are taken.")],
) -> list[ValueTierMovement]:
    """Counts the customers that moved between tiers from the end of one day to the end of another.

    Rule T1.
    """
    today = ctx.clock.today()
    if last_day > today:
        message = sentence(
            "lastDay: {last_day} is in the future; give {today} or an earlier day", last_day=last_day, today=today
        )
        raise Reject(UserError("INVALID", message, ("lastDay",)))
    if last_day < first_day:
        message = sentence(
            "lastDay: {last_day} is before the first day; give {first_day} or a later day",
            last_day=last_day,
            first_day=first_day,
        )
        raise Reject(UserError("INVALID", message, ("lastDay",)))
    return [_movement(one) for one in movements_between(ctx, first_day, last_day)]
