"""The closed vocabularies of satisfaction surveys, each value with its meaning."""

from guanxi import Vocabulary


class SurveyStatus(Vocabulary):
    """Where a survey stands."""

    DRAFT = "DRAFT", "Being prepared: nobody can answer yet."
    OPEN = "OPEN", "Respondents are invited and can answer."
    CLOSED = "CLOSED", "Nobody can answer any more."


# S5
class SurveyStep(Vocabulary):
    """The six steps of a survey, in order."""

    BACKGROUND = "BACKGROUND", "Collect background and talk with superiors."
    DESIGN = "DESIGN", "Make the overall design."
    DOCUMENTS = "DOCUMENTS", "Write the questionnaire and other documents."
    FIELDWORK = "FIELDWORK", "Ask the respondents."
    PROCESSING = "PROCESSING", "Process the data."
    REPORT = "REPORT", "Report."


# S5
class SurveyStepStatus(Vocabulary):
    """Where a step of a survey stands."""

    NOT_STARTED = "NOT_STARTED", "Not begun."
    IN_PROGRESS = "IN_PROGRESS", "Begun."
    DONE = "DONE", "Done."


# S5
class SurveyPlanElement(Vocabulary):
    """The eight elements of a survey plan."""

    PURPOSE = "PURPOSE", "Purpose and definition of the problem."
    CONTENT = "CONTENT", "Main content."
    METHOD = "METHOD", "Method and respondents."
    QUALITY_MONITORING = "QUALITY_MONITORING", "How quality is watched."
    BUDGET = "BUDGET", "What it may cost."
    SCHEDULE = "SCHEDULE", "What is done when."
    STAFFING = "STAFFING", "Who does it."
    REMARKS = "REMARKS", "Remarks."


class RespondentKind(Vocabulary):
    """Who answers a survey."""

    CONTACTS = "CONTACTS", "Persons on the customers' side."
    CUSTOMERS = "CUSTOMERS", "The customers themselves, such as individuals."


class QuestionKind(Vocabulary):
    """What a question asks for, and on which scale. The scales are the same in all surveys, so that results compare."""

    RATING = "RATING", "What was found and what was expected, each from 1 to 5."
    NPS = "NPS", "How likely one is to recommend us, from 0 to 10."
    CSAT = "CSAT", "How satisfied one is, from 1 to 5."
    CES = "CES", "How easy we made it, from 1 (hard) to 7 (easy)."
    BENEFIT = "BENEFIT", "How large the benefit is felt to be, from 0 to 10."
    COST = "COST", "How large the cost of obtaining it is felt to be, from 0 to 10."
    CHOICE = "CHOICE", "One of several options."
    CHOICES = "CHOICES", "Any of several options."
    TEXT = "TEXT", "A free text."


# S2
class ExpectationCause(Vocabulary):
    """What an expectation comes from."""

    SOCIAL_LEVEL = "SOCIAL_LEVEL", "The general level of social development."
    PAST_EXPERIENCE = "PAST_EXPERIENCE", "The customer's past experience."
    ADVERTISING_PROMISE = "ADVERTISING_PROMISE", "What advertising promised."


class ResponseSource(Vocabulary):
    """How a response came in."""

    INVITATION = "INVITATION", "Answered with the token of an invitation."
    ENTERED = "ENTERED", "Entered by one of us, or imported."


class InvitationStatus(Vocabulary):
    """Where an invitation stands. In an anonymous survey nobody can tell which of them were answered."""

    PENDING = "PENDING", "Sent; it can still be answered."
    ANSWERED = "ANSWERED", "Answered."
    EXPIRED = "EXPIRED", "Its time went by without an answer, or in an anonymous survey with or without one."


class ExclusionReason(Vocabulary):
    """Why somebody of the audience is not invited."""

    DO_NOT_CONTACT = "DO_NOT_CONTACT", "Must not be contacted."
    ALREADY_INVITED = "ALREADY_INVITED", "Was invited to this survey already, and its next round is not due."
    COOL_DOWN = "COOL_DOWN", "Was invited to another survey a short while ago."


# S1
class SatisfactionLevel(Vocabulary):
    """What the gap between what was found and what was expected says."""

    EXCEEDED = "EXCEEDED", "Better than expected."
    MET = "MET", "As expected."
    DISSATISFIED = "DISSATISFIED", "Worse than expected."


class NpsCategory(Vocabulary):
    """What a likelihood to recommend makes of somebody."""

    PROMOTER = "PROMOTER", "9 or 10: recommends us."
    PASSIVE = "PASSIVE", "7 or 8: neither."
    DETRACTOR = "DETRACTOR", "0 to 6: warns of us."


# T15, X21
class SatisfactionMeasure(Vocabulary):
    """What satisfaction is measured by; each stands for itself."""

    GAP = "GAP", "What was found less what was expected, in points of the scale from 1 to 5."
    RATING = "RATING", "What was found, from 1 to 5."
    RATE = "RATE", "Share of satisfied respondents in percent."
    NPS = "NPS", "Net promoter score: percent of promoters less percent of detractors."
    NPS_SCORE = "NPS_SCORE", "Likelihood to recommend, from 0 to 10."
    CSAT = "CSAT", "Percent of those who say they are satisfied: the top marks of the scale from 1 to 5."
    CES = "CES", "How easy we made it, from 1 to 7."
    PERCEIVED_VALUE = "PERCEIVED_VALUE", "Perceived benefit less perceived cost, or their ratio."


# S3
class ActionStatus(Vocabulary):
    """Where an improvement action stands."""

    OPEN = "OPEN", "Decided, not begun."
    IN_PROGRESS = "IN_PROGRESS", "Begun."
    DONE = "DONE", "Done."
    DROPPED = "DROPPED", "Will not be done."
