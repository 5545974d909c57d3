"""The fields of what a customer bought within twelve months."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, and_, case, func, literal, null

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.records import Transaction
from guanxi.rules import months_before
from guanxi.sql import Expression
from plugins.value_tiering.models import Comparison, CustomerValue
from plugins.value_tiering.revenue import rules
from plugins.value_tiering.settings import ValueTieringSettings
from plugins.value_tiering.targets.fields import latest_purchases


def revenue_fields(settings: ValueTieringSettings, currency: str) -> Iterator[Field]:
    """Every field of a year's revenue (T16, T17, T24)."""
    special, premium, high, medium = (
        literal(Money(amount, currency).minor, BigInteger())
        for amount in (
            settings.special_grade_from,
            settings.premium_grade_from,
            settings.high_spending_from,
            settings.medium_spending_from,
        )
    )

    def revenue(row: Row) -> Expression:
        return _of_a_year(row, lambda sale: func.sum(sale.actual_amount.reporting).cast(BigInteger))

    def money(row: Row) -> MoneyExpression:
        found = revenue(row)
        return MoneyExpression(found, literal(currency), found)

    def grade(row: Row) -> Expression:
        return rules.revenue_grade(revenue(row), special, premium)

    def breadth(row: Row) -> Expression:
        products = _of_a_year(row, lambda sale: func.count(sale.product_id.distinct()))
        return rules.usage_breadth(grade(row), products)

    def frequency(row: Row) -> Expression:
        return rules.orders_per_month(_of_a_year(row, lambda sale: func.count()))

    yield Field("Customer.yearlyRevenue", money, "Revenue of the twelve months that end today.", Money)
    yield Field("Customer.revenueGrade", grade, "Grade by the revenue of twelve months.", rules.RevenueGrade)
    yield Field(
        "Customer.usageBreadth", breadth, "Whether a large customer buys one product or more.", rules.UsageBreadth
    )
    yield Field(
        "Customer.spendingBand",
        lambda row: rules.spending_band(latest_purchases(row), revenue(row), high, medium),
        "Band of what it spends in a year: all its purchases if known, or what it buys from us if that is more.",
        rules.SpendingBand,
    )
    yield Field(
        "Customer.revenueRank",
        CustomerValue.revenue_rank,
        "Rank by the revenue of twelve months, from 1, as of `comparisonComputedAt`.",
    )
    yield Field(
        "Customer.isTop100",
        lambda row: rules.is_top(row.facet(CustomerValue).revenue_rank),
        "Whether it is one of the top 100 by `revenueRank`, as of `comparisonComputedAt`.",
        bool,
    )
    yield Field(
        "Customer.comparisonComputedAt",
        _compared_at,
        "When the daily job last compared it with the others: `revenueRank`, `isTop100` and `isOverReliedOn` are as of "
        "then; null before its first time.",
        datetime,
    )
    yield Field("Customer.purchaseFrequency", frequency, "Orders per month over twelve months.", Decimal)


def _compared_at(row: Row) -> Expression:
    last = row.joined(Comparison, "id", literal(1)).computed_at
    return case((row.created_at <= last, last), else_=null())


def _of_a_year(row: Row, value: Callable[[Row], Expression]) -> Expression:
    """An aggregate over the transactions of the twelve months that end on the day of the request."""
    after = row.bind(_a_year_before, date)
    return row.over(
        Transaction, "customer_id", value, lambda sale: and_(sale.occurred_on > after, sale.occurred_on <= row.as_of)
    )


def _a_year_before(now: datetime) -> date:
    return months_before(now.date(), 12)
