"""What every method of forecasting works with: periods, factors, totals by group, and results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from guanxi import Context, Figures
from guanxi.calendar import Calendar, last_of, shifted
from guanxi.vocabulary import DateGrain
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import ReportKey, WhereInput, mark, under
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import FactorName, MetricUnit

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
    FactorName.HISTORY: MetricUnit.COUNT,
    FactorName.LAST_YEAR_AMOUNT: MetricUnit.MONEY,
    FactorName.LAST_YEAR_COUNT: MetricUnit.COUNT,
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


@dataclass(frozen=True, slots=True)
class Made:
    """What a method gives for one group.

    Attributes:
        factors: what it is made of.
        revenue: an amount of the reporting currency; None where something is missing.
        wins: how many opportunities; None likewise.
        obstacle: why there is no result, where the factors do not show it.
    """

    factors: Sequence[Factor]
    revenue: Fraction | None
    wins: Fraction | None
    obstacle: str | None = None

    @property
    def missing(self) -> list[FactorName]:
        """The factors without which there is no result."""
        return list(dict.fromkeys(factor.name for factor in self.factors if factor.value is None))

    @property
    def reason(self) -> str | None:
        """Why there is no revenue; None if there is."""
        if self.revenue is not None:
            return None
        return self.obstacle or f"{', '.join(self.missing)} cannot be known"


#: Gives the forecast of a group, by its mark.
Maker = Callable[[str], Made]
#: Number and sum by the mark of a group.
Totals = Mapping[str, tuple[Decimal, Decimal]]

_NOTHING = Decimal(0), Decimal(0)


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """What is to be forecast.

    Attributes:
        ctx: in one transaction.
        frame: the periods.
        where: only opportunities that meet this.
        by: keys of opportunities as they are now; a forecast for each group, or one of all.
        assumed: rates in percent to take instead of those that were measured.
        keys: the groups found so far, by their mark.
    """

    ctx: Context
    frame: Frame
    where: WhereInput | None = None
    by: Sequence[ReportKey] = ()
    assumed: AssumedRates = field(default_factory=dict)
    keys: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def settings(self) -> ForecastingSettings:
        """The policy."""
        settings: ForecastingSettings = self.ctx.settings
        return settings

    def groups(
        self,
        record: str,
        where: WhereInput,
        *,
        also: ReportKey | None = None,
        sum: Sequence[str] = (),
        min: Sequence[str] = (),
    ) -> list[tuple[str, Figures]]:
        """Figures of records with the mark of their group, once per value of another key if there is one.

        Args:
            record: opportunities, or records that refer to one.
            where: which of them.
            also: another key of these records.
            sum, min: fields.
        """
        by = list(self.by if record == "Opportunity" else under("opportunity", self.by))
        if not by and also is None:
            self.keys[mark({})] = {}
            return [(mark({}), self.ctx.total(record, where, sum=sum, min=min))]
        found = []
        for group in self.ctx.groups(record, [*((also,) if also else ()), *by], where, sum=sum, min=min):
            keys = group.keys if record == "Opportunity" else group.keys.get("opportunity", {})
            own = {name: keys[name] for key in self.by for name in key}
            self.keys[mark(own)] = own
            found.append((mark(own), group))
        return found

    def totals(self, record: str, where: WhereInput, amount: str = "expectedAmount") -> Totals:
        """Number and sum of an amount by group."""
        return {
            group: (Decimal(figures.count), figures.sum[amount])
            for group, figures in self.groups(record, where, sum=[amount])
        }


def of(totals: Totals, group: str) -> tuple[Decimal, Decimal]:
    """Number and sum of a group: zero where nothing was found."""
    return totals.get(group, _NOTHING)
