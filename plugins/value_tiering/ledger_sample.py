"""Sample data of what is kept per day and year: assessments, purchases, targets, resources, and lost customers."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from sqlmodel import select

from guanxi import Context, Money
from guanxi.records import Customer
from guanxi.vocabulary import CustomerStatus
from plugins.value_tiering.assessment.models import ValueAssessment
from plugins.value_tiering.models import AccountClass, CustomerValue
from plugins.value_tiering.profile.models import BuyerProfile, RelationshipClass
from plugins.value_tiering.resources.models import ResourceBudget, ResourceKind, ResourceUse
from plugins.value_tiering.targets.models import CustomerTarget, PurchaseTotal, TargetKind
from plugins.value_tiering.targets.rules import target_kind
from plugins.value_tiering.years import days_of, year_of

_SCORES = (
    "current_value_score",
    "future_value_score",
    "creditworthiness_score",
    "relationship_score",
    "publicity_score",
    "brand_score",
    "network_score",
    "information_score",
)
#: How much there is in a year of what is planned.
_BUDGETS = {ResourceKind.TIME: 8000, ResourceKind.PEOPLE: 1200, ResourceKind.FUNDS: 2_000_000}
_REASONS = ("A competitor was cheaper", "It was taken over", "Delivered late three times")


def fill_ledger(ctx: Context, chance: random.Random, customers: Sequence[Customer]) -> None:
    """Enters what people would have entered of these customers, once they are ranked."""
    _assess(ctx, chance, customers)
    _set_targets(ctx, chance, customers)
    _spend(ctx, chance, customers)
    _lose(ctx, chance, customers)


def _assess(ctx: Context, chance: random.Random, customers: Sequence[Customer]) -> None:
    """Judges some customers twice, half a year apart."""
    for customer in chance.sample(customers, len(customers) // 5):
        for days in (200, 20):
            day = ctx.clock.today() - timedelta(days=days)
            assessment = ValueAssessment(customer_id=customer.id, assessed_on=day, assessor_id=customer.owner_id)
            for name in _SCORES:
                setattr(assessment, name, Decimal(chance.randint(20, 100)))
            ctx.session.add(assessment)


def _set_targets(ctx: Context, chance: random.Random, customers: Sequence[Customer]) -> None:
    """Estimates what most customers bought last year and buy this year, and sets targets for this year."""
    year, currency = year_of(ctx.calendar, ctx.clock.today()), ctx.reporting_currency
    found = select(CustomerValue.record_id, CustomerValue.account_class, CustomerValue.revenue)
    known = {id: (class_, revenue) for id, class_, revenue in ctx.session.exec(found).all()}
    for customer in customers:
        class_, revenue = known.get(customer.id, (None, None))
        if not revenue or chance.random() < 0.4:
            continue
        usual = Money.from_minor(revenue, currency).amount
        total = Decimal(round(usual * Decimal(chance.uniform(0.6, 8)), -3)) + 1000
        for of_year in (year - 1, year):
            ctx.session.add(
                PurchaseTotal(customer_id=customer.id, year=of_year, total=Money(total, currency), source="Estimated")
            )
        kind = target_kind(None if class_ is None else AccountClass(class_))
        target = CustomerTarget(customer_id=customer.id, year=year, kind=kind)
        if kind is TargetKind.SHARE_OF_WALLET:
            target.target_share = Decimal(chance.choice([15, 20, 30, 40]))
        else:
            target.target_revenue = Money(Decimal(round(usual * Decimal(chance.uniform(0.2, 0.6)), -2)) + 100, currency)
        ctx.session.add(target)


def _spend(ctx: Context, chance: random.Random, customers: Sequence[Customer]) -> None:
    """Budgets resources for this year, and spends them on a part of the customers, this year and last."""
    today = ctx.clock.today()
    year = year_of(ctx.calendar, today)
    first, _ = days_of(ctx.calendar, year)
    for kind, quantity in _BUDGETS.items():
        ctx.session.add(ResourceBudget(year=year, kind=kind, quantity=Decimal(quantity)))
    for customer in chance.sample(customers, len(customers) // 3):
        for days in (10, 400):
            kind = chance.choice(list(_BUDGETS))
            hours = Decimal(chance.randint(1, 40))
            ctx.session.add(
                ResourceUse(
                    customer_id=customer.id,
                    kind=kind,
                    used_on=max(today - timedelta(days=days), first) if days == 10 else today - timedelta(days=days),
                    quantity=None if kind is ResourceKind.FUNDS else hours,
                    cost=Money(hours * 300, ctx.reporting_currency),
                )
            )


def _lose(ctx: Context, chance: random.Random, customers: Sequence[Customer]) -> None:
    """Classes some customers by the cooperation with them, and former ones as lost."""
    former = [customer.id for customer in customers if customer.status is CustomerStatus.FORMER]
    present = [customer.id for customer in customers if customer.status is CustomerStatus.ACTIVE]
    for profile in ctx.facets(BuyerProfile, chance.sample(former, len(former) // 2)).values():
        profile.relationship_class, profile.lost_reason = RelationshipClass.LOST, chance.choice(_REASONS)
        profile.lost_on = ctx.clock.today() - timedelta(days=chance.randint(30, 300))
    for profile in ctx.facets(BuyerProfile, chance.sample(present, len(present) // 3)).values():
        profile.relationship_class = chance.choice([RelationshipClass.COOPERATIVE, RelationshipClass.GROWTH])
