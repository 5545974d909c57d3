"""Evaluating customers: reads and scores inputs, records changes with their reasons, announces them (C1, C2)."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from guanxi import Context, UserError, sentence
from guanxi.records import Customer
from guanxi.sql import Prepared, is_listed
from plugins.credit_scoring import rules
from plugins.credit_scoring.history import Result, record
from plugins.credit_scoring.models import (
    CreditDimension,
    CreditRisk,
    CreditStatus,
    CustomerCredit,
    DimensionSource,
    EvaluationTrigger,
)
from plugins.credit_scoring.policy import current_policy
from plugins.credit_scoring.scorer import deductions, refresh_figures
from plugins.credit_scoring.settings import Scorers

#: Field filled by the built-in scorer.
PAYMENT_BEHAVIOUR = "paymentBehaviour"
#: Columns of a credit file that hold what was set by hand.
OVERRIDE = ("override_risk", "override_reason", "override_by", "override_at", "override_until")
#: Fields of Customer with the result of each dimension's scorer.
COMPUTED: Mapping[CreditDimension, str] = {
    CreditDimension.FINANCIAL_STATUS: "computedFinancialStatus",
    CreditDimension.REPUTATION: "computedReputation",
    CreditDimension.TRANSACTION_RECORD: "computedTransactionRecord",
}
#: Columns of a credit file, one of which must be set for a customer to be evaluated.
_KNOWN = (
    "financial_status",
    "reputation",
    "transaction_record",
    "payment_behaviour",
    "status",
    "override_risk",
    "reviewed_on",
)
_PAGE = 1000

files = CustomerCredit.__table__.c
customers = Customer.__table__.c

CustomerScores = Mapping[str, Mapping[CreditDimension, Decimal]]


@dataclass(slots=True)
class Evaluated:
    """What an evaluation did, or would do: the number of customers, and their movements between risks."""

    customers: int = 0
    incomplete: int = 0
    movements: Counter[tuple[CreditRisk | None, CreditRisk | None]] = field(default_factory=Counter)

    @property
    def changed(self) -> int:
        """How many customers change risk."""
        return sum(count for (before, after), count in self.movements.items() if before != after)


def evaluate(
    ctx: Context, trigger: EvaluationTrigger, ids: Collection[str] | None = None, note: str | None = None
) -> Evaluated:
    """Scores these customers, or all with any data, as of today (C1).

    A risk set by hand that has expired is cleared. The history records what has changed.
    """
    refresh_figures(ctx, ids)
    elsewhere = scored_elsewhere(ctx, ids)
    if elsewhere:
        ctx.facets(CustomerCredit, elsewhere.keys())
    done = Evaluated()
    policy = current_policy(ctx)
    for page in _pages(ctx, ids, elsewhere):
        results = [_result(ctx, file, elsewhere.get(file.record_id, {}), trigger) for file in page]
        for result in results:
            done.customers += 1
            done.incomplete += result.assessment.status is CreditStatus.INCOMPLETE
            done.movements[result.file.recorded_risk, result.risk] += 1
        _keep(ctx, results)
        news = [result for result in results if result.is_news]
        if news:
            record(ctx, news, policy, note)
    return done


_FILES = Prepared(
    select(CustomerCredit.__table__)
    .join(Customer.__table__, customers.id == files.record_id)
    .where(is_listed(files.record_id, "ids"), customers.deleted_at.is_(None))
    .order_by(files.record_id)
    .with_for_update(of=CustomerCredit.__table__)
)


def _pages(ctx: Context, ids: Collection[str] | None, elsewhere: CustomerScores) -> Iterator[Sequence[Any]]:
    """Yields the credit files of living customers, locked, except those with nothing to score."""
    found = (
        sorted(ids) if ids is not None else ctx.session.scalars(select(files.record_id).order_by(files.record_id)).all()
    )
    for start in range(0, len(found), _PAGE):
        some = found[start : start + _PAGE]
        page = [SimpleNamespace(**row) for row in ctx.rows(_FILES, ids=some)]
        yield [file for file in page if file.record_id in elsewhere or _is_known(file)]


def _is_known(file: Any) -> bool:
    return any(getattr(file, name) is not None for name in _KNOWN)


def _result(
    ctx: Context, file: Any, elsewhere: Mapping[CreditDimension, Decimal], trigger: EvaluationTrigger
) -> Result:
    assessment = rules.assess(inputs_of(file, elsewhere, ctx.settings.scorers), ctx.settings)
    expired = file.override_until is not None and file.override_until < ctx.clock.today()
    if file.override_risk is None or expired:
        return Result(file, assessment, assessment.risk, EvaluationTrigger.OVERRIDE_EXPIRED if expired else trigger)
    return Result(file, assessment, file.override_risk, trigger)


def inputs_of(
    file: Any, elsewhere: Mapping[CreditDimension, Decimal], scorers: Scorers
) -> dict[CreditDimension, rules.DimensionInput]:
    """Returns the input of each dimension: what was entered, else the result of its scorer.

    Args:
        file: entered values, and the figures of payment behaviour.
        elsewhere: results of other scorers.
        scorers: which one each dimension has.
    """
    found = {}
    for dimension in CreditDimension:
        name = dimension.value.lower()
        entered = getattr(file, name)
        if entered is not None:
            found[dimension] = rules.DimensionInput(entered, DimensionSource.ENTERED)
        elif getattr(scorers, name) == PAYMENT_BEHAVIOUR and file.payment_behaviour is not None:
            found[dimension] = rules.DimensionInput(file.payment_behaviour, DimensionSource.COMPUTED, deductions(file))
        elif dimension in elsewhere:
            found[dimension] = rules.DimensionInput(elsewhere[dimension], DimensionSource.COMPUTED)
        else:
            found[dimension] = rules.DimensionInput(None)
    return found


def scored_elsewhere(ctx: Context, ids: Collection[str] | None, as_of: Any = None) -> CustomerScores:
    """Returns results of scorers other than the built-in one for these customers, or all: other plugins' fields."""
    fields = {
        dimension: COMPUTED[dimension]
        for dimension in CreditDimension
        if getattr(ctx.settings.scorers, dimension.value.lower()) not in (None, PAYMENT_BEHAVIOUR)
    }
    if not fields:
        return {}
    known: dict[str, Any] = {"or": [{name: {"isNull": False}} for name in fields.values()]}
    if ids is not None:
        known["id"] = {"in": sorted(ids)}
    asked = " ".join(f"{dimension.value}: {name}" for dimension, name in fields.items())
    return {
        node["id"]: {
            dimension: min(max(Decimal(node[dimension.value]), Decimal(0)), Decimal(100))
            for dimension in fields
            if node[dimension.value] is not None
        }
        for node in ctx.pages("Customer", f"id {asked}", known, as_of=as_of)
    }


def _keep(ctx: Context, results: Sequence[Result]) -> None:
    """Writes the results into the credit files, dated today."""
    today = ctx.clock.today()
    rows = []
    for result in results:
        found, file = result.assessment, result.file
        if not result.is_news and file.evaluated_on == today:
            continue
        ended = result.trigger is EvaluationTrigger.OVERRIDE_EXPIRED
        rows.append(
            {
                "record_id": file.record_id,
                "status": found.status,
                "score": found.score,
                "scored_risk": found.risk,
                "recorded_risk": result.risk,
                **{name: None if ended else getattr(file, name) for name in OVERRIDE},
                "evaluated_on": today,
                "first_evaluated_on": file.first_evaluated_on or today,
            }
        )
    ctx.change_rows(CustomerCredit, rows)


def unknown_customers(ctx: Context, ids: Collection[str], name: str) -> list[UserError]:
    """Returns an error for each id that does not belong to a living customer; `name` is the input's."""
    living = set(ctx.session.scalars(select(customers.id).where(customers.id.in_(ids), customers.deleted_at.is_(None))))
    return [
        UserError(
            "NOT_FOUND",
            sentence("{name}: there is no customer {id!r}; give the id of an existing one", name=name, id=id),
            (name,),
        )
        for id in ids
        if id not in living
    ]
