"""What credit scoring keeps: receivables, each customer's credit file, and what became of it over time."""

from datetime import date, datetime
from decimal import Decimal

from guanxi import Facet, Money, Record, Vocabulary, column, reference
from guanxi.records import Customer, Opportunity


# C1, C2
class CreditRisk(Vocabulary):
    """Risk band of a customer."""

    LOW = "LOW", "A score of 80 or more, unless the policy says otherwise."
    MEDIUM = "MEDIUM", "A score from 60 to below 80."
    HIGH = "HIGH", "A score below 60: won and larger opportunities are controlled."


class CreditRiskSource(Vocabulary):
    """Where a customer's risk band comes from."""

    SCORED = "SCORED", "From its score."
    MANUAL = "MANUAL", "Set by hand, with a reason."


# C1
class CreditStatus(Vocabulary):
    """Whether a customer could be scored."""

    COMPLETE = "COMPLETE", "Every dimension that counts is known."
    INCOMPLETE = "INCOMPLETE", "A dimension is missing, so there is no score."


# C1
class CreditDimension(Vocabulary):
    """What the score is made of."""

    FINANCIAL_STATUS = "FINANCIAL_STATUS", "How it stands financially."
    REPUTATION = "REPUTATION", "What is known of its conduct."
    TRANSACTION_RECORD = "TRANSACTION_RECORD", "How it has dealt with us, paying above all."


class DimensionSource(Vocabulary):
    """Where the value of a dimension comes from."""

    ENTERED = "ENTERED", "Somebody entered it."
    COMPUTED = "COMPUTED", "A scorer computed it."
    ASSUMED = "ASSUMED", "The question assumes it."


class CreditReasonCode(Vocabulary):
    """Why points were lost."""

    WEAK_FINANCIAL_STATUS = "WEAK_FINANCIAL_STATUS", "Its financial status is below 100."
    WEAK_REPUTATION = "WEAK_REPUTATION", "Its reputation is below 100."
    WEAK_TRANSACTION_RECORD = "WEAK_TRANSACTION_RECORD", "Its transaction record is below 100."
    LATE_PAYMENT = "LATE_PAYMENT", "It pays after the invoices are due."
    DISPUTED_INVOICES = "DISPUTED_INVOICES", "It disputes invoices."
    WORSENING_PAYMENT = "WORSENING_PAYMENT", "It pays later than it did before."
    FINANCIAL_STATUS_MISSING = "FINANCIAL_STATUS_MISSING", "Its financial status is not known."
    REPUTATION_MISSING = "REPUTATION_MISSING", "Its reputation is not known."
    TRANSACTION_RECORD_MISSING = "TRANSACTION_RECORD_MISSING", "Its transaction record is not known."


class EvaluationTrigger(Vocabulary):
    """Why a customer was evaluated."""

    REQUESTED = "REQUESTED", "Somebody asked for it."
    ENTERED = "ENTERED", "A dimension was entered or changed."
    REVIEWED = "REVIEWED", "Its credit was reviewed."
    SCHEDULED = "SCHEDULED", "The daily job found another result."
    OVERRIDDEN = "OVERRIDDEN", "Somebody set the risk by hand."
    OVERRIDE_CLEARED = "OVERRIDE_CLEARED", "Somebody took back what was set by hand."
    OVERRIDE_EXPIRED = "OVERRIDE_EXPIRED", "What was set by hand was meant to end by then."


class AgeingBucket(Vocabulary):
    """How long an unpaid receivable has been due."""

    NOT_DUE = "NOT_DUE", "Not due yet, or due today."
    DAYS_1_TO_30 = "DAYS_1_TO_30", "1 to 30 days."
    DAYS_31_TO_60 = "DAYS_31_TO_60", "31 to 60 days."
    DAYS_61_TO_90 = "DAYS_61_TO_90", "61 to 90 days."
    OVER_90_DAYS = "OVER_90_DAYS", "More than 90 days."


# C4
class Receivable(Record, plugin="credit_scoring", prefix="rcv"):
    """An invoice a customer is to pay, or has paid."""

    __order__ = (("dueOn", False),)
    __dated_by__ = ("invoiced_on",)

    number: str = column("Number of the invoice.", max_length=64, index=True)
    customer_id: str = reference(
        Customer,
        "Who is to pay.",
        inverse="receivables",
        inverse_description="Invoices it is to pay, or has paid.",
        on_destroy="CASCADE",
    )
    opportunity_id: str | None = reference(
        Opportunity,
        "The opportunity it invoices, in whole or in part.",
        inverse="receivables",
        inverse_description="Invoices of what was won.",
        default=None,
        on_destroy="SET NULL",
    )
    amount: Money = column("Amount of the invoice.", index=True)
    paid_amount: Money | None = column("What of it is paid, while it is paid in part.", default=None)
    invoiced_on: date = column("Day of the invoice.", index=True)
    due_on: date = column("Last day on which it is paid in time.", index=True)
    settled_on: date | None = column(
        "Day on which it was paid in full; none while it is open.", default=None, index=True
    )
    is_disputed: bool = column("Whether the customer disputes it, or did.", default=False, index=True)
    disputed_on: date | None = column("Day on which it was first disputed, where it is known.", default=None)
    description: str | None = column("Anything worth knowing.", default=None, max_length=2000, long=True)


class CustomerCredit(Facet, of="Customer", plugin="credit_scoring"):
    """A customer's credit file as it is now."""

    financial_status: Decimal | None = column("Financial status, 0 to 100.", default=None, minimum=0, maximum=100)
    reputation: Decimal | None = column("Reputation, 0 to 100.", default=None, minimum=0, maximum=100)
    transaction_record: Decimal | None = column("Transaction record, 0 to 100.", default=None, minimum=0, maximum=100)
    payment_behaviour: Decimal | None = column("Score of payment behaviour, 0 to 100.", default=None, index=True)
    payment_invoices: int | None = column("Invoices it goes by.", default=None)
    average_days_late: Decimal | None = column("Days late on average.", default=None)
    disputed_share: Decimal | None = column("Share of the amount disputed, in percent.", default=None)
    days_late_trend: Decimal | None = column("Days later than before.", default=None)
    lateness_deduction: Decimal | None = column("Points that lateness takes.", default=None)
    dispute_deduction: Decimal | None = column("Points that disputes take.", default=None)
    trend_deduction: Decimal | None = column("Points that a worsening trend takes.", default=None)
    cannot_perform_contract: bool | None = column("Cannot go on with its contracts.", default=None, index=True)
    credit_limit: Money | None = column("Credit limit.", default=None, index=True)
    reviewed_on: date | None = column("Day of the latest review.", default=None)
    announced_review: date | None = column("The day of the overdue review that was announced last.", default=None)
    evaluated_on: date | None = column("As of which day it was evaluated.", default=None, index=True)
    first_evaluated_on: date | None = column("When it was first evaluated.", default=None)
    status: CreditStatus | None = column("Whether it could be scored.", default=None, index=True)
    score: Decimal | None = column("Score, 0 to 100.", default=None, index=True)
    scored_risk: CreditRisk | None = column("Risk by the score.", default=None, index=True)
    recorded_risk: CreditRisk | None = column("Risk that held when it was evaluated last.", default=None)
    override_risk: CreditRisk | None = column("Risk set by hand.", default=None)
    override_reason: str | None = column("Why.", default=None, long=True)
    override_by: str | None = column("By whom.", default=None, exact=True)
    override_at: datetime | None = column("When.", default=None)
    override_until: date | None = column("The last day it holds; without end if none.", default=None)


class OpportunityCredit(Facet, of="Opportunity", plugin="credit_scoring"):
    """What of an opportunity is invoiced."""

    invoiced: int | None = column("Sum of its receivables, minor units of the reporting currency.", default=None)


# C1
class CreditPolicy(Record, plugin="credit_scoring", prefix="cpo"):
    """A version of the policy by which customers are scored: weights, bands and the scorer's figures."""

    __aggregates__ = False
    __order__ = (("number", True),)
    __read_only__ = True

    number: int = column("Its number, from 1.", index=True)
    financial_status_weight: int = column("Share of financial status in percent.")
    reputation_weight: int = column("Share of reputation in percent.")
    transaction_record_weight: int = column("Share of transaction record in percent.")
    low_from: Decimal = column("From this score on the risk is low.")
    medium_from: Decimal = column("From this score on it is medium.")
    scorers: list[str] = column("Which field each dimension is computed from, as dimension=field.")
    payment_behaviour: list[str] = column("Figures of the payment behaviour scorer, as name=value.")
    fingerprint: str = column("Digest of all that.", exact=True, index=True, internal=True)


# C1
class CreditEvaluation(Record, plugin="credit_scoring", prefix="cev"):
    """One evaluation of a customer's credit: what came out, what of, by which policy, why."""

    __order__ = (("evaluatedAt", True),)
    __read_only__ = True
    __dated_by__ = ("evaluated_at",)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="credit_evaluations",
        inverse_description="Evaluations of its credit, latest first.",
        on_destroy="CASCADE",
    )
    policy_id: str = reference(
        CreditPolicy,
        "The policy it went by.",
        inverse="evaluations",
        inverse_description="Evaluations that went by it.",
    )
    trigger: EvaluationTrigger = column("Why it was made.", index=True)
    note: str | None = column("What was said with it.", default=None, long=True, max_length=1000)
    as_of: date = column("The day whose state was judged.", index=True)
    evaluated_at: datetime = column("When it was made.", index=True)
    evaluated_by: str = column("Who asked for it.", exact=True)
    status: CreditStatus = column("Whether it could be scored.", index=True)
    score: Decimal | None = column("Score, 0 to 100; none if a dimension is missing.", default=None)
    previous_score: Decimal | None = column("Score before.", default=None)
    scored_risk: CreditRisk | None = column("Risk by the score.", default=None)
    risk: CreditRisk | None = column("Risk that holds: set by hand, or by the score.", default=None, index=True)
    previous_risk: CreditRisk | None = column("Risk that held before.", default=None)
    financial_status: Decimal | None = column("Financial status, 0 to 100.", default=None)
    financial_status_source: DimensionSource | None = column("Where it came from.", default=None)
    financial_status_points: Decimal | None = column("What it gives of the score.", default=None)
    reputation: Decimal | None = column("Reputation, 0 to 100.", default=None)
    reputation_source: DimensionSource | None = column("Where it came from.", default=None)
    reputation_points: Decimal | None = column("What it gives of the score.", default=None)
    transaction_record: Decimal | None = column("Transaction record, 0 to 100.", default=None)
    transaction_record_source: DimensionSource | None = column("Where it came from.", default=None)
    transaction_record_points: Decimal | None = column("What it gives of the score.", default=None)


class CreditReason(Record, plugin="credit_scoring", prefix="crs"):
    """One reason for which an evaluation lost points; the points lost sum up to 100 less the score."""

    __order__ = (("pointsLost", True),)
    __read_only__ = True

    evaluation_id: str = reference(
        CreditEvaluation,
        "The evaluation.",
        inverse="reasons",
        inverse_description="Why it lost points, the weightiest first.",
        on_destroy="CASCADE",
    )
    code: CreditReasonCode = column("The reason.", index=True)
    points_lost: Decimal = column("Points of the score that it cost.")
    detail: str = column("The figures behind it.", exact=True)


# C3
class CreditLimitChange(Record, plugin="credit_scoring", prefix="clc"):
    """One change of a customer's credit limit: from, to, when, why."""

    __aggregates__ = False
    __order__ = (("changedAt", True),)
    __read_only__ = True
    __dated_by__ = ("changed_at",)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="credit_limit_changes",
        inverse_description="Changes of its credit limit, latest first.",
        on_destroy="CASCADE",
    )
    previous_limit: Money | None = column("Limit before; none for the first.", default=None)
    credit_limit: Money | None = column("Limit after; none if it was taken away.", default=None)
    reason: str = column("Why it was changed.", long=True, max_length=1000)
    risk: CreditRisk | None = column("Risk of the customer at that time.", default=None)
    score: Decimal | None = column("Score of the customer at that time.", default=None)
    changed_at: datetime = column("When it was changed.", index=True)
    changed_by: str = column("Who changed it.", exact=True)


# C2
class CreditControlOverride(Record, plugin="credit_scoring", prefix="cco"):
    """An opportunity that was won or enlarged against its customer's credit: who let it through, and why."""

    __aggregates__ = False
    __order__ = (("overriddenAt", True),)
    __read_only__ = True
    __dated_by__ = ("overridden_at",)

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="credit_overrides",
        inverse_description="Reasons for which credit control was set aside for it, latest first.",
        on_destroy="CASCADE",
    )
    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="credit_overrides",
        inverse_description="Opportunities for which its credit was set aside, latest first.",
        on_destroy="CASCADE",
    )
    reason: str = column("Why it was let through.", long=True, max_length=1000)
    problems: list[str] = column("What spoke against it.")
    risk: CreditRisk | None = column("Risk of the customer.", default=None)
    credit_limit: Money | None = column("Limit of the customer.", default=None)
    exposure: Money = column("Exposure of the customer with the opportunity as it is now.")
    overridden_at: datetime = column("When.", index=True)
    overridden_by: str = column("Who let it through.", exact=True)
