"""The mutation that trains a model of win probability."""

from decimal import Decimal

import strawberry

from guanxi import Context, Input, Payload, Ref, Reject, UserError, mutation
from plugins.forecasting.models import COMPANY, WinModel
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model import storage as trained


@strawberry.input
class TrainWinModelInput(Input):
    """A model to be trained."""


@strawberry.type
class TrainWinModelPayload(Payload):
    """The result, or that of a dry run."""

    model: Ref[WinModel] | None = strawberry.field(description="The model; null in a dry run.")
    status: ModelStatus | None = strawberry.field(description="Whether it is used; null if none was trained.")
    reason: str | None = strawberry.field(description="Why it was refused.")
    decided: int | None = strawberry.field(
        description="Number of decided opportunities it was trained and evaluated on."
    )
    auc: Decimal | None = strawberry.field(description="AUC: chance that it ranks a won opportunity above a lost one.")
    brier: Decimal | None = strawberry.field(description="Brier score: its mean squared error; lower is better.")
    baseline_brier: Decimal | None = strawberry.field(description="Brier score of the win rate so far.")
    stage_brier: Decimal | None = strawberry.field(description="Brier score of the stages' presets.")


@mutation(permission=COMPANY)
def train_win_model(ctx: Context, input: TrainWinModelInput) -> TrainWinModelPayload:
    """Trains a win probability model on all decided opportunities. It is evaluated on the latest, held-out ones, and
    used only if it is better than the win rate so far and the stages' presets.
    """
    if problem := trained.obstacle(ctx):
        raise Reject(UserError("NOT_POSSIBLE", problem))
    model = trained.train_anew(ctx)
    return TrainWinModelPayload(
        model=model,
        status=model.status,
        reason=model.reason,
        decided=model.decided,
        auc=model.auc,
        brier=model.brier,
        baseline_brier=model.baseline_brier,
        stage_brier=model.stage_brier,
    )
