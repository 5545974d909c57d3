"""The operations of surveys themselves: questions, audience, opening, closing; and recomputing results."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from guanxi import Context, Input, Named, Payload, Ref, Reject, mutation
from plugins.satisfaction_surveys import surveys
from plugins.satisfaction_surveys.models import Survey
from plugins.satisfaction_surveys.questionnaires import Question, set_questions
from plugins.satisfaction_surveys.results import recompute
from plugins.satisfaction_surveys.surveys import problem, set_audience, survey_of
from plugins.satisfaction_surveys.vocabulary import QuestionKind, RespondentKind


@strawberry.input
class SurveyTargetInput(Input):
    """The survey that is meant."""

    survey_id: strawberry.ID = strawberry.field(description="The survey.")


@strawberry.input
class SurveyQuestionInput:
    """A question of a survey."""

    kind: QuestionKind = strawberry.field(description="What it asks for.")
    text: str = strawberry.field(description="What it says.")
    options: list[str] | None = strawberry.field(
        default=None, description="What can be chosen, for CHOICE and CHOICES."
    )
    is_required: bool = strawberry.field(default=True, description="Has to be answered.")


@strawberry.input
class SetSurveyQuestionsInput(SurveyTargetInput):
    """The questions of a survey."""

    questions: list[SurveyQuestionInput] = strawberry.field(description="All of them, in order.")


@strawberry.input
class SetSurveyAudienceInput(SurveyTargetInput):
    """Whom a survey asks: either contacts or customers."""

    contacts: Annotated[Mapping[str, Any], Named("ContactWhere")] | None = strawberry.field(
        default=None, description="The persons who meet this."
    )
    customers: Annotated[Mapping[str, Any], Named("CustomerWhere")] | None = strawberry.field(
        default=None, description="The customers that meet this, each asked as a whole."
    )


@strawberry.type
class OpenSurveyPayload(Payload):
    """What became of opening a survey, or would become of it."""

    survey: Ref[Survey] | None = strawberry.field(description="The survey; null if it was refused.")
    respondents: int | None = strawberry.field(description="How many its audience has now.")


@strawberry.input
class RecomputeSatisfactionInput(Input):
    """How to recompute."""


@strawberry.type
class RecomputeSatisfactionPayload(Payload):
    """What became of a recompute, or would become of it."""

    customers: int = strawberry.field(default=0, description="How many have answered.")
    changed: int = strawberry.field(default=0, description="How many have other results now.")
    policy_version: str | None = strawberry.field(description="Names the policy they came of.")


@mutation
def set_survey_questions(ctx: Context, input: SetSurveyQuestionsInput) -> Ref[Survey]:
    """Gives a survey its questions. A version that was sent out or answered is kept, and these become the next one, so
    that answers never change meaning.
    """
    survey = survey_of(ctx.session, input.survey_id)
    questions = [Question(one.kind, one.text, one.options or (), one.is_required) for one in input.questions]
    set_questions(ctx, survey, questions)
    return survey


@mutation
def set_survey_audience(ctx: Context, input: SetSurveyAudienceInput) -> Ref[Survey]:
    """Says whom a survey asks. It is looked up again whenever the survey invites."""
    survey = survey_of(ctx.session, input.survey_id)
    audiences = {RespondentKind.CONTACTS: input.contacts, RespondentKind.CUSTOMERS: input.customers}
    given = [(kind, where) for kind, where in audiences.items() if where is not None]
    if len(given) != 1:
        raise Reject(problem("INVALID", "contacts", "give either contacts or customers; {} is all of them"))
    set_audience(survey, *given[0])
    return survey


@mutation
def open_survey(ctx: Context, input: SurveyTargetInput) -> OpenSurveyPayload:
    """Lets a survey be answered. It needs a purpose, respondents and questions. A closed one is opened again.

    Rule S5.
    """
    survey = survey_of(ctx.session, input.survey_id)
    return OpenSurveyPayload(respondents=surveys.open_survey(ctx, survey), survey=survey)


@mutation
def close_survey(ctx: Context, input: SurveyTargetInput) -> Ref[Survey]:
    """Ends answering a survey; what was answered stays."""
    survey = survey_of(ctx.session, input.survey_id)
    surveys.close_survey(ctx, survey)
    return survey


@mutation
def recompute_satisfaction(ctx: Context, input: RecomputeSatisfactionInput) -> RecomputeSatisfactionPayload:
    """Works out the results of all customers again, as when the policy has changed. A job does so too, for results of
    another policy.
    """
    found = recompute(ctx)
    return RecomputeSatisfactionPayload(
        customers=found.customers, changed=found.changed, policy_version=found.policy_version
    )
