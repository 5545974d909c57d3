"""The rules of credit scoring: pure functions, from expressions to an expression where SQL needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import and_, case, func, literal, null, or_

from guanxi import sentence
from guanxi.sql import Expression, add_days, days_between, rounded_share, weighted_mean
from plugins.credit_scoring.models import (
    AgeingBucket,
    CreditDimension,
    CreditReasonCode,
    CreditRisk,
    CreditRiskSource,
    CreditStatus,
    DimensionSource,
)
from plugins.credit_scoring.settings import (
    CreditScoringSettings,
    IncompleteRating,
    PaymentBehaviour,
    ReviewDays,
    Weights,
)

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
    """A deduction by a scorer from the 100 points of its dimension, and its reason."""

    code: CreditReasonCode
    points: Decimal
    detail: str


@dataclass(frozen=True, slots=True)
class DimensionInput:
    """The input of a dimension: its value from 0 to 100, its source, and the deductions of a scorer."""

    value: Decimal | None
    source: DimensionSource | None = None
    deductions: Sequence[Deduction] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """A dimension's contribution to a score: its weight, and the points it contributes."""

    value: Decimal | None
    source: DimensionSource | None
    weight: int
    points: Decimal | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason why points of the score were lost."""

    code: CreditReasonCode
    points_lost: Decimal
    detail: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of a scorecard: components add up to the score, and points lost to 100 minus the score."""

    status: CreditStatus
    score: Decimal | None
    risk: CreditRisk | None
    components: Mapping[CreditDimension, Component]
    reasons: Sequence[Reason]


def assess(inputs: Mapping[CreditDimension, DimensionInput], policy: CreditScoringSettings) -> Assessment:
    """Scores a customer (C1). Where a dimension that counts is missing, the policy says how it is rated.

    Args:
        inputs: what is known of each dimension.
        policy: weights, bands and the rating of the incomplete.
    """
    weights = {dimension: weight_of(dimension, policy.weights) for dimension in inputs}
    known = [dimension for dimension, input_ in inputs.items() if weights[dimension] and input_.value is not None]
    status = CreditStatus.COMPLETE if len(known) == sum(map(bool, weights.values())) else CreditStatus.INCOMPLETE
    is_rated = status is CreditStatus.COMPLETE or is_rated_by_known(sum(weights[one] for one in known), policy)
    shares = _shares({one: weights[one] for one in known}) if is_rated else {}
    components, reasons = {}, []
    for dimension, input_ in inputs.items():
        share = shares.get(dimension, Decimal(0) if is_rated else Decimal(weights[dimension]))
        points = None if input_.value is None else _rounded(input_.value * share / 100)
        components[dimension] = Component(input_.value, input_.source, weights[dimension], points)
        reasons += _reasons(dimension, input_, share, points, counts=bool(weights[dimension]))
    reasons.sort(key=lambda reason: -reason.points_lost)
    if is_rated:
        score = sum((components[one].points or Decimal(0) for one in known), Decimal("0.00"))
        return Assessment(status, score, credit_risk(score, policy), components, reasons)
    worst = CreditRisk.HIGH if policy.incomplete is IncompleteRating.WORST else None
    return Assessment(status, None, worst, components, reasons)


def is_rated_by_known(weight: int, policy: CreditScoringSettings) -> bool:
    """Whether an incomplete evaluation is rated by the dimensions that are known, which have so much weight (C1)."""
    return policy.incomplete is IncompleteRating.RENORMALISED and weight >= policy.minimum_known


def _shares(weights: Mapping[CreditDimension, int]) -> dict[CreditDimension, Decimal]:
    """Weights as shares of 100 in hundredths; the last one takes the remainder."""
    whole = sum(weights.values())
    shares = {dimension: _rounded(Decimal(100 * weight) / whole) for dimension, weight in weights.items()}
    *_, last = shares
    shares[last] += 100 - sum(shares.values())
    return shares


def weight_of(dimension: CreditDimension, weights: Weights) -> int:
    """Returns a dimension's weight in the score, in percent."""
    share: int = getattr(weights, dimension.value.lower())
    return share


def credit_risk(score: Decimal, policy: CreditScoringSettings) -> CreditRisk:
    """The risk band of a score (C1): each bound belongs to the better band."""
    if score >= policy.low_from:
        return CreditRisk.LOW
    return CreditRisk.MEDIUM if score >= policy.medium_from else CreditRisk.HIGH


def _reasons(
    dimension: CreditDimension, input_: DimensionInput, share: Decimal, points: Decimal | None, *, counts: bool
) -> list[Reason]:
    if points is None:
        return [Reason(MISSING[dimension], share.quantize(_HUNDREDTH), "not known")] if counts else []
    lost = share - points
    if not lost:
        return []
    parts = sorted((part for part in input_.deductions if part.points), key=lambda part: -part.points)
    if not parts:
        return [Reason(WEAK[dimension], lost, f"{input_.value} of 100")]
    shares = [_rounded(part.points * share / 100) for part in parts]
    # The rounding remainder goes to the largest, so that the reasons add up.
    shares[0] += lost - sum(shares)
    return [Reason(part.code, share, part.detail) for part, share in zip(parts, shares, strict=True) if share]


def _rounded(points: Decimal) -> Decimal:
    return points.quantize(_HUNDREDTH, ROUND_HALF_UP)


# Risk in force, and when it is reviewed (C2, C3)


def is_override_active(risk: Expression, until: Expression, as_of: Expression) -> Expression:
    """Whether a risk set by hand is in force on a day; its last day included."""
    return and_(risk.is_not(None), or_(until.is_(None), until >= as_of))


def holding_risk(scored: Expression, override: Expression, until: Expression, as_of: Expression) -> Expression:
    """The risk in force on a day: the one set by hand while it lasts, else that of the score (C2)."""
    return case((is_override_active(override, until, as_of), override), else_=scored)


def risk_source(scored: Expression, override: Expression, until: Expression, as_of: Expression) -> Expression:
    """Whether the risk in force is set by hand or scored; null without one."""
    return case(
        (is_override_active(override, until, as_of), CreditRiskSource.MANUAL.value),
        (scored.is_not(None), CreditRiskSource.SCORED.value),
        else_=null(),
    )


def is_low_credit(risk: Expression) -> Expression:
    """Whether credit is low, that is, the risk high (C5); null if the risk is unknown."""
    return case((risk.is_(None), null()), (risk == CreditRisk.HIGH.value, True), else_=False)


def next_review_on(checked_on: Expression, risk: Expression, days: ReviewDays) -> Expression:
    """The date by which credit is due for review (C3); an unknown risk is reviewed like a high one.

    Args:
        checked_on: day of the latest review, else of the first evaluation; null if there was neither.
        risk: the one in force.
        days: from one review to the next.
    """
    interval = case(
        (risk == CreditRisk.LOW.value, days.low), (risk == CreditRisk.MEDIUM.value, days.medium), else_=days.high
    )
    return add_days(checked_on, interval)


def is_review_overdue(next_on: Expression, as_of: Expression) -> Expression:
    """Whether the next review is overdue (C3); null without one."""
    return case((next_on.is_(None), null()), (next_on < as_of, True), else_=False)


# Receivables


def is_open(invoiced_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Whether an invoice was open on a day: issued by then and not settled."""
    return and_(invoiced_on <= as_of, or_(settled_on.is_(None), settled_on > as_of))


def days_late(due_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Days from an invoice's due date to its settlement, or to the given day while it is open; 0 if on time."""
    until = case((settled_on <= as_of, settled_on), else_=as_of)
    return case((until > due_on, days_between(until, due_on)), else_=0)


def is_late(due_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Whether an invoice was settled after its due date, or is open past it."""
    return case((days_late(due_on, settled_on, as_of) > 0, True), else_=False)


def ageing_bucket(outstanding: Expression, days_late: Expression) -> Expression:
    """Ageing of the outstanding amount, of a credit note too; null if nothing is outstanding."""
    return case(
        (outstanding == 0, null()),
        (days_late <= 0, AgeingBucket.NOT_DUE.value),
        (days_late <= 30, AgeingBucket.DAYS_1_TO_30.value),
        (days_late <= 60, AgeingBucket.DAYS_31_TO_60.value),
        (days_late <= 90, AgeingBucket.DAYS_61_TO_90.value),
        else_=AgeingBucket.OVER_90_DAYS.value,
    )


def receivable_problems(
    *,
    invoiced_on: date,
    due_on: date,
    settled_on: date | None,
    today: date,
) -> list[tuple[str, str]]:
    """Returns what is wrong with an invoice: fields and messages."""
    found: list[tuple[str, str]] = []
    if due_on < invoiced_on:
        found.append(
            (
                "due_on",
                sentence(
                    "{due_on} is before the invoice date, {invoiced_on}; give a later day",
                    due_on=due_on,
                    invoiced_on=invoiced_on,
                ),
            )
        )
    if settled_on is not None and settled_on < invoiced_on:
        found.append(
            (
                "settled_on",
                sentence(
                    "{settled_on} is before the invoice date, {invoiced_on}; give a later day",
                    settled_on=settled_on,
                    invoiced_on=invoiced_on,
                ),
            )
        )
    if settled_on is not None and settled_on > today:
        found.append(
            ("settled_on", sentence("{settled_on} is in the future; enter it once it is paid", settled_on=settled_on))
        )
    return found


# Payment behaviour: aggregates over the invoices of a customer


def counts_for_behaviour(
    invoiced_on: Expression, due_on: Expression, settled_on: Expression, since: Expression, as_of: Expression
) -> Expression:
    """Whether an invoice counts for payment behaviour on a day: it is recent enough, and settled or overdue."""
    return and_(invoiced_on > since, invoiced_on <= as_of, or_(settled_on <= as_of, due_on < as_of))


def is_known_dispute(
    is_disputed: Expression, disputed_on: Expression, settled_on: Expression, as_of: Expression
) -> Expression:
    """Whether a dispute was known on a day; one without a date counts from the settlement of the invoice."""
    return and_(is_disputed, func.coalesce(disputed_on, settled_on, as_of) <= as_of)


def average_days_late(minor: Expression, days_late: Expression, late_days: int) -> Expression:
    """Average days late weighted by amount, capped at `late_days`, in hundredths of a day; null without an amount."""
    days = case((days_late > late_days, late_days), else_=days_late)
    return weighted_mean(minor, days * 100)


def term_used(invoiced_on: Expression, due_on: Expression, settled_on: Expression, as_of: Expression) -> Expression:
    """Share of an invoice's payment term that passed before it was paid, in hundredths of a percent, at most all of it.

    Without a term, payment on the due date uses none of it.
    """
    paid_on = case((settled_on <= as_of, settled_on), else_=as_of)
    return case(
        (and_(due_on == invoiced_on, paid_on <= due_on), 0),
        (paid_on >= due_on, 10_000),
        else_=10_000 * days_between(paid_on, invoiced_on) // func.nullif(days_between(due_on, invoiced_on), 0),
    )


def average_term_used(minor: Expression, used: Expression) -> Expression:
    """Average share of the payment term that is used, weighted by amount, in hundredths of a percent."""
    return weighted_mean(minor, used)


def disputed_share(minor: Expression, is_disputed: Expression) -> Expression:
    """Share of the amount that is disputed, in hundredths of a percent; null without an amount."""
    return weighted_mean(minor, case((is_disputed, 10_000), else_=0))


def days_late_trend(minor: Expression, days_late: Expression, late_days: int, is_recent: Expression) -> Expression:
    """Average days late of recent minus earlier invoices, in hundredths; null if either kind is missing."""
    recent, earlier = case((is_recent, minor), else_=0), case((is_recent, 0), else_=minor)
    return average_days_late(recent, days_late, late_days) - average_days_late(earlier, days_late, late_days)


def lateness_deduction(average: Expression, policy: PaymentBehaviour) -> Expression:
    """Points deducted for lateness, in hundredths: proportional to the average."""
    return _ratio(average * policy.lateness_points, policy.late_days)


def term_deduction(used: Expression, policy: PaymentBehaviour) -> Expression:
    """Points deducted for using the payment term, in hundredths: proportional to the share that is used."""
    return _ratio(used * policy.term_points, 100)


def dispute_deduction(share: Expression, policy: PaymentBehaviour) -> Expression:
    """Points deducted for disputes, in hundredths: proportional to their share."""
    return _ratio(share * policy.dispute_points, 100)


def trend_deduction(trend: Expression, policy: PaymentBehaviour) -> Expression:
    """Points deducted for a worsening trend, in hundredths; 0 if it improves or is unknown."""
    most = policy.worse_days * 100
    worse = case((trend > most, most), (trend > 0, trend), else_=0)
    return _ratio(worse * policy.trend_points, policy.worse_days)


def payment_behaviour(lateness: Expression, term: Expression, disputes: Expression, trend: Expression) -> Expression:
    """The score of payment behaviour, in hundredths: 100 minus the deductions."""
    return 10_000 - lateness - term - disputes - trend


def _ratio(numerator: Expression, denominator: Expression | int) -> Expression:
    """Divides non-negative values, rounded half up; SQLite's parser cannot nest two of the general kind."""
    return (2 * numerator + denominator) // (2 * denominator)


# Exposure and limit (C4)


def uninvoiced(expected: Expression, invoiced: Expression) -> Expression:
    """The part of an opportunity not invoiced yet, which it adds to exposure once won or committed."""
    known = func.coalesce(invoiced, 0)
    return case((expected > known, expected - known), else_=0)


def available_credit(limit: Expression, exposure: Expression) -> Expression:
    """The unused part of the limit, never below 0 (C4); null without a limit."""
    return case((limit > exposure, limit - exposure), (limit.is_not(None), 0), else_=null())


def credit_breach(limit: Expression, exposure: Expression) -> Expression:
    """The amount by which exposure exceeds the limit (C4); null without a limit."""
    return case((limit < exposure, exposure - limit), (limit.is_not(None), 0), else_=null())


def exceeds(limit: Expression, exposure: Expression) -> Expression:
    """Whether exposure exceeds the limit (C4): an equal one does not; null without a limit."""
    return exposure > limit


def credit_utilisation(limit: Expression, exposure: Expression) -> Expression:
    """Exposure in percent of the limit, in hundredths (C4); null without a limit, and where it is 0."""
    return rounded_share(_not_negative(exposure), literal(10_000), limit)


def _not_negative(amount: Expression) -> Expression:
    """An amount, 0 where credit notes are more than it."""
    return case((amount > 0, amount), else_=0)


def days_sales_outstanding(outstanding: Expression, invoiced: Expression, days: int) -> Expression:
    """Days sales outstanding: what is outstanding by what was invoiced in so many days, times these days (C4).

    In hundredths of a day; null where nothing was invoiced, or as much was credited.
    """
    return rounded_share(_not_negative(outstanding), literal(days * 100), case((invoiced > 0, invoiced), else_=null()))


def sales_days(outstanding: Decimal, invoiced: Decimal, days: int) -> Decimal | None:
    """Days sales outstanding of amounts, rounded half up; None where nothing was invoiced, or as much credited (C4)."""
    return _rounded(max(outstanding, Decimal(0)) * days / invoiced) if invoiced > 0 else None


def is_hold_active(placed_on: Expression, until: Expression, released_on: Expression, as_of: Expression) -> Expression:
    """Whether a hold is in force on a day: its last day included, the day of its release not (C2)."""
    return and_(
        placed_on <= as_of,
        or_(until.is_(None), until >= as_of),
        or_(released_on.is_(None), released_on > as_of),
    )


def exposure_if_won(exposure: Expression, is_counted: Expression, uninvoiced: Expression) -> Expression:
    """A customer's exposure if an opportunity is won, which may be part of it already (C4)."""
    return exposure + case((is_counted, 0), else_=uninvoiced)
