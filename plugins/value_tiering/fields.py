"""The fields value tiering adds to customers."""

from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import literal

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.sql import Expression
from plugins.value_tiering import rules
from plugins.value_tiering.models import CustomerValue, TierSource
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


def _source(row: Row) -> Expression:
    facet = row.facet(CustomerValue)
    return rules.tier_source(facet.tier, facet.override_tier, facet.override_until, row.as_of)
