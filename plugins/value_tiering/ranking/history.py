"""Changes of tier: kept in the history and announced, before they are made."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, literal, null, select

from guanxi import Context
from guanxi.records import Customer
from guanxi.sql import Expression, new_stem, numbered
from plugins.value_tiering import rules
from plugins.value_tiering.models import TierChange, TierChangeReason
from plugins.value_tiering.ranking.classes import Columns
from plugins.value_tiering.ranking.measures import policy, settings_of

TIER_CHANGED = "VALUE_TIER_CHANGED"


def holding_tier(ctx: Context, columns: Columns) -> Expression:
    """The tier due: the one set by hand while it lasts, else the one by rank (T1)."""
    today = literal(ctx.clock.today())
    active = rules.is_override_active(columns.override_tier, columns.override_until, today)
    return case((active, columns.override_tier), else_=columns.ranked_tier)


def announce(
    ctx: Context,
    columns: Columns,
    reason: TierChangeReason,
    among: Sequence[ColumnElement[bool]],
    note: str | None = None,
) -> None:
    """Keeps each change of tier in the history and announces it, before it is made.

    A tier that is set by hand is kept even if it is the one in force, because its reason is news.
    """
    tier = holding_tier(ctx, columns)
    moving = [columns.tier.is_distinct_from(tier), *among]
    _write_history(ctx, columns, reason, among if reason is TierChangeReason.OVERRIDDEN else moving, note)
    ctx.publish_each(
        TIER_CHANGED,
        Customer,
        select(
            columns.record_id,
            columns.tier.label("previous"),
            tier.label("current"),
            literal(reason.value).label("reason"),
        ).where(*moving),
    )


def _write_history(
    ctx: Context,
    columns: Columns,
    reason: TierChangeReason,
    moving: Sequence[ColumnElement[bool]],
    note: str | None,
) -> None:
    now, actor = ctx.clock.now(), ctx.actor.id
    measure = func.coalesce(
        select(policy.measure).where(policy.id == 1).scalar_subquery(), settings_of(ctx).measure.value
    )
    stored = TierChange.__table__.c
    expired = and_(columns.override_tier.is_not(None), columns.override_until < ctx.clock.today())
    because: Expression = literal(reason.value)
    if reason is TierChangeReason.RECOMPUTED:
        because = case((expired, literal(TierChangeReason.OVERRIDE_EXPIRED.value)), else_=because)
    row: dict[str, Any] = {
        "id": numbered(new_stem(TierChange.__prefix__), func.row_number().over(order_by=columns.record_id) - 1),
        "version": literal(1),
        "created_at": literal(now, stored.created_at.type),
        "created_by": literal(actor),
        "updated_at": literal(now, stored.updated_at.type),
        "updated_by": literal(actor),
        "customer_id": columns.record_id,
        "previous_tier": columns.tier,
        "tier": holding_tier(ctx, columns),
        "reason": because,
        "note": literal(note, stored.note.type) if note is not None else null(),
        "rank": columns.rank,
        "measure": measure,
        "value": columns.ranked_value,
        "changed_at": literal(now, stored.changed_at.type),
        "changed_by": literal(actor),
    }
    rows = select(*row.values()).where(*moving)
    ctx.session.execute(insert(TierChange).from_select(list(row), rows))
