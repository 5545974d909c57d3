"""The operations of responses: answers by token, and by one of us."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, Done
from plugins.satisfaction_surveys.operations.asking import ASKED, ERRORS, WARNINGS, key, said
from plugins.satisfaction_surveys.questionnaires import GivenAnswer
from plugins.satisfaction_surveys.responses import Given, answer_by_token, record_response
from plugins.satisfaction_surveys.surveys import survey_of
from plugins.satisfaction_surveys.vocabulary import ExpectationCause


def response_mutations(plugin: str, types: Any) -> type:
    """The class whose fields join Mutation."""

    @strawberry.input(description="The answer to one question: what its kind asks for.")
    class SurveyAnswerInput:
        question_id: strawberry.ID = strawberry.field(description="The question.")
        score: Decimal | None = strawberry.field(
            default=strawberry.UNSET, description="The mark on the scale of its kind; of a rating what was found."
        )
        expected: Decimal | None = strawberry.field(
            default=strawberry.UNSET, description="Of a rating: what was expected."
        )
        choices: list[str] | None = strawberry.field(
            default=strawberry.UNSET, description="The options that are chosen; of CHOICE exactly one."
        )
        text: str | None = strawberry.field(default=strawberry.UNSET, description="The text, of TEXT.")

    @strawberry.input(description="A respondent's answers to a survey.")
    class AnswerSurveyInput:
        token: str = strawberry.field(description="What came with the invitation.")
        answers: list[SurveyAnswerInput] = strawberry.field(description="An answer a question.")
        expectation_causes: list[ExpectationCause] | None = strawberry.field(
            default=strawberry.UNSET, description="What the expectations come from (S2)."
        )
        comment: str | None = strawberry.field(default=strawberry.UNSET, description="What is said beside.")

    @strawberry.type(description="Whether answers were taken; nothing else can be read with a token.")
    class AnswerSurveyPayload:
        accepted: bool = strawberry.field(description="The survey is answered with this token.")
        user_errors: list[types.UserError] = strawberry.field(description=ERRORS)
        warnings: list[types.UserError] = strawberry.field(description=WARNINGS)

    @strawberry.input(description="What a respondent answered to one of us, as on the telephone.")
    class RecordSurveyResponseInput:
        survey_id: strawberry.ID = strawberry.field(description="The survey.")
        customer_id: strawberry.ID | None = strawberry.field(
            default=strawberry.UNSET, description="The customer; the contact's without it."
        )
        contact_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The person.")
        answered_on: date | None = strawberry.field(default=strawberry.UNSET, description="The day; today without it.")
        answers: list[SurveyAnswerInput] = strawberry.field(description="An answer a question.")
        expectation_causes: list[ExpectationCause] | None = strawberry.field(
            default=strawberry.UNSET, description="What the expectations come from (S2)."
        )
        comment: str | None = strawberry.field(default=strawberry.UNSET, description="What was said beside.")
        idempotency_key: str | None = key()

    @strawberry.type
    class Mutation:
        @strawberry.mutation(
            description="Answers a survey by the token of an invitation, once. Needs no other right. The same answers "
            "with the same token again change nothing and are answered as before."
        )
        async def answer_survey(
            self, info: strawberry.Info, input: Annotated[AnswerSurveyInput, ASKED]
        ) -> AnswerSurveyPayload:
            context: Any = info.context
            done: Done = await context.perform(
                plugin,
                "answerSurvey",
                input,
                lambda ctx: answer_by_token(ctx, input.token, _given(input)),
                as_plugin=True,
            )
            return AnswerSurveyPayload(
                accepted=not done.user_errors,
                user_errors=list(done.user_errors),
                warnings=[*(done.answer or ()), *done.warnings],
            )

        @strawberry.mutation(description="Enters what a respondent answered to one of us, as on the telephone.")
        async def record_survey_response(
            self, info: strawberry.Info, input: Annotated[RecordSurveyResponseInput, ASKED]
        ) -> types.SurveyResponsePayload:
            def work(ctx: Context) -> str:
                survey = survey_of(ctx.session, str(input.survey_id))
                customer, contact = input.customer_id or None, input.contact_id or None
                return record_response(ctx, survey, customer, contact, input.answered_on or None, _given(input))

            context: Any = info.context
            done: Done = await context.perform(plugin, "recordSurveyResponse", input, work)
            return done.payload("surveyResponse")

    return Mutation


def _given(input: Any) -> Given:
    answers = [
        GivenAnswer(str(one.question_id), *(said(part) for part in (one.score, one.expected, one.choices, one.text)))
        for one in input.answers
    ]
    return Given(answers, input.expectation_causes or (), said(input.comment))
