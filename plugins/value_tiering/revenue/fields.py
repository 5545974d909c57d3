"""The fields of what a customer bought within twelve months."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, and_, func, literal

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.records import Transaction
from guanxi.rules import months_before
from guanxi.sql import Expression
from plugins.value_tiering.revenue import rules
from plugins.value_tiering.settings import ValueTieringSettings


def revenue_fields(settings: ValueTieringSettings, currency: str) -> Iterator[Field]:
    """Every field of a year's revenue (T16, T17, T24)."""
    special, premium = (
        literal(Money(amount, currency).minor, BigInteger())
        for amount in (settings.special_grade_from, settings.premium_grade_from)
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
    yield Field("Customer.purchaseFrequency", frequency, "Orders per month over twelve months.", Decimal)


def _of_a_year(row: Row, value: Callable[[Row], Expression]) -> Expression:
    """An aggregate over the transactions of the twelve months that end on the day of the request."""
    after = row.bind(_a_year_before, date)
    return row.over(
        Transaction, "customer_id", value, lambda sale: and_(sale.occurred_on > after, sale.occurred_on <= row.as_of)
    )


def _a_year_before(now: datetime) -> date:
    return months_before(now.date(), 12)
