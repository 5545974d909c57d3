"""What the core itself does with a change before plugins see it: it settles what follows from what was asked.

Money is converted, opportunities follow their pipeline (`core.pipeline`), a task knows when it was done (O30), chains
of parents stay free of cycles (K6), and customers know their latest order and interaction (T22, K12).
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from core.activities import Interaction, Task
from core.changes import Change, Changes
from core.customers import Contact, Customer, CustomerActivity
from core.errors import InputError, NotFoundError, UserError
from core.events import Action
from core.money import exponent
from core.opportunities import Opportunity, Stage
from core.people import Team, User
from core.pipeline import settle_opportunity, stage_in_use
from core.records import Record
from core.rules import cycle_problem
from core.sales import ExchangeRate, Transaction
from core.settling import Unit, midnight, problem, put
from core.twins import twin_problems
from core.vocabulary import TaskStatus

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
        return stage_in_use(unit, change) if isinstance(change.record, Stage) else []
    problems = twin_problems(unit.session, change, unit.pending)
    if change.action is Action.RESTORED:
        return problems
    problems += _SETTLERS.get(type(change.record), _nothing)(unit, change, reason)
    problems += _break_cycles(unit, change)
    problems += convert_money(unit, change)
    return problems


def _nothing(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    return []


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
            problems.append(problem(change, code, name, f"{money}: {error.message}"))
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

    message = cycle_problem(change.record.id, change.after[name], parent_of)
    return [problem(change, "CYCLE", name, message)] if message else []


def _settle_interaction(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    if record.occurred_at is None:
        put(change, "occurred_at", unit.now)
    if change.action is Action.CREATED and record.customer_id is None:
        put(change, "customer_id", _customer_of(unit, record))
    change.occurred_at = record.occurred_at
    return []


def _customer_of(unit: Unit, interaction: Any) -> str | None:
    """The living customer of what an interaction is about: its opportunity's, else its contact's."""
    models: tuple[tuple[str | None, type[Opportunity | Contact]], ...] = (
        (interaction.opportunity_id, Opportunity),
        (interaction.contact_id, Contact),
    )
    for id, model in models:
        other: Any = None if id is None else unit.session.get(model, id)
        customer = None if other is None or other.customer_id is None else unit.session.get(Customer, other.customer_id)
        if customer is not None and customer.deleted_at is None:
            return customer.id
    return None


def _settle_transaction(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    change.occurred_at = midnight(record.occurred_on)
    return []


def _settle_rate(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    if "currency" not in change.after:
        return []
    currency, reporting = change.after["currency"], unit.rates.reporting_currency
    try:
        exponent(currency)
    except InputError as error:
        return [problem(change, "INVALID", "currency", error.message)]
    if currency == reporting:
        message = f"amounts are reported in {reporting}, which needs no rate; give a foreign currency"
        return [problem(change, "INVALID", "currency", message)]
    return []


def _settle_task(unit: Unit, change: Change, reason: str | None) -> list[UserError]:
    record: Any = change.record
    if "status" not in change.after:
        return []
    done = record.status is TaskStatus.DONE
    put(change, "completed_at", (change.occurred_at or unit.now) if done else None)
    if done:
        unit.publish("TASK_COMPLETED", record, occurred_at=record.completed_at)
    return []


_SETTLERS: Mapping[type[Record], Callable[[Unit, Change, str | None], list[UserError]]] = {
    Interaction: _settle_interaction,
    Transaction: _settle_transaction,
    ExchangeRate: _settle_rate,
    Task: _settle_task,
    Opportunity: settle_opportunity,
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
