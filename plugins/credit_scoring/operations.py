"""The operations of credit scoring: evaluate with preview, override by hand, review, and questions without writing."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, Done, Operations, Reject, UserError
from plugins.credit_scoring.control import check_credit
from plugins.credit_scoring.evaluation import Evaluated, evaluate, unknown_customers
from plugins.credit_scoring.limits import reason_problem
from plugins.credit_scoring.models import (
    CreditDimension,
    CreditReasonCode,
    CreditRisk,
    CreditStatus,
    CustomerCredit,
    DimensionSource,
    EvaluationTrigger,
)
from plugins.credit_scoring.settings import Control
from plugins.credit_scoring.whatif import Assumptions, assess_customer

_ASKED = strawberry.argument(description="What is asked.")
_KEY = "The same request with the same key again changes nothing and is answered as before."
_DIMENSION = "To assume this value, 0 to 100, instead of what is known."


def operations(plugin: str, types: Any) -> Operations:
    """The classes whose fields join Query and Mutation."""

    @strawberry.type(description="A dimension's part in a score (C1).")
    class CreditComponent:
        dimension: CreditDimension = strawberry.field(description="The dimension.")
        value: Decimal | None = strawberry.field(description="Its value, 0 to 100; null if it is not known.")
        source: DimensionSource | None = strawberry.field(description="Where the value comes from.")
        weight: int = strawberry.field(description="Its share of the score in percent.")
        points: Decimal | None = strawberry.field(description="What it gives of the score: value times weight.")

    @strawberry.type(description="Why points of the score are lost.")
    class CreditAssessmentReason:
        code: CreditReasonCode = strawberry.field(description="The reason.")
        points_lost: Decimal = strawberry.field(description="Points of the score that it costs.")
        detail: str = strawberry.field(description="The figures behind it.")

    @strawberry.type(
        description="What a customer's score is or would be, and what it comes of (C1). Nothing is written."
    )
    class CreditAssessment:
        customer: types.Customer | None = strawberry.field(description="The customer; null if there is none.")
        as_of: date = strawberry.field(description="The day whose receivables are judged.")
        status: CreditStatus | None = strawberry.field(description="Whether it can be scored.")
        score: Decimal | None = strawberry.field(description="The score, 0 to 100; null if a dimension is missing.")
        risk: CreditRisk | None = strawberry.field(description="The risk by this score.")
        components: list[CreditComponent] = strawberry.field(
            description="What the score is made of; they sum up to it."
        )
        reasons: list[CreditAssessmentReason] = strawberry.field(
            description="Why points are lost, the weightiest first; they sum up to 100 less the score."
        )
        policy: types.CreditPolicy | None = strawberry.field(
            description="The policy it goes by; null while nobody was evaluated by these settings."
        )
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")

    @strawberry.type(description="What credit control says of an amount (C2, C4). Nothing is written.")
    class CreditCheck:
        customer: types.Customer | None = strawberry.field(description="The customer; null if there is none.")
        control: Control = strawberry.field(description="The policy: whether problems warn or refuse.")
        risk: CreditRisk | None = strawberry.field(description="The risk that holds.")
        limit: types.Money | None = strawberry.field(description="The credit limit, in the reporting currency.")
        exposure: types.Money | None = strawberry.field(description="What is at stake now.")
        exposure_after: types.Money | None = strawberry.field(description="What would be at stake with the amount.")
        available: types.Money | None = strawberry.field(
            description="What of the limit would be left, never below 0; null without a limit."
        )
        problems: list[types.UserError] = strawberry.field(description="What speaks against it; nothing if it is fine.")
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")

    @strawberry.type(description="How many customers pass from one risk to another.")
    class CreditRiskMovement:
        previous: CreditRisk | None = strawberry.field(description="Risk before; null if they had none.")
        risk: CreditRisk | None = strawberry.field(description="Risk after; null if they have none.")
        customers: int = strawberry.field(description="How many customers.")

    @strawberry.type(description="What became of an evaluation, or would become of it.")
    class EvaluateCreditPayload:
        customers: int = strawberry.field(description="How many were evaluated; those nothing is known of are not.")
        incomplete: int = strawberry.field(description="How many of them have no score for want of a dimension.")
        changed: int = strawberry.field(description="How many change risk.")
        movements: list[CreditRiskMovement] = strawberry.field(description="From which risk to which, with numbers.")
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")
        warnings: list[types.UserError] = strawberry.field(description="What policy only warns about.")

    @strawberry.input(description="Whom to evaluate.")
    class EvaluateCreditInput:
        customer_ids: list[strawberry.ID] | None = strawberry.field(
            default=strawberry.UNSET, description="These customers; all without it."
        )
        preview: bool = strawberry.field(default=False, description="Answer what would happen and write nothing.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A credit review that was made (C3).")
    class ReviewCreditInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        note: str = strawberry.field(description="What came of it; kept with the evaluation.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A risk set by hand.")
    class OverrideCreditRiskInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        risk: CreditRisk = strawberry.field(description="The risk it is to have.")
        reason: str = strawberry.field(description="Why; kept with the evaluation.")
        until: date | None = strawberry.field(
            default=strawberry.UNSET, description="The last day it holds; without end if none."
        )
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.input(description="A risk set by hand that is to hold no more.")
    class ClearCreditRiskOverrideInput:
        customer_id: strawberry.ID = strawberry.field(description="The customer.")
        reason: str = strawberry.field(description="Why; kept with the evaluation.")
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=_KEY)

    @strawberry.type
    class Query:
        @strawberry.field(
            description="A customer's score as it is, was or would be, explained; nothing is written (C1)."
        )
        async def credit_assessment(
            self,
            info: strawberry.Info,
            customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer.")],
            as_of: Annotated[
                date | None, strawberry.argument(description="Judge its receivables as they were on this day.")
            ] = None,
            financial_status: Annotated[Decimal | None, strawberry.argument(description=_DIMENSION)] = None,
            reputation: Annotated[Decimal | None, strawberry.argument(description=_DIMENSION)] = None,
            transaction_record: Annotated[Decimal | None, strawberry.argument(description=_DIMENSION)] = None,
        ) -> CreditAssessment:
            context: Any = info.context
            assumed = Assumptions(financial_status, reputation, transaction_record)
            answer = await context.read(plugin, lambda ctx: assess_customer(ctx, str(customer_id), as_of, assumed))
            found = answer.assessment
            components, reasons = (found.components, found.reasons) if found else ({}, ())
            return CreditAssessment(
                customer=str(customer_id) if found else None,
                as_of=answer.as_of,
                status=found and found.status,
                score=found and found.score,
                risk=found and found.risk,
                components=[
                    CreditComponent(
                        dimension=dimension,
                        value=component.value,
                        source=component.source,
                        weight=component.weight,
                        points=component.points,
                    )
                    for dimension, component in components.items()
                ],
                reasons=[
                    CreditAssessmentReason(code=reason.code, points_lost=reason.points_lost, detail=reason.detail)
                    for reason in reasons
                ],
                policy=answer.policy,
                user_errors=answer.problems,
            )

        @strawberry.field(
            description="What credit control says if a customer's exposure grows by an amount; nothing is written (C2)."
        )
        async def credit_check(
            self,
            info: strawberry.Info,
            customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer.")],
            amount: Annotated[Decimal, strawberry.argument(description="How much more, in the reporting currency.")],
        ) -> CreditCheck:
            context: Any = info.context
            found = await check_credit(context.outside(plugin), str(customer_id), amount)
            return CreditCheck(**found)

    @strawberry.type
    class Mutation:
        @strawberry.mutation(description="Evaluates the credit of customers and keeps what is news (C1).")
        async def evaluate_credit(
            self, info: strawberry.Info, input: Annotated[EvaluateCreditInput, _ASKED]
        ) -> EvaluateCreditPayload:
            context: Any = info.context
            ids = None if not isinstance(input.customer_ids, list) else sorted(map(str, input.customer_ids))
            done: Done = await context.perform(
                plugin, "evaluateCredit", input, lambda ctx: _evaluated(ctx, ids), dry=input.preview
            )
            answer = done.answer or _counted(Evaluated())
            return EvaluateCreditPayload(
                customers=answer["customers"],
                incomplete=answer["incomplete"],
                changed=answer["changed"],
                movements=[
                    CreditRiskMovement(previous=_risk(before), risk=_risk(after), customers=count)
                    for before, after, count in answer["movements"]
                ],
                user_errors=list(done.user_errors),
                warnings=list(done.warnings),
            )

        @strawberry.mutation(
            description="Notes that a customer's credit was reviewed today and evaluates it; the next review is due "
            "from today on (C3)."
        )
        async def review_credit(
            self, info: strawberry.Info, input: Annotated[ReviewCreditInput, _ASKED]
        ) -> types.CustomerPayload:
            return await _one(info.context, plugin, "reviewCredit", input, lambda ctx, id: review(ctx, id, input.note))

        @strawberry.mutation(description="Sets a customer's risk by hand, with a reason and perhaps a last day (C1).")
        async def override_credit_risk(
            self, info: strawberry.Info, input: Annotated[OverrideCreditRiskInput, _ASKED]
        ) -> types.CustomerPayload:
            until = input.until or None
            return await _one(
                info.context,
                plugin,
                "overrideCreditRisk",
                input,
                lambda ctx, id: override(ctx, id, CreditRisk(input.risk), input.reason, until),
            )

        @strawberry.mutation(description="Takes back a risk that was set by hand: the score's risk holds again (C1).")
        async def clear_credit_risk_override(
            self, info: strawberry.Info, input: Annotated[ClearCreditRiskOverrideInput, _ASKED]
        ) -> types.CustomerPayload:
            return await _one(
                info.context,
                plugin,
                "clearCreditRiskOverride",
                input,
                lambda ctx, id: clear_override(ctx, id, input.reason),
            )

    return Operations(Query, Mutation)


def _risk(value: str | None) -> CreditRisk | None:
    return None if value is None else CreditRisk(value)


def _evaluated(ctx: Context, ids: list[str] | None) -> dict[str, Any]:
    _refuse(unknown_customers(ctx, ids or [], "customerIds"))
    return _counted(evaluate(ctx, EvaluationTrigger.REQUESTED, ids))


def _counted(done: Evaluated) -> dict[str, Any]:
    order = [*CreditRisk, None]
    movements = sorted(done.movements.items(), key=lambda item: tuple(order.index(risk) for risk in item[0]))
    return {
        "customers": done.customers,
        "incomplete": done.incomplete,
        "changed": done.changed,
        "movements": [[before and before.value, after and after.value, count] for (before, after), count in movements],
    }


async def _one(
    context: Any, plugin: str, operation: str, input: Any, work: Callable[[Context, str], None]
) -> dict[str, Any]:
    """Does the work for one customer and answers with its payload."""
    id = str(input.customer_id)

    def work_on_it(ctx: Context) -> str:
        work(ctx, id)
        return id

    done: Done = await context.perform(plugin, operation, input, work_on_it)
    return done.payload("customer")


def _refuse(problems: list[UserError]) -> None:
    if problems:
        raise Reject(*problems)


def override(ctx: Context, id: str, risk: CreditRisk, reason: str, until: date | None) -> None:
    """Sets a risk by hand.

    Raises:
        Reject: the customer, the reason or the last day will not do.
    """
    problems = [*unknown_customers(ctx, [id], "customerId"), *_check_text("reason", reason)]
    if until is not None and until < ctx.clock.today():
        message = f"until: {until} is past; give a day from {ctx.clock.today()} on, or none"
        problems.append(UserError("INVALID", message, ("until",)))
    _refuse(problems)
    file: CustomerCredit = ctx.facet(CustomerCredit, id)
    file.override_risk, file.override_reason, file.override_until = risk, reason.strip(), until
    file.override_by, file.override_at = ctx.actor.id, ctx.clock.now()
    ctx.session.flush()
    evaluate(ctx, EvaluationTrigger.OVERRIDDEN, [id], reason.strip())


def clear_override(ctx: Context, id: str, reason: str) -> None:
    """Takes back a risk set by hand.

    Raises:
        Reject: the customer or the reason will not do, or the risk is not set by hand.
    """
    _refuse([*unknown_customers(ctx, [id], "customerId"), *_check_text("reason", reason)])
    file: CustomerCredit = ctx.facet(CustomerCredit, id)
    if file.override_risk is None:
        raise Reject(UserError("NOT_OVERRIDDEN", f"customerId: the risk of {id} is not set by hand", ("customerId",)))
    file.override_risk = file.override_reason = file.override_until = None
    file.override_by = file.override_at = None
    ctx.session.flush()
    evaluate(ctx, EvaluationTrigger.OVERRIDE_CLEARED, [id], reason.strip())


def review(ctx: Context, id: str, note: str) -> None:
    """Notes a review of today.

    Raises:
        Reject: the customer or the note will not do.
    """
    _refuse([*unknown_customers(ctx, [id], "customerId"), *_check_text("note", note)])
    file: CustomerCredit = ctx.facet(CustomerCredit, id)
    file.reviewed_on = ctx.clock.today()
    ctx.session.flush()
    evaluate(ctx, EvaluationTrigger.REVIEWED, [id], note.strip())


def _check_text(name: str, text: str) -> list[UserError]:
    problem = reason_problem(text)
    return [UserError("INVALID", f"{name}: {problem}", (name,))] if problem else []
