"""The query `forecast`: the next period by a named method, with what it is made of."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from guanxi import Context, InputError, Money, Ref, query, sentence
from guanxi.records import Stage
from guanxi.vocabulary import DateGrain
from plugins.forecasting.outlook.frames import Factor
from plugins.forecasting.outlook.methods import make
from plugins.forecasting.shared.arguments import Opportunities
from plugins.forecasting.shared.reports import money
from plugins.forecasting.shared.rules import rounded
from plugins.forecasting.shared.vocabulary import FactorName, ForecastMethod, MetricUnit


@strawberry.type
class ForecastFactor:
    """One part of a forecast."""

    name: FactorName = strawberry.field(description="What it is.")
    unit: MetricUnit = strawberry.field(description="Unit of the value.")
    first_day: date = strawberry.field(description="First day of the data behind it.")
    last_day: date = strawberry.field(description="Last day of the data behind it.")
    value: Decimal | None = strawberry.field(description="The value; null if it cannot be known.")
    part: Decimal | None = strawberry.field(description="For a share, what was divided.")
    whole: Decimal | None = strawberry.field(description="For a share, what it was divided by.")
    stage: Ref[Stage] | None = strawberry.field(description="The stage, for weighted factors.")
    is_assumed: bool = strawberry.field(description="Whether it was given by `assume`, not measured.")


@strawberry.type
class Forecast:
    """A sales forecast for the next period, by one method."""

    method: ForecastMethod = strawberry.field(description="The method.")
    grain: DateGrain = strawberry.field(description="Length of the period.")
    period_start: date = strawberry.field(description="First day of the forecast period.")
    period_end: date = strawberry.field(description="Last day of the forecast period.")
    as_of: date = strawberry.field(description="The day as of which it is made.")
    revenue: Money | None = strawberry.field(description="Forecast revenue; null if something is missing.")
    wins: Decimal | None = strawberry.field(description="Forecast number of wins, exact to four places.")
    wins_rounded: int | None = strawberry.field(description="Forecast number of wins, rounded.")
    factors: list[ForecastFactor] = strawberry.field(description="Factors it is computed from.")
    missing: list[FactorName] = strawberry.field(description="The factors without which there is no result.")
    reason: str | None = strawberry.field(description="Why there is no forecast revenue; null if there is.")
    is_what_if: bool = strawberry.field(description="Whether a rate was assumed.")
    policy_version: str = strawberry.field(description="The policy it is based on; it changes with each setting.")


@strawberry.input
class ForecastAssumptions:
    """What-if: rates in percent to assume instead of the measured ones."""

    conversion_by_amount: Decimal | None = strawberry.field(default=None, description="Conversion by amount.")
    conversion_by_count: Decimal | None = strawberry.field(default=None, description="Conversion by count.")
    achievement: Decimal | None = strawberry.field(default=None, description="Achievement.")


@query
def forecast(
    ctx: Context,
    method: Annotated[ForecastMethod, strawberry.argument(description="The method.")] = ForecastMethod.FORMULA,
    grain: Annotated[DateGrain, strawberry.argument(description="Length of a period.")] = DateGrain.MONTH,
    as_of: Annotated[
        date | None, strawberry.argument(description="As of the end of this day; today by default.")
    ] = None,
    where: Opportunities = None,
    assume: Annotated[
        ForecastAssumptions | None, strawberry.argument(description="Rates to assume instead of the measured ones.")
    ] = None,
) -> Forecast:
    """Forecasts sales of the next period by one of four methods.

    Rules F1, F2, F9, F12, X27.
    """
    assumed, today = _assumed(method, assume), ctx.clock.today()
    if as_of is not None and as_of > today:
        raise InputError(
            sentence("asOf: {as_of} is in the future; give {today} or an earlier day", as_of=as_of, today=today)
        )
    made = make(ctx, method, as_of or today, grain, where, assumed)
    result = made.result
    return Forecast(
        method=made.method,
        grain=made.grain,
        period_start=made.first,
        period_end=made.last,
        as_of=made.as_of,
        revenue=None if result.revenue is None else money(ctx, result.revenue),
        wins=None if result.wins is None else rounded(result.wins, 4),
        wins_rounded=None if result.wins is None else int(rounded(result.wins, 0)),
        factors=[_factor(one) for one in result.factors],
        missing=result.missing,
        reason=result.reason,
        is_what_if=any(one.is_assumed for one in result.factors),
        policy_version=ctx.settings.version,
    )


def _assumed(method: ForecastMethod, given: ForecastAssumptions | None) -> dict[FactorName, Decimal]:
    if given is None:
        return {}
    rates = {
        FactorName.CONVERSION_BY_AMOUNT: given.conversion_by_amount,
        FactorName.CONVERSION_BY_COUNT: given.conversion_by_count,
        FactorName.ACHIEVEMENT: given.achievement,
    }
    found = {name: rate for name, rate in rates.items() if rate is not None}
    if found and method is not ForecastMethod.FORMULA:
        raise InputError(sentence("assume: {method} has no rates; use FORMULA, or leave it out", method=method))
    if any(rate < 0 for rate in found.values()):
        raise InputError(sentence("assume: {min} is negative; give percentages of 0 or more", min=min(found.values())))
    return found


def _factor(one: Factor) -> ForecastFactor:
    return ForecastFactor(
        name=one.name,
        unit=one.unit,
        first_day=one.first,
        last_day=one.last,
        value=one.value,
        part=one.part,
        whole=one.whole,
        stage=one.stage_id,
        is_assumed=one.is_assumed,
    )
