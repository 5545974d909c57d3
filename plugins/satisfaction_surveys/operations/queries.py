"""The queries of satisfaction surveys: reports by any grouping, a customer's results explained, the form of a token."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from pydantic import ValidationError

from guanxi import Context, InputError, Named, Ref, Reject, query, sentence
from guanxi.records import Customer
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.languages import Wording, wording
from plugins.satisfaction_surveys.models import SurveyQuestion, SurveyResponse
from plugins.satisfaction_surveys.questionnaires import questions_of
from plugins.satisfaction_surveys.reports import Group, Interval, ReportScope, report
from plugins.satisfaction_surveys.responses import token_row
from plugins.satisfaction_surveys.results import decimal, explain
from plugins.satisfaction_surveys.rules import SCALES, MeasureResult
from plugins.satisfaction_surveys.settings import SatisfactionSettings, SatisfiedBy
from plugins.satisfaction_surveys.vocabulary import QuestionKind, SatisfactionMeasure

#: Argument names of the settings that a what-if may change.
_SUPPOSED = {
    "satisfied_by": "satisfiedBy",
    "target_percent": "targetPercent",
    "result_valid_days": "validDays",
}
_AsOf = Annotated[date | None, strawberry.argument(description="The last day that counts; today by default.")]
_By = Annotated[
    SatisfiedBy | None,
    strawberry.argument(description="What-if: who counts as satisfied, instead of the policy's choice."),
]


@strawberry.type
class ConfidenceInterval:
    """The interval that contains the true value, at the policy's confidence level."""

    low: Decimal = strawberry.field(description="Lower bound.")
    high: Decimal = strawberry.field(description="Upper bound.")


@strawberry.type
class SatisfactionGroupKey:
    """A key of a group of responses."""

    name: str = strawberry.field(description="The key as requested, such as customer.region.")
    value: str | None = strawberry.field(description="Its value; a period is given by its first day.")


@strawberry.type
class SatisfactionGroup:
    """The results of a group of responses. Each measure stands on its own."""

    keys: list[SatisfactionGroupKey] = strawberry.field(description="Values its responses have in common.")
    responses: int = strawberry.field(description="Number of responses.")
    respondents: int = strawberry.field(
        description="Number of people whose answers show whether they are satisfied; each counts by the latest."
    )
    satisfied: int = strawberry.field(description="Number of these that are satisfied.")
    rate: Decimal | None = strawberry.field(description="Satisfied in percent of respondents.")
    rate_interval: ConfidenceInterval | None = strawberry.field(
        description="Confidence interval of the rate: Wilson's score interval."
    )
    is_target_met: bool | None = strawberry.field(description="Whether the rate reaches the target.")
    attainment: Decimal | None = strawberry.field(
        description="The rate in percent of the target; null without respondents or target."
    )
    weighted_rate: Decimal | None = strawberry.field(
        description="The rate in percent, weighted by each customer's current value, shared evenly by its "
        "respondents; null without value tiering."
    )
    promoters: int = strawberry.field(description="Number of promoters: 9 or 10.")
    passives: int = strawberry.field(description="Number of passives: 7 or 8.")
    detractors: int = strawberry.field(description="Number of detractors: 0 to 6.")
    nps: Decimal | None = strawberry.field(description="Percent of promoters minus percent of detractors.")
    nps_interval: ConfidenceInterval | None = strawberry.field(
        description="Confidence interval of the score, by the normal approximation."
    )
    gap: Decimal | None = strawberry.field(description="Mean gap between actual and expected rating.")
    rating: Decimal | None = strawberry.field(description="Mean actual rating, from 1 to 5.")
    csat: Decimal | None = strawberry.field(description="Share of top marks in percent.")
    ces: Decimal | None = strawberry.field(description="Mean ease, from 1 to 7.")
    perceived_value: Decimal | None = strawberry.field(description="Mean perceived value.")


@strawberry.type
class SatisfactionReport:
    """Satisfaction as of a day, with the policy applied."""

    as_of: date = strawberry.field(description="The last day that counts.")
    policy_version: str = strawberry.field(description="Identifies the policy.")
    satisfied_by: SatisfiedBy = strawberry.field(description="Who counts as satisfied.")
    target_percent: Decimal = strawberry.field(description="The target rate in percent, inclusive.")
    confidence_percent: Decimal = strawberry.field(description="Confidence level of the intervals, in percent.")
    groups: list[SatisfactionGroup] = strawberry.field(description="The groups, in the order of their keys.")
    causes: list[SatisfactionGroup] = strawberry.field(
        description="The same responses by cause of the expectation. One may name several, and then counts for each."
    )


@strawberry.type
class SatisfactionPoint:
    """A result as of a day."""

    on: date = strawberry.field(description="The day.")
    value: Decimal = strawberry.field(description="The result at its end.")


@strawberry.type
class SatisfactionComponent:
    """The contribution of a response to a result."""

    response: Ref[SurveyResponse] | None = strawberry.field(description="The response.")
    value: Decimal = strawberry.field(description="Its value by the measure.")


@strawberry.type
class SatisfactionResult:
    """A customer's result by one measure: its value, components and history."""

    measure: SatisfactionMeasure = strawberry.field(description="The measure.")
    value: Decimal = strawberry.field(description="The mean over its respondents, each by the latest answer.")
    previous: Decimal | None = strawberry.field(description="The same before the last day with answers.")
    trend: Decimal | None = strawberry.field(description="Value minus previous.")
    answered_on: date = strawberry.field(description="The last day with answers.")
    components: list[SatisfactionComponent] = strawberry.field(description="The answers it is based on, latest first.")
    history: list[SatisfactionPoint] = strawberry.field(
        description="The result as of every day with answers, latest first."
    )


@strawberry.type
class CustomerSatisfaction:
    """A customer's results as of a day, explained."""

    customer: Ref[Customer] | None = strawberry.field(description="The customer.")
    as_of: date = strawberry.field(description="The last day that counts.")
    policy_version: str = strawberry.field(description="Identifies the policy.")
    valid_days: int = strawberry.field(description="Answers older than the latest by this many days do not count.")
    results: list[SatisfactionResult] = strawberry.field(description="One result per measure that has answers.")


@strawberry.type
class SurveyFormQuestion:
    """A question as a respondent sees it."""

    question_id: strawberry.ID = strawberry.field(description="Its id, for `answerSurvey`.")
    kind: QuestionKind = strawberry.field(description="Kind of answer it asks for.")
    text: str = strawberry.field(description="Wording of the question.")
    options: list[str] = strawberry.field(description="Options to choose from, as `answerSurvey` takes them.")
    option_texts: list[str] = strawberry.field(description="How each option reads in the language.")
    is_required: bool = strawberry.field(description="Whether an answer is required.")
    minimum: int | None = strawberry.field(description="The lowest mark; null for questions without marks.")
    maximum: int | None = strawberry.field(description="The highest mark, likewise.")


@strawberry.type
class SurveyForm:
    """A survey as a respondent sees it."""

    title: str = strawberry.field(description="Name of the survey.")
    introduction: str | None = strawberry.field(description="What to read before the questions.")
    language: str = strawberry.field(description="Tag of the language it is in.")
    languages: list[str] = strawberry.field(description="Languages it can be read in, its own first.")
    is_anonymous: bool = strawberry.field(
        description="Whether it is anonymous: answers cannot be traced to respondents."
    )
    questions: list[SurveyFormQuestion] = strawberry.field(description="The questions in order.")


@query
def satisfaction_report(
    ctx: Context,
    where: Annotated[
        Annotated[Mapping[str, Any], Named("SurveyResponseWhere")] | None,
        strawberry.argument(description="Only responses that match this condition."),
    ] = None,
    by: Annotated[
        list[Annotated[Mapping[str, Any], Named("SurveyResponseGroupKey")]] | None,
        strawberry.argument(description="The keys to group by; by default all responses are one group."),
    ] = None,
    as_of: _AsOf = None,
    satisfied_by: _By = None,
    target_percent: Annotated[
        Decimal | None, strawberry.argument(description="What-if: a target in percent other than the policy's.")
    ] = None,
) -> SatisfactionReport:
    """Reports satisfaction by any grouping and by cause: rate against the target, also weighted by customer value,
    NPS, CSAT, CES, gap and perceived value, with confidence intervals. Each person counts once per group, by the
    latest answer to each measure.

    Rules S2, S4, X21.
    """
    policy = _supposed(ctx.settings, satisfied_by=satisfied_by, target_percent=target_percent)
    scope = ReportScope(where or {}, by or (), as_of or ctx.clock.today())
    found = report(ctx, scope, policy)
    return SatisfactionReport(
        as_of=scope.as_of,
        policy_version=rules.policy_version(policy),
        satisfied_by=policy.satisfied_by,
        target_percent=policy.target_percent,
        confidence_percent=policy.confidence_percent,
        groups=[_group(one) for one in found.groups],
        causes=[_group(one) for one in found.causes],
    )


@query
def customer_satisfaction(
    ctx: Context,
    customer_id: Annotated[strawberry.ID, strawberry.argument(description="The customer.")],
    as_of: _AsOf = None,
    satisfied_by: _By = None,
    valid_days: Annotated[
        int | None, strawberry.argument(description="What-if: number of days for which answers count.")
    ] = None,
) -> CustomerSatisfaction | None:
    """Explains a customer's results as of any day, each with the answers it is based on and its history.

    Rule S3.
    """
    policy = _supposed(ctx.settings, satisfied_by=satisfied_by, result_valid_days=valid_days)
    day = as_of or ctx.clock.today()
    customer = ctx.session.get(Customer, customer_id)
    if customer is None or customer.deleted_at is not None:
        return None
    found = explain(ctx.session, policy, customer.id, day)
    return CustomerSatisfaction(
        customer=customer,
        as_of=day,
        policy_version=rules.policy_version(policy),
        valid_days=policy.result_valid_days,
        results=[_result(measure, results) for measure, results in found.items()],
    )


@query(public=True)
def survey_form(
    ctx: Context,
    token: Annotated[str, strawberry.argument(description="The token that came with the invitation.")],
    language: Annotated[
        str | None,
        strawberry.argument(
            description="Tag of the language to read it in, such as de-AT: that, else de, else the survey's own, "
            "which is the default."
        ),
    ] = None,
) -> SurveyForm | None:
    """Returns the questions a token can answer, as `answerSurvey` takes them; null if nothing can be answered with it.
    Needs no API key.
    """
    try:
        row, survey = token_row(ctx.session, token, ctx.clock.now(), lock=False)
    except Reject:
        return None
    if row.is_used:
        return None
    questions = questions_of(ctx.session, survey.id, row.questions_version)
    words = wording(ctx.session, survey, language)
    return SurveyForm(
        title=words.title,
        introduction=words.introduction,
        language=words.language,
        languages=list(words.languages),
        is_anonymous=survey.is_anonymous,
        questions=[_question(one, words) for one in questions],
    )


def _question(one: SurveyQuestion, words: Wording) -> SurveyFormQuestion:
    minimum, maximum = SCALES.get(one.kind, (None, None))
    text, options = words.questions.get(one.id, (one.text, one.options))
    return SurveyFormQuestion(
        question_id=strawberry.ID(one.id),
        kind=one.kind,
        text=text,
        options=one.options,
        option_texts=list(options),
        is_required=one.is_required,
        minimum=minimum,
        maximum=maximum,
    )


def _interval(found: Interval | None) -> ConfidenceInterval | None:
    return None if found is None else ConfidenceInterval(low=found[0], high=found[1])


def _group(found: Group) -> SatisfactionGroup:
    promoters, passives, detractors = found.categories
    return SatisfactionGroup(
        keys=[SatisfactionGroupKey(name=name, value=_text(value)) for name, value in found.keys],
        responses=found.tally.responses,
        respondents=found.respondents,
        satisfied=found.satisfied,
        rate=found.rate,
        rate_interval=_interval(found.rate_interval),
        is_target_met=found.is_target_met,
        attainment=found.attainment,
        weighted_rate=found.weighted_rate,
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        nps=found.nps,
        nps_interval=_interval(found.nps_interval),
        gap=decimal(found.mean(SatisfactionMeasure.GAP)),
        rating=decimal(found.mean(SatisfactionMeasure.RATING)),
        csat=decimal(found.mean(SatisfactionMeasure.CSAT)),
        ces=decimal(found.mean(SatisfactionMeasure.CES)),
        perceived_value=decimal(found.mean(SatisfactionMeasure.PERCEIVED_VALUE)),
    )


def _result(measure: SatisfactionMeasure, found: Sequence[MeasureResult]) -> SatisfactionResult:
    latest = found[0]
    return SatisfactionResult(
        measure=measure,
        value=decimal(latest.value),
        previous=decimal(latest.previous),
        trend=decimal(latest.trend),
        answered_on=latest.answered_on,
        components=[
            SatisfactionComponent(response=one.id, value=decimal(one.values[measure])) for one in latest.answers
        ],
        history=[SatisfactionPoint(on=one.answered_on, value=decimal(one.value)) for one in found],
    )


def _supposed(settings: SatisfactionSettings, **given: Any) -> SatisfactionSettings:
    """Returns the policy with the assumptions of a what-if.

    Raises:
        InputError: an assumed value is not possible.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return SatisfactionSettings.model_validate({**settings.model_dump(), **said})
    except ValidationError as error:
        (name,), problem = error.errors()[0]["loc"], error.errors()[0]["msg"]
        raise InputError(
            sentence(
                "{supposed}: {said} is not possible: {problem}",
                supposed=_SUPPOSED[str(name)],
                said=said[str(name)],
                problem=problem,
            )
        ) from None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
