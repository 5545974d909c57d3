"""The operations of responses: answers by token, and by one of us."""

from datetime import date
from decimal import Decimal

import strawberry

from guanxi import Context, Input, Payload, Ref, mutation
from plugins.satisfaction_surveys.models import SurveyResponse
from plugins.satisfaction_surveys.questionnaires import GivenAnswer
from plugins.satisfaction_surveys.responses import Given, answer_by_token, record_response
from plugins.satisfaction_surveys.surveys import no_keys, survey_of
from plugins.satisfaction_surveys.vocabulary import ExpectationCause


@strawberry.input
class SurveyAnswerInput:
    """The answer to one question: what its kind asks for."""

    question_id: strawberry.ID = strawberry.field(description="The question.")
    score: Decimal | None = strawberry.field(
        default=None, description="The mark on the scale of its kind; for a rating, the actual one."
    )
    expected: Decimal | None = strawberry.field(default=None, description="For a rating, the expected one.")
    choices: list[str] | None = strawberry.field(
        default=None, description="The options chosen; exactly one for CHOICE."
    )
    text: str | None = strawberry.field(default=None, description="The text, for TEXT.")


@strawberry.input
class AnswersInput(Input):
    """A respondent's answers."""

    answers: list[SurveyAnswerInput] = strawberry.field(description="One answer per question.")
    expectation_causes: list[ExpectationCause] | None = strawberry.field(
        default=None, description="Causes of the expectations."
    )
    comment: str | None = strawberry.field(default=None, description="Additional comment.")

    @property
    def given(self) -> Given:
        """The input as responses take it."""
        answers = [GivenAnswer(one.question_id, one.score, one.expected, one.choices, one.text) for one in self.answers]
        return Given(answers, self.expectation_causes or (), self.comment)


@strawberry.input
class AnswerSurveyInput(AnswersInput):
    """A respondent's answers to a survey."""

    token: str = strawberry.field(description="The token that came with the invitation.")


@strawberry.type
class AnswerSurveyPayload(Payload):
    """Whether answers were accepted; nothing else can be read with a token."""

    accepted: bool = strawberry.field(default=False, description="Whether these answers are stored.")


@strawberry.input
class RecordSurveyResponseInput(AnswersInput):
    """A respondent's answers given to one of us, for example by telephone."""

    survey_id: strawberry.ID = strawberry.field(description="The survey.")
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="The customer; by default the contact's."
    )
    contact_id: strawberry.ID | None = strawberry.field(default=None, description="The person.")
    answered_on: date | None = strawberry.field(default=None, description="The day; today by default.")


@mutation(as_plugin=True, locks=no_keys, public=True)
def answer_survey(ctx: Context, input: AnswerSurveyInput) -> AnswerSurveyPayload:
    """Answers a survey by the token of an invitation, once. Needs no API key. Repeating the same answers with
    the same token changes nothing and returns the first result; in an anonymous survey it is refused, because nobody
    can tell whether they are the same.
    """
    answer_by_token(ctx, input.token, input.given)
    return AnswerSurveyPayload(accepted=True)


@mutation(locks=no_keys)
def record_survey_response(ctx: Context, input: RecordSurveyResponseInput) -> Ref[SurveyResponse]:
    """Records a respondent's answers given to one of us, for example by telephone."""
    survey = survey_of(ctx.session, input.survey_id)
    return record_response(ctx, survey, input.customer_id, input.contact_id, input.answered_on, input.given)
