"""Stored models: trained by job or by hand, used or refused, with calibration table and weights."""

from datetime import timedelta
from decimal import Decimal

from sqlmodel import col, select

from guanxi import Context, sentence
from plugins.forecasting.models import WinModel, WinModelBand, WinModelWeight
from plugins.forecasting.past.history import reconcile
from plugins.forecasting.shared.rules import rounded
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model.examples import decided
from plugins.forecasting.win_model.model import Definition, Outcomes
from plugins.forecasting.win_model.scoring import forget, rescore
from plugins.forecasting.win_model.training import EXTRA, Trained, algorithm, is_installed, train

TRAINED = "WIN_MODEL_TRAINED"


def obstacle(ctx: Context) -> str | None:
    """Why no model can be trained here; None if one can."""
    settings: ForecastingSettings = ctx.settings
    if not settings.use_model:
        return sentence("predictions are switched off; set GUANXI_PLUGINS__FORECASTING__USE_MODEL=true")
    return None if is_installed() else sentence("scikit-learn is not installed; install {extra}", extra=EXTRA)


def train_anew(ctx: Context) -> WinModel:
    """Trains a model on all decided opportunities; it is used, or it is refused and none is used.

    Raises:
        RuntimeError: there is an `obstacle`.
    """
    if problem := obstacle(ctx):
        raise RuntimeError(problem)
    made = train(decided(ctx), ctx.settings)
    for earlier in ctx.session.exec(select(WinModel).where(col(WinModel.status) == ModelStatus.IN_USE)):
        earlier.status = ModelStatus.RETIRED
    model = _kept(ctx, made)
    if model.status is ModelStatus.IN_USE:
        rescore(ctx)
    else:
        forget(ctx)
    reconcile(ctx)
    ctx.publish(TRAINED, model, status=model.status, reason=model.reason, decided=model.decided)
    return model


def _kept(ctx: Context, made: Trained) -> WinModel:
    model = WinModel(
        trained_at=ctx.clock.now(),
        status=ModelStatus.IN_USE if made.refusal is None else ModelStatus.REFUSED,
        reason=made.refusal,
        algorithm=algorithm(),
        decided=made.decided,
        won=made.won,
        judged_on=made.judged_on,
        auc=_places(made.model.auc() if made.model else None),
        brier=_error(made.model),
        baseline_brier=_error(made.baseline),
        stage_brier=_error(made.stages),
        definition=made.definition.to_json() if made.definition else {},
    )
    ctx.session.add(model)
    # Its bands and weights refer to it.
    ctx.session.flush()
    for band in made.model.bands() if made.model else ():
        row = WinModelBand(
            model_id=model.id,
            lower=band.lower,
            upper=band.upper,
            opportunities=rounded(Decimal(band.weight)),
            predicted=rounded(Decimal(band.predicted) * 100),
            observed=rounded(Decimal(band.observed) * 100),
        )
        ctx.session.add(row)
    ctx.session.add_all(_weights(model.id, made.definition) if made.definition else ())
    ctx.session.flush()
    return model


def _weights(model_id: str, definition: Definition) -> list[WinModelWeight]:
    told: list[tuple[str, str | None, float]] = [
        (name, None, number.weight) for name, number in definition.numbers.items()
    ]
    told += [(name, choice, weight) for name, of in definition.choices.items() for choice, weight in of.items()]
    return [
        WinModelWeight(model_id=model_id, property=name, value=choice, weight=rounded(Decimal(weight), 4))
        for name, choice, weight in told
    ]


def _error(outcomes: Outcomes | None) -> Decimal | None:
    return _places(outcomes.brier() if outcomes else None)


def _places(value: float | None) -> Decimal | None:
    return None if value is None else rounded(Decimal(value), 4)


def keep_model(ctx: Context) -> str:
    """Trains a model when the previous one is old enough, else updates the predictions of open opportunities.

    The first one is trained by hand: a person decides that predictions replace presets.
    """
    settings: ForecastingSettings = ctx.settings
    latest = ctx.session.exec(select(WinModel.trained_at).order_by(col(WinModel.trained_at).desc()).limit(1)).first()
    if latest is None:
        return "no model yet; train the first one with trainWinModel"
    problem = obstacle(ctx)
    if problem or ctx.clock.now() - latest < timedelta(days=settings.model_days):
        changed = rescore(ctx)
        reconcile(ctx)
        return f"{changed} predictions changed" + (f"; no new model: {problem}" if problem else "")
    model = train_anew(ctx)
    return f"model {model.id} is {model.status}" + (f": {model.reason}" if model.reason else "")
