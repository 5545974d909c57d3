"""What follows from payments: when a receivable is settled, and what payments are in the reporting currency (C4)."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from guanxi import Action, Changes, Context
from plugins.credit_scoring.collection import rules
from plugins.credit_scoring.collection.models import Payment
from plugins.credit_scoring.collection.validation import SETTLING
from plugins.credit_scoring.models import Receivable

payments = Payment.__table__.c


def settle_receivables(ctx: Context, changes: Changes) -> set[str]:
    """Settles the receivables that are paid in full and reopens those that no longer are; returns their customers.

    A payment is converted at the rate of its receivable, so that both add up in the reporting currency.
    """
    ids = changes.ids("Payment", "receivable_id")
    for change in changes.of("Receivable", Action.UPDATED):
        invoice: Any = change.record
        if change.after.get("settled_on") is not None and invoice.settled_by_payments:
            # Entered by hand now: payments no longer say when.
            invoice.settled_by_payments = None
        if not change.after.keys().isdisjoint(SETTLING):
            ids.add(invoice.id)
    if not ids:
        return set()
    made = defaultdict(list)
    for row in ctx.session.execute(_payments(ids)):
        made[row.receivable_id].append(row)
    found = ctx.session.scalars(
        select(Receivable).where(col(Receivable.id).in_(ids)).order_by(col(Receivable.id))
    ).all()
    converted, customers = [], set()
    for invoice in found:
        parts = made[invoice.id]
        shares = _converted(invoice, [part.amount_minor for part in parts])
        converted += [
            {"id": part.id, "amount_reporting": share}
            for part, share in zip(parts, shares, strict=True)
            if part.amount_reporting != share
        ]
        if _settle(invoice, parts):
            customers.add(invoice.customer_id)
    if converted:
        ctx.change_rows(Payment, converted)
    if customers:
        ctx.lock("customer", *sorted(customers))
        ctx.session.flush()
    return customers


def _payments(ids: Collection[str]) -> Any:
    return (
        select(payments.id, payments.receivable_id, payments.paid_on, payments.amount_minor, payments.amount_reporting)
        .where(payments.receivable_id.in_(ids), payments.deleted_at.is_(None))
        .order_by(payments.receivable_id, payments.paid_on, payments.id)
    )


def _converted(invoice: Any, parts: list[int]) -> list[int]:
    return rules.shares_of(invoice.amount_reporting, parts, invoice.amount_minor) if parts else []


def _settle(invoice: Any, parts: list[Any]) -> bool:
    """Sets or takes back the settlement by payments; returns whether that changed it."""
    if invoice.settled_on is not None and not invoice.settled_by_payments:
        return False
    is_paid = bool(parts) and sum(part.amount_minor for part in parts) >= invoice.amount_minor
    day = parts[-1].paid_on if is_paid else None
    if invoice.settled_on == day:
        return False
    invoice.settled_on, invoice.settled_by_payments = day, True if is_paid else None
    return True
