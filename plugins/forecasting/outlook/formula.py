"""The formula: valid open amount times conversion times achievement (F1, F2, F5, F6, F11, X10, X11)."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from guanxi import Context
from guanxi.vocabulary import Outcome
from plugins.forecasting.outlook.frames import Factor, ForecastRequest, Made, Maker, of
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.policy import cohort_start
from plugins.forecasting.shared.reports import (
    Point,
    WhereInput,
    day_range,
    every,
    is_open,
    moment_range,
    of_opportunity,
)
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import FactorName

_CONVERSIONS = {FactorName.CONVERSION_BY_AMOUNT, FactorName.CONVERSION_BY_COUNT}
_WON: WhereInput = {"outcome": {"eq": Outcome.WON}}


def counted(
    settings: ForecastingSettings, point: Point, where: WhereInput | None, *more: WhereInput | None
) -> WhereInput:
    """The states the formula looks at: valid ones of new customers, as the policy says (X11)."""
    valid = {"isValid": {"eq": True}} if settings.valid_only else None
    new = {"winsNewCustomer": {"eq": True}} if settings.new_customers_only else None
    return every(point.where(), valid, of_opportunity(new, where, *more))


def cohort(ctx: Context, last: date, horizon: date, where: WhereInput | None) -> WhereInput:
    """The end-of-day states of opportunities that originated recently and were to close by the horizon (F5)."""
    settings: ForecastingSettings = ctx.settings
    arisen = day_range("originatedOn", cohort_start(settings, last), last)
    soon = {"expectedCloseDate": {"lte": horizon}}
    return every(counted(settings, Point(ctx.calendar.end_of(last)), where, arisen), soon)


def formula(asked: ForecastRequest) -> Maker:
    """Multiplies what is counted by two closed rates (F1, F2)."""
    frame, ctx = asked.frame, asked.ctx
    ahead = frame.as_of, frame.days(1)[1]
    soon = {"expectedCloseDate": {"lte": ahead[1]}}
    point = Point(ctx.calendar.end_of(frame.as_of))
    population = asked.totals("PipelineState", every(counted(asked.settings, point, asked.where), is_open(), soon))
    rates = _rates(asked)

    def made(group: str) -> Made:
        number, amount = of(population, group)
        known = rates(group)
        factors = [
            Factor(FactorName.VALID_AMOUNT, *ahead, amount),
            Factor(FactorName.VALID_COUNT, *ahead, number),
            *known.values(),
        ]
        by_amount, achieved = known[FactorName.CONVERSION_BY_AMOUNT].rate, known[FactorName.ACHIEVEMENT].rate
        by_count = known[FactorName.CONVERSION_BY_COUNT].rate
        return Made(factors, rules.forecast(amount, by_amount, achieved), rules.forecast(number, by_count))

    return made


def _rates(asked: ForecastRequest) -> Callable[[str], dict[FactorName, Factor]]:
    """Conversion at the end of the last closed period, and the achievement reported for it (F5, F6, F11, X10)."""
    closed, assumed = asked.frame.days(-1), asked.assumed
    found: list[Callable[[str], list[Factor]]] = []
    if not assumed.keys() >= _CONVERSIONS:
        found.append(_conversions(asked, closed[1], asked.frame.days(0)[1]))
    if FactorName.ACHIEVEMENT not in assumed:
        found.append(_achievement(asked, asked.frame.days(-2), closed))
    given = [Factor(name, *closed, rate, is_assumed=True) for name, rate in assumed.items()]

    def rates(group: str) -> dict[FactorName, Factor]:
        measured = [factor for measure in found for factor in measure(group)]
        return {factor.name: factor for factor in (*measured, *given)}

    return rates


def _conversions(asked: ForecastRequest, last: date, horizon: date) -> Callable[[str], list[Factor]]:
    every_status = cohort(asked.ctx, last, horizon, asked.where)
    whole = asked.totals("PipelineState", every_status)
    won = asked.totals("PipelineState", every(every_status, _WON))
    days = cohort_start(asked.settings, last), last

    def measured(group: str) -> list[Factor]:
        (won_count, won_amount), (count, amount) = of(won, group), of(whole, group)
        return [
            _percentage(FactorName.CONVERSION_BY_AMOUNT, days, won_amount, amount),
            _percentage(FactorName.CONVERSION_BY_COUNT, days, won_count, count),
        ]

    return measured


def _achievement(
    asked: ForecastRequest, won_in: tuple[date, date], earned_in: tuple[date, date]
) -> Callable[[str], list[Factor]]:
    """Revenue of a period from what was won in the one before, by the amount it was won with (F6)."""
    new = {"winsNewCustomer": {"eq": True}} if asked.settings.new_customers_only else None
    won = every(asked.where, new, _WON, moment_range(asked.ctx.calendar, "wonAt", *won_in))
    expected = asked.totals("Opportunity", won)
    sales = every(day_range("occurredOn", *earned_in), of_opportunity(won))
    earned = asked.totals("Transaction", sales, "actualAmount")
    days = won_in[0], earned_in[1]
    return lambda group: [_percentage(FactorName.ACHIEVEMENT, days, of(earned, group)[1], of(expected, group)[1])]


def _percentage(name: FactorName, days: tuple[date, date], part: Decimal, whole: Decimal) -> Factor:
    return Factor(name, *days, rules.percent(part, whole), part, whole)
