"""What credit control, scoring and collection rely on: customers, deals and receivables, each with a key (C2, C4)."""

from collections.abc import Iterator
from typing import Any

from guanxi import Action, Change, Changes
from plugins.credit_scoring.collection.validation import COLLECTED
from plugins.credit_scoring.commits import may_commit
from plugins.credit_scoring.control import controlled
from plugins.credit_scoring.fields import DIMENSIONS
from plugins.credit_scoring.limits import LIMIT
from plugins.credit_scoring.models import Receivable


def keys_of(changes: Changes) -> Iterator[tuple[str | type[Receivable], str]]:
    """The customers whose exposure, limit or score is read or written, and whose and which invoices are added up.

    The invoices that payments settle are rows that will be written.
    """
    customers, deals, receivables = set[str](), set[str](), set[str]()
    for change in (*controlled(changes), *may_commit(changes)):
        deal: Any = change.record
        customers.add(deal.customer_id)
        deals.add(deal.id)
    if not changes.entities.isdisjoint(COLLECTED):
        customers |= changes.ids("Receivable", "customer_id")
        deals |= changes.ids("Receivable", "opportunity_id")
        receivables |= {change.record.id for change in changes.of("Receivable")}
        for record in ("Payment", "PaymentReminder", "PaymentPromise"):
            receivables |= changes.ids(record, "receivable_id")
        customers |= {change.record.id for change in changes.of("Customer") if _is_judged(change)}
    yield from ((Receivable, id) for id in changes.ids("Payment", "receivable_id"))
    yield from (("customer", id) for id in customers)
    yield from (("opportunity", id) for id in deals)
    yield from (("receivable", id) for id in receivables)


def _is_judged(change: Change) -> bool:
    """Whether a customer's limit or score is entered, or nobody may be left who owes."""
    return change.action is Action.DELETED or not {LIMIT, *DIMENSIONS}.isdisjoint(change.after)
