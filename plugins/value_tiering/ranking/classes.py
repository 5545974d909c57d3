"""Classes that follow from tier and values, and the thresholds of the quadrant."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import Subquery, Table, case, func, or_, select
from sqlmodel import Session

from guanxi import Context, Money
from guanxi.sql import Expression, Prepared, is_listed, whole
from plugins.value_tiering import rules
from plugins.value_tiering.models import CustomerValue, Policy
from plugins.value_tiering.ranking.measures import policy, settings_of, values
from plugins.value_tiering.settings import AbcPolicy, ValueTieringSettings

#: The columns of the facet, or of a ranking.
Columns = Any
#: From which current and which potential value on it counts as high.
Thresholds = tuple[int | None, int | None]


def thresholds_of(ctx: Context, ranking: Table) -> Thresholds:
    """Returns the thresholds of high current and potential value (T6): as set, else the median."""
    settings, columns = settings_of(ctx), ranking.c
    fixed = [
        None if amount is None else Money(amount, ctx.reporting_currency)
        for amount in (settings.current_value_threshold, settings.potential_value_threshold)
    ]
    least, session = settings.minimum_values, ctx.session
    return (
        _threshold(session, fixed[0], columns.current, columns.rank.is_not(None), least),
        _threshold(session, fixed[1], columns.potential_reporting, columns.is_member, least),
    )


def _threshold(session: Session, fixed: Money | None, value: Expression, counts: Expression, least: int) -> int | None:
    if fixed is not None:
        return fixed.minor
    known = [value.is_not(None), counts]
    count: int = session.scalar(select(func.count(value)).where(*known)) or 0
    if count < least:
        return None
    middle = select(value).where(*known).order_by(value).offset((count - 1) // 2).limit(2 - count % 2)
    return rules.median(list(session.scalars(middle)))


def classify(ctx: Context, ids: Collection[str]) -> None:
    """Assigns these customers the classes that follow from tier and values (T2, T6, T7, T11)."""
    ctx.change_rows(CustomerValue, ctx.rows(_stale_classes(settings_of(ctx)), ids=ids))


@lru_cache(20)
def _stale_classes(settings: ValueTieringSettings) -> Prepared:
    """The classes of these customers that are not what follows."""
    classes = classes_of(settings, values, values.tier, (policy.current_threshold, policy.potential_threshold))
    stale = or_(*(values[name].is_distinct_from(value) for name, value in classes.items()))
    return Prepared(
        select(values.record_id, *(value.label(name) for name, value in classes.items()))
        .select_from(CustomerValue.__table__.outerjoin(Policy.__table__, policy.id == 1))
        .where(is_listed(values.record_id, "ids"), stale)
    )


def classes_of(
    settings: ValueTieringSettings, columns: Columns, tier: Expression, thresholds: tuple[Expression, Expression]
) -> dict[str, Expression]:
    """The classes that follow from tier and values, by column (T2, T6, T7, T11)."""
    current, potential = thresholds
    quadrant = rules.value_quadrant(
        rules.known_current(columns.current, columns.revenue),
        columns.potential_reporting,
        current,
        potential,
    )
    classes: dict[str, Expression] = {
        "quadrant": quadrant,
        "account_class": rules.account_class(quadrant, tier),
        "is_key": rules.is_key_customer(tier),
    }
    if settings.abc_policy is AbcPolicy.TIER:
        classes["abc_class"] = rules.abc_of_tier(tier)
    return classes


def shares_of(settings: ValueTieringSettings, ranking: Table) -> Subquery:
    """The ABC class of ranked customers by cumulative share of total value (T11)."""
    columns = ranking.c
    value = whole(columns.ranked_value)
    positive = case((value > 0, value), else_=0)
    shares = (
        select(
            columns.record_id,
            (func.sum(positive).over(order_by=columns.rank) - positive).label("before"),
            func.sum(positive).over().label("total"),
        )
        .where(columns.rank.is_not(None))
        .subquery()
    )
    share = rules.abc_of_share(
        shares.c.before, shares.c.total, settings.abc_a_below_percent, settings.abc_b_below_percent
    )
    return select(shares.c.record_id, share.label("abc_class")).subquery()
