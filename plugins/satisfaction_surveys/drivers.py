"""Results by question, and drivers: which item moves the satisfaction with all others (S1, S3)."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import sqrt
from typing import Any

from sqlalchemy import Double, Text, and_, case, cast, func, select

from guanxi import Context
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.reports import ReportScope, respondent
from plugins.satisfaction_surveys.vocabulary import NoDriverReason, QuestionKind

_PLACES = Decimal("0.01")
_COLUMNS = {
    "question": "questionId",
    "id": "responseId",
    "contact": "response.contactId",
    "customer": "response.customerId",
    "day": "response.answeredOn",
    "score": "score",
    "expected": "expected",
    "choices": "choices",
}


@dataclass(frozen=True, slots=True)
class GapMoments:
    """Sums over respondents of an item's gap, the mean gap of the other items of the same response, and products.

    Attributes:
        respondents: number of people.
        items, others, items_squared, others_squared, products: the sums.
        varies: whether neither the item's gaps nor those of the others are all the same.
    """

    respondents: int
    items: float = 0
    others: float = 0
    items_squared: float = 0
    others_squared: float = 0
    products: float = 0
    varies: bool = False


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
    """The result of a question, by its id: means in hundredths over respondents, and how often options were chosen."""

    question: str
    respondents: int
    score: int | None
    expected: int | None
    gap: int | None
    choices: Mapping[str, int]
    driver: ItemDriver


def driver_of(moments: GapMoments, least: int) -> ItemDriver:
    """Correlates an item's gap with the mean gap of the other items, over respondents.

    The total leaves the item out, so that no item explains itself.

    Args:
        moments: of the respondents who answered both.
        least: the fewest respondents it is computed for.
    """
    n = moments.respondents
    if n < least:
        return ItemDriver(None, n, NoDriverReason.TOO_FEW_RESPONDENTS)
    if not moments.varies:
        return ItemDriver(None, n, NoDriverReason.NO_VARIATION)
    together = n * moments.products - moments.items * moments.others
    apart = sqrt(n * moments.items_squared - moments.items**2) * sqrt(n * moments.others_squared - moments.others**2)
    return ItemDriver(Decimal(together / apart).quantize(_PLACES, ROUND_HALF_UP), n, None)


def question_results(ctx: Context, scope: ReportScope, least: int) -> list[QuestionResult]:
    """The results of every question answered in some responses, in the order of the questionnaires.

    Each person counts once per question, by the latest answer. The number of statements does not depend on how many
    answers there are.

    Args:
        ctx: asks the catalog.
        scope: which responses; not grouped.
        least: the fewest respondents a driver is computed for.
    """
    where = {"response": scope.condition}
    rows = ctx.derive("SurveyAnswer", _COLUMNS, _figures, where, as_of=scope.as_of)
    chosen: dict[str, Counter[str]] = defaultdict(Counter)
    chosen_from = {**where, "question": {"kind": {"in": ["CHOICE", "CHOICES"]}}}
    for question, options, count in ctx.derive("SurveyAnswer", _COLUMNS, _choices, chosen_from, as_of=scope.as_of):
        chosen[question].update(dict.fromkeys(json.loads(options), count))
    figures = {question: numbers for question, *numbers in rows}
    asked = {"id": {"in": list(figures)}}
    questions = ctx.pages("SurveyQuestion", "id kind options surveyId questionsVersion position", asked)
    in_order = sorted(questions, key=lambda one: (one["surveyId"], one["questionsVersion"], one["position"]))
    return [_result(one, figures[one["id"]], chosen[one["id"]], least) for one in in_order]


def _latest(rows: Any) -> Any:
    """Each person's latest answer to each question, with the gaps of its response."""
    gap = rules.satisfaction_gap(rows.c.score, rows.c.expected)
    place = func.row_number().over(
        partition_by=[rows.c.question, respondent(rows)], order_by=[rows.c.day.desc(), rows.c.id.desc()]
    )
    gaps, items = (made(gap).over(partition_by=rows.c.id) for made in (func.sum, func.count))
    answers = select(
        rows.c.question,
        rows.c.score,
        rows.c.expected,
        rows.c.choices,
        gap.label("gap"),
        gaps.label("gaps"),
        items.label("rated"),
        place.label("place"),
    ).subquery()
    return select(answers).where(answers.c.place == 1).subquery()


def _figures(rows: Any) -> Any:
    """A row for each question: its respondents, its sums, and the moments of its gap."""
    c = _latest(rows).c
    is_pair = and_(c.gap.is_not(None), c.rated > 1)
    item = case((is_pair, cast(c.gap, Double)))
    others = case((is_pair, cast(c.gaps - c.gap, Double) / func.nullif(c.rated - 1, 0)))
    numbers = [
        func.count(),
        *(made(part) for part in (c.score, c.expected, c.gap) for made in (func.sum, func.count)),
        func.count(item),
        *(func.sum(one) for one in (item, others, item * item, others * others, item * others)),
        *(made(one) for one in (item, others) for made in (func.min, func.max)),
    ]
    return select(c.question, *(cast(one, Double).label(f"n{n}") for n, one in enumerate(numbers))).group_by(c.question)


def _choices(rows: Any) -> Any:
    """A row for each question and combination of options: how many people chose it."""
    c = _latest(rows).c
    options = cast(c.choices, Text).label("options")
    return select(c.question, options, func.count().label("people")).group_by(c.question, options)


def _result(
    question: Mapping[str, Any], figures: Sequence[float | None], chosen: Mapping[str, int], least: int
) -> QuestionResult:
    people, *sums = (figure or 0 for figure in figures[:7])
    score, expected, gap = (
        rules.mean(round(total), round(count)) for total, count in zip(sums[::2], sums[1::2], strict=True)
    )
    return QuestionResult(
        question=question["id"],
        respondents=round(people),
        score=score,
        expected=expected,
        gap=gap,
        choices={option: chosen.get(option, 0) for option in question["options"]},
        driver=_driver(question["kind"], round(sums[5]), figures[7:], least),
    )


def _driver(kind: str, gaps: int, figures: Sequence[float | None], least: int) -> ItemDriver:
    if kind != QuestionKind.RATING:
        return ItemDriver(None, 0, NoDriverReason.NO_EXPECTATION)
    pairs, *moments, least_item, most_item, least_other, most_other = figures
    if gaps and not pairs:
        return ItemDriver(None, 0, NoDriverReason.NO_OTHER_ITEM)
    varies = least_item != most_item and least_other != most_other
    items, others, items_squared, others_squared, products = (one or 0 for one in moments)
    found = GapMoments(round(pairs or 0), items, others, items_squared, others_squared, products, varies)
    return driver_of(found, least)
