"""The operations of credit scoring: evaluate, override by hand, review, and questions without writing."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from guanxi import Context, Input, Money, Payload, Ref, Reject, UserError, mutation, query
from guanxi.records import Customer
from plugins.credit_scoring.control import standing_with
from plugins.credit_scoring.evaluation import evaluate, unknown_customers
from plugins.credit_scoring.limits import reason_problem
from plugins.credit_scoring.models import (
    CreditDimension,
    CreditPolicy,
    CreditReasonCode,
    CreditRisk,
    CreditStatus,
    CustomerCredit,
    DimensionSource,
    EvaluationTrigger,
)
from plugins.credit_scoring.settings import Control
from plugins.credit_scoring.whatif import AssumedDimensions, assess_customer

_CUSTOMER = "The customer."
_Assumed = Annotated[
    Decimal | None,
    strawberry.argument(description="To assume this value, 0 to 100, instead of what is known."),
]
_CustomerId = Annotated[strawberry.ID, strawberry.argument(description=_CUSTOMER)]


@strawberry.type
class CreditComponent:
    """A dimension's part in a score."""

    dimension: CreditDimension = strawberry.field(description="The dimension.")
    value: Decimal | None = strawberry.field(description="Its value, 0 to 100; null if it is not known.")
    source: DimensionSource | None = strawberry.field(description="Where the value comes from.")
    weight: int = strawberry.field(description="Its share of the score in percent.")
    points: Decimal | None = strawberry.field(description="What it adds to the score: value times weight.")


@strawberry.type
class CreditAssessmentReason:
    """Why points of the score are lost."""

    code: CreditReasonCode = strawberry.field(description="The reason.")
    points_lost: Decimal = strawberry.field(description="Points of the score that it costs.")
    detail: str = strawberry.field(description="The figures behind it.")


@strawberry.type
class CreditAssessment:
    """What a customer's score is or would be, and how it comes about. Nothing is written."""

    as_of: date = strawberry.field(description="The day whose receivables are judged.")
    customer: Ref[Customer] | None = strawberry.field(default=None, description="The customer; null if there is none.")
    status: CreditStatus | None = strawberry.field(default=None, description="Whether it can be scored.")
    score: Decimal | None = strawberry.field(
        default=None, description="The score, 0 to 100; null if a dimension is missing."
    )
    risk: CreditRisk | None = strawberry.field(default=None, description="The risk by this score.")
    components: list[CreditComponent] = strawberry.field(
        default_factory=list, description="What the score is made of; they sum up to it."
    )
    reasons: list[CreditAssessmentReason] = strawberry.field(
        default_factory=list,
        description="Why points are lost, the weightiest first; they sum up to 100 less the score.",
    )
    policy: Ref[CreditPolicy] | None = strawberry.field(
        default=None, description="The policy it goes by; null while nobody was evaluated by these settings."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="What has to be fixed.")


@strawberry.type
class CreditCheck:
    """What credit control says of an amount. Nothing is written."""

    control: Control = strawberry.field(description="The policy: whether problems warn or refuse.")
    customer: Ref[Customer] | None = strawberry.field(default=None, description="The customer; null if there is none.")
    risk: CreditRisk | None = strawberry.field(default=None, description="The risk that holds.")
    limit: Money | None = strawberry.field(default=None, description="The credit limit, in the reporting currency.")
    exposure: Money | None = strawberry.field(default=None, description="What is at stake now.")
    exposure_after: Money | None = strawberry.field(default=None, description="What would be at stake with the amount.")
    available: Money | None = strawberry.field(
        default=None, description="What of the limit would be left, never below 0; null without a limit."
    )
    problems: list[UserError] = strawberry.field(
        default_factory=list, description="What speaks against it; nothing if it is fine."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="What has to be fixed.")


@strawberry.type
class CreditRiskMovement:
    """How many customers pass from one risk to another."""

    previous: CreditRisk | None = strawberry.field(description="Risk before; null if they had none.")
    risk: CreditRisk | None = strawberry.field(description="Risk after; null if they have none.")
    customers: int = strawberry.field(description="How many customers.")


@strawberry.type
class EvaluateCreditPayload(Payload):
    """What became of an evaluation, or would become of it."""

    customers: int = strawberry.field(
        default=0, description="How many were evaluated; those nothing is known of are not."
    )
    incomplete: int = strawberry.field(
        default=0, description="How many of them have no score because a dimension is missing."
    )
    changed: int = strawberry.field(default=0, description="How many change risk.")
    movements: list[CreditRiskMovement] = strawberry.field(
        default_factory=list, description="From which risk to which, with numbers."
    )


@strawberry.input
class EvaluateCreditInput(Input):
    """Whom to evaluate."""

    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These customers; all without it."
    )


@strawberry.input
class ReviewCreditInput(Input):
    """A credit review that was made."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    note: str = strawberry.field(description="What came of it; kept with the evaluation.")


@strawberry.input
class OverrideCreditRiskInput(Input):
    """A risk set by hand."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    risk: CreditRisk = strawberry.field(description="The risk it is to have.")
    reason: str = strawberry.field(description="Why; kept with the evaluation.")
    until: date | None = strawberry.field(default=None, description="The last day it holds; without end if none.")


@strawberry.input
class ClearCreditRiskOverrideInput(Input):
    """A risk set by hand that no longer holds."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    reason: str = strawberry.field(description="Why; kept with the evaluation.")


@query
def credit_assessment(
    ctx: Context,
    customer_id: _CustomerId,
    as_of: Annotated[
        date | None, strawberry.argument(description="Judge its receivables as they were on this day.")
    ] = None,
    financial_status: _Assumed = None,
    reputation: _Assumed = None,
    transaction_record: _Assumed = None,
) -> CreditAssessment:
    """A customer's score as it is, was or would be, explained; nothing is written.

    Rule C1.
    """
    answer = assess_customer(
        ctx, customer_id, as_of, AssumedDimensions(financial_status, reputation, transaction_record)
    )
    found = answer.assessment
    if found is None:
        return CreditAssessment(as_of=answer.as_of, user_errors=list(answer.problems))
    return CreditAssessment(
        as_of=answer.as_of,
        customer=customer_id,
        status=found.status,
        score=found.score,
        risk=found.risk,
        components=[
            CreditComponent(
                dimension=dimension, value=part.value, source=part.source, weight=part.weight, points=part.points
            )
            for dimension, part in found.components.items()
        ],
        reasons=[
            CreditAssessmentReason(code=reason.code, points_lost=reason.points_lost, detail=reason.detail)
            for reason in found.reasons
        ],
        policy=answer.policy,
    )


@query
def credit_check(
    ctx: Context,
    customer_id: _CustomerId,
    amount: Annotated[Decimal, strawberry.argument(description="How much more, in the reporting currency.")],
) -> CreditCheck:
    """What credit control says if a customer's exposure grows by an amount; nothing is written.

    Rules C2, C4.
    """
    control, currency = ctx.settings.control, ctx.reporting_currency
    standing = standing_with(ctx, customer_id)
    wrong = []
    if amount < 0:
        wrong.append(UserError("INVALID", f"amount: {amount} is negative; give 0 or more", ("amount",)))
    if standing is None:
        message = f"customerId: there is no customer {customer_id!r}; give the id of one that exists"
        wrong.append(UserError("NOT_FOUND", message, ("customerId",)))
    if wrong or standing is None:
        return CreditCheck(control=control, user_errors=wrong)
    after, limit = standing.exposure + amount, standing.limit
    problems = standing.problems(after) if control is not Control.OFF else ()
    return CreditCheck(
        control=control,
        customer=customer_id,
        risk=standing.risk,
        limit=None if limit is None else Money(limit, currency),
        exposure=Money(standing.exposure, currency),
        exposure_after=Money(after, currency),
        available=None if limit is None else Money(max(limit - after, Decimal(0)), currency),
        problems=[UserError(code, message) for code, message in problems],
    )


@mutation
def evaluate_credit(ctx: Context, input: EvaluateCreditInput) -> EvaluateCreditPayload:
    """Evaluates the credit of customers and keeps what is new.

    Rule C1.
    """
    ids = None if input.customer_ids is None else sorted(input.customer_ids)
    _refuse(unknown_customers(ctx, ids or [], "customerIds"))
    done = evaluate(ctx, EvaluationTrigger.REQUESTED, ids)
    order = [*CreditRisk, None]
    movements = sorted(done.movements.items(), key=lambda item: tuple(order.index(risk) for risk in item[0]))
    return EvaluateCreditPayload(
        customers=done.customers,
        incomplete=done.incomplete,
        changed=done.changed,
        movements=[
            CreditRiskMovement(previous=before, risk=after, customers=count) for (before, after), count in movements
        ],
    )


@mutation
def review_credit(ctx: Context, input: ReviewCreditInput) -> Ref[Customer]:
    """Notes that a customer's credit was reviewed today and evaluates it; the next review is due from today on.

    Rule C3.
    """
    file = _file_of(ctx, input.customer_id, _check_text("note", input.note))
    file.reviewed_on = ctx.clock.today()
    return _evaluated(ctx, file, EvaluationTrigger.REVIEWED, input.note)


@mutation
def override_credit_risk(ctx: Context, input: OverrideCreditRiskInput) -> Ref[Customer]:
    """Sets a customer's risk by hand, with a reason and perhaps a last day.

    Rule C1.
    """
    problems, today = _check_text("reason", input.reason), ctx.clock.today()
    if input.until is not None and input.until < today:
        message = f"until: {input.until} is past; give a day from {today} on, or none"
        problems.append(UserError("INVALID", message, ("until",)))
    file = _file_of(ctx, input.customer_id, problems)
    file.override_risk, file.override_reason, file.override_until = input.risk, input.reason.strip(), input.until
    file.override_by, file.override_at = ctx.actor.id, ctx.clock.now()
    return _evaluated(ctx, file, EvaluationTrigger.OVERRIDDEN, input.reason)


@mutation
def clear_credit_risk_override(ctx: Context, input: ClearCreditRiskOverrideInput) -> Ref[Customer]:
    """Takes back a risk that was set by hand: the score's risk holds again.

    Rule C1.
    """
    id = input.customer_id
    file = _file_of(ctx, id, _check_text("reason", input.reason))
    if file.override_risk is None:
        raise Reject(UserError("NOT_OVERRIDDEN", f"customerId: the risk of {id} is not set by hand", ("customerId",)))
    file.override_risk = file.override_reason = file.override_until = None
    file.override_by = file.override_at = None
    return _evaluated(ctx, file, EvaluationTrigger.OVERRIDE_CLEARED, input.reason)


OPERATIONS = (
    credit_assessment,
    credit_check,
    evaluate_credit,
    review_credit,
    override_credit_risk,
    clear_credit_risk_override,
)


def _refuse(problems: list[UserError]) -> None:
    if problems:
        raise Reject(*problems)


def _file_of(ctx: Context, id: str, problems: list[UserError]) -> CustomerCredit:
    """The credit file of a living customer.

    Raises:
        Reject: there is no such customer, or there are problems.
    """
    _refuse([*unknown_customers(ctx, [id], "customerId"), *problems])
    file: CustomerCredit = ctx.facet(CustomerCredit, id)
    return file


def _evaluated(ctx: Context, file: CustomerCredit, trigger: EvaluationTrigger, note: str) -> str:
    ctx.session.flush()
    evaluate(ctx, trigger, [file.record_id], note.strip())
    return file.record_id


def _check_text(name: str, text: str) -> list[UserError]:
    problem = reason_problem(text)
    return [UserError("INVALID", f"{name}: {problem}", (name,))] if problem else []
