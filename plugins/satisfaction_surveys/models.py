"""Records of satisfaction surveys: surveys with questions, invitations, responses, improvement actions."""

from datetime import date, datetime
from decimal import Decimal

from guanxi import Facet, Money, Record, Table, column, one_living, reference, template
from guanxi.records import Contact, Customer, Interaction, Task, User
from guanxi.vocabulary import Channel
from plugins.satisfaction_surveys.vocabulary import (
    ActionStatus,
    ExpectationCause,
    InvitationDelivery,
    NpsCategory,
    QuestionKind,
    RespondentKind,
    ResponseSource,
    SatisfactionLevel,
    SurveyStatus,
    SurveyStep,
    SurveyStepStatus,
)

#: The permission without which nobody runs surveys.
MANAGE = "surveys.manage"


# S3, S5
class Survey(Record, plugin="satisfaction_surveys", prefix="svy"):
    """A survey of customers: its plan, its audience, its questions in versions."""

    __search__ = ("title",)
    __owned__ = False
    __order__ = (("createdAt", True),)

    title: str = column("Name of the survey.", max_length=200, index=True)
    introduction: str | None = column(
        "What respondents read before its questions, and in the message that invites them.",
        default=None,
        max_length=5000,
        long=True,
    )
    language: str = column(
        "Tag of the language of its title, introduction and questions, such as en or zh-CN.",
        default="en",
        max_length=35,
        exact=True,
    )
    purpose: str | None = column(
        "Purpose and definition of the problem; required to open it.", default=None, max_length=5000, long=True
    )
    content: str | None = column("Main content.", default=None, max_length=5000, long=True)
    method: str | None = column("Method and respondents.", default=None, max_length=5000, long=True)
    quality_monitoring: str | None = column("How quality is monitored.", default=None, max_length=5000, long=True)
    budget: Money | None = column("Budget.", default=None, minimum=0)
    schedule: str | None = column("Timetable.", default=None, max_length=5000, long=True)
    staffing: str | None = column("Who carries it out.", default=None, max_length=5000, long=True)
    remarks: str | None = column("Remarks.", default=None, max_length=5000, long=True)
    background_step: SurveyStepStatus = column(
        "Collecting background information and consulting superiors.", default=SurveyStepStatus.NOT_STARTED
    )
    design_step: SurveyStepStatus = column("Designing the survey.", default=SurveyStepStatus.NOT_STARTED)
    documents_step: SurveyStepStatus = column("Writing the questionnaire.", default=SurveyStepStatus.NOT_STARTED)
    fieldwork_step: SurveyStepStatus = column("Asking the respondents.", default=SurveyStepStatus.NOT_STARTED)
    processing_step: SurveyStepStatus = column("Processing the data.", default=SurveyStepStatus.NOT_STARTED)
    report_step: SurveyStepStatus = column("Reporting.", default=SurveyStepStatus.NOT_STARTED)
    owner_id: str | None = reference(
        User,
        "The person in charge.",
        inverse="surveys",
        inverse_description="Surveys this person is in charge of.",
        default=None,
        on_destroy="SET NULL",
    )
    is_anonymous: bool = column("Whether it is anonymous: answers cannot be traced to respondents.", default=False)
    channel: Channel = column("How respondents are reached.", default=Channel.EMAIL)
    is_regular: bool = column("Whether it is repeated regularly.", default=True)
    cadence_days: int | None = column(
        "Days from one round to the next; by default the plugin's setting.", default=None, minimum=1, maximum=3650
    )
    closes_on: date | None = column("Last day on which it can be answered.", default=None, index=True)
    status: SurveyStatus = column("Its status.", default=SurveyStatus.DRAFT, read_only=True, index=True)
    opened_at: datetime | None = column("When it was last opened.", default=None, read_only=True, index=True)
    closed_at: datetime | None = column("When it was closed.", default=None, read_only=True)
    respondents: RespondentKind | None = column("Kind of respondents.", default=None, read_only=True)
    audience: str | None = column(
        "Its audience: the `where` of contacts or customers, as JSON.", default=None, read_only=True, long=True
    )
    questions_version: int = column("The version of its questions; 0 before there are any.", default=0, read_only=True)
    rounds: int = column("Number of rounds in which respondents were invited.", default=0, read_only=True)
    last_round_on: date | None = column("Date of the latest round.", default=None, read_only=True, index=True)
    round_announced: int = column("The last round whose successor was announced.", default=0, internal=True)


def step_column(step: SurveyStep) -> str:
    """The column of Survey that holds the status of a step."""
    return f"{step.value.lower()}_step"


class SurveyQuestion(Record, plugin="satisfaction_surveys", prefix="svq"):
    """A question of one version of a survey. It never changes once sent out, so that answers keep their meaning."""

    __aggregates__ = False
    __order__ = (("surveyId", False), ("questionsVersion", False), ("position", False))
    __read_only__ = True

    survey_id: str = reference(
        Survey,
        "The survey.",
        inverse="questions",
        inverse_description="Its questions, in all versions.",
        on_destroy="CASCADE",
    )
    questions_version: int = column("The version it belongs to.", index=True)
    position: int = column("Position in the questionnaire, from 1.")
    kind: QuestionKind = column("Kind of answer it asks for.", index=True)
    text: str = column("Wording of the question.", long=True)
    options: list[str] = column("Options to choose from.", default_factory=list)
    is_required: bool = column("Whether an answer is required.", default=True)
    code: str | None = column(
        "Code by which an import finds it. Of several versions of a question, the latest has it.",
        default=None,
        max_length=100,
        exact=True,
    )


one_living(SurveyQuestion, "code", message=template("question {twin} has {code!r} already; give another"))


class SurveyTranslation(Record, plugin="satisfaction_surveys", prefix="svx"):
    """The wording of a survey, or of one of its questions, in another language."""

    __aggregates__ = False
    __order__ = (("surveyId", False), ("language", False), ("id", False))
    __read_only__ = True

    survey_id: str = reference(
        Survey,
        "The survey.",
        inverse="translations",
        inverse_description="Its wording in other languages, with that of its questions.",
        on_destroy="CASCADE",
    )
    question_id: str | None = reference(
        SurveyQuestion,
        "The question; null for the survey itself.",
        inverse="translations",
        inverse_description="Its wording in other languages.",
        default=None,
        on_destroy="CASCADE",
    )
    language: str = column("Tag of the language, such as de or pt-BR.", max_length=35, exact=True, index=True)
    text: str = column("Wording of the question, or title of the survey.", long=True)
    introduction: str | None = column("Introduction of the survey.", default=None, long=True)
    options: list[str] = column("The options of the question, in its order.", default_factory=list)


class SurveyInvitation(Record, plugin="satisfaction_surveys", prefix="svi"):
    """An invitation of one respondent to a survey. Its token is shown once, when it is created."""

    __part_of__ = ("customer", "contact")
    __order__ = (("invitedAt", True),)
    __read_only__ = True

    survey_id: str = reference(
        Survey,
        "The survey.",
        inverse="invitations",
        inverse_description="Invitations to it.",
        on_destroy="CASCADE",
    )
    customer_id: str | None = reference(
        Customer,
        "The customer.",
        inverse="survey_invitations",
        inverse_description="Invitations of the customer to surveys.",
        default=None,
        on_destroy="CASCADE",
    )
    contact_id: str | None = reference(
        Contact,
        "The person; null if the customer itself is asked.",
        inverse="survey_invitations",
        inverse_description="Invitations of the person to surveys.",
        default=None,
        on_destroy="CASCADE",
    )
    interaction_id: str | None = reference(
        Interaction,
        "The interaction that records it.",
        inverse="survey_invitations",
        inverse_description="Invitations to surveys that it records.",
        default=None,
        on_destroy="SET NULL",
    )
    questions_version: int = column("Version of the questions to be answered.")
    round: int = column("The round of the survey, from 1.", index=True)
    invited_at: datetime = column("When it was created.", index=True)
    sent_at: datetime = column("When it was last sent, as invitation or reminder.", index=True)
    delivery: InvitationDelivery | None = column(
        "Status of its last message; null if its token was given to whoever invited.", default=None, index=True
    )
    delivery_problem: str | None = column(
        "Why its last message has not been sent.", default=None, long=True, personal=True
    )
    expires_at: datetime = column("When it expires.", index=True)
    reminders: int = column("Number of reminders sent.", default=0)
    answered_at: datetime | None = column(
        "When it was answered; always null in an anonymous survey.", default=None, index=True
    )
    reminder_announced: int = column("The last reminder that was announced as due.", default=0, internal=True)


class SurveyToken(Table, plugin="satisfaction_surveys"):
    """The hash of a token that answers a survey. In an anonymous survey it belongs to nobody and has no timestamps."""

    token_hash: str = column("SHA-256 of the token.", primary_key=True, exact=True, internal=True)
    survey_id: str = reference(Survey, "The survey.", on_destroy="CASCADE")
    invitation_id: str | None = reference(
        SurveyInvitation, "The invitation; null in an anonymous survey.", default=None, on_destroy="CASCADE"
    )
    questions_version: int = column("Version of the questions to be answered.")
    expires_at: datetime = column("Until when it can be used.", index=True)
    is_used: bool = column("Whether it was used.", default=False)


# S1, T12
class SurveyResponse(Record, plugin="satisfaction_surveys", prefix="svr"):
    """One respondent's answers on one day, in numbers. A response never overwrites another."""

    __part_of__ = ("customer", "contact")
    __order__ = (("answeredOn", True),)

    survey_id: str = reference(Survey, "The survey.", inverse="responses", inverse_description="Responses to it.")
    customer_id: str | None = reference(
        Customer,
        "The customer; null in an anonymous survey.",
        inverse="survey_responses",
        inverse_description="Its responses to surveys, latest first.",
        default=None,
        on_destroy="SET NULL",
    )
    contact_id: str | None = reference(
        Contact,
        "The person who answered, if any.",
        inverse="survey_responses",
        inverse_description="The person's responses to surveys, latest first.",
        default=None,
        on_destroy="SET NULL",
    )
    answered_on: date = column("The day of the answer.", index=True)
    actual_rating: Decimal | None = column("Actual rating, from 1 to 5.", default=None, minimum=1, maximum=5)
    expected_rating: Decimal | None = column("Expected rating, from 1 to 5.", default=None, minimum=1, maximum=5)
    nps_score: int | None = column(
        "Likelihood to recommend us, from 0 to 10.", default=None, minimum=0, maximum=10, index=True
    )
    csat_score: int | None = column("Satisfaction, from 1 to 5.", default=None, minimum=1, maximum=5)
    ces_score: int | None = column("How easy it is to deal with us, from 1 to 7.", default=None, minimum=1, maximum=7)
    perceived_benefit: Decimal | None = column("Perceived benefit, from 0 to 10.", default=None, minimum=0, maximum=10)
    perceived_cost: Decimal | None = column(
        "Perceived cost of obtaining it, from 0 to 10.", default=None, minimum=0, maximum=10
    )
    expectation_causes: list[ExpectationCause] = column("Causes of the expectation.", default_factory=list)
    comment: str | None = column("Additional comment.", default=None, max_length=5000, long=True, personal=True)
    source: ResponseSource = column("How it was received.", default=ResponseSource.ENTERED, read_only=True, index=True)
    questions_version: int | None = column(
        "Version of the questions that were answered; null if only numbers were entered. Given on creation, its "
        "answers follow question by question, and its numbers are those of its answers.",
        default=None,
    )
    invitation_id: str | None = reference(
        SurveyInvitation,
        "The invitation it answers; null in an anonymous survey.",
        inverse="responses",
        inverse_description="Responses to it.",
        default=None,
        on_destroy="SET NULL",
        read_only=True,
    )
    follow_up_task_id: str | None = reference(
        Task,
        "The task to follow up a detractor.",
        inverse="survey_responses",
        inverse_description="Responses to surveys it follows up.",
        default=None,
        on_destroy="SET NULL",
        read_only=True,
    )


class SurveyAnswer(Record, plugin="satisfaction_surveys", prefix="sva"):
    """The answer of a response to one question."""

    __part_of__ = ("response",)
    __groups__ = False

    response_id: str = reference(
        SurveyResponse,
        "The response.",
        inverse="answers",
        inverse_description="Its answers, question by question.",
        on_destroy="CASCADE",
    )
    question_id: str = reference(
        SurveyQuestion, "The question.", inverse="answers", inverse_description="Answers to it."
    )
    score: Decimal | None = column("The mark given; for a rating, the actual one.", default=None, index=True)
    expected: Decimal | None = column("For a rating, the expected one.", default=None)
    choices: list[str] = column("Options chosen.", default_factory=list)
    text: str | None = column("Text of the answer.", default=None, max_length=5000, long=True, personal=True)


one_living(
    SurveyAnswer,
    "response_id",
    "question_id",
    message=template("answer {twin} of the same response answers it already; answer it once"),
)


# S3
class ImprovementAction(Record, plugin="satisfaction_surveys", prefix="ima"):
    """An action taken to improve something as a result of a survey."""

    __part_of__ = ("customer",)
    __order__ = (("createdAt", True),)

    survey_id: str = reference(
        Survey,
        "The survey it follows from.",
        inverse="improvement_actions",
        inverse_description="Improvement actions that result from it.",
        on_destroy="CASCADE",
    )
    customer_id: str | None = reference(
        Customer,
        "The customer it is for, if any.",
        inverse="improvement_actions",
        inverse_description="Improvement actions for it.",
        default=None,
        on_destroy="SET NULL",
    )
    response_id: str | None = reference(
        SurveyResponse,
        "The response it addresses, if any.",
        inverse="improvement_actions",
        inverse_description="Improvement actions that result from it.",
        default=None,
        on_destroy="SET NULL",
    )
    assignee_id: str | None = reference(
        User,
        "Who carries it out.",
        inverse="improvement_actions",
        inverse_description="Improvement actions assigned to the person.",
        default=None,
        on_destroy="SET NULL",
    )
    title: str = column("What is to be improved.", max_length=300, index=True)
    description: str | None = column("Details.", default=None, max_length=20_000, long=True)
    status: ActionStatus = column("Its status.", default=ActionStatus.OPEN, index=True)
    due_on: date | None = column("Due date.", default=None, index=True)
    completed_on: date | None = column("Completion date.", default=None, read_only=True)
    outcome: str | None = column("The result.", default=None, max_length=5000, long=True)


class CustomerResult(Facet, of="Customer", plugin="satisfaction_surveys"):
    """The latest results of a customer and their changes. Never includes anonymous answers."""

    gap: Decimal | None = column("Gap.", default=None, index=True)
    gap_trend: Decimal | None = column("Its change.", default=None, index=True)
    rating: Decimal | None = column("Rating.", default=None, index=True)
    rating_trend: Decimal | None = column("Its change.", default=None, index=True)
    rate: Decimal | None = column("Rate.", default=None, index=True)
    rate_trend: Decimal | None = column("Its change.", default=None, index=True)
    nps: Decimal | None = column("Net promoter score.", default=None, index=True)
    nps_trend: Decimal | None = column("Its change.", default=None, index=True)
    nps_score: Decimal | None = column("Likelihood to recommend.", default=None, index=True)
    nps_score_trend: Decimal | None = column("Its change.", default=None, index=True)
    csat: Decimal | None = column("CSAT.", default=None, index=True)
    csat_trend: Decimal | None = column("Its change.", default=None, index=True)
    ces: Decimal | None = column("CES.", default=None, index=True)
    ces_trend: Decimal | None = column("Its change.", default=None, index=True)
    perceived_value: Decimal | None = column("Perceived value.", default=None, index=True)
    perceived_value_trend: Decimal | None = column("Its change.", default=None, index=True)
    level: SatisfactionLevel | None = column("Satisfaction level by the sign of the gap.", default=None, index=True)
    nps_category: NpsCategory | None = column("NPS category by likelihood to recommend.", default=None, index=True)
    answered_on: date | None = column("Day of the latest answer.", default=None, index=True)
    respondents: int = column("Number of respondents who have answered.", default=0)
    policy_version: str | None = column("The policy the results are based on.", default=None, exact=True, index=True)
    invited_on: date | None = column("When any of its respondents was last invited.", default=None, index=True)


class ContactSurveys(Facet, of="Contact", plugin="satisfaction_surveys"):
    """When a person was last invited to a survey."""

    invited_on: date | None = column("When the person was last invited.", default=None, index=True)
