"""Records of value tiering: the current values of each customer, their policy, and every change of tier."""

from datetime import date, datetime
from decimal import Decimal

from guanxi import Facet, Money, Record, Table, Vocabulary, column, reference
from guanxi.records import Customer
from plugins.value_tiering.settings import Measure

#: The permission without which nobody sees what customers are worth.
VALUE = "value"


# T1
class ValueTier(Vocabulary):
    """Tier of a customer by the value it brings us."""

    IMPORTANT = (
        "IMPORTANT",
        "The top 1 %: large demand, high loyalty, most of the long-term profit, not price sensitive.",
    )
    MAIN = "MAIN", "The next 19 %: heavy and medium users."
    ORDINARY = "ORDINARY", "The next 30 %: purchasing power and loyalty below key customers."
    SMALL = "SMALL", "The last 50 %: almost no profit."


class TierSource(Vocabulary):
    """Source of a customer's tier."""

    RANKED = "RANKED", "By its rank among all customers."
    MANUAL = "MANUAL", "Set by hand, with a reason."


# T6
class ValueQuadrant(Vocabulary):
    """Quadrant of current value and potential value."""

    LOW_LOW = "LOW_LOW", "Current value low, potential low.", "Low current, low potential"
    HIGH_LOW = "HIGH_LOW", "Current value high, potential low: beware of over-reliance.", "High current, low potential"
    LOW_HIGH = "LOW_HIGH", "Current value low, potential high: beware of neglect.", "Low current, high potential"
    HIGH_HIGH = "HIGH_HIGH", "Current value high, potential high.", "High current, high potential"


# T6
class ValueAlert(Vocabulary):
    """What the current and the potential value of a customer warn of."""

    OVER_RELIANCE = (
        "OVER_RELIANCE",
        "Its potential is low, and it gets more of a resource than planned.",
        "Over-reliance",
    )
    NEGLECTED_POTENTIAL = "NEGLECTED_POTENTIAL", "Its potential is high, and its contact is overdue."


# T7
class AccountClass(Vocabulary):
    """Class in the account pyramid."""

    MAJOR = "MAJOR", "Major account."
    NAMED = "NAMED", "Named account."
    NON_NAMED = "NON_NAMED", "Non-named account.", "Non-named"
    MASS_MARKET = "MASS_MARKET", "Mass market."


# T11
class AbcClass(Vocabulary):
    """Class by contribution to profit."""

    CLASS_A = "CLASS_A", "High contribution.", "Class A"
    CLASS_B = "CLASS_B", "Medium contribution.", "Class B"
    CLASS_C = "CLASS_C", "Low contribution.", "Class C"


# T5
class SmallKind(Vocabulary):
    """Kind of small customer."""

    LOW_PROFIT = "LOW_PROFIT", "It contributes little."
    LOW_CREDIT = "LOW_CREDIT", "Its credit is low: an inferior customer."


# T5
class AbandonmentReason(Vocabulary):
    """Reason for abandoning a small customer."""

    NO_PROFIT = "NO_PROFIT", "It brings no profit."
    CANNOT_PERFORM_CONTRACT = "CANNOT_PERFORM_CONTRACT", "It cannot fulfil its contracts."
    NEGATIVE_INFLUENCE = "NEGATIVE_INFLUENCE", "It has a negative influence."


class TierChangeReason(Vocabulary):
    """Why a tier changed."""

    RECOMPUTED = "RECOMPUTED", "All customers were ranked again."
    OVERRIDDEN = "OVERRIDDEN", "It was set by hand."
    OVERRIDE_CLEARED = "OVERRIDE_CLEARED", "The value set by hand was cleared."
    OVERRIDE_EXPIRED = "OVERRIDE_EXPIRED", "The value set by hand expired."


class CustomerValue(Facet, of="Customer", plugin="value_tiering"):
    """Current values of a customer. Amounts are minor units of the reporting currency."""

    revenue: int | None = column("Sum of actual amounts.", default=None, index=True)
    profit: int | None = column(
        "Lifetime profit: actual amounts minus cost, where known, of all its transactions with us.",
        default=None,
        index=True,
    )
    usage: Decimal | None = column("Sum of quantities.", default=None, scale=4, index=True)
    potential: Money | None = column("Potential value.", default=None, index=True, minimum=0)
    current: int | None = column("Current value: profit or revenue of the period ranked by.", default=None, index=True)
    ranked_value: Decimal | None = column("Value it was last ranked by.", default=None, scale=4)
    rank: int | None = column("Rank by value among all ranked customers.", default=None, index=True)
    ranked_tier: ValueTier | None = column("Tier by rank.", default=None)
    tier: ValueTier | None = column("Tier in force.", default=None, index=True)
    tier_since: date | None = column("Day since which it has been in force.", default=None, index=True)
    override_tier: ValueTier | None = column("Tier set by hand.", default=None)
    override_reason: str | None = column("Why.", default=None, long=True)
    override_by: str | None = column("By whom.", default=None, exact=True)
    override_at: datetime | None = column("When.", default=None)
    override_until: date | None = column("Last day it is in force; open-ended if null.", default=None, index=True)
    quadrant: ValueQuadrant | None = column("Quadrant of current and potential value.", default=None, index=True)
    account_class: AccountClass | None = column("Account class.", default=None, index=True)
    abc_class: AbcClass | None = column("ABC class.", default=None, index=True)
    is_key: bool | None = column("Important or main.", default=None, index=True)
    negative_influence: bool | None = column("Has a negative influence.", default=None)
    abandoned_reason: str | None = column("Reason given when abandonment was confirmed.", default=None, long=True)
    abandoned_by: str | None = column("By whom.", default=None, exact=True)
    abandoned_at: datetime | None = column("When.", default=None, index=True)
    current_score: Decimal | None = column("Current value, 0 to 100.", default=None, minimum=0, maximum=100)
    future_score: Decimal | None = column("Future value, 0 to 100.", default=None, minimum=0, maximum=100)
    creditworthiness: Decimal | None = column("Creditworthiness, 0 to 100.", default=None, minimum=0, maximum=100)
    relationship: Decimal | None = column("Relationship with us, 0 to 100.", default=None, minimum=0, maximum=100)
    publicity: Decimal | None = column("Publicity, 0 to 100.", default=None, minimum=0, maximum=100)
    brand: Decimal | None = column("Brand, 0 to 100.", default=None, minimum=0, maximum=100)
    network: Decimal | None = column("Network, 0 to 100.", default=None, minimum=0, maximum=100)
    information: Decimal | None = column("Information, 0 to 100.", default=None, minimum=0, maximum=100)
    assessed_on: date | None = column("Day of the assessment that these are of.", default=None, index=True)
    revenue_rank: int | None = column("Rank by the revenue of twelve months.", default=None, index=True)
    over_reliance: bool | None = column("Gets more resources than planned, though its potential is low.", default=None)


class Policy(Table, plugin="value_tiering"):
    """Parameters of the last recompute; one row."""

    id: int = column("Always 1.", primary_key=True)
    computed_at: datetime = column("When.")
    measure: Measure = column("Measure by which customers were ranked.")
    period_start: date | None = column("First day whose transactions count for the value.", default=None)
    period_end: date | None = column("Last day.", default=None)
    ranked: int = column("Number of customers ranked.")
    current_threshold: int | None = column("Current value from which on it counts as high.", default=None)
    potential_threshold: int | None = column("Potential value from which on it counts as high.", default=None)


class Comparison(Table, plugin="value_tiering"):
    """The last comparison of all customers, from which their ranks by revenue and over-reliance are; one row."""

    id: int = column("Always 1.", primary_key=True)
    computed_at: datetime = column("When.")


# T1
class TierChange(Record, plugin="value_tiering", prefix="tch"):
    """One change of a customer's value tier, or a tier set by hand: before, after, when, why, rank and value."""

    __permission__ = VALUE
    __order__ = (("changedAt", True),)
    __read_only__ = True
    __dated_by__ = ("changed_at",)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="tier_changes",
        inverse_description="Changes of its value tier, latest first.",
        on_destroy="CASCADE",
    )
    previous_tier: ValueTier | None = column("Previous tier; null for the first.", default=None)
    tier: ValueTier | None = column("New tier; null if it is no longer ranked.", default=None, index=True)
    reason: TierChangeReason = column("Why it changed.", index=True)
    note: str | None = column("Note entered with it.", default=None, long=True, max_length=1000)
    rank: int | None = column("Rank by value at that time.", default=None)
    measure: Measure = column("Measure by which it was ranked.")
    value: Decimal | None = column(
        "Value it was ranked by: an amount in the reporting currency, or a quantity.", default=None, scale=4
    )
    changed_at: datetime = column("When it changed.", index=True)
    changed_by: str = column("Who changed it.", exact=True)
