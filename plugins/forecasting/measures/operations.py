"""The query `salesMetrics`: any metric by period and by any field, with comparisons; only what is asked is computed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry.types.nodes import FragmentSpread, InlineFragment, SelectedField

from guanxi import Operations
from guanxi.vocabulary import DateGrain
from plugins.forecasting.measures import comparisons as comparing
from plugins.forecasting.shared.operations import money, read
from plugins.forecasting.shared.reports import Asking
from plugins.forecasting.shared.rules import growth
from plugins.forecasting.shared.vocabulary import MetricUnit, SalesMetric


def metric_operations(plugin: str, types: Any) -> Operations:
    """The query of metrics."""
    types.enum(MetricUnit)

    @strawberry.type(description="A metric in one period.")
    class MetricPoint:
        period_start: date = strawberry.field(description="First day of the period.")
        period_end: date = strawberry.field(description="Last day of the period.")
        value: Decimal | None = strawberry.field(
            description="How much; null of a share of nothing, and of a period that lies ahead."
        )
        amount: types.Money | None = strawberry.field(description="The same as money, where it is.")
        part: Decimal | None = strawberry.field(description="Of a share or an average, what was divided.")
        whole: Decimal | None = strawberry.field(description="Of a share or an average, by what.")
        previous: Decimal | None = strawberry.field(description="The value of the period before.")
        growth: Decimal | None = strawberry.field(
            description="The change from the period before in percent; null from nothing (F8)."
        )
        year_before: Decimal | None = strawberry.field(
            description="The value of the same period a year before; of a week the one 52 weeks before."
        )
        growth_on_year: Decimal | None = strawberry.field(
            description="The change from the year before in percent; null from nothing (F8)."
        )
        target: Decimal | None = strawberry.field(
            description="What is to be reached, by the sales target of this metric, period and group, if there is one."
        )
        attainment: Decimal | None = strawberry.field(description="The value in percent of the target (F10, G11).")

    @strawberry.type(description="One metric of one group, period by period.")
    class MetricSeries:
        metric: SalesMetric = strawberry.field(description="What is measured.")
        unit: MetricUnit = strawberry.field(description="In what.")
        keys: types.OpportunityGroupKeys | None = strawberry.field(description="The group's keys; null without `by`.")
        points: list[MetricPoint] = strawberry.field(description="Its periods, earliest first.")

    def point(asking: Asking, unit: MetricUnit, one: comparing.Compared) -> MetricPoint:
        measured = one.measured
        return MetricPoint(
            period_start=one.first,
            period_end=one.last,
            value=one.value,
            amount=money(one.value, asking) if unit is MetricUnit.MONEY else None,
            part=None if measured is None or measured.whole is None else measured.part,
            whole=None if measured is None else measured.whole,
            previous=one.previous,
            growth=growth(one.value, one.previous),
            year_before=one.year_before,
            growth_on_year=growth(one.value, one.year_before),
            target=one.target,
            attainment=one.attainment,
        )

    @strawberry.type
    class Query:
        @strawberry.field(
            description="Metrics by day, week, month, quarter or year and by any field of opportunities or of what "
            "they lead to, with the period and the year before and with targets (F4 to F11, G11)."
        )
        async def sales_metrics(
            self,
            info: strawberry.Info,
            metrics: Annotated[list[SalesMetric], strawberry.argument(description="What is measured.")],
            first_day: Annotated[date, strawberry.argument(description="A day of the first period.")],
            last_day: Annotated[date, strawberry.argument(description="A day of the last period.")],
            grain: Annotated[DateGrain, strawberry.argument(description="How long a period is.")] = DateGrain.MONTH,
            by: Annotated[
                list[types.OpportunityGroupKey] | None,
                strawberry.argument(description="A series for each of these keys, as they are now."),
            ] = None,
            where: Annotated[
                types.OpportunityWhere | None, strawberry.argument(description="Only opportunities that meet this.")
            ] = None,
        ) -> list[MetricSeries]:
            asked = set(_selected(info.selected_fields))
            wanted = comparing.Comparisons(
                previous=bool(asked & {"previous", "growth"}),
                year_before=bool(asked & {"yearBefore", "growthOnYear"}),
                target=bool(asked & {"target", "attainment"}),
            )
            named = [SalesMetric(metric) for metric in metrics]

            def work(asking: Asking) -> list[MetricSeries]:
                found = comparing.series(asking, named, DateGrain(grain), first_day, last_day, by or (), where, wanted)
                return [
                    MetricSeries(
                        metric=one.metric,
                        unit=one.unit,
                        keys=one.keys or None,
                        points=[point(asking, one.unit, compared) for compared in one.points],
                    )
                    for one in found
                ]

            return await read(info.context, plugin, work)

    return Operations(Query)


def _selected(nodes: list[SelectedField | FragmentSpread | InlineFragment]) -> Iterator[str]:
    """The names of all fields that are selected, at any depth."""
    for node in nodes:
        if isinstance(node, SelectedField):
            yield node.name
        yield from _selected(node.selections)
