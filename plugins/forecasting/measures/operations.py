"""The query `salesMetrics`: any metric by period and by any field, with comparisons; only what is asked is computed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField

from guanxi import Context, Money, query
from guanxi.vocabulary import DateGrain
from plugins.forecasting.measures.comparisons import Compared, Comparisons, series
from plugins.forecasting.shared.arguments import By, Opportunities, OpportunityKeys
from plugins.forecasting.shared.reports import money
from plugins.forecasting.shared.rules import growth
from plugins.forecasting.shared.vocabulary import MetricUnit, SalesMetric


@strawberry.type
class MetricPoint:
    """A metric in one period."""

    period_start: date = strawberry.field(description="First day of the period.")
    period_end: date = strawberry.field(description="Last day of the period.")
    value: Decimal | None = strawberry.field(
        description="The value; null for a share of nothing, and for a period in the future."
    )
    amount: Money | None = strawberry.field(description="The value as money, if it is an amount.")
    part: Decimal | None = strawberry.field(description="For a share or an average, what was divided.")
    whole: Decimal | None = strawberry.field(description="For a share or an average, what it was divided by.")
    previous: Decimal | None = strawberry.field(description="The value of the previous period.")
    growth: Decimal | None = strawberry.field(
        description="Growth from the previous period in percent; null if that is unknown or 0."
    )
    year_before: Decimal | None = strawberry.field(
        description="The value of the same period a year before; for a week, 52 weeks before."
    )
    growth_on_year: Decimal | None = strawberry.field(
        description="Growth from the year before in percent; null if that is unknown or 0."
    )
    target: Decimal | None = strawberry.field(
        description="Target value from the sales target for this metric, period and group, if there is one."
    )
    attainment: Decimal | None = strawberry.field(description="Attainment: the value in percent of the target.")


@strawberry.type(name="MetricSeries")
class ShownSeries:
    """One metric of one group, period by period."""

    metric: SalesMetric = strawberry.field(description="The metric.")
    unit: MetricUnit = strawberry.field(description="In what.")
    keys: OpportunityKeys | None = strawberry.field(description="The group's keys; null without `by`.")
    points: list[MetricPoint] = strawberry.field(description="Its periods, earliest first.")


@query
def sales_metrics(
    ctx: Context,
    info: strawberry.Info,
    metrics: Annotated[list[SalesMetric], strawberry.argument(description="The metrics.")],
    first_day: Annotated[date, strawberry.argument(description="A day of the first period.")],
    last_day: Annotated[date, strawberry.argument(description="A day of the last period.")],
    grain: Annotated[DateGrain, strawberry.argument(description="Length of a period.")] = DateGrain.MONTH,
    by: Annotated[By, strawberry.argument(description="One series per group of these keys, as they are now.")] = None,
    where: Opportunities = None,
) -> list[ShownSeries]:
    """Computes metrics by day, week, month, quarter or year and by any field of opportunities or related records, with
    the previous period, the year before and targets.

    Rules F4 to F11, G11.
    """
    asked = set(_selected(info.selected_fields))
    wanted = Comparisons(
        previous=bool(asked & {"previous", "growth"}),
        year_before=bool(asked & {"yearBefore", "growthOnYear"}),
        target=bool(asked & {"target", "attainment"}),
    )
    return [
        ShownSeries(
            metric=one.metric,
            unit=one.unit,
            keys=one.keys or None,
            points=[_point(ctx, one.unit, compared) for compared in one.points],
        )
        for one in series(ctx, metrics, grain, first_day, last_day, by or (), where, wanted)
    ]


def _point(ctx: Context, unit: MetricUnit, one: Compared) -> MetricPoint:
    measured = one.measured
    return MetricPoint(
        period_start=one.first,
        period_end=one.last,
        value=one.value,
        amount=money(ctx, one.value) if unit is MetricUnit.MONEY and one.value is not None else None,
        part=None if measured is None or measured.whole is None else measured.part,
        whole=None if measured is None else measured.whole,
        previous=one.previous,
        growth=growth(one.value, one.previous),
        year_before=one.year_before,
        growth_on_year=growth(one.value, one.year_before),
        target=one.target,
        attainment=one.attainment,
    )


def _selected(nodes: list[SelectedField | FragmentSpread | InlineFragment]) -> Iterator[str]:
    """The names of all fields that are selected, at any depth."""
    for node in nodes:
        if isinstance(node, SelectedField):
            yield node.name
        yield from _selected(node.selections)
