"""The closed vocabularies of the domain, each value with its meaning. Full words, never bare letters (X18)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self


class Vocabulary(StrEnum):
    """An enumeration whose values carry their descriptions: `SUPPORT = "SUPPORT", "Supports us."`.

    Pages show a value by its label, `Support`; another one comes third: `SMS = "SMS", "Text message.", "SMS", "SMS"`.
    """

    description: str
    label: str

    def __new__(cls, value: str, description: str = "", label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        member.label = label or value.replace("_", " ").capitalize()
        return member


def vocabulary(
    name: str, description: str, values: Mapping[str, str], labels: Mapping[str, str] = MappingProxyType({})
) -> type[Vocabulary]:
    """A vocabulary made while an app is built: value to its meaning, and to its label where it has one of its own."""
    make: Any = Vocabulary
    parts = {value: (value, meaning, labels.get(value, "")) for value, meaning in values.items()}
    made: type[Vocabulary] = make(name, parts)
    made.__doc__ = description
    return made


class CustomerKind(Vocabulary):
    """Kind of customer."""

    COMPANY = "COMPANY", "A company or other organisation."
    INDIVIDUAL = "INDIVIDUAL", "A person who buys for themselves."


class CustomerStatus(Vocabulary):
    """State of the customer relationship."""

    PROSPECT = "PROSPECT", "Has not bought yet."
    ACTIVE = "ACTIVE", "Buys, or is expected to buy again."
    INACTIVE = "INACTIVE", "Bought in the past and is inactive now."
    FORMER = "FORMER", "The relationship has ended."


# T22
class LifecycleStage(Vocabulary):
    """How far the customer relationship has developed."""

    POTENTIAL = "POTENTIAL", "No transaction yet."
    NEW = "NEW", "First transaction less than a year ago, or only one transaction."
    STABLE = "STABLE", "First transaction one to three years ago, and at least two transactions."
    LONG_TERM = "LONG_TERM", "First transaction three years ago or more."


# T23
class CompanySize(Vocabulary):
    """Size by employees, and by assets where a threshold is set."""

    SMALL_MICRO = "SMALL_MICRO", "Small or micro enterprise.", "Small or micro"
    MEDIUM = "MEDIUM", "Medium-sized enterprise."
    LARGE = "LARGE", "Large enterprise."


# T20, X32
class ManagedLevel(Vocabulary):
    """The administrative level at which a customer is managed. Set by hand, never derived from revenue."""

    NATIONAL = "NATIONAL", "Managed nationally."
    PROVINCIAL = "PROVINCIAL", "Managed by the province."
    MUNICIPAL = "MUNICIPAL", "Managed by the city."
    COUNTY = "COUNTY", "Managed by the county."
    GRID = "GRID", "Managed by a grid manager."


# X17
class AccountRelation(Vocabulary):
    """Whether the account is continuing or to be developed."""

    RETENTION = "RETENTION", "A continuing customer, to be retained."
    ACQUISITION = "ACQUISITION", "A customer that can be developed."
    UNSPECIFIED = "UNSPECIFIED", "Not specified."


# K2
class ProfileSection(Vocabulary):
    """The five sections of a customer's profile."""

    BASIC = "BASIC", "Basic situation: industry, region and a way to reach the customer."
    USAGE = "USAGE", "Usage: what the customer buys or needs from us."
    ORGANISATION = "ORGANISATION", "Organisation: at least one contact."
    BUSINESS = "BUSINESS", "Business information: employees, assets or revenue."
    COMPETITION = "COMPETITION", "Competition in the customer's industry."


# K5
class Seniority(Vocabulary):
    """A contact's seniority; the buying role is separate."""

    STAFF = "STAFF", "No reports."
    SUPERVISOR = "SUPERVISOR", "Leads a group."
    MANAGER = "MANAGER", "Leads a department."
    DIRECTOR = "DIRECTOR", "Leads several departments."
    VICE_PRESIDENT = "VICE_PRESIDENT", "Deputy of the head of the organisation."
    EXECUTIVE = "EXECUTIVE", "Heads the organisation."


# K5
class BuyingRole(Vocabulary):
    """A contact's role in a purchase."""

    TECHNICAL = "TECHNICAL", "Judges whether the product fits technically."
    BUSINESS = "BUSINESS", "Negotiates terms and delivery."
    FINANCIAL = "FINANCIAL", "Approves the budget."
    DECISION_MAKER = "DECISION_MAKER", "Makes the decision: a key person."
    USER = "USER", "Will use the product."
    INFLUENCER = "INFLUENCER", "Influences those who decide."
    CHAMPION = "CHAMPION", "Promotes us within the customer's organisation."
    LEGAL = "LEGAL", "Reviews the contract."
    OTHER = "OTHER", "Another role."


# K5, X31
class Attitude(Vocabulary):
    """A contact's attitude towards us."""

    SUPPORT = "SUPPORT", "Supports us."
    NEUTRAL = "NEUTRAL", "Neutral."
    OPPOSE = "OPPOSE", "Opposes us."


# K11
class Channel(Vocabulary):
    """Channel of communication."""

    PHONE = "PHONE", "Telephone call."
    EMAIL = "EMAIL", "E-mail.", "E-mail"
    SOCIAL = "SOCIAL", "Social media."
    CHAT = "CHAT", "Online chat."
    SMS = "SMS", "Text message.", "SMS"
    VISIT = "VISIT", "On-site visit."
    MEETING = "MEETING", "Meeting."


class InteractionDirection(Vocabulary):
    """Who initiated an interaction."""

    INBOUND = "INBOUND", "The customer contacted us."
    OUTBOUND = "OUTBOUND", "We contacted the customer."


# O19, X3
class OpportunityStatus(Vocabulary):
    """Where the handling of an opportunity stands, separate from its stage."""

    DRAFT = "DRAFT", "Created, without an owner yet."
    DISPATCHED = "DISPATCHED", "Assigned to an owner who has not accepted it yet."
    FOLLOWING = "FOLLOWING", "In progress."
    WON = "WON", "Won; delivery has not begun."
    EXECUTING = "EXECUTING", "Won and being delivered."
    LOST = "LOST", "Lost, with reason and summary."
    CLOSED = "CLOSED", "Finished: nothing more will happen."


class Outcome(Vocabulary):
    """The outcome of an opportunity."""

    OPEN = "OPEN", "Undecided."
    WON = "WON", "Won, regardless of what happened afterwards."
    LOST = "LOST", "Lost."


# O7
class NeedKind(Vocabulary):
    """What the customer wants from the opportunity."""

    SWITCH = "SWITCH", "Wants to replace what it has."
    LEARN = "LEARN", "Wants to learn what is possible."
    DO = "DO", "Wants to get it done."


# O12
class Directness(Vocabulary):
    """Whether the need is explicit."""

    DIRECT = "DIRECT", "An explicit need that can be converted."
    INDIRECT = "INDIRECT", "A need that has to be nurtured."


# O12
class Horizon(Vocabulary):
    """Time over which an opportunity pays off."""

    LONG_TERM = "LONG_TERM", "Long-term potential."
    SHORT_TERM = "SHORT_TERM", "Quick revenue, perhaps without lasting value."


# O13
class OpportunityCategory(Vocabulary):
    """Kind of demand."""

    STANDARD_PRODUCT = "STANDARD_PRODUCT", "Demand for a standard product."
    ICT_PROJECT = "ICT_PROJECT", "A project: basic business with system integration.", "ICT project"
    COMPETITOR = "COMPETITOR", "The customer uses a competitor's product."


# O14
class LeadSource(Vocabulary):
    """Where an opportunity came from."""

    ACCOUNT_MANAGER = "ACCOUNT_MANAGER", "Reported by the account manager."
    LEADER_ASSIGNMENT = "LEADER_ASSIGNMENT", "Assigned by a leader."
    PARTNER = "PARTNER", "Registered by a third-party partner."
    OFFLINE = "OFFLINE", "Met offline, such as at an exhibition."
    ONLINE = "ONLINE", "Received online."
    PARTNER_REFERRAL = "PARTNER_REFERRAL", "Recommended by a partner."
    CUSTOMER_REFERRAL = "CUSTOMER_REFERRAL", "Recommended by a customer."
    MARKET_RESEARCH = "MARKET_RESEARCH", "Found by market research."
    CUSTOMER_ENQUIRY = "CUSTOMER_ENQUIRY", "The customer inquired."
    NETWORK_MARKETING = "NETWORK_MARKETING", "Response to a campaign."


# O15
class OpportunityTrigger(Vocabulary):
    """What triggered the opportunity."""

    NEED_CHANGE = "NEED_CHANGE", "The customer's need changed."
    COMPETITOR_MOVE = "COMPETITOR_MOVE", "A competitor moved."
    POLICY = "POLICY", "A policy changed."
    TECHNOLOGY = "TECHNOLOGY", "Technology changed."
    CUSTOMER_DEVELOPMENT = "CUSTOMER_DEVELOPMENT", "The customer is developing and changing."
    SUGGESTION = "SUGGESTION", "The customer gave an opinion or a suggestion."
    LINKED_BUSINESS = "LINKED_BUSINESS", "A related business needs it."
    COMPETITOR_MISTAKE = "COMPETITOR_MISTAKE", "A competitor made a mistake."


# O19, O22
class LossReason(Vocabulary):
    """Why an opportunity was lost."""

    PRICE = "PRICE", "The price was too high."
    PRODUCT = "PRODUCT", "The product did not fit."
    COMPETITOR = "COMPETITOR", "A competitor was preferred."
    RELATION = "RELATION", "The relationship was not good enough."
    NO_BUDGET = "NO_BUDGET", "No budget."
    NO_DECISION = "NO_DECISION", "The customer did not decide."
    TIMING = "TIMING", "Too early or too late."
    OTHER = "OTHER", "Another reason; the summary says which."


class Priority(Vocabulary):
    """Priority."""

    HIGH = "HIGH", "First of all."
    MEDIUM = "MEDIUM", "In normal order."
    LOW = "LOW", "When time permits."


# O25
class FollowUpState(Vocabulary):
    """Whether an open opportunity's next action is due."""

    DUE = "DUE", "The next action is due today or overdue."
    NOT_DUE = "NOT_DUE", "The next action is due later."
    NO_NEXT_ACTION = "NO_NEXT_ACTION", "No next action is planned."


# O30
class TaskStatus(Vocabulary):
    """Status of a task."""

    OPEN = "OPEN", "Not begun."
    IN_PROGRESS = "IN_PROGRESS", "In progress."
    DONE = "DONE", "Done."
    CANCELLED = "CANCELLED", "Will not be done."


# G8
class UserRole(Vocabulary):
    """A user's role, which decides what it may see and do."""

    ADMINISTRATOR = "ADMINISTRATOR", "Runs the system: users, roles, keys and all records."
    OPPORTUNITY_ADMINISTRATOR = "OPPORTUNITY_ADMINISTRATOR", "Cleans up, enters and dispatches opportunities."
    ACCOUNT_MANAGER = "ACCOUNT_MANAGER", "Collects, reports and follows the opportunities of customers."
    INDUSTRY_MANAGER = "INDUSTRY_MANAGER", "The same for the provincial customers of an industry."
    GRID_MANAGER = "GRID_MANAGER", "The same for the customers of a grid."
    SUPPORT_MANAGER = "SUPPORT_MANAGER", "Makes the first evaluation and follows up."
    DEPARTMENT_LEADER = "DEPARTMENT_LEADER", "Approves opportunities and allots support."
    CENTRE_DIRECTOR = "CENTRE_DIRECTOR", "Confirms ordinary opportunities."
    DEPUTY_MANAGER = "DEPUTY_MANAGER", "Confirms important opportunities of a branch."
    BRANCH_MANAGER = "BRANCH_MANAGER", "Confirms major opportunities of a branch and follows them in person."
    CITY_ADMINISTRATOR = "CITY_ADMINISTRATOR", "Circulates opportunities for the city company."
    SALES_OFFICE = "SALES_OFFICE", "Writes the rules, follows their execution, reports."
    REGIONAL_SALES = "REGIONAL_SALES", "Details the rules of a region and monitors them."
    PARTNER = "PARTNER", "Third-party partner: registers opportunities and sees only its own."
