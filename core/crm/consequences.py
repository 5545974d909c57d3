"""Consequences of a change that the core settles before plugins see it.

Money is converted, opportunities follow their pipeline (`core.crm.pipeline`), a task gets the moment it was done (O30),
chains of parents stay free of cycles (K6), and customers get their latest transaction and interaction (T22, K12).
"""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.base.errors import InputError, NotFoundError, UserError
from core.base.money import exponent
from core.base.sentences import sentence
from core.crm.activities import Interaction, Task
from core.crm.customers import Contact, Customer, CustomerActivity
from core.crm.opportunities import Opportunity, Stage
from core.crm.people import Team, User
from core.crm.pipeline import customer_in_use, settle_opportunity, stage_in_use
from core.crm.rules import cycle_problem, discount_problem, future_problem, negative_problem
from core.crm.sales import ExchangeRate, Transaction
from core.crm.settlement import Settlement, problem, put
from core.log.changes import Change, Changes
from core.log.events import Action
from core.records.columns import column_info
from core.records.facet_rows import facet_rows
from core.records.record import Record, Table, held_value
from core.records.vocabulary import TaskStatus

#: Events the core publishes apart from created, updated, deleted, restored and destroyed.
CORE_EVENTS: Mapping[str, str] = {
    "OPPORTUNITY_STAGE_CHANGED": "An opportunity entered another stage.",
    "OPPORTUNITY_WON": "An opportunity was won.",
    "OPPORTUNITY_LOST": "An opportunity was lost.",
    "TASK_COMPLETED": "A task was completed.",
    "CONTACT_MERGED": "Contacts were merged into one.",
    "CONTACT_UNMERGED": "A merge of contacts was undone.",
    "CUSTOMER_MERGED": "Customers were merged into one.",
    "CUSTOMER_UNMERGED": "A merge of customers was undone.",
    "CONTACT_ERASED": "Personal data about a contact was erased.",
    "CUSTOMER_ERASED": "Personal data about a customer was erased.",
}

#: Those after which nobody knows what the personal fields of a record were.
ERASURES: Sequence[str] = ("CONTACT_ERASED", "CUSTOMER_ERASED")

_CHAINS: Mapping[type[Record], Sequence[str]] = {
    Customer: ("parent_id", "referred_by_id"),
    Contact: ("reports_to_id",),
    User: ("manager_id",),
    Team: ("parent_id",),
}


def settle(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    """Completes a change by what follows from it; returns what is wrong with it."""
    if isinstance(change.record, Stage) and (
        change.action is not Action.UPDATED
        or not change.after.keys().isdisjoint(("position", "win_probability", "wins"))
    ):
        settlement.lock_ladder()
    if change.action in (Action.DELETED, Action.DESTROYED):
        return _LEAVERS.get(type(change.record), _remains)(settlement, change)
    if change.action is Action.RESTORED:
        if isinstance(change.record, Opportunity):
            change.record.deleted_with = None
        return []
    if problems := _future_problems(settlement, change) if change.after else []:
        return problems
    settler = _SETTLERS.get(type(change.record))
    problems = [] if settler is None else settler(settlement, change, reason)
    problems += _break_cycles(settlement, change) if change.after else []
    problems += convert_money(settlement, change)
    return problems


def _remains(settlement: Settlement, change: Change) -> list[UserError]:
    return []


def _future_problems(settlement: Settlement, change: Change) -> list[UserError]:
    """Refuses days, moments and years of what has happened that are in the future."""
    model: Any = type(change.record)
    return [
        problem(change, "IN_FUTURE", name, message)
        for name in _past_columns(model)
        if (value := change.after.get(name)) is not None
        and (message := future_problem(value, settlement.now, settlement.today))
    ]


@cache
def _past_columns(model: Any) -> Sequence[str]:
    return [column.key for column in model.__table__.columns if column_info(column).past]


def convert_money(settlement: Settlement, change: Change) -> list[UserError]:
    """Fills the reporting amount of every money field whose amount, currency or day was set, at the rate of that day.

    The others keep theirs, whatever has become of rates since.
    """
    record: Any = change.record
    kind: Any = type(record)
    if not kind.__money__:
        return []
    may_move = change.action is Action.CREATED or not change.before.keys().isdisjoint(kind.__dated_by__)
    unsettled = [
        name
        for name, minor, currency, reporting in _amounts(kind)
        if (may_move or held_value(record, reporting) is None)
        and held_value(record, minor) is not None
        # Most are new and need no rate, whatever their day.
        and not _taken_as_reported(settlement, record, minor, currency, reporting)
    ]
    if not unsettled:
        return []
    problems = []
    day = business_day(settlement, record, lambda name: getattr(record, name))
    settled = [name for name in unsettled if held_value(record, f"{name}_reporting") is not None]
    if settled and day == business_day(settlement, record, change.value_before):
        unsettled = [name for name in unsettled if name not in settled]
    for name in unsettled:
        money, reporting = getattr(record, name), f"{name}_reporting"
        try:
            converted = settlement.rates.in_reporting_currency(money, day)
        except InputError as error:
            code = "RATE_UNKNOWN" if isinstance(error, NotFoundError) else "INVALID"
            problems.append(
                problem(change, code, name, sentence("{field}: {message}", field=money, message=error.message))
            )
        else:
            setattr(record, reporting, converted)
    return problems


@cache
def _amounts(kind: Any) -> Sequence[tuple[str, str, str, str]]:
    """The money fields of a type, each with its columns: minor units, currency, minor units as reported."""
    return [(name, f"{name}_minor", f"{name}_currency", f"{name}_reporting") for name in kind.__money__]


def _taken_as_reported(settlement: Settlement, record: Any, minor: str, currency: str, reporting: str) -> bool:
    """Has an amount that was just set in the reporting currency reported as it is; returns whether it was."""
    own = settlement.rates.reporting_currency
    if held_value(record, reporting) is not None or held_value(record, currency) != own:
        return False
    setattr(record, reporting, held_value(record, minor))
    return True


def business_day(settlement: Settlement, record: Table, value: Callable[[str], Any]) -> date:
    """The day a record's amounts belong to: its own, else the day it was entered.

    Of amounts that belong to no day, such as a list price, it is the day they are set.

    Args:
        settlement: of the transaction.
        record: which one.
        value: gives the columns that date it, as they are or as they were.
    """
    dating = type(record).__dated_by__
    entered = (getattr(record, "created_at", None),) if dating else ()
    for day in (*map(value, dating), *entered):
        if day is not None:
            return settlement.calendar.day_of(day) if isinstance(day, datetime) else day
    return settlement.today


def _break_cycles(settlement: Settlement, change: Change) -> list[UserError]:
    names = _CHAINS.get(type(change.record), ())
    return [found for name in names if name in change.after for found in _cycle(settlement, change, name)]


def _cycle(settlement: Settlement, change: Change, name: str) -> Iterator[UserError]:
    model = type(change.record)
    # Of two that each move a record below the other, the second has to see what the first did.
    if change.action is Action.UPDATED and change.after[name] is not None:
        settlement.lock("tree", model.__name__, name)

    def parent_of(id: str) -> str | None:
        other = settlement.pending.get(id) or settlement.session.get(model, id)
        return None if other is None else getattr(other, name)

    if message := cycle_problem(change.record.id, change.after[name], parent_of):
        yield problem(change, "CYCLE", name, message)


def _settle_interaction(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    if record.occurred_at is None:
        put(change, "occurred_at", settlement.now)
    if change.action is Action.CREATED and record.customer_id is None:
        put(change, "customer_id", _customer_of(settlement, record))
    change.occurred_at = record.occurred_at
    return []


def _customer_of(settlement: Settlement, interaction: Any) -> str | None:
    """The living customer of what an interaction is about: its opportunity's, else its contact's."""
    models: tuple[tuple[str | None, type[Opportunity | Contact]], ...] = (
        (interaction.opportunity_id, Opportunity),
        (interaction.contact_id, Contact),
    )
    for id, model in models:
        if id is not None and (customer := _living_customer_of(settlement.session, model, id)) is not None:
            return customer
    return None


def _living_customer_of(session: Session, model: type[Opportunity | Contact], id: str) -> str | None:
    """The customer of a record, which is not deleted before the transaction ends; None if it has none, or one deleted.

    One that is being deleted is waited for; by then the record may be another's.
    """
    whose = select(model.customer_id).where(col(model.id) == id)
    customer = session.exec(whose).first()
    while customer is not None:
        living = select(Customer.id).where(Customer.id == customer, col(Customer.deleted_at).is_(None))
        found = session.exec(living.with_for_update(read=True, key_share=True)).first()
        before, customer = customer, session.exec(whose).first()
        if customer == before:
            return found
    return None


def _settle_transaction(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    change.occurred_at = settlement.calendar.start_of(record.occurred_on)
    gross, actual, cost = record.gross_amount, record.actual_amount, record.cost
    problems = [
        settlement.doubt(change, name, message)
        for name, amount in (("actual_amount", actual), ("gross_amount", gross), ("cost", cost))
        if name in change.after and amount is not None and (message := negative_problem(amount))
    ]
    if gross is not None and not change.after.keys().isdisjoint({"gross_amount", "actual_amount"}):
        message = discount_problem(gross, actual)
        problems += [settlement.doubt(change, "gross_amount", message)] if message else []
    return problems


def _settle_rate(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    if "currency" not in change.after:
        return []
    currency, reporting = change.after["currency"], settlement.rates.reporting_currency
    try:
        exponent(currency)
    except InputError as error:
        return [problem(change, "INVALID", "currency", error.message)]
    if currency == reporting:
        message = sentence(
            "amounts are reported in {reporting}, which needs no rate; give a foreign currency", reporting=reporting
        )
        return [problem(change, "INVALID", "currency", message)]
    return []


def _settle_task(settlement: Settlement, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    if "status" not in change.after:
        return []
    done = record.status is TaskStatus.DONE
    put(change, "completed_at", (change.occurred_at or settlement.now) if done else None)
    if done:
        settlement.log.publish("TASK_COMPLETED", record, occurred_at=record.completed_at)
    return []


_SETTLERS: Mapping[type[Record], Callable[[Settlement, Change, str | None], list[UserError]]] = {
    Interaction: _settle_interaction,
    Transaction: _settle_transaction,
    ExchangeRate: _settle_rate,
    Task: _settle_task,
    Opportunity: settle_opportunity,
}

#: Why a record may not be removed.
_LEAVERS: Mapping[type[Record], Callable[[Settlement, Change], list[UserError]]] = {
    Customer: customer_in_use,
    Stage: stage_in_use,
}


#: Types of records by which customers' figures change.
FOLLOWED = frozenset({"Transaction", "Interaction"})


def after_flush(settlement: Settlement, changes: Changes) -> None:
    """Keeps customers' figures on transactions and interactions current (T22, K12)."""
    customers = {id for entity in FOLLOWED for id in changes.ids(entity, "customer_id")}
    if not customers:
        return
    # Locked before anything is read, so that of two writers the later sees what the earlier has written.
    activities = facet_rows(settlement.session, CustomerActivity, customers)
    orders = {
        id: (first, last, count)
        for id, first, last, count in settlement.session.exec(
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
        settlement.session.exec(
            select(Interaction.customer_id, func.max(Interaction.occurred_at))
            .where(col(Interaction.customer_id).in_(customers), col(Interaction.deleted_at).is_(None))
            .group_by(col(Interaction.customer_id))
        ).all()
    )
    for id, activity in activities.items():
        first, last, count = orders.get(id, (None, None, 0))
        activity.first_transaction_on, activity.last_transaction_on, activity.transaction_count = first, last, count
        activity.last_interaction_at = interactions.get(id)
