"""Value tiering: customers ranked by the value they bring, and what follows from it (T)."""

import random
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from itertools import chain

from guanxi import (
    Action,
    Changes,
    Context,
    Field,
    Job,
    Panel,
    Permission,
    Plugin,
    PluginOperation,
    Record,
    UserError,
    UserRole,
    hookimpl,
)
from guanxi.records import Customer
from plugins.value_tiering.assessment.fields import assessment_fields
from plugins.value_tiering.assessment.keeping import keep_assessments
from plugins.value_tiering.assessment.models import ValueAssessment
from plugins.value_tiering.fields import fields
from plugins.value_tiering.jobs import jobs
from plugins.value_tiering.models import VALUE, TierChange
from plugins.value_tiering.operations import ABANDONED, OPERATIONS
from plugins.value_tiering.panels import panels
from plugins.value_tiering.profile.fields import profile_fields
from plugins.value_tiering.profile.win_back import LOST, keep_losses, loss_problems
from plugins.value_tiering.ranking.classes import classify
from plugins.value_tiering.ranking.history import TIER_CHANGED
from plugins.value_tiering.ranking.measures import refresh_measures
from plugins.value_tiering.resources.checks import resource_problems
from plugins.value_tiering.resources.models import ResourceBudget, ResourceUse
from plugins.value_tiering.revenue.fields import revenue_fields
from plugins.value_tiering.sample import fill_sample
from plugins.value_tiering.service.fields import service_fields
from plugins.value_tiering.settings import ValueTieringSettings
from plugins.value_tiering.targets.checks import customers_of, purchase_warnings, settle_targets, target_problems
from plugins.value_tiering.targets.fields import target_fields
from plugins.value_tiering.targets.models import CustomerTarget, PurchaseTotal


def _touched(changes: Changes) -> set[str]:
    """The customers whose values change."""
    estimated = {change.record.id for change in changes.of("Customer") if "potentialValue" in change.after}
    return estimated | changes.ids("Transaction", "customer_id")


#: Records whose changes concern the plugin.
_WATCHED = (
    "PurchaseTotal",
    "Customer",
    "CustomerTarget",
    "ResourceBudget",
    "ResourceUse",
    "Transaction",
    "ValueAssessment",
)


class ValueTiering(Plugin):
    """Ranks customers by value and derives tiers, classes and recommendations."""

    name = "value_tiering"
    version = "1.0"
    api = ">=1,<2"
    settings = ValueTieringSettings
    reacts_to = _WATCHED
    blocks = False
    events = {  # noqa: RUF012  (as Plugin declares it)
        TIER_CHANGED: "A customer's value tier changed.",
        ABANDONED: "The abandonment of a customer was confirmed.",
        LOST: "A customer was classed as lost.",
    }

    def reacts(self, entity: str, action: Action, names: Set[str]) -> bool:
        """Of customers only what plugins keep of them counts."""
        return entity != "Customer" or not names <= Customer.__names__

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """The history of tiers, assessments, purchases and targets per year, and resources."""
        return [TierChange, ValueAssessment, PurchaseTotal, CustomerTarget, ResourceBudget, ResourceUse]

    @hookimpl
    def register_fields(self, settings: ValueTieringSettings, reporting_currency: str) -> Iterable[Field]:
        """The fields on Customer, and on the plugin's own records."""
        rooms = (
            fields(reporting_currency),
            assessment_fields(settings.assessment_weights),
            target_fields(reporting_currency),
            profile_fields(settings.loyalty_codes, settings.lost_after_days),
            service_fields(settings.service),
            revenue_fields(settings, reporting_currency),
        )
        return [replace(field, permission=VALUE) for field in chain(*rooms)]

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who sees what customers are worth: everybody but partners."""
        staff = [role for role in UserRole if role is not UserRole.PARTNER]
        return [
            Permission(VALUE, "See the value and tier of customers.", staff, events=[TIER_CHANGED, ABANDONED, LOST])
        ]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """Recompute, override, abandonment, reports, and asset values."""
        return OPERATIONS

    @hookimpl
    def register_panels(self) -> Iterable[Panel]:
        """The figures of the page."""
        return panels()

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """The end of tiers set by hand, and what is worked out for all customers once a day."""
        return jobs()

    @hookimpl
    def lock_keys(self, changes: Changes) -> Iterable[tuple[str, ...]]:
        """The customers whose measures, classes or latest assessment are worked out again, or whose class is read."""
        assessed = changes.ids("ValueAssessment", "customer_id")
        return [("customer", id) for id in _touched(changes) | assessed | customers_of(changes)]

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterator[UserError]:
        """Judges targets, purchases and resources, and asks why a customer is lost."""
        yield from target_problems(ctx, changes)
        yield from purchase_warnings(ctx, changes)
        yield from resource_problems(changes)
        yield from loss_problems(ctx, changes)

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Keeps each customer's measures and latest assessment current; tiers move on recompute only."""
        settle_targets(ctx, changes)
        keep_assessments(ctx, changes)
        keep_losses(ctx, changes)
        if buyers := changes.ids("Transaction", "customer_id"):
            refresh_measures(ctx, buyers)
        if touched := _touched(changes):
            classify(ctx, touched)

    @hookimpl
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """Ranks the customers of the demo, with an estimated potential for most."""
        fill_sample(ctx, chance)
