"""The jobs of forecasting: complete the pipeline's history, take snapshots, forecast, train and predict."""

from collections.abc import Iterator
from datetime import timedelta

from guanxi import Context, Job
from guanxi.vocabulary import DateGrain
from plugins.forecasting.models import ForecastRun
from plugins.forecasting.outlook.methods import make
from plugins.forecasting.past.history import reconcile
from plugins.forecasting.past.snapshots import is_snapshot_due, take_snapshot
from plugins.forecasting.shared.reports import money
from plugins.forecasting.shared.rules import rounded
from plugins.forecasting.shared.vocabulary import ForecastMethod, SnapshotKind
from plugins.forecasting.win_model.storage import keep_model


def jobs() -> Iterator[Job]:
    """The jobs of forecasting."""
    yield Job(
        "pipeline_snapshots",
        timedelta(days=1),
        keep_pipeline,
        "Completes the pipeline's history; takes a snapshot and makes a forecast by each method once per period.",
    )
    yield Job(
        "win_model",
        timedelta(days=1),
        keep_model,
        "Updates the predictions of open opportunities; trains a new win probability model when the last one is old.",
    )


def keep_pipeline(ctx: Context) -> str:
    """Brings the past up to date, and keeps this moment if its period has no snapshot yet."""
    told = f"{reconcile(ctx)} opportunities brought up to date"
    if not is_snapshot_due(ctx):
        return told
    snapshot = take_snapshot(ctx, SnapshotKind.SCHEDULED)
    for method in ForecastMethod:
        _keep_forecast(ctx, method)
    return f"{told}; snapshot {snapshot.id} of {snapshot.open_count} open ones"


def _keep_forecast(ctx: Context, method: ForecastMethod) -> None:
    made = make(ctx, method, ctx.clock.today(), DateGrain.MONTH)
    ctx.session.add(
        ForecastRun(
            method=method,
            grain=made.grain,
            period_start=made.first,
            period_end=made.last,
            as_of=made.as_of,
            revenue=None if made.result.revenue is None else money(ctx, made.result.revenue),
            wins=None if made.result.wins is None else rounded(made.result.wins, 4),
            factors=[
                f"{factor.name} {factor.first} to {factor.last}: {'unknown' if factor.value is None else factor.value}"
                for factor in made.result.factors
            ],
            policy_version=ctx.settings.version,
        )
    )
