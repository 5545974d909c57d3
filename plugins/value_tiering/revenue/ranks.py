"""Ranks by the revenue of twelve months, worked out for all customers at once (T16)."""

from datetime import timedelta

from sqlalchemy import func, select

from guanxi import Context
from guanxi.records import Customer
from guanxi.rules import months_before
from plugins.value_tiering.models import CustomerValue
from plugins.value_tiering.ranking.measures import customers, sales, upsert, values


def rank_by_revenue(ctx: Context) -> int:
    """Ranks the customers with a revenue in the twelve months that end today; returns how many."""
    today = ctx.clock.today()
    first = months_before(today, 12) + timedelta(days=1)
    revenue = func.sum(sales.actual_amount_reporting)
    ranked = (
        select(
            sales.customer_id.label("id"),
            func.row_number().over(order_by=[revenue.desc(), sales.customer_id]).label("place"),
        )
        .join(Customer.__table__, customers.id == sales.customer_id)
        .where(sales.deleted_at.is_(None), customers.deleted_at.is_(None), sales.occurred_on.between(first, today))
        .group_by(sales.customer_id)
        .having(revenue > 0)
        .subquery()
    )
    due = (
        select(customers.id, ranked.c.place)
        .select_from(
            Customer.__table__.outerjoin(ranked, ranked.c.id == customers.id).outerjoin(
                CustomerValue.__table__, values.record_id == customers.id
            )
        )
        # Only rows that differ, so that no other is locked.
        .where(values.revenue_rank.is_distinct_from(ranked.c.place))
    )
    upsert(ctx.session, due, ["revenue_rank"])
    count: int = ctx.session.scalar(select(func.count()).select_from(ranked)) or 0
    return count
