"""Follow-up: a detractor gives the owner of the account a task (S3)."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, select

from guanxi import Context
from guanxi.records import Customer, Task
from guanxi.vocabulary import Priority
from plugins.satisfaction_surveys.models import SurveyResponse
from plugins.satisfaction_surveys.rules import PASSIVE_FROM
from plugins.satisfaction_surveys.settings import SatisfactionSettings


def follow_up(ctx: Context, entered: Sequence[SurveyResponse]) -> None:
    """Creates a task for the account owner for each detractor who answered recently (S3)."""
    settings: SatisfactionSettings = ctx.settings
    today = ctx.clock.today()
    since = today - timedelta(days=settings.follow_up_within_days)
    detractors = [
        one
        for one in entered
        if one.customer_id is not None
        and one.nps_score is not None
        and one.nps_score < PASSIVE_FROM
        and one.answered_on >= since
    ]
    if not detractors or settings.follow_up_days is None:
        return
    ids = {one.customer_id for one in detractors}
    customers = {one.id: one for one in ctx.session.exec(select(Customer).where(col(Customer.id).in_(ids)))}
    tasks = [
        Task(
            subject=f"Follow up {customers[str(one.customer_id)].name}: would not recommend us ({one.nps_score} of 10)"[
                :300
            ],
            description=one.comment,
            priority=Priority.HIGH,
            due_on=today + timedelta(days=settings.follow_up_days),
            assignee_id=customers[str(one.customer_id)].owner_id,
            customer_id=one.customer_id,
            contact_id=one.contact_id,
        )
        for one in detractors
    ]
    ctx.session.add_all(tasks)
    ctx.session.flush()
    for one, task in zip(detractors, tasks, strict=True):
        one.follow_up_task_id = task.id
