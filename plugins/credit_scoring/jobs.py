"""Daily jobs of credit scoring: update scores, end overrides, announce overdue reviews (C1, C3)."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, literal, select, update

from guanxi import Context, Job
from guanxi.records import Customer, Task
from plugins.credit_scoring import rules
from plugins.credit_scoring.evaluation import evaluate
from plugins.credit_scoring.models import CustomerCredit, EvaluationTrigger

REVIEW_OVERDUE = "CREDIT_REVIEW_OVERDUE"

files = CustomerCredit.__table__.c
customers = Customer.__table__.c


def jobs() -> Iterator[Job]:
    """The daily jobs."""
    yield Job(
        "evaluate_credit",
        timedelta(days=1),
        evaluate_all,
        "Scores all customers as of today, and clears risks set by hand that have expired.",
    )
    yield Job(
        "announce_credit_reviews",
        timedelta(days=1),
        announce_reviews,
        "Announces each overdue credit review once, and creates a task for the account owner.",
    )


def evaluate_all(ctx: Context) -> str:
    """Scores all customers with any data."""
    done = evaluate(ctx, EvaluationTrigger.SCHEDULED)
    return f"{done.customers} customers evaluated, {done.changed} changed risk"


def announce_reviews(ctx: Context) -> str:
    """Announces overdue reviews, each once."""
    today = literal(ctx.clock.today())
    risk = rules.holding_risk(files.scored_risk, files.override_risk, files.override_until, today)
    due = rules.next_review_on(
        func.coalesce(files.reviewed_on, files.first_evaluated_on), risk, ctx.settings.review_days
    )
    unannounced = rules.is_review_overdue(due, today), files.announced_review.is_distinct_from(due)
    overdue = ctx.session.execute(
        select(customers.id, customers.name, customers.owner_id, due.label("due"), risk.label("risk"))
        .join(CustomerCredit.__table__, files.record_id == customers.id)
        .where(
            customers.deleted_at.is_(None),
            *unannounced,
        )
        .order_by(customers.id)
    ).all()
    for customer in overdue:
        ctx.publish(REVIEW_OVERDUE, customer.id, due=customer.due, risk=customer.risk)
        if ctx.settings.review_tasks:
            subject = f"Review the credit of {customer.name}"[:300]
            ctx.session.add(
                Task(subject=subject, due_on=customer.due, customer_id=customer.id, assignee_id=customer.owner_id)
            )
    living = select(customers.id).where(customers.deleted_at.is_(None))
    ctx.session.execute(
        update(CustomerCredit.__table__).where(files.record_id.in_(living), *unannounced).values(announced_review=due)
    )
    return f"{len(overdue)} reviews announced"
