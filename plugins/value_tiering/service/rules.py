"""The rules of service: what the policy of a tier says, as expressions of the tier."""

from collections.abc import Callable

from sqlalchemy import and_, case, func, literal, null, or_

from guanxi.sql import Expression
from plugins.value_tiering.models import ValueQuadrant, ValueTier
from plugins.value_tiering.settings import ServiceMeasure, ServicePolicy, TierService


def by_tier(policy: ServicePolicy, tier: Expression, part: Callable[[TierService], str | int | None]) -> Expression:
    """A part of the policy of a tier (T4); null without a tier."""
    found = {tier_.value: part(policy.of(tier_)) for tier_ in ValueTier}
    return case({name: literal(value) for name, value in found.items() if value is not None}, value=tier, else_=null())


def recommended_measures(
    policy: ServicePolicy, tier: Expression, is_abandonment_recommended: Expression
) -> dict[ServiceMeasure, Expression]:
    """The conditions under which each measure is recommended (T4); giving up is recommended as by T5 alone."""
    conditions: dict[ServiceMeasure, Expression] = {
        measure: tier.in_([tier_.value for tier_ in ValueTier if measure in policy.of(tier_).measures])
        for measure in ServiceMeasure
    }
    abandon = ServiceMeasure.ABANDON
    conditions[abandon] = and_(conditions[abandon], is_abandonment_recommended)
    return {measure: func.coalesce(holds, False) for measure, holds in conditions.items()}


def is_contact_overdue(last: Expression, earliest: Expression) -> Expression:
    """Whether the last contact is further back than the cadence allows (X25).

    Null where no cadence applies; a customer that was never contacted is overdue.

    Args:
        last: moment of the last contact.
        earliest: moment from which on a contact is in time.
    """
    return case((earliest.is_(None), null()), else_=or_(last.is_(None), last < earliest))


def is_potential_neglected(quadrant: Expression, overdue: Expression) -> Expression:
    """Whether a low current value and a high potential go without contact in time (T6); never null."""
    return func.coalesce(and_(quadrant == ValueQuadrant.LOW_HIGH.value, overdue), False)
