"""The fields of a customer's profile."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import case, func, literal

from guanxi import Field, Row
from guanxi.records import Opportunity
from guanxi.rules import outcome
from guanxi.sql import Expression
from guanxi.vocabulary import LifecycleStage, Outcome
from plugins.value_tiering.models import CustomerValue
from plugins.value_tiering.profile import rules
from plugins.value_tiering.profile.models import BuyerProfile, RelationshipClass
from plugins.value_tiering.settings import LoyaltyCodes


def profile_fields(codes: LoyaltyCodes, lost_after_days: int) -> Iterator[Field]:
    """Every field of the profile (T3, T15, T18, T19, T21, X19, X20)."""
    facet = BuyerProfile
    yield Field("Customer.isPriceSensitive", facet.price_sensitive, "Whether it buys mainly by price.", writable=True)
    yield Field(
        "Customer.isEarlyAdopter", facet.early_adopter, "Whether it is willing to try new products.", writable=True
    )
    yield Field("Customer.refersOthers", facet.refers_others, "Whether it refers potential customers.", writable=True)
    yield Field("Customer.usageIntensity", facet.usage_intensity, "How much it uses of what we sell.", writable=True)
    yield Field("Customer.loyaltyClass", facet.loyalty, "Class by loyalty, as judged.", writable=True)
    yield Field(
        "Customer.loyaltyCode",
        lambda row: _code(row, codes),
        "Letter that is shown for the loyalty class, by setting.",
        str,
        group=False,
        aggregate=False,
    )
    yield Field("Customer.relationshipLevel", facet.relationship, "How closely it works with us.", writable=True)
    yield Field(
        "Customer.isStrategicAccount",
        facet.strategic,
        "Whether it is a strategic account; apart from its tier and its loyalty.",
        writable=True,
    )
    yield Field(
        "Customer.relationshipSince",
        lambda row: func.coalesce(row.customer_since, row.other("Customer.firstTransactionOn", date)),
        "First day of the relationship: as entered, else of its first transaction.",
        date,
    )
    yield from _relationship_fields(lost_after_days)


def _relationship_fields(lost_after_days: int) -> Iterator[Field]:
    facet = BuyerProfile

    def suggested(row: Row) -> Expression:
        return rules.suggested_class(
            last_bought=row.other("Customer.lastTransactionOn", date),
            lost_before=row.bind(lambda now: now.date() - timedelta(days=lost_after_days), date),
            lifecycle=row.other("Customer.lifecycleStage", LifecycleStage),
            quadrant=row.facet(CustomerValue).quadrant,
            open_deals=_deals(row, Outcome.OPEN),
            lost_deals=_deals(row, Outcome.LOST),
        )

    yield Field(
        "Customer.relationshipClass",
        facet.relationship_class,
        "Class by the cooperation with it, as judged; `lostReason` is required for LOST.",
        writable=True,
    )
    yield Field("Customer.lostReason", facet.lost_reason, "Why it was lost.", writable=True, personal=True)
    yield Field("Customer.lostOn", facet.lost_on, "Day it was classed as lost.")
    yield Field(
        "Customer.suggestedRelationshipClass",
        suggested,
        "Class that its purchases, potential and opportunities suggest; null where they suggest none.",
        RelationshipClass,
    )
    yield Field(
        "Customer.isToWinBack",
        lambda row: rules.is_to_win_back(
            row.facet(BuyerProfile).relationship_class, suggested(row), row.facet(CustomerValue).abandoned_at
        ),
        "Whether it is to be won back: lost as judged, else as suggested, and not abandoned.",
        bool,
    )


def _deals(row: Row, state: Outcome) -> Expression:
    return row.over(
        Opportunity,
        "customer_id",
        lambda deal: func.count(),
        lambda deal: outcome(deal.status, deal.lost_at) == state.value,
    )


def _code(row: Row, codes: LoyaltyCodes) -> Expression:
    letters = {name.upper(): literal(letter) for name, letter in codes.model_dump().items()}
    return case(letters, value=row.facet(BuyerProfile).loyalty)
