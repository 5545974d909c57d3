"""Value tiering: customers ranked by the value they bring, and what follows from it (T)."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from guanxi import (
    Changes,
    Context,
    Field,
    Job,
    Permission,
    Plugin,
    PluginOperation,
    Record,
    UserRole,
    hookimpl,
)
from plugins.value_tiering.fields import fields
from plugins.value_tiering.models import VALUE, TierChange
from plugins.value_tiering.operations import ABANDONED, OPERATIONS
from plugins.value_tiering.profile.fields import profile_fields
from plugins.value_tiering.ranking.classes import classify
from plugins.value_tiering.ranking.history import TIER_CHANGED
from plugins.value_tiering.ranking.measures import refresh_measures
from plugins.value_tiering.ranking.tiering import expire_overrides
from plugins.value_tiering.revenue.fields import revenue_fields
from plugins.value_tiering.sample import fill_sample
from plugins.value_tiering.service.fields import service_fields
from plugins.value_tiering.settings import ValueTieringSettings


def _touched(changes: Changes) -> set[str]:
    """The customers whose values change."""
    estimated = {change.record.id for change in changes.of("Customer") if "potentialValue" in change.after}
    return estimated | changes.ids("Transaction", "customer_id")


class ValueTiering(Plugin):
    """Ranks customers by value and derives tiers, classes and recommendations."""

    name = "value_tiering"
    version = "1.0"
    api = ">=1,<2"
    settings = ValueTieringSettings
    reacts_to = ("Customer", "Transaction")
    events = {  # noqa: RUF012  (as Plugin declares it)
        TIER_CHANGED: "A customer's value tier changed.",
        ABANDONED: "The abandonment of a customer was confirmed.",
    }

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """The history of tiers."""
        return [TierChange]

    @hookimpl
    def register_fields(self, settings: ValueTieringSettings, reporting_currency: str) -> Iterable[Field]:
        """The fields on Customer."""
        rooms = (
            fields(settings, reporting_currency),
            profile_fields(settings.loyalty_codes),
            service_fields(settings.service),
            revenue_fields(settings, reporting_currency),
        )
        return [replace(field, permission=VALUE) for field in chain(*rooms)]

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who sees what customers are worth: everybody but partners."""
        staff = [role for role in UserRole if role is not UserRole.PARTNER]
        return [Permission(VALUE, "See the value and tier of customers.", staff, events=[TIER_CHANGED, ABANDONED])]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """Recompute, override, abandonment and the 20/80 report."""
        return OPERATIONS

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """The end of tiers set by hand."""
        yield Job(
            "expire_value_tiers",
            timedelta(days=1),
            expire_overrides,
            "Restores the tier by rank where one set by hand has expired.",
        )

    @hookimpl
    def lock_keys(self, changes: Changes) -> Iterable[tuple[str, ...]]:
        """The customers whose measures and classes are worked out again."""
        return [("customer", id) for id in _touched(changes)]

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Keeps each customer's measures current; tiers move on recompute only."""
        if buyers := changes.ids("Transaction", "customer_id"):
            refresh_measures(ctx, buyers)
        if touched := _touched(changes):
            classify(ctx, touched)

    @hookimpl
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """Ranks the customers of the demo, with an estimated potential for most."""
        fill_sample(ctx, chance)
