"""The profile of a customer, as people judge it."""

from guanxi import Facet, Vocabulary, column


# T3
class UsageIntensity(Vocabulary):
    """How much a customer uses of what we sell."""

    HEAVY = "HEAVY", "A heavy user."
    MEDIUM = "MEDIUM", "A medium user."
    LIGHT = "LIGHT", "A light user."


# T19
class LoyaltyClass(Vocabulary):
    """Class of a customer by its loyalty."""

    STABLE = "STABLE", "It buys steadily."
    STRATEGIC = "STRATEGIC", "Its loyalty is of strategic weight for us."
    GENERAL = "GENERAL", "It buys, without a particular bond."
    POTENTIAL = "POTENTIAL", "It may become a customer."


# T15
class RelationshipLevel(Vocabulary):
    """How closely a customer and we work together."""

    RELATIONSHIP = "RELATIONSHIP", "We know and trust each other."
    PARTNERING = "PARTNERING", "We plan and act together."
    ALLIANCE = "ALLIANCE", "We share gains and risks for the long term."


class BuyerProfile(Facet, of="Customer", plugin="value_tiering"):
    """What people know of a customer as a buyer."""

    price_sensitive: bool | None = column("Buys mainly by price.", default=None)
    early_adopter: bool | None = column("Is willing to try new products.", default=None)
    refers_others: bool | None = column("Refers potential customers to us.", default=None)
    usage_intensity: UsageIntensity | None = column("How much it uses.", default=None)
    loyalty: LoyaltyClass | None = column("Class by loyalty.", default=None)
    relationship: RelationshipLevel | None = column("How closely we work together.", default=None)
    strategic: bool | None = column("A strategic account of ours.", default=None)
