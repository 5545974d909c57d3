"""The history of evaluations: one record each with its reasons, in two statements per page; and their events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guanxi import Context, Record
from guanxi.sql import new_stem
from plugins.credit_scoring import rules
from plugins.credit_scoring.models import CreditEvaluation, CreditReason, CreditRisk, EvaluationTrigger

RISK_CHANGED = "CREDIT_RISK_CHANGED"
#: Triggers for which an evaluation is recorded even if nothing changed.
_KEPT = (EvaluationTrigger.REVIEWED, EvaluationTrigger.OVERRIDDEN, EvaluationTrigger.OVERRIDE_CLEARED)


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one customer, alongside its previous credit file."""

    file: Any
    assessment: rules.Assessment
    risk: CreditRisk | None
    trigger: EvaluationTrigger

    @property
    def is_news(self) -> bool:
        """Whether the history records it."""
        found, file = self.assessment, self.file
        before = (file.status, file.score, file.scored_risk, file.recorded_risk)
        return self.trigger in _KEPT or before != (found.status, found.score, found.risk, self.risk)


def record(ctx: Context, results: Sequence[Result], policy: str, note: str | None) -> None:
    """Records results with their reasons, and announces each change of risk (C2)."""
    now, today = ctx.clock.now(), ctx.clock.today()
    evaluations = []
    for result in results:
        found, file = result.assessment, result.file
        row = {
            "customer_id": file.record_id,
            "policy_id": policy,
            "trigger": result.trigger,
            "note": note,
            "as_of": today,
            "evaluated_at": now,
            "evaluated_by": ctx.actor.id,
            "status": found.status,
            "score": found.score,
            "previous_score": file.score,
            "scored_risk": found.risk,
            "risk": result.risk,
            "previous_risk": file.recorded_risk,
        }
        for dimension, component in found.components.items():
            name = dimension.value.lower()
            row |= {
                name: component.value,
                f"{name}_source": component.source,
                f"{name}_points": component.points,
            }
        evaluations.append(row)
    ids = _insert(ctx, CreditEvaluation, evaluations)
    _insert(
        ctx,
        CreditReason,
        [
            {
                "evaluation_id": id,
                "code": reason.code,
                "points_lost": reason.points_lost,
                "detail": reason.detail,
            }
            for id, result in zip(ids, results, strict=True)
            for reason in result.assessment.reasons
        ],
    )
    for result in results:
        before, after = result.file.recorded_risk, result.risk
        if before != after:
            ctx.publish(
                RISK_CHANGED,
                result.file.record_id,
                previous=before,
                current=after,
                score=result.assessment.score,
                trigger=result.trigger,
            )


def _insert(ctx: Context, model: type[Record], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Writes rows of an immutable record, bypassing the log; returns their ids."""
    now, stem = ctx.clock.now(), new_stem(model.__prefix__)
    common = {
        "version": 1,
        "created_at": now,
        "created_by": ctx.actor.id,
        "updated_at": now,
        "updated_by": ctx.actor.id,
    }
    made = [{"id": f"{stem}{number:06d}", **common, **row} for number, row in enumerate(rows)]
    ctx.insert_rows(model, made)
    return [row["id"] for row in made]
