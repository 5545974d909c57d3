"""The fields of targets and purchases: our sales of their year, our share, and attainment."""

from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import BigInteger, func, literal

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.records import Transaction
from guanxi.sql import Expression, whole
from plugins.value_tiering.targets import rules
from plugins.value_tiering.targets.models import PurchaseTotal
from plugins.value_tiering.years import fiscal_year, this_year


def target_fields(currency: str) -> Iterator[Field]:
    """Every field of targets and purchases (T8, T9)."""

    def money(minor: Expression) -> MoneyExpression:
        return MoneyExpression(minor, literal(currency), minor)

    yield Field(
        "PurchaseTotal.sales", lambda row: money(_sales(row, row.year)), "What it bought from us that year.", Money
    )
    yield Field(
        "PurchaseTotal.shareOfWallet",
        lambda row: rules.share_of_wallet(_sales(row, row.year), row.total.reporting),
        "Our share of all its purchases in percent; null if they are 0.",
        Decimal,
    )
    yield Field(
        "CustomerTarget.sales", lambda row: money(_sales(row, row.year)), "What it bought from us that year.", Money
    )
    yield Field(
        "CustomerTarget.shareOfWallet",
        lambda row: rules.share_of_wallet(_sales(row, row.year), _purchases(row, row.year)),
        "Our share of all its purchases of that year in percent; null where they are not known.",
        Decimal,
    )
    yield Field(
        "CustomerTarget.attainment",
        _attainment,
        "What is reached in percent of the target, by its kind alone; null where the share is not known.",
        Decimal,
    )
    yield Field(
        "Customer.purchasesYear",
        _latest_year,
        "The latest year so far of which all that it buys is known.",
        int,
    )
    yield Field(
        "Customer.annualPurchaseTotal",
        lambda row: money(latest_purchases(row)),
        "All that it bought from whomever in the latest year of which that is known.",
        Money,
    )
    yield Field(
        "Customer.shareOfWallet",
        lambda row: rules.share_of_wallet(_bought(row, _latest_year(row)), latest_purchases(row)),
        "Our share of all that it bought in that year, in percent.",
        Decimal,
    )


def latest_purchases(row: Row) -> Expression:
    """All that a customer bought in the latest year of which that is known, in minor reporting units."""
    return _purchases_of(row, _latest_year(row))


def _attainment(row: Row) -> Expression:
    return rules.attainment(
        row.kind,
        sales=_sales(row, row.year),
        total=_purchases(row, row.year),
        target_share=whole(row.target_share),
        target_revenue=row.target_revenue.reporting,
    )


def _latest_year(row: Row) -> Expression:
    return row.over(
        PurchaseTotal, "customer_id", lambda one: func.max(one.year), lambda one: one.year <= this_year(row)
    )


def _purchases(row: Row, year: Expression) -> Expression:
    return _purchases_of(row.as_fact().to("customer"), year)


def _purchases_of(customer: Row, year: Expression) -> Expression:
    return customer.over(
        PurchaseTotal,
        "customer_id",
        lambda one: func.max(one.total.reporting),
        lambda one: one.year == year,
    )


def _sales(row: Row, year: Expression) -> Expression:
    return _bought(row.as_fact().to("customer"), year)


def _bought(customer: Row, year: Expression) -> Expression:
    """What a customer bought from us in a year; 0 for nothing."""
    bought = customer.over(
        Transaction,
        "customer_id",
        lambda sale: func.sum(sale.actual_amount.reporting).cast(BigInteger),
        lambda sale: fiscal_year(sale.occurred_on) == year,
    )
    return func.coalesce(bought, 0)
