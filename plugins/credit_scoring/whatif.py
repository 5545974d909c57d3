"""A customer's score as it is, was or would be: the same scorecard on other figures or another day, read-only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from guanxi import Context, UserError, sentence
from plugins.credit_scoring import rules
from plugins.credit_scoring.evaluation import inputs_of, scored_elsewhere, unknown_customers
from plugins.credit_scoring.models import CreditDimension, CustomerCredit, DimensionSource, Receivable
from plugins.credit_scoring.policy import known_policy
from plugins.credit_scoring.scorer import FIGURES, payment_figures

files = CustomerCredit.__table__.c
invoices = Receivable.__table__.c


@dataclass(frozen=True, slots=True)
class AssumedDimensions:
    """Values of dimensions to assume instead of the known ones."""

    financial_status: Decimal | None = None
    reputation: Decimal | None = None
    transaction_record: Decimal | None = None

    def problems(self) -> list[UserError]:
        """Returns errors for values out of range."""
        names = {
            "financialStatus": self.financial_status,
            "reputation": self.reputation,
            "transactionRecord": self.transaction_record,
        }
        return [
            UserError(
                "INVALID",
                sentence(
                    "{name}: {value} is not between 0 and 100; give a value in that range", name=name, value=value
                ),
                (name,),
            )
            for name, value in names.items()
            if value is not None and not 0 <= value <= 100
        ]


@dataclass(frozen=True, slots=True)
class AssessmentAnswer:
    """The answer; without an assessment if the input has problems."""

    as_of: date
    assessment: rules.Assessment | None = None
    policy: str | None = None
    problems: Sequence[UserError] = field(default_factory=list)


def assess_customer(ctx: Context, id: str, as_of: date | None, assumed: AssumedDimensions) -> AssessmentAnswer:
    """Scores one customer on what is entered now and on its receivables as they were on a day."""
    today = ctx.clock.today()
    day = as_of or today
    problems = [*unknown_customers(ctx, [id], "customerId"), *assumed.problems()]
    if day > today:
        problems.append(
            UserError(
                "INVALID",
                sentence("asOf: {day} is in the future; give {today} or an earlier day", day=day, today=today),
                ("asOf",),
            )
        )
    if problems:
        return AssessmentAnswer(day, problems=problems)
    elsewhere = scored_elsewhere(ctx, [id], None if day == today else day).get(id, {})
    inputs = inputs_of(_file(ctx, id, day), elsewhere, ctx.settings.scorers)
    for dimension in CreditDimension:
        value = getattr(assumed, dimension.value.lower())
        if value is not None:
            inputs[dimension] = rules.DimensionInput(value, DimensionSource.ASSUMED)
    return AssessmentAnswer(day, rules.assess(inputs, ctx.settings), known_policy(ctx.session, ctx.settings))


def _file(ctx: Context, id: str, day: date) -> Any:
    """A customer's credit file with the figures of payment behaviour as of a day."""
    entered = ("financial_status", "reputation", "transaction_record")
    file = ctx.session.execute(select(*(files[name] for name in entered)).where(files.record_id == id)).first()
    figures = ctx.session.execute(payment_figures(ctx.settings.payment, day, invoices.customer_id == id)).first()
    return SimpleNamespace(
        **{name: getattr(file, name, None) for name in entered},
        **{name: getattr(figures, name, None) for name in FIGURES},
    )
