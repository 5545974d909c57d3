"""What credit control and scoring rely on: the customers of receivables, limits and deals, each with a key (C2, C4)."""

from collections.abc import Iterator
from typing import Any

from guanxi import Changes
from plugins.credit_scoring.control import controlled
from plugins.credit_scoring.fields import DIMENSIONS
from plugins.credit_scoring.limits import LIMIT


def keys_of(changes: Changes) -> Iterator[tuple[str, str]]:
    """The customers whose exposure, limit or score is read or written, and the deals whose invoices are added up."""
    customers = changes.ids("Receivable", "customer_id")
    deals = changes.ids("Receivable", "opportunity_id")
    for change in controlled(changes):
        deal: Any = change.record
        customers.add(deal.customer_id)
        deals.add(deal.id)
    entered = {LIMIT, *DIMENSIONS}
    customers |= {change.record.id for change in changes.of("Customer") if not entered.isdisjoint(change.after)}
    yield from (("customer", id) for id in customers)
    yield from (("opportunity", id) for id in deals)
