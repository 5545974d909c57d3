"""The report on resources: what was planned for each class of customers, and what they got."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import BigInteger, case, func, select

from guanxi import Context, Money, Reject, UserError, query, sentence
from guanxi.records import Customer
from plugins.value_tiering.models import VALUE, AccountClass, CustomerValue
from plugins.value_tiering.ranking.measures import customers, values
from plugins.value_tiering.resources import rules
from plugins.value_tiering.resources.models import ResourceBudget, ResourceKind
from plugins.value_tiering.resources.reliance import PARTS, budgets_of, used
from plugins.value_tiering.rules import percent
from plugins.value_tiering.years import FIRST_YEAR, LAST_YEAR

_NOTHING = Decimal("0.00")


@strawberry.type
class ResourceOfClass:
    """What the customers of an account class were to get of a resource, and got."""

    account_class: AccountClass | None = strawberry.field(description="The class; null for customers without one.")
    customers: int = strawberry.field(description="Number of customers in it.")
    planned: Decimal | None = strawberry.field(description="What was planned for them; null without a budget.")
    planned_each: Decimal | None = strawberry.field(description="What was planned for each; null without customers.")
    planned_share: Decimal | None = strawberry.field(description="Their share of the budget, in percent.")
    used: Decimal = strawberry.field(description="What they got.")
    used_each: Decimal | None = strawberry.field(description="What each got on average; null without customers.")
    used_share: Decimal | None = strawberry.field(description="Their share of all that was used, in percent.")


@strawberry.type
class ResourceReport:
    """A resource in a year: its budget and use, in all and by account class, in the unit of its kind."""

    kind: ResourceKind = strawberry.field(description="The resource.")
    budget: Decimal | None = strawberry.field(description="How much there is; null without a budget.")
    used: Decimal = strawberry.field(description="How much was used.")
    share_of_key_customers: Decimal | None = strawberry.field(
        description="What key customers got in percent of all that was used; up to 80 is typical."
    )
    classes: list[ResourceOfClass] = strawberry.field(description="The same by account class, the highest first.")


@strawberry.type
class ResourceReports:
    """Plan and use of resources, with the number of customers that call for another plan."""

    resources: list[ResourceReport] = strawberry.field(description="The resources with a budget, or used.")
    over_reliance: int = strawberry.field(
        description="Customers that get more than planned though their potential is low, as `isOverReliedOn` says."
    )
    neglected_potential: int = strawberry.field(
        description="Customers with a high potential that are not contacted in time, as `isPotentialNeglected` says."
    )


@query(permission=VALUE, unscoped=True)
def resource_report(
    ctx: Context,
    year: Annotated[int, strawberry.argument(description="The fiscal year, by the calendar year it begins in.")],
) -> ResourceReports:
    """Reports what was planned of each resource for each account class, and what they got.

    Rules T10, X23.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = sentence(
            "year: {year} is not between {first_year} and {last_year}; give such a year",
            year=year,
            first_year=FIRST_YEAR,
            last_year=LAST_YEAR,
        )
        raise Reject(UserError("INVALID", message, ("year",)))
    budgets = budgets_of(ctx, year)
    members = _members(ctx)
    taken = _taken(ctx, year)
    return ResourceReports(
        resources=[
            _report(kind, budgets.get(kind), members, taken.get(kind, {}))
            for kind in ResourceKind
            if kind in budgets or kind in taken
        ],
        over_reliance=ctx.total("Customer", {"isOverReliedOn": {"eq": True}}).count,
        neglected_potential=ctx.total("Customer", {"isPotentialNeglected": {"eq": True}}).count,
    )


def _report(
    kind: ResourceKind,
    budget: ResourceBudget | None,
    members: Mapping[AccountClass | None, int],
    taken: Mapping[AccountClass | None, tuple[Decimal, Decimal]],
) -> ResourceReport:
    """Reports on one resource; `taken` has what each class used, and of it what key customers used."""
    total = sum((all_ for all_, _ in taken.values()), _NOTHING)
    key = sum((key for _, key in taken.values()), _NOTHING)
    classes = []
    for class_ in (*AccountClass, None):
        quantity, number = taken.get(class_, (_NOTHING, _NOTHING))[0], members.get(class_, 0)
        if class_ is None and not (quantity or number):
            continue
        share = None if budget is None else _share(budget, class_)
        planned = None if budget is None or share is None else rules.planned(budget.quantity, share)
        classes.append(
            ResourceOfClass(
                account_class=class_,
                customers=number,
                planned=planned,
                planned_each=None if planned is None else rules.each(planned, number),
                planned_share=share,
                used=quantity,
                used_each=rules.each(quantity, number),
                used_share=percent(quantity, total),
            )
        )
    return ResourceReport(
        kind=kind,
        budget=None if budget is None else budget.quantity,
        used=total,
        share_of_key_customers=percent(key, total),
        classes=classes,
    )


def _share(budget: ResourceBudget, class_: AccountClass | None) -> Decimal:
    return Decimal(0) if class_ is None else getattr(budget, f"{class_.lower()}_share")


def _members(ctx: Context) -> dict[AccountClass | None, int]:
    """How many living customers each class has."""
    rows = ctx.session.execute(
        select(values.account_class, func.count())
        .select_from(_customers_with_values())
        .where(customers.deleted_at.is_(None))
        .group_by(values.account_class)
    )
    return {class_ and AccountClass(class_): number for class_, number in rows}


def _taken(ctx: Context, year: int) -> dict[ResourceKind, dict[AccountClass | None, tuple[Decimal, Decimal]]]:
    """What each class used of each resource, and of it what key customers used."""
    taken = used(ctx.calendar, year)
    total = func.sum(taken.c.quantity).cast(BigInteger)
    of_keys = func.coalesce(func.sum(case((values.is_key, taken.c.quantity))), 0).cast(BigInteger)
    rows = ctx.session.execute(
        select(taken.c.kind, values.account_class, total, of_keys)
        .select_from(_customers_with_values().join(taken, taken.c.customer_id == customers.id))
        .group_by(taken.c.kind, values.account_class)
    )
    found: dict[ResourceKind, dict[AccountClass | None, tuple[Decimal, Decimal]]] = {}
    for name, class_, all_, key in rows:
        kind = ResourceKind(name)
        of_kind = found.setdefault(kind, {})
        of_kind[class_ and AccountClass(class_)] = (_quantity(ctx, kind, all_), _quantity(ctx, kind, key))
    return found


def _customers_with_values() -> Any:
    return Customer.__table__.outerjoin(CustomerValue.__table__, values.record_id == customers.id)


def _quantity(ctx: Context, kind: ResourceKind, parts: int) -> Decimal:
    """A quantity in the unit of its kind, with two places."""
    if kind is ResourceKind.FUNDS:
        return Money.from_minor(parts // 60, ctx.reporting_currency).amount
    return rules.rounded(Decimal(parts) / PARTS)
