"""The built-in scorer: payment behaviour from receivables, for whole populations in one statement (C1)."""

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import FromClause, Select, case, func, literal, null, or_, select, true, type_coerce
from sqlalchemy.dialects import postgresql, sqlite

from guanxi import Context
from guanxi.records import Customer
from guanxi.sql import Expression, Prepared, is_listed
from plugins.credit_scoring import rules
from plugins.credit_scoring.models import CreditReasonCode, CustomerCredit, Receivable
from plugins.credit_scoring.settings import PaymentBehaviour

files = CustomerCredit.__table__.c
invoices = Receivable.__table__.c
customers = Customer.__table__.c

#: What the scorer computes for a customer, as stored in the credit file.
FIGURES = (
    "payment_behaviour",
    "payment_invoices",
    "average_days_late",
    "disputed_share",
    "days_late_trend",
    "term_used",
    "lateness_deduction",
    "term_deduction",
    "dispute_deduction",
    "trend_deduction",
)


def payment_figures(policy: PaymentBehaviour, as_of: date, among: Expression | None = None) -> Select[Any]:
    """Selects `customer_id` and `FIGURES` as of a day, by these invoices or all; null with too few."""
    day: Expression = literal(as_of)
    minor = invoices.amount_reporting
    late = rules.days_late(invoices.due_on, invoices.settled_on, day)
    known = rules.is_known_dispute(invoices.is_disputed, invoices.disputed_on, invoices.settled_on, day)
    recent = invoices.invoiced_on > as_of - timedelta(days=policy.recent_days)
    counting = rules.counts_for_behaviour(
        invoices.invoiced_on,
        invoices.due_on,
        invoices.settled_on,
        literal(as_of - timedelta(days=policy.window_days)),
        day,
    )
    # A credit note is nothing that a customer pays.
    where = [counting, invoices.amount_minor >= 0, invoices.deleted_at.is_(None)]
    if among is not None:
        where.append(among)
    found = (
        select(
            invoices.customer_id,
            func.count().label("payment_invoices"),
            rules.average_days_late(minor, late, policy.late_days).label("average"),
            rules.average_term_used(
                minor, rules.term_used(invoices.invoiced_on, invoices.due_on, invoices.settled_on, day)
            ).label("used"),
            rules.disputed_share(minor, known).label("disputed"),
            rules.days_late_trend(minor, late, policy.late_days, recent).label("trend"),
        )
        .where(*where)
        .group_by(invoices.customer_id)
        .subquery()
    )
    taken = (
        select(
            found,
            rules.lateness_deduction(found.c.average, policy).label("lateness"),
            rules.term_deduction(found.c.used, policy).label("term"),
            rules.dispute_deduction(found.c.disputed, policy).label("disputes"),
            rules.trend_deduction(found.c.trend, policy).label("worsening"),
        )
    ).subquery()
    columns = taken.c

    score = rules.payment_behaviour(columns.lateness, columns.term, columns.disputes, columns.worsening)
    figures = (
        score,
        None,
        columns.average,
        columns.disputed,
        columns.trend,
        columns.used,
        columns.lateness,
        columns.term,
        columns.disputes,
        columns.worsening,
    )
    enough = columns.payment_invoices >= policy.minimum_invoices
    return select(
        columns.customer_id,
        *(
            columns[name]
            if value is None
            else type_coerce(case((enough, value), else_=null()), files[name].type).label(name)
            for name, value in zip(FIGURES, figures, strict=True)
        ),
    )


def _figures(policy: PaymentBehaviour, today: date, among: Expression | None) -> tuple[Any, FromClause]:
    """The figures of today, and the customers they belong to, each with its credit file if it has one."""
    found = payment_figures(policy, today, among).subquery()
    people = Customer.__table__.outerjoin(found, found.c.customer_id == customers.id)
    return found.c, people.outerjoin(CustomerCredit.__table__, files.record_id == customers.id)


@lru_cache(20)
def _outdated(policy: PaymentBehaviour, today: date) -> Prepared:
    """Which of these customers have other figures than their credit files say."""
    found, people = _figures(policy, today, is_listed(invoices.customer_id, "ids"))
    differs = or_(*(files[name].is_distinct_from(found[name]) for name in FIGURES))
    return Prepared(select(customers.id).select_from(people).where(is_listed(customers.id, "ids"), differs))


def refresh_figures(ctx: Context, ids: Collection[str] | None = None) -> None:
    """Updates the figures of these customers, or of all, to today; creates a file where there are invoices."""
    policy, today = ctx.settings.payment, ctx.clock.today()
    if ids is not None:
        ids = [row["id"] for row in ctx.rows(_outdated(policy, today), ids=ids)]
        if not ids:
            return
    session = ctx.session
    found, people = _figures(policy, today, invoices.customer_id.in_(ids) if ids is not None else None)
    rows = (
        select(customers.id, *(found[name] for name in FIGURES))
        .select_from(people)
        .where(
            or_(found.customer_id.is_not(None), files.record_id.is_not(None)),
            customers.id.in_(ids) if ids is not None else true(),
        )
    )
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    made = dialect.insert(CustomerCredit).from_select(["record_id", *FIGURES], rows)
    differs = or_(*(files[name].is_distinct_from(made.excluded[name]) for name in FIGURES))
    session.execute(
        made.on_conflict_do_update(
            index_elements=["record_id"], set_={name: made.excluded[name] for name in FIGURES}, where=differs
        )
    )


def deductions(figures: Any) -> list[rules.Deduction]:
    """Returns a customer's deductions with the figures behind them; `figures` has `FIGURES` as attributes."""
    score: Decimal | None = figures.payment_behaviour
    if score is None:
        return []
    trend = figures.days_late_trend
    return [
        rules.Deduction(
            CreditReasonCode.LATE_PAYMENT,
            figures.lateness_deduction,
            f"{figures.average_days_late} days late on average in {figures.payment_invoices} invoices",
        ),
        rules.Deduction(
            CreditReasonCode.FULL_TERM_USED,
            figures.term_deduction,
            f"{figures.term_used} % of the payment term used on average",
        ),
        rules.Deduction(
            CreditReasonCode.DISPUTED_INVOICES,
            figures.dispute_deduction,
            f"{figures.disputed_share} % of the amount is disputed",
        ),
        rules.Deduction(CreditReasonCode.WORSENING_PAYMENT, figures.trend_deduction, f"{trend} days later than before"),
    ]
