"""Submitting forecasts, rolling them up, and adjusting them."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Operations
from guanxi.vocabulary import DateGrain
from plugins.forecasting.outlook import submissions
from plugins.forecasting.outlook.submissions import Period
from plugins.forecasting.shared.operations import ASKED, KEY, money, read, write
from plugins.forecasting.shared.reports import Asking
from plugins.forecasting.shared.vocabulary import ForecastCategory


def submission_operations(plugin: str, types: Any) -> Operations:
    """The query and mutations of submitted forecasts."""

    @strawberry.type(description="One category of a forecast as it stands.")
    class ForecastRollupCategory:
        category: ForecastCategory = strawberry.field(description="The category.")
        own_count: int = strawberry.field(description="The person's own opportunities in it.")
        own_amount: types.Money = strawberry.field(description="Their expected amount.")
        team_amount: types.Money = strawberry.field(description="What the person's reports submitted, as adjusted.")
        amount: types.Money = strawberry.field(description="What is calculated: own and team's.")
        adjusted_amount: types.Money | None = strawberry.field(
            description="What the person's own submission was adjusted to; null if it was not."
        )
        effective_amount: types.Money = strawberry.field(description="The adjustment, else what is calculated.")
        cumulative_amount: types.Money = strawberry.field(description="The same with all categories that are surer.")

    @strawberry.type(description="Somebody who reports to the person.")
    class ForecastReport:
        user: types.User = strawberry.field(description="Who.")
        submission: types.ForecastSubmission | None = strawberry.field(
            description="The submission that counts; null if there is none for the period yet."
        )

    @strawberry.type(description="What a person's forecast comes to now.")
    class ForecastRollup:
        user: types.User = strawberry.field(description="Whose it is.")
        period_start: date = strawberry.field(description="First day of the period.")
        period_end: date = strawberry.field(description="Last day of the period.")
        categories: list[ForecastRollupCategory] = strawberry.field(description="The categories, surest first.")
        reports: list[ForecastReport] = strawberry.field(description="Who reports to the person.")
        missing: list[types.User] = strawberry.field(description="Those of them who have not submitted yet.")

    @strawberry.input(description="A forecast to be submitted as it stands.")
    class SubmitForecastInput:
        user_id: strawberry.ID = strawberry.field(description="Whose it is.")
        grain: DateGrain = strawberry.field(default=DateGrain.MONTH, description="How long the period is.")
        period_start: date = strawberry.field(description="First day of the period.")
        note: str | None = strawberry.field(default=strawberry.UNSET, description="What is to be said with it.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=KEY)

    @strawberry.type(description="What became of it.")
    class SubmitForecastPayload:
        submission: types.ForecastSubmission | None = strawberry.field(
            description="The submission; null if it was refused."
        )
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")
        warnings: list[types.UserError] = strawberry.field(description="What policy only warns about.")

    @strawberry.input(description="An adjustment of one category of a submission.")
    class AdjustForecastInput:
        line_id: strawberry.ID = strawberry.field(description="The category of the submission.")
        amount: Decimal | None = strawberry.field(
            default=strawberry.UNSET,
            description="What it is to count with, in the reporting currency; without it what was calculated counts.",
        )
        reason: str = strawberry.field(description="Why; kept with the adjustment.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=KEY)

    @strawberry.type(description="What became of it.")
    class AdjustForecastPayload:
        line: types.ForecastLine | None = strawberry.field(description="The category; null if it was refused.")
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")
        warnings: list[types.UserError] = strawberry.field(description="What policy only warns about.")

    def shown(asking: Asking, rollup: submissions.Rollup) -> ForecastRollup:
        cumulative = rollup.cumulative()
        return ForecastRollup(
            user=rollup.user_id,
            period_start=rollup.period.start,
            period_end=rollup.period.end,
            categories=[
                ForecastRollupCategory(
                    category=category,
                    own_count=amounts.own_count,
                    own_amount=money(amounts.own, asking),
                    team_amount=money(amounts.team, asking),
                    amount=money(amounts.calculated, asking),
                    adjusted_amount=money(amounts.adjusted, asking),
                    effective_amount=money(amounts.effective, asking),
                    cumulative_amount=money(cumulative[category], asking),
                )
                for category, amounts in rollup.categories.items()
            ],
            reports=[ForecastReport(user=one.user_id, submission=one.submission_id) for one in rollup.reports],
            missing=[one.user_id for one in rollup.reports if one.submission_id is None],
        )

    @strawberry.type
    class Query:
        @strawberry.field(
            description="What a person's forecast comes to: own opportunities as they are, reports as they submitted."
        )
        async def forecast_rollup(
            self,
            info: strawberry.Info,
            user_id: Annotated[strawberry.ID, strawberry.argument(description="Whose it is.")],
            period_start: Annotated[date, strawberry.argument(description="First day of the period.")],
            grain: Annotated[DateGrain, strawberry.argument(description="How long the period is.")] = DateGrain.MONTH,
        ) -> ForecastRollup:
            period = Period(DateGrain(grain), period_start)

            def work(asking: Asking) -> ForecastRollup:
                return shown(asking, submissions.roll_up(asking, str(user_id), period))

            return await read(info.context, plugin, work)

    @strawberry.type
    class Mutation:
        @strawberry.mutation(
            description="Submits a person's forecast as it stands, rolled up over who reports to them. The one "
            "before is kept and counts no more."
        )
        async def submit_forecast(
            self, info: strawberry.Info, input: Annotated[SubmitForecastInput, ASKED]
        ) -> SubmitForecastPayload:
            period = Period(DateGrain(input.grain), input.period_start)

            def work(asking: Asking) -> dict[str, Any]:
                note = (input.note or "").strip() or None
                return {"submission": submissions.submit(asking, str(input.user_id), period, note).id}

            done = await write(info.context, plugin, "submitForecast", input, work)
            return SubmitForecastPayload(**{"submission": None, **done})

        @strawberry.mutation(
            description="Adjusts one category of a submission, with a reason; what was calculated stays beside it."
        )
        async def adjust_forecast(
            self, info: strawberry.Info, input: Annotated[AdjustForecastInput, ASKED]
        ) -> AdjustForecastPayload:
            def work(asking: Asking) -> dict[str, Any]:
                amount = input.amount if isinstance(input.amount, Decimal) else None
                return {"line": submissions.adjust(asking, str(input.line_id), amount, input.reason).id}

            done = await write(info.context, plugin, "adjustForecast", input, work)
            return AdjustForecastPayload(**{"line": None, **done})

    return Operations(Query, Mutation)
