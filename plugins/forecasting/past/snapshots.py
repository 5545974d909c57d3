"""The pipeline of a past moment, by any field, and snapshots: moments with a name to come back to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import col, select

from guanxi import Context, Figures, InputError, sentence
from plugins.forecasting.models import PipelineSnapshot
from plugins.forecasting.shared.reports import Point, ReportKey, WhereInput, every, is_open, money
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import SnapshotKind


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The open pipeline at a moment, in groups."""

    point: Point
    groups: Sequence[Figures]


def point_of(ctx: Context, day: date | None, snapshot_id: str | None, field: str = "date") -> Point:
    """The moment that is asked for: the end of a day, a snapshot's, or now.

    Raises:
        InputError: both are given, the day is in the future, or there is no such snapshot.
    """
    if day is not None and snapshot_id is not None:
        raise InputError(sentence("{field}: give either date or snapshotId", field=field))
    if snapshot_id is not None:
        found = ctx.session.get(PipelineSnapshot, snapshot_id)
        if found is None:
            raise InputError(
                sentence(
                    "snapshotId: there is no snapshot {snapshot_id!r}; see the query pipelineSnapshots",
                    snapshot_id=snapshot_id,
                )
            )
        return Point(found.as_of, found.taken_at)
    if day is None:
        return Point(ctx.clock.now())
    if day > ctx.clock.today():
        raise InputError(
            sentence(
                "{field}: {day} is in the future; give {today} or an earlier day",
                field=field,
                day=day,
                today=ctx.clock.today(),
            )
        )
    return Point(ctx.calendar.end_of(day))


def pipeline(ctx: Context, point: Point, by: Sequence[ReportKey], where: WhereInput | None) -> Pipeline:
    """Returns the open pipeline at a moment, by keys of the states at that moment."""
    wanted = every(point.where(), is_open(), where)
    return Pipeline(point, ctx.groups("PipelineState", by, wanted, sum=["expectedAmount", "weightedAmount"]))


def take_snapshot(
    ctx: Context, kind: SnapshotKind, name: str | None = None, as_of: date | None = None
) -> PipelineSnapshot:
    """Saves the present moment, or the end of a past day as known now, with the totals of the pipeline.

    Raises:
        InputError: the day is in the future.
    """
    moment = point_of(ctx, as_of, None, "asOf").moment
    (whole,) = pipeline(ctx, Point(moment), (), None).groups
    snapshot = PipelineSnapshot(
        name=name,
        kind=kind,
        as_of=moment,
        taken_at=ctx.clock.now(),
        open_count=whole.count,
        open_amount=money(ctx, whole.sum["expectedAmount"]),
        weighted_amount=money(ctx, whole.sum["weightedAmount"]),
    )
    ctx.session.add(snapshot)
    ctx.session.flush()
    return snapshot


def is_snapshot_due(ctx: Context) -> bool:
    """Whether the period of the policy has no scheduled snapshot yet."""
    settings: ForecastingSettings = ctx.settings
    latest: datetime | None = ctx.session.exec(
        select(PipelineSnapshot.as_of)
        .where(col(PipelineSnapshot.kind) == SnapshotKind.SCHEDULED)
        .order_by(col(PipelineSnapshot.as_of).desc())
        .limit(1)
    ).first()
    start = ctx.calendar.first_of(ctx.clock.today(), settings.snapshot_grain)
    return latest is None or ctx.calendar.day_of(latest) < start
