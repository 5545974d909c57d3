"""The closed vocabularies of satisfaction surveys, each value with its meaning."""

from guanxi import Vocabulary


class SurveyStatus(Vocabulary):
    """Status of a survey."""

    DRAFT = "DRAFT", "Being prepared: nobody can answer yet."
    OPEN = "OPEN", "Respondents are invited and can answer."
    CLOSED = "CLOSED", "Nobody can answer it any longer."


# S5
class SurveyStep(Vocabulary):
    """The six steps of a survey, in order."""

    BACKGROUND = "BACKGROUND", "Collect background information and consult superiors."
    DESIGN = "DESIGN", "Design the survey as a whole."
    DOCUMENTS = "DOCUMENTS", "Write the questionnaire and other documents."
    FIELDWORK = "FIELDWORK", "Ask the respondents."
    PROCESSING = "PROCESSING", "Process the data."
    REPORT = "REPORT", "Report."


# S5
class SurveyStepStatus(Vocabulary):
    """Status of a step of a survey."""

    NOT_STARTED = "NOT_STARTED", "Not started."
    IN_PROGRESS = "IN_PROGRESS", "In progress."
    DONE = "DONE", "Done."


# S5
class SurveyPlanElement(Vocabulary):
    """The eight elements of a survey plan."""

    PURPOSE = "PURPOSE", "Purpose and definition of the problem."
    CONTENT = "CONTENT", "Main content."
    METHOD = "METHOD", "Method and respondents."
    QUALITY_MONITORING = "QUALITY_MONITORING", "How quality is monitored."
    BUDGET = "BUDGET", "Budget."
    SCHEDULE = "SCHEDULE", "Timetable."
    STAFFING = "STAFFING", "Who carries it out."
    REMARKS = "REMARKS", "Remarks."


class RespondentKind(Vocabulary):
    """Kind of respondents of a survey."""

    CONTACTS = "CONTACTS", "Contacts of the customers."
    CUSTOMERS = "CUSTOMERS", "The customers themselves, such as individuals."


class QuestionKind(Vocabulary):
    """Kind of answer a question asks for, with its scale. Scales are the same in all surveys, so results compare."""

    RATING = "RATING", "Actual and expected rating, each from 1 to 5."
    NPS = "NPS", "Likelihood to recommend us, from 0 to 10.", "NPS"
    CSAT = "CSAT", "Satisfaction, from 1 to 5.", "CSAT"
    CES = "CES", "How easy it is to deal with us, from 1 (hard) to 7 (easy).", "CES"
    BENEFIT = "BENEFIT", "Perceived benefit, from 0 to 10."
    COST = "COST", "Perceived cost of obtaining it, from 0 to 10."
    CHOICE = "CHOICE", "One of several options."
    CHOICES = "CHOICES", "Any of several options."
    TEXT = "TEXT", "Free text."


# S2
class ExpectationCause(Vocabulary):
    """Cause of an expectation."""

    SOCIAL_LEVEL = "SOCIAL_LEVEL", "The general level of social development."
    PAST_EXPERIENCE = "PAST_EXPERIENCE", "The customer's past experience."
    ADVERTISING_PROMISE = "ADVERTISING_PROMISE", "Promises made in advertising."


class ResponseSource(Vocabulary):
    """How a response was received."""

    INVITATION = "INVITATION", "Answered with the token of an invitation."
    ENTERED = "ENTERED", "Entered by one of us, or imported."


class InvitationStatus(Vocabulary):
    """Status of an invitation. In an anonymous survey nobody can tell which of them were answered."""

    PENDING = "PENDING", "Sent; it can still be answered."
    ANSWERED = "ANSWERED", "Answered."
    EXPIRED = "EXPIRED", "It expired without an answer; in an anonymous survey, with or without one."


class InvitationDelivery(Vocabulary):
    """Status of the message that invites or reminds a respondent."""

    QUEUED = "QUEUED", "Waits to be sent, or to be tried again."
    SENT = "SENT", "Its channel has accepted it."
    FAILED = "FAILED", "It cannot be sent; send a reminder once the reason is removed."


class ExclusionReason(Vocabulary):
    """Why a member of the audience is not invited."""

    DO_NOT_CONTACT = "DO_NOT_CONTACT", "Must not be contacted."
    ALREADY_INVITED = "ALREADY_INVITED", "Was already invited to this survey, and its next round is not due."
    COOL_DOWN = "COOL_DOWN", "Was recently invited to another survey."


# S1
class SatisfactionLevel(Vocabulary):
    """Satisfaction by the sign of the gap between actual and expected rating."""

    EXCEEDED = "EXCEEDED", "Better than expected."
    MET = "MET", "As expected."
    DISSATISFIED = "DISSATISFIED", "Worse than expected."


class NpsCategory(Vocabulary):
    """Category of a respondent by likelihood to recommend."""

    PROMOTER = "PROMOTER", "9 or 10: would recommend us."
    PASSIVE = "PASSIVE", "7 or 8: neither."
    DETRACTOR = "DETRACTOR", "0 to 6: would advise against us."


# T15, X21
class SatisfactionMeasure(Vocabulary):
    """Measure of satisfaction; each stands on its own."""

    GAP = "GAP", "Actual minus expected rating, in points on the scale from 1 to 5."
    RATING = "RATING", "Actual rating, from 1 to 5."
    RATE = "RATE", "Share of satisfied respondents in percent."
    NPS = "NPS", "Net promoter score: percent of promoters minus percent of detractors.", "NPS"
    NPS_SCORE = "NPS_SCORE", "Likelihood to recommend, from 0 to 10.", "NPS score"
    CSAT = "CSAT", "Percent of respondents who give a top mark on the scale from 1 to 5.", "CSAT"
    CES = "CES", "How easy it is to deal with us, from 1 to 7.", "CES"
    PERCEIVED_VALUE = "PERCEIVED_VALUE", "Perceived benefit minus perceived cost, or their ratio."


class NoDriverReason(Vocabulary):
    """Why there is no correlation of a question with the others."""

    NO_EXPECTATION = "NO_EXPECTATION", "It does not ask for an expected rating."
    NO_OTHER_ITEM = "NO_OTHER_ITEM", "No other rating was answered with it."
    TOO_FEW_RESPONDENTS = "TOO_FEW_RESPONDENTS", "Too few people answered it and another."
    NO_VARIATION = "NO_VARIATION", "All answers to it, or to the others, have the same gap."


# S3
class ActionStatus(Vocabulary):
    """Status of an improvement action."""

    OPEN = "OPEN", "Decided, not started."
    IN_PROGRESS = "IN_PROGRESS", "In progress."
    DONE = "DONE", "Done."
    DROPPED = "DROPPED", "Will not be done."
