"""The query of results by question, with drivers."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from guanxi import Context, Named, Ref, query
from plugins.satisfaction_surveys.drivers import QuestionResult, question_results
from plugins.satisfaction_surveys.models import SurveyQuestion
from plugins.satisfaction_surveys.reports import ReportScope
from plugins.satisfaction_surveys.results import decimal
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.vocabulary import NoDriverReason


@strawberry.type
class SurveyChoiceCount:
    """How often an option was chosen."""

    option: str = strawberry.field(description="The option.")
    respondents: int = strawberry.field(description="Number of people who chose it.")


@strawberry.type
class SurveyQuestionResult:
    """The result of a question. Each person counts once, by the latest answer."""

    question: Ref[SurveyQuestion] = strawberry.field(description="The question.")
    respondents: int = strawberry.field(description="Number of people who answered it.")
    score: Decimal | None = strawberry.field(description="Mean mark; for a rating, the actual one.")
    expected: Decimal | None = strawberry.field(description="For a rating, the mean expected one.")
    gap: Decimal | None = strawberry.field(description="For a rating, the mean gap.")
    choices: list[SurveyChoiceCount] = strawberry.field(description="Its options, each with its respondents.")
    correlation: Decimal | None = strawberry.field(
        description="Driver: correlation of its gap with the mean gap of the other ratings of the same response, from "
        "-1 to 1. The higher, the more it moves satisfaction as a whole."
    )
    correlation_respondents: int = strawberry.field(description="Number of people it is computed of.")
    no_correlation_reason: NoDriverReason | None = strawberry.field(description="Why it is null.")


@query
def survey_question_report(
    ctx: Context,
    where: Annotated[
        Annotated[Mapping[str, Any], Named("SurveyResponseWhere")] | None,
        strawberry.argument(description="Only responses that match this condition."),
    ] = None,
    as_of: Annotated[
        date | None, strawberry.argument(description="The last day that counts; today by default.")
    ] = None,
) -> list[SurveyQuestionResult]:
    """Reports the answers to each question, and which of them drives satisfaction, in the order of the questionnaires.

    Rules S1, S3.
    """
    settings: SatisfactionSettings = ctx.settings
    scope = ReportScope(where or {}, (), as_of or ctx.clock.today())
    return [_shown(one) for one in question_results(ctx, scope, settings.driver_respondents)]


def _shown(one: QuestionResult) -> SurveyQuestionResult:
    return SurveyQuestionResult(
        question=one.question,
        respondents=one.respondents,
        score=decimal(one.score),
        expected=decimal(one.expected),
        gap=decimal(one.gap),
        choices=[SurveyChoiceCount(option=option, respondents=count) for option, count in one.choices.items()],
        correlation=one.driver.correlation,
        correlation_respondents=one.driver.respondents,
        no_correlation_reason=one.driver.reason,
    )
