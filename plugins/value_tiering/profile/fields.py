"""The fields of a customer's profile."""

from collections.abc import Iterator

from sqlalchemy import case, literal

from guanxi import Field, Row
from guanxi.sql import Expression
from plugins.value_tiering.profile.models import BuyerProfile
from plugins.value_tiering.settings import LoyaltyCodes


def profile_fields(codes: LoyaltyCodes) -> Iterator[Field]:
    """Every field of the profile (T3, T15, T19, X19, X20)."""
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


def _code(row: Row, codes: LoyaltyCodes) -> Expression:
    letters = {name.upper(): literal(letter) for name, letter in codes.model_dump().items()}
    return case(letters, value=row.facet(BuyerProfile).loyalty)
