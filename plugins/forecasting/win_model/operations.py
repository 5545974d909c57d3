"""The mutation that trains a model of win probability."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Operations, Reject, UserError
from plugins.forecasting.shared.operations import ASKED, KEY, write
from plugins.forecasting.shared.reports import Asking
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model import storage as trained


def model_operations(plugin: str, types: Any) -> Operations:
    """The mutation of models."""

    @strawberry.input(description="A model to be trained.")
    class TrainWinModelInput:
        preview: bool = strawberry.field(default=False, description="Say how good it would be and write nothing.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=KEY)

    @strawberry.type(description="What became of it, or would become of it.")
    class TrainWinModelPayload:
        model: types.WinModel | None = strawberry.field(description="The model; null of a preview.")
        status: ModelStatus | None = strawberry.field(description="Whether it is used; null if none was trained.")
        reason: str | None = strawberry.field(description="Why it is refused.")
        decided: int | None = strawberry.field(description="Decided opportunities it was trained and judged on.")
        auc: Decimal | None = strawberry.field(description="Chance that it puts a won one above a lost one.")
        brier: Decimal | None = strawberry.field(description="Its mean squared error; smaller is better.")
        baseline_brier: Decimal | None = strawberry.field(description="The error of the share won so far.")
        stage_brier: Decimal | None = strawberry.field(description="The error of the stages' presets.")
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")
        warnings: list[types.UserError] = strawberry.field(description="What policy only warns about.")

    @strawberry.type
    class Mutation:
        @strawberry.mutation(
            description="Trains a model of win probability on all that was decided. It is judged on the latest, "
            "which it has not seen, and used only if it is better than the share won so far and the stages' presets."
        )
        async def train_win_model(
            self, info: strawberry.Info, input: Annotated[TrainWinModelInput, ASKED]
        ) -> TrainWinModelPayload:
            def work(asking: Asking) -> dict[str, Any]:
                if problem := trained.obstacle(asking.ctx):
                    raise Reject(UserError("NOT_POSSIBLE", problem))
                model = trained.train_anew(asking.ctx)
                numbers = (model.auc, model.brier, model.baseline_brier, model.stage_brier)
                return {
                    "model": None if input.preview else model.id,
                    "status": model.status.value,
                    "reason": model.reason,
                    "decided": model.decided,
                    "numbers": [None if number is None else str(number) for number in numbers],
                }

            done = await write(info.context, plugin, "trainWinModel", input, work, dry=input.preview)
            auc, *errors = done.pop("numbers", [None] * 4)
            told = dict(zip(("auc", "brier", "baseline_brier", "stage_brier"), (auc, *errors), strict=True))
            nothing = dict.fromkeys(("model", "status", "reason", "decided"))
            return TrainWinModelPayload(
                **{**nothing, **done, **{name: number and Decimal(number) for name, number in told.items()}}
            )

    return Operations(mutation=Mutation)
