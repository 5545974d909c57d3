"""Results by question, and drivers: which item moves the satisfaction with all others (S1, S3)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import StatisticsError, correlation
from typing import Any

from sqlmodel import col, select

from guanxi import Context
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.models import SurveyQuestion
from plugins.satisfaction_surveys.reports import ReportScope, respondent_in
from plugins.satisfaction_surveys.vocabulary import NoDriverReason, QuestionKind

_PLACES = Decimal("0.01")
_ANSWER = "questionId score expected choices response { id contactId customerId answeredOn }"

#: Hundredths of an item's gap, and of the mean gap of the other items of the same response.
GapPair = tuple[int, Decimal]


@dataclass(frozen=True, slots=True)
class ItemDriver:
    """How an item moves the others.

    Attributes:
        correlation: of its gap with the mean gap of the other items, from -1 to 1; None for a reason.
        respondents: who answered both.
        reason: why there is none.
    """

    correlation: Decimal | None
    respondents: int
    reason: NoDriverReason | None


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """The result of a question: means in hundredths over its respondents, how often each option was chosen."""

    question: SurveyQuestion
    respondents: int
    score: int | None
    expected: int | None
    gap: int | None
    choices: Mapping[str, int]
    driver: ItemDriver


def driver_of(pairs: Sequence[GapPair], least: int) -> ItemDriver:
    """Correlates an item's gap with the mean gap of the other items, by respondent.

    The total leaves the item out, so that no item explains itself.

    Args:
        pairs: one per respondent.
        least: the fewest respondents it is computed for.
    """
    if len(pairs) < least:
        return ItemDriver(None, len(pairs), NoDriverReason.TOO_FEW_RESPONDENTS)
    try:
        found = correlation([float(item) for item, _ in pairs], [float(others) for _, others in pairs])
    except StatisticsError:
        return ItemDriver(None, len(pairs), NoDriverReason.NO_VARIATION)
    return ItemDriver(Decimal(found).quantize(_PLACES, ROUND_HALF_UP), len(pairs), None)


def question_results(ctx: Context, scope: ReportScope, least: int) -> list[QuestionResult]:
    """The results of every question answered in some responses, in the order of the questionnaires.

    Each person counts once per question, by the latest answer.

    Args:
        ctx: asks the catalog.
        scope: which responses; not grouped.
        least: the fewest respondents a driver is computed for.
    """
    latest: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    gaps: dict[str, dict[str, int]] = defaultdict(dict)
    where = {"response": scope.condition}
    for node in ctx.pages("SurveyAnswer", _ANSWER, where, as_of=scope.as_of):
        response, question = node["response"], node["questionId"]
        if node["expected"] is not None:
            gaps[response["id"]][question] = rules.satisfaction_gap(
                _hundredths(node, "score"), _hundredths(node, "expected")
            )
        known = latest[question].get(respondent_in(response))
        if known is None or _age(known) < _age(node):
            latest[question][respondent_in(response)] = node
    return [_result(one, list(latest[one.id].values()), gaps, least) for one in _questions(ctx, list(latest))]


def _age(node: Mapping[str, Any]) -> tuple[str, str]:
    return node["response"]["answeredOn"], node["response"]["id"]


def _hundredths(node: Mapping[str, Any], part: str) -> int:
    return int(Decimal(node[part]) * 100)


def _questions(ctx: Context, ids: Sequence[str]) -> Sequence[SurveyQuestion]:
    order = col(SurveyQuestion.survey_id), col(SurveyQuestion.questions_version), col(SurveyQuestion.position)
    return ctx.session.exec(select(SurveyQuestion).where(col(SurveyQuestion.id).in_(ids)).order_by(*order)).all()


def _result(
    question: SurveyQuestion,
    answers: Sequence[Mapping[str, Any]],
    gaps: Mapping[str, Mapping[str, int]],
    least: int,
) -> QuestionResult:
    def mean(part: str) -> int | None:
        return rules.mean_of([_hundredths(one, part) for one in answers if one[part] is not None])

    own = [gaps[one["response"]["id"]] for one in answers if one["expected"] is not None]
    chosen = Counter(option for one in answers for option in one["choices"])
    return QuestionResult(
        question=question,
        respondents=len(answers),
        score=mean("score"),
        expected=mean("expected"),
        gap=rules.mean_of([items[question.id] for items in own]),
        choices={option: chosen[option] for option in question.options},
        driver=_driver(question, own, least),
    )


def _driver(question: SurveyQuestion, own: Sequence[Mapping[str, int]], least: int) -> ItemDriver:
    if question.kind is not QuestionKind.RATING:
        return ItemDriver(None, 0, NoDriverReason.NO_EXPECTATION)
    pairs = [
        (items[question.id], Decimal(sum(items.values()) - items[question.id]) / (len(items) - 1))
        for items in own
        if len(items) > 1
    ]
    if own and not pairs:
        return ItemDriver(None, 0, NoDriverReason.NO_OTHER_ITEM)
    return driver_of(pairs, least)
