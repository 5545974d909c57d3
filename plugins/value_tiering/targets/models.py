"""What customers buy from everybody in a year, and what we want to reach with each of them."""

from decimal import Decimal

from guanxi import Money, Record, Vocabulary, column, one_living, reference, template
from guanxi.records import Customer
from plugins.value_tiering.models import VALUE
from plugins.value_tiering.years import FIRST_YEAR, LAST_YEAR


# T8
class TargetKind(Vocabulary):
    """What a target for a customer is measured by."""

    SHARE_OF_WALLET = "SHARE_OF_WALLET", "Our share of all that it buys; the default for major and named accounts."
    ABSOLUTE_REVENUE = "ABSOLUTE_REVENUE", "The revenue from it; the default for all others."


# T9
class PurchaseTotal(Record, plugin="value_tiering", prefix="ptot"):
    """All that a customer bought of what we sell, from us and from others, in a fiscal year."""

    __permission__ = VALUE
    __aggregates__ = False
    __order__ = (("year", True),)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="purchase_totals",
        inverse_description="What it bought from everybody per year, latest first.",
        on_destroy="CASCADE",
    )
    year: int = column(
        "The fiscal year, by the calendar year it begins in.", minimum=FIRST_YEAR, maximum=LAST_YEAR, index=True
    )
    total: Money = column("All its purchases of that year, from whomever.", index=True, minimum=0)
    source: str | None = column("Where the figure comes from.", default=None, max_length=300, long=True)


# T8
class CustomerTarget(Record, plugin="value_tiering", prefix="cutg"):
    """What we want to reach with a customer in a fiscal year: a share of what it buys, or revenue."""

    __permission__ = VALUE
    __aggregates__ = False
    __order__ = (("year", True),)

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="targets",
        inverse_description="What we want to reach with it per year, latest first.",
        on_destroy="CASCADE",
    )
    year: int = column(
        "The fiscal year, by the calendar year it begins in.", minimum=FIRST_YEAR, maximum=LAST_YEAR, index=True
    )
    kind: TargetKind | None = column(
        "What it is measured by; if not given, by the customer's account class on the day it is set.",
        default=None,
        index=True,
    )
    target_share: Decimal | None = column(
        "Share of what it buys to be reached, in percent; for SHARE_OF_WALLET.",
        default=None,
        minimum=Decimal("0.01"),
        maximum=100,
    )
    target_revenue: Money | None = column(
        "Revenue to be reached; for ABSOLUTE_REVENUE.", default=None, minimum=Decimal("0.01")
    )
    note: str | None = column(
        "Why it is set like this.", default=None, max_length=1000, long=True, personal=True, permission=None
    )


_ONE_A_YEAR = template("{twin} is already that of this customer for {year}; change it instead")
one_living(PurchaseTotal, "customer_id", "year", message=_ONE_A_YEAR)
one_living(CustomerTarget, "customer_id", "year", message=_ONE_A_YEAR)
