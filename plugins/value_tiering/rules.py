"""The rules of value tiering: pure functions, from expressions to an expression where SQL needs them."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import and_, case, false, func, literal, null, or_

from guanxi.sql import Expression, rounded_ratio, whole
from plugins.value_tiering.models import (
    AbandonmentReason,
    AbcClass,
    AccountClass,
    SmallKind,
    TierSource,
    ValueQuadrant,
    ValueTier,
)
from plugins.value_tiering.settings import AssessmentWeights, Measure

#: Account class by quadrant (T7).
CLASS_OF_QUADRANT: Mapping[ValueQuadrant, AccountClass] = {
    ValueQuadrant.HIGH_HIGH: AccountClass.MAJOR,
    ValueQuadrant.LOW_HIGH: AccountClass.NAMED,
    ValueQuadrant.HIGH_LOW: AccountClass.NON_NAMED,
    ValueQuadrant.LOW_LOW: AccountClass.MASS_MARKET,
}
#: Account class by tier, where the potential is not known (T7, X1).
CLASS_OF_TIER: Mapping[ValueTier, AccountClass] = {
    ValueTier.IMPORTANT: AccountClass.MAJOR,
    ValueTier.MAIN: AccountClass.NAMED,
    ValueTier.ORDINARY: AccountClass.NON_NAMED,
    ValueTier.SMALL: AccountClass.MASS_MARKET,
}
#: ABC class by tier (T11).
ABC_OF_TIER: Mapping[ValueTier, AbcClass] = {
    ValueTier.IMPORTANT: AbcClass.CLASS_A,
    ValueTier.MAIN: AbcClass.CLASS_A,
    ValueTier.ORDINARY: AbcClass.CLASS_B,
    ValueTier.SMALL: AbcClass.CLASS_C,
}


def current_value(measure: Expression, revenue: Expression, profit: Expression) -> Expression:
    """The current value in money (T6): profit, or revenue where customers are ranked by revenue or usage."""
    return case((measure == Measure.PROFIT.value, profit), else_=revenue)


def known_current(current: Expression, revenue: Expression) -> Expression:
    """The current value (T6), 0 where nothing was ever bought; null where it is not known."""
    return func.coalesce(current, case((revenue.is_(None), 0), else_=null()))


def measured(measure: Expression, current: Expression, usage: Expression) -> Expression:
    """The value customers are ranked by (X24); null where there is no data, so that they are not ranked.

    Args:
        measure: as set.
        current: current value in minor units.
        usage: in ten-thousandths.
    """
    return case((measure == Measure.USAGE.value, usage), else_=current)


def tier_of_rank(rank: Expression, ranked: Expression, boundaries: tuple[int, int, int]) -> Expression:
    """The tier of a rank (T1): each tier ends at the number of its cumulative share, rounded up.

    Args:
        rank: from 1, the most valuable first.
        ranked: how many are ranked.
        boundaries: cumulative shares in percent at which important, main and ordinary end.
    """
    important, main, ordinary = ((ranked * share + 99) // 100 for share in boundaries)
    return case(
        (rank.is_(None), null()),
        (rank <= important, ValueTier.IMPORTANT.value),
        (rank <= main, ValueTier.MAIN.value),
        (rank <= ordinary, ValueTier.ORDINARY.value),
        else_=ValueTier.SMALL.value,
    )


def steady_tier(
    previous: Expression, rank: Expression, ranked: Expression, boundaries: tuple[int, int, int], margin: int
) -> Expression:
    """The tier of a rank, or the previous one while the rank is beyond its boundaries by no more than a margin (T1).

    Args:
        previous: tier by rank so far; null for none.
        rank, ranked, boundaries: as of `tier_of_rank`.
        margin: in percent of those ranked, rounded down.
    """
    due = tier_of_rank(rank, ranked, boundaries)
    if not margin:
        return due
    ends = [(ranked * share + 99) // 100 for share in boundaries]
    beyond = ranked * margin // 100
    within = [
        and_(previous == tier.value, rank > first - beyond, rank <= last + beyond)
        for tier, first, last in zip(ValueTier, [literal(0), *ends], [*ends, ranked], strict=True)
    ]
    return case((and_(rank.is_not(None), or_(*within)), previous), else_=due)


def is_override_active(tier: Expression, until: Expression, as_of: Expression) -> Expression:
    """Whether a tier set by hand is in force on a day; its last day included."""
    return and_(tier.is_not(None), or_(until.is_(None), until >= as_of))


def is_key_customer(tier: Expression) -> Expression:
    """Whether a customer is key, that is, important or main (T2, X23); null without a tier."""
    key = tier.in_([ValueTier.IMPORTANT.value, ValueTier.MAIN.value])
    return case((tier.is_(None), null()), (key, True), else_=False)


def value_quadrant(
    current: Expression, potential: Expression, current_threshold: Expression, potential_threshold: Expression
) -> Expression:
    """Quadrant of current and potential value (T6): a value equal to its threshold is high; null if one is unknown.

    A customer that has bought nothing has a current value of 0.
    """
    high_current, high_potential = current >= current_threshold, potential >= potential_threshold
    known = and_(high_current.is_not(None), high_potential.is_not(None))
    return case(
        (~known, null()),
        (and_(high_current, high_potential), ValueQuadrant.HIGH_HIGH.value),
        (high_current, ValueQuadrant.HIGH_LOW.value),
        (high_potential, ValueQuadrant.LOW_HIGH.value),
        else_=ValueQuadrant.LOW_LOW.value,
    )


def account_class(quadrant: Expression, tier: Expression) -> Expression:
    """Account class by quadrant where the potential is known, else by tier (T7, X1)."""
    by_tier = case({tier_.value: class_.value for tier_, class_ in CLASS_OF_TIER.items()}, value=tier, else_=null())
    by_quadrant = {quadrant_.value: class_.value for quadrant_, class_ in CLASS_OF_QUADRANT.items()}
    return case(by_quadrant, value=quadrant, else_=by_tier)


def abc_of_tier(tier: Expression) -> Expression:
    """ABC class as a view of the tiers (T11)."""
    return case({tier_.value: class_.value for tier_, class_ in ABC_OF_TIER.items()}, value=tier, else_=null())


def abc_of_share(value_before: Expression, total: Expression, a_below: int, b_below: int) -> Expression:
    """ABC class by the combined share of total value of more valuable customers (T11).

    Args:
        value_before: sum of the values of those that rank before.
        total: sum of all values.
        a_below, b_below: shares in percent.
    """
    return case(
        (value_before * 100 < total * a_below, AbcClass.CLASS_A.value),
        (value_before * 100 < total * b_below, AbcClass.CLASS_B.value),
        else_=AbcClass.CLASS_C.value,
    )


def median(values: Sequence[int]) -> int | None:
    """The middle one of sorted values, or the mean of the middle two, rounded half up; None without values."""
    if not values:
        return None
    middle = len(values) // 2
    if len(values) % 2:
        return values[middle]
    return (values[middle - 1] + values[middle] + 1) // 2


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """A part in percent of the whole with two places (T2); None if the whole is 0."""
    return None if not whole else (part * 100 / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


def tier_source(
    tier: Expression, ranked: Expression, override: Expression, until: Expression, as_of: Expression
) -> Expression:
    """Whether a tier is ranked or set by hand (T1); null without a tier.

    One set by hand is in force until it is replaced by that by rank, as the day after its last one begins.
    """
    is_in_force = and_(tier == override, or_(is_override_active(override, until, as_of), tier.is_distinct_from(ranked)))
    return case((tier.is_(None), null()), (is_in_force, TierSource.MANUAL.value), else_=TierSource.RANKED.value)


def small_kind(tier: Expression, is_low_credit: Expression) -> Expression:
    """The kind of a small customer (T5): low credit if known, else low profit; null for others."""
    return case(
        (tier.is_distinct_from(ValueTier.SMALL.value), null()),
        (is_low_credit, SmallKind.LOW_CREDIT.value),
        else_=SmallKind.LOW_PROFIT.value,
    )


def abandonment_reasons(
    *,
    tier: Expression,
    profit: Expression,
    cannot_perform_contract: Expression,
    negative_influence: Expression,
    potential: Expression,
    high_potential: Expression,
) -> dict[AbandonmentReason, Expression]:
    """The conditions for abandoning a customer, by reason (T5); never null.

    Only small customers qualify, and none with a high potential (X16). An unknown profit is not a reason.

    Args:
        tier: the one in force.
        profit: of all its transactions.
        cannot_perform_contract, negative_influence: as entered; null if not entered.
        potential: its potential value.
        high_potential: potential value from which on it counts as high.
    """
    may_go = and_(tier == ValueTier.SMALL.value, ~func.coalesce(potential >= high_potential, false()))
    said = {
        AbandonmentReason.NO_PROFIT: profit <= 0,
        AbandonmentReason.CANNOT_PERFORM_CONTRACT: cannot_perform_contract,
        AbandonmentReason.NEGATIVE_INFLUENCE: negative_influence,
    }
    return {reason: func.coalesce(and_(may_go, holds), false()) for reason, holds in said.items()}


def mean(*scores: Expression) -> Expression:
    """The mean of scores, in hundredths (T14); null where one is missing."""
    total = sum((whole(score) for score in scores[1:]), whole(scores[0]))
    return rounded_ratio(total, literal(len(scores)))


def value_score(
    current: Expression, future: Expression, behaviour: Expression, influence: Expression, weights: AssessmentWeights
) -> Expression:
    """The weighted value of a customer by profit and non-profit criteria, in hundredths (T14); null without a part."""
    parts = (
        whole(current) * weights.current,
        whole(future) * weights.future,
        whole(behaviour) * weights.behaviour,
        whole(influence) * weights.influence,
    )
    return rounded_ratio(sum(parts[1:], parts[0]), literal(100))
