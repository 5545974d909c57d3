"""Sample data of collection: partial payments, reminders, and promises that are kept, broken or open."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlmodel import col, select

from guanxi import Context, Money
from guanxi.records import Contact
from guanxi.vocabulary import Channel
from plugins.credit_scoring.collection.models import Payment, PaymentPromise, PaymentReminder
from plugins.credit_scoring.models import Receivable


def fill_collection(ctx: Context, chance: random.Random) -> None:
    """Pays some invoices in parts, and reminds of those that are overdue."""
    today = ctx.clock.today()
    people = _people(ctx)
    for invoice in ctx.session.exec(select(Receivable).order_by(col(Receivable.number))).all():
        if invoice.settled_on is not None:
            if chance.random() < 0.05:
                _settle_in_parts(ctx, invoice, chance)
        elif chance.random() < 0.4:
            _pay(ctx, invoice, 0.4, _between(chance, invoice.invoiced_on, today))
        if invoice.settled_on is None:
            _remind(ctx, invoice, people.get(invoice.customer_id, ()), chance, today)


def _people(ctx: Context) -> Mapping[str, Sequence[str]]:
    found = defaultdict(list)
    for contact in ctx.session.exec(select(Contact).order_by(col(Contact.name))):
        if contact.customer_id is not None:
            found[contact.customer_id].append(contact.id)
    return found


def _between(chance: random.Random, first: date, last: date) -> date:
    return first + timedelta(days=chance.randint(0, (last - first).days))


def _pay(ctx: Context, invoice: Receivable, share: float, day: date) -> int:
    """Pays a share of an invoice, rounded to whole units of its currency where it has that many."""
    amount = invoice.amount
    part = Money.from_minor(max(int(amount.minor * share) // 100 * 100, 1), amount.currency)
    ctx.session.add(Payment(receivable_id=invoice.id, amount=part, paid_on=day))
    return part.minor


def _settle_in_parts(ctx: Context, invoice: Receivable, chance: random.Random) -> None:
    """Replaces the settlement that was entered by two payments, the second on that day."""
    if invoice.settled_on is None or invoice.amount.minor < 2:
        return
    paid = _pay(ctx, invoice, 0.5, _between(chance, invoice.invoiced_on, invoice.settled_on))
    rest = Money.from_minor(invoice.amount.minor - paid, invoice.amount.currency)
    ctx.session.add(Payment(receivable_id=invoice.id, amount=rest, paid_on=invoice.settled_on))
    invoice.settled_by_payments = True


def _remind(ctx: Context, invoice: Receivable, people: Sequence[str], chance: random.Random, today: date) -> None:
    """Sends the reminders that are due, often but the last, and has some of them answered by a promise."""
    person = chance.choice(people) if people else None
    for level, days in enumerate(ctx.settings.dunning_days, 1):
        sent_on = invoice.due_on + timedelta(days=days + chance.randint(0, 3))
        if sent_on > today or chance.random() < 0.2:
            return
        channel = Channel.PHONE if level > 1 else Channel.EMAIL
        reminder = PaymentReminder(
            receivable_id=invoice.id, level=level, sent_on=sent_on, channel=channel, contact_id=person
        )
        ctx.session.add(reminder)
        if chance.random() < 0.4:
            half = Money.from_minor(max(invoice.amount.minor // 2, 1), invoice.amount.currency)
            ctx.session.add(
                PaymentPromise(
                    receivable_id=invoice.id,
                    amount=half,
                    promised_on=sent_on,
                    promised_for=sent_on + timedelta(days=chance.randint(5, 30)),
                    contact_id=person,
                )
            )
