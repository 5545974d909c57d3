"""What we sell, what was bought, and what currencies are worth: products, transactions, exchange rates."""

from datetime import date
from decimal import Decimal

from core.base.money import Money
from core.base.sentences import sentence, template
from core.crm.customers import Customer
from core.records.columns import column, reference
from core.records.forms import NAME
from core.records.record import Record
from core.records.uniqueness import one_living


class Product(Record, prefix="prd"):
    """Something we sell."""

    __search__ = ("name", "code")

    name: str = column("Name of the product.", max_length=200, index=True, form=NAME)
    code: str | None = column("Our item number.", default=None, max_length=64, index=True)
    series: str | None = column(
        "Series or family it belongs to.", default=None, max_length=100, index=True, shared=True
    )
    list_price: Money | None = column("Unit price before any discount.", default=None, minimum=0)
    unit: str | None = column("The unit it is sold by.", default=None, max_length=32, exact=True)
    is_active: bool = column("Whether it is currently sold.", default=True)
    description: str | None = column("What it is.", default=None, max_length=5000, long=True)


class ExchangeRate(Record, prefix="xrt"):
    """The value of one unit of a currency in the reporting currency from a day on, until the next rate."""

    __aggregates__ = False

    currency: str = column(
        "ISO 4217 code of the foreign currency.",
        max_length=3,
        pattern="[A-Z]{3}",
        hint=sentence("write three capital letters, such as USD"),
        exact=True,
        index=True,
        shared=True,
    )
    rate: Decimal = column("Units of the reporting currency for one unit.", scale=8, minimum=Decimal("0.00000001"))
    valid_from: date = column("First day the rate is used.", index=True)
    is_old_twin: bool | None = column(
        "True where there was an older one of its currency and day before only one could be.",
        default=None,
        internal=True,
    )


one_living(
    ExchangeRate,
    "currency",
    "valid_from",
    message=template("{twin} is the rate of {currency} from {valid_from} on already; change that one"),
)


# F6
class Transaction(Record, prefix="txn"):
    """Something a customer bought: the revenue that value tiers, forecasts and lifecycle are computed from."""

    __dated_by__ = ("occurred_on",)
    __of_one_customer__ = ("customer_id", "opportunity_id")

    customer_id: str = reference(
        Customer,
        "The customer who bought.",
        inverse="transactions",
        inverse_description="Transactions of the customer.",
    )
    opportunity_id: str | None = reference(
        "Opportunity",
        "The opportunity it came from.",
        inverse="transactions",
        inverse_description="Transactions that came from it.",
        default=None,
        on_destroy="SET NULL",
    )
    product_id: str | None = reference(
        Product,
        "The product that was bought.",
        inverse="transactions",
        inverse_description="Sales of the product.",
        default=None,
        on_destroy="SET NULL",
    )
    occurred_on: date = column("Date of the purchase.", index=True, past=True)
    quantity: Decimal | None = column("Quantity bought or used.", default=None, scale=4, index=True)
    gross_amount: Money | None = column("Amount before discount.", default=None)
    actual_amount: Money = column("Amount actually earned, after discount.", index=True)
    cost: Money | None = column("Our cost.", default=None)
    description: str | None = column("Notes.", default=None, max_length=2000, long=True)
