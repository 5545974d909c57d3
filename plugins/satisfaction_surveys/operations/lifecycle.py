"""The operations of surveys themselves: questions, audience, opening, closing; and recomputing results."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from guanxi import Context, Done, Reject
from plugins.satisfaction_surveys.operations.asking import (
    ASKED,
    ERRORS,
    WARNINGS,
    SurveyPreviewInput,
    do_with_survey,
    key,
)
from plugins.satisfaction_surveys.questionnaires import Question, set_questions
from plugins.satisfaction_surveys.results import recompute
from plugins.satisfaction_surveys.surveys import close_survey, open_survey, problem, set_audience, survey_of
from plugins.satisfaction_surveys.vocabulary import QuestionKind, RespondentKind


def survey_mutations(plugin: str, types: Any) -> type:
    """The class whose fields join Mutation."""

    @strawberry.input(description="A question of a survey.")
    class SurveyQuestionInput:
        kind: QuestionKind = strawberry.field(description="What it asks for.")
        text: str = strawberry.field(description="What it says.")
        options: list[str] | None = strawberry.field(
            default=strawberry.UNSET, description="What can be chosen, for CHOICE and CHOICES."
        )
        is_required: bool = strawberry.field(default=True, description="Has to be answered.")

    @strawberry.input(description="The questions of a survey.")
    class SetSurveyQuestionsInput:
        survey_id: strawberry.ID = strawberry.field(description="The survey.")
        questions: list[SurveyQuestionInput] = strawberry.field(description="All of them, in order.")
        idempotency_key: str | None = key()

    @strawberry.input(description="Whom a survey asks: either contacts or customers.")
    class SetSurveyAudienceInput:
        survey_id: strawberry.ID = strawberry.field(description="The survey.")
        contacts: types.ContactWhere | None = strawberry.field(
            default=strawberry.UNSET, description="The persons who meet this."
        )
        customers: types.CustomerWhere | None = strawberry.field(
            default=strawberry.UNSET, description="The customers that meet this, each asked as a whole."
        )
        idempotency_key: str | None = key()

    @strawberry.input(description="The survey that is meant.")
    class SurveyTargetInput:
        survey_id: strawberry.ID = strawberry.field(description="The survey.")
        idempotency_key: str | None = key()

    @strawberry.type(description="What became of opening a survey, or would become of it.")
    class OpenSurveyPayload:
        survey: types.Survey | None = strawberry.field(description="The survey; null if it was refused.")
        respondents: int | None = strawberry.field(description="How many its audience has now.")
        user_errors: list[types.UserError] = strawberry.field(description=ERRORS)
        warnings: list[types.UserError] = strawberry.field(description=WARNINGS)

    @strawberry.input(description="How to recompute.")
    class RecomputeSatisfactionInput:
        preview: bool = strawberry.field(default=False, description="Answer what would happen and write nothing.")
        idempotency_key: str | None = key()

    @strawberry.type(description="What became of a recompute, or would become of it.")
    class RecomputeSatisfactionPayload:
        customers: int = strawberry.field(description="How many have answered.")
        changed: int = strawberry.field(description="How many have other results now.")
        policy_version: str | None = strawberry.field(description="Names the policy they came of.")
        user_errors: list[types.UserError] = strawberry.field(description=ERRORS)
        warnings: list[types.UserError] = strawberry.field(description=WARNINGS)

    @strawberry.type
    class Mutation:
        @strawberry.mutation(
            description="Gives a survey its questions. A version that was sent out or answered is kept, and these "
            "become the next one, so that answers never change meaning."
        )
        async def set_survey_questions(
            self, info: strawberry.Info, input: Annotated[SetSurveyQuestionsInput, ASKED]
        ) -> types.SurveyPayload:
            questions = [Question(one.kind, one.text, one.options or (), one.is_required) for one in input.questions]
            return await do_with_survey(
                plugin, info, "setSurveyQuestions", input, lambda ctx, survey: set_questions(ctx, survey, questions)
            )

        @strawberry.mutation(description="Says whom a survey asks. It is looked up again whenever the survey invites.")
        async def set_survey_audience(
            self, info: strawberry.Info, input: Annotated[SetSurveyAudienceInput, ASKED]
        ) -> types.SurveyPayload:
            return await do_with_survey(
                plugin, info, "setSurveyAudience", input, lambda ctx, survey: _set_audience(survey, input)
            )

        @strawberry.mutation(
            description="Lets a survey be answered. It needs a purpose, respondents and questions (S5). A closed one "
            "is opened again."
        )
        async def open_survey(
            self, info: strawberry.Info, input: Annotated[SurveyPreviewInput, ASKED]
        ) -> OpenSurveyPayload:
            def work(ctx: Context) -> dict[str, Any]:
                survey = survey_of(ctx.session, str(input.survey_id))
                return {"respondents": open_survey(ctx, survey), "id": survey.id}

            done: Done = await info.context.perform(plugin, "openSurvey", input, work, dry=input.preview)
            answer = done.answer or {}
            return OpenSurveyPayload(
                survey=answer.get("id"),
                respondents=answer.get("respondents"),
                user_errors=list(done.user_errors),
                warnings=list(done.warnings),
            )

        @strawberry.mutation(description="Lets a survey be answered no more; what was answered stays.")
        async def close_survey(
            self, info: strawberry.Info, input: Annotated[SurveyTargetInput, ASKED]
        ) -> types.SurveyPayload:
            return await do_with_survey(plugin, info, "closeSurvey", input, close_survey)

        @strawberry.mutation(
            description="Works out the results of all customers again, as when the policy has changed. A job does so "
            "too, for results of another policy."
        )
        async def recompute_satisfaction(
            self, info: strawberry.Info, input: Annotated[RecomputeSatisfactionInput, ASKED]
        ) -> RecomputeSatisfactionPayload:
            def work(ctx: Context) -> dict[str, Any]:
                found = recompute(ctx)
                return {"customers": found.customers, "changed": found.changed, "policy_version": found.policy_version}

            done: Done = await info.context.perform(plugin, "recomputeSatisfaction", input, work, dry=input.preview)
            answer = done.answer or {"customers": 0, "changed": 0, "policy_version": None}
            return RecomputeSatisfactionPayload(
                **answer, user_errors=list(done.user_errors), warnings=list(done.warnings)
            )

    return Mutation


def _set_audience(survey: Any, input: Any) -> None:
    given = [
        (kind, where)
        for kind, where in ((RespondentKind.CONTACTS, input.contacts), (RespondentKind.CUSTOMERS, input.customers))
        if isinstance(where, Mapping)
    ]
    if len(given) != 1:
        raise Reject(problem("INVALID", "contacts", "give either contacts or customers; {} is all of them"))
    set_audience(survey, *given[0])
