"""Records of credit scoring: receivables, each customer's credit file, and its history."""

from datetime import date, datetime
from decimal import Decimal

from guanxi import Facet, Money, Record, Vocabulary, column, one_living, reference, template
from guanxi.records import Customer, Opportunity
from plugins.credit_scoring.settings import IncompleteRating

#: The permission without which nobody sees what is in these tables.
CREDIT = "credit"


# C1, C2
class CreditRisk(Vocabulary):
    """Risk band of a customer."""

    LOW = "LOW", "A score of 80 or more by default."
    MEDIUM = "MEDIUM", "A score from 60 to below 80 by default."
    HIGH = "HIGH", "A score below 60 by default: winning and enlarging opportunities is controlled."


class CreditRiskSource(Vocabulary):
    """Source of a customer's risk band."""

    SCORED = "SCORED", "Derived from its score."
    MANUAL = "MANUAL", "Set by hand, with a reason."


# C1
class CreditStatus(Vocabulary):
    """Whether a customer could be scored."""

    COMPLETE = "COMPLETE", "Every dimension with a weight is known."
    INCOMPLETE = "INCOMPLETE", "A dimension is missing; the policy says how such customers are rated."


# C1
class CreditDimension(Vocabulary):
    """Dimension of the credit score."""

    FINANCIAL_STATUS = "FINANCIAL_STATUS", "Its financial position."
    REPUTATION = "REPUTATION", "Its known conduct."
    TRANSACTION_RECORD = "TRANSACTION_RECORD", "Its record of dealings with us, above all its payments."


class DimensionSource(Vocabulary):
    """Source of a dimension's value."""

    ENTERED = "ENTERED", "Entered by hand or import."
    COMPUTED = "COMPUTED", "A scorer computed it."
    ASSUMED = "ASSUMED", "Assumed by the query."


class CreditReasonCode(Vocabulary):
    """Reason for losing points."""

    WEAK_FINANCIAL_STATUS = "WEAK_FINANCIAL_STATUS", "Its financial status is below 100."
    WEAK_REPUTATION = "WEAK_REPUTATION", "Its reputation is below 100."
    WEAK_TRANSACTION_RECORD = "WEAK_TRANSACTION_RECORD", "Its transaction record is below 100."
    LATE_PAYMENT = "LATE_PAYMENT", "It pays after the due date."
    FULL_TERM_USED = "FULL_TERM_USED", "It pays on time, but late in the payment term."
    DISPUTED_INVOICES = "DISPUTED_INVOICES", "It disputes invoices."
    WORSENING_PAYMENT = "WORSENING_PAYMENT", "It pays later than it used to."
    FINANCIAL_STATUS_MISSING = "FINANCIAL_STATUS_MISSING", "Its financial status is unknown."
    REPUTATION_MISSING = "REPUTATION_MISSING", "Its reputation is unknown."
    TRANSACTION_RECORD_MISSING = "TRANSACTION_RECORD_MISSING", "Its transaction record is unknown."


class CreditGap(Vocabulary):
    """What a figure about a customer's credit needs and does not have."""

    NO_LIMIT = "NO_LIMIT", "No credit limit: no utilisation, available credit or breach."
    ZERO_LIMIT = "ZERO_LIMIT", "A credit limit of 0: no utilisation."
    NOTHING_INVOICED = "NOTHING_INVOICED", "No invoices in the days counted: no days sales outstanding."
    TOO_FEW_INVOICES = (
        "TOO_FEW_INVOICES",
        "Fewer settled or overdue invoices than the policy asks for: no payment behaviour.",
    )
    NO_SCORE = "NO_SCORE", "Not evaluated, or a dimension is missing and the policy does not rate without it: no score."


class EvaluationTrigger(Vocabulary):
    """Why a customer was evaluated."""

    REQUESTED = "REQUESTED", "Requested by a user or a plugin."
    ENTERED = "ENTERED", "A dimension was entered or changed."
    REVIEWED = "REVIEWED", "Its credit was reviewed."
    SCHEDULED = "SCHEDULED", "The daily job found a different result."
    OVERRIDDEN = "OVERRIDDEN", "The risk was set by hand."
    OVERRIDE_CLEARED = "OVERRIDE_CLEARED", "The value set by hand was cleared."
    OVERRIDE_EXPIRED = "OVERRIDE_EXPIRED", "The value set by hand expired."


class AgeingBucket(Vocabulary):
    """Ageing of an unpaid receivable by days past due."""

    NOT_DUE = "NOT_DUE", "Not due yet, or due today."
    DAYS_1_TO_30 = "DAYS_1_TO_30", "1 to 30 days past due.", "1 to 30 days"
    DAYS_31_TO_60 = "DAYS_31_TO_60", "31 to 60 days past due.", "31 to 60 days"
    DAYS_61_TO_90 = "DAYS_61_TO_90", "61 to 90 days past due.", "61 to 90 days"
    OVER_90_DAYS = "OVER_90_DAYS", "More than 90 days past due."


# C4
class Receivable(Record, plugin="credit_scoring", prefix="rcv"):
    """An invoice to a customer, open or paid."""

    __search__ = ("number",)
    __permission__ = CREDIT
    __order__ = (("dueOn", False),)
    __of_one_customer__ = ("customer_id", "opportunity_id")
    __dated_by__ = ("invoiced_on",)

    number: str = column("Invoice number.", max_length=64, index=True)
    customer_id: str = reference(
        Customer,
        "The customer who has to pay.",
        inverse="receivables",
        inverse_description="Its invoices, open and paid.",
        on_destroy="CASCADE",
    )
    opportunity_id: str | None = reference(
        Opportunity,
        "The opportunity it invoices, in whole or in part.",
        inverse="receivables",
        inverse_description="Invoices for the opportunity.",
        default=None,
        on_destroy="SET NULL",
    )
    amount: Money = column("Invoice amount; that of a credit note is negative.", index=True)
    invoiced_on: date = column("Invoice date.", index=True)
    due_on: date = column("Due date: the last day for payment on time.", index=True)
    settled_on: date | None = column(
        "Date on which it was paid in full, as entered or as its payments say; null while it is open.",
        default=None,
        index=True,
    )
    settled_by_payments: bool | None = column("True where its payments settled it.", default=None, internal=True)
    is_disputed: bool = column("Whether the customer disputes or has disputed it.", default=False, index=True)
    disputed_on: date | None = column("Date on which it was first disputed, if known.", default=None, past=True)
    description: str | None = column("Notes.", default=None, max_length=2000, long=True)
    is_old_twin: bool | None = column(
        "True where it shared its number with an older one of its customer before only one could have it.",
        default=None,
        internal=True,
    )


one_living(
    Receivable,
    "customer_id",
    "number",
    message=template("{twin} is invoice {number} of this customer already; change that one, or give another number"),
)


class CustomerCredit(Facet, of="Customer", plugin="credit_scoring"):
    """A customer's credit file as it is now."""

    financial_status: Decimal | None = column("Financial status, 0 to 100.", default=None, minimum=0, maximum=100)
    reputation: Decimal | None = column("Reputation, 0 to 100.", default=None, minimum=0, maximum=100)
    transaction_record: Decimal | None = column("Transaction record, 0 to 100.", default=None, minimum=0, maximum=100)
    payment_behaviour: Decimal | None = column("Score of payment behaviour, 0 to 100.", default=None, index=True)
    payment_invoices: int | None = column("Number of invoices it is based on.", default=None)
    average_days_late: Decimal | None = column("Average days late.", default=None)
    disputed_share: Decimal | None = column("Disputed share of the amount, in percent.", default=None)
    days_late_trend: Decimal | None = column(
        "Average days late of recent invoices minus that of earlier ones.", default=None
    )
    term_used: Decimal | None = column("Average share of the payment term it uses, in percent.", default=None)
    lateness_deduction: Decimal | None = column("Points deducted for lateness.", default=None)
    term_deduction: Decimal | None = column("Points deducted for using the payment term.", default=None)
    dispute_deduction: Decimal | None = column("Points deducted for disputes.", default=None)
    trend_deduction: Decimal | None = column("Points deducted for a worsening trend.", default=None)
    cannot_perform_contract: bool | None = column("Whether it cannot fulfil its contracts.", default=None, index=True)
    credit_limit: Money | None = column("Credit limit.", default=None, index=True)
    reviewed_on: date | None = column("Date of the latest review.", default=None)
    announced_review: date | None = column("Due date of the latest overdue review that was announced.", default=None)
    evaluated_on: date | None = column("Date of the latest evaluation.", default=None, index=True)
    first_evaluated_on: date | None = column("Date of the first evaluation.", default=None)
    status: CreditStatus | None = column("Whether it could be scored.", default=None, index=True)
    score: Decimal | None = column("Score, 0 to 100.", default=None, index=True)
    scored_risk: CreditRisk | None = column("Risk band of the score.", default=None, index=True)
    recorded_risk: CreditRisk | None = column("Risk in force at the latest evaluation.", default=None)
    override_risk: CreditRisk | None = column("Risk set by hand.", default=None)
    override_reason: str | None = column("Why.", default=None, long=True)
    override_by: str | None = column("By whom.", default=None, exact=True)
    override_at: datetime | None = column("When.", default=None)
    override_until: date | None = column("Last day it is in force; open-ended if null.", default=None)


class OpportunityCredit(Facet, of="Opportunity", plugin="credit_scoring"):
    """Invoiced amount of an opportunity, and what credit control knows of it."""

    invoiced: int | None = column("Sum of its receivables, minor units of the reporting currency.", default=None)
    committed: bool | None = column("Whether it was committed when credit control last judged it.", default=None)


# C1
class CreditPolicy(Record, plugin="credit_scoring", prefix="cpo"):
    """A version of the scoring policy: weights, bands and parameters of the scorer."""

    __permission__ = CREDIT
    __aggregates__ = False
    __order__ = (("number", True),)
    __read_only__ = True

    number: int = column("Version number, from 1.", index=True)
    financial_status_weight: int = column("Weight of financial status, in percent.")
    reputation_weight: int = column("Weight of reputation, in percent.")
    transaction_record_weight: int = column("Weight of transaction record, in percent.")
    low_from: Decimal = column("Lowest score of the LOW band.")
    medium_from: Decimal = column("Lowest score of the MEDIUM band.")
    scorers: list[str] = column("Field each dimension is computed from, as dimension=field.")
    payment_behaviour: list[str] = column("Parameters of the payment behaviour scorer, as name=value.")
    incomplete: IncompleteRating | None = column(
        "How incomplete evaluations are rated; null for unrated.", default=None
    )
    minimum_known: int | None = column("Weight that must be known to rate by what is known, in percent.", default=None)
    fingerprint: str = column("Digest of these values.", exact=True, index=True, internal=True)


# C1
class CreditEvaluation(Record, plugin="credit_scoring", prefix="cev"):
    """One evaluation of a customer's credit: result, inputs, policy and trigger."""

    __permission__ = CREDIT
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
        "The policy it is based on.",
        inverse="evaluations",
        inverse_description="Evaluations based on it.",
    )
    trigger: EvaluationTrigger = column("What triggered it.", index=True)
    note: str | None = column("Note entered with it.", default=None, long=True, max_length=1000)
    as_of: date = column("The day as of which it was evaluated.", index=True)
    evaluated_at: datetime = column("When it was made.", index=True)
    evaluated_by: str = column("Who requested it.", exact=True)
    status: CreditStatus = column("Whether it could be scored.", index=True)
    score: Decimal | None = column("Score, 0 to 100; null where it is not rated.", default=None)
    previous_score: Decimal | None = column("Previous score.", default=None)
    scored_risk: CreditRisk | None = column("Risk band of the score.", default=None)
    risk: CreditRisk | None = column(
        "Risk in force: the one set by hand, else that of the score.", default=None, index=True
    )
    previous_risk: CreditRisk | None = column("Previous risk in force.", default=None)
    financial_status: Decimal | None = column("Financial status, 0 to 100.", default=None)
    financial_status_source: DimensionSource | None = column("Source of the value.", default=None)
    financial_status_points: Decimal | None = column("Points it contributes to the score.", default=None)
    reputation: Decimal | None = column("Reputation, 0 to 100.", default=None)
    reputation_source: DimensionSource | None = column("Source of the value.", default=None)
    reputation_points: Decimal | None = column("Points it contributes to the score.", default=None)
    transaction_record: Decimal | None = column("Transaction record, 0 to 100.", default=None)
    transaction_record_source: DimensionSource | None = column("Source of the value.", default=None)
    transaction_record_points: Decimal | None = column("Points it contributes to the score.", default=None)


class CreditReason(Record, plugin="credit_scoring", prefix="crs"):
    """One reason why an evaluation lost points; the points lost add up to 100 minus the score."""

    __permission__ = CREDIT
    __order__ = (("pointsLost", True),)
    __read_only__ = True

    evaluation_id: str = reference(
        CreditEvaluation,
        "The evaluation.",
        inverse="reasons",
        inverse_description="Reasons for the points lost, largest first.",
        on_destroy="CASCADE",
    )
    code: CreditReasonCode = column("The reason.", index=True)
    points_lost: Decimal = column("Points of the score lost to it.")
    detail: str = column("The figures behind it.", exact=True)


# C3
class CreditLimitChange(Record, plugin="credit_scoring", prefix="clc"):
    """One change of a customer's credit limit: before, after, when and why."""

    __permission__ = CREDIT
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
    previous_limit: Money | None = column("Previous limit; null for the first.", default=None)
    credit_limit: Money | None = column("New limit; null if it was removed.", default=None)
    reason: str = column("Why it was changed.", long=True, max_length=1000)
    risk: CreditRisk | None = column("Risk of the customer at that time.", default=None)
    score: Decimal | None = column("Score of the customer at that time.", default=None)
    changed_at: datetime = column("When it was changed.", index=True)
    changed_by: str = column("Who changed it.", exact=True)


# C2
class CreditControlOverride(Record, plugin="credit_scoring", prefix="cco"):
    """An override of credit control: an opportunity won or enlarged despite its customer's credit, by whom and why."""

    __part_of__ = ("customer",)
    __permission__ = CREDIT
    __aggregates__ = False
    __order__ = (("overriddenAt", True),)
    __read_only__ = True
    __dated_by__ = ("overridden_at",)

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="credit_overrides",
        inverse_description="Overrides of credit control for it, latest first.",
        on_destroy="CASCADE",
    )
    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="credit_overrides",
        inverse_description="Overrides of credit control for its opportunities, latest first.",
        on_destroy="CASCADE",
    )
    reason: str = column("Reason for the override.", long=True, max_length=1000)
    problems: list[str] = column("Problems that were overridden.")
    risk: CreditRisk | None = column("Risk of the customer in force at that time.", default=None)
    credit_limit: Money | None = column("Credit limit of the customer.", default=None)
    exposure: Money = column("Exposure of the customer including the opportunity.")
    overridden_at: datetime = column("When credit control was overridden.", index=True)
    overridden_by: str = column("Who overrode credit control.", exact=True)


class CreditHold(Record, plugin="credit_scoring", prefix="chd"):
    """A hold on a customer's credit: set and released by hand, and obeyed by credit control while it is in force."""

    __permission__ = CREDIT
    __aggregates__ = False
    __order__ = (("placedAt", True),)
    __read_only__ = True

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="credit_holds",
        inverse_description="Holds on its credit, latest first.",
        on_destroy="CASCADE",
    )
    reason: str = column("Why it was placed.", long=True, max_length=1000)
    placed_on: date = column("First day it is in force.")
    placed_at: datetime = column("When it was placed.", index=True)
    placed_by: str = column("Who placed it.", exact=True)
    until: date | None = column("Last day it is in force; until it is released if null.", default=None)
    release_reason: str | None = column("Why it was released.", default=None, long=True, max_length=1000)
    released_on: date | None = column("Day on which it was released: the first it is not in force.", default=None)
    released_at: datetime | None = column("When it was released.", default=None)
    released_by: str | None = column("Who released it.", default=None, exact=True)
