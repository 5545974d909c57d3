"""The methods of forecasting by name, each with what it is made of (F1, F2, F9, F12, X27)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from guanxi import Context
from guanxi.vocabulary import DateGrain
from plugins.forecasting.outlook.formula import formula
from plugins.forecasting.outlook.frames import AssumedRates, ForecastRequest, Frame, Made, Maker
from plugins.forecasting.outlook.series import seasonal, trend
from plugins.forecasting.outlook.weighted import stage_weighted
from plugins.forecasting.shared.reports import WhereInput, mark
from plugins.forecasting.shared.vocabulary import ForecastMethod

METHODS: Mapping[ForecastMethod, Callable[[ForecastRequest], Maker]] = {
    ForecastMethod.FORMULA: formula,
    ForecastMethod.STAGE_WEIGHTED: stage_weighted,
    ForecastMethod.TREND: trend,
    ForecastMethod.SEASONAL: seasonal,
}


@dataclass(frozen=True, slots=True)
class MadeForecast:
    """A sales forecast for the next period, by one method.

    Attributes:
        first, last: the days of the forecast period.
        as_of: the day as of which it is made.
        result: what the method gives, and what that is made of.
    """

    method: ForecastMethod
    grain: DateGrain
    first: date
    last: date
    as_of: date
    result: Made


def make(
    ctx: Context,
    method: ForecastMethod,
    as_of: date,
    grain: DateGrain,
    where: WhereInput | None = None,
    assumed: AssumedRates | None = None,
) -> MadeForecast:
    """Forecasts the period after that of a day.

    Args:
        ctx: in one transaction.
        method: by which.
        as_of: the day; what was so then counts, as far as it is known today.
        grain: how long a period is; a month in the domain.
        where: only opportunities that meet this.
        assumed: rates in percent to take instead of those that were measured.
    """
    frame = Frame(ctx.calendar, grain, as_of)
    made = METHODS[method](ForecastRequest(ctx, frame, where, assumed=assumed or {}))(mark({}))
    return MadeForecast(method, grain, *frame.days(1), as_of, made)
