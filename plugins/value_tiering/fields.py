"""The fields value tiering adds to customers."""

from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import literal, or_

from guanxi import Field, History, Money, MoneyExpression, Row
from guanxi.sql import Expression, names_where
from plugins.value_tiering import rules
from plugins.value_tiering.models import AbandonmentReason, CustomerValue, Policy, SmallKind, TierChange, TierSource


def fields(currency: str) -> Iterator[Field]:
    """Every field on Customer."""

    def money(minor: Expression) -> MoneyExpression:
        return MoneyExpression(minor, literal(currency), minor)

    def total(name: str) -> object:
        return lambda row: money(getattr(row.facet(CustomerValue), name))

    yield Field(
        "Customer.valueTier",
        CustomerValue.tier,
        "Value tier in force: the one set by hand while it lasts, else the tier by rank.",
        history=History(TierChange, "customer_id", "changed_at", "tier"),
    )
    yield Field("Customer.valueTierSince", CustomerValue.tier_since, "Day since which the tier has been in force.")
    yield Field("Customer.valueTierSource", _source, "Whether the tier is by rank or set by hand.", TierSource)
    yield Field("Customer.rankedValueTier", CustomerValue.ranked_tier, "The tier by rank alone.")
    yield Field("Customer.valueRank", CustomerValue.rank, "Rank by value, from 1; null without data.")
    yield Field("Customer.valueTierOverrideReason", CustomerValue.override_reason, "Why the tier was set by hand.")
    yield Field("Customer.valueTierOverrideBy", CustomerValue.override_by, "Who set the tier by hand.")
    yield Field("Customer.valueTierOverrideAt", CustomerValue.override_at, "When the tier was set by hand.")
    yield Field(
        "Customer.valueTierOverrideUntil",
        CustomerValue.override_until,
        "Last day of the tier set by hand; the tier by rank applies from the start of the next day of the business on.",
    )
    yield Field("Customer.isKeyCustomer", CustomerValue.is_key, "Whether it is a key customer: important or main.")
    yield Field(
        "Customer.lifetimeRevenue",
        total("revenue"),
        "Lifetime revenue: actual amounts of all its transactions with us.",
        Money,
    )
    yield Field(
        "Customer.lifetimeProfit",
        total("profit"),
        "Lifetime profit: actual amounts minus cost, where known, of all its transactions with us.",
        Money,
    )
    yield Field(
        "Customer.lifetimeUsage",
        CustomerValue.usage,
        "Lifetime usage: quantities of all its transactions with us.",
        Decimal,
    )
    yield Field(
        "Customer.currentValue",
        total("current"),
        "Current value: profit or revenue, by policy, of the period that counts; null where it is not known.",
        Money,
    )
    yield Field("Customer.potentialValue", CustomerValue.potential, "Potential value, as estimated.", writable=True)
    yield Field("Customer.valueQuadrant", CustomerValue.quadrant, "Quadrant of current value and potential value.")
    yield Field(
        "Customer.accountClass",
        CustomerValue.account_class,
        "Class in the account pyramid: by quadrant if the potential is known, else by tier.",
    )
    yield Field("Customer.abcClass", CustomerValue.abc_class, "Class by contribution to profit.")
    yield from _abandonment_fields()


def _abandonment_fields() -> Iterator[Field]:
    yield Field(
        "Customer.smallKind",
        lambda row: rules.small_kind(row.facet(CustomerValue).tier, row.other("Customer.isLowCredit", bool)),
        "Kind of small customer: low credit if it is scored as such, else low profit; null for others.",
        SmallKind,
    )
    yield Field(
        "Customer.hasNegativeInfluence",
        CustomerValue.negative_influence,
        "Whether it has a negative influence, as judged by a person.",
        writable=True,
    )
    yield Field(
        "Customer.abandonmentReasons",
        lambda row: names_where([(reason.value, holds) for reason, holds in _reasons(row).items()]),
        "Reasons for recommending to abandon it; empty if there are none.",
        list[AbandonmentReason],
    )
    yield Field(
        "Customer.isAbandonmentRecommended",
        lambda row: or_(*_reasons(row).values()),
        "Whether abandoning it is recommended; a person has to confirm it.",
        bool,
    )
    yield Field(
        "Customer.abandonmentConfirmedReason",
        CustomerValue.abandoned_reason,
        "Reason given when abandonment was confirmed.",
    )
    yield Field("Customer.abandonmentConfirmedBy", CustomerValue.abandoned_by, "Who confirmed the abandonment.")
    yield Field("Customer.abandonmentConfirmedAt", CustomerValue.abandoned_at, "When the abandonment was confirmed.")


def _reasons(row: Row) -> dict[AbandonmentReason, Expression]:
    facet = row.facet(CustomerValue)
    return rules.abandonment_reasons(
        tier=facet.tier,
        profit=facet.profit,
        cannot_perform_contract=row.other("Customer.cannotPerformContract", bool),
        negative_influence=facet.negative_influence,
        potential=facet.potential.reporting,
        high_potential=row.joined(Policy, "id", literal(1)).potential_threshold,
    )


def _source(row: Row) -> Expression:
    facet = row.facet(CustomerValue)
    return rules.tier_source(facet.tier, facet.ranked_tier, facet.override_tier, facet.override_until, row.as_of)
