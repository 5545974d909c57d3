"""The customer's side: customers, their teams on our side, their contacts (K1, K2, K5, K6, K11, K21, K24, K25)."""

from datetime import date, datetime

from core.base.money import Money
from core.base.sentences import template
from core.crm.people import User
from core.records.columns import column, reference
from core.records.forms import EMAIL, LINK, NAME, PERSON_NAME, PHONE
from core.records.record import Facet, Record
from core.records.uniqueness import one_living
from core.records.vocabulary import (
    AccountRelation,
    Attitude,
    BuyingRole,
    Channel,
    CustomerKind,
    CustomerStatus,
    LifecycleStage,
    ManagedLevel,
    Seniority,
)


class Customer(Record, prefix="cus"):
    """An organisation or person we sell to or want to sell to; also called account or company."""

    __merges__ = True
    __search__ = ("name", "legal_name", "number", "email", "phone")

    # Personal where the customer is a person; everybody who sees a customer sees how to reach it.
    name: str = column(
        "Name the customer is known by.", max_length=300, index=True, form=NAME, personal=True, permission=None
    )
    legal_name: str | None = column("Registered name.", default=None, max_length=300, personal=True, permission=None)
    number: str | None = column("Customer number in our own books.", default=None, max_length=64, index=True)
    kind: CustomerKind = column("Company or individual.", default=CustomerKind.COMPANY)
    status: CustomerStatus = column("State of the relationship.", default=CustomerStatus.PROSPECT, index=True)
    # T24
    industry: str | None = column("Industry.", default=None, max_length=100, index=True, shared=True)
    region: str | None = column("Region.", default=None, max_length=100, index=True, shared=True)
    country: str | None = column("Country.", default=None, max_length=100, index=True, shared=True)
    city: str | None = column("City.", default=None, max_length=100, personal=True, permission=None, shared=True)
    postal_code: str | None = column(
        "Postal code.", default=None, max_length=32, exact=True, personal=True, permission=None, shared=True
    )
    street: str | None = column(
        "Street and number.", default=None, max_length=300, long=True, personal=True, permission=None
    )
    email: str | None = column(
        "General e-mail address.",
        default=None,
        max_length=320,
        form=EMAIL,
        index=True,
        personal=True,
        permission=None,
    )
    phone: str | None = column(
        "General telephone number.",
        default=None,
        max_length=40,
        form=PHONE,
        personal=True,
        permission=None,
    )
    website: str | None = column(
        "Website address.", default=None, max_length=500, form=LINK, personal=True, permission=None
    )
    tax_id: str | None = column(
        "Tax or registration number.", default=None, max_length=64, exact=True, personal=True, permission=None
    )
    founded_year: int | None = column("Year founded.", default=None, minimum=1000, maximum=9999, past=True)
    employee_count: int | None = column("Number of employees.", default=None, minimum=0, index=True)
    total_assets: Money | None = column("Total assets.", default=None, minimum=0)
    annual_revenue: Money | None = column("The customer's own annual revenue.", default=None, index=True, minimum=0)
    managed_level: ManagedLevel | None = column(
        "Administrative level at which the account is managed.", default=None, index=True
    )
    account_relation: AccountRelation = column(
        "Whether the account is continuing or to be developed.", default=AccountRelation.UNSPECIFIED
    )
    lifecycle_override: LifecycleStage | None = column(
        "Lifecycle stage set by hand, which overrides the rule.", default=None
    )
    customer_since: date | None = column("First day of the relationship, if known.", default=None, past=True)
    needs: list[str] = column("Product and business needs.", default_factory=list)
    preferences: list[str] = column("Preferences.", default_factory=list, personal=True, permission=None)
    interests: list[str] = column("Interests.", default_factory=list, personal=True, permission=None)
    industry_competitors: list[str] = column("The customer's own competitors in its industry.", default_factory=list)
    payment_terms_days: int | None = column(
        "Payment term: days until an invoice is due.", default=None, minimum=0, maximum=3650
    )
    do_not_contact: bool = column("Whether marketing contact is ruled out.", default=False)
    description: str | None = column(
        "Other notes.", default=None, max_length=20_000, long=True, personal=True, permission=None
    )
    owner_id: str | None = reference(
        User,
        "The account owner.",
        inverse="customers",
        inverse_description="Customers this person owns.",
        default=None,
        on_destroy="SET NULL",
    )
    team_id: str | None = reference(
        "Team",
        "The team responsible for the customer.",
        inverse="customers",
        inverse_description="Customers the team is responsible for.",
        default=None,
        on_destroy="SET NULL",
    )
    parent_id: str | None = reference(
        "Customer",
        "The group or head office it belongs to.",
        inverse="subsidiaries",
        inverse_description="Customers that belong to it.",
        default=None,
        on_destroy="SET NULL",
    )
    referred_by_id: str | None = reference(
        "Customer",
        "The customer who recommended us.",
        inverse="referrals",
        inverse_description="Customers it recommended us to.",
        default=None,
        on_destroy="SET NULL",
    )


# K12, T22
class CustomerActivity(Facet, of="Customer"):
    """Figures on a customer's transactions and interactions, kept current by the core."""

    first_transaction_on: date | None = column("Day of the first transaction.", default=None, index=True)
    last_transaction_on: date | None = column("Day of the latest transaction.", default=None, index=True)
    transaction_count: int = column("Number of transactions.", default=0, index=True)
    last_interaction_at: datetime | None = column("Moment of the latest interaction.", default=None, index=True)


# K24
class AccountTeamMember(Record, prefix="cmb"):
    """A member of the account team: one of our people who work with a customer, apart from its owner."""

    __shares__ = "customer"

    customer_id: str = reference(
        Customer,
        "The customer.",
        inverse="account_team",
        inverse_description="The account team: our people who work with the customer.",
        on_destroy="CASCADE",
    )
    user_id: str = reference(
        User,
        "The person.",
        inverse="account_team_memberships",
        inverse_description="Account teams the person is in.",
        on_destroy="CASCADE",
    )
    role: str | None = column("The person's role for the customer.", default=None, max_length=100)
    region: str | None = column("Region the person covers.", default=None, max_length=100)
    category: str | None = column("Product category the person covers.", default=None, max_length=100)
    is_old_twin: bool | None = column(
        "True where there was an older one of its kind before only one could be.", default=None, internal=True
    )


one_living(
    AccountTeamMember,
    "customer_id",
    "user_id",
    message=template("{twin} is the membership of {user_id} in this team already; change that one"),
)


# K5
class Contact(Record, prefix="con"):
    """A person on the customer's side."""

    __of_one_customer__ = ("customer_id", "reports_to_id")
    __merges__ = True
    __search__ = ("name", "email", "phone", "mobile_phone")

    # Whoever sees a contact knows who it is.
    name: str = column("Full name.", max_length=200, index=True, form=PERSON_NAME, personal=True, permission=None)
    customer_id: str | None = reference(
        Customer,
        "The customer the person belongs to.",
        inverse="contacts",
        inverse_description="People on the customer's side.",
        default=None,
        on_destroy="SET NULL",
    )
    job_title: str | None = column("Job title.", default=None, max_length=200)
    department: str | None = column("Department.", default=None, max_length=200)
    seniority: Seniority | None = column("Seniority in the customer's organisation.", default=None, index=True)
    buying_role: BuyingRole | None = column("Role in purchases.", default=None, index=True)
    attitude: Attitude | None = column("The person's attitude towards us.", default=None, index=True)
    is_on_buying_committee: bool = column(
        "Whether the person sits on the buying committee, regardless of seniority.", default=False
    )
    reports_to_id: str | None = reference(
        "Contact",
        "The person's superior.",
        inverse="reports",
        inverse_description="People who report to this person.",
        default=None,
        on_destroy="SET NULL",
    )
    preferred_channel: Channel | None = column("Channel the person prefers.", default=None, index=True)
    email: str | None = column("E-mail address.", default=None, max_length=320, form=EMAIL, index=True, personal=True)
    phone: str | None = column(
        "Telephone number.",
        default=None,
        max_length=40,
        form=PHONE,
        personal=True,
    )
    mobile_phone: str | None = column(
        "Number for text messages.",
        default=None,
        max_length=40,
        form=PHONE,
        personal=True,
    )
    street: str | None = column("Street and number.", default=None, max_length=300, long=True, personal=True)
    postal_code: str | None = column(
        "Postal code.", default=None, max_length=32, exact=True, personal=True, shared=True
    )
    city: str | None = column("City.", default=None, max_length=100, personal=True, shared=True)
    region: str | None = column("Region.", default=None, max_length=100, personal=True, shared=True)
    country: str | None = column("Country.", default=None, max_length=100, personal=True, shared=True)
    social_profile: str | None = column(
        "Social media address.", default=None, max_length=300, exact=True, personal=True
    )
    chat_handle: str | None = column("Online chat name.", default=None, max_length=200, exact=True, personal=True)
    language: str | None = column("Language to write in.", default=None, max_length=35, exact=True)
    birth_date: date | None = column("Date of birth.", default=None, personal=True, past=True)
    preferences: list[str] = column("Preferences.", default_factory=list, personal=True)
    interests: list[str] = column("Interests and hobbies.", default_factory=list, personal=True)
    do_not_contact: bool = column("Whether marketing contact is ruled out.", default=False)
    description: str | None = column("Other notes.", default=None, max_length=20_000, long=True, personal=True)
    owner_id: str | None = reference(
        User,
        "The contact owner.",
        inverse="contacts",
        inverse_description="Contacts this person owns.",
        default=None,
        on_destroy="SET NULL",
    )
