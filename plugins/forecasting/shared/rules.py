"""The rules of forecasting: pure functions, from expressions to an expression where SQL needs them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import and_, case, extract, func, literal, not_, null, or_

from guanxi.sql import Expression, days_between, names_where, rounded_share, whole
from guanxi.vocabulary import OpportunityStatus, Outcome
from plugins.forecasting.shared.vocabulary import (
    CoverageGap,
    ForecastCategory,
    InvalidReason,
    ProbabilitySource,
    SalesMetric,
)

#: The part in a purchase that makes a contact a key person (O7).
KEY_PERSON = "DECISION_MAKER"


# Facts about an opportunity, in SQL


def originated_on(opened_on: Expression, created_on: Expression) -> Expression:
    """The day an opportunity originated, else the day it was created (F3)."""
    return func.coalesce(opened_on, created_on)


def lacks(
    need: Expression,
    key_persons: Expression,
    has_budget: Expression,
    accepts_price: Expression,
    recognises_value: Expression,
) -> dict[InvalidReason, Expression]:
    """Conditions for what an opportunity lacks to be valid (O7), never null. What is unknown counts as missing."""

    def missing(answer: Expression) -> Expression:
        return not_(func.coalesce(answer, False))

    return {
        InvalidReason.NO_NEED: need.is_(None),
        InvalidReason.NO_KEY_PERSON: func.coalesce(key_persons, 0) == 0,
        InvalidReason.NO_BUDGET: missing(has_budget),
        InvalidReason.PRICE_NOT_ACCEPTED: missing(accepts_price),
        InvalidReason.VALUE_NOT_RECOGNISED: missing(recognises_value),
    }


def is_valid(lacking: Mapping[InvalidReason, Expression]) -> Expression:
    """Whether nothing is lacking: a need, a key person and all three conditions of the budget (O7, X8)."""
    return case((or_(*lacking.values()), False), else_=True)


def invalid_reasons(lacking: Mapping[InvalidReason, Expression]) -> Expression:
    """The reasons for being invalid, as a JSON list (O7)."""
    return names_where([(reason.value, condition) for reason, condition in lacking.items()])


def is_fresh(
    status: Expression, arisen: Expression, expected: Expression, window_start: Expression, horizon_end: Expression
) -> Expression:
    """Whether an opportunity is fresh (F3): followed, young, and expected to close in sight. One overdue is fresh too.

    Args:
        status: of the opportunity.
        arisen: the day it originated.
        expected: its expected close date.
        window_start: first day of the months that count as recent.
        horizon_end: last day of the next month.
    """
    fresh = and_(
        status == OpportunityStatus.FOLLOWING.value,
        arisen >= window_start,
        expected.is_not(None),
        expected <= horizon_end,
    )
    return case((fresh, True), else_=False)


def is_close_overdue(outcome: Expression, expected: Expression, as_of: Expression) -> Expression:
    """Whether an open opportunity should have closed before the day (F3)."""
    return case((and_(outcome == Outcome.OPEN.value, expected < as_of), True), else_=False)


def wins_new_customer(
    said: Expression, has_customer: Expression, first_transaction_on: Expression, arisen: Expression
) -> Expression:
    """Whether an opportunity is about a new customer (F1).

    As stated, else whether the customer had not bought before it originated; null without a customer.
    """
    return case(
        (said.is_not(None), said),
        (not_(has_customer), null()),
        (first_transaction_on < arisen, False),
        else_=True,
    )


def probability_source(outcome: Expression, override: Expression, modelled: Expression) -> Expression:
    """The source of a win probability: the first available of outcome, override, model and stage (O1)."""
    return case(
        (outcome != Outcome.OPEN.value, ProbabilitySource.OUTCOME.value),
        (override.is_not(None), ProbabilitySource.OVERRIDE.value),
        (modelled.is_not(None), ProbabilitySource.MODEL.value),
        else_=ProbabilitySource.STAGE.value,
    )


def forecast_category(
    outcome: Expression, said: Expression, probability: Expression, best_case_from: int, commit_from: int
) -> Expression:
    """The forecast category of an opportunity.

    Closed when won, omitted when lost, else as set by its owner, else by win probability.

    Args:
        outcome: of the opportunity.
        said: the category its owner gave, or null.
        probability: win probability in hundredths of a percent.
        best_case_from, commit_from: percentages from which it is one or the other.
    """
    return case(
        (outcome == Outcome.WON.value, ForecastCategory.CLOSED.value),
        (outcome == Outcome.LOST.value, ForecastCategory.OMITTED.value),
        (said.is_not(None), said),
        (whole(probability) >= commit_from * 100, ForecastCategory.COMMIT.value),
        (whole(probability) >= best_case_from * 100, ForecastCategory.BEST_CASE.value),
        else_=ForecastCategory.PIPELINE.value,
    )


def month_number(day: Expression) -> Expression:
    """The number of a day's month, counted through the years."""
    return extract("year", day) * 12 + extract("month", day)


def is_contribution(occurred_on: Expression, won_on: Expression, is_new_customer: Expression) -> Expression:
    """Whether a sale is revenue of a new customer in the calendar month after the opportunity was won (F7)."""
    next_month = month_number(occurred_on) == month_number(won_on) + 1
    return case((and_(is_new_customer, won_on.is_not(None), next_month), True), else_=False)


def cycle_days(outcome: Expression, arisen: Expression, closed_on: Expression) -> Expression:
    """Days from origin to decision; null while it is open, and where it was decided before it arose."""
    is_known = and_(outcome != Outcome.OPEN.value, closed_on >= arisen)
    return case((is_known, days_between(closed_on, arisen)), else_=null())


# Numbers


def percent(part: Decimal | int, of: Decimal | int) -> Decimal | None:
    """A part in percent with two places; None if the whole is 0 (F5, F6, F11, F10)."""
    return None if not of else rounded(Fraction(part) * 100 / Fraction(of))


def rounded(value: Fraction | Decimal, places: int = 2) -> Decimal:
    """An exact number with so many decimal places, rounded half away from zero."""
    exact = Fraction(value)
    scaled = abs(exact) * 10**places
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(units if exact >= 0 else -units).scaleb(-places)


def growth(value: Decimal | None, base: Decimal | None) -> Decimal | None:
    """The change from a base in percent (F8); None where the base is unknown or 0."""
    if value is None or not base:
        return None
    return percent(value - base, abs(base))


def forecast(counted: Decimal | int, *rates: Fraction | None) -> Fraction | None:
    """Returns a value times its rates (F1, F2); None if a rate is missing.

    Args:
        counted: an amount or a number.
        rates: as fractions of one.
    """
    found = Fraction(counted)
    for rate in rates:
        if rate is None:
            return None
        found *= rate
    return found


def ratio(part: Decimal | int, of: Decimal | int) -> Fraction | None:
    """A part as an exact fraction of the whole; None where there is nothing."""
    return None if not of else Fraction(part) / Fraction(of)


def moving_average(values: Sequence[Decimal | int], periods: int) -> Fraction | None:
    """The mean of the last values (F12); None where there are fewer."""
    if len(values) < periods:
        return None
    return sum((Fraction(value) for value in values[-periods:]), Fraction(0)) / periods


def forecast_error(forecasts: Sequence[Fraction], actual: Sequence[Decimal]) -> Decimal | None:
    """Mean absolute error in percent of the mean actual value; None if nothing is actual.

    Unlike a mean of percentages it is known where some values are 0.
    """
    missed = sum((abs(said - Fraction(was)) for said, was in zip(forecasts, actual, strict=True)), Fraction(0))
    return _percent_of(missed, actual)


def forecast_bias(forecasts: Sequence[Fraction], actual: Sequence[Decimal]) -> Decimal | None:
    """Mean of forecast minus actual in percent of the mean actual value: above 0 is too high; None if nothing is."""
    return _percent_of(sum(forecasts, Fraction(0)) - sum(map(Fraction, actual), Fraction(0)), actual)


def _percent_of(value: Fraction, actual: Sequence[Decimal]) -> Decimal | None:
    whole = sum(map(Fraction, actual), Fraction(0))
    return None if not whole else rounded(value * 100 / whole)


def needed(gap: Decimal, win_rate: Decimal | None) -> Decimal | None:
    """Returns what a stage needs to close a gap to a target, at its win rate in percent (F10)."""
    if not win_rate:
        return None
    return rounded(Fraction(max(gap, Decimal(0))) * 100 / Fraction(win_rate))


def coverage(open_pipeline: Expression, missing: Expression) -> Expression:
    """Open pipeline divided by what is missing to a target, in hundredths (F10); null unless something is missing."""
    return case((missing > 0, rounded_share(open_pipeline, literal(100), missing)), else_=null())


def coverage_gap(metric: Expression, missing: Expression, last: Expression, as_of: Expression) -> Expression:
    """Why a target has no coverage (F10); null where it has."""
    covered = [SalesMetric.WON_AMOUNT.value, SalesMetric.WON_COUNT.value]
    return case(
        (metric.not_in(covered), CoverageGap.OTHER_METRIC.value),
        (last < as_of, CoverageGap.PERIOD_OVER.value),
        (missing <= 0, CoverageGap.NOTHING_MISSING.value),
        else_=null(),
    )


#: Categories in the order they build on each other: the best case includes what is committed.
CUMULATIVE = (
    ForecastCategory.CLOSED,
    ForecastCategory.COMMIT,
    ForecastCategory.BEST_CASE,
    ForecastCategory.PIPELINE,
)


def cumulative(amounts: Mapping[ForecastCategory, Decimal]) -> dict[ForecastCategory, Decimal]:
    """Each category together with all more certain ones."""
    found, total = {}, Decimal(0)
    for category in CUMULATIVE:
        total += amounts.get(category, Decimal(0))
        found[category] = total
    return found
