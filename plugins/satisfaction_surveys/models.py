"""What satisfaction surveys keep: surveys with their questions, invitations, responses and what is done about them."""

from datetime import date, datetime
from decimal import Decimal

from guanxi import Facet, Money, Record, Table, column, reference
from guanxi.records import Contact, Customer, Interaction, Task, User
from guanxi.vocabulary import Channel
from plugins.satisfaction_surveys.vocabulary import (
    ActionStatus,
    ExpectationCause,
    NpsCategory,
    QuestionKind,
    RespondentKind,
    ResponseSource,
    SatisfactionLevel,
    SurveyStatus,
    SurveyStep,
    SurveyStepStatus,
)


# S3, S5
class Survey(Record, plugin="satisfaction_surveys", prefix="svy"):
    """A survey of customers: its plan, its audience, its questions in versions."""

    __order__ = (("createdAt", True),)

    title: str = column("Name of the survey.", max_length=200, index=True)
    purpose: str | None = column(
        "Purpose and definition of the problem; needed to open it.", default=None, max_length=5000, long=True
    )
    content: str | None = column("Main content.", default=None, max_length=5000, long=True)
    method: str | None = column("Method and respondents.", default=None, max_length=5000, long=True)
    quality_monitoring: str | None = column("How quality is watched.", default=None, max_length=5000, long=True)
    budget: Money | None = column("What it may cost.", default=None)
    schedule: str | None = column("What is done when.", default=None, max_length=5000, long=True)
    staffing: str | None = column("Who does it.", default=None, max_length=5000, long=True)
    remarks: str | None = column("Remarks.", default=None, max_length=5000, long=True)
    background_step: SurveyStepStatus = column(
        "Collecting background, talking with superiors.", default=SurveyStepStatus.NOT_STARTED
    )
    design_step: SurveyStepStatus = column("Making the design.", default=SurveyStepStatus.NOT_STARTED)
    documents_step: SurveyStepStatus = column("Writing the questionnaire.", default=SurveyStepStatus.NOT_STARTED)
    fieldwork_step: SurveyStepStatus = column("Asking the respondents.", default=SurveyStepStatus.NOT_STARTED)
    processing_step: SurveyStepStatus = column("Processing the data.", default=SurveyStepStatus.NOT_STARTED)
    report_step: SurveyStepStatus = column("Reporting.", default=SurveyStepStatus.NOT_STARTED)
    owner_id: str | None = reference(
        User,
        "Who is in charge.",
        inverse="surveys",
        inverse_description="Surveys this person is in charge of.",
        default=None,
        on_destroy="SET NULL",
    )
    is_anonymous: bool = column("Answers cannot be traced to who gave them.", default=False)
    channel: Channel = column("How respondents are reached.", default=Channel.EMAIL)
    is_regular: bool = column("Goes round again and again.", default=True)
    cadence_days: int | None = column(
        "Days from one round to the next; the setting's unless given.", default=None, minimum=1, maximum=3650
    )
    closes_on: date | None = column("Last day on which it can be answered.", default=None, index=True)
    status: SurveyStatus = column("Where it stands.", default=SurveyStatus.DRAFT, read_only=True, index=True)
    opened_at: datetime | None = column("When it was last opened.", default=None, read_only=True, index=True)
    closed_at: datetime | None = column("When it was closed.", default=None, read_only=True)
    respondents: RespondentKind | None = column("Who answers it.", default=None, read_only=True)
    audience: str | None = column(
        "Who is asked: the `where` of contacts or customers, as JSON.", default=None, read_only=True, long=True
    )
    questions_version: int = column("The version of its questions; 0 before there are any.", default=0, read_only=True)
    rounds: int = column("How often respondents were invited.", default=0, read_only=True)
    last_round_on: date | None = column("When that was last.", default=None, read_only=True, index=True)
    round_announced: int = column("The last round whose successor was announced.", default=0, internal=True)


def step_column(step: SurveyStep) -> str:
    """The column of Survey that holds the status of a step."""
    return f"{step.value.lower()}_step"


class SurveyQuestion(Record, plugin="satisfaction_surveys", prefix="svq"):
    """A question of one version of a survey. It never changes once it was sent out, so answers keep their meaning."""

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
    position: int = column("Its place, from 1.")
    kind: QuestionKind = column("What it asks for.", index=True)
    text: str = column("What it says.", long=True)
    options: list[str] = column("What can be chosen.", default_factory=list)
    is_required: bool = column("Has to be answered.", default=True)


class SurveyInvitation(Record, plugin="satisfaction_surveys", prefix="svi"):
    """An invitation of one respondent to a survey. Its token is shown once, when it is made."""

    __order__ = (("invitedAt", True),)
    __read_only__ = True

    survey_id: str = reference(
        Survey,
        "The survey.",
        inverse="invitations",
        inverse_description="Who was invited to it.",
        on_destroy="CASCADE",
    )
    customer_id: str | None = reference(
        Customer,
        "The customer.",
        inverse="survey_invitations",
        inverse_description="Surveys it was invited to.",
        default=None,
        on_destroy="CASCADE",
    )
    contact_id: str | None = reference(
        Contact,
        "The person; none where the customer itself is asked.",
        inverse="survey_invitations",
        inverse_description="Surveys the person was invited to.",
        default=None,
        on_destroy="CASCADE",
    )
    interaction_id: str | None = reference(
        Interaction,
        "The contact with the customer that it is.",
        inverse="survey_invitations",
        inverse_description="Invitations to surveys that it was.",
        default=None,
        on_destroy="SET NULL",
    )
    questions_version: int = column("The version of the questions that is answered.")
    round: int = column("The round of the survey, from 1.", index=True)
    invited_at: datetime = column("When it was made.", index=True)
    sent_at: datetime = column("When it was last sent, as invitation or reminder.", index=True)
    expires_at: datetime = column("Until when it can be answered.", index=True)
    reminders: int = column("How often it was reminded of.", default=0)
    answered_at: datetime | None = column(
        "When it was answered; never told of an anonymous survey.", default=None, index=True
    )
    reminder_announced: int = column("The last reminder that was announced as due.", default=0, internal=True)


class SurveyToken(Table, plugin="satisfaction_surveys"):
    """What answers a survey: the hash of a token. One of an anonymous survey belongs to nobody, and has no times."""

    token_hash: str = column("SHA-256 of the token.", primary_key=True, exact=True)
    survey_id: str = reference(Survey, "The survey.", on_destroy="CASCADE")
    invitation_id: str | None = reference(
        SurveyInvitation, "The invitation; none of an anonymous survey.", default=None, on_destroy="CASCADE"
    )
    questions_version: int = column("The version of the questions that is answered.")
    expires_at: datetime = column("Until when it can be used.", index=True)
    is_used: bool = column("Whether it was used.", default=False)


# S1, T12
class SurveyResponse(Record, plugin="satisfaction_surveys", prefix="svr"):
    """What one respondent answered on one day, in numbers. None overwrites another."""

    __order__ = (("answeredOn", True),)

    survey_id: str = reference(
        Survey, "The survey.", inverse="responses", inverse_description="What was answered to it."
    )
    customer_id: str | None = reference(
        Customer,
        "The customer; none of an anonymous survey.",
        inverse="survey_responses",
        inverse_description="What it answered to surveys, latest first.",
        default=None,
        on_destroy="SET NULL",
    )
    contact_id: str | None = reference(
        Contact,
        "The person who answered, if it was one.",
        inverse="survey_responses",
        inverse_description="What the person answered to surveys, latest first.",
        default=None,
        on_destroy="SET NULL",
    )
    answered_on: date = column("The day of the answer.", index=True)
    actual_rating: Decimal | None = column("What was found, from 1 to 5.", default=None, minimum=1, maximum=5)
    expected_rating: Decimal | None = column("What was expected, from 1 to 5.", default=None, minimum=1, maximum=5)
    nps_score: int | None = column(
        "Likelihood to recommend us, from 0 to 10.", default=None, minimum=0, maximum=10, index=True
    )
    csat_score: int | None = column("How satisfied, from 1 to 5.", default=None, minimum=1, maximum=5)
    ces_score: int | None = column("How easy we made it, from 1 to 7.", default=None, minimum=1, maximum=7)
    perceived_benefit: Decimal | None = column(
        "How large the benefit is felt to be, from 0 to 10.", default=None, minimum=0, maximum=10
    )
    perceived_cost: Decimal | None = column(
        "How large the cost of obtaining it is felt to be, from 0 to 10.", default=None, minimum=0, maximum=10
    )
    expectation_causes: list[ExpectationCause] = column("What the expectation comes from.", default_factory=list)
    comment: str | None = column("What was said beside.", default=None, max_length=5000, long=True, personal=True)
    source: ResponseSource = column("How it came in.", default=ResponseSource.ENTERED, read_only=True, index=True)
    questions_version: int | None = column(
        "The version of the questions that was answered; none where only numbers were entered.",
        default=None,
        read_only=True,
    )
    invitation_id: str | None = reference(
        SurveyInvitation,
        "The invitation it answers; none of an anonymous survey.",
        inverse="responses",
        inverse_description="What was answered to it.",
        default=None,
        on_destroy="SET NULL",
        read_only=True,
    )
    follow_up_task_id: str | None = reference(
        Task,
        "The task to follow up a detractor.",
        inverse="survey_responses",
        inverse_description="Responses to surveys that it follows up.",
        default=None,
        on_destroy="SET NULL",
        read_only=True,
    )


class SurveyAnswer(Record, plugin="satisfaction_surveys", prefix="sva"):
    """What a response says to one question."""

    __read_only__ = True

    response_id: str = reference(
        SurveyResponse,
        "The response.",
        inverse="answers",
        inverse_description="What it says, question by question.",
        on_destroy="CASCADE",
    )
    question_id: str = reference(
        SurveyQuestion, "The question.", inverse="answers", inverse_description="What was answered to it."
    )
    score: Decimal | None = column("The mark that was given; of a rating what was found.", default=None, index=True)
    expected: Decimal | None = column("Of a rating: what was expected.", default=None)
    choices: list[str] = column("What was chosen.", default_factory=list)
    text: str | None = column("What was written.", default=None, long=True, personal=True)


# S3
class ImprovementAction(Record, plugin="satisfaction_surveys", prefix="ima"):
    """Something done because of a survey, so that it leads to improvement."""

    __order__ = (("createdAt", True),)

    survey_id: str = reference(
        Survey,
        "The survey it follows from.",
        inverse="improvement_actions",
        inverse_description="What is done because of it.",
        on_destroy="CASCADE",
    )
    customer_id: str | None = reference(
        Customer,
        "The customer it is done for, if for one.",
        inverse="improvement_actions",
        inverse_description="What is done for it because of surveys.",
        default=None,
        on_destroy="SET NULL",
    )
    response_id: str | None = reference(
        SurveyResponse,
        "The response it answers to, if to one.",
        inverse="improvement_actions",
        inverse_description="What is done because of it.",
        default=None,
        on_destroy="SET NULL",
    )
    assignee_id: str | None = reference(
        User,
        "Who does it.",
        inverse="improvement_actions",
        inverse_description="Improvements the person is to make.",
        default=None,
        on_destroy="SET NULL",
    )
    title: str = column("What is to be improved.", max_length=300, index=True)
    description: str | None = column("Details.", default=None, max_length=20_000, long=True)
    status: ActionStatus = column("Where it stands.", default=ActionStatus.OPEN, index=True)
    due_on: date | None = column("Day by which it is to be done.", default=None, index=True)
    completed_on: date | None = column("Day on which it was done.", default=None, read_only=True)
    outcome: str | None = column("What came of it.", default=None, max_length=5000, long=True)


class CustomerResult(Facet, of="Customer", plugin="satisfaction_surveys"):
    """The latest results of a customer and how they moved. Never what was answered anonymously."""

    gap: Decimal | None = column("Gap.", default=None, index=True)
    gap_trend: Decimal | None = column("How it moved.", default=None, index=True)
    rating: Decimal | None = column("Rating.", default=None, index=True)
    rating_trend: Decimal | None = column("How it moved.", default=None, index=True)
    rate: Decimal | None = column("Rate.", default=None, index=True)
    rate_trend: Decimal | None = column("How it moved.", default=None, index=True)
    nps: Decimal | None = column("Net promoter score.", default=None, index=True)
    nps_trend: Decimal | None = column("How it moved.", default=None, index=True)
    nps_score: Decimal | None = column("Likelihood to recommend.", default=None, index=True)
    nps_score_trend: Decimal | None = column("How it moved.", default=None, index=True)
    csat: Decimal | None = column("CSAT.", default=None, index=True)
    csat_trend: Decimal | None = column("How it moved.", default=None, index=True)
    ces: Decimal | None = column("CES.", default=None, index=True)
    ces_trend: Decimal | None = column("How it moved.", default=None, index=True)
    perceived_value: Decimal | None = column("Perceived value.", default=None, index=True)
    perceived_value_trend: Decimal | None = column("How it moved.", default=None, index=True)
    level: SatisfactionLevel | None = column("What the sign of the gap says.", default=None, index=True)
    nps_category: NpsCategory | None = column("What the likelihood to recommend makes of it.", default=None, index=True)
    answered_on: date | None = column("Day of the latest answer.", default=None, index=True)
    respondents: int = column("How many respondents have answered.", default=0)
    policy_version: str | None = column("The policy the results came of.", default=None, exact=True, index=True)
    invited_on: date | None = column("When somebody of it was last invited.", default=None, index=True)


class ContactSurveys(Facet, of="Contact", plugin="satisfaction_surveys"):
    """When a person was last invited to a survey."""

    invited_on: date | None = column("When the person was last invited.", default=None, index=True)
