"""Stage-weighted: open amounts by win probability, stage by stage (F9)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from guanxi import Figures
from plugins.forecasting.outlook.frames import Factor, ForecastRequest, Made, Maker
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import Point, day_range, every, is_open, of_opportunity, value_at
from plugins.forecasting.shared.vocabulary import FactorName


def stage_weighted(asked: ForecastRequest) -> Maker:
    """Weighs what is expected to close in the period, or is overdue, by win probability (F9)."""
    frame = asked.frame
    days = frame.days(1)
    due = {"or": [{"expectedCloseDate": {"lt": frame.as_of}}, day_range("expectedCloseDate", *days)]}
    wanted = every(Point(asked.ctx.calendar.end_of(frame.as_of)).where(), is_open(), due, of_opportunity(asked.where))
    sums = ["expectedAmount", "weightedAmount", "winProbability"]
    stages: dict[str, list[Figures]] = defaultdict(list)
    for group, figures in asked.groups("PipelineState", wanted, also={"stageId": True}, sum=sums):
        stages[group].append(figures)

    def made(group: str) -> Made:
        found = stages.get(group, [])
        factors = [factor for stage in found for factor in _weighted(stage, *days)]
        if any(factor.value is None for factor in factors):
            return Made(factors, None, None)
        revenue = sum((Fraction(stage.sum["weightedAmount"]) for stage in found), Fraction(0))
        wins = sum((Fraction(stage.sum["winProbability"]) / 100 for stage in found), Fraction(0))
        return Made(factors, revenue, wins)

    return made


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
