"""The rules of satisfaction surveys: pure functions, from expressions to an expression where SQL needs them.

Measures are counted in hundredths, as they are stored: a gap of +0.4 is 40, a rate of 92 % is 9,200.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import NormalDist
from typing import Any

from sqlalchemy import and_, case, literal, null

from guanxi.sql import Expression, add_days, day_of, names_where, rounded_ratio
from plugins.satisfaction_surveys.settings import PerceivedValueMode, SatisfactionSettings, SatisfiedBy
from plugins.satisfaction_surveys.vocabulary import (
    ExclusionReason,
    InvitationStatus,
    NpsCategory,
    QuestionKind,
    SatisfactionLevel,
    SatisfactionMeasure,
    SurveyPlanElement,
    SurveyStep,
    SurveyStepStatus,
)

#: The smallest and the largest mark of each kind of question that is answered by a number.
SCALES: Mapping[QuestionKind, tuple[int, int]] = {
    QuestionKind.RATING: (1, 5),
    QuestionKind.NPS: (0, 10),
    QuestionKind.CSAT: (1, 5),
    QuestionKind.CES: (1, 7),
    QuestionKind.BENEFIT: (0, 10),
    QuestionKind.COST: (0, 10),
}
#: The whole of a rate, in hundredths of a percent.
WHOLE = 10_000
_PLACES = Decimal("0.01")
#: Lowest likelihoods to recommend of a promoter, and of a passive.
PROMOTER_FROM, PASSIVE_FROM = 9, 7


# One response


def satisfaction_gap(actual: Any, expected: Any) -> Any:
    """Actual minus expected rating (S1), on numbers and in SQL; null if one is unknown."""
    return actual - expected


def satisfaction_level(gap: Expression) -> Expression:
    """The satisfaction level by the sign of a gap (S1)."""
    return case(
        (gap > 0, SatisfactionLevel.EXCEEDED.value),
        (gap == 0, SatisfactionLevel.MET.value),
        (gap < 0, SatisfactionLevel.DISSATISFIED.value),
        else_=null(),
    )


def is_satisfied(by: SatisfiedBy, gap: Any, actual: Any, from_rating: int) -> Any:
    """Whether a respondent counts as satisfied (S4, X21); null if unknown. On numbers and in SQL."""
    return gap >= 0 if by is SatisfiedBy.GAP else actual >= from_rating


def deciding_measure(by: SatisfiedBy) -> SatisfactionMeasure:
    """The measure that decides who is satisfied (S4, X21)."""
    return SatisfactionMeasure.GAP if by is SatisfiedBy.GAP else SatisfactionMeasure.RATING


def percent_if(condition: Expression) -> Expression:
    """100 % where a condition holds, 0 % where it does not, null if unknown: its average is a rate."""
    return case((condition.is_(None), null()), (condition, WHOLE), else_=0)


def nps_category(score: Expression) -> Expression:
    """Promoter, passive or detractor by likelihood to recommend; null without one."""
    return case(
        (score >= PROMOTER_FROM * 100, NpsCategory.PROMOTER.value),
        (score >= PASSIVE_FROM * 100, NpsCategory.PASSIVE.value),
        (score.is_not(None), NpsCategory.DETRACTOR.value),
        else_=null(),
    )


def nps_points(score: Expression) -> Expression:
    """100 for a promoter, 0 for a passive, -100 for a detractor: their average is the net promoter score."""
    points = {NpsCategory.PROMOTER.value: WHOLE, NpsCategory.PASSIVE.value: 0, NpsCategory.DETRACTOR.value: -WHOLE}
    return case(points, value=nps_category(score), else_=null())


def csat_points(score: Expression, top_marks: int) -> Expression:
    """100 for one of the top marks, 0 for another: their average is CSAT in percent; null without a mark."""
    return percent_if(score > (SCALES[QuestionKind.CSAT][1] - top_marks) * 100)


def perceived_value(mode: PerceivedValueMode, benefit: Expression, cost: Expression) -> Expression:
    """Perceived benefit minus perceived cost, or their ratio (T12); null if one is unknown, or a ratio has no cost."""
    if mode is PerceivedValueMode.DIFFERENCE:
        return benefit - cost
    return case((cost > 0, rounded_ratio(benefit * 100, cost)), else_=null())


@dataclass(frozen=True, slots=True)
class ResponseScores:
    """The scores of a response, as expressions in hundredths."""

    actual: Expression
    expected: Expression
    nps: Expression
    csat: Expression
    ces: Expression
    benefit: Expression
    cost: Expression


def measures(scores: ResponseScores, settings: SatisfactionSettings) -> dict[SatisfactionMeasure, Expression]:
    """Returns every measure of a response (X21); null if not answered."""
    gap = satisfaction_gap(scores.actual, scores.expected)
    satisfied = is_satisfied(settings.satisfied_by, gap, scores.actual, int(settings.satisfied_from_rating * 100))
    return {
        SatisfactionMeasure.GAP: gap,
        SatisfactionMeasure.RATING: scores.actual,
        SatisfactionMeasure.RATE: percent_if(satisfied),
        SatisfactionMeasure.NPS: nps_points(scores.nps),
        SatisfactionMeasure.NPS_SCORE: scores.nps,
        SatisfactionMeasure.CSAT: csat_points(scores.csat, settings.csat_top_marks),
        SatisfactionMeasure.CES: scores.ces,
        SatisfactionMeasure.PERCEIVED_VALUE: perceived_value(settings.perceived_value, scores.benefit, scores.cost),
    }


# Several responses together


def reaches(satisfied: Any, respondents: Any, target: int) -> Any:
    """Whether so many satisfied of so many respondents reach the target, inclusive (S4); on numbers and in SQL.

    Args:
        satisfied: how many are satisfied.
        respondents: of how many; not 0.
        target: in hundredths of a percent.
    """
    return satisfied * WHOLE >= respondents * target


def percent(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """A part in percent of the whole with two places (S4); None if the whole is 0."""
    return None if not whole else (Decimal(part) * 100 / Decimal(whole)).quantize(_PLACES, ROUND_HALF_UP)


def attainment(satisfied: int, respondents: int, target: Decimal) -> Decimal | None:
    """The rate in percent of the target, such as 90 (S4); None without respondents, or if the target is 0."""
    return percent(satisfied * 100, respondents * target)


def share(part: Expression, whole: Expression) -> Expression:
    """The same in SQL."""
    return case((whole > 0, rounded_ratio(part * WHOLE, whole)), else_=null())


def net_promoter_score(promoters: int, passives: int, detractors: int) -> Decimal | None:
    """Percent of promoters minus percent of detractors; None where nobody answered."""
    return percent(promoters - detractors, promoters + passives + detractors)


def rate_interval(satisfied: int, respondents: int, confidence: Decimal) -> tuple[Decimal, Decimal] | None:
    """The confidence interval of the rate in percent, by Wilson's score interval; None if nobody answered.

    Args:
        satisfied, respondents: as counted.
        confidence: in percent.
    """
    if not respondents:
        return None
    rate, n, z = Decimal(satisfied) / respondents, Decimal(respondents), _deviations(confidence)
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)).sqrt()
    return _rounded(100 * (middle - half)), _rounded(100 * (middle + half))


def nps_interval(promoters: int, passives: int, detractors: int, confidence: Decimal) -> tuple[Decimal, Decimal] | None:
    """The confidence interval of the net promoter score, by the normal approximation; None if nobody answered."""
    n = promoters + passives + detractors
    if not n:
        return None
    score = Decimal(promoters - detractors) / n
    half = _deviations(confidence) * ((Decimal(promoters + detractors) / n - score * score) / n).sqrt()
    return _rounded(100 * max(score - half, Decimal(-1))), _rounded(100 * min(score + half, Decimal(1)))


def _deviations(confidence: Decimal) -> Decimal:
    """Returns how many standard deviations on each side contain so many percent of a normal distribution."""
    return Decimal(NormalDist().inv_cdf(0.5 + float(confidence) / 200))


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_PLACES, ROUND_HALF_UP)


# A customer's responses as of a day


@dataclass(frozen=True, slots=True)
class RespondentAnswer:
    """One response of a customer, as its results need it.

    Attributes:
        id: of the response.
        respondent: who answered: the contact, or the customer itself.
        answered_on: the day.
        values: the measures it has, in hundredths.
    """

    id: str
    respondent: str
    answered_on: date
    values: Mapping[SatisfactionMeasure, int]


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """A customer's result by one measure.

    Attributes:
        value: the mean over its respondents, in hundredths.
        previous: the same before the last day with answers; None if there was none.
        answered_on: the last day with answers.
        answers: those it is made of, the latest first.
    """

    value: int
    previous: int | None
    answered_on: date
    answers: Sequence[RespondentAnswer]

    @property
    def trend(self) -> int | None:
        """Its change from the previous value."""
        return None if self.previous is None else self.value - self.previous


def result_of(
    answers: Collection[RespondentAnswer], measure: SatisfactionMeasure, as_of: date, valid_days: int
) -> MeasureResult | None:
    """A customer's result by a measure as of the end of a day (S3); None without answers.

    Each respondent counts once, by the latest answer, if less than `valid_days` older than the customer's latest.
    """
    used = _counted(answers, measure, as_of, valid_days)
    if not used:
        return None
    last = used[0].answered_on
    before = _counted(answers, measure, last - timedelta(days=1), valid_days)
    value, previous = (mean_of([answer.values[measure] for answer in answers]) for answers in (used, before))
    assert value is not None
    return MeasureResult(value, previous, last, used)


def _counted(
    answers: Collection[RespondentAnswer], measure: SatisfactionMeasure, as_of: date, valid_days: int
) -> Sequence[RespondentAnswer]:
    """The answers that count as of a day, the latest first."""
    known = [answer for answer in answers if answer.answered_on <= as_of and measure in answer.values]
    known.sort(key=lambda answer: (answer.answered_on, answer.id), reverse=True)
    latest: dict[str, RespondentAnswer] = {}
    for answer in known:
        if known[0].answered_on - answer.answered_on < timedelta(days=valid_days):
            latest.setdefault(answer.respondent, answer)
    return list(latest.values())


def mean_of(marks: Collection[int]) -> int | None:
    """The mean of marks in hundredths; None without any."""
    return mean(sum(marks), len(marks))


def mean(total: int, count: int) -> int | None:
    """The mean of so many marks in hundredths; None without any."""
    return int((Decimal(total) / count).quantize(Decimal(1), ROUND_HALF_UP)) if count else None


def policy_version(settings: SatisfactionSettings) -> str:
    """Identifies a policy by a digest of the settings that results depend on."""
    deciding = settings.model_dump_json(
        include={"satisfied_by", "satisfied_from_rating", "csat_top_marks", "perceived_value", "result_valid_days"}
    )
    return hashlib.sha256(deciding.encode()).hexdigest()[:12]


# Plan and rounds


def plan_gaps(filled: Mapping[SurveyPlanElement, Expression]) -> Expression:
    """The elements missing from the plan (S5)."""
    return names_where([(element.value, ~there) for element, there in filled.items()])


def plan_completeness(filled: Mapping[SurveyPlanElement, Expression]) -> Expression:
    """Share of the plan's elements that are filled in, in percent (S5)."""
    total: Expression = literal(0)
    for there in filled.values():
        total = total + case((there, 1), else_=0)
    return total * 100 // len(filled)


def current_step(statuses: Mapping[SurveyStep, Expression]) -> Expression:
    """The first step that is not done (S5); null once all are."""
    waiting = [(status != SurveyStepStatus.DONE.value, step.value) for step, status in statuses.items()]
    return case(*waiting, else_=null())


def next_round_on(last_round_on: Expression, cadence_days: Expression) -> Expression:
    """The date of the next round of a regular survey (S3); null before its first round."""
    return case((last_round_on.is_(None), null()), else_=add_days(last_round_on, cadence_days))


# Invitations


def invitation_status(answered_at: Expression, expires_at: Expression, now: Expression) -> Expression:
    """The status of an invitation at a moment."""
    return case(
        (answered_at.is_not(None), InvitationStatus.ANSWERED.value),
        (expires_at <= now, InvitationStatus.EXPIRED.value),
        else_=InvitationStatus.PENDING.value,
    )


def is_reminder_due(
    status: Expression, sent_at: Expression, reminders: Expression, as_of: Expression, after_days: int, at_most: int
) -> Expression:
    """Whether a reminder is due: the invitation is still pending so many days after it was last sent."""
    return and_(
        status == InvitationStatus.PENDING.value,
        reminders < at_most,
        add_days(day_of(sent_at), literal(after_days)) <= as_of,
    )


def exclusion(
    *,
    do_not_contact: bool,
    invited_here_on: date | None,
    invited_elsewhere_on: date | None,
    today: date,
    cadence_days: int | None,
    cool_down_days: int,
) -> ExclusionReason | None:
    """Why a member of the audience is not invited; None if invited.

    Args:
        do_not_contact: whether they must not be contacted.
        invited_here_on: when they were last invited to this survey.
        invited_elsewhere_on: when they were last invited to another.
        today: the day of the invitation.
        cadence_days: from one round of the survey to the next; None if it is not repeated.
        cool_down_days: for how long they are not invited to other surveys.
    """
    if do_not_contact:
        return ExclusionReason.DO_NOT_CONTACT
    if invited_here_on is not None and (cadence_days is None or today < invited_here_on + timedelta(days=cadence_days)):
        return ExclusionReason.ALREADY_INVITED
    if invited_elsewhere_on is not None and today < invited_elsewhere_on + timedelta(days=cool_down_days):
        return ExclusionReason.COOL_DOWN
    return None
