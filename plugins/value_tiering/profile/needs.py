"""What customers need, counted."""

from typing import Annotated

import strawberry
from sqlalchemy import FromClause, func, select

from guanxi import Context, Reject, UserError, query, sentence
from guanxi.records import Customer
from guanxi.sql import folded
from plugins.value_tiering.models import VALUE
from plugins.value_tiering.ranking.measures import customers


@strawberry.type
class CustomerNeed:
    """A need, and how many customers have it."""

    need: str = strawberry.field(description="The need, in one of its spellings.")
    customers: int = strawberry.field(description="Number of customers that have it.")


@query(permission=VALUE, unscoped=True)
def customer_needs(
    ctx: Context,
    first: Annotated[int, strawberry.argument(description="How many at most, from 1 to 1,000.")] = 50,
) -> list[CustomerNeed]:
    """Lists what customers need, the most frequent need first; spellings that differ in case only are one.

    Rule K4.
    """
    if not 1 <= first <= 1000:
        raise Reject(
            UserError("INVALID", sentence("first: {first} is not between 1 and 1000", first=first), ("first",))
        )
    needs = _needs(ctx)
    need = needs.c.value
    number = func.count(customers.id.distinct())
    rows = ctx.session.execute(
        select(func.min(need), number)
        .select_from(Customer.__table__.join(needs, customers.deleted_at.is_(None)))
        .group_by(folded(need))
        .order_by(number.desc(), func.min(need))
        .limit(first)
    )
    return [CustomerNeed(need=text, customers=count) for text, count in rows]


def _needs(ctx: Context) -> FromClause:
    """The needs of a customer as rows."""
    if ctx.session.get_bind().dialect.name == "postgresql":
        return func.jsonb_array_elements_text(customers.needs).table_valued("value").render_derived().lateral()
    return func.json_each(customers.needs).table_valued("value")
