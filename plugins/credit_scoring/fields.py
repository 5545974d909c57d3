"""The fields credit scoring adds to customers, opportunities and its own receivables."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, and_, case, func, literal, null, or_

from guanxi import Field, History, Money, MoneyExpression, Row
from guanxi.records import Opportunity
from guanxi.sql import Expression, names_where
from plugins.credit_scoring import rules
from plugins.credit_scoring.collection.fields import (
    customer_fields,
    days_late,
    is_open,
    receivable_fields,
    total,
    unpaid,
)
from plugins.credit_scoring.control import OPEN, OVERRIDE_REASON, WON
from plugins.credit_scoring.evaluation import COMPUTED
from plugins.credit_scoring.limits import REASON
from plugins.credit_scoring.models import (
    CreditDimension,
    CreditEvaluation,
    CreditGap,
    CreditHold,
    CreditLimitChange,
    CreditRisk,
    CreditRiskSource,
    CustomerCredit,
    OpportunityCredit,
    Receivable,
)
from plugins.credit_scoring.settings import CreditScoringSettings

#: Fields of Customer in which the dimensions are entered.
DIMENSIONS = ("creditFinancialStatus", "creditReputation", "creditTransactionRecord")

_LABELS = {
    CreditDimension.FINANCIAL_STATUS: "Financial status",
    CreditDimension.REPUTATION: "Reputation",
    CreditDimension.TRANSACTION_RECORD: "Transaction record",
}

Minor = Callable[[Row], Expression]


def fields(settings: CreditScoringSettings, currency: str) -> Iterator[Field]:
    """Yields every field of the plugin, on all records."""

    def money(minor: Minor) -> Callable[[Row], MoneyExpression]:
        def value(row: Row) -> MoneyExpression:
            found = minor(row)
            return MoneyExpression(found, literal(currency), found)

        return value

    yield from receivable_fields(settings.dunning_days)
    yield from customer_fields(settings.dunning_days)
    yield from _score_fields(settings)
    yield from _behaviour_fields()
    yield from _ageing_fields(money)
    yield from _limit_fields(money)
    yield from _figure_fields(money, settings)
    yield from _opportunity_fields(money)


def _score_fields(settings: CreditScoringSettings) -> Iterator[Field]:
    facet = CustomerCredit
    entered = (facet.financial_status, facet.reputation, facet.transaction_record)
    for name, column, what in zip(DIMENSIONS, entered, _LABELS.values(), strict=True):
        yield Field(
            f"Customer.{name}", column, f"{what} as entered, 0 to 100; takes precedence over a scorer.", writable=True
        )
    for dimension, name in COMPUTED.items():
        scorer = getattr(settings.scorers, dimension.value.lower())
        yield Field(
            f"Customer.{name}",
            _scored_by(scorer),
            f"{_LABELS[dimension]} as computed by its scorer, 0 to 100; null without one.",
            Decimal,
        )
    yield Field(
        "Customer.creditScore",
        facet.score,
        "Credit score, 0 to 100; null where it is not rated.",
        history=_evaluated("score"),
    )
    yield Field(
        "Customer.creditStatus",
        facet.status,
        "Whether it could be scored; null before the first evaluation.",
        history=_evaluated("status"),
    )
    yield Field(
        "Customer.creditRisk",
        _risk,
        "Risk in force: the one set by hand while it lasts, else that of the score.",
        CreditRisk,
        history=_evaluated("risk"),
    )
    yield Field(
        "Customer.creditRiskSource",
        lambda row: rules.risk_source(*_risk_parts(row)),
        "Whether the risk is set by hand or derived from the score.",
        CreditRiskSource,
    )
    yield Field("Customer.scoredCreditRisk", facet.scored_risk, "Risk band of the score alone.")
    yield Field(
        "Customer.isLowCredit",
        lambda row: rules.is_low_credit(_risk(row)),
        "Whether its credit is low, that is, its risk HIGH.",
        bool,
    )
    yield Field(
        "Customer.cannotPerformContract",
        facet.cannot_perform_contract,
        "Whether it has funding problems and cannot fulfil its contracts.",
        writable=True,
    )
    yield Field("Customer.creditEvaluatedOn", facet.evaluated_on, "Day of the latest evaluation.")
    yield Field("Customer.creditRiskOverrideReason", facet.override_reason, "Why the risk was set by hand.")
    yield Field("Customer.creditRiskOverrideBy", facet.override_by, "Who set the risk by hand.")
    yield Field("Customer.creditRiskOverrideAt", facet.override_at, "When the risk was set by hand.")
    yield Field("Customer.creditRiskOverrideUntil", facet.override_until, "Last day of the risk set by hand.")
    yield Field("Customer.creditReviewedOn", facet.reviewed_on, "Day of the latest credit review.", writable=True)

    def next_review(row: Row) -> Expression:
        file = row.facet(CustomerCredit)
        checked_on = func.coalesce(file.reviewed_on, file.first_evaluated_on)
        return rules.next_review_on(checked_on, _risk(row), settings.review_days)

    yield Field(
        "Customer.nextCreditReviewOn",
        next_review,
        "Date by which its credit is due for review: by risk, after the latest review, else the first evaluation.",
        date,
    )
    yield Field(
        "Customer.isCreditReviewOverdue",
        lambda row: rules.is_review_overdue(next_review(row), row.as_of),
        "Whether the next credit review is overdue.",
        bool,
    )


def _scored_by(scorer: str | None) -> Callable[[Row], Expression]:
    """Returns an expression for another field, or null without one."""
    if scorer is None:
        return lambda row: null().cast(BigInteger)
    return lambda row: row.other(f"Customer.{scorer}", Decimal)


def _risk_parts(row: Row) -> tuple[Expression, Expression, Expression, Expression]:
    file = row.facet(CustomerCredit)
    return file.scored_risk, file.override_risk, file.override_until, row.as_of


def _risk(row: Row) -> Expression:
    return rules.holding_risk(*_risk_parts(row))


def _behaviour_fields() -> Iterator[Field]:
    facet = CustomerCredit
    for name, column, what in (
        (
            "paymentBehaviour",
            facet.payment_behaviour,
            "Score of its payment behaviour, 0 to 100: 100 minus the four deductions; null with too few invoices.",
        ),
        (
            "paymentBehaviourInvoices",
            facet.payment_invoices,
            "Number of invoices its payment behaviour is based on: recent, and settled or overdue.",
        ),
        ("averageDaysLate", facet.average_days_late, "Average days late, weighted by amount."),
        ("disputedShare", facet.disputed_share, "Disputed share of the invoiced amount, in percent."),
        (
            "daysLateTrend",
            facet.days_late_trend,
            "Average days late of its recent invoices minus that of its earlier ones, weighted by amount.",
        ),
        (
            "termUsed",
            facet.term_used,
            "Average share of the payment term that passes before it pays, at most 100 %, weighted by amount.",
        ),
        ("latenessDeduction", facet.lateness_deduction, "Points deducted from its payment behaviour for lateness."),
        (
            "termDeduction",
            facet.term_deduction,
            "Points deducted from its payment behaviour for paying late in the payment term.",
        ),
        ("disputeDeduction", facet.dispute_deduction, "Points deducted from its payment behaviour for disputes."),
        ("trendDeduction", facet.trend_deduction, "Points deducted from its payment behaviour for a worsening trend."),
    ):
        yield Field(f"Customer.{name}", column, what)


def _ageing_fields(money: Any) -> Iterator[Field]:
    def owed(condition: Callable[[Row], Expression] | None = None) -> Any:
        return money(lambda row: _owed(row, condition))

    def due_for(least: int, most: int | None) -> Callable[[Row], Expression]:
        def condition(invoice: Row) -> Expression:
            late = days_late(invoice)
            return late >= least if most is None else and_(late >= least, late <= most)

        return condition

    yield Field("Customer.outstanding", owed(), "Outstanding amount of its invoices.", Money)
    yield Field("Customer.overdue", owed(due_for(1, None)), "Overdue part of the outstanding amount.", Money)
    for name, least, most, what in (
        ("outstandingNotDue", 0, 0, "not due yet"),
        ("overdue1To30Days", 1, 30, "overdue for 1 to 30 days"),
        ("overdue31To60Days", 31, 60, "overdue for 31 to 60 days"),
        ("overdue61To90Days", 61, 90, "overdue for 61 to 90 days"),
        ("overdueOver90Days", 91, None, "overdue for more than 90 days"),
    ):
        yield Field(
            f"Customer.{name}", owed(due_for(least, most)), f"Outstanding amount of its invoices that is {what}.", Money
        )


def _owed(row: Row, condition: Callable[[Row], Expression] | None = None) -> Expression:
    def counts(invoice: Row) -> Expression:
        return is_open(invoice) if condition is None else and_(is_open(invoice), condition(invoice))

    return row.over(Receivable, "customer_id", lambda invoice: total(unpaid(invoice)), counts)


def _evaluated(column: str) -> History:
    """What evaluations have found of a customer."""
    return History(CreditEvaluation, "customer_id", "evaluated_at", column)


def _limit_fields(money: Any) -> Iterator[Field]:
    def against(rule: Callable[[Expression, Expression], Expression]) -> Minor:
        return lambda row: rule(_limit(row), _exposure(row))

    yield Field(
        "Customer.creditLimit",
        CustomerCredit.credit_limit,
        "Credit limit; setting it requires creditLimitReason.",
        writable=True,
        history=History(CreditLimitChange, "customer_id", "changed_at", "credit_limit"),
    )
    yield Field(
        f"Customer.{REASON}",
        type=str,
        description="Reason for changing the credit limit; stored with the change.",
        writable=True,
    )
    yield Field(
        "Customer.creditExposure",
        money(_exposure),
        "Exposure: what is outstanding, plus what is won or committed and not invoiced yet.",
        Money,
    )
    yield Field(
        "Customer.availableCredit",
        money(against(rules.available_credit)),
        "Unused part of the credit limit, never below 0; null without a limit.",
        Money,
    )
    yield Field(
        "Customer.creditBreach",
        money(against(rules.credit_breach)),
        "Amount by which exposure exceeds the limit; 0 if it does not, null without a limit.",
        Money,
    )
    yield Field(
        "Customer.exceedsCreditLimit",
        against(rules.exceeds),
        "Whether exposure exceeds the limit; null without a limit.",
        bool,
    )


def _figure_fields(money: Any, settings: CreditScoringSettings) -> Iterator[Field]:
    days = settings.sales_days

    def invoiced(row: Row) -> Expression:
        since = row.bind(lambda now: now.date() - timedelta(days=days), date)
        return row.over(
            Receivable,
            "customer_id",
            lambda invoice: total(invoice.amount.reporting),
            lambda invoice: and_(invoice.invoiced_on > since, invoice.invoiced_on <= invoice.as_of),
        )

    def gaps(row: Row) -> Expression:
        file, limit = row.facet(CustomerCredit), _limit(row)
        return names_where(
            [
                (CreditGap.NO_LIMIT, limit.is_(None)),
                (CreditGap.ZERO_LIMIT, limit.is_not_distinct_from(0)),
                (CreditGap.NOTHING_INVOICED, invoiced(row) == 0),
                (CreditGap.TOO_FEW_INVOICES, file.payment_behaviour.is_(None)),
                (CreditGap.NO_SCORE, file.score.is_(None)),
            ]
        )

    yield Field(
        "Customer.creditUtilisation",
        lambda row: rules.credit_utilisation(_limit(row), _exposure(row)),
        "Exposure in percent of the credit limit; null without a limit, and where it is 0.",
        Decimal,
    )
    yield Field(
        "Customer.daysSalesOutstanding",
        lambda row: rules.days_sales_outstanding(_owed(row), invoiced(row), days),
        f"Days sales outstanding: outstanding by invoiced of the last {days} days, times {days}; null where nothing "
        "was invoiced in them.",
        Decimal,
    )
    yield Field(
        "Customer.creditGaps",
        gaps,
        "Why figures about its credit are null: what they need and do not have.",
        list[CreditGap],
    )
    yield Field(
        "Customer.groupOutstanding",
        money(lambda row: row.within("parent_id", _owed)),
        "Outstanding amount of it and of the customers below it, at any depth.",
        Money,
    )
    yield Field(
        "Customer.groupExposure",
        money(lambda row: row.within("parent_id", _exposure)),
        "Exposure to it and to the customers below it, at any depth.",
        Money,
    )
    yield Field("Customer.isOnCreditHold", _is_on_hold, "Whether a hold on its credit is in force.", bool)


def _is_on_hold(row: Row) -> Expression:
    holds = row.over(
        CreditHold,
        "customer_id",
        lambda hold: func.count(),
        lambda hold: rules.is_hold_active(hold.placed_on, hold.until, hold.released_on, hold.as_of),
    )
    return case((holds > 0, True), else_=False)


def _limit(row: Row) -> Expression:
    limit: Expression = row.facet(CustomerCredit).credit_limit.reporting
    return limit


def _exposure(row: Row) -> Expression:
    return _owed(row) + row.over(Opportunity, "customer_id", lambda deal: total(_uninvoiced(deal)), _is_committed)


def _is_committed(row: Row) -> Expression:
    committed = row.other("Opportunity.forecastCategory", str).is_not_distinct_from("COMMIT")
    return or_(row.status.in_(WON), and_(row.status.in_(OPEN), committed))


def _uninvoiced(row: Row) -> Expression:
    return rules.uninvoiced(row.expected_amount.reporting, row.facet(OpportunityCredit).invoiced)


def _opportunity_fields(money: Any) -> Iterator[Field]:
    def exceeds(row: Row) -> Expression:
        customer = row.to("customer")
        exposure = rules.exposure_if_won(_exposure(customer), _is_committed(row), _uninvoiced(row))
        matters = and_(row.status.in_((*WON, *OPEN)), row.expected_amount.reporting.is_not(None))
        return case((matters, rules.exceeds(_limit(customer), exposure)), else_=null())

    yield Field(
        f"Opportunity.{OVERRIDE_REASON}",
        type=str,
        description="Reason for winning or enlarging it despite the credit of its customer; stored.",
        writable=True,
    )
    yield Field(
        "Opportunity.creditExposure",
        money(lambda row: case((_is_committed(row), _uninvoiced(row)), else_=null())),
        "What it adds to its customer's exposure: the part not invoiced yet if won or committed, else null.",
        Money,
    )
    yield Field(
        "Opportunity.invoicedAmount",
        money(lambda row: row.facet(OpportunityCredit).invoiced),
        "Invoiced amount, in the reporting currency.",
        Money,
    )
    yield Field(
        "Opportunity.exceedsAvailableCredit",
        exceeds,
        "Whether its customer exceeds the credit limit with it; null if it is lost or closed, or without a limit or "
        "amount.",
        bool,
    )
