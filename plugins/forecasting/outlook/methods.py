"""The three methods by name: formula, stage-weighted, trend, each with what it is made of (F1, F2, F9, F12, X27)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from guanxi import Context, Figures
from guanxi.calendar import Calendar, last_of, shifted
from guanxi.vocabulary import DateGrain, Outcome
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
    value_at,
)
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import FactorName, ForecastMethod, MetricUnit

_UNITS: Mapping[FactorName, MetricUnit] = {
    FactorName.VALID_AMOUNT: MetricUnit.MONEY,
    FactorName.VALID_COUNT: MetricUnit.COUNT,
    FactorName.CONVERSION_BY_AMOUNT: MetricUnit.PERCENT,
    FactorName.CONVERSION_BY_COUNT: MetricUnit.PERCENT,
    FactorName.ACHIEVEMENT: MetricUnit.PERCENT,
    FactorName.WEIGHTED_AMOUNT: MetricUnit.MONEY,
    FactorName.WEIGHTED_COUNT: MetricUnit.COUNT,
    FactorName.WON_AMOUNT: MetricUnit.MONEY,
    FactorName.WON_COUNT: MetricUnit.COUNT,
}


@dataclass(frozen=True, slots=True)
class Factor:
    """One part of a forecast.

    Attributes:
        name: what it is.
        first, last: the days it comes from.
        value: an amount, a number, or a percentage; None where it cannot be known.
        part, whole: of a percentage, what was divided by what.
        stage_id: of weighted factors, the stage.
        is_assumed: given by the asker instead.
    """

    name: FactorName
    first: date
    last: date
    value: Decimal | None
    part: Decimal | None = None
    whole: Decimal | None = None
    stage_id: str | None = None
    is_assumed: bool = False

    @property
    def unit(self) -> MetricUnit:
        """In what the value is measured."""
        return _UNITS[self.name]

    @property
    def rate(self) -> Fraction | None:
        """A percentage as an exact fraction of one."""
        if self.is_assumed:
            return None if self.value is None else Fraction(self.value) / 100
        return None if self.whole is None or self.part is None else rules.ratio(self.part, self.whole)


@dataclass(frozen=True, slots=True)
class MadeForecast:
    """A sales forecast for the next period, by one method.

    Attributes:
        first, last: the days of the forecast period.
        as_of: the day as of which it is made.
        revenue: an amount of the reporting currency; None where a rate is missing.
        wins: how many opportunities; None likewise.
        factors: what it is made of.
    """

    method: ForecastMethod
    grain: DateGrain
    first: date
    last: date
    as_of: date
    revenue: Fraction | None
    wins: Fraction | None
    factors: Sequence[Factor]

    @property
    def missing(self) -> list[FactorName]:
        """The factors without which there is no result."""
        return list(dict.fromkeys(factor.name for factor in self.factors if factor.value is None))


AssumedRates = Mapping[FactorName, Decimal]


@dataclass(frozen=True, slots=True)
class Frame:
    """The periods of a forecast, as seen on a day.

    The forecast is of the period after the day's own; rates are of the one before it, which is closed (X10).
    """

    calendar: Calendar
    grain: DateGrain
    as_of: date

    def start(self, periods: int) -> date:
        """The first day of the day's own period, or of one so many later."""
        return shifted(self.calendar.first_of(self.as_of, self.grain), self.grain, periods)

    @property
    def latest_closed(self) -> int:
        """The offset of the latest period that is over at the end of the day: the day's own on its last day."""
        return 0 if self.as_of == self.days(0)[1] else -1

    def days(self, periods: int) -> tuple[date, date]:
        """The first and the last day of that period."""
        start = self.start(periods)
        return start, last_of(start, self.grain)


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
    frame, methods = Frame(ctx.calendar, grain, as_of), _METHODS
    factors, revenue, wins = methods[method](ctx, frame, where, assumed or {})
    return MadeForecast(method, grain, *frame.days(1), as_of, revenue, wins, factors)


Made = tuple[Sequence[Factor], Fraction | None, Fraction | None]


# Formula


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


def _formula(ctx: Context, frame: Frame, where: WhereInput | None, assumed: AssumedRates) -> Made:
    settings: ForecastingSettings = ctx.settings
    population = ctx.total(
        "PipelineState",
        every(
            counted(settings, Point(ctx.calendar.end_of(frame.as_of)), where),
            is_open(),
            {"expectedCloseDate": {"lte": frame.days(1)[1]}},
        ),
        sum=["expectedAmount"],
    )
    ahead = frame.as_of, frame.days(1)[1]
    amount, number = population.sum["expectedAmount"], Decimal(population.count)
    rates = _rates(ctx, settings, frame, where, assumed)
    factors = [
        Factor(FactorName.VALID_AMOUNT, *ahead, amount),
        Factor(FactorName.VALID_COUNT, *ahead, number),
        *rates.values(),
    ]
    by_amount, achieved = rates[FactorName.CONVERSION_BY_AMOUNT].rate, rates[FactorName.ACHIEVEMENT].rate
    by_count = rates[FactorName.CONVERSION_BY_COUNT].rate
    return factors, rules.forecast(amount, by_amount, achieved), rules.forecast(number, by_count)


_CONVERSIONS = {FactorName.CONVERSION_BY_AMOUNT, FactorName.CONVERSION_BY_COUNT}
#: The rates of the formula, which may be assumed instead of measured.
RATES = (*sorted(_CONVERSIONS), FactorName.ACHIEVEMENT)


def _rates(
    ctx: Context, settings: ForecastingSettings, frame: Frame, where: WhereInput | None, assumed: AssumedRates
) -> dict[FactorName, Factor]:
    """Conversion at the end of the last closed period, and the achievement reported for it (F5, F6, F11, X10)."""
    closed, found = frame.days(-1), []
    if not assumed.keys() >= _CONVERSIONS:
        found += _conversions(ctx, settings, closed[1], frame.days(0)[1], where)
    if FactorName.ACHIEVEMENT not in assumed:
        found.append(_achievement(ctx, settings, frame.days(-2), closed, where))
    given = [Factor(name, *closed, rate, is_assumed=True) for name, rate in assumed.items()]
    return {factor.name: factor for factor in (*found, *given)}


def _conversions(
    ctx: Context, settings: ForecastingSettings, last: date, horizon: date, where: WhereInput | None
) -> list[Factor]:
    every_status = cohort(ctx, last, horizon, where)
    whole = ctx.total("PipelineState", every_status, sum=["expectedAmount"])
    won = ctx.total("PipelineState", every(every_status, {"outcome": {"eq": Outcome.WON}}), sum=["expectedAmount"])
    days = cohort_start(settings, last), last
    return [
        _percentage(FactorName.CONVERSION_BY_AMOUNT, days, won.sum["expectedAmount"], whole.sum["expectedAmount"]),
        _percentage(FactorName.CONVERSION_BY_COUNT, days, Decimal(won.count), Decimal(whole.count)),
    ]


def _achievement(
    ctx: Context,
    settings: ForecastingSettings,
    won_in: tuple[date, date],
    earned_in: tuple[date, date],
    where: WhereInput | None,
) -> Factor:
    """Revenue of a period from what was won in the one before, by the amount it was won with (F6)."""
    new = {"winsNewCustomer": {"eq": True}} if settings.new_customers_only else None
    won = every(where, new, {"outcome": {"eq": Outcome.WON}}, moment_range(ctx.calendar, "wonAt", *won_in))
    expected = ctx.total("Opportunity", won, sum=["expectedAmount"]).sum["expectedAmount"]
    earned = ctx.total(
        "Transaction", every(day_range("occurredOn", *earned_in), of_opportunity(won)), sum=["actualAmount"]
    )
    return _percentage(FactorName.ACHIEVEMENT, (won_in[0], earned_in[1]), earned.sum["actualAmount"], expected)


def _percentage(name: FactorName, days: tuple[date, date], part: Decimal, whole: Decimal) -> Factor:
    return Factor(name, *days, rules.percent(part, whole), part, whole)


# Stage-weighted


def _stage_weighted(ctx: Context, frame: Frame, where: WhereInput | None, assumed: AssumedRates) -> Made:
    first, last = frame.days(1)
    due = {"or": [{"expectedCloseDate": {"lt": frame.as_of}}, day_range("expectedCloseDate", first, last)]}
    wanted = every(Point(ctx.calendar.end_of(frame.as_of)).where(), is_open(), due, of_opportunity(where))
    groups = ctx.groups(
        "PipelineState", [{"stageId": True}], wanted, sum=["expectedAmount", "weightedAmount", "winProbability"]
    )
    factors = [factor for group in groups for factor in _weighted(group, first, last)]
    if any(factor.value is None for factor in factors):
        return factors, None, None
    revenue = sum((Fraction(group.sum["weightedAmount"]) for group in groups), Fraction(0))
    wins = sum((Fraction(group.sum["winProbability"]) / 100 for group in groups), Fraction(0))
    return factors, revenue, wins


def _weighted(group: Figures, first: date, last: date) -> Iterator[Factor]:
    stage = value_at(group.keys, ("stageId",))
    expected, weighted = group.sum["expectedAmount"], group.sum["weightedAmount"]
    if stage is None:
        # Of opportunities that were entered late it is not known in which stage they were.
        yield Factor(FactorName.WEIGHTED_AMOUNT, first, last, None, None, expected)
        yield Factor(FactorName.WEIGHTED_COUNT, first, last, None, None, Decimal(group.count))
        return
    yield Factor(FactorName.WEIGHTED_AMOUNT, first, last, weighted, weighted, expected, stage)
    number = rules.rounded(group.sum["winProbability"] / 100, 4)
    yield Factor(FactorName.WEIGHTED_COUNT, first, last, number, number, Decimal(group.count), stage)


# Trend


def _trend(ctx: Context, frame: Frame, where: WhereInput | None, assumed: AssumedRates) -> Made:
    settings: ForecastingSettings = ctx.settings
    number = settings.moving_average_periods
    latest = frame.latest_closed
    starts = [frame.start(latest - back) for back in range(number - 1, -1, -1)]
    won = every(
        Point(ctx.calendar.end_of(frame.as_of)).where(),
        {"outcome": {"eq": Outcome.WON}},
        of_opportunity(where, moment_range(ctx.calendar, "wonAt", starts[0], frame.days(latest)[1])),
    )
    groups = ctx.groups("PipelineState", [{"opportunity": {"wonAt": frame.grain}}], won, sum=["expectedAmount"])
    found = {value_at(group.keys, ("opportunity", "wonAt")): group for group in groups}
    since = _began(ctx, where)
    factors = []
    for start in starts:
        days, group = (start, last_of(start, frame.grain)), found.get(start.isoformat())
        known = since is not None and ctx.calendar.first_of(since, frame.grain) <= start
        amount, count = (Decimal(0), 0) if group is None else (group.sum["expectedAmount"], group.count)
        factors.append(Factor(FactorName.WON_AMOUNT, *days, amount if known else None))
        factors.append(Factor(FactorName.WON_COUNT, *days, Decimal(count) if known else None))
    return factors, _mean(factors, FactorName.WON_AMOUNT, number), _mean(factors, FactorName.WON_COUNT, number)


def _began(ctx: Context, where: WhereInput | None) -> date | None:
    """The day the first opportunity originated: nothing is on record before it, which does not mean nothing was won."""
    first: date | None = ctx.total("Opportunity", where, min=["originatedOn"]).min["originatedOn"]
    return first


def _mean(factors: Sequence[Factor], name: FactorName, number: int) -> Fraction | None:
    values = [factor.value for factor in factors if factor.name is name and factor.value is not None]
    return rules.moving_average(values, number)


_METHODS: Mapping[ForecastMethod, Callable[[Context, Frame, WhereInput | None, AssumedRates], Made]] = {
    ForecastMethod.FORMULA: _formula,
    ForecastMethod.STAGE_WEIGHTED: _stage_weighted,
    ForecastMethod.TREND: _trend,
}
