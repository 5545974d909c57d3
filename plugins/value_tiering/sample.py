"""Sample data: estimated potentials, profiles, tiers by rank, some tiers set by hand, and what else people enter."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from sqlmodel import col, select
from strawberry import ID

from guanxi import Context, Money
from guanxi.records import Customer
from plugins.value_tiering.jobs import compare_customers
from plugins.value_tiering.ledger_sample import fill_ledger
from plugins.value_tiering.models import CustomerValue, ValueTier
from plugins.value_tiering.operations import OverrideValueTierInput, override_value_tier
from plugins.value_tiering.profile.models import BuyerProfile, LoyaltyClass, RelationshipLevel, UsageIntensity
from plugins.value_tiering.ranking.measures import basis_of
from plugins.value_tiering.ranking.tiering import recompute

_OVERRIDES = (
    (ValueTier.MAIN, "Reference customer of its region"),
    (ValueTier.MAIN, "New group contract is agreed"),
    (ValueTier.IMPORTANT, "Requested by the board"),
)


def fill_sample(ctx: Context, chance: random.Random) -> None:
    """Estimates the potential of most customers, ranks all, and sets the tiers of a few by hand."""
    customers = ctx.session.exec(select(Customer).order_by(col(Customer.number))).all()
    values = ctx.facets(CustomerValue, [customer.id for customer in customers])
    for customer in customers:
        if chance.random() < 0.8:
            employees = customer.employee_count or 10
            amount = Decimal(employees * chance.randint(200, 2500))
            values[customer.id].potential = Money(amount, ctx.reporting_currency)
    _fill_profiles(ctx, chance, [customer.id for customer in customers])
    ctx.session.flush()
    recompute(ctx, basis_of(ctx, None, None, None))
    until = ctx.clock.today() + timedelta(days=180)
    for customer, (tier, reason) in zip(chance.sample(customers, len(_OVERRIDES)), _OVERRIDES, strict=True):
        override_value_tier(
            ctx, OverrideValueTierInput(customer_id=ID(customer.id), tier=tier, reason=reason, until=until)
        )
    fill_ledger(ctx, chance, customers)
    ctx.session.flush()
    compare_customers(ctx)


def _fill_profiles(ctx: Context, chance: random.Random, ids: Sequence[str]) -> None:
    """Says of most customers what kind of buyer they are."""
    known = [id for id in ids if chance.random() < 0.7]
    for profile in ctx.facets(BuyerProfile, known).values():
        profile.usage_intensity = chance.choice(list(UsageIntensity))
        profile.loyalty = chance.choice(list(LoyaltyClass))
        profile.relationship = chance.choice(list(RelationshipLevel))
        profile.price_sensitive, profile.early_adopter = chance.random() < 0.4, chance.random() < 0.2
        profile.refers_others, profile.strategic = chance.random() < 0.2, chance.random() < 0.1
