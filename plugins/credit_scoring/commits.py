"""Control of commits: an opportunity that becomes committed adds to its customer's exposure before it is won (C2, C4).

What is committed another plugin derives, so it is only known once a change is written.
"""

from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from guanxi import Action, Change, Changes, Context, Reject, UserError
from guanxi.records import Opportunity
from guanxi.sql import Prepared, PreparedQuestion, is_listed
from plugins.credit_scoring.control import (
    OPEN,
    OVERRIDE_REASON,
    Standing,
    keep_override,
    standings_of,
    verdicts,
)
from plugins.credit_scoring.groups import chain_questions
from plugins.credit_scoring.models import OpportunityCredit
from plugins.credit_scoring.settings import Control

#: Columns by which no opportunity becomes committed, nor one of another customer; fields of plugins may do so.
_IDLE = Opportunity.__names__ - {"status", "stage_id", "win_probability", "customer_id"}
_ADDED = "id creditExposure { amount }"

judged = OpportunityCredit.__table__.c
_JUDGED = Prepared(select(judged.record_id).where(is_listed(judged.record_id, "ids"), judged.committed))


def may_commit(changes: Changes) -> list[Change]:
    """The changes by which an open opportunity may become committed."""
    return [
        change
        for change in changes.of("Opportunity", Action.CREATED, Action.UPDATED, Action.RESTORED)
        if _record(change).status in OPEN and _record(change).customer_id is not None and _touches(change)
    ]


def _touches(change: Change) -> bool:
    return change.action is not Action.UPDATED or may_be_committed(change.after.keys())


def may_be_committed(fields: Set[str]) -> bool:
    """Whether an opportunity may become committed by these fields, or one of another customer."""
    return not fields <= _IDLE


def commit_questions(ctx: Context, changes: Changes) -> Iterator[PreparedQuestion]:
    """What `control_commits` will ask."""
    if ctx.settings.control is not Control.OFF:
        yield from chain_questions(ctx, {_record(change).customer_id for change in may_commit(changes)})


def control_commits(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Yields warnings for opportunities that have become committed.

    The exposure of a customer adds up over the commits of a batch, except those that are refused.

    Raises:
        Reject: the policy refuses some of them, and no reason to override is given.
    """
    if ctx.settings.control is Control.OFF:
        return
    changed = may_commit(changes)
    standings = standings_of(ctx, changed) if changed else {}
    if not standings:
        return
    changed = [change for change in changed if _record(change).customer_id in standings]
    added, before = _added(ctx, changed), _committed_before(ctx, changed)
    files: Mapping[str, Any] = ctx.facets(OpportunityCredit, sorted({*added, *before}))
    for id, file in files.items():
        file.committed = True if id in added else None
    new = [change for change in changed if change.record.id in added and _is_new(change, before)]
    # What only follows a customer into another was committed before.
    new = [change for change in new if not change.is_moved]
    found = list(_judged(ctx, new, standings, added))
    if refusals := [error for error in found if not error.warning]:
        raise Reject(*refusals)
    yield from found


def _record(change: Change) -> Any:
    return change.record


def _is_new(change: Change, before: set[str]) -> bool:
    return change.record.id not in before or change.action is Action.RESTORED or "customer_id" in change.after


def _judged(
    ctx: Context, new: list[Change], standings: Mapping[str, Standing], added: Mapping[str, Decimal]
) -> Iterator[UserError]:
    """Judges commits in order: each with what is committed before it."""
    for change in new:
        standing = standings[_record(change).customer_id]
        standing.take(standing.exposure - added[change.record.id])
    for change in new:
        standing = standings[_record(change).customer_id]
        exposure = standing.exposure + added[change.record.id]
        found = list(verdicts(ctx, change, _field(change), standing.problems(exposure)))
        if all(error.warning for error in found):
            standing.take(exposure)
            if change.said.get(OVERRIDE_REASON) is not None:
                keep_override(ctx, change, standing, exposure)
        yield from found


def _field(change: Change) -> str:
    """The field by which it is committed: that of another plugin that was given, else the stage or the customer."""
    own = type(change.record).__names__
    given = [name for name in change.after if name not in own and name != "creditOverrideReason"]
    return given[0] if given else "customerId" if "customer_id" in change.after else "stageId"


def _added(ctx: Context, changed: list[Change]) -> dict[str, Decimal]:
    """What those that are committed add to exposure, by id."""
    ids = sorted(change.record.id for change in changed)
    found = ctx.pages("Opportunity", _ADDED, {"id": {"in": ids}, "creditExposure": {"isNull": False}})
    return {node["id"]: Decimal(node["creditExposure"]["amount"]) for node in found}


def _committed_before(ctx: Context, changed: list[Change]) -> set[str]:
    ids = sorted(change.record.id for change in changed)
    return {row["record_id"] for row in ctx.rows(_JUDGED, ids=ids)}
