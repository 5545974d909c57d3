"""How good each method was on the past: every closed period forecast again, by what was known of the day before it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guanxi import Context
from guanxi.calendar import shifted
from guanxi.vocabulary import DateGrain
from plugins.forecasting.outlook.frames import ForecastRequest, Frame, Made
from plugins.forecasting.outlook.methods import METHODS
from plugins.forecasting.outlook.series import SEASONS, Series, won_before
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import ReportKey, WhereInput
from plugins.forecasting.shared.vocabulary import AccuracyGap, ForecastMethod


@dataclass(frozen=True, slots=True)
class Replay:
    """A closed period, forecast again.

    Attributes:
        first: its first day; the forecast is as of the day before.
        forecast: by the method; None where it has no result.
        reason: why it has none.
        actual: what was won in it.
        previous, year_before: what was won in the period before and in the same one of the year before; None where
            that is not on record.
    """

    first: date
    forecast: Fraction | None
    reason: str | None
    actual: Decimal
    previous: Decimal | None
    year_before: Decimal | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How good a method was for a group.

    Attributes:
        method: which.
        keys: of the group.
        replays: the periods before which something was on record, in order.
    """

    method: ForecastMethod
    keys: Mapping[str, Any]
    replays: Sequence[Replay]

    @property
    def error(self) -> Decimal | None:
        """Mean absolute error in percent of what was won."""
        return self._measured(rules.forecast_error, lambda one: one.forecast)

    @property
    def bias(self) -> Decimal | None:
        """Mean of forecast minus actual in percent of what was won."""
        return self._measured(rules.forecast_bias, lambda one: one.forecast)

    @property
    def previous_error(self) -> Decimal | None:
        """The error of repeating the period before, in the same periods; None unless all of these are on record."""
        return self._measured(rules.forecast_error, lambda one: one.previous)

    @property
    def year_before_error(self) -> Decimal | None:
        """The error of repeating the same period of the year before; None unless all of these are on record."""
        return self._measured(rules.forecast_error, lambda one: one.year_before)

    @property
    def forecasts(self) -> Sequence[Replay]:
        """The periods for which the method has a result."""
        return [one for one in self.replays if one.forecast is not None]

    @property
    def gap(self) -> AccuracyGap | None:
        """Why there is no error; None if there is one."""
        if self.error is not None:
            return None
        if not self.replays:
            return AccuracyGap.NO_PAST
        return AccuracyGap.NOTHING_WON if self.forecasts else AccuracyGap.NO_FORECAST

    def _measured(
        self,
        rule: Callable[[Sequence[Fraction], Sequence[Decimal]], Decimal | None],
        said: Callable[[Replay], Fraction | Decimal | None],
    ) -> Decimal | None:
        found = [(said(one), one.actual) for one in self.forecasts]
        values = [Fraction(value) for value, _ in found if value is not None]
        return rule(values, [actual for _, actual in found]) if len(values) == len(found) else None


def measure(
    ctx: Context,
    methods: Sequence[ForecastMethod],
    grain: DateGrain,
    periods: int,
    by: Sequence[ReportKey],
    where: WhereInput | None,
) -> Iterator[Accuracy]:
    """Forecasts each of the last closed periods again, as of the day before it, and compares.

    Args:
        ctx: in one transaction.
        methods: which.
        grain: how long a period is.
        periods: how many of the last closed ones.
        by: keys of opportunities as they are now; a result for each group, or one of all.
        where: only opportunities that meet this.
    """
    now = ForecastRequest(ctx, Frame(ctx.calendar, grain, ctx.clock.today()), where, by)
    won = won_before(now)
    latest = now.frame.latest_closed
    starts = [now.frame.start(latest - back) for back in range(periods - 1, -1, -1)]
    for method in methods:
        made = {}
        for start in starts:
            asked = ForecastRequest(ctx, Frame(ctx.calendar, grain, start - timedelta(days=1)), where, by)
            made[start] = METHODS[method](asked)
        for group in sorted(won):
            series = won[group]
            replays = [
                _replay(series, start, grain, made[start](group))
                for start in starts
                if series.knows(shifted(start, grain, -1))
            ]
            yield Accuracy(method, now.keys[group], replays)


def _replay(series: Series, start: date, grain: DateGrain, made: Made) -> Replay:
    season = SEASONS.get(grain)
    return Replay(
        start,
        made.revenue,
        None if made.revenue is not None else made.reason,
        series.amount(start) or Decimal(0),
        series.amount(shifted(start, grain, -1)),
        None if season is None else series.amount(shifted(start, grain, -season)),
    )
