"""The fields of forecasting's own records: actual results of targets and forecasts, and totals of lines."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Select, case, func, literal, null, or_, select

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.records import Opportunity, User
from guanxi.rules import outcome, weighted_amount
from guanxi.sql import Expression, day_of, rounded_ratio, rounded_share, whole
from guanxi.vocabulary import Outcome
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.vocabulary import CoverageGap, SalesMetric

_DEALS = Opportunity.__table__.alias("counted_opportunity")
_PEOPLE = User.__table__.alias("team_member")


def record_fields(currency: str) -> Iterator[Field]:
    """Yields every derived field of the plugin's own records."""
    unit = Money(Decimal(1), currency).minor

    def money(minor: Expression) -> MoneyExpression:
        return MoneyExpression(minor, literal(currency), minor)

    yield Field(
        "PipelineState.weightedAmount",
        lambda row: money(weighted_amount(row.expected_amount.reporting, whole(row.win_probability))),
        "Its expected amount times its win probability, in the reporting currency.",
        Money,
    )
    yield Field(
        "ForecastLine.amount", lambda row: money(_calculated(row)), "Calculated amount: own plus team's.", Money
    )
    yield Field(
        "ForecastLine.effectiveAmount",
        lambda row: money(func.coalesce(row.adjusted_amount.reporting, _calculated(row))),
        "Effective amount: the adjustment, else the calculated amount.",
        Money,
    )
    yield from _target_fields(unit)
    yield from _run_fields(money)


def _calculated(row: Row) -> Expression:
    return row.own_amount.reporting + row.team_amount.reporting  # type: ignore[no-any-return]


def _won_between(value: Expression, first: Expression, last: Expression) -> Select[Any]:
    """An aggregate over the living opportunities won in a period."""
    return select(value).where(
        _DEALS.c.deleted_at.is_(None),
        outcome(_DEALS.c.status, _DEALS.c.lost_at) == Outcome.WON.value,
        day_of(_DEALS.c.won_at) >= first,
        day_of(_DEALS.c.won_at) <= last,
    )


def _amount() -> Expression:
    return func.coalesce(func.sum(_DEALS.c.expected_amount_reporting), 0).cast(BigInteger)


# Targets


def _target_fields(unit: int) -> Iterator[Field]:
    def measured(row: Row, amount: Expression, count: Expression) -> Expression:
        return case(
            (row.metric == SalesMetric.WON_AMOUNT.value, amount),
            (row.metric == SalesMetric.WON_COUNT.value, count),
            else_=null(),
        )

    def in_metric(row: Row, amount: Expression, count: Expression) -> Expression:
        return measured(row, rounded_ratio(amount * 100, literal(unit)), count * 100)

    def actual(row: Row) -> Expression:
        return in_metric(row, _reached(row, _amount()), _reached(row, func.count()))

    # In hundredths of the smallest unit of the currency, or of an opportunity, so that nothing is rounded twice.
    def missing(row: Row) -> Expression:
        value = whole(row.value)
        reached = _reached(row, _amount()), _reached(row, func.count())
        return measured(row, value * unit - 100 * reached[0], value - 100 * reached[1])

    def open_pipeline(row: Row) -> Expression:
        return measured(row, _open(row, _amount()) * 100, _open(row, func.count()) * 100)

    def gap(row: Row) -> Expression:
        return rules.coverage_gap(row.metric, missing(row), row.period_end, row.as_of)

    yield Field(
        "SalesTarget.actual",
        actual,
        "Value reached so far, for WON_AMOUNT and WON_COUNT; for other metrics see `salesMetrics`.",
        Decimal,
    )
    yield Field(
        "SalesTarget.attainment",
        lambda row: rounded_share(actual(row), literal(10_000), whole(row.value)),
        "Attainment: value reached in percent of the target.",
        Decimal,
    )
    yield Field(
        "SalesTarget.gap",
        lambda row: case((whole(row.value) > actual(row), whole(row.value) - actual(row)), else_=actual(row) * 0),
        "Value still missing to reach the target.",
        Decimal,
    )
    yield Field(
        "SalesTarget.openPipeline",
        lambda row: in_metric(row, _open(row, _amount()), _open(row, func.count())),
        "Open pipeline: what is expected to close in the period or is overdue, in the metric's unit.",
        Decimal,
    )
    yield Field(
        "SalesTarget.coverage",
        lambda row: case((gap(row).is_(None), rules.coverage(open_pipeline(row), missing(row))), else_=null()),
        "Coverage: open pipeline divided by the gap; null if `coverageGap` says why.",
        Decimal,
    )
    yield Field("SalesTarget.coverageGap", gap, "Why coverage is null.", CoverageGap)


def _reached(row: Row, value: Expression) -> Expression:
    return _of_target(row, _won_between(value, row.period_start, row.period_end))


def _open(row: Row, value: Expression) -> Expression:
    close = _DEALS.c.expected_close_date
    soon = or_(close.between(row.period_start, row.period_end), close < row.as_of)
    opened = outcome(_DEALS.c.status, _DEALS.c.lost_at) == Outcome.OPEN.value
    return _of_target(row, select(value).where(_DEALS.c.deleted_at.is_(None), opened, soon))


def _of_target(row: Row, found: Select[Any]) -> Expression:
    """An aggregate over the opportunities that count for a target."""
    members = select(_PEOPLE.c.id).where(_PEOPLE.c.team_id == row.team_id)
    return found.where(
        or_(row.user_id.is_(None), _DEALS.c.owner_id == row.user_id),
        or_(row.team_id.is_(None), _DEALS.c.owner_id.in_(members)),
        or_(row.region.is_(None), _DEALS.c.region_folded == row.column("region_folded")),
    ).scalar_subquery()


# Forecasts and actual results


def _run_fields(money: Any) -> Iterator[Field]:
    def over(row: Row) -> Expression:
        return row.period_end < row.as_of  # type: ignore[no-any-return]

    def actual(row: Row) -> Expression:
        won = _won_between(_amount(), row.period_start, row.period_end).scalar_subquery()
        return case((over(row), won), else_=null())

    def error(row: Row) -> Expression:
        return rounded_share(row.revenue.reporting - actual(row), literal(10_000), actual(row))

    yield Field(
        "ForecastRun.actualRevenue",
        lambda row: money(actual(row)),
        "Expected amount of opportunities won in the period; null until it is over.",
        Money,
    )
    yield Field(
        "ForecastRun.actualWins",
        lambda row: case(
            (over(row), _won_between(func.count(), row.period_start, row.period_end).scalar_subquery()), else_=null()
        ),
        "Number of opportunities won in the period; null until it is over.",
        int,
    )
    yield Field(
        "ForecastRun.errorPercent",
        error,
        "Forecast minus actual revenue, in percent of actual revenue; null until the period is over.",
        Decimal,
    )
