"""Credit limits: each change needs a reason and is recorded with it (C3)."""

from collections.abc import Iterator
from typing import Any

from guanxi import Change, Changes, Context, UserError, sentence
from plugins.credit_scoring.models import CreditLimitChange, CustomerCredit

LIMIT_CHANGED = "CREDIT_LIMIT_CHANGED"
LIMIT, REASON = "creditLimit", "creditLimitReason"

_LONGEST_REASON = 1000


def limit_problems(changes: Changes) -> Iterator[UserError]:
    """Yields errors for limits being set."""
    for change in _limited(changes):
        limit = change.after[LIMIT]
        if limit is not None and limit.minor < 0:
            message = sentence(
                "{field}: {limit} is negative; give 0 or more, or null for no limit", field=LIMIT, limit=limit
            )
            yield UserError("INVALID", message, (LIMIT,), change.record)
        problem = reason_problem(change.said.get(REASON))
        if problem:
            yield UserError(
                "REQUIRED",
                sentence("{reason}: {problem}; a change of the limit needs a reason", reason=REASON, problem=problem),
                (REASON,),
                change.record,
            )


def reason_problem(reason: str | None) -> str | None:
    """Returns what is wrong with a reason, or None."""
    if reason is None or not reason.strip():
        return sentence("say why")
    return (
        sentence("say why in at most {longest:,} characters", longest=_LONGEST_REASON)
        if len(reason) > _LONGEST_REASON
        else None
    )


def _limited(changes: Changes) -> Iterator[Change]:
    return (change for change in changes.of("Customer") if LIMIT in change.after)


def keep_limits(ctx: Context, changes: Changes) -> None:
    """Records and announces the limits that were set."""
    limited = {change.record.id: change for change in _limited(changes)}
    if not limited:
        return
    files: dict[str, Any] = ctx.facets(CustomerCredit, limited.keys())
    for id, change in limited.items():
        before, after, reason = change.before.get(LIMIT), change.after[LIMIT], change.said[REASON].strip()
        ctx.session.add(
            CreditLimitChange(
                customer_id=id,
                previous_limit=before,
                credit_limit=after,
                reason=reason,
                risk=files[id].recorded_risk,
                score=files[id].score,
                changed_at=ctx.clock.now(),
                changed_by=ctx.actor.id,
            )
        )
        ctx.publish(LIMIT_CHANGED, change.record, previous=before, current=after, reason=reason)
