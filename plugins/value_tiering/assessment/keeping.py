"""The latest assessment of each customer, kept with the customer."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from guanxi import Changes, Context
from plugins.value_tiering.assessment.models import ValueAssessment
from plugins.value_tiering.models import CustomerValue

#: What a customer's row keeps of its latest assessment.
KEPT = {
    "current_score": "current_value_score",
    "future_score": "future_value_score",
    "creditworthiness": "creditworthiness_score",
    "relationship": "relationship_score",
    "publicity": "publicity_score",
    "brand": "brand_score",
    "network": "network_score",
    "information": "information_score",
    "assessed_on": "assessed_on",
}


def keep_assessments(ctx: Context, changes: Changes) -> None:
    """Completes new assessments, and keeps the latest of each customer with the customer (T14)."""
    customers = changes.ids("ValueAssessment", "customer_id")
    if not customers:
        return
    entered: list[Any] = changes.created("ValueAssessment")
    _name_assessor(ctx, entered)
    latest, today = _keep_latest(ctx, customers), ctx.clock.today()
    unscored = [
        one
        for one in latest.values()
        if one in entered and one.assessed_on == today and one.creditworthiness_score is None
    ]
    if unscored:
        # What counts of customers without a score of their own is their credit score, if there is one.
        ctx.session.flush()
        where = {"id": {"in": sorted({one.customer_id for one in unscored})}}
        found = ctx.pages("Customer", "id effectiveCreditworthinessScore", where)
        scores = {one["id"]: one["effectiveCreditworthinessScore"] for one in found}
        for one in unscored:
            score = scores.get(one.customer_id)
            one.creditworthiness_score = None if score is None else Decimal(score)
        ctx.session.flush()
        _keep_latest(ctx, customers)


def _name_assessor(ctx: Context, entered: Collection[Any]) -> None:
    for one in entered:
        if one.assessor_id is None:
            one.assessor_id = ctx.actor.user_id


def _keep_latest(ctx: Context, customers: Collection[str]) -> dict[str, ValueAssessment]:
    place = func.row_number().over(
        partition_by=ValueAssessment.customer_id,
        order_by=[
            col(one).desc() for one in (ValueAssessment.assessed_on, ValueAssessment.created_at, ValueAssessment.id)
        ],
    )
    living = (
        select(ValueAssessment.id, place.label("place"))
        .where(col(ValueAssessment.customer_id).in_(customers), col(ValueAssessment.deleted_at).is_(None))
        .subquery()
    )
    latest = select(ValueAssessment).join(living, living.c.id == ValueAssessment.id).where(living.c.place == 1)
    known = {one.customer_id: one for one in ctx.session.exec(latest).all()}
    for id, value in ctx.facets(CustomerValue, sorted(customers)).items():
        for kept, name in KEPT.items():
            setattr(value, kept, getattr(known[id], name) if id in known else None)
    return known
