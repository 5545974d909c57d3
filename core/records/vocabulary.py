"""The closed vocabularies of the domain, each value with its meaning. Full words, never bare letters (X18)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self


class Vocabulary(StrEnum):
    """An enumeration whose values say what they mean: `SUPPORT = "SUPPORT", "Speaks for us."`."""

    description: str

    def __new__(cls, value: str, description: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member


def vocabulary(name: str, description: str, values: Mapping[str, str]) -> type[Vocabulary]:
    """A vocabulary made while an app is built: value to its meaning."""
    make: Any = Vocabulary
    made: type[Vocabulary] = make(name, {value: (value, meaning) for value, meaning in values.items()})
    made.__doc__ = description
    return made


class CustomerKind(Vocabulary):
    """What a customer is."""

    COMPANY = "COMPANY", "A company or other organisation."
    INDIVIDUAL = "INDIVIDUAL", "A person who buys for themselves."


class CustomerStatus(Vocabulary):
    """Where the customer relation stands."""

    PROSPECT = "PROSPECT", "Has not bought yet."
    ACTIVE = "ACTIVE", "Buys, or is expected to buy again."
    INACTIVE = "INACTIVE", "Bought once and is quiet now."
    FORMER = "FORMER", "The relation has ended."


# T22
class LifecycleStage(Vocabulary):
    """How far the customer relation has developed."""

    POTENTIAL = "POTENTIAL", "No order yet."
    NEW = "NEW", "First order less than a year ago, or one order only."
    STABLE = "STABLE", "First order one to three years ago, and at least two orders."
    LONG_TERM = "LONG_TERM", "First order three years ago or more."


# T23
class CompanySize(Vocabulary):
    """Size by employees, and by assets where a threshold is set."""

    SMALL_MICRO = "SMALL_MICRO", "Small or micro enterprise."
    MEDIUM = "MEDIUM", "Medium-sized enterprise."
    LARGE = "LARGE", "Large enterprise."


# T20, X32
class ManagedLevel(Vocabulary):
    """The administrative level at which a customer is looked after. Set by hand, never from revenue."""

    NATIONAL = "NATIONAL", "Looked after nationally."
    PROVINCIAL = "PROVINCIAL", "Looked after by the province."
    MUNICIPAL = "MUNICIPAL", "Looked after by the city."
    COUNTY = "COUNTY", "Looked after by the county."
    GRID = "GRID", "Looked after by a grid manager."


# X17
class AccountRelation(Vocabulary):
    """Whether we keep the customer or win it."""

    RETENTION = "RETENTION", "A continuing customer, to be kept."
    ACQUISITION = "ACQUISITION", "A customer that can be developed."
    UNSPECIFIED = "UNSPECIFIED", "Not said."


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
    """A contact's seniority; the buying role is another matter."""

    STAFF = "STAFF", "No reports."
    SUPERVISOR = "SUPERVISOR", "Leads a group."
    MANAGER = "MANAGER", "Leads a department."
    DIRECTOR = "DIRECTOR", "Leads several departments."
    VICE_PRESIDENT = "VICE_PRESIDENT", "Deputy of the head of the organisation."
    EXECUTIVE = "EXECUTIVE", "Heads the organisation."


# K5
class BuyingRole(Vocabulary):
    """What a contact is responsible for in a purchase."""

    TECHNICAL = "TECHNICAL", "Judges whether the product fits technically."
    BUSINESS = "BUSINESS", "Negotiates terms and delivery."
    FINANCIAL = "FINANCIAL", "Approves the money."
    DECISION_MAKER = "DECISION_MAKER", "Decides: a key person."
    USER = "USER", "Will use what is bought."
    INFLUENCER = "INFLUENCER", "Is listened to by those who decide."
    CHAMPION = "CHAMPION", "Sells on our behalf inside the customer."
    LEGAL = "LEGAL", "Checks the contract."
    OTHER = "OTHER", "Another part."


# K5, X31
class Attitude(Vocabulary):
    """How a contact stands towards us."""

    SUPPORT = "SUPPORT", "Speaks for us."
    NEUTRAL = "NEUTRAL", "Takes no side."
    OPPOSE = "OPPOSE", "Speaks against us."


# K11
class Channel(Vocabulary):
    """How people reach each other."""

    PHONE = "PHONE", "Telephone call."
    EMAIL = "EMAIL", "E-mail."
    SOCIAL = "SOCIAL", "Social media."
    CHAT = "CHAT", "Online chat."
    SMS = "SMS", "Text message."
    VISIT = "VISIT", "Visit on site."
    MEETING = "MEETING", "Meeting."


class InteractionDirection(Vocabulary):
    """Who began an interaction."""

    INBOUND = "INBOUND", "The customer turned to us."
    OUTBOUND = "OUTBOUND", "We turned to the customer."


# O19, X3
class OpportunityStatus(Vocabulary):
    """Where an opportunity stands in its handling, apart from its stage."""

    DRAFT = "DRAFT", "Entered, nobody follows it yet."
    DISPATCHED = "DISPATCHED", "Given to a follower who has not accepted yet."
    FOLLOWING = "FOLLOWING", "Being followed."
    WON = "WON", "Won; delivery has not begun."
    EXECUTING = "EXECUTING", "Won and being delivered."
    LOST = "LOST", "Lost, with reason and summary."
    CLOSED = "CLOSED", "Finished: nothing more will happen."


class Outcome(Vocabulary):
    """What became of an opportunity."""

    OPEN = "OPEN", "Undecided."
    WON = "WON", "Won, whatever happened to it afterwards."
    LOST = "LOST", "Lost."


# O7
class NeedKind(Vocabulary):
    """What the customer wants of the opportunity."""

    SWITCH = "SWITCH", "Wants to change from what it has."
    LEARN = "LEARN", "Wants to learn what is possible."
    DO = "DO", "Wants to get it done."


# O12
class Directness(Vocabulary):
    """Whether the need is explicit."""

    DIRECT = "DIRECT", "An explicit need that can be converted."
    INDIRECT = "INDIRECT", "A need that has to be nurtured."


# O12
class Horizon(Vocabulary):
    """Over what time the opportunity pays."""

    LONG_TERM = "LONG_TERM", "Potential to be followed for long."
    SHORT_TERM = "SHORT_TERM", "Quick income, perhaps of no lasting value."


# O13
class OpportunityCategory(Vocabulary):
    """What kind of demand it is."""

    STANDARD_PRODUCT = "STANDARD_PRODUCT", "Demand for a standard product."
    ICT_PROJECT = "ICT_PROJECT", "A project: basic business with system integration."
    COMPETITOR = "COMPETITOR", "The customer uses a competitor's product."


# O14
class LeadSource(Vocabulary):
    """Where an opportunity came from."""

    ACCOUNT_MANAGER = "ACCOUNT_MANAGER", "Reported by the account manager."
    LEADER_ASSIGNMENT = "LEADER_ASSIGNMENT", "Assigned by a leader."
    PARTNER = "PARTNER", "Registered by a third-party partner."
    OFFLINE = "OFFLINE", "Met offline, such as at an exhibition."
    ONLINE = "ONLINE", "Came in online."
    PARTNER_REFERRAL = "PARTNER_REFERRAL", "Recommended by a partner."
    CUSTOMER_REFERRAL = "CUSTOMER_REFERRAL", "Recommended by a customer."
    MARKET_RESEARCH = "MARKET_RESEARCH", "Found by market research."
    CUSTOMER_ENQUIRY = "CUSTOMER_ENQUIRY", "The customer asked."
    NETWORK_MARKETING = "NETWORK_MARKETING", "Answered a campaign."


# O15
class OpportunityTrigger(Vocabulary):
    """What brought the opportunity about."""

    NEED_CHANGE = "NEED_CHANGE", "The customer's need changed."
    COMPETITOR_MOVE = "COMPETITOR_MOVE", "A competitor moved."
    POLICY = "POLICY", "A policy changed."
    TECHNOLOGY = "TECHNOLOGY", "Technology changed."
    CUSTOMER_DEVELOPMENT = "CUSTOMER_DEVELOPMENT", "The customer develops and changes."
    SUGGESTION = "SUGGESTION", "The customer gave an opinion or a suggestion."
    LINKED_BUSINESS = "LINKED_BUSINESS", "A linked business needs it."
    COMPETITOR_MISTAKE = "COMPETITOR_MISTAKE", "A competitor made a mistake."


# O19, O22
class LossReason(Vocabulary):
    """Why an opportunity was lost."""

    PRICE = "PRICE", "Too expensive."
    PRODUCT = "PRODUCT", "The product did not fit."
    COMPETITOR = "COMPETITOR", "A competitor was preferred."
    RELATION = "RELATION", "The relation was not good enough."
    NO_BUDGET = "NO_BUDGET", "The money was not there."
    NO_DECISION = "NO_DECISION", "The customer did not decide."
    TIMING = "TIMING", "Too early or too late."
    OTHER = "OTHER", "Another reason; the summary says which."


class Priority(Vocabulary):
    """How much something matters."""

    HIGH = "HIGH", "Before all others."
    MEDIUM = "MEDIUM", "In turn."
    LOW = "LOW", "When there is time."


# O25
class FollowUpState(Vocabulary):
    """Whether an open opportunity's next action is due."""

    DUE = "DUE", "The next action is due today or overdue."
    NOT_DUE = "NOT_DUE", "The next action lies ahead."
    NO_NEXT_ACTION = "NO_NEXT_ACTION", "No next action is planned."


# O30
class TaskStatus(Vocabulary):
    """Where a task stands."""

    OPEN = "OPEN", "Not begun."
    IN_PROGRESS = "IN_PROGRESS", "Begun."
    DONE = "DONE", "Done."
    CANCELLED = "CANCELLED", "Will not be done."


# G8
class UserRole(Vocabulary):
    """What a member of staff does with opportunities."""

    OPPORTUNITY_ADMINISTRATOR = "OPPORTUNITY_ADMINISTRATOR", "Tidies, enters and dispatches opportunities."
    ACCOUNT_MANAGER = "ACCOUNT_MANAGER", "Collects, reports and follows the opportunities of customers."
    INDUSTRY_MANAGER = "INDUSTRY_MANAGER", "Does so for the provincial customers of an industry."
    GRID_MANAGER = "GRID_MANAGER", "Does so for the customers of a grid."
    SUPPORT_MANAGER = "SUPPORT_MANAGER", "Makes the first evaluation and follows up."
    DEPARTMENT_LEADER = "DEPARTMENT_LEADER", "Approves opportunities and allots support."
    CENTRE_DIRECTOR = "CENTRE_DIRECTOR", "Confirms ordinary opportunities."
    DEPUTY_MANAGER = "DEPUTY_MANAGER", "Confirms important opportunities of a branch."
    BRANCH_MANAGER = "BRANCH_MANAGER", "Confirms major opportunities of a branch and follows them in person."
    CITY_ADMINISTRATOR = "CITY_ADMINISTRATOR", "Circulates opportunities for the city company."
    SALES_OFFICE = "SALES_OFFICE", "Writes the rules, follows their execution, reports."
    REGIONAL_SALES = "REGIONAL_SALES", "Details the rules of a region and monitors them."
    PARTNER = "PARTNER", "Third-party partner: registers opportunities and sees only its own."
