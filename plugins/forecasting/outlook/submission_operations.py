"""Submitting forecasts, rolling them up, and adjusting them."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from guanxi import Context, Input, Money, Payload, Ref, Reject, UserError, mutation, query, sentence
from guanxi.records import User
from guanxi.vocabulary import DateGrain
from plugins.forecasting.models import SUBMIT, ForecastLine, ForecastSubmission, SalesTarget
from plugins.forecasting.outlook import submissions
from plugins.forecasting.outlook.submissions import Period, submission_key
from plugins.forecasting.shared.reports import money
from plugins.forecasting.shared.vocabulary import CoverageGap, ForecastCategory


@strawberry.type
class ForecastRollupCategory:
    """One category of a person's current forecast."""

    category: ForecastCategory = strawberry.field(description="The category.")
    own_count: int = strawberry.field(description="Number of the person's own opportunities in it.")
    own_amount: Money = strawberry.field(description="Their expected amount.")
    team_amount: Money = strawberry.field(description="Amount submitted by the person's reports, as adjusted.")
    amount: Money = strawberry.field(description="Calculated amount: own plus team's.")
    adjusted_amount: Money | None = strawberry.field(
        description="Adjusted amount in the person's own submission; null if not adjusted."
    )
    effective_amount: Money = strawberry.field(
        description="Effective amount: the adjustment, else the calculated amount."
    )
    cumulative_amount: Money = strawberry.field(
        description="The effective amount together with all more certain categories."
    )


@strawberry.type
class ForecastReport:
    """A direct report of the person."""

    user: Ref[User] = strawberry.field(description="Who.")
    submission: Ref[ForecastSubmission] | None = strawberry.field(
        description="The submission that counts; null if there is none for the period yet."
    )


@strawberry.type
class ForecastRollup:
    """A person's current forecast, rolled up."""

    user: Ref[User] = strawberry.field(description="Whose it is.")
    period_start: date = strawberry.field(description="First day of the period.")
    period_end: date = strawberry.field(description="Last day of the period.")
    categories: list[ForecastRollupCategory] = strawberry.field(description="The categories, most certain first.")
    reports: list[ForecastReport] = strawberry.field(description="Direct reports of the person.")
    missing: list[Ref[User]] = strawberry.field(description="Those of them who have not submitted yet.")
    call: Money | None = strawberry.field(description="The person's own call; null if none was made.")
    team_call: Money | None = strawberry.field(
        description="Sum of the calls of the direct reports; null if none was made."
    )
    target: Ref[SalesTarget] | None = strawberry.field(description="The person's target of WON_AMOUNT for the period.")
    coverage: Decimal | None = strawberry.field(
        description="Coverage: the person's open pipeline divided by what is missing to the target; see `coverageGap`."
    )
    coverage_gap: CoverageGap | None = strawberry.field(description="Why coverage is null.")


@strawberry.input
class SubmitForecastInput(Input):
    """The current forecast of a person, to be submitted."""

    user_id: strawberry.ID = strawberry.field(description="Whose it is.")
    grain: DateGrain = strawberry.field(default=DateGrain.MONTH, description="Length of the period.")
    period_start: date = strawberry.field(description="First day of the period.")
    note: str | None = strawberry.field(default=None, description="A note on it.")
    call: Decimal | None = strawberry.field(
        default=None,
        description="Call: what the person says will be won in the period, in the reporting currency; null keeps the "
        "call of the submission before.",
    )


@strawberry.type
class SubmitForecastPayload(Payload):
    """The result."""

    submission: Ref[ForecastSubmission] | None = strawberry.field(description="The submission; null if it was refused.")


@strawberry.input
class AdjustForecastInput(Input):
    """An adjustment of one category of a submission."""

    line_id: strawberry.ID = strawberry.field(description="The category of the submission.")
    amount: Decimal | None = strawberry.field(
        default=None,
        description="Adjusted amount in the reporting currency; null restores the calculated amount.",
    )
    reason: str = strawberry.field(description="Reason; stored with the adjustment.")


@strawberry.type
class AdjustForecastPayload(Payload):
    """The result."""

    line: Ref[ForecastLine] | None = strawberry.field(description="The category; null if it was refused.")


@query
def forecast_rollup(
    ctx: Context,
    user_id: Annotated[strawberry.ID, strawberry.argument(description="Whose it is.")],
    period_start: Annotated[date, strawberry.argument(description="First day of the period.")],
    grain: Annotated[DateGrain, strawberry.argument(description="Length of the period.")] = DateGrain.MONTH,
) -> ForecastRollup:
    """Rolls up a person's current forecast: own opportunities as they are, reports as they submitted."""
    rollup = submissions.roll_up(ctx, user_id, Period(ctx.calendar, grain, period_start))
    cumulative = rollup.cumulative()
    return ForecastRollup(
        user=rollup.user_id,
        period_start=rollup.period.start,
        period_end=rollup.period.end,
        categories=[
            ForecastRollupCategory(
                category=category,
                own_count=amounts.own_count,
                own_amount=money(ctx, amounts.own),
                team_amount=money(ctx, amounts.team),
                amount=money(ctx, amounts.calculated),
                adjusted_amount=None if amounts.adjusted is None else money(ctx, amounts.adjusted),
                effective_amount=money(ctx, amounts.effective),
                cumulative_amount=money(ctx, cumulative[category]),
            )
            for category, amounts in rollup.categories.items()
        ],
        reports=[ForecastReport(user=one.user_id, submission=one.submission_id) for one in rollup.reports],
        missing=[one.user_id for one in rollup.reports if one.submission_id is None],
        call=None if rollup.call is None else money(ctx, rollup.call),
        team_call=None if rollup.team_call is None else money(ctx, rollup.team_call),
        target=rollup.target,
        coverage=rollup.coverage,
        coverage_gap=rollup.coverage_gap,
    )


@mutation(locks=submission_key, permission=SUBMIT)
def submit_forecast(ctx: Context, input: SubmitForecastInput) -> SubmitForecastPayload:
    """Submits a person's current forecast, rolled up over their reports, with their own call alongside. The previous
    one is kept and no longer counts.
    """
    if ctx.actor.permissions is not None and input.user_id not in ctx.actor.reach.team:
        problem = sentence(
            "userId: {user_id!r} is in none of your teams; submit for yourself or for your team", user_id=input.user_id
        )
        raise Reject(UserError("FORBIDDEN", problem, ("userId",)))
    note = (input.note or "").strip() or None
    made = submissions.submit(
        ctx, input.user_id, Period(ctx.calendar, input.grain, input.period_start), note, input.call
    )
    return SubmitForecastPayload(submission=made, warnings=submissions.kept_adjustments(ctx, made))


@mutation(locks=submission_key)
def adjust_forecast(ctx: Context, input: AdjustForecastInput) -> AdjustForecastPayload:
    """Adjusts one category of a submission, with a reason; the calculated amount is kept alongside it."""
    return AdjustForecastPayload(line=submissions.adjust(ctx, input.line_id, input.amount, input.reason))
