"""The query `forecast`: the next period by a named method, with what it is made of."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import InputError, Operations
from guanxi.vocabulary import DateGrain
from plugins.forecasting.outlook import methods
from plugins.forecasting.shared.operations import money, read
from plugins.forecasting.shared.reports import Asking
from plugins.forecasting.shared.rules import rounded
from plugins.forecasting.shared.vocabulary import FactorName, ForecastMethod, MetricUnit


def forecast_operations(plugin: str, types: Any) -> Operations:
    """The query of forecasts."""
    types.enum(FactorName)
    types.enum(MetricUnit)

    @strawberry.type(description="One part of a forecast.")
    class ForecastFactor:
        name: FactorName = strawberry.field(description="What it is.")
        unit: MetricUnit = strawberry.field(description="In what it is measured.")
        first_day: date = strawberry.field(description="First day it comes from.")
        last_day: date = strawberry.field(description="Last day it comes from.")
        value: Decimal | None = strawberry.field(description="How much; null where it cannot be known.")
        part: Decimal | None = strawberry.field(description="Of a share, what was divided.")
        whole: Decimal | None = strawberry.field(description="Of a share, by what.")
        stage: types.Stage | None = strawberry.field(description="The stage, of weighted factors.")
        is_assumed: bool = strawberry.field(description="It was given by `assume`, not measured.")

    @strawberry.type(description="What will be sold in the next period, by one method (X27).")
    class Forecast:
        method: ForecastMethod = strawberry.field(description="How it was made.")
        grain: DateGrain = strawberry.field(description="How long the period is.")
        period_start: date = strawberry.field(description="First day of the forecast period.")
        period_end: date = strawberry.field(description="Last day of the forecast period.")
        as_of: date = strawberry.field(description="The day it is made as of.")
        revenue: types.Money | None = strawberry.field(description="The revenue; null where a rate is missing (F1).")
        wins: Decimal | None = strawberry.field(description="The number of wins, exact to four places (F2).")
        wins_rounded: int | None = strawberry.field(description="The same as a whole number (F2).")
        factors: list[ForecastFactor] = strawberry.field(description="What it is made of.")
        missing: list[FactorName] = strawberry.field(description="The factors without which there is no result.")
        is_what_if: bool = strawberry.field(description="Something was assumed.")
        policy_version: str = strawberry.field(description="The policy it was made by; it changes with each setting.")

    @strawberry.input(description="Rates in percent to take instead of those that were measured: what if?")
    class ForecastAssumptions:
        conversion_by_amount: Decimal | None = strawberry.field(
            default=strawberry.UNSET, description="Conversion by amount (F5)."
        )
        conversion_by_count: Decimal | None = strawberry.field(
            default=strawberry.UNSET, description="Conversion by count (F11)."
        )
        achievement: Decimal | None = strawberry.field(default=strawberry.UNSET, description="Achievement (F6).")

    def assumptions(method: ForecastMethod, given: ForecastAssumptions | None) -> dict[FactorName, Decimal]:
        said = {
            FactorName.CONVERSION_BY_AMOUNT: given and given.conversion_by_amount,
            FactorName.CONVERSION_BY_COUNT: given and given.conversion_by_count,
            FactorName.ACHIEVEMENT: given and given.achievement,
        }
        found = {name: rate for name, rate in said.items() if isinstance(rate, Decimal)}
        if found and method is not ForecastMethod.FORMULA:
            raise InputError(f"assume: {method} has no rates; ask for FORMULA, or leave it out")
        if any(rate < 0 for rate in found.values()):
            raise InputError(f"assume: {min(found.values())} is negative; give percentages from 0")
        return found

    def shown(asking: Asking, made: methods.Forecast) -> Forecast:
        return Forecast(
            method=made.method,
            grain=made.grain,
            period_start=made.first,
            period_end=made.last,
            as_of=made.as_of,
            revenue=None if made.revenue is None else money(rounded(made.revenue, asking.places), asking),
            wins=None if made.wins is None else rounded(made.wins, 4),
            wins_rounded=None if made.wins is None else int(rounded(made.wins, 0)),
            factors=[factor(one) for one in made.factors],
            missing=made.missing,
            is_what_if=any(one.is_assumed for one in made.factors),
            policy_version=asking.ctx.settings.version,
        )

    def factor(one: methods.Factor) -> ForecastFactor:
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

    @strawberry.type
    class Query:
        @strawberry.field(
            description="What will be sold in the next period, by one of three methods (F1, F2, F9, F12)."
        )
        async def forecast(
            self,
            info: strawberry.Info,
            method: Annotated[ForecastMethod, strawberry.argument(description="How it is made (X27).")] = (
                ForecastMethod.FORMULA
            ),
            grain: Annotated[DateGrain, strawberry.argument(description="How long a period is.")] = DateGrain.MONTH,
            as_of: Annotated[
                date | None, strawberry.argument(description="As of the end of this day; today without it.")
            ] = None,
            where: Annotated[
                types.OpportunityWhere | None, strawberry.argument(description="Only opportunities that meet this.")
            ] = None,
            assume: Annotated[
                ForecastAssumptions | None, strawberry.argument(description="Rates to take instead of measured ones.")
            ] = None,
        ) -> Forecast:
            named = ForecastMethod(method)
            assumed = assumptions(named, assume)

            def work(asking: Asking) -> Forecast:
                today = asking.ctx.clock.today()
                if as_of is not None and as_of > today:
                    raise InputError(f"asOf: {as_of} lies ahead; give {today} or an earlier day")
                return shown(asking, methods.make(asking, named, as_of or today, DateGrain(grain), where, assumed))

            return await read(info.context, plugin, work)

    return Operations(Query)
