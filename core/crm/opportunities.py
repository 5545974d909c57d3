"""Opportunities and the stages they pass (O1, O2, O5, O7, O12 to O15, O18 to O20, O25)."""

from datetime import date, datetime
from decimal import Decimal

from core.base.money import Money
from core.base.sentences import template
from core.crm.customers import Contact, Customer
from core.crm.people import User
from core.crm.sales import Product
from core.records.columns import column, reference
from core.records.forms import LINK, NAME
from core.records.record import Record
from core.records.uniqueness import one_living
from core.records.vocabulary import (
    BuyingRole,
    Directness,
    Horizon,
    LeadSource,
    LossReason,
    NeedKind,
    OpportunityCategory,
    OpportunityStatus,
    OpportunityTrigger,
    Priority,
)


# O1, O2, O5
class Stage(Record, prefix="stg"):
    """A step of the pipeline with its win probability and control parameters. Data, not code."""

    __order__ = (("position", False),)
    __plain_list__ = True

    key: str = column("Short name, such as C.", max_length=16, exact=True)
    name: str = column("Name of the stage.", max_length=100)
    position: int = column("Position in the pipeline, from 1.", minimum=1, index=True)
    win_probability: Decimal = column("Win probability in percent.", minimum=0, maximum=100)
    preset_pass_rate: Decimal | None = column(
        "Share expected to reach the next stage, in percent.", default=None, minimum=0, maximum=100
    )
    preset_win_rate: Decimal | None = column(
        "Share expected to be won from here, in percent.", default=None, minimum=0, maximum=100
    )
    planned_duration_days: int | None = column(
        "Calendar days planned for the stage.", default=None, minimum=0, maximum=3650
    )
    wins: bool = column("Whether entering the stage wins the opportunity.", default=False)
    may_win: bool = column("Whether an opportunity may be won from this stage.", default=False)
    goal: str | None = column("Goal of the stage.", default=None, max_length=1000, long=True)
    main_content: str | None = column("Main content of the work.", default=None, max_length=2000, long=True)
    diagnostic_key: str | None = column("Key question of the diagnosis.", default=None, max_length=1000, long=True)
    diagnostic_indicators: list[str] = column("Indicators the diagnosis looks at.", default_factory=list)
    verification_mark: str | None = column(
        "Evidence that the stage is complete.", default=None, max_length=1000, long=True
    )
    participant_roles: list[str] = column("Roles that take part in the stage.", default_factory=list)
    key_result: str | None = column("Key result.", default=None, max_length=1000, long=True)
    key_actions: list[str] = column("Key actions.", default_factory=list)
    is_old_twin: bool | None = column(
        "True where it shared its key with an older stage before only one could have it.", default=None, internal=True
    )


one_living(Stage, "key", message=template("{twin} is stage {key} already; choose another key"))


# O20
class Opportunity(Record, prefix="opp"):
    """A chance to sell something; also called deal."""

    __part_of__ = ("customer",)
    __dated_by__ = ("closed_on", "opened_on")
    __search__ = ("name",)

    name: str = column("Name of the opportunity.", max_length=300, index=True, form=NAME)
    description: str | None = column("Detailed description.", default=None, max_length=20_000, long=True)
    customer_id: str | None = reference(
        Customer,
        "The customer; an opportunity may have none yet.",
        inverse="opportunities",
        inverse_description="Opportunities with the customer.",
        default=None,
        on_destroy="SET NULL",
    )
    deleted_with: str | None = column(
        "The customer with which it was deleted, and with which it is restored.", default=None, internal=True
    )
    stage_id: str = reference(
        Stage,
        "Its stage in the pipeline; a new opportunity begins in the first one.",
        inverse="opportunities",
        inverse_description="Opportunities in the stage.",
        settled=True,
    )
    stage_entered_at: datetime = column("When it entered its stage.", default=None, read_only=True)
    status: OpportunityStatus = column(
        "Where its handling stands, separate from its stage.",
        default=OpportunityStatus.DRAFT,
        index=True,
    )
    owner_id: str | None = reference(
        User,
        "The opportunity owner.",
        inverse="opportunities",
        inverse_description="Opportunities this person owns.",
        default=None,
        on_destroy="SET NULL",
    )
    product_id: str | None = reference(
        Product,
        "The product it is mainly about.",
        inverse="opportunities",
        inverse_description="Opportunities mainly about the product.",
        default=None,
        on_destroy="SET NULL",
    )
    region: str | None = column("Region it belongs to.", default=None, max_length=100, index=True, shared=True)
    expected_amount: Money | None = column("Revenue expected if it is won.", default=None, index=True, minimum=0)
    budget_amount: Money | None = column("The customer's budget.", default=None, minimum=0)
    # G4
    line_count: int | None = column("Number of lines it covers.", default=None, minimum=0)
    win_probability_override: Decimal | None = column(
        "Win probability in percent set by hand; 0 is a value.", default=None, minimum=0, maximum=100
    )
    is_new_customer: bool | None = column("Whether it wins a new customer.", default=None, index=True)
    opened_on: date | None = column("Day it originated, if known.", default=None, index=True, past=True)
    expected_close_date: date | None = column("Day it is expected to close.", default=None, index=True)
    closed_on: date | None = column(
        "Day it was won or lost, regardless of what happened afterwards.", default=None, index=True, past=True
    )
    won_at: datetime | None = column(
        "When it was first won; kept when it is reopened, null once it is lost.", default=None, index=True, past=True
    )
    lost_at: datetime | None = column("When it was lost.", default=None, past=True)
    loss_reason: LossReason | None = column("Why it was lost; required when lost.", default=None, index=True)
    loss_summary: str | None = column(
        "What was learned from the loss; required when lost.", default=None, max_length=5000, long=True
    )
    lead_source: LeadSource | None = column("Source of the opportunity.", default=None, index=True)
    trigger: OpportunityTrigger | None = column("What triggered the opportunity.", default=None)
    directness: Directness | None = column("Whether the need is explicit.", default=None, index=True)
    horizon: Horizon | None = column("Time over which it pays off.", default=None, index=True)
    category: OpportunityCategory | None = column("Kind of demand.", default=None, index=True)
    priority: Priority | None = column("Its priority.", default=None, index=True)
    need_kind: NeedKind | None = column("What the customer wants.", default=None)
    needs: list[str] = column("What the customer needs, in words.", default_factory=list)
    has_budget: bool | None = column("Whether the customer has a budget.", default=None)
    accepts_price: bool | None = column("Whether the customer accepts the price.", default=None)
    recognises_value: bool | None = column("Whether the customer recognises the value.", default=None)
    competitors: list[str] = column("Competitors for this opportunity.", default_factory=list)
    attachments: list[str] = column("Links to documents.", default_factory=list, form=LINK)
    next_action: str | None = column("The next action.", default=None, max_length=1000, long=True)
    next_action_at: datetime | None = column("When the next action is due.", default=None, index=True)
    referred_by_id: str | None = reference(
        Customer,
        "The customer who recommended us.",
        inverse="referred_opportunities",
        inverse_description="Opportunities that came from its recommendation.",
        default=None,
        on_destroy="SET NULL",
    )


# O19
class OpportunityMember(Record, prefix="omb"):
    """One of our people in the virtual team of an opportunity, apart from its owner."""

    __shares__ = "opportunity"

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="members",
        inverse_description="Our people in its virtual team.",
        on_destroy="CASCADE",
    )
    user_id: str = reference(
        User,
        "The person.",
        inverse="opportunity_memberships",
        inverse_description="Virtual teams the person is in.",
        on_destroy="CASCADE",
    )
    role: str | None = column("The person's role in the team.", default=None, max_length=100)
    is_old_twin: bool | None = column(
        "True where there was an older one of its kind before only one could be.", default=None, internal=True
    )


one_living(
    OpportunityMember,
    "opportunity_id",
    "user_id",
    message=template("{twin} is the membership of {user_id} in this team already; change that one"),
)


# O7
class OpportunityContact(Record, prefix="oct"):
    """A contact's role in one opportunity; its decision makers are the key persons."""

    __part_of__ = ("opportunity",)
    __of_one_customer__ = ("opportunity_id", "contact_id")

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="contacts",
        inverse_description="Contacts who have a role in it.",
        on_destroy="CASCADE",
    )
    contact_id: str = reference(
        Contact,
        "The contact.",
        inverse="opportunity_roles",
        inverse_description="Roles the person has in opportunities.",
        on_destroy="CASCADE",
    )
    buying_role: BuyingRole | None = column("Role in this purchase.", default=None, index=True)
    is_primary: bool = column("Whether this is the primary contact.", default=False)
    since: date | None = column("Day since which the contact has the role.", default=None, past=True)
    is_old_twin: bool | None = column(
        "True where there was an older one of its kind before only one could be.", default=None, internal=True
    )


one_living(
    OpportunityContact,
    "opportunity_id",
    "contact_id",
    message=template("{twin} is the role of {contact_id} in this opportunity already; change that one"),
)
one_living(
    OpportunityContact,
    "opportunity_id",
    message=template("{twin} is the primary contact of this opportunity already; change that one first"),
    flag="is_primary",
    name="primary",
)


# O1
class StageTransition(Record, prefix="stt"):
    """One step of an opportunity from stage to stage: from, to, when, who. Written by the core, never changed."""

    __order__ = (("movedAt", False),)
    __read_only__ = True

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="transitions",
        inverse_description="Its history of stages, with dates.",
        on_destroy="CASCADE",
    )
    from_stage_id: str | None = reference(Stage, "The stage it left; null when it entered the pipeline.", default=None)
    to_stage_id: str = reference(Stage, "The stage it entered.")
    from_status: OpportunityStatus | None = column("The status before.", default=None)
    to_status: OpportunityStatus = column("The status after.")
    moved_at: datetime = column("When it happened in the business.", index=True)
    moved_by: str = column("Who moved it.", exact=True)
    reason: str | None = column("The reason, if one was given.", default=None, max_length=1000, long=True)
