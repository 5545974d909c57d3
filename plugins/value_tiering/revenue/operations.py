"""The metrics of the customer base: who stays, who buys again, and for how much."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

import strawberry
from sqlalchemy import BigInteger, and_, case, func, select

from guanxi import Context, Money, Reject, UserError, query, sentence
from guanxi.records import Customer, Transaction
from guanxi.sql import Expression
from plugins.value_tiering.models import VALUE
from plugins.value_tiering.revenue import rules
from plugins.value_tiering.settings import ValueTieringSettings

_sales = Transaction.__table__.c
_customers = Customer.__table__.c


@strawberry.type
class CustomerBaseReport:
    """How many customers stayed and bought again in a period, and for how much."""

    at_start: int = strawberry.field(description="Customers that bought within the lost-after days before the period.")
    lost: int = strawberry.field(description="Those of them that did not within the same days up to its end.")
    churn_rate: Decimal | None = strawberry.field(description="Lost in percent of those at the start.")
    retention_rate: Decimal | None = strawberry.field(description="100 minus the churn rate.")
    buyers: int = strawberry.field(description="Customers that bought in the period.")
    repeat_buyers: int = strawberry.field(description="Those of them that bought at least twice.")
    repeat_rate: Decimal | None = strawberry.field(description="Repeat buyers in percent of buyers.")
    orders: int = strawberry.field(description="Transactions in the period.")
    revenue: Money = strawberry.field(description="Their actual amounts.")
    average_order: Money | None = strawberry.field(description="Revenue per order; null without orders.")


@query(permission=VALUE, unscoped=True)
def customer_base_report(
    ctx: Context,
    first_day: Annotated[date, strawberry.argument(description="First day of the period.")],
    last_day: Annotated[date, strawberry.argument(description="Last day of the period.")],
) -> CustomerBaseReport:
    """Reports churn, retention, repeat purchases and the average order of a period.

    Rules T27, X26.
    """
    today = ctx.clock.today()
    if last_day > today:
        raise _refusal(
            "lastDay",
            sentence("{last_day} is in the future; give {today} or an earlier day", last_day=last_day, today=today),
        )
    if not date(1900, 1, 1) <= first_day <= last_day:
        raise _refusal(
            "firstDay",
            sentence("{first_day} is not between 1900-01-01 and the last day; give such a day", first_day=first_day),
        )
    settings: ValueTieringSettings = ctx.settings
    window = timedelta(days=settings.lost_after_days)

    def bought(after: date, until: date) -> Expression:
        return case((and_(_sales.occurred_on > after, _sales.occurred_on <= until), 1))

    eve = first_day - timedelta(days=1)
    in_period = bought(eve, last_day)
    each = (
        select(
            func.count(bought(eve - window, eve)).label("before"),
            func.count(bought(last_day - window, last_day)).label("after"),
            func.count(in_period).label("orders"),
            func.coalesce(func.sum(in_period * _sales.actual_amount_reporting), 0).cast(BigInteger).label("revenue"),
        )
        .join(Customer.__table__, _customers.id == _sales.customer_id)
        .where(_sales.deleted_at.is_(None), _customers.deleted_at.is_(None))
        .group_by(_sales.customer_id)
        .subquery()
        .c
    )
    lost = and_(each.before > 0, each.after == 0)
    counts = [each.before > 0, lost, each.orders > 0, each.orders > 1]
    totals = [func.coalesce(func.sum(total).cast(BigInteger), 0) for total in (each.orders, each.revenue)]
    row = ctx.session.execute(select(*(func.count(case((one, 1))) for one in counts), *totals)).one()
    start, gone, buyers, again, orders, revenue = row
    churn = rules.share(gone, start)
    currency = ctx.reporting_currency
    return CustomerBaseReport(
        at_start=start,
        lost=gone,
        churn_rate=churn,
        retention_rate=rules.retention(churn),
        buyers=buyers,
        repeat_buyers=again,
        repeat_rate=rules.share(again, buyers),
        orders=orders,
        revenue=Money.from_minor(revenue, currency),
        average_order=Money.from_minor(rules.average(revenue, orders), currency) if orders else None,
    )


def _refusal(field: str, message: str) -> Reject:
    return Reject(UserError("INVALID", sentence("{field}: {message}", field=field, message=message), (field,)))
