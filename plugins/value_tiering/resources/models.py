"""Budgets of resources, and their use for customers."""

from datetime import date
from decimal import Decimal

from guanxi import Money, Record, Vocabulary, column, one_living, reference, template
from guanxi.records import Customer
from plugins.value_tiering.models import VALUE
from plugins.value_tiering.years import FIRST_YEAR, LAST_YEAR


# T10
class ResourceKind(Vocabulary):
    """Kind of resource that customers take."""

    TIME = "TIME", "Hours of work."
    PEOPLE = "PEOPLE", "Person-days."
    FUNDS = "FUNDS", "Money, in the reporting currency."
    ENERGY = "ENERGY", "Attention, in a unit of your own."
    MATERIAL = "MATERIAL", "Goods and equipment, in a unit of your own."


# T10
class ResourceBudget(Record, plugin="value_tiering", prefix="rbud"):
    """What we have of a resource for all customers in a fiscal year, and its split by account class.

    The customers of a class share what it gets evenly.
    """

    __permission__ = VALUE
    __aggregates__ = False
    __order__ = (("year", True),)

    year: int = column(
        "The fiscal year, by the calendar year it begins in.", minimum=FIRST_YEAR, maximum=LAST_YEAR, index=True
    )
    kind: ResourceKind = column("The resource.", index=True)
    quantity: Decimal = column("How much there is, in the unit of its kind.", minimum=0)
    major_share: Decimal = column("Share of major accounts in percent.", default=Decimal(50), minimum=0, maximum=100)
    named_share: Decimal = column("Share of named accounts in percent.", default=Decimal(30), minimum=0, maximum=100)
    non_named_share: Decimal = column(
        "Share of non-named accounts in percent.", default=Decimal(15), minimum=0, maximum=100
    )
    mass_market_share: Decimal = column(
        "Share of the mass market in percent; the four sum to 100.", default=Decimal(5), minimum=0, maximum=100
    )


# T10, T13
class ResourceUse(Record, plugin="value_tiering", prefix="ruse"):
    """A resource spent on a customer, and what it cost us: the cost of keeping it as a customer."""

    __permission__ = VALUE
    __dated_by__ = ("used_on",)
    __order__ = (("usedOn", True),)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="resource_uses",
        inverse_description="Resources spent on it, latest first.",
        on_destroy="CASCADE",
    )
    kind: ResourceKind = column("The resource.", index=True)
    used_on: date = column("Day it was spent.", index=True, past=True)
    quantity: Decimal | None = column(
        "How much, in the unit of its kind; not for FUNDS, whose quantity is their cost.", default=None, minimum=0
    )
    cost: Money | None = column("What it cost us, if known; required for FUNDS.", default=None, minimum=0)
    note: str | None = column("What for.", default=None, max_length=1000, long=True, personal=True, permission=None)


one_living(
    ResourceBudget,
    "year",
    "kind",
    message=template("{twin} is already the budget of {kind} for {year}; change it instead"),
)
