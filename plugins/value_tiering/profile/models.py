"""The profile of a customer, as people judge it."""

from datetime import date

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


# T18
class RelationshipClass(Vocabulary):
    """Class of a customer by where the cooperation with it stands."""

    COOPERATIVE = "COOPERATIVE", "We have worked together for long, or have key projects together."
    GROWTH = "GROWTH", "It buys little yet, and may buy much more."
    LOST = "LOST", "It went away, or never began although it meant to; it is to be won back."
    NEW = "NEW", "It has a need, and may become a customer."


class BuyerProfile(Facet, of="Customer", plugin="value_tiering"):
    """What people know of a customer as a buyer."""

    price_sensitive: bool | None = column("Buys mainly by price.", default=None)
    early_adopter: bool | None = column("Is willing to try new products.", default=None)
    refers_others: bool | None = column("Refers potential customers to us.", default=None)
    usage_intensity: UsageIntensity | None = column("How much it uses.", default=None)
    loyalty: LoyaltyClass | None = column("Class by loyalty.", default=None)
    relationship: RelationshipLevel | None = column("How closely we work together.", default=None)
    strategic: bool | None = column("A strategic account of ours.", default=None)
    relationship_class: RelationshipClass | None = column("Class by the cooperation.", default=None, index=True)
    lost_reason: str | None = column(
        "Why it was lost.", default=None, long=True, max_length=1000, personal=True, permission=None
    )
    lost_on: date | None = column("Day it was classed as lost.", default=None)
