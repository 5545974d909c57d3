"""The query `forecastAccuracy`: how good each method was on the past."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, InputError, Money, query, sentence
from guanxi.vocabulary import DateGrain
from plugins.forecasting.outlook import accuracy
from plugins.forecasting.outlook.series import SEASONS
from plugins.forecasting.shared.arguments import By, Opportunities, OpportunityKeys
from plugins.forecasting.shared.reports import money
from plugins.forecasting.shared.vocabulary import AccuracyGap, ForecastMethod

_MOST = 36


@strawberry.type
class ForecastReplay:
    """A closed period that was forecast again, as of the day before it."""

    period_start: date = strawberry.field(description="First day of the period.")
    forecast: Money | None = strawberry.field(description="Forecast revenue; null if the method has no result.")
    actual: Money = strawberry.field(description="Amount won in the period.")


@strawberry.type
class ForecastAccuracy:
    """Accuracy of a forecast method on the past."""

    method: ForecastMethod = strawberry.field(description="The method.")
    keys: OpportunityKeys | None = strawberry.field(description="The group; null without `by`.")
    periods: int = strawberry.field(description="Number of periods for which the method has a result.")
    error_percent: Decimal | None = strawberry.field(
        description="Mean absolute error in percent of what was won; null if unknown, see `gap`."
    )
    bias_percent: Decimal | None = strawberry.field(
        description="Mean of forecast minus actual in percent of what was won: above 0 is too high."
    )
    previous_error_percent: Decimal | None = strawberry.field(
        description="Error of repeating the period before, in the same periods; null where one is not on record."
    )
    year_before_error_percent: Decimal | None = strawberry.field(
        description="Error of repeating the same period of the year before; null where one is not on record."
    )
    gap: AccuracyGap | None = strawberry.field(description="Why the error is null.")
    reason: str | None = strawberry.field(description="Why the method had no result for the latest period without one.")
    replays: list[ForecastReplay] = strawberry.field(description="The periods, one by one.")


@query
def forecast_accuracy(
    ctx: Context,
    methods: Annotated[
        list[ForecastMethod] | None, strawberry.argument(description="The methods; all by default.")
    ] = None,
    grain: Annotated[DateGrain, strawberry.argument(description="Length of a period.")] = DateGrain.MONTH,
    periods: Annotated[
        int, strawberry.argument(description=f"Number of the latest closed periods, 1 to {_MOST}.")
    ] = 12,
    by: Annotated[By, strawberry.argument(description="One result per group of these keys, as they are now.")] = None,
    where: Opportunities = None,
) -> list[ForecastAccuracy]:
    """Measures forecast methods on the past: each of the latest closed periods is forecast again as of the day before
    it, and compared with what was won.
    """
    if not 1 <= periods <= _MOST:
        raise InputError(sentence("periods: {periods} is not possible; give 1 to {most}", periods=periods, most=_MOST))
    if methods is None:
        methods = [method for method in ForecastMethod if method is not ForecastMethod.SEASONAL or grain in SEASONS]
    found = accuracy.measure(ctx, list(dict.fromkeys(methods)), grain, periods, by or (), where)
    return [_shown(ctx, one) for one in found]


def _shown(ctx: Context, one: accuracy.Accuracy) -> ForecastAccuracy:
    keys: Mapping[str, Any] = one.keys
    return ForecastAccuracy(
        method=one.method,
        keys=keys or None,
        periods=len(one.forecasts),
        error_percent=one.error,
        bias_percent=one.bias,
        previous_error_percent=one.previous_error,
        year_before_error_percent=one.year_before_error,
        gap=one.gap,
        reason=next((replay.reason for replay in reversed(one.replays) if replay.forecast is None), None),
        replays=[
            ForecastReplay(
                period_start=replay.first,
                forecast=None if replay.forecast is None else money(ctx, replay.forecast),
                actual=money(ctx, replay.actual),
            )
            for replay in one.replays
        ],
    )
