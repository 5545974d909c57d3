"""The mutation that trains a model of win probability."""

from decimal import Decimal

import strawberry

from guanxi import Context, Input, Payload, Ref, Reject, UserError, mutation
from plugins.forecasting.models import WinModel
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model import storage as trained


@strawberry.input
class TrainWinModelInput(Input):
    """A model to be trained."""


@strawberry.type
class TrainWinModelPayload(Payload):
    """What became of it, or would become of it."""

    model: Ref[WinModel] | None = strawberry.field(description="The model; null of a dry run.")
    status: ModelStatus | None = strawberry.field(description="Whether it is used; null if none was trained.")
    reason: str | None = strawberry.field(description="Why it is refused.")
    decided: int | None = strawberry.field(description="Decided opportunities it was trained and judged on.")
    auc: Decimal | None = strawberry.field(description="Chance that it puts a won one above a lost one.")
    brier: Decimal | None = strawberry.field(description="Its mean squared error; smaller is better.")
    baseline_brier: Decimal | None = strawberry.field(description="The error of the share won so far.")
    stage_brier: Decimal | None = strawberry.field(description="The error of the stages' presets.")


@mutation
def train_win_model(ctx: Context, input: TrainWinModelInput) -> TrainWinModelPayload:
    """Trains a model of win probability on all that was decided. It is judged on the latest, which it has not seen, and
    used only if it is better than the share won so far and the stages' presets.
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
