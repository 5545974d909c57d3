"""Predictions of the model in use, stored with each open opportunity: when it changes, and by job."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from guanxi import Changes, Context
from guanxi.sql import Prepared, PreparedQuestion
from plugins.forecasting.models import OpportunityForecast, WinModel
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model.examples import open_now
from plugins.forecasting.win_model.model import Definition, Score, score

_BATCH = 500

_IN_USE = Prepared(select(col(WinModel.id)).where(col(WinModel.status) == ModelStatus.IN_USE).limit(1))


def model_in_use(ctx: Context) -> WinModel | None:
    """Returns the model in use, if there is one."""
    settings: ForecastingSettings = ctx.settings
    if not settings.use_model:
        return None
    return ctx.session.exec(select(WinModel).where(col(WinModel.status) == ModelStatus.IN_USE)).first()


def score_questions(ctx: Context, changes: Changes) -> Iterator[PreparedQuestion]:
    """What `score_changed` will ask."""
    if ctx.settings.use_model and _touched(changes):
        yield _IN_USE.asked()


def score_changed(ctx: Context, changes: Changes) -> None:
    """Predicts the opportunities that change, if there is a model to do so."""
    if touched := _touched(changes):
        rescore(ctx, touched)


def _touched(changes: Changes) -> set[str]:
    deals = {change.record.id for change in changes.of("Opportunity")}
    return deals | changes.ids("OpportunityContact", "opportunity_id")


def rescore(ctx: Context, ids: Collection[str] | None = None) -> int:
    """Updates predictions of open opportunities, these or all; returns how many changed."""
    if not ctx.settings.use_model or not ctx.rows(_IN_USE):
        return 0
    model = model_in_use(ctx)
    assert model is not None
    definition = Definition.from_json(model.definition)
    found = {id: score(definition, properties, ctx.reporting_currency) for id, properties in open_now(ctx, ids).items()}
    wanted = sorted(found)
    return sum(
        _keep(ctx, model.id, {id: found[id] for id in wanted[start : start + _BATCH]})
        for start in range(0, len(wanted), _BATCH)
    )


def _keep(ctx: Context, model_id: str, scores: Mapping[str, Score]) -> int:
    changed = 0
    for id, kept in ctx.facets(OpportunityForecast, scores.keys()).items():
        made = scores[id]
        changed += kept.model_probability != made.probability
        if (kept.model_probability, kept.model_reasons) != (made.probability, list(made.reasons)):
            kept.model_probability, kept.model_reasons = made.probability, list(made.reasons)
            kept.model_id, kept.scored_at = model_id, ctx.clock.now()
    ctx.session.flush()
    return changed


def forget(ctx: Context) -> None:
    """Clears all predictions: their model no longer exists."""
    facet = OpportunityForecast.__table__
    nothing: dict[str, Any] = {"model_probability": None, "model_reasons": [], "model_id": None, "scored_at": None}
    ctx.session.execute(update(facet).where(facet.c.model_id.is_not(None)).values(nothing))
