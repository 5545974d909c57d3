"""What the core itself does with a change before plugins see it: it settles what follows from what was asked.

Money is converted, an opportunity's status, dates and transition log follow its stage (O1, O19, X3), a task knows when
it was done (O30), chains of parents stay free of cycles (K6), and customers know their latest order and interaction.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.activities import Interaction, Task
from core.actors import Actor
from core.changes import Change, Changes
from core.customers import Contact, Customer, CustomerActivity
from core.errors import InputError, NotFoundError, UserError
from core.events import Action
from core.ids import new_id
from core.money import exponent
from core.opportunities import Opportunity, Stage, StageTransition
from core.people import Team, User
from core.rates import Rates
from core.records import Record
from core.rules import OPEN_STATUSES, WON_STATUSES, cycle_problem, status_step_problem
from core.sales import ExchangeRate, Transaction
from core.text import camel
from core.twins import twin_problems
from core.vocabulary import OpportunityStatus, TaskStatus


class Unit(Protocol):
    """What settling uses of the unit of work."""

    session: Session
    actor: Actor
    now: datetime
    rates: Rates
    pending: dict[str, Record]

    def stages(self) -> Sequence[Stage]:
        """The living stages in order."""
        ...

    def stage(self, id: str) -> Stage | None:
        """A living stage."""
        ...

    def follow(self, record: Record) -> None:
        """Adds a record of the core's own bookkeeping."""
        ...

    def publish(self, type_: str, record: Record | str, *, occurred_at: datetime | None = None, **data: Any) -> None:
        """Announces something about a record."""
        ...

    def facets(self, facet: type[Any], ids: Collection[str]) -> dict[str, Any]:
        """The rows of a facet for these records, made where absent."""
        ...


#: What the core announces beyond created, updated, deleted, restored and destroyed.
CORE_EVENTS: Mapping[str, str] = {
    "OPPORTUNITY_STAGE_CHANGED": "An opportunity entered another stage.",
    "OPPORTUNITY_WON": "An opportunity was won.",
    "OPPORTUNITY_LOST": "An opportunity was lost.",
    "TASK_COMPLETED": "A task was done.",
}

_CHAINS: Mapping[type[Record], str] = {
    Customer: "parent_id",
    Contact: "reports_to_id",
    User: "manager_id",
    Team: "parent_id",
}


def settle(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    """Completes a change by what follows from it; answers what is wrong with it."""
    if change.action in (Action.DELETED, Action.DESTROYED):
        return _stage_in_use(unit, change) if isinstance(change.record, Stage) else []
    problems = twin_problems(unit.session, change, unit.pending)
    if change.action is Action.RESTORED:
        return problems
    problems += _SETTLERS.get(type(change.record), _nothing)(unit, change, reason)
    problems += _break_cycles(unit, change)
    problems += convert_money(unit, change)
    return problems


def _nothing(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    return []


def _problem(change: Change, code: str, field: str, message: str) -> UserError:
    return UserError(code, f"{camel(field)}: {message}", (camel(field),), change.record)


def _set(change: Change, name: str, value: Any) -> None:
    """Sets what follows from a change, as part of it."""
    before = getattr(change.record, name)
    if before != value:
        change.before.setdefault(name, before if change.action is Action.UPDATED else None)
        change.after[name] = value
        setattr(change.record, name, value)


def convert_money(unit: Unit, change: Change) -> list[UserError]:
    """Fills the reporting amount of every money field that was set, at the rate of the record's own day."""
    problems = []
    record = change.record
    for name in type(record).__money__:
        money = getattr(record, name)
        if money is None or getattr(record, f"{name}_reporting") is not None:
            continue
        try:
            converted = unit.rates.in_reporting_currency(money, business_day(unit, record))
        except InputError as error:
            code = "RATE_UNKNOWN" if isinstance(error, NotFoundError) else "INVALID"
            problems.append(_problem(change, code, name, f"{money}: {error.message}"))
        else:
            setattr(record, f"{name}_reporting", converted)
    return problems


def business_day(unit: Unit, record: Record) -> date:
    """The day a record's amounts belong to: its own where it has one, else today."""
    for name in type(record).__dated_by__:
        if (day := getattr(record, name)) is not None:
            return day.date() if isinstance(day, datetime) else day
    return unit.now.date()


def _break_cycles(unit: Unit, change: Change) -> list[UserError]:
    model = type(change.record)
    name = _CHAINS.get(model)
    if name is None or name not in change.after:
        return []

    def parent_of(id: str) -> str | None:
        other = unit.pending.get(id) or unit.session.get(model, id)
        return None if other is None else getattr(other, name)

    problem = cycle_problem(change.record.id, change.after[name], parent_of)
    return [_problem(change, "CYCLE", name, problem)] if problem else []


def _stage_in_use(unit: Unit, change: Change) -> list[UserError]:
    """Why a stage may not go: opportunities are in it, or none would be left."""
    stage: Any = change.record
    living = select(func.count()).where(col(Opportunity.stage_id) == stage.id, col(Opportunity.deleted_at).is_(None))
    count = unit.session.exec(living).one()
    message = None
    if count:
        message = (
            f"1 opportunity is in stage {stage.key}; move it to another stage first"
            if count == 1
            else f"{count} opportunities are in stage {stage.key}; move them to another stage first"
        )
    elif all(other.id == stage.id for other in unit.stages()):
        message = f"stage {stage.key} is the only one; opportunities need one"
    return [UserError("REFERRED_TO", message, None, stage)] if message else []


def _settle_interaction(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    if record.occurred_at is None:
        _set(change, "occurred_at", unit.now)
    if change.action is Action.CREATED:
        models: tuple[tuple[str, type[Opportunity | Contact]], ...] = (
            ("opportunity_id", Opportunity),
            ("contact_id", Contact),
        )
        for name, model in models:
            id = getattr(record, name)
            if record.customer_id is None and id is not None:
                other: Any = unit.session.get(model, id)
                _set(change, "customer_id", None if other is None else other.customer_id)
    change.occurred_at = record.occurred_at
    return []


def _settle_transaction(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    change.occurred_at = _midnight(record.occurred_on)
    return []


def _settle_rate(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    if "currency" not in change.after:
        return []
    currency, reporting = change.after["currency"], unit.rates.reporting_currency
    try:
        exponent(currency)
    except InputError as error:
        return [_problem(change, "INVALID", "currency", error.message)]
    if currency == reporting:
        message = f"amounts are reported in {reporting}, which needs no rate; give a foreign currency"
        return [_problem(change, "INVALID", "currency", message)]
    return []


def _settle_task(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    if "status" not in change.after:
        return []
    done = record.status is TaskStatus.DONE
    _set(change, "completed_at", (change.occurred_at or unit.now) if done else None)
    if done:
        unit.publish("TASK_COMPLETED", record)
    return []


def _settle_opportunity(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    asked: OpportunityStatus | None = change.after.get("status")
    before: OpportunityStatus | None = change.value_before("status")
    stage_before: str | None = change.value_before("stage_id")
    if record.stage_id is None:
        _set(change, "stage_id", unit.stages()[0].id)
    stage = unit.stage(record.stage_id)
    if stage is None:
        return [_problem(change, "NOT_FOUND", "stage_id", f"{record.stage_id!r} is no stage; see the query stages")]
    moved = record.stage_id != stage_before
    if change.action is Action.CREATED and asked is None:
        _set(change, "status", OpportunityStatus.FOLLOWING if record.owner_id else OpportunityStatus.DRAFT)
    problems = _follow_stage(change, stage, asked, before, moved=moved)
    if not problems and (moved or record.status != before):
        _date(unit, change, before)
        problems = _check_status(change, before)
        if not problems:
            _log_step(unit, change, before, stage_before, moved=moved, reason=reason)
    return problems


def _follow_stage(
    change: Change, stage: Stage, asked: OpportunityStatus | None, before: OpportunityStatus | None, *, moved: bool
) -> list[UserError]:
    """Lets the status follow the stage (X3): entering a winning stage wins, leaving it for an early one reopens."""
    record: Any = change.record
    if moved and before in (OpportunityStatus.LOST, OpportunityStatus.CLOSED) and asked is None:
        return [
            _problem(
                change,
                "NOT_OPEN",
                "stage_id",
                f"an opportunity that is {before} does not move; reopen it first "
                "by updateOpportunity with status FOLLOWING",
            )
        ]
    if stage.wins and moved and record.status in OPEN_STATUSES:
        if asked is not None:
            return [
                _problem(
                    change,
                    "STAGE_WINS",
                    "status",
                    f"entering stage {stage.key} wins the opportunity, so it cannot be {asked}; leave the status out",
                )
            ]
        _set(change, "status", OpportunityStatus.WON)
    if record.status in WON_STATUSES and not (stage.wins or stage.may_win):
        if asked is not None or not moved:
            return [
                _problem(
                    change,
                    "WON_TOO_EARLY",
                    "status",
                    f"{record.status} is not possible in stage {stage.key} "
                    f"({stage.name}); move it first to a stage from which it may be won",
                )
            ]
        _set(change, "status", OpportunityStatus.FOLLOWING)
    return []


def _date(unit: Unit, change: Change, before: OpportunityStatus | None) -> None:
    """Keeps the business dates of winning, losing and reopening."""
    record: Any = change.record
    given = _midnight(record.closed_on) if "closed_on" in change.after and record.closed_on else None
    moment = change.after.get("won_at") or given or change.occurred_at or unit.now
    if record.status in WON_STATUSES and before not in WON_STATUSES:
        if record.won_at is None:
            _set(change, "won_at", moment)
        _set(change, "lost_at", None)
        _set(change, "closed_on", record.closed_on or moment.date())
        change.occurred_at = moment
    elif record.status is OpportunityStatus.LOST and before is not OpportunityStatus.LOST:
        moment = change.after.get("lost_at") or given or change.occurred_at or unit.now
        _set(change, "lost_at", moment)
        _set(change, "closed_on", record.closed_on or moment.date())
        change.occurred_at = moment
    elif record.status in OPEN_STATUSES and before is not None and before not in OPEN_STATUSES:
        _set(change, "lost_at", None)
        _set(change, "closed_on", None)


def _check_status(change: Change, before: OpportunityStatus | None) -> list[UserError]:
    record: Any = change.record
    problem = status_step_problem(before, record.status)
    if problem:
        return [_problem(change, "STATUS_STEP", "status", problem)]
    lost = record.status is OpportunityStatus.LOST
    if record.status is OpportunityStatus.CLOSED and before is None and record.won_at is None:
        lost = True
        _set(change, "lost_at", _midnight(record.closed_on) if record.closed_on else change.occurred_at)
    if not lost:
        return []
    return [
        _problem(change, "REQUIRED", name, f"a lost opportunity needs {what}; give it together with the status")
        for name, what in (("loss_reason", "a reason"), ("loss_summary", "a summary of what is to be learned"))
        if getattr(record, name) is None
    ]


def _log_step(
    unit: Unit,
    change: Change,
    before: OpportunityStatus | None,
    stage_before: str | None,
    *,
    moved: bool,
    reason: str | None,
) -> None:
    record: Any = change.record
    moment = change.occurred_at or (_midnight(record.opened_on) if before is None and record.opened_on else unit.now)
    change.occurred_at = moment
    if moved:
        _set(change, "stage_entered_at", moment)
    unit.follow(
        StageTransition(
            id=new_id(StageTransition.__prefix__),
            opportunity_id=record.id,
            from_stage_id=stage_before,
            to_stage_id=record.stage_id,
            from_status=before,
            to_status=record.status,
            moved_at=moment,
            moved_by=unit.actor.id,
            reason=reason,
        )
    )
    if moved and stage_before is not None:
        unit.publish("OPPORTUNITY_STAGE_CHANGED", record, occurred_at=moment, reason=reason)
    if record.status is OpportunityStatus.WON and before not in WON_STATUSES:
        unit.publish("OPPORTUNITY_WON", record, occurred_at=moment)
    if record.status is OpportunityStatus.LOST and before is not OpportunityStatus.LOST:
        unit.publish("OPPORTUNITY_LOST", record, occurred_at=moment, reason=record.loss_reason)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


_SETTLERS: Mapping[type[Record], Callable[[Unit, Change, str | None], list[UserError]]] = {
    Interaction: _settle_interaction,
    Transaction: _settle_transaction,
    ExchangeRate: _settle_rate,
    Task: _settle_task,
    Opportunity: _settle_opportunity,
}


def after_flush(unit: Unit, changes: Changes) -> None:
    """Keeps what transactions and interactions say of their customers current (T22, K12)."""
    customers = changes.ids("Transaction", "customer_id") | changes.ids("Interaction", "customer_id")
    if not customers:
        return
    orders = {
        id: (first, last, count)
        for id, first, last, count in unit.session.exec(
            select(
                Transaction.customer_id,
                func.min(Transaction.occurred_on),
                func.max(Transaction.occurred_on),
                func.count(),
            )
            .where(col(Transaction.customer_id).in_(customers), col(Transaction.deleted_at).is_(None))
            .group_by(col(Transaction.customer_id))
        )
    }
    interactions = dict(
        unit.session.exec(
            select(Interaction.customer_id, func.max(Interaction.occurred_at))
            .where(col(Interaction.customer_id).in_(customers), col(Interaction.deleted_at).is_(None))
            .group_by(col(Interaction.customer_id))
        ).all()
    )
    for id, activity in unit.facets(CustomerActivity, customers).items():
        first, last, count = orders.get(id, (None, None, 0))
        activity.first_order_on, activity.last_order_on, activity.order_count = first, last, count
        activity.last_interaction_at = interactions.get(id)
