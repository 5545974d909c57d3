"""The operations of surveys themselves: questions, audience, opening, closing; and recomputing results."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from guanxi import Context, Input, Named, Payload, Ref, Reject, mutation, sentence
from plugins.satisfaction_surveys import surveys
from plugins.satisfaction_surveys.languages import TranslatedQuestion, set_translation
from plugins.satisfaction_surveys.models import MANAGE, Survey
from plugins.satisfaction_surveys.questionnaires import Question, set_questions
from plugins.satisfaction_surveys.results import recompute
from plugins.satisfaction_surveys.surveys import no_keys, problem, set_audience, survey_of
from plugins.satisfaction_surveys.vocabulary import QuestionKind, RespondentKind


@strawberry.input
class SurveyTargetInput(Input):
    """The survey to act on."""

    survey_id: strawberry.ID = strawberry.field(description="The survey.")


@strawberry.input
class SurveyQuestionInput:
    """A question of a survey."""

    kind: QuestionKind = strawberry.field(description="Kind of answer it asks for.")
    text: str = strawberry.field(description="Wording of the question.")
    options: list[str] | None = strawberry.field(
        default=None, description="Options to choose from, for CHOICE and CHOICES."
    )
    is_required: bool = strawberry.field(default=True, description="Whether an answer is required.")
    code: str | None = strawberry.field(
        default=None,
        description="Code by which an import finds it, unlike that of any other question. An earlier version of the "
        "survey's questions loses it.",
    )


@strawberry.input
class SetSurveyQuestionsInput(SurveyTargetInput):
    """The questions of a survey."""

    questions: list[SurveyQuestionInput] = strawberry.field(description="All questions, in order.")


@strawberry.input
class SurveyQuestionTranslationInput:
    """A question in another language."""

    question_id: strawberry.ID = strawberry.field(description="The question, of the present version.")
    text: str = strawberry.field(description="Wording of the question.")
    options: list[str] | None = strawberry.field(default=None, description="Its options, in the question's order.")


@strawberry.input
class SetSurveyTranslationInput(SurveyTargetInput):
    """A survey in another language."""

    language: str = strawberry.field(description="Tag of the language, such as de or pt-BR.")
    title: str = strawberry.field(description="Name of the survey.")
    introduction: str | None = strawberry.field(default=None, description="Introduction of the survey.")
    questions: list[SurveyQuestionTranslationInput] = strawberry.field(
        default_factory=list, description="Its questions; those left out keep the wording they have."
    )


@strawberry.input
class SetSurveyAudienceInput(SurveyTargetInput):
    """The audience of a survey: either contacts or customers."""

    contacts: Annotated[Mapping[str, Any], Named("ContactWhere")] | None = strawberry.field(
        default=None, description="Contacts who match this condition."
    )
    customers: Annotated[Mapping[str, Any], Named("CustomerWhere")] | None = strawberry.field(
        default=None, description="Customers that match this condition, each asked as a whole."
    )


@strawberry.type
class OpenSurveyPayload(Payload):
    """The result of opening a survey, or of a dry run."""

    survey: Ref[Survey] | None = strawberry.field(description="The survey; null if it was refused.")
    respondents: int | None = strawberry.field(description="Current size of its audience.")


@strawberry.input
class RecomputeSatisfactionInput(Input):
    """The input of a recompute."""


@strawberry.type
class RecomputeSatisfactionPayload(Payload):
    """The result of a recompute, or of a dry run."""

    customers: int = strawberry.field(default=0, description="Number of customers who have answered.")
    changed: int = strawberry.field(default=0, description="Number of customers whose results changed.")
    policy_version: str | None = strawberry.field(description="Identifies the policy they are based on.")


@mutation(locks=no_keys, permission=MANAGE)
def set_survey_questions(ctx: Context, input: SetSurveyQuestionsInput) -> Ref[Survey]:
    """Sets the questions of a survey. A version sent out or answered is kept, and these become the next one, so
    that answers never change meaning.
    """
    survey = survey_of(ctx.session, input.survey_id)
    questions = [Question(one.kind, one.text, one.options or (), one.is_required, one.code) for one in input.questions]
    set_questions(ctx, survey, questions)
    return survey


@mutation(locks=no_keys, permission=MANAGE)
def set_survey_translation(ctx: Context, input: SetSurveyTranslationInput) -> Ref[Survey]:
    """Sets the wording of a survey and its questions in another language. What is not translated is shown as it is.
    The wording of a question that was sent out or answered is kept.
    """
    survey = survey_of(ctx.session, input.survey_id)
    questions = [TranslatedQuestion(one.question_id, one.text, one.options or ()) for one in input.questions]
    set_translation(ctx, survey, input.language, input.title, input.introduction, questions)
    return survey


@mutation(locks=no_keys, permission=MANAGE)
def set_survey_audience(ctx: Context, input: SetSurveyAudienceInput) -> Ref[Survey]:
    """Sets the audience of a survey. It is looked up again whenever the survey invites."""
    survey = survey_of(ctx.session, input.survey_id)
    audiences = {RespondentKind.CONTACTS: input.contacts, RespondentKind.CUSTOMERS: input.customers}
    given = [(kind, where) for kind, where in audiences.items() if where is not None]
    if len(given) != 1:
        raise Reject(
            problem("INVALID", "contacts", sentence("give either contacts or customers; {{}} selects all of them"))
        )
    set_audience(survey, *given[0])
    return survey


@mutation(locks=no_keys, permission=MANAGE)
def open_survey(ctx: Context, input: SurveyTargetInput) -> OpenSurveyPayload:
    """Opens a survey for answers. It needs a purpose, an audience and questions. A closed survey is reopened.

    Rule S5.
    """
    survey = survey_of(ctx.session, input.survey_id)
    return OpenSurveyPayload(respondents=surveys.open_survey(ctx, survey), survey=survey)


@mutation(locks=no_keys, permission=MANAGE)
def close_survey(ctx: Context, input: SurveyTargetInput) -> Ref[Survey]:
    """Closes a survey; its responses stay."""
    survey = survey_of(ctx.session, input.survey_id)
    surveys.close_survey(ctx, survey)
    return survey


@mutation(locks=no_keys, unscoped=True)
def recompute_satisfaction(ctx: Context, input: RecomputeSatisfactionInput) -> RecomputeSatisfactionPayload:
    """Recomputes the results of all customers, for example after a change of policy. A job does so too, for results of
    another policy.
    """
    found = recompute(ctx)
    return RecomputeSatisfactionPayload(
        customers=found.customers, changed=found.changed, policy_version=found.policy_version
    )
