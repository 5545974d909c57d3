"""What we did and what is to be done: interactions and tasks (K12, O27, O30)."""

from datetime import date, datetime

from core.crm.customers import Contact, Customer
from core.crm.opportunities import Opportunity
from core.crm.people import User
from core.records.columns import column, reference
from core.records.record import Record
from core.records.vocabulary import Channel, InteractionDirection, Priority, TaskStatus


# K12
class Interaction(Record, prefix="int"):
    """An interaction with a customer: call, message, visit or meeting."""

    __part_of__ = ("customer", "opportunity")
    __of_one_customer__ = ("customer_id", "contact_id", "opportunity_id")
    __order__ = (("occurredAt", True),)

    customer_id: str | None = reference(
        Customer,
        "The customer.",
        inverse="interactions",
        inverse_description="Calls, messages, visits and meetings with the customer.",
        default=None,
        on_destroy="SET NULL",
    )
    contact_id: str | None = reference(
        Contact,
        "The person we spoke to.",
        inverse="interactions",
        inverse_description="Calls, messages, visits and meetings with the person.",
        default=None,
        on_destroy="SET NULL",
    )
    opportunity_id: str | None = reference(
        Opportunity,
        "The opportunity it was about.",
        inverse="interactions",
        inverse_description="Calls, messages, visits and meetings about it.",
        default=None,
        on_destroy="SET NULL",
    )
    user_id: str | None = reference(
        User,
        "The person on our side.",
        inverse="interactions",
        inverse_description="Interactions this person took part in.",
        default=None,
        on_destroy="SET NULL",
    )
    channel: Channel = column("How.", index=True)
    direction: InteractionDirection = column("Who initiated it.", default=InteractionDirection.OUTBOUND)
    occurred_at: datetime = column("When it took place; now if not given.", index=True, settled=True, past=True)
    duration_minutes: int | None = column("How long it took.", default=None, minimum=0, maximum=100_000)
    summary: str = column("What was said.", max_length=20_000, long=True, personal=True)
    next_step: str | None = column(
        "The agreed next step.", default=None, max_length=2000, long=True, personal=True, permission=None
    )


# O30
class Task(Record, prefix="tsk"):
    """Something one of our people has to do."""

    __part_of__ = ("customer", "opportunity")
    __of_one_customer__ = ("customer_id", "contact_id", "opportunity_id", "interaction_id")

    subject: str = column("What needs to be done.", max_length=300, index=True)
    description: str | None = column(
        "Details.", default=None, max_length=20_000, long=True, personal=True, permission=None
    )
    status: TaskStatus = column("Its status.", default=TaskStatus.OPEN, index=True)
    priority: Priority = column("Its priority.", default=Priority.MEDIUM, index=True)
    due_on: date | None = column("Due date.", default=None, index=True)
    remind_at: datetime | None = column("When to remind the assignee.", default=None, index=True)
    completed_at: datetime | None = column("When it was completed.", default=None, read_only=True)
    outcome: str | None = column(
        "The result.", default=None, max_length=5000, long=True, personal=True, permission=None
    )
    assignee_id: str | None = reference(
        User,
        "The assignee.",
        inverse="tasks",
        inverse_description="Tasks assigned to the person.",
        default=None,
        on_destroy="SET NULL",
    )
    customer_id: str | None = reference(
        Customer,
        "The customer it concerns.",
        inverse="tasks",
        inverse_description="Tasks for the customer.",
        default=None,
        on_destroy="SET NULL",
    )
    contact_id: str | None = reference(
        Contact,
        "The contact it concerns.",
        inverse="tasks",
        inverse_description="Tasks that concern the person.",
        default=None,
        on_destroy="SET NULL",
    )
    opportunity_id: str | None = reference(
        Opportunity,
        "The opportunity it concerns.",
        inverse="tasks",
        inverse_description="Tasks for the opportunity.",
        default=None,
        on_destroy="SET NULL",
    )
    interaction_id: str | None = reference(
        Interaction,
        "The interaction it follows from.",
        inverse="follow_up_tasks",
        inverse_description="Tasks that follow from it.",
        default=None,
        on_destroy="SET NULL",
    )
