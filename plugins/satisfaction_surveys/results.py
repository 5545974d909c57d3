"""The results of customers: computed from all their responses, stored on the customer, explained as of any day (S3)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, overload

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from guanxi import Context
from guanxi.sql import whole
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.fields import RESULT_COLUMNS, scores
from plugins.satisfaction_surveys.models import CustomerResult, SurveyResponse
from plugins.satisfaction_surveys.rules import MeasureResult, RespondentAnswer
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.vocabulary import SatisfactionMeasure

_CHUNK = 500

responses = SurveyResponse.__table__.c
results = CustomerResult.__table__.c


@dataclass(frozen=True, slots=True)
class ResultsRecomputed:
    """What a recompute did, or would do."""

    customers: int
    changed: int
    policy_version: str


def refresh(ctx: Context, ids: Collection[str]) -> int:
    """Recomputes the results of these customers; returns how many of them changed."""
    settings: SatisfactionSettings = ctx.settings
    version, today = rules.policy_version(settings), ctx.clock.today()
    changed = 0
    for part in _parts(sorted(ids)):
        # Locked before the responses are read, so that of two writers the later sees what the earlier has written.
        facets = ctx.facets(CustomerResult, part)
        answers = answers_of(ctx.session, settings, part)
        for id, facet in facets.items():
            values = _values(answers[id], settings, today)
            changed += any(getattr(facet, name) != value for name, value in values.items())
            for name, value in {**values, "policy_version": version}.items():
                setattr(facet, name, value)
        _categorise(ctx.session, part)
    return changed


def _categorise(session: Session, customers: Collection[str]) -> None:
    """Sets the categories of these customers that follow from their results."""
    session.flush()
    categories = {
        "level": rules.satisfaction_level(whole(results.gap)),
        "nps_category": rules.nps_category(whole(results.nps_score)),
    }
    stale = or_(*(results[name].is_distinct_from(value) for name, value in categories.items()))
    changed = update(CustomerResult).where(results.record_id.in_(customers), stale).values(**categories)
    session.execute(changed.execution_options(synchronize_session=False))


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]


def _values(answers: Sequence[RespondentAnswer], settings: SatisfactionSettings, today: date) -> dict[str, Any]:
    """The stored results of a customer, by column."""
    values: dict[str, Any] = {
        "answered_on": max((answer.answered_on for answer in answers), default=None),
        "respondents": len({answer.respondent for answer in answers}),
    }
    for measure, name in RESULT_COLUMNS.items():
        result = rules.result_of(answers, measure, today, settings.result_valid_days)
        values[name] = None if result is None else decimal(result.value)
        values[f"{name}_trend"] = None if result is None else decimal(result.trend)
    return values


@overload
def decimal(hundredths: int) -> Decimal: ...
@overload
def decimal(hundredths: int | None) -> Decimal | None: ...
def decimal(hundredths: int | None) -> Decimal | None:
    """A measure as it is shown."""
    return None if hundredths is None else Decimal(hundredths).scaleb(-2)


def answers_of(
    session: Session, settings: SatisfactionSettings, customers: Collection[str]
) -> Mapping[str, Sequence[RespondentAnswer]]:
    """Returns all responses of these customers."""
    measures = rules.measures(scores(responses), settings)
    found: dict[str, list[RespondentAnswer]] = defaultdict(list)
    rows = session.execute(
        select(
            responses.customer_id, responses.id, responses.contact_id, responses.answered_on, *measures.values()
        ).where(responses.customer_id.in_(customers), responses.deleted_at.is_(None))
    )
    for customer, id, contact, day, *values in rows:
        said = {measure: int(value) for measure, value in zip(measures, values, strict=True) if value is not None}
        found[customer].append(RespondentAnswer(id, contact or customer, day, said))
    return found


def recompute(ctx: Context) -> ResultsRecomputed:
    """Recomputes the results of all customers, for example after a change of policy."""
    ids = _with_results(ctx.session)
    return ResultsRecomputed(len(ids), refresh(ctx, ids), rules.policy_version(ctx.settings))


def refresh_outdated(ctx: Context) -> int:
    """Recomputes results based on another policy than the present one; returns for how many customers."""
    version = rules.policy_version(ctx.settings)
    outdated = col(CustomerResult.policy_version).is_not(None), CustomerResult.policy_version != version
    ids = ctx.session.exec(select(CustomerResult.record_id).where(*outdated)).all()
    refresh(ctx, ids)
    return len(ids)


def _with_results(session: Session) -> Collection[str]:
    """The customers that have answered, or have results to be cleared."""
    answered = session.exec(select(SurveyResponse.customer_id).where(responses.customer_id.is_not(None)).distinct())
    known = session.exec(select(CustomerResult.record_id).where(col(CustomerResult.policy_version).is_not(None)))
    return {*(id for id in answered if id is not None), *known}


def explain(
    session: Session, settings: SatisfactionSettings, customer: str, as_of: date
) -> dict[SatisfactionMeasure, list[MeasureResult]]:
    """Returns a customer's results by every measure, as of the day and of every earlier day with answers.

    The latest comes first.
    """
    answers = answers_of(session, settings, [customer]).get(customer, ())
    found = {}
    for measure in SatisfactionMeasure:
        days = sorted({one.answered_on for one in answers if measure in one.values and one.answered_on <= as_of})
        results = [rules.result_of(answers, measure, day, settings.result_valid_days) for day in reversed(days)]
        if results:
            found[measure] = [result for result in results if result is not None]
    return found
