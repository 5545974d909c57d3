"""Sample data: invoices that are paid more or less on time, judgements, limits, reviews, and what is set by hand."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import col, select
from strawberry import ID

from guanxi import Context, Money
from guanxi.records import Customer, Opportunity, Transaction
from plugins.credit_scoring.collection.sample import fill_collection
from plugins.credit_scoring.evaluation import evaluate
from plugins.credit_scoring.holds import (
    PlaceCreditHoldInput,
    ReleaseCreditHoldInput,
    place_credit_hold,
    release_credit_hold,
)
from plugins.credit_scoring.models import (
    CreditLimitChange,
    CreditRisk,
    CustomerCredit,
    EvaluationTrigger,
    Receivable,
)
from plugins.credit_scoring.operations import OverrideCreditRiskInput, override_credit_risk

_DAYS = 400


@dataclass(frozen=True)
class _Habit:
    """How a kind of customer pays: days after the due date, how often it disputes, how it is judged."""

    least: int
    most: int
    disputes: float
    judged: tuple[int, int]


_HABITS = (_Habit(-25, 0, 0.02, (75, 98)), _Habit(-15, 25, 0.08, (55, 85)), _Habit(15, 120, 0.3, (25, 60)))
_OVERRIDES = (
    (CreditRisk.LOW, "Its parent vouches for it"),
    (CreditRisk.HIGH, "Press reports of a payment stop"),
    (CreditRisk.MEDIUM, "New management, first figures are good"),
)

#: Reasons of holds, and of their release where they are released again.
_HOLDS = (
    ("Cheques bounced twice", None),
    ("In talks about its debts", None),
    ("No answer to reminders", "Paid in full"),
)


def fill_sample(ctx: Context, chance: random.Random) -> None:
    """Invoices what was sold in the last year or so, judges most customers, and gives most a limit."""
    session, today = ctx.session, ctx.clock.today()
    customers = session.exec(select(Customer).order_by(col(Customer.number))).all()
    habits = {customer.id: chance.choices(_HABITS, (60, 30, 10))[0] for customer in customers}
    owed, written = dict.fromkeys(habits, 0), dict.fromkeys(habits, 0)
    for invoice in _invoices(ctx, chance, today):
        _pay(invoice, habits[invoice.customer_id], chance, today)
        session.add(invoice)
        written[invoice.customer_id] += 1
        if invoice.settled_on is None:
            owed[invoice.customer_id] += int(invoice.amount)
    files = ctx.facets(CustomerCredit, habits.keys())
    for customer in customers:
        _judge(files[customer.id], habits[customer.id], chance, today)
        # With too few invoices, the transaction record is entered by hand.
        if written[customer.id] < ctx.settings.payment.minimum_invoices and chance.random() < 0.7:
            files[customer.id].transaction_record = Decimal(chance.randint(*habits[customer.id].judged))
        if chance.random() < 0.8:
            usual = max(owed[customer.id], 50_000) * chance.uniform(0.8, 3)
            _limit(ctx, files[customer.id], Decimal(round(usual, -4)))
    for customer in chance.sample(customers, 2):
        files[customer.id].cannot_perform_contract = True
    session.flush()
    evaluate(ctx, EvaluationTrigger.REQUESTED)
    until = today + timedelta(days=90)
    for customer, (risk, reason) in zip(chance.sample(customers, len(_OVERRIDES)), _OVERRIDES, strict=True):
        override_credit_risk(
            ctx, OverrideCreditRiskInput(customer_id=ID(customer.id), risk=risk, reason=reason, until=until)
        )
    fill_collection(ctx, chance)
    session.flush()
    for customer, (reason, end) in zip(chance.sample(customers, len(_HOLDS)), _HOLDS, strict=True):
        id = ID(customer.id)
        place_credit_hold(ctx, PlaceCreditHoldInput(customer_id=id, reason=reason, until=None if end else until))
        if end:
            session.flush()
            release_credit_hold(ctx, ReleaseCreditHoldInput(customer_id=id, reason=end))


def _invoices(ctx: Context, chance: random.Random, today: date) -> list[Receivable]:
    """An invoice for each sale, and for most opportunities that were won."""
    since = today - timedelta(days=_DAYS)
    sales = ctx.session.exec(
        select(Transaction)
        .where(Transaction.occurred_on > since, col(Transaction.opportunity_id).is_(None))
        .order_by(col(Transaction.occurred_on), col(Transaction.actual_amount_minor))  # type: ignore[attr-defined]
    )
    sold: list[tuple[date, Any, str, str | None]] = [
        (sale.occurred_on, sale.actual_amount, sale.customer_id, None) for sale in sales
    ]
    won = ctx.session.exec(
        select(Opportunity)
        .where(col(Opportunity.won_at).is_not(None), col(Opportunity.customer_id).is_not(None))
        .order_by(col(Opportunity.won_at), col(Opportunity.name))
    )
    for deal in won:
        amount = deal.expected_amount
        # Recent wins are not invoiced yet.
        if deal.closed_on and amount and deal.customer_id and deal.closed_on < today - timedelta(days=30):
            sold.append((deal.closed_on, amount, deal.customer_id, deal.id))
    return [
        Receivable(
            number=f"INV-{number:05d}",
            customer_id=customer,
            opportunity_id=deal,
            amount=amount,
            invoiced_on=day,
            due_on=day + timedelta(days=30),
        )
        for number, (day, amount, customer, deal) in enumerate(sorted(sold, key=lambda sale: sale[0]), 1)
    ]


def _pay(invoice: Receivable, habit: _Habit, chance: random.Random, today: date) -> None:
    paid_on = invoice.due_on + timedelta(days=chance.randint(habit.least, habit.most))
    if paid_on <= today:
        invoice.settled_on = paid_on
    if chance.random() < habit.disputes:
        invoice.is_disputed, invoice.disputed_on = True, min(invoice.due_on, today)


def _judge(file: CustomerCredit, habit: _Habit, chance: random.Random, today: date) -> None:
    if chance.random() < 0.9:
        file.financial_status = Decimal(chance.randint(*habit.judged))
    if chance.random() < 0.95:
        file.reputation = Decimal(chance.randint(*habit.judged))
    file.reviewed_on = today - timedelta(days=chance.randint(1, 380))


def _limit(ctx: Context, file: CustomerCredit, amount: Decimal) -> None:
    limit = Money(amount, ctx.reporting_currency)
    file.credit_limit = limit
    ctx.session.add(
        CreditLimitChange(
            customer_id=file.record_id,
            credit_limit=limit,
            reason="First limit, by what it usually owes",
            changed_at=ctx.clock.now(),
            changed_by=ctx.actor.id,
        )
    )
