"""Metrics by period and by any field of opportunities (F4 to F11, G11).

What happens is counted where it happens: opportunities arise, are won and lost, revenue comes in. What is so at the end
of a period is read from the pipeline's past. A rate keeps what was divided by what.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from guanxi import Context, Figures, InputError, TooManyGroupsError, sentence
from guanxi.calendar import last_of, shifted
from guanxi.vocabulary import DateGrain, OpportunityStatus, Outcome
from plugins.forecasting.outlook.formula import cohort
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.policy import cohort_start, horizon
from plugins.forecasting.shared.reports import (
    Point,
    ReportKey,
    WhereInput,
    day_range,
    every,
    is_open,
    mark,
    moment_range,
    of_opportunity,
    path_of,
    under,
)
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import MetricUnit, SalesMetric

LedgerPlace = tuple[str, date]
LedgerSums = dict[LedgerPlace, Decimal]


@dataclass(frozen=True, slots=True)
class Measured:
    """A sum, or a ratio with what was divided by what."""

    part: Decimal
    whole: Decimal | None
    unit: MetricUnit

    @property
    def value(self) -> Decimal | None:
        """The number; None of a ratio of nothing."""
        if self.whole is None:
            return self.part
        if self.unit is MetricUnit.PERCENT:
            return rules.percent(self.part, self.whole)
        ratio = rules.ratio(self.part, self.whole)
        return None if ratio is None else rules.rounded(ratio)


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow of dated events: records, the field that dates them, a condition, and the field to sum."""

    record: str
    dated: str
    where: WhereInput
    sum: str = "expectedAmount"
    is_moment: bool = False


_WON: WhereInput = {"outcome": {"eq": Outcome.WON}}
_NEW = Flow("Opportunity", "originatedOn", {})
_WINS = Flow("Opportunity", "wonAt", _WON, is_moment=True)
_LOSSES = Flow("Opportunity", "lostAt", {"outcome": {"eq": Outcome.LOST}}, is_moment=True)
_CYCLES = Flow("Opportunity", "wonAt", _WON, "cycleDays", is_moment=True)
_REVENUE = Flow("Transaction", "occurredOn", {"opportunityId": {"isNull": False}}, "actualAmount")
_CONTRIBUTION = Flow("Transaction", "occurredOn", {"isContribution": {"eq": True}}, "actualAmount")
_NEW_CUSTOMERS_WON = Flow("Opportunity", "wonAt", {**_WON, "winsNewCustomer": {"eq": True}}, is_moment=True)


class Ledger:
    """Measures opportunities by period and key, each sum once.

    Args:
        ctx: in one transaction.
        grain: how long a period is.
        starts: the first days of the periods, in order.
        by: keys of opportunities.
        where: which opportunities.
    """

    def __init__(
        self, ctx: Context, grain: DateGrain, starts: Sequence[date], by: Sequence[ReportKey], where: WhereInput | None
    ) -> None:
        self._ctx = ctx
        self._calendar = ctx.calendar
        self._by = by
        self._where = where
        self._known: dict[Any, tuple[LedgerSums, LedgerSums]] = {}
        self.grain = grain
        self.starts = starts
        self.settings: ForecastingSettings = ctx.settings
        self.today = ctx.clock.today()
        #: The groups that were found, by their mark.
        self.keys: dict[str, dict[str, Any]] = {} if by else {mark({}): {}}

    def first_of(self, day: date) -> date:
        """The first day of the period a day lies in."""
        return self._calendar.first_of(day, self.grain)

    # What happens in a period

    def flow(self, flow: Flow, grain: DateGrain | None = None, shift: int = 0) -> tuple[LedgerSums, LedgerSums]:
        """Numbers and sums of what happens, by group and first day of its period.

        Args:
            flow: what.
            grain: other than that of the ledger.
            shift: look so many of these periods later, or earlier.
        """
        grain = grain or self.grain
        known = (flow.record, flow.dated, mark(flow.where), flow.sum, grain, shift)
        if known not in self._known:
            first, last = (
                self._calendar.first_of(day, grain) for day in (self.starts[0], last_of(self.starts[-1], self.grain))
            )
            ends = shifted(first, grain, shift), shifted(last, grain, shift)
            found = ((self._flow_place(flow, group), group) for group in self._flow(flow, grain, *ends))
            self._known[known] = self._sums(found)
        return self._known[known]

    def _flow(self, flow: Flow, grain: DateGrain, first: date, last: date) -> list[Figures]:
        """The groups of the periods from one to another, asked in halves where they are too many for one query."""
        if any(path_of(key) == (flow.dated,) for key in self._by):
            raise InputError(sentence("by: {dated} defines the periods; leave it out", dated=flow.dated))
        of_record = flow.record == "Opportunity"
        days = first, last_of(last, grain)
        within = moment_range(self._calendar, flow.dated, *days) if flow.is_moment else day_range(flow.dated, *days)
        where = every(flow.where, within, self._where if of_record else of_opportunity(self._where))
        by = [{flow.dated: grain}, *(self._by if of_record else under("opportunity", self._by))]
        try:
            return self._ctx.groups(flow.record, by, where, sum=[flow.sum])
        except TooManyGroupsError:
            if first == last:
                raise
        starts = [first]
        while starts[-1] < last:
            starts.append(shifted(starts[-1], grain, 1))
        middle = len(starts) // 2
        return self._flow(flow, grain, first, starts[middle - 1]) + self._flow(flow, grain, starts[middle], last)

    def _flow_place(self, flow: Flow, group: Figures) -> LedgerPlace:
        start = date.fromisoformat(group.keys[flow.dated])
        keys = {name: value for name, value in group.keys.items() if name != flow.dated}
        return self._mark(keys if flow.record == "Opportunity" else keys.get("opportunity", {})), start

    # What is so at the end of a period

    def stock(
        self, name: str, where: Callable[[date], WhereInput], sum: str = "expectedAmount"
    ) -> tuple[LedgerSums, LedgerSums]:
        """Numbers and sums of what is so at the end of each period, or today in the one that runs.

        Args:
            name: of what it is.
            where: gives the states that are so at the end of a day.
            sum: the field that is summed.
        """
        if (name, sum) not in self._known:
            self._known[name, sum] = self._sums(self._stock(where, sum))
        return self._known[name, sum]

    def _stock(self, where: Callable[[date], WhereInput], sum: str) -> Iterator[tuple[LedgerPlace, Figures]]:
        for start in self.starts:
            if start <= self.today:
                wanted = where(min(last_of(start, self.grain), self.today))
                for group in self._ctx.groups("PipelineState", under("opportunity", self._by), wanted, sum=[sum]):
                    yield (self._mark(group.keys.get("opportunity", {})), start), group

    def states(self, day: date, *conditions: WhereInput) -> WhereInput:
        """The states at the end of a day that meet these, of the opportunities that are asked for."""
        return every(Point(self._calendar.end_of(day)).where(), *conditions, of_opportunity(self._where))

    def cohort(self, day: date, *conditions: WhereInput) -> WhereInput:
        """The cohort at the end of a day (F5)."""
        return every(cohort(self._ctx, day, horizon(day), self._where), *conditions)

    # Both

    def _mark(self, keys: dict[str, Any]) -> str:
        found = mark(keys)
        self.keys.setdefault(found, keys)
        return found

    @staticmethod
    def _sums(found: Iterator[tuple[LedgerPlace, Figures]]) -> tuple[LedgerSums, LedgerSums]:
        numbers: LedgerSums = {}
        sums: LedgerSums = {}
        for place, group in found:
            numbers[place] = Decimal(group.count)
            (sums[place],) = group.sum.values()
        return numbers, sums


# The metrics, each from a ledger to what is divided by what


def _open(ledger: Ledger) -> Callable[[date], WhereInput]:
    return lambda day: ledger.states(day, is_open())


def _valid(ledger: Ledger) -> Callable[[date], WhereInput]:
    return lambda day: ledger.states(day, is_open(), {"isValid": {"eq": True}})


def _fresh(ledger: Ledger) -> Callable[[date], WhereInput]:
    def where(day: date) -> WhereInput:
        young = of_opportunity({"originatedOn": {"gte": cohort_start(ledger.settings, day)}})
        in_sight = {"status": {"eq": OpportunityStatus.FOLLOWING}, "expectedCloseDate": {"lte": horizon(day)}}
        return ledger.states(day, in_sight, young or {})

    return where


def _conversion(ledger: Ledger, which: int) -> tuple[LedgerSums, LedgerSums]:
    won = ledger.stock("cohort won", lambda day: ledger.cohort(day, _WON))
    return won[which], ledger.stock("cohort", ledger.cohort)[which]


def _achievement(ledger: Ledger) -> tuple[LedgerSums, LedgerSums]:
    """Contribution by what the wins of the month before were won with; of longer periods, month by month (F6, X10)."""
    if ledger.grain in (DateGrain.DAY, DateGrain.WEEK):
        raise InputError(sentence("grain: ACHIEVEMENT is of the month after a win; use MONTH, QUARTER or YEAR"))
    expected: LedgerSums = {}
    for (group, month), amount in ledger.flow(_NEW_CUSTOMERS_WON, DateGrain.MONTH, -1)[1].items():
        place = group, ledger.first_of(shifted(month, DateGrain.MONTH, 1))
        expected[place] = expected.get(place, Decimal(0)) + amount
    return ledger.flow(_CONTRIBUTION)[1], expected


def _win_rate(ledger: Ledger) -> tuple[LedgerSums, LedgerSums]:
    won, lost = ledger.flow(_WINS)[0], ledger.flow(_LOSSES)[0]
    zero = Decimal(0)
    return won, {place: won.get(place, zero) + lost.get(place, zero) for place in won.keys() | lost.keys()}


_METRICS: Mapping[SalesMetric, tuple[MetricUnit, Callable[[Ledger], tuple[LedgerSums, LedgerSums | None]]]] = {
    SalesMetric.NEW_COUNT: (MetricUnit.COUNT, lambda ledger: (ledger.flow(_NEW)[0], None)),
    SalesMetric.NEW_AMOUNT: (MetricUnit.MONEY, lambda ledger: (ledger.flow(_NEW)[1], None)),
    SalesMetric.WON_COUNT: (MetricUnit.COUNT, lambda ledger: (ledger.flow(_WINS)[0], None)),
    SalesMetric.WON_AMOUNT: (MetricUnit.MONEY, lambda ledger: (ledger.flow(_WINS)[1], None)),
    SalesMetric.LOST_COUNT: (MetricUnit.COUNT, lambda ledger: (ledger.flow(_LOSSES)[0], None)),
    SalesMetric.LOST_AMOUNT: (MetricUnit.MONEY, lambda ledger: (ledger.flow(_LOSSES)[1], None)),
    SalesMetric.WIN_RATE: (MetricUnit.PERCENT, _win_rate),
    SalesMetric.AVERAGE_WON_AMOUNT: (MetricUnit.MONEY, lambda ledger: ledger.flow(_WINS)[::-1]),
    SalesMetric.SALES_CYCLE_DAYS: (MetricUnit.DAYS, lambda ledger: ledger.flow(_CYCLES)[::-1]),
    SalesMetric.REVENUE: (MetricUnit.MONEY, lambda ledger: (ledger.flow(_REVENUE)[1], None)),
    SalesMetric.CONTRIBUTION: (MetricUnit.MONEY, lambda ledger: (ledger.flow(_CONTRIBUTION)[1], None)),
    SalesMetric.ACHIEVEMENT: (MetricUnit.PERCENT, _achievement),
    SalesMetric.OPEN_COUNT: (MetricUnit.COUNT, lambda ledger: (ledger.stock("open", _open(ledger))[0], None)),
    SalesMetric.OPEN_AMOUNT: (MetricUnit.MONEY, lambda ledger: (ledger.stock("open", _open(ledger))[1], None)),
    SalesMetric.WEIGHTED_AMOUNT: (
        MetricUnit.MONEY,
        lambda ledger: (ledger.stock("open", _open(ledger), "weightedAmount")[1], None),
    ),
    SalesMetric.VALID_COUNT: (MetricUnit.COUNT, lambda ledger: (ledger.stock("valid", _valid(ledger))[0], None)),
    SalesMetric.VALID_AMOUNT: (MetricUnit.MONEY, lambda ledger: (ledger.stock("valid", _valid(ledger))[1], None)),
    SalesMetric.FRESH_COUNT: (MetricUnit.COUNT, lambda ledger: (ledger.stock("fresh", _fresh(ledger))[0], None)),
    SalesMetric.CONVERSION_BY_AMOUNT: (MetricUnit.PERCENT, lambda ledger: _conversion(ledger, 1)),
    SalesMetric.CONVERSION_BY_COUNT: (MetricUnit.PERCENT, lambda ledger: _conversion(ledger, 0)),
}


def unit_of(metric: SalesMetric) -> MetricUnit:
    """Unit of a metric."""
    return _METRICS[metric][0]


def measure(ledger: Ledger, metric: SalesMetric) -> Callable[[str, date], Measured | None]:
    """Measures one metric; returns its value for a group and the first day of a period, None for a future one."""
    unit, made = _METRICS[metric]
    parts, wholes = made(ledger)
    zero, today = Decimal(0), ledger.today

    def of(group: str, start: date) -> Measured | None:
        if start > today:
            return None
        place = group, start
        return Measured(parts.get(place, zero), None if wholes is None else wholes.get(place, zero), unit)

    return of
