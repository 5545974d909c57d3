"""The rules of credit scoring: pure functions, from expressions to an expression where SQL needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import BigInteger, and_, case, func, null, or_

from guanxi.sql import Expression, add_days, days_between
from plugins.credit_scoring.models import (
    AgeingBucket,
    CreditDimension,
    CreditReasonCode,
    CreditRisk,
    CreditRiskSource,
    CreditStatus,
    DimensionSource,
)
from plugins.credit_scoring.settings import CreditScoringSettings, PaymentBehaviour, ReviewDays, Weights

_HUNDREDTH = Decimal("0.01")

#: Reason for points lost by a dimension that is known, and by one that is not.
WEAK: Mapping[CreditDimension, CreditReasonCode] = {
    CreditDimension.FINANCIAL_STATUS: CreditReasonCode.WEAK_FINANCIAL_STATUS,
    CreditDimension.REPUTATION: CreditReasonCode.WEAK_REPUTATION,
    CreditDimension.TRANSACTION_RECORD: CreditReasonCode.WEAK_TRANSACTION_RECORD,
}
MISSING: Mapping[CreditDimension, CreditReasonCode] = {
    CreditDimension.FINANCIAL_STATUS: CreditReasonCode.FINANCIAL_STATUS_MISSING,
    CreditDimension.REPUTATION: CreditReasonCode.REPUTATION_MISSING,
    CreditDimension.TRANSACTION_RECORD: CreditReasonCode.TRANSACTION_RECORD_MISSING,
}


# The scorecard (C1)


@dataclass(frozen=True, slots=True)
class Deduction:
    """What a scorer took from the 100 points of its dimension, and why."""

    code: CreditReasonCode
    points: Decimal
    detail: str


@dataclass(frozen=True, slots=True)
class DimensionInput:
    """What is known of a dimension: its value from 0 to 100, where it came from, and what a scorer says of it."""

    value: Decimal | None
    source: DimensionSource | None = None
    deductions: Sequence[Deduction] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """A dimension's part in a score: what it weighs, and what it gives of that."""

    value: Decimal | None
    source: DimensionSource | None
    weight: int
    points: Decimal | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why points of the score were lost."""

    code: CreditReasonCode
    points_lost: Decimal
    detail: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a scorecard says: the components sum up to the score, and the points lost to what it lacks of 100."""

    status: CreditStatus
    score: Decimal | None
    risk: CreditRisk | None
    components: Mapping[CreditDimension, Component]
    reasons: Sequence[Reason]


def assess(inputs: Mapping[CreditDimension, DimensionInput], policy: CreditScoringSettings) -> Assessment:
    """Scores a customer (C1). Without a dimension that counts there is no score.

    Args:
        inputs: what is known of each dimension.
        policy: weights and bands.
    """
    components, reasons = {}, []
    for dimension, input_ in inputs.items():
        weight = weight_of(dimension, policy.weights)
        points = None if input_.value is None else _rounded(input_.value * weight / 100)
        components[dimension] = Component(input_.value, input_.source, weight, points)
        reasons += _reasons(dimension, input_, weight, points)
    counting = [component.points for component in components.values() if component.weight]
    reasons.sort(key=lambda reason: -reason.points_lost)
    known = [points for points in counting if points is not None]
    if len(known) < len(counting):
        return Assessment(CreditStatus.INCOMPLETE, None, None, components, reasons)
    score = sum(known, Decimal("0.00"))
    return Assessment(CreditStatus.COMPLETE, score, credit_risk(score, policy), components, reasons)


def weight_of(dimension: CreditDimension, weights: Weights) -> int:
    """A dimension's share of the score in percent."""
    share: int = getattr(weights, dimension.value.lower())
    return share


def credit_risk(score: Decimal, policy: CreditScoringSettings) -> CreditRisk:
    """The risk band of a score (C1): each bound belongs to the better band."""
    if score >= policy.low_from:
        return CreditRisk.LOW
    return CreditRisk.MEDIUM if score >= policy.medium_from else CreditRisk.HIGH


def _reasons(dimension: CreditDimension, input_: DimensionInput, weight: int, points: Decimal | None) -> list[Reason]:
    if points is None:
        missing = Reason(MISSING[dimension], Decimal(weight).quantize(_HUNDREDTH), "not known")
        return [missing] if weight else []
    lost = weight - points
    if not lost:
        return []
    parts = sorted((part for part in input_.deductions if part.points), key=lambda part: -part.points)
    if not parts:
        return [Reason(WEAK[dimension], lost, f"{input_.value} of 100")]
    shares = [_rounded(part.points * weight / 100) for part in parts]
    # What rounding leaves belongs to the weightiest, so that the reasons sum up.
    shares[0] += lost - sum(shares)
    return [Reason(part.code, share, part.detail) for part, share in zip(parts, shares, strict=True) if share]


def _rounded(points: Decimal) -> Decimal:
    return points.quantize(_HUNDREDTH, ROUND_HALF_UP)


# Risk that holds, and when it is reviewed (C2, C3)


def is_override_active(risk: Expression, until: Expression, as_of: Expression) -> Expression:
    """Whether a risk set by hand holds on a day; its last day included."""
    return and_(risk.is_not(None), or_(until.is_(None), until >= as_of))


def holding_risk(scored: Expression, override: Expression, until: Expression, as_of: Expression) -> Expression:
    """The risk that holds on a day: the one set by hand while it lasts, else that of the score (C2)."""
    return case((is_override_active(override, until, as_of), override), else_=scored)


def risk_source(scored: Expression, override: Expression, until: Expression, as_of: Expression) -> Expression:
    """Whether the risk that holds is set by hand or scored; null without one."""
    return case(
        (is_override_active(override, until, as_of), CreditRiskSource.MANUAL.value),
        (scored.is_not(None), CreditRiskSource.SCORED.value),
        else_=null(),
    )


def is_low_credit(risk: Expression) -> Expression:
    """High risk is low credit (C5); null where the risk is not known."""
    return case((risk.is_(None), null()), (risk == CreditRisk.HIGH.value, True), else_=False)


def next_review_on(checked_on: Expression, risk: Expression, days: ReviewDays) -> Expression:
    """The day by which credit is to be reviewed again (C3); a risk that is not known is reviewed like a high one.

    Args:
        checked_on: day of the latest review, else of the first evaluation; null if there was neither.
        risk: that holds.
        days: from one review to the next.
    """
    interval = case(
        (risk == CreditRisk.LOW.value, days.low), (risk == CreditRisk.MEDIUM.value, days.medium), else_=days.high
    )
    return add_days(checked_on, interval)


def is_review_overdue(next_on: Expression, as_of: Expression) -> Expression:
    """Whether the day of the next review has passed (C3); null without one."""
    return case((next_on.is_(None), null()), (next_on < as_of, True), else_=False)


# Receivables


def is_open(invoiced_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Whether an invoice was to be paid on a day: it was written by then and not settled."""
    return and_(invoiced_on <= as_of, or_(settled_on.is_(None), settled_on > as_of))


def unpaid(minor: Expression, paid: Expression) -> Expression:
    """What of an open invoice is still to be paid."""
    return minor - func.coalesce(paid, 0)


def days_late(due_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Days from the day an invoice was due to the day it was settled, or to now while it is open; 0 if in time."""
    until = case((settled_on <= as_of, settled_on), else_=as_of)
    return case((until > due_on, days_between(until, due_on)), else_=0)


def is_late(due_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Whether an invoice was settled after its due day, or is open after it."""
    return case((days_late(due_on, settled_on, as_of) > 0, True), else_=False)


def ageing_bucket(outstanding: Expression, days_late: Expression) -> Expression:
    """How long what is outstanding has been due; null where nothing is."""
    return case(
        (outstanding <= 0, null()),
        (days_late <= 0, AgeingBucket.NOT_DUE.value),
        (days_late <= 30, AgeingBucket.DAYS_1_TO_30.value),
        (days_late <= 60, AgeingBucket.DAYS_31_TO_60.value),
        (days_late <= 90, AgeingBucket.DAYS_61_TO_90.value),
        else_=AgeingBucket.OVER_90_DAYS.value,
    )


def receivable_problems(
    *,
    amount: int,
    paid: int | None,
    same_currency: bool,
    invoiced_on: date,
    due_on: date,
    settled_on: date | None,
    today: date,
) -> list[tuple[str, str]]:
    """What is wrong with an invoice: the field, and what to say of it."""
    found = []
    if amount < 0:
        found.append(("amount", "it is negative; enter what is credited as paidAmount of the invoice it belongs to"))
    if paid is not None and not same_currency:
        found.append(("paid_amount", "its currency is not that of the amount; give it in the same"))
    elif paid is not None and not 0 <= paid <= amount:
        found.append(("paid_amount", "it lies outside 0 and the amount of the invoice; mend one of them"))
    if due_on < invoiced_on:
        found.append(("due_on", f"{due_on} is before the day of the invoice, {invoiced_on}; give a later day"))
    if settled_on is not None and settled_on < invoiced_on:
        found.append(("settled_on", f"{settled_on} is before the day of the invoice, {invoiced_on}; give a later day"))
    if settled_on is not None and settled_on > today:
        found.append(("settled_on", f"{settled_on} lies ahead; enter it once it is paid"))
    return found


# Payment behaviour: aggregates over the invoices of a customer


def counts_for_behaviour(
    invoiced_on: Expression, due_on: Expression, settled_on: Expression, since: Expression, as_of: Expression
) -> Expression:
    """Whether an invoice says something of payment behaviour on a day: it is young enough, and settled or overdue."""
    return and_(invoiced_on > since, invoiced_on <= as_of, or_(settled_on <= as_of, due_on < as_of))


def is_known_dispute(
    is_disputed: Expression, disputed_on: Expression, settled_on: Expression, as_of: Expression
) -> Expression:
    """Whether a dispute was known on a day; one without a date was known when the invoice was settled."""
    return and_(is_disputed, func.coalesce(disputed_on, settled_on, as_of) <= as_of)


def average_days_late(minor: Expression, days_late: Expression, late_days: int) -> Expression:
    """Days late weighted by amount, each cut at so many, in hundredths of a day; null without an amount."""
    days = case((days_late > late_days, late_days), else_=days_late)
    return _ratio(_sum(minor * days * 100), func.nullif(_sum(minor), 0))


def disputed_share(minor: Expression, is_disputed: Expression) -> Expression:
    """Share of the amount that is disputed, in hundredths of a percent; null without an amount."""
    return _ratio(_sum(case((is_disputed, minor), else_=0)) * 10_000, func.nullif(_sum(minor), 0))


def days_late_trend(minor: Expression, days_late: Expression, late_days: int, is_recent: Expression) -> Expression:
    """How many days later recent invoices are than earlier ones, in hundredths; null where there are none of a kind."""
    recent, earlier = case((is_recent, minor), else_=0), case((is_recent, 0), else_=minor)
    return average_days_late(recent, days_late, late_days) - average_days_late(earlier, days_late, late_days)


def lateness_deduction(average: Expression, policy: PaymentBehaviour) -> Expression:
    """Points that lateness takes, in hundredths: in proportion to the average."""
    return _ratio(average * policy.lateness_points, policy.late_days)


def dispute_deduction(share: Expression, policy: PaymentBehaviour) -> Expression:
    """Points that disputes take, in hundredths: in proportion to their share."""
    return _ratio(share * policy.dispute_points, 100)


def trend_deduction(trend: Expression, policy: PaymentBehaviour) -> Expression:
    """Points that a worsening trend takes, in hundredths; nothing where it improves or is not known."""
    most = policy.worse_days * 100
    worse = case((trend > most, most), (trend > 0, trend), else_=0)
    return _ratio(worse * policy.trend_points, policy.worse_days)


def payment_behaviour(lateness: Expression, disputes: Expression, trend: Expression) -> Expression:
    """The score of payment behaviour, in hundredths: 100 less the deductions."""
    return 10_000 - lateness - disputes - trend


def _sum(value: Expression) -> Expression:
    return func.sum(value).cast(BigInteger)


def _ratio(numerator: Expression, denominator: Expression | int) -> Expression:
    """Rounded half up, of what is never negative; SQLite's parser takes two of the general kind in one another ill."""
    return (2 * numerator + denominator) // (2 * denominator)


# Exposure and limit (C4)


def uninvoiced(expected: Expression, invoiced: Expression) -> Expression:
    """What of an opportunity is not invoiced yet: what it adds to exposure once it is won or committed."""
    known = func.coalesce(invoiced, 0)
    return case((expected > known, expected - known), else_=0)


def available_credit(limit: Expression, exposure: Expression) -> Expression:
    """What of the limit is left, never below nothing (C4); null without a limit."""
    return case((limit > exposure, limit - exposure), (limit.is_not(None), 0), else_=null())


def credit_breach(limit: Expression, exposure: Expression) -> Expression:
    """By how much exposure is above the limit (C4); null without a limit."""
    return case((limit < exposure, exposure - limit), (limit.is_not(None), 0), else_=null())


def exceeds(limit: Expression, exposure: Expression) -> Expression:
    """Whether exposure is above the limit (C4): equal to it is not; null without a limit."""
    return exposure > limit


def exposure_if_won(exposure: Expression, is_counted: Expression, uninvoiced: Expression) -> Expression:
    """A customer's exposure if an opportunity is won, which may be part of it already (C4)."""
    return exposure + case((is_counted, 0), else_=uninvoiced)
