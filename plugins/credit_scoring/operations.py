"""The operations of credit scoring: evaluate, override by hand, review, and what-if queries."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from guanxi import Context, Input, Money, Payload, Ref, Reject, UserError, mutation, query, sentence
from guanxi.records import Customer
from plugins.credit_scoring.control import standing_with
from plugins.credit_scoring.evaluation import evaluate, unknown_customers
from plugins.credit_scoring.limits import reason_problem
from plugins.credit_scoring.models import (
    CREDIT,
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
    strawberry.argument(description="Value to assume, 0 to 100, instead of the known one."),
]
_CustomerId = Annotated[strawberry.ID, strawberry.argument(description=_CUSTOMER)]


@strawberry.type
class CreditComponent:
    """A dimension's contribution to a score."""

    dimension: CreditDimension = strawberry.field(description="The dimension.")
    value: Decimal | None = strawberry.field(description="Its value, 0 to 100; null if unknown.")
    source: DimensionSource | None = strawberry.field(description="Source of the value.")
    weight: int = strawberry.field(description="Its weight in the score, in percent.")
    points: Decimal | None = strawberry.field(description="Points it contributes to the score: value times weight.")


@strawberry.type
class CreditAssessmentReason:
    """A reason why points of the score are lost."""

    code: CreditReasonCode = strawberry.field(description="The reason.")
    points_lost: Decimal = strawberry.field(description="Points of the score lost to it.")
    detail: str = strawberry.field(description="The figures behind it.")


@strawberry.type
class CreditAssessment:
    """A customer's actual or hypothetical score, explained. Nothing is written."""

    as_of: date = strawberry.field(description="The day as of which receivables are evaluated.")
    customer: Ref[Customer] | None = strawberry.field(default=None, description="The customer; null if there is none.")
    status: CreditStatus | None = strawberry.field(default=None, description="Whether it can be scored.")
    score: Decimal | None = strawberry.field(
        default=None, description="The score, 0 to 100; null if a dimension is missing."
    )
    risk: CreditRisk | None = strawberry.field(default=None, description="The risk band of this score.")
    components: list[CreditComponent] = strawberry.field(
        default_factory=list, description="Components of the score; they add up to it."
    )
    reasons: list[CreditAssessmentReason] = strawberry.field(
        default_factory=list,
        description="Reasons for the points lost, largest first; they add up to 100 minus the score.",
    )
    policy: Ref[CreditPolicy] | None = strawberry.field(
        default=None, description="The policy it is based on; null until someone is evaluated under these settings."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="What must be fixed.")


@strawberry.type
class CreditCheck:
    """The verdict of credit control on an amount. Nothing is written."""

    control: Control = strawberry.field(description="The policy: whether problems warn or refuse.")
    customer: Ref[Customer] | None = strawberry.field(default=None, description="The customer; null if there is none.")
    risk: CreditRisk | None = strawberry.field(default=None, description="The risk in force.")
    limit: Money | None = strawberry.field(default=None, description="The credit limit, in the reporting currency.")
    exposure: Money | None = strawberry.field(default=None, description="Current exposure.")
    exposure_after: Money | None = strawberry.field(default=None, description="Exposure including the amount.")
    available: Money | None = strawberry.field(
        default=None, description="Credit that would remain available, never below 0; null without a limit."
    )
    problems: list[UserError] = strawberry.field(
        default_factory=list, description="Problems with the amount; empty if there are none."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="What must be fixed.")


@strawberry.type
class CreditRiskMovement:
    """Number of customers moving from one risk to another."""

    previous: CreditRisk | None = strawberry.field(description="Risk before; null if they had none.")
    risk: CreditRisk | None = strawberry.field(description="Risk after; null if they have none.")
    customers: int = strawberry.field(description="Number of customers.")


@strawberry.type
class EvaluateCreditPayload(Payload):
    """The result of an evaluation, or of a dry run."""

    customers: int = strawberry.field(
        default=0, description="Number of customers evaluated; those without any data are not."
    )
    incomplete: int = strawberry.field(
        default=0, description="Number of them without a score because a dimension is missing."
    )
    changed: int = strawberry.field(default=0, description="Number of customers whose risk changes.")
    movements: list[CreditRiskMovement] = strawberry.field(
        default_factory=list, description="Movements between risks, with counts."
    )


@strawberry.input
class EvaluateCreditInput(Input):
    """The customers to evaluate."""

    customer_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Only these customers; all if omitted."
    )


@strawberry.input
class ReviewCreditInput(Input):
    """A completed credit review."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    note: str = strawberry.field(description="Outcome of the review; stored with the evaluation.")


@strawberry.input
class OverrideCreditRiskInput(Input):
    """A risk set by hand."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    risk: CreditRisk = strawberry.field(description="The risk to set.")
    reason: str = strawberry.field(description="Reason; stored with the evaluation.")
    until: date | None = strawberry.field(default=None, description="Last day it is in force; open-ended if null.")


@strawberry.input
class ClearCreditRiskOverrideInput(Input):
    """A risk set by hand that is to be cleared."""

    customer_id: strawberry.ID = strawberry.field(description=_CUSTOMER)
    reason: str = strawberry.field(description="Reason; stored with the evaluation.")


@query(permission=CREDIT)
def credit_assessment(
    ctx: Context,
    customer_id: _CustomerId,
    as_of: Annotated[date | None, strawberry.argument(description="Evaluate its receivables as of this day.")] = None,
    financial_status: _Assumed = None,
    reputation: _Assumed = None,
    transaction_record: _Assumed = None,
) -> CreditAssessment:
    """Explains a customer's score as it is, was or would be; nothing is written.

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


@query(permission=CREDIT)
def credit_check(
    ctx: Context,
    customer_id: _CustomerId,
    amount: Annotated[Decimal, strawberry.argument(description="Additional exposure, in the reporting currency.")],
) -> CreditCheck:
    """Checks what credit control says if a customer's exposure grows by an amount; nothing is written.

    Rules C2, C4.
    """
    control, currency = ctx.settings.control, ctx.reporting_currency
    standing = standing_with(ctx, customer_id)
    wrong = []
    if amount < 0:
        wrong.append(
            UserError("INVALID", sentence("amount: {amount} is negative; give 0 or more", amount=amount), ("amount",))
        )
    if standing is None:
        message = sentence(
            "customerId: there is no customer {customer_id!r}; give the id of an existing one", customer_id=customer_id
        )
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


def _keys_of_many(input: EvaluateCreditInput) -> list[tuple[str, ...]]:
    # All customers are evaluated by holding all keys.
    return [()] if input.customer_ids is None else [("customer", id) for id in input.customer_ids]


def _keys_of_one(
    input: ReviewCreditInput | OverrideCreditRiskInput | ClearCreditRiskOverrideInput,
) -> list[tuple[str, ...]]:
    return [("customer", input.customer_id)]


@mutation(locks=_keys_of_many, permission=CREDIT)
def evaluate_credit(ctx: Context, input: EvaluateCreditInput) -> EvaluateCreditPayload:
    """Evaluates the credit of customers and records what has changed.

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


@mutation(locks=_keys_of_one, permission=CREDIT)
def review_credit(ctx: Context, input: ReviewCreditInput) -> Ref[Customer]:
    """Records that a customer's credit was reviewed today and evaluates it; the next review counts from today.

    Rule C3.
    """
    file = _file_of(ctx, input.customer_id, _check_text("note", input.note))
    file.reviewed_on = ctx.clock.today()
    return _evaluated(ctx, file, EvaluationTrigger.REVIEWED, input.note)


@mutation(locks=_keys_of_one, permission="override")
def override_credit_risk(ctx: Context, input: OverrideCreditRiskInput) -> Ref[Customer]:
    """Sets a customer's risk by hand, with a reason and optionally a last day.

    Rule C1.
    """
    problems, today = _check_text("reason", input.reason), ctx.clock.today()
    if input.until is not None and input.until < today:
        message = sentence(
            "until: {until} is in the past; give {today} or a later day, or leave it out",
            until=input.until,
            today=today,
        )
        problems.append(UserError("INVALID", message, ("until",)))
    file = _file_of(ctx, input.customer_id, problems)
    file.override_risk, file.override_reason, file.override_until = input.risk, input.reason.strip(), input.until
    file.override_by, file.override_at = ctx.actor.id, ctx.clock.now()
    return _evaluated(ctx, file, EvaluationTrigger.OVERRIDDEN, input.reason)


@mutation(locks=_keys_of_one, permission="override")
def clear_credit_risk_override(ctx: Context, input: ClearCreditRiskOverrideInput) -> Ref[Customer]:
    """Clears a risk that was set by hand: the risk of the score applies again.

    Rule C1.
    """
    id = input.customer_id
    file = _file_of(ctx, id, _check_text("reason", input.reason))
    if file.override_risk is None:
        raise Reject(
            UserError(
                "NOT_OVERRIDDEN", sentence("customerId: the risk of {id} is not set by hand", id=id), ("customerId",)
            )
        )
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
    """Returns the credit file of a living customer.

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
    return [UserError("INVALID", sentence("{name}: {problem}", name=name, problem=problem), (name,))] if problem else []
