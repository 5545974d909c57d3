"""The rules of revenue: grade, breadth and frequency of a customer, and the metrics of all of them."""

from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import and_, case, func, literal, null

from guanxi import Vocabulary
from guanxi.sql import Expression, rounded_ratio


# T16
class RevenueGrade(Vocabulary):
    """Grade of a customer by the revenue of a year."""

    SPECIAL = "SPECIAL", "From the higher threshold on, by default 500,000."
    PREMIUM = "PREMIUM", "From the lower threshold on, by default 200,000."
    NONE = "NONE", "Below."


# T17
class UsageBreadth(Vocabulary):
    """How many products a customer with a large revenue buys."""

    COMPREHENSIVE = "COMPREHENSIVE", "Large, of two or more products."
    SPECIALISED = "SPECIALISED", "Large, of a single product."
    NONE = "NONE", "Not large."


# T24
class SpendingBand(Vocabulary):
    """How much a customer spends in a year on what we sell, from us and from others."""

    HIGH = "HIGH", "From the higher threshold on, by default 1,000,000."
    MEDIUM = "MEDIUM", "From the lower threshold on, by default 200,000."
    LOW = "LOW", "Below."


#: Last rank by revenue that is one of the top 100 (T16).
TOP = 100


def revenue_grade(revenue: Expression, special: Expression, premium: Expression) -> Expression:
    """The grade of a year's revenue (T16); a revenue equal to its threshold has the grade. No revenue has none.

    Args:
        revenue: in minor units; null for none.
        special, premium: thresholds in minor units.
    """
    return case(
        (revenue >= special, RevenueGrade.SPECIAL.value),
        (revenue >= premium, RevenueGrade.PREMIUM.value),
        else_=RevenueGrade.NONE.value,
    )


def is_top(rank: Expression) -> Expression:
    """Whether a rank by revenue is one of the top 100 (T16); without a rank it is not."""
    return func.coalesce(rank <= TOP, False)


def spending_band(total: Expression, revenue: Expression, high: Expression, medium: Expression) -> Expression:
    """The band of what a customer spends in a year (T24); a value equal to a threshold is in the higher band.

    Args:
        total: all that it buys, if known, in minor units.
        revenue: what it bought from us; counts where all is not known, and where it is more.
        high, medium: thresholds in minor units.
    """
    spent = case((func.coalesce(revenue > total, total.is_(None)), revenue), else_=total)
    return case(
        (spent.is_(None), null()),
        (spent >= high, SpendingBand.HIGH.value),
        (spent >= medium, SpendingBand.MEDIUM.value),
        else_=SpendingBand.LOW.value,
    )


def usage_breadth(grade: Expression, products: Expression) -> Expression:
    """The breadth of a customer (T17): its usage is large if its revenue has a grade.

    Args:
        grade: as of `revenue_grade`.
        products: number of different products bought in the year.
    """
    is_large = grade != RevenueGrade.NONE.value
    return case(
        (and_(is_large, products >= 2), UsageBreadth.COMPREHENSIVE.value),
        (and_(is_large, products == 1), UsageBreadth.SPECIALISED.value),
        else_=UsageBreadth.NONE.value,
    )


def orders_per_month(orders: Expression) -> Expression:
    """The orders of twelve months per month, in hundredths (T24)."""
    return rounded_ratio(func.coalesce(orders, 0) * 100, literal(12))


def share(part: int, whole: int) -> Decimal | None:
    """A part in percent of the whole with two places (T27); None if the whole is 0."""
    return None if not whole else (Decimal(part * 100) / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


def retention(churn: Decimal | None) -> Decimal | None:
    """What is left of 100 % after churn (T27)."""
    return None if churn is None else 100 - churn


def average(total: int, number: int) -> int:
    """The mean in minor units, rounded half up (T27); the number is positive."""
    return int((Decimal(total) / number).quantize(Decimal(1), ROUND_HALF_UP))
