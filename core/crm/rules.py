"""The business rules of the core: pure functions, cited by the ids of the domain.

A rule that SQL needs is a function from expressions to an expression, so that it is written once: fields, filters,
orders and groups all use it, and its worked examples run on both engines.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import and_, case, func, literal, null, or_

from core.base.money import Money
from core.base.sentences import sentence
from core.db.sql import Expression, add_days, days_between, names_where, rounded_ratio, whole
from core.records.vocabulary import (
    CompanySize,
    FollowUpState,
    LifecycleStage,
    ManagedLevel,
    OpportunityStatus,
    Outcome,
    ProfileSection,
    TaskStatus,
    UserRole,
)

#: Statuses in which an opportunity is undecided (O19).
OPEN_STATUSES = (OpportunityStatus.DRAFT, OpportunityStatus.DISPATCHED, OpportunityStatus.FOLLOWING)
#: Statuses that only an opportunity that was won may have (X3).
WON_STATUSES = (OpportunityStatus.WON, OpportunityStatus.EXECUTING)

#: Statuses in which somebody handles an opportunity (O19).
OWNED_STATUSES = (OpportunityStatus.DISPATCHED, OpportunityStatus.FOLLOWING, OpportunityStatus.EXECUTING)

#: By how much the clocks of those who send moments may be ahead.
_CLOCKS_DIFFER = timedelta(minutes=5)

#: From which status an opportunity may pass to which (O19). Reopening leads back to FOLLOWING.
STATUS_STEPS: Mapping[OpportunityStatus, tuple[OpportunityStatus, ...]] = {
    OpportunityStatus.DRAFT: (
        OpportunityStatus.DISPATCHED,
        OpportunityStatus.FOLLOWING,
        OpportunityStatus.WON,
        OpportunityStatus.LOST,
    ),
    OpportunityStatus.DISPATCHED: (
        OpportunityStatus.DRAFT,
        OpportunityStatus.FOLLOWING,
        OpportunityStatus.WON,
        OpportunityStatus.LOST,
    ),
    OpportunityStatus.FOLLOWING: (
        OpportunityStatus.DISPATCHED,
        OpportunityStatus.WON,
        OpportunityStatus.LOST,
    ),
    OpportunityStatus.WON: (OpportunityStatus.EXECUTING, OpportunityStatus.CLOSED, OpportunityStatus.FOLLOWING),
    OpportunityStatus.EXECUTING: (OpportunityStatus.CLOSED, OpportunityStatus.FOLLOWING),
    OpportunityStatus.LOST: (OpportunityStatus.CLOSED, OpportunityStatus.FOLLOWING),
    OpportunityStatus.CLOSED: (OpportunityStatus.FOLLOWING,),
}

#: Who owns a customer of a level unless someone else is named (T20).
OWNER_ROLES: Mapping[ManagedLevel, UserRole] = {
    ManagedLevel.NATIONAL: UserRole.INDUSTRY_MANAGER,
    ManagedLevel.PROVINCIAL: UserRole.INDUSTRY_MANAGER,
    ManagedLevel.MUNICIPAL: UserRole.ACCOUNT_MANAGER,
    ManagedLevel.COUNTY: UserRole.ACCOUNT_MANAGER,
    ManagedLevel.GRID: UserRole.GRID_MANAGER,
}


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day where it is shorter."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    month += 1
    last = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
    return date(year, month, min(day.day, last))


def company_size(employees: Expression, small_below: Expression, large_from: Expression) -> Expression:
    """Size by number of employees; null where that is unknown (T23)."""
    return case(
        (employees.is_(None), null()),
        (employees < small_below, CompanySize.SMALL_MICRO.value),
        (employees < large_from, CompanySize.MEDIUM.value),
        else_=CompanySize.LARGE.value,
    )


def lifecycle_stage(
    override: Expression,
    first_transaction_on: Expression,
    transaction_count: Expression,
    new_since: Expression,
    long_term_until: Expression,
) -> Expression:
    """How far the relationship has developed (T22).

    Args:
        override: the stage set by hand, or null.
        first_transaction_on: day of the first transaction, or null.
        transaction_count: number of transactions.
        new_since: as-of date minus the months a customer is new; a customer with a later first transaction is new.
        long_term_until: as-of date minus the months after which a customer is long-term.
    """
    return case(
        (override.is_not(None), override),
        (first_transaction_on.is_(None), LifecycleStage.POTENTIAL.value),
        (first_transaction_on <= long_term_until, LifecycleStage.LONG_TERM.value),
        (and_(first_transaction_on <= new_since, transaction_count >= 2), LifecycleStage.STABLE.value),
        else_=LifecycleStage.NEW.value,
    )


def owner_role(level: Expression) -> Expression:
    """The role that owns a customer of a managed level (T20); null without a level."""
    return case({level_.value: role.value for level_, role in OWNER_ROLES.items()}, value=level, else_=null())


def profile_sections(
    *,
    has_industry: Expression,
    has_region: Expression,
    is_reachable: Expression,
    transaction_count: Expression,
    need_count: Expression,
    has_contact: Expression,
    has_figures: Expression,
    competitor_count: Expression,
) -> dict[ProfileSection, Expression]:
    """Which sections of a customer's profile are filled (K2): a condition each, never null."""
    return {
        ProfileSection.BASIC: and_(has_industry, has_region, is_reachable),
        ProfileSection.USAGE: or_(func.coalesce(transaction_count, 0) > 0, need_count > 0),
        ProfileSection.ORGANISATION: has_contact,
        ProfileSection.BUSINESS: has_figures,
        ProfileSection.COMPETITION: competitor_count > 0,
    }


def profile_completeness(sections: Mapping[ProfileSection, Expression]) -> Expression:
    """Filled sections in percent of all (K2): 4 of 5 are 80."""
    filled: Expression = literal(0)
    for section in sections.values():
        filled = filled + case((section, 1), else_=0)
    return filled * 100 // len(sections)


def profile_gaps(sections: Mapping[ProfileSection, Expression]) -> Expression:
    """The sections that are not filled, as a JSON list (K2)."""
    return names_where([(section.value, ~filled) for section, filled in sections.items()])


def is_stale(updated_on: Expression, as_of: Expression, stale_after_days: Expression) -> Expression:
    """Whether a record has not been changed for longer than the policy allows (K3)."""
    return days_between(as_of, updated_on) > stale_after_days


def outcome(status: Expression, lost_at: Expression) -> Expression:
    """The outcome of an opportunity: a closed one was won unless it was lost before (O19, X3)."""
    return case(
        (status.in_([step.value for step in OPEN_STATUSES]), Outcome.OPEN.value),
        (status.in_([step.value for step in WON_STATUSES]), Outcome.WON.value),
        (status == OpportunityStatus.LOST.value, Outcome.LOST.value),
        (lost_at.is_not(None), Outcome.LOST.value),
        else_=Outcome.WON.value,
    )


def win_probability(outcome: Expression, override: Expression, modelled: Expression, preset: Expression) -> Expression:
    """Win probability in hundredths of a percent.

    100 when won, 0 when lost, else the override, else a model's, else the stage's; 0 is a value (O1, X3).
    """
    return case(
        (outcome == Outcome.WON.value, 10_000),
        (outcome == Outcome.LOST.value, 0),
        else_=func.coalesce(whole(override), whole(modelled), whole(preset)),
    )


def weighted_amount(minor: Expression, win_probability: Expression) -> Expression:
    """Expected amount times win probability, in minor units, rounded half up (F9)."""
    return rounded_ratio(minor * win_probability, literal(10_000))


def planned_stage_end(entered_on: Expression, planned_duration_days: Expression) -> Expression:
    """The day a stage is planned to end, in calendar days (O2, X30)."""
    return add_days(entered_on, planned_duration_days)


def days_overdue(due_on: Expression, as_of: Expression) -> Expression:
    """Days since something was due; null before, and where nothing is due."""
    return case((due_on < as_of, days_between(as_of, due_on)), else_=null())


def follow_up_state(outcome: Expression, next_action_at: Expression, tomorrow: Expression) -> Expression:
    """Whether an open opportunity's next action is due (O25), before the next day begins; null once it is decided."""
    return case(
        (outcome != Outcome.OPEN.value, null()),
        (next_action_at.is_(None), FollowUpState.NO_NEXT_ACTION.value),
        (next_action_at < tomorrow, FollowUpState.DUE.value),
        else_=FollowUpState.NOT_DUE.value,
    )


def is_task_overdue(status: Expression, due_on: Expression, as_of: Expression) -> Expression:
    """Whether a task that is still to be done should have been done before the day (O30)."""
    pending = status.in_([TaskStatus.OPEN.value, TaskStatus.IN_PROGRESS.value])
    return case((and_(pending, due_on < as_of), True), else_=False)


def is_reminder_due(status: Expression, remind_at: Expression, now: Expression) -> Expression:
    """Whether the assignee of a task that is still to be done is to be reminded (O27)."""
    pending = status.in_([TaskStatus.OPEN.value, TaskStatus.IN_PROGRESS.value])
    return case((and_(pending, remind_at <= now), True), else_=False)


def ladder_pass_rate(probability: Expression, next_probability: Expression) -> Expression:
    """The pass rate that two steps of the ladder imply, in hundredths of a percent: 50 before 75 is 66.67 (X4)."""
    return rounded_ratio(whole(probability) * 10_000, func.nullif(whole(next_probability), 0))


def status_step_problem(before: OpportunityStatus | None, after: OpportunityStatus) -> str | None:
    """Why an opportunity may not pass from one status to another, or None where it may (O19)."""
    if before is None or before == after or after in STATUS_STEPS[before]:
        return None
    return sentence(
        "an opportunity that is {before} cannot become {after}; it may become {allowed}",
        before=before,
        after=after,
        allowed=list(STATUS_STEPS[before]),
    )


def status_of_owner(status: OpportunityStatus, *, has_owner: bool) -> OpportunityStatus:
    """The status of an opportunity whose owner changes (O19): a draft is followed once somebody owns it.

    One that was dispatched to somebody is a draft again without an owner.
    """
    if has_owner and status is OpportunityStatus.DRAFT:
        return OpportunityStatus.FOLLOWING
    if not has_owner and status is OpportunityStatus.DISPATCHED:
        return OpportunityStatus.DRAFT
    return status


def cycle_problem(id: str, parent: str | None, parent_of: Callable[[str], str | None]) -> str | None:
    """Why a chain of parents or superiors is refused: it leads back to where it began (K6).

    Args:
        id: the record.
        parent: its new parent.
        parent_of: gives the parent of any other record.
    """
    way = [id]
    while parent is not None:
        way.append(parent)
        if parent == id:
            return sentence("the chain would lead back to where it began: {way}", way=" → ".join(way))
        if parent in way[:-1]:
            return None
        parent = parent_of(parent)
    return None


def future_problem(value: date | int, as_of: datetime, today: date) -> str | None:
    """Why a day, a moment or a year of something that has happened is refused: it is in the future.

    A day that has not begun for the business may have begun elsewhere, so tomorrow is accepted; and clocks differ by
    minutes.

    Args:
        value: of which it is asked.
        as_of: the moment.
        today: the business day of that moment.
    """
    if isinstance(value, int):
        return (
            sentence("{value} is in the future; give {year} or an earlier year", value=value, year=today.year)
            if value > today.year
            else None
        )
    if isinstance(value, datetime):
        late = value > as_of + _CLOCKS_DIFFER
        return sentence("{value} is in the future; give a moment that is past", value=value) if late else None
    return (
        sentence("{value} is in the future; give {today} or an earlier day", value=value, today=today)
        if value > today + timedelta(days=1)
        else None
    )


def negative_problem(amount: Money) -> str | None:
    """What is implausible about an amount of a transaction: it is negative, as only a correction is."""
    return (
        sentence("{amount} is negative, which only a credit note or correction is", amount=amount)
        if amount.minor < 0
        else None
    )


def discount_problem(gross: Money, actual: Money) -> str | None:
    """What is implausible about an amount before discount: less was to be paid than was earned."""
    if gross.currency != actual.currency or abs(gross.amount) >= abs(actual.amount):
        return None
    return sentence("{gross} before discount is less than the {actual} after it", gross=gross, actual=actual)


def early_problem(day: date, first: date, what: str) -> str | None:
    """What is implausible about a day: it is before the one it has to follow.

    Args:
        day: of which it is asked.
        first: the earliest plausible one.
        what: what happened on that day.
    """
    return sentence("{day} is before {first}, when {what}", day=day, first=first, what=what) if day < first else None


def other_customer_problem(customer: str, field: str, other: str) -> str | None:
    """Why two records may not refer to each other: they are of different customers (K6, K12, F6).

    Args:
        customer: of the one.
        field: that leads to the other.
        other: its customer.
    """
    if customer == other:
        return None
    return sentence(
        "it leads to customer {customer}, but {field} to {other}; give records of one customer",
        customer=customer,
        field=field,
        other=other,
    )


def winning_problem(*, wins: bool, win_probability: Decimal) -> str | None:
    """Why a stage is refused: what it wins is won, so its win probability is 100 % (O1, X3)."""
    if not wins or win_probability == 100:
        return None
    return sentence(
        "{win_probability} % is not possible for a stage that wins; give 100, or wins false",
        win_probability=win_probability,
    )


def ladder_doubts(
    *, win_probability: Decimal, before: Decimal | None, after: Decimal | None, has_winning: bool
) -> Iterator[tuple[str, str]]:
    """What is implausible about a stage in the ladder (O1): field and message.

    Args:
        win_probability: of the stage, in percent.
        before, after: of the stage before and after it; None where there is none.
        has_winning: whether any stage wins.
    """
    if before is not None and win_probability < before:
        yield (
            "win_probability",
            sentence(
                "{win_probability} % is less than the {before} % of the stage before it",
                win_probability=win_probability,
                before=before,
            ),
        )
    if after is not None and win_probability > after:
        yield (
            "win_probability",
            sentence(
                "{win_probability} % is more than the {after} % of the stage after it",
                win_probability=win_probability,
                after=after,
            ),
        )
    if not has_winning:
        yield "wins", sentence("no stage wins any longer; opportunities are only won by setting their status")
