"""Receivables as they are entered: what is refused, and the invoiced amounts of opportunities (C4)."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import BigInteger, func, select
from sqlalchemy.dialects import postgresql, sqlite

from guanxi import Action, Changes, Context, UserError, sentence
from guanxi.records import Opportunity
from plugins.credit_scoring import rules
from plugins.credit_scoring.models import OpportunityCredit, Receivable

invoices = Receivable.__table__.c
deals = Opportunity.__table__.c
invoiced = OpportunityCredit.__table__.c

#: Python name to API name of what can be wrong.
_NAMES = {"due_on": "dueOn", "settled_on": "settledOn"}


def receivable_problems(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Yields errors for invoices that are created or changed."""
    for change in changes.of("Receivable", Action.CREATED, Action.UPDATED):
        invoice: Any = change.record
        for field, message in rules.receivable_problems(
            invoiced_on=invoice.invoiced_on,
            due_on=invoice.due_on,
            settled_on=invoice.settled_on,
            today=ctx.clock.today(),
        ):
            name = _NAMES[field]
            yield UserError("INVALID", sentence("{name}: {message}", name=name, message=message), (name,), invoice)


def refresh_invoiced(ctx: Context, ids: Collection[str]) -> None:
    """Updates the invoiced amounts of these opportunities. A credit note does not have them invoiced again."""
    session = ctx.session
    sums = (
        select(invoices.opportunity_id, func.sum(invoices.amount_reporting).cast(BigInteger).label("invoiced"))
        .where(invoices.deleted_at.is_(None), invoices.amount_minor > 0, invoices.opportunity_id.in_(ids))
        .group_by(invoices.opportunity_id)
        .subquery()
    )
    rows = (
        select(deals.id, sums.c.invoiced)
        .select_from(Opportunity.__table__.outerjoin(sums, sums.c.opportunity_id == deals.id))
        .where(deals.id.in_(ids))
    )
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    made = dialect.insert(OpportunityCredit).from_select(["record_id", "invoiced"], rows)
    session.execute(made.on_conflict_do_update(index_elements=["record_id"], set_={"invoiced": made.excluded.invoiced}))
