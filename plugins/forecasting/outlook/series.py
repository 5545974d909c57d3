"""Forecasts of what was won before, period by period: the trend (F12), and the seasons."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from guanxi import InputError, sentence
from guanxi.calendar import last_of, shifted
from guanxi.vocabulary import DateGrain, Outcome
from plugins.forecasting.outlook import smoothing
from plugins.forecasting.outlook.frames import Factor, ForecastRequest, Made, Maker
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import Point, every, moment_range, of_opportunity, value_at
from plugins.forecasting.shared.vocabulary import FactorName

#: Periods that make a year, by grain.
SEASONS: Mapping[DateGrain, int] = {DateGrain.MONTH: 12, DateGrain.QUARTER: 4}


@dataclass(frozen=True, slots=True)
class Series:
    """What a group won, period by period.

    Attributes:
        first: first day of the first period that is on record; None where nothing is.
        counts, amounts: number and sum by the first day of their period; nothing where nothing was won.
    """

    first: date | None
    counts: Mapping[date, Decimal]
    amounts: Mapping[date, Decimal]

    def knows(self, start: date) -> bool:
        """Whether a period is on record: before the first, that nothing is known does not mean nothing was won."""
        return self.first is not None and self.first <= start

    def amount(self, start: date) -> Decimal | None:
        """The amount won in a period; None if it is not on record."""
        return self.amounts.get(start, Decimal(0)) if self.knows(start) else None

    def count(self, start: date) -> Decimal | None:
        """The number won in a period; None if it is not on record."""
        return self.counts.get(start, Decimal(0)) if self.knows(start) else None


def won_before(asked: ForecastRequest, since: date | None = None) -> Mapping[str, Series]:
    """What each group won in the periods closed by the day, as far as it is on record.

    Args:
        asked: what is to be forecast.
        since: only from this day on.
    """
    frame, ctx = asked.frame, asked.ctx
    began = {
        group: ctx.calendar.first_of(figures.min["originatedOn"], frame.grain)
        for group, figures in asked.groups("Opportunity", every(asked.where), min=["originatedOn"])
        if figures.min["originatedOn"] is not None
    }
    if not began:
        return {}
    first, last = since or min(began.values()), frame.days(frame.latest_closed)[1]
    won = every(
        Point(ctx.calendar.end_of(frame.as_of)).where(),
        {"outcome": {"eq": Outcome.WON}},
        of_opportunity(asked.where, moment_range(ctx.calendar, "wonAt", first, last)),
    )
    counts: dict[str, dict[date, Decimal]] = defaultdict(dict)
    amounts: dict[str, dict[date, Decimal]] = defaultdict(dict)
    month = {"opportunity": {"wonAt": frame.grain}}
    for group, figures in asked.groups("PipelineState", won, also=month, sum=["expectedAmount"]):
        start = date.fromisoformat(value_at(figures.keys, ("opportunity", "wonAt")))
        counts[group][start] = Decimal(figures.count)
        amounts[group][start] = figures.sum["expectedAmount"]
    return {group: Series(start, counts[group], amounts[group]) for group, start in began.items()}


_UNKNOWN = Series(None, {}, {})


def trend(asked: ForecastRequest) -> Maker:
    """Averages the last closed periods (F12)."""
    frame, number = asked.frame, asked.settings.moving_average_periods
    starts = [frame.start(frame.latest_closed - back) for back in range(number - 1, -1, -1)]
    known = won_before(asked, starts[0])

    def made(group: str) -> Made:
        series = known.get(group, _UNKNOWN)
        factors = []
        for start in starts:
            days = start, last_of(start, frame.grain)
            factors.append(Factor(FactorName.WON_AMOUNT, *days, series.amount(start)))
            factors.append(Factor(FactorName.WON_COUNT, *days, series.count(start)))
        amounts, counts = (
            [factor.value for factor in factors if factor.name is name and factor.value is not None]
            for name in (FactorName.WON_AMOUNT, FactorName.WON_COUNT)
        )
        return Made(factors, rules.moving_average(amounts, number), rules.moving_average(counts, number))

    return made


def seasonal(asked: ForecastRequest) -> Maker:
    """Smooths all closed periods with level, trend and season, where there are years enough.

    Raises:
        InputError: there are no seasons of such periods.
    """
    frame = asked.frame
    if (season := SEASONS.get(frame.grain)) is None:
        raise InputError(
            sentence("grain: SEASONAL knows months and quarters, not {grain}; use MONTH or QUARTER", grain=frame.grain)
        )
    needed = asked.settings.seasonal_months * season // 12
    known = won_before(asked)
    latest, ahead = frame.start(frame.latest_closed), 1 - frame.latest_closed
    last_year = shifted(frame.start(1), frame.grain, -season)

    def made(group: str) -> Made:
        series = known.get(group, _UNKNOWN)
        starts = _starts(series, latest, frame.grain)
        enough = len(starts) >= needed
        span = (starts[0] if starts else latest), last_of(latest, frame.grain)
        days = last_year, last_of(last_year, frame.grain)
        number = Decimal(len(starts))
        factors = [
            Factor(FactorName.HISTORY, *span, number if enough else None, number, Decimal(needed)),
            Factor(FactorName.LAST_YEAR_AMOUNT, *days, series.amount(last_year)),
            Factor(FactorName.LAST_YEAR_COUNT, *days, series.count(last_year)),
        ]
        if not enough:
            periods = f"{needed} closed {'months' if season == 12 else 'quarters'}"
            return Made(factors, None, None, f"SEASONAL needs {periods} on record; there are {len(starts)}")
        if not smoothing.is_installed():
            return Made(factors, None, None, f"statsmodels is not installed; install {smoothing.EXTRA}")
        amounts = [series.amounts.get(start, Decimal(0)) for start in starts]
        counts = [series.counts.get(start, Decimal(0)) for start in starts]
        return Made(factors, smoothing.smoothed(amounts, season, ahead), smoothing.smoothed(counts, season, ahead))

    return made


def _starts(series: Series, latest: date, grain: DateGrain) -> Sequence[date]:
    """First days of the periods on record, up to the latest closed one."""
    starts, start = [], series.first
    while start is not None and start <= latest:
        starts.append(start)
        start = shifted(start, grain, 1)
    return starts
