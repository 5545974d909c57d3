"""The fields that say how a customer is to be served."""

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta

from sqlalchemy import case, func, null

from guanxi import Field, Row
from guanxi.sql import Expression, names_where
from plugins.value_tiering.models import CustomerValue, ValueAlert, ValueTier
from plugins.value_tiering.service import rules
from plugins.value_tiering.settings import CoverageModel, ServiceMeasure, ServicePolicy


def service_fields(policy: ServicePolicy) -> Iterator[Field]:
    """Every field of service (T4, T6, X25)."""

    def measures(row: Row) -> Expression:
        tier = row.facet(CustomerValue).tier
        recommended = row.other("Customer.isAbandonmentRecommended", bool)
        holding = rules.recommended_measures(policy, tier, recommended)
        return names_where([(measure.value, holds) for measure, holds in holding.items()])

    def overdue(row: Row) -> Expression:
        earliest = {
            tier.value: row.bind(_start_of(days), datetime)
            for tier in ValueTier
            if (days := policy.of(tier).contact_days) is not None
        }
        due = case(earliest, value=row.facet(CustomerValue).tier, else_=null())
        return rules.is_contact_overdue(row.other("Customer.lastInteractionAt", datetime), due)

    yield Field(
        "Customer.recommendedMeasures", measures, "What is done for customers of its tier.", list[ServiceMeasure]
    )
    yield Field(
        "Customer.coverageModel",
        lambda row: rules.by_tier(policy, row.facet(CustomerValue).tier, lambda service: service.coverage.value),
        "How many of us look after it, by tier.",
        CoverageModel,
    )
    yield Field(
        "Customer.contactCadenceDays",
        lambda row: rules.by_tier(policy, row.facet(CustomerValue).tier, lambda service: service.contact_days),
        "Days within which it is to be contacted again, by tier; null where there is no cadence.",
        int,
    )
    yield Field(
        "Customer.isContactOverdue",
        overdue,
        "Whether its last interaction is longer ago than the cadence of its tier; null where there is none.",
        bool,
    )
    yield Field(
        "Customer.isPotentialNeglected",
        lambda row: rules.is_potential_neglected(row.facet(CustomerValue).quadrant, overdue(row)),
        "Whether its potential is high, its current value low, and its contact overdue.",
        bool,
    )
    yield Field(
        "Customer.isOverReliedOn",
        _over_reliance,
        "Whether it gets more of a resource than planned though its potential is low, as of `comparisonComputedAt`.",
        bool,
    )
    yield Field(
        "Customer.valueAlerts",
        lambda row: names_where(
            [
                (ValueAlert.OVER_RELIANCE.value, _over_reliance(row)),
                (
                    ValueAlert.NEGLECTED_POTENTIAL.value,
                    rules.is_potential_neglected(row.facet(CustomerValue).quadrant, overdue(row)),
                ),
            ]
        ),
        "What its current and potential value warn of, over-reliance as of `comparisonComputedAt`; empty for nothing.",
        list[ValueAlert],
    )


def _over_reliance(row: Row) -> Expression:
    return func.coalesce(row.facet(CustomerValue).over_reliance, False)


def _start_of(days: int) -> Callable[[datetime], datetime]:
    """The start of the day so many days before a moment, where the caller is."""

    def start(now: datetime) -> datetime:
        return datetime.combine(now.date() - timedelta(days=days), time(), now.tzinfo)

    return start
