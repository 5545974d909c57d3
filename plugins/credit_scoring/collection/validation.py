"""Payments, reminders and promises as they are entered: what is refused, what is doubted (C4)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from guanxi import Action, Changes, Context, Money, UserError, sentence
from guanxi.sql import Prepared, is_listed
from plugins.credit_scoring.collection import rules
from plugins.credit_scoring.collection.models import Payment
from plugins.credit_scoring.models import Receivable

invoices = Receivable.__table__.c
payments = Payment.__table__.c

_ENTERED = (Action.CREATED, Action.UPDATED, Action.RESTORED)
_INVOICES = Prepared(
    select(
        invoices.id,
        invoices.number,
        invoices.amount_minor,
        invoices.amount_currency,
        invoices.invoiced_on,
        invoices.due_on,
        invoices.settled_on,
        invoices.settled_by_payments,
    ).where(is_listed(invoices.id, "ids"))
)
_PAYMENTS = Prepared(
    select(payments.id, payments.receivable_id, payments.paid_on, payments.amount_minor).where(
        is_listed(payments.receivable_id, "ids"), payments.deleted_at.is_(None)
    )
)
_OPEN = Prepared(
    select(invoices.customer_id, func.count().label("count"))
    .where(is_listed(invoices.customer_id, "ids"), invoices.deleted_at.is_(None), invoices.settled_on.is_(None))
    .group_by(invoices.customer_id)
)


@dataclass(slots=True)
class _Account:
    """A receivable, and what is paid of it by the payments that do not change."""

    number: str
    amount: int
    currency: str
    invoiced_on: date
    due_on: date
    settled_on: date | None
    is_settled_by_hand: bool
    paid: int = 0


#: What is collected, how, and of whom.
COLLECTED = frozenset({"Customer", "Payment", "PaymentPromise", "PaymentReminder", "Receivable"})


def collection_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Yields what is wrong with or doubtful about payments, reminders, promises, and invoices that have payments."""
    if changes.entities.isdisjoint(COLLECTED):
        return
    accounts = _accounts(ctx, changes)
    yield from _payment_problems(ctx, changes, accounts)
    for change in changes.of("PaymentReminder", *_ENTERED):
        yield from _reminder_problems(ctx, change.record, accounts)
    for change in changes.of("PaymentPromise", *_ENTERED):
        yield from _promise_problems(ctx, change.record, accounts)
    yield from _reduction_problems(ctx, changes)
    yield from _desertion_doubts(ctx, changes)


def _accounts(ctx: Context, changes: Changes) -> Mapping[str, _Account]:
    records = ("Payment", "PaymentReminder", "PaymentPromise")
    ids = {id for record in records for id in changes.ids(record, "receivable_id")}
    if not ids:
        return {}
    changing = {change.record.id for change in changes.of("Payment")}
    found = {
        row["id"]: _Account(
            row["number"],
            row["amount_minor"],
            row["amount_currency"],
            row["invoiced_on"],
            row["due_on"],
            row["settled_on"],
            row["settled_on"] is not None and not row["settled_by_payments"],
        )
        for row in ctx.rows(_INVOICES, ids=sorted(ids))
    }
    for row in ctx.rows(_PAYMENTS, ids=sorted(found)):
        if row["id"] not in changing:
            found[row["receivable_id"]].paid += row["amount_minor"]
    return found


def _payment_problems(ctx: Context, changes: Changes, accounts: Mapping[str, _Account]) -> Iterator[UserError]:
    """The payments of a batch add up, except those that are refused."""
    for change in changes.of("Payment", *_ENTERED):
        payment: Any = change.record
        account = accounts.get(payment.receivable_id)
        if account is None:
            continue
        minor, currency = payment.amount_minor, payment.amount_currency
        wrong = rules.amount_problem(minor, currency, account.currency)
        if wrong is None and account.paid + minor > account.amount:
            excess = Money.from_minor(account.paid + minor - account.amount, currency)
            wrong = sentence(
                "invoice {number} would be overpaid by {excess}; give at most what is open, and enter the "
                "rest as a payment of another invoice",
                number=account.number,
                excess=excess,
            )
        if wrong is not None:
            yield UserError("INVALID", sentence("amount: {wrong}", wrong=wrong), ("amount",), payment)
            continue
        account.paid += minor
        if account.is_settled_by_hand and account.settled_on is not None and payment.paid_on > account.settled_on:
            message = sentence(
                "paidOn: {paid_on} is after {settled_on}, on which invoice {number} was paid in full; correct one of "
                "the days",
                paid_on=payment.paid_on,
                settled_on=account.settled_on,
                number=account.number,
            )
            yield UserError("INVALID", message, ("paidOn",), payment)
        elif doubt := rules.before_invoice_doubt(payment.paid_on, account.invoiced_on):
            yield ctx.doubt(payment, "paidOn", doubt)


def _reminder_problems(ctx: Context, reminder: Any, accounts: Mapping[str, _Account]) -> Iterator[UserError]:
    most = len(ctx.settings.dunning_days)
    if reminder.level > most:
        message = sentence(
            "level: {level} is above the highest dunning level, {most}; give 1 to {most}",
            level=reminder.level,
            most=most,
        )
        yield UserError("INVALID", message, ("level",), reminder)
    account = accounts.get(reminder.receivable_id)
    if account is None:
        return
    if reminder.sent_on <= account.due_on:
        yield ctx.doubt(
            reminder,
            "sentOn",
            sentence(
                "{sent_on} is not after the due date, {due_on}; check both days",
                sent_on=reminder.sent_on,
                due_on=account.due_on,
            ),
        )
    elif account.settled_on is not None and reminder.sent_on > account.settled_on:
        yield ctx.doubt(
            reminder,
            "sentOn",
            sentence(
                "{sent_on} is after {settled_on}, on which it was paid; check both days",
                sent_on=reminder.sent_on,
                settled_on=account.settled_on,
            ),
        )


def _promise_problems(ctx: Context, promise: Any, accounts: Mapping[str, _Account]) -> Iterator[UserError]:
    if promise.promised_for < promise.promised_on:
        message = sentence(
            "promisedFor: {promised_for} is before the day of the promise, {promised_on}; give a later day",
            promised_for=promise.promised_for,
            promised_on=promise.promised_on,
        )
        yield UserError("INVALID", message, ("promisedFor",), promise)
    account = accounts.get(promise.receivable_id)
    if account is None:
        return
    wrong = rules.amount_problem(promise.amount_minor, promise.amount_currency, account.currency)
    if wrong is not None:
        yield UserError("INVALID", sentence("amount: {wrong}", wrong=wrong), ("amount",), promise)
    elif promise.amount_minor > account.amount:
        whole = Money.from_minor(account.amount, account.currency)
        yield ctx.doubt(
            promise,
            "amount",
            sentence("{amount} is more than the invoice, {whole}; check both", amount=promise.amount, whole=whole),
        )
    if doubt := rules.before_invoice_doubt(promise.promised_on, account.invoiced_on):
        yield ctx.doubt(promise, "promisedOn", doubt)


def _reduction_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Errors for invoices whose amount, currency or settlement no longer goes with their payments."""
    touched = [
        change for change in changes.of("Receivable", Action.UPDATED) if not change.after.keys().isdisjoint(SETTLING)
    ]
    if not touched:
        return
    paid = _paid(ctx, [change.record.id for change in touched])
    for change in touched:
        invoice: Any = change.record
        parts = paid.get(invoice.id, ())
        if not parts:
            continue
        whole = sum(minor for _, minor in parts)
        last = max(day for day, _ in parts)
        previous = change.before.get("amount")
        if previous is not None and previous.currency != invoice.amount_currency:
            message = sentence(
                "amount: its payments are in {currency}; give it in {currency}, or delete them first",
                currency=previous.currency,
            )
            yield UserError("INVALID", message, ("amount",), invoice)
        elif invoice.amount_minor < whole:
            least = Money.from_minor(whole, invoice.amount_currency)
            message = sentence(
                "amount: {least} of it is paid; give at least that, or correct the payments", least=least
            )
            yield UserError("INVALID", message, ("amount",), invoice)
        if change.after.get("settled_on") is not None and invoice.settled_on < last:
            message = sentence(
                "settledOn: {settled_on} is before its last payment, {last}; give {last} or a later day",
                settled_on=invoice.settled_on,
                last=last,
            )
            yield UserError("INVALID", message, ("settledOn",), invoice)


#: Columns of a receivable on which its settlement by payments, and their amounts in the reporting currency, rest.
SETTLING = ("amount", "amount_reporting", "settled_on")


def _paid(ctx: Context, ids: Collection[str]) -> Mapping[str, list[tuple[date, int]]]:
    found = defaultdict(list)
    for row in ctx.rows(_PAYMENTS, ids=sorted(ids)):
        found[row["receivable_id"]].append((row["paid_on"], row["amount_minor"]))
    return found


def _desertion_doubts(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Doubts that a customer is deleted who still owes something."""
    gone = {change.record.id: change.record for change in changes.of("Customer", Action.DELETED)}
    for row in ctx.rows(_OPEN, ids=sorted(gone)) if gone else ():
        count = row["count"]
        message = sentence(
            "{count} receivables are open, and will be in lists and totals without a customer; settle or delete them "
            "first",
            count=count,
        )
        if count == 1:
            message = sentence(
                "1 receivable is open, and will be in lists and totals without a customer; settle or delete it first"
            )
        yield ctx.doubt(gone[row["customer_id"]], "id", message)
