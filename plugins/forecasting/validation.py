"""What forecasting refuses: categories that only an outcome gives, and targets that are unclear or duplicate."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlmodel import col, select

from guanxi import Action, Changes, Context, UserError, sentence
from guanxi.calendar import last_of
from plugins.forecasting.models import SalesTarget
from plugins.forecasting.shared.vocabulary import ForecastCategory

_SCOPES = ("user_id", "team_id", "region")
_SCOPE_FIELDS = {"user_id": "userId", "team_id": "teamId", "region": "region"}


def category_problems(changes: Changes) -> Iterator[UserError]:
    """Why a category cannot be given by hand: closed is what is won."""
    for change in changes.of("Opportunity"):
        if change.after.get("forecastCategoryOverride") == ForecastCategory.CLOSED:
            message = sentence(
                "forecastCategoryOverride: CLOSED follows from winning; give COMMIT, BEST_CASE, PIPELINE or "
                "OMITTED, or move the opportunity to a stage that wins it"
            )
            yield UserError("INVALID", message, ("forecastCategoryOverride",), change.record)


def target_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Why a target is refused: its period begins elsewhere, it is of two at once, or there is one already."""
    seen: dict[tuple[Any, ...], SalesTarget] = {}
    for change in changes.of("SalesTarget", Action.CREATED, Action.UPDATED, Action.RESTORED):
        target: Any = change.record
        start = ctx.calendar.first_of(target.period_start, target.grain)
        if start != target.period_start:
            message = sentence(
                "periodStart: no {grain} begins on {period_start}; give {start}",
                grain=target.grain,
                period_start=target.period_start,
                start=start,
            )
            yield UserError("INVALID", message, ("periodStart",), target)
        named = [name for name in _SCOPES if getattr(target, name) is not None]
        if len(named) > 1:
            fields = [_SCOPE_FIELDS[name] for name in named]
            message = sentence(
                "{field}: a target is for one of them only; leave out {other} or {field}",
                field=fields[1],
                other=fields[0],
            )
            yield UserError("INVALID", message, (fields[1],), target)
        twin = seen.setdefault(mark(target), target)
        for other in [twin] if twin is not target else _twins(ctx, target):
            message = sentence("periodStart: {other_id} is already that target; change it instead", other_id=other.id)
            yield UserError("TAKEN", message, ("periodStart",), target)


def mark(target: SalesTarget) -> tuple[Any, ...]:
    """What only one living target has."""
    return target.metric, target.grain, target.period_start, target.user_id, target.team_id, target.region


def _twins(ctx: Context, target: SalesTarget) -> Sequence[SalesTarget]:
    same = [
        col(getattr(SalesTarget, name)).is_not_distinct_from(getattr(target, name))
        for name in ("metric", "grain", "period_start", *_SCOPES)
    ]
    rivals = select(SalesTarget).where(*same, col(SalesTarget.id) != target.id, col(SalesTarget.deleted_at).is_(None))
    return ctx.session.exec(rivals.limit(1)).all()


def settle_targets(changes: Changes) -> None:
    """Completes targets by the last day of their period."""
    for change in changes.of("SalesTarget", Action.CREATED, Action.UPDATED):
        target: Any = change.record
        target.period_end = last_of(target.period_start, target.grain)
