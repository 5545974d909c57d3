"""Series of metrics: period by period, against the period and the year before, and against targets (F8, F10, G11)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from guanxi import Context, InputError, sentence
from guanxi.calendar import last_of, shifted, year_before
from guanxi.vocabulary import DateGrain
from plugins.forecasting.measures.metrics import Ledger, Measured, measure, unit_of
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import ReportKey, WhereInput, every, path_of, value_at
from plugins.forecasting.shared.vocabulary import MetricUnit, SalesMetric

_MOST_PERIODS = 400


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric in one period.

    Attributes:
        first, last: its days.
        measured: its value; None for a period in the future.
        previous, year_before: what it was in the period before and in that of the year before, if they were asked for.
        target: what was to be reached, if there is a target of just this group.
    """

    first: date
    last: date
    measured: Measured | None
    previous: Decimal | None = None
    year_before: Decimal | None = None
    target: Decimal | None = None

    @property
    def value(self) -> Decimal | None:
        """The number."""
        return None if self.measured is None else self.measured.value

    @property
    def attainment(self) -> Decimal | None:
        """The number in percent of the target (F10, G11)."""
        return None if self.value is None or self.target is None else rules.percent(self.value, self.target)


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """One metric of one group, period by period."""

    metric: SalesMetric
    unit: MetricUnit
    keys: dict[str, Any]
    points: Sequence[Compared]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The comparisons requested; others are not computed."""

    previous: bool = False
    year_before: bool = False
    target: bool = False


def series(
    ctx: Context,
    metrics: Sequence[SalesMetric],
    grain: DateGrain,
    first: date,
    last: date,
    by: Sequence[ReportKey],
    where: WhereInput | None,
    wanted: Comparisons,
) -> list[MetricSeries]:
    """Each metric by group and period.

    Raises:
        InputError: the days are the wrong way round, the periods too many, or a metric does not go with the grain.
    """
    starts = list(islice(ctx.calendar.between(first, last, grain), _MOST_PERIODS + 1))
    if not starts:
        raise InputError(
            sentence("lastDay: {last} is before firstDay, {first}; give a later one", last=last, first=first)
        )
    if len(starts) > _MOST_PERIODS:
        raise InputError(
            sentence(
                "grain: these are more than {most_periods} periods; give fewer days, or a larger grain",
                most_periods=_MOST_PERIODS,
            )
        )
    needed = set(starts)
    if wanted.previous:
        needed |= {shifted(start, grain, -1) for start in starts}
    if wanted.year_before:
        needed |= {year_before(start, grain) for start in starts}
    ledger = Ledger(ctx, grain, sorted(needed), by, where)
    measured = {metric: measure(ledger, metric) for metric in dict.fromkeys(metrics)}
    targets = _targets(ctx, list(measured), grain, starts, by) if wanted.target else {}

    def points(metric: SalesMetric, group: str) -> Iterator[Compared]:
        def value(start: date, *, is_wanted: bool) -> Decimal | None:
            found = measured[metric](group, start) if is_wanted else None
            return None if found is None else found.value

        for start in starts:
            yield Compared(
                start,
                last_of(start, grain),
                measured[metric](group, start),
                value(shifted(start, grain, -1), is_wanted=wanted.previous),
                value(year_before(start, grain), is_wanted=wanted.year_before),
                targets.get((metric, start, _scope_of(by, ledger.keys[group]))),
            )

    return [
        MetricSeries(metric, unit_of(metric), keys, list(points(metric, group)))
        for metric in measured
        for group, keys in sorted(ledger.keys.items())
    ]


#: The columns of a target that say of whom it is, by the key that groups by the same.
_SCOPES: Mapping[tuple[str, ...], str] = {
    ("ownerId",): "userId",
    ("owner", "id"): "userId",
    ("owner", "teamId"): "teamId",
    ("owner", "team", "id"): "teamId",
    ("region",): "region",
}

TargetScope = tuple[str, str] | None


def _scope_of(by: Sequence[ReportKey], keys: Mapping[str, Any]) -> TargetScope:
    """Of whom a target has to be to be that of a group."""
    path = path_of(by[0]) if by else ()
    return (_SCOPES[path], str(value_at(keys, path)).casefold()) if path in _SCOPES else None


def _targets(
    ctx: Context, metrics: Sequence[SalesMetric], grain: DateGrain, starts: Sequence[date], by: Sequence[ReportKey]
) -> dict[tuple[SalesMetric, date, TargetScope], Decimal]:
    """The targets of these periods, by metric, period and whose they are."""
    if len(by) > 1 or (by and path_of(by[0]) not in _SCOPES):
        return {}
    scope = _SCOPES[path_of(by[0])] if by else None
    names = dict.fromkeys(_SCOPES.values())
    wanted = every(
        {"metric": {"in": list(metrics)}, "grain": {"eq": grain}, "periodStart": {"in": list(starts)}},
        *({name: {"isNull": name != scope}} for name in names),
    )
    found = {}
    for node in ctx.pages("SalesTarget", "metric periodStart value userId teamId region", wanted):
        whose = None if scope is None else (scope, str(node[scope]).casefold())
        place = SalesMetric(node["metric"]), date.fromisoformat(node["periodStart"]), whose
        found[place] = Decimal(node["value"])
    return found
