"""Invoices of customers that are merged: of a number there is one (C4)."""

from collections import defaultdict
from collections.abc import Sequence

from sqlmodel import col, select

from guanxi import Context, Record, Reject, UserError, fold, sentence
from plugins.credit_scoring.models import Receivable


def check_invoices(ctx: Context, customers: Sequence[Record]) -> None:
    """Refuses to merge customers that have different invoices of one number, of which only one could be left.

    Raises:
        Reject: they have; each error names two.
    """
    ids = [customer.id for customer in customers]
    query = select(Receivable).where(col(Receivable.customer_id).in_(ids), col(Receivable.deleted_at).is_(None))
    by_number: dict[str, list[Receivable]] = defaultdict(list)
    for invoice in ctx.session.exec(query.order_by(col(Receivable.id))):
        by_number[fold(invoice.number)].append(invoice)
    problems = [
        _problem(first, other)
        for first, *others in by_number.values()
        for other in others
        if other.amount != first.amount
    ]
    if problems:
        raise Reject(*problems)


def _problem(first: Receivable, other: Receivable) -> UserError:
    message = sentence(
        "{first} and {other} are different invoices with the number {number!r}, of which a customer has one; change or "
        "delete one of them first",
        first=first.id,
        other=other.id,
        number=first.number,
    )
    return UserError("CANNOT_MERGE", message, None, first)
