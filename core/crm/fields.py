"""The core's derived fields, declared like a plugin's: the core is the first plugin of its own schema."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, case, func, literal, null, or_, select
from sqlmodel import col

from core.base.money import Money
from core.base.settings import Settings
from core.crm import rules
from core.crm.activities import Task
from core.crm.customers import Contact, CustomerActivity
from core.crm.opportunities import Stage
from core.crm.people import User
from core.db.days import day_of
from core.db.sql import Expression, list_length, rounded_ratio, whole
from core.records.fields import Field, MoneyExpression, Row
from core.records.vocabulary import (
    CompanySize,
    FollowUpState,
    LifecycleStage,
    Outcome,
    ProfileSection,
    TaskStatus,
    UserRole,
)


def core_fields(settings: Settings) -> Iterator[Field]:
    """Every derived field of the core's records."""
    yield from _customer_fields(settings)
    yield from _opportunity_fields(settings)
    yield from _stage_fields()
    yield from _activity_fields()
    yield Field(
        "Transaction.profit",
        lambda row: _profit(row, settings.reporting_currency),
        "Actual amount minus cost, in the reporting currency; null if the cost is unknown.",
        Money,
    )


def _customer_fields(settings: Settings) -> Iterator[Field]:
    yield Field("Customer.firstTransactionOn", CustomerActivity.first_transaction_on, "Day of the first transaction.")
    yield Field("Customer.lastTransactionOn", CustomerActivity.last_transaction_on, "Day of the latest transaction.")
    yield Field("Customer.transactionCount", _order_count, "Number of transactions.", int, non_null=True)
    yield Field("Customer.lastInteractionAt", CustomerActivity.last_interaction_at, "Moment of the latest interaction.")
    yield Field(
        "Customer.companySize",
        lambda row: rules.company_size(
            row.employee_count, literal(settings.small_below_employees), literal(settings.large_from_employees)
        ),
        "Size by number of employees; null where that is unknown.",
        CompanySize,
    )
    yield Field(
        "Customer.lifecycleStage",
        lambda row: rules.lifecycle_stage(
            row.lifecycle_override,
            row.facet(CustomerActivity).first_transaction_on,
            row.facet(CustomerActivity).transaction_count,
            row.bind(lambda now: rules.months_before(now.date(), settings.new_for_months), date),
            row.bind(lambda now: rules.months_before(now.date(), settings.long_term_from_months), date),
        ),
        "How far the relationship has developed: set by hand, else by first transaction and number of transactions.",
        LifecycleStage,
        non_null=True,
    )
    yield Field(
        "Customer.defaultOwnerRole",
        lambda row: rules.owner_role(row.managed_level),
        "The role that owns customers of its managed level.",
        UserRole,
    )
    yield Field(
        "Customer.profileCompleteness",
        lambda row: rules.profile_completeness(_sections(row)),
        "Share of the sections of the customer's profile that are filled, in percent.",
        int,
        non_null=True,
    )
    yield Field(
        "Customer.profileGaps",
        lambda row: rules.profile_gaps(_sections(row)),
        "Sections of the customer's profile that are not filled.",
        list[ProfileSection],
        non_null=True,
    )
    yield Field(
        "Customer.isStale",
        lambda row: rules.is_stale(day_of(row.updated_at), row.as_of, literal(settings.stale_after_days)),
        "Whether it has not been changed for longer than the policy allows.",
        bool,
        non_null=True,
    )


def _order_count(row: Row) -> Expression:
    return func.coalesce(row.facet(CustomerActivity).transaction_count, 0)


def _tomorrow(now: datetime) -> datetime:
    """The moment the next day begins where the caller is."""
    return datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)


def _sections(row: Row) -> dict[ProfileSection, Expression]:
    return rules.profile_sections(
        has_industry=row.industry.is_not(None),
        has_region=row.region.is_not(None),
        is_reachable=or_(row.email.is_not(None), row.phone.is_not(None)),
        transaction_count=_order_count(row),
        need_count=list_length(row.needs),
        has_contact=row.over(Contact, "customer_id", lambda contact: func.count()) > 0,
        has_figures=or_(
            row.employee_count.is_not(None), row.total_assets.minor.is_not(None), row.annual_revenue.minor.is_not(None)
        ),
        competitor_count=list_length(row.industry_competitors),
    )


def _outcome(row: Row) -> Expression:
    return rules.outcome(row.status, row.lost_at)


def _win_probability(row: Row) -> Expression:
    # A plugin that predicts provides the field; without one it is null.
    modelled = row.other("Opportunity.modelWinProbability", Decimal)
    return rules.win_probability(_outcome(row), row.win_probability_override, modelled, row.to("stage").win_probability)


def _opportunity_fields(settings: Settings) -> Iterator[Field]:
    yield Field("Opportunity.outcome", _outcome, "Whether it is open, won or lost.", Outcome, non_null=True)
    yield Field(
        "Opportunity.winProbability",
        _win_probability,
        "Win probability in percent: 100 when won, 0 when lost, else the override, else a model's, else the stage's.",
        Decimal,
    )
    yield Field(
        "Opportunity.weightedAmount",
        lambda row: _weighted(row, settings.reporting_currency),
        "Expected amount times win probability, in the reporting currency.",
        Money,
    )
    yield Field(
        "Opportunity.stagePlannedEnd",
        lambda row: rules.planned_stage_end(day_of(row.stage_entered_at), row.to("stage").planned_duration_days),
        "Day on which its stage is planned to end, in calendar days.",
        date,
    )
    yield Field(
        "Opportunity.stageDaysOverdue",
        lambda row: case(
            (
                _outcome(row) == Outcome.OPEN.value,
                rules.days_overdue(
                    rules.planned_stage_end(day_of(row.stage_entered_at), row.to("stage").planned_duration_days),
                    row.as_of,
                ),
            ),
            else_=null(),
        ),
        "Days since the planned end of its stage, while it is open.",
        int,
    )
    yield Field(
        "Opportunity.followUpState",
        lambda row: rules.follow_up_state(
            _outcome(row), row.next_action_at, row.bind(_tomorrow, datetime, key="tomorrow")
        ),
        "Whether its next action is due; null once it is decided.",
        FollowUpState,
    )


def _weighted(row: Row, currency: str) -> MoneyExpression:
    minor = rules.weighted_amount(row.expected_amount.reporting, _win_probability(row))
    return MoneyExpression(minor, literal(currency), minor)


def _profit(row: Row, currency: str) -> MoneyExpression:
    minor = row.actual_amount.reporting - row.cost.reporting
    return MoneyExpression(minor, literal(currency), minor)


def _stage_fields() -> Iterator[Field]:
    yield Field(
        "Stage.ladderPassRate",
        _ladder_pass_rate,
        "Pass rate implied by its own and the next stage's win probability, in percent; not its preset.",
        Decimal,
    )
    yield Field(
        "Stage.passRateDifference",
        lambda row: whole(row.preset_pass_rate) - _ladder_pass_rate(row),
        "Preset pass rate minus the one the ladder implies, in percentage points.",
        Decimal,
    )


def _ladder_pass_rate(row: Row) -> Expression:
    following = (
        select(col(Stage.win_probability))
        .where(col(Stage.position) > row.position, col(Stage.deleted_at).is_(None))
        .order_by(col(Stage.position))
        .limit(1)
        .scalar_subquery()
    )
    return rules.ladder_pass_rate(row.win_probability, following)


def _activity_fields() -> Iterator[Field]:
    yield Field(
        "Task.isOverdue",
        lambda row: rules.is_task_overdue(row.status, row.due_on, row.as_of),
        "Whether it is past its due date and not done.",
        bool,
        non_null=True,
    )
    yield Field(
        "Task.isReminderDue",
        lambda row: rules.is_reminder_due(row.status, row.remind_at, row.now),
        "Whether it is not done and its reminder is due.",
        bool,
        non_null=True,
    )
    total = func.count()
    done = func.count().filter(col(Task.status) == TaskStatus.DONE)
    yield Field("Team.taskCount", lambda row: _tasks(row, total), "Number of tasks of its members.", int, non_null=True)
    yield Field(
        "Team.tasksDone",
        lambda row: _tasks(row, done),
        "Number of its members' tasks that are done.",
        int,
        non_null=True,
    )
    yield Field(
        "Team.tasksOverdue", _tasks_overdue, "Number of its members' tasks that are overdue.", int, non_null=True
    )
    yield Field(
        "Team.taskCompletion",
        lambda row: _tasks(row, rounded_ratio(done * 10_000, func.nullif(total, 0))),
        "Share of its members' tasks that are done, in percent; null without tasks.",
        Decimal,
    )


def _tasks(row: Row, value: Any) -> Expression:
    members = select(col(User.id)).where(col(User.team_id) == row.id, col(User.deleted_at).is_(None))
    living = and_(col(Task.deleted_at).is_(None), col(Task.status) != TaskStatus.CANCELLED)
    return select(value).where(living, col(Task.assignee_id).in_(members)).scalar_subquery()


def _tasks_overdue(row: Row) -> Expression:
    task: Any = Task
    overdue = rules.is_task_overdue(task.status, task.due_on, row.as_of)
    return _tasks(row, func.count().filter(overdue))
