"""How an opportunity's stage, status, dates and transition log follow from what was asked (O1, O19, X3)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core.base.errors import UserError
from core.base.ids import new_id
from core.base.sentences import sentence
from core.crm.opportunities import Opportunity, StageTransition
from core.crm.rules import (
    OPEN_STATUSES,
    OWNED_STATUSES,
    WON_STATUSES,
    early_problem,
    future_problem,
    status_of_owner,
    status_step_problem,
)
from core.crm.settlement import Rung, Settlement, problem, put
from core.db.transaction import mark
from core.log.changes import Change
from core.log.events import Action
from core.records.rows import rows_of
from core.records.vocabulary import OpportunityStatus

#: What its stage, status and dates follow from.
_STEERING = frozenset(
    {"stage_id", "status", "won_at", "lost_at", "closed_on", "loss_reason", "loss_summary", "owner_id"}
)
#: Days of which one has to follow the other.
_DAYS = frozenset({"opened_on", "closed_on", "expected_close_date", "status", "stage_id"})


def settle_opportunity(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    """Completes a change of an opportunity; returns what is wrong with it."""
    if change.action is Action.UPDATED and change.after.keys().isdisjoint(_STEERING):
        return _early_days(settlement, change)
    problems = _steer(settlement, change, reason)
    return [*problems, *_early_days(settlement, change)]


def _steer(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    asked: OpportunityStatus | None = change.after.get("status")
    before: OpportunityStatus | None = change.value_before("status")
    stage_before: str | None = change.value_before("stage_id")
    if record.stage_id is None:
        put(change, "stage_id", settlement.stages()[0].id)
    _leave_won_stage(settlement, change, asked, before)
    stage = settlement.stage(record.stage_id)
    if stage is None:
        return [
            problem(
                change,
                "NOT_FOUND",
                "stage_id",
                sentence("{stage_id!r} is not a stage; see the query stages", stage_id=record.stage_id),
            )
        ]
    moved = record.stage_id != stage_before
    if change.action is Action.CREATED and asked is None:
        put(change, "status", OpportunityStatus.FOLLOWING if record.owner_id else OpportunityStatus.DRAFT)
    if change.action is Action.UPDATED and asked is None and "owner_id" in change.after:
        put(change, "status", status_of_owner(record.status, has_owner=record.owner_id is not None))
    problems = _follow_stage(settlement, change, stage, asked, before, moved=moved)
    if problems:
        return problems
    stepped = moved or record.status != before
    problems = list(_date_problems(change, before))
    if stepped and not problems:
        _date(settlement, change, stage, before)
    problems += _status_problems(change, before, stepped=stepped)
    if problems:
        return problems
    if "owner_id" in change.after or stepped:
        problems += _owner_problems(settlement, change)
    if stepped:
        problems += _log_step(settlement, change, before, stage_before, moved=moved, reason=reason)
    return problems


def _leave_won_stage(
    settlement: Settlement, change: Change, asked: OpportunityStatus | None, before: OpportunityStatus | None
) -> None:
    """Reopens an opportunity in the last stage that does not win where it is in one that does (X3)."""
    record: Any = change.record
    stage = settlement.stage(record.stage_id)
    reopened = before is not None and before not in OPEN_STATUSES and asked in OPEN_STATUSES
    if reopened and stage is not None and stage.wins and "stage_id" not in change.after:
        earlier = [other for other in settlement.stages() if not other.wins and other.position <= stage.position]
        if earlier:
            put(change, "stage_id", earlier[-1].id)


def _owner_problems(settlement: Settlement, change: Change) -> Iterator[UserError]:
    """Doubts that an opportunity is handled by nobody (O19)."""
    record: Any = change.record
    if record.owner_id is None and record.status in OWNED_STATUSES and change.action is Action.UPDATED:
        message = sentence("an opportunity that is {status} has no owner; give it one", status=record.status)
        yield settlement.doubt(change, "owner_id", message)


def _early_days(settlement: Settlement, change: Change) -> list[UserError]:
    """Doubts days that are before what they have to follow."""
    record: Any = change.record
    if record.opened_on is None or change.after.keys().isdisjoint(_DAYS):
        return []
    days = (("closed_on", record.closed_on), ("expected_close_date", record.expected_close_date))
    return [
        settlement.doubt(change, name, message)
        for name, day in days
        if day is not None and (message := early_problem(day, record.opened_on, sentence("the opportunity originated")))
    ]


def _follow_stage(
    settlement: Settlement,
    change: Change,
    stage: Rung,
    asked: OpportunityStatus | None,
    before: OpportunityStatus | None,
    *,
    moved: bool,
) -> list[UserError]:
    """Lets the status follow the stage (X3): entering a winning stage wins, leaving it for an early one reopens."""
    record: Any = change.record
    if moved and before in (OpportunityStatus.LOST, OpportunityStatus.CLOSED) and asked is None:
        message = sentence(
            "an opportunity that is {before} cannot move; reopen it first: updateOpportunity with status FOLLOWING",
            before=before,
        )
        return [problem(change, "NOT_OPEN", "stage_id", message)]
    if stage.wins and record.status in OPEN_STATUSES and (moved or asked is not None):
        if asked is not None:
            message = sentence(
                "stage {key} ({stage}) wins the opportunity, so it cannot be {asked}; leave the status out, or give "
                "an earlier stage",
                key=stage.key,
                stage=stage.name,
                asked=asked,
            )
            return [problem(change, "STAGE_WINS", "status", message)]
        put(change, "status", OpportunityStatus.WON)
    if record.status in WON_STATUSES and not (stage.wins or stage.may_win):
        if asked is not None or not moved:
            possible = [other.key for other in settlement.stages() if other.wins or other.may_win]
            message = sentence(
                "{status} is not possible in stage {key} ({stage}); move it first to one of the stages from which it "
                "may be won: {possible}",
                status=record.status,
                key=stage.key,
                stage=stage.name,
                possible=possible,
            )
            return [problem(change, "WON_TOO_EARLY", "status", message)]
        put(change, "status", OpportunityStatus.FOLLOWING)
    return []


def _date(settlement: Settlement, change: Change, stage: Rung, before: OpportunityStatus | None) -> None:
    """Keeps the business dates of winning, losing and reopening."""
    record: Any = change.record
    if record.status is OpportunityStatus.CLOSED and before is None:
        # History entered as closed: what was not won was lost, and then has to say why.
        won = record.won_at is not None or (stage.wins and record.lost_at is None and record.loss_reason is None)
        _decide(settlement, change, "won_at" if won else "lost_at")
    elif record.status in WON_STATUSES and before not in WON_STATUSES:
        _decide(settlement, change, "won_at")
        put(change, "lost_at", None)
    elif record.status is OpportunityStatus.LOST and before is not OpportunityStatus.LOST:
        _decide(settlement, change, "lost_at")
        put(change, "won_at", None)
    elif record.status in OPEN_STATUSES and before is not None and before not in OPEN_STATUSES:
        put(change, "lost_at", None)
        put(change, "closed_on", None)
    if before is not None and before not in OPEN_STATUSES and record.status in (*OPEN_STATUSES, *WON_STATUSES):
        # Why it was lost is in the log of changes; the opportunity is not lost any longer.
        put(change, "loss_reason", None)
        put(change, "loss_summary", None)


def _decide(settlement: Settlement, change: Change, name: str) -> None:
    """Dates the decision: as given, else by the day it was closed, else by when the change happened."""
    record: Any = change.record
    closed = None
    if "closed_on" in change.after and record.closed_on:
        # A day may have begun elsewhere that has not begun for the business.
        closed = min(settlement.calendar.start_of(record.closed_on), settlement.now)
    moment = change.after.get(name) or closed or change.occurred_at or _clock(settlement, record)
    if name == "lost_at" or record.won_at is None:
        put(change, name, moment)
    put(change, "closed_on", record.closed_on or settlement.calendar.day_of(moment))
    change.occurred_at = moment


def _date_problems(change: Change, before: OpportunityStatus | None) -> Iterator[UserError]:
    """Refuses dates of winning and losing that contradict the status (X3)."""
    record: Any = change.record
    status = record.status
    if change.after.get("won_at") and status in OPEN_STATUSES and change.before.get("won_at") is None:
        yield problem(
            change,
            "INVALID",
            "won_at",
            sentence("an opportunity that is {status} was not won; give it with the status WON", status=status),
        )
    if change.after.get("lost_at") and status not in (OpportunityStatus.LOST, OpportunityStatus.CLOSED):
        yield problem(
            change,
            "INVALID",
            "lost_at",
            sentence("an opportunity that is {status} was not lost; give it with the status LOST", status=status),
        )
    was_lost = status is OpportunityStatus.LOST or (
        # What was won, and is closed now, was not lost.
        status is OpportunityStatus.CLOSED
        and (before not in (OpportunityStatus.CLOSED, *WON_STATUSES) or record.lost_at is not None)
    )
    for name in ("loss_reason", "loss_summary"):
        if change.after.get(name) is not None and not was_lost:
            message = sentence(
                "an opportunity that is {status} was not lost; give it with the status LOST", status=status
            )
            yield problem(change, "INVALID", name, message)
    if change.after.get("closed_on") and status in OPEN_STATUSES:
        message = sentence(
            "an opportunity that is {status} is not decided; give it with the status WON or LOST", status=status
        )
        yield problem(change, "INVALID", "closed_on", message)
    kept = {
        "won_at": status in WON_STATUSES and before in WON_STATUSES,
        "lost_at": status is before is OpportunityStatus.LOST,
        "closed_on": status not in OPEN_STATUSES and before is not None and before not in OPEN_STATUSES,
    }
    for name, decided in kept.items():
        if decided and name in change.after and change.after[name] is None:
            message = sentence(
                "an opportunity that is {status} has such a date; give another, or reopen it with status FOLLOWING",
                status=status,
            )
            yield problem(change, "REQUIRED", name, message)
    turned = "lost_at" in change.after and (change.before.get("lost_at") is None) != (change.after["lost_at"] is None)
    if status is before is OpportunityStatus.CLOSED and turned:
        settled = sentence("the outcome of a closed opportunity cannot change; reopen it first with status FOLLOWING")
        yield problem(change, "INVALID", "lost_at", settled)


def _status_problems(change: Change, before: OpportunityStatus | None, *, stepped: bool) -> Iterator[UserError]:
    """Refuses transitions that do not exist, and a loss without reason or summary (O19)."""
    record: Any = change.record
    message = status_step_problem(before, record.status)
    if message:
        yield problem(change, "STATUS_STEP", "status", message)
        return
    closed_lost = record.status is OpportunityStatus.CLOSED and record.lost_at is not None
    if record.status is not OpportunityStatus.LOST and not closed_lost:
        return
    needed = {"loss_reason": sentence("a reason"), "loss_summary": sentence("a summary of what was learned")}
    for name, what in needed.items():
        if getattr(record, name) is None and (stepped or name in change.after):
            yield problem(
                change,
                "REQUIRED",
                name,
                sentence("a lost opportunity needs {what}; give it together with the status", what=what),
            )


def _clock(settlement: Settlement, record: Any) -> datetime:
    """The moment of a step that happens now: not before the one that led to it, whichever server's clock dated that."""
    return settlement.now if record.updated_at is None else max(settlement.now, record.updated_at)


def _log_step(
    settlement: Settlement,
    change: Change,
    before: OpportunityStatus | None,
    stage_before: str | None,
    *,
    moved: bool,
    reason: str | None,
) -> Iterator[UserError]:
    record: Any = change.record
    moment = change.occurred_at or (
        settlement.calendar.start_of(record.opened_on)
        if before is None and record.opened_on
        else _clock(settlement, record)
    )
    if message := future_problem(moment, settlement.now, settlement.today):
        yield problem(change, "IN_FUTURE", "at", message)
    # A step that happens now follows all others.
    last = _last_step(settlement, record) if before is not None and moment < settlement.now else None
    if last is not None and moment < last:
        given, previous = (f"{one:%Y-%m-%d %H:%M:%S} UTC" for one in (moment, last))
        message = sentence(
            "{given} is before the previous step, of {previous}; the step is logged as of then",
            given=given,
            previous=previous,
        )
        yield settlement.doubt(change, "at", message)
        # The log leads on from step to step, so that its last one is the current stage.
        moment = last
    change.occurred_at = moment
    if moved:
        put(change, "stage_entered_at", moment)
    settlement.followers.append(
        StageTransition(
            id=new_id(StageTransition.__prefix__),
            opportunity_id=record.id,
            from_stage_id=stage_before,
            to_stage_id=record.stage_id,
            from_status=before,
            to_status=record.status,
            moved_at=moment,
            moved_by=settlement.actor.id,
            reason=reason,
        )
    )
    if moved and stage_before is not None:
        settlement.log.publish("OPPORTUNITY_STAGE_CHANGED", record, occurred_at=moment, reason=reason)
    if record.status is OpportunityStatus.WON and before not in WON_STATUSES:
        settlement.log.publish("OPPORTUNITY_WON", record, occurred_at=moment)
    if record.status is OpportunityStatus.LOST and before is not OpportunityStatus.LOST:
        settlement.log.publish("OPPORTUNITY_LOST", record, occurred_at=moment, reason=record.loss_reason)


def _last_step(settlement: Settlement, record: Any) -> datetime | None:
    """The moment of an opportunity's latest step."""
    rows = rows_of(StageTransition, settlement.transaction.dialect)
    first = mark(settlement.transaction.dialect, 1)
    last = rows.select(f"WHERE opportunity_id = {first} ORDER BY moved_at DESC LIMIT 1", record.id)
    found = rows.all_made(settlement.transaction.rows(last))
    return found[0].moved_at if found else None


def stage_in_use(settlement: Settlement, change: Change) -> list[UserError]:
    """Why a stage may not be removed: opportunities are in it, or none would be left."""
    stage: Any = change.record
    living = select(func.count()).where(col(Opportunity.stage_id) == stage.id, col(Opportunity.deleted_at).is_(None))
    count = settlement.session.exec(living).one()
    if count == 1:
        message = sentence("1 opportunity is in stage {key}; move it to another stage first", key=stage.key)
    elif count:
        message = sentence(
            "{count} opportunities are in stage {key}; move them to another stage first", count=count, key=stage.key
        )
    elif all(other.id == stage.id for other in settlement.stages()):
        message = sentence("stage {key} is the only one; opportunities need one", key=stage.key)
    else:
        return []
    return [UserError("REFERRED_TO", message, None, stage)]


def open_opportunities(session: Session, customer_id: str) -> list[str]:
    """The ids of a customer's opportunities that are undecided, in order."""
    return list(session.exec(_undecided(customer_id)))


def held_opportunities(session: Session, customer_id: str) -> list[str]:
    """The same, locked: what others do to them meanwhile is waited for, and then they may no longer be among them."""
    return list(session.exec(_undecided(customer_id).with_for_update(of=Opportunity)))


def _undecided(customer_id: str) -> SelectOfScalar[str]:
    query = select(Opportunity.id).where(
        col(Opportunity.customer_id) == customer_id,
        col(Opportunity.deleted_at).is_(None),
        col(Opportunity.status).in_(OPEN_STATUSES),
    )
    return query.order_by(col(Opportunity.id))


def customer_in_use(settlement: Settlement, change: Change) -> list[UserError]:
    """Why a customer may not be removed: its open opportunities would be nobody's, in every forecast."""
    count = len(open_opportunities(settlement.session, change.record.id))
    if not count:
        return []
    several = sentence("1 open opportunity") if count == 1 else sentence("{count} open opportunities", count=count)
    if change.action is Action.DESTROYED:
        message = sentence(
            "the customer has {several}; decide on them, or delete it first, which asks what becomes of them",
            several=several,
        )
        return [UserError("REFERRED_TO", message, None, change.record)]
    message = sentence(
        "openOpportunities: the customer has {several}; decide on them, or say what becomes of them", several=several
    )
    return [UserError("REFERRED_TO", message, ("openOpportunities",), change.record)]
