"""Over-reliance: customers with a low potential that get more of a resource than planned (T6, T10)."""

import sqlmodel
from sqlalchemy import BigInteger, Subquery, and_, false, func, literal, or_, select, union_all
from sqlmodel import col

from guanxi import Context
from guanxi.calendar import Calendar
from guanxi.records import Customer, Interaction
from guanxi.sql import day_of, whole
from plugins.value_tiering.models import AccountClass, CustomerValue, ValueQuadrant
from plugins.value_tiering.ranking.measures import customers, upsert, values
from plugins.value_tiering.resources import rules
from plugins.value_tiering.resources.models import ResourceBudget, ResourceKind, ResourceUse
from plugins.value_tiering.years import days_of, year_of

_uses = ResourceUse.__table__.c
_talks = Interaction.__table__.c


#: In how many parts a unit is counted: hundredths, of which a minute of an hour is not a whole number.
PARTS = 6_000


def used(calendar: Calendar, year: int) -> Subquery:
    """What customers took of each resource in a year: `customer_id`, `kind`, and `quantity` in parts of its unit.

    The time of interactions is time; what is entered adds to it. Of funds the parts are sixtieths of minor units.
    """
    first, last = days_of(calendar, year)
    entered = select(
        _uses.customer_id,
        _uses.kind,
        (func.coalesce(whole(_uses.quantity), _uses.cost_reporting) * 60).label("quantity"),
    ).where(_uses.deleted_at.is_(None), _uses.used_on.between(first, last))
    talked = select(
        _talks.customer_id,
        literal(ResourceKind.TIME.value).label("kind"),
        (_talks.duration_minutes * 100).label("quantity"),
    ).where(
        _talks.deleted_at.is_(None),
        _talks.customer_id.is_not(None),
        _talks.duration_minutes.is_not(None),
        day_of(_talks.occurred_at).between(first, last),
    )
    return union_all(entered, talked).subquery()


def budgets_of(ctx: Context, year: int) -> dict[ResourceKind, ResourceBudget]:
    """The living budgets of a year, by kind."""
    of_year = sqlmodel.select(ResourceBudget).where(
        col(ResourceBudget.year) == year, col(ResourceBudget.deleted_at).is_(None)
    )
    return {budget.kind: budget for budget in ctx.session.exec(of_year).all()}


def judge_reliance(ctx: Context) -> int:
    """Marks the customers with a low potential that get more than their planned share; returns how many.

    It is judged by shares, of what was planned and of what was used so far this year, so that it can be judged on any
    day. A resource without a budget for this year is not judged.
    """
    year = year_of(ctx.calendar, ctx.clock.today())
    limits = _limits(ctx, year)
    taken = used(ctx.calendar, year).c
    own = (
        select(taken.customer_id, taken.kind, func.sum(taken.quantity).cast(BigInteger).label("quantity"))
        .group_by(taken.customer_id, taken.kind)
        .subquery()
        .c
    )
    above = [and_(own.kind == kind.value, own.quantity > limit) for kind, limit in limits.items()]
    relied = (
        select(own.customer_id)
        .join(CustomerValue.__table__, values.record_id == own.customer_id)
        .where(values.quadrant == ValueQuadrant.HIGH_LOW.value, or_(false(), *above))
        .distinct()
    )
    is_relied = customers.id.in_(relied)
    due = (
        select(customers.id, is_relied)
        .select_from(Customer.__table__.outerjoin(CustomerValue.__table__, values.record_id == customers.id))
        # Only rows that differ, so that no other is locked.
        .where(func.coalesce(values.over_reliance, false()) != is_relied)
    )
    upsert(ctx.session, due, ["over_reliance"])
    count: int = ctx.session.scalar(select(func.count()).where(values.over_reliance)) or 0
    return count


def _limits(ctx: Context, year: int) -> dict[ResourceKind, int]:
    """What a non-named account may use of each resource that has a budget; the quadrant HIGH_LOW is of that class."""
    budgets = budgets_of(ctx, year)
    if not budgets:
        return {}
    of_class = and_(values.account_class == AccountClass.NON_NAMED.value, customers.deleted_at.is_(None))
    members: int = (
        ctx.session.scalar(
            select(func.count())
            .select_from(CustomerValue.__table__.join(Customer.__table__, customers.id == values.record_id))
            .where(of_class)
        )
        or 0
    )
    taken = used(ctx.calendar, year).c
    totals = dict(
        ctx.session.execute(select(taken.kind, func.sum(taken.quantity).cast(BigInteger)).group_by(taken.kind)).all()
    )
    return {
        budget.kind: rules.planned_limit(totals[budget.kind], budget.non_named_share, members)
        for budget in budgets.values()
        if members and totals.get(budget.kind)
    }
