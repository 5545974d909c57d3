"""Moves between tiers: how many customers move, which and why, by a recompute or between two days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Subquery, Table, and_, case, func, or_, select

from guanxi import Context, Vocabulary
from plugins.value_tiering.models import CustomerValue, Policy, TierChange, ValueTier
from plugins.value_tiering.ranking.history import holding_tier
from plugins.value_tiering.ranking.measures import Basis, values

changes = TierChange.__table__.c


class MoveCause(Vocabulary):
    """Why a customer moves to another tier."""

    OVERRIDE_EXPIRED = "OVERRIDE_EXPIRED", "The tier set by hand has expired."
    ENTERED = "ENTERED", "It was not ranked before."
    LEFT = "LEFT", "It is no longer ranked."
    BASIS = "BASIS", "Customers are ranked by another measure or period than last time."
    VALUE = "VALUE", "Its own value changed."
    OTHERS = "OTHERS", "Its value is the same, but those of others changed."
    SHARES = "SHARES", "Its rank is the same, but the tiers end elsewhere."


@dataclass(frozen=True, slots=True)
class Movement:
    """Number of customers moving from one tier to another."""

    previous: ValueTier | None
    tier: ValueTier | None
    customers: int


@dataclass(frozen=True, slots=True)
class TierMove:
    """A customer that moves to another tier, with its rank and value by which it was and is ranked."""

    customer_id: str
    previous: ValueTier | None
    tier: ValueTier | None
    previous_rank: int | None
    rank: int | None
    previous_value: Decimal | None
    value: Decimal | None
    cause: MoveCause


def moves_of(ctx: Context, ranking: Table, last: Policy | None, basis: Basis, limit: int) -> Sequence[TierMove]:
    """Lists who moves and why, before it is done: the highest rank first.

    Args:
        last: policy of the last recompute.
        basis: what customers are ranked by now.
        limit: how many at most.
    """
    if not limit:
        return []
    new, tier = ranking.c, holding_tier(ctx, ranking.c)
    is_same_basis = last is None or basis == Basis(last.measure, last.period_start, last.period_end)
    cause = case(
        (
            and_(new.override_tier.is_not(None), new.override_until < ctx.clock.today()),
            MoveCause.OVERRIDE_EXPIRED.value,
        ),
        (values.rank.is_(None), MoveCause.ENTERED.value),
        (new.rank.is_(None), MoveCause.LEFT.value),
        *([] if is_same_basis else [(values.rank.is_not(None), MoveCause.BASIS.value)]),
        (values.ranked_value.is_distinct_from(new.ranked_value), MoveCause.VALUE.value),
        (values.rank != new.rank, MoveCause.OTHERS.value),
        else_=MoveCause.SHARES.value,
    )
    rows = ctx.session.execute(
        select(new.record_id, new.tier, tier, values.rank, new.rank, values.ranked_value, new.ranked_value, cause)
        .select_from(ranking.outerjoin(CustomerValue.__table__, values.record_id == new.record_id))
        .where(new.tier.is_distinct_from(tier))
        .order_by(func.coalesce(new.rank, values.rank), new.record_id)
        .limit(limit)
    )
    return [
        TierMove(id, old and ValueTier(old), due and ValueTier(due), last_rank, rank, last_value, value, MoveCause(why))
        for id, old, due, last_rank, rank, last_value, value, why in rows
    ]


def movements_of(ctx: Context, ranking: Table) -> list[Movement]:
    """Counts the movements of customers between tiers, before they are made."""
    moves = select(ranking.c.tier, holding_tier(ctx, ranking.c).label("new")).subquery()
    return _counted(ctx, moves)


def movements_between(ctx: Context, first_day: date, last_day: date) -> list[Movement]:
    """Counts the movements of customers between their tiers at the end of two days (T1)."""
    before, after = _tiers_at(ctx.calendar.end_of(first_day)), _tiers_at(ctx.calendar.end_of(last_day))
    moves = (
        select(before.c.tier, after.c.tier.label("new"))
        .select_from(after.outerjoin(before, before.c.customer_id == after.c.customer_id))
        .subquery()
    )
    return _counted(ctx, moves)


def _tiers_at(end: datetime) -> Subquery:
    """The tier of each customer that had one at a moment."""
    latest = func.row_number().over(
        partition_by=changes.customer_id, order_by=[changes.changed_at.desc(), changes.id.desc()]
    )
    numbered = (
        select(changes.customer_id, changes.tier, latest.label("place"))
        .where(changes.changed_at <= end, changes.deleted_at.is_(None))
        .subquery()
    )
    return select(numbered.c.customer_id, numbered.c.tier).where(numbered.c.place == 1).subquery()


def _counted(ctx: Context, moves: Subquery) -> list[Movement]:
    rows = ctx.session.execute(
        select(moves.c.tier, moves.c.new, func.count())
        .where(or_(moves.c.tier.is_not(None), moves.c.new.is_not(None)))
        .group_by(moves.c.tier, moves.c.new)
    )
    order = [*ValueTier, None]
    found = [
        Movement(ValueTier(old) if old else None, ValueTier(new) if new else None, count) for old, new, count in rows
    ]
    return sorted(found, key=lambda movement: (order.index(movement.previous), order.index(movement.tier)))
