"""The fields value tiering adds to customers."""

from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import func, literal, or_

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.sql import Expression, names_where, whole
from plugins.value_tiering import rules
from plugins.value_tiering.models import AbandonmentReason, CustomerValue, Policy, SmallKind, TierSource
from plugins.value_tiering.settings import ValueTieringSettings


def fields(settings: ValueTieringSettings, currency: str) -> Iterator[Field]:
    """Every field on Customer."""

    def money(minor: Expression) -> MoneyExpression:
        return MoneyExpression(minor, literal(currency), minor)

    def total(name: str) -> object:
        return lambda row: money(getattr(row.facet(CustomerValue), name))

    def current(row: Row) -> MoneyExpression:
        facet = row.facet(CustomerValue)
        return money(rules.current_value(settings.measure, facet.revenue, facet.profit))

    yield Field("Customer.valueTier", CustomerValue.tier, "Level by value brought to the enterprise (T1).")
    yield Field("Customer.valueTierSince", CustomerValue.tier_since, "Day since when the tier holds (T1).")
    yield Field("Customer.valueTierSource", _source, "Whether the tier is ranked or set by hand (T1).", TierSource)
    yield Field("Customer.rankedValueTier", CustomerValue.ranked_tier, "The tier that the rank alone gives (T1).")
    yield Field("Customer.valueRank", CustomerValue.rank, "Place by value, from 1; null without data (T1, X24).")
    yield Field("Customer.valueTierOverrideReason", CustomerValue.override_reason, "Why the tier was set by hand (T1).")
    yield Field("Customer.valueTierOverrideBy", CustomerValue.override_by, "Who set the tier by hand (T1).")
    yield Field("Customer.valueTierOverrideAt", CustomerValue.override_at, "When the tier was set by hand (T1).")
    yield Field(
        "Customer.valueTierOverrideUntil", CustomerValue.override_until, "Last day of the tier set by hand (T1)."
    )
    yield Field("Customer.isKeyCustomer", CustomerValue.is_key, "Important or main: a key customer (T2).")
    yield Field("Customer.totalRevenue", total("revenue"), "Sum of actual amounts of its transactions (T1).", Money)
    yield Field(
        "Customer.totalProfit", total("profit"), "Sum of actual amounts less cost, where the cost is known (T1).", Money
    )
    yield Field("Customer.totalUsage", CustomerValue.usage, "Sum of quantities of its transactions (X24).", Decimal)
    yield Field("Customer.currentValue", current, "Current value: profit or revenue, as the policy says (T6).", Money)
    yield Field(
        "Customer.potentialValue", CustomerValue.potential, "Potential value, as it is estimated (T6).", writable=True
    )
    yield Field("Customer.valueQuadrant", CustomerValue.quadrant, "Current value by potential value (T6).")
    yield Field(
        "Customer.accountClass",
        CustomerValue.account_class,
        "Level of the account pyramid: by quadrant where the potential is known, else by tier (T7, X1).",
    )
    yield Field("Customer.abcClass", CustomerValue.abc_class, "Class by contribution to profit (T11).")
    yield from _abandonment_fields()
    yield from _assessment_fields(settings)


def _abandonment_fields() -> Iterator[Field]:
    yield Field(
        "Customer.smallKind",
        lambda row: rules.small_kind(row.facet(CustomerValue).tier, row.other("Customer.isLowCredit", bool)),
        "What makes a small customer small: low credit, as far as it is scored, else low profit (T5).",
        SmallKind,
    )
    yield Field(
        "Customer.hasNegativeInfluence",
        CustomerValue.negative_influence,
        "Whether it has a negative influence, as somebody judged (T5).",
        writable=True,
    )
    yield Field(
        "Customer.abandonmentReasons",
        lambda row: names_where([(reason.value, holds) for reason, holds in _reasons(row).items()]),
        "Why it is recommended to abandon it; empty if it is not (T5, X16).",
        list[AbandonmentReason],
    )
    yield Field(
        "Customer.isAbandonmentRecommended",
        lambda row: or_(*_reasons(row).values()),
        "Whether it is recommended to abandon it; a recommendation that somebody has to confirm (T5, X16).",
        bool,
    )
    yield Field(
        "Customer.abandonmentConfirmedReason", CustomerValue.abandoned_reason, "What was said when it was abandoned."
    )
    yield Field("Customer.abandonmentConfirmedBy", CustomerValue.abandoned_by, "Who confirmed that it is abandoned.")
    yield Field("Customer.abandonmentConfirmedAt", CustomerValue.abandoned_at, "When that was confirmed (T5).")


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


def _assessment_fields(settings: ValueTieringSettings) -> Iterator[Field]:
    facet = CustomerValue
    for name, column, what in (
        ("currentValueScore", facet.current_score, "Current value"),
        ("futureValueScore", facet.future_score, "Future value"),
        ("creditworthinessScore", facet.creditworthiness, "Creditworthiness, where no credit score is known,"),
        ("relationshipScore", facet.relationship, "Relationship with us"),
        ("publicityScore", facet.publicity, "Publicity"),
        ("brandScore", facet.brand, "Brand"),
        ("networkScore", facet.network, "Network"),
        ("informationScore", facet.information, "Information"),
    ):
        yield Field(f"Customer.{name}", column, f"{what} as judged, 0 to 100 (T14).", writable=True)

    def creditworthiness(row: Row) -> Expression:
        scored = whole(row.other("Customer.creditScore", Decimal))
        return func.coalesce(scored, whole(row.facet(CustomerValue).creditworthiness))

    def behaviour(row: Row) -> Expression:
        return rules.mean(creditworthiness(row), row.facet(CustomerValue).relationship)

    def influence(row: Row) -> Expression:
        value = row.facet(CustomerValue)
        return rules.mean(value.publicity, value.brand, value.network, value.information)

    yield Field(
        "Customer.creditworthiness", creditworthiness, "Its credit score, else as judged, 0 to 100 (T14).", Decimal
    )
    yield Field("Customer.behaviourValue", behaviour, "Mean of creditworthiness and relationship (T14).", Decimal)
    yield Field(
        "Customer.influenceValue", influence, "Mean of publicity, brand, network and information (T14).", Decimal
    )
    yield Field(
        "Customer.valueAssessment",
        lambda row: rules.value_assessment(
            row.facet(CustomerValue).current_score,
            row.facet(CustomerValue).future_score,
            behaviour(row),
            influence(row),
            settings.assessment_weights,
        ),
        "Weighted value by profit and non-profit criteria, 0 to 100; null while a part is missing (T14).",
        Decimal,
    )


def _source(row: Row) -> Expression:
    facet = row.facet(CustomerValue)
    return rules.tier_source(facet.tier, facet.override_tier, facet.override_until, row.as_of)
