"""Responses: entered by one of us or given by token, judged, followed up; untraceable where that is promised."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from guanxi import Action, Change, Changes, Context, Reject, UserError, sentence
from guanxi.records import Contact
from guanxi.sql import unordered_id
from plugins.satisfaction_surveys.answers import derived_scores, settle_answers
from plugins.satisfaction_surveys.follow_up import follow_up
from plugins.satisfaction_surveys.models import (
    Survey,
    SurveyAnswer,
    SurveyInvitation,
    SurveyQuestion,
    SurveyResponse,
    SurveyToken,
)
from plugins.satisfaction_surveys.questionnaires import (
    GivenAnswer,
    check_answers,
    check_comment,
    questions_of,
    scores_of,
)
from plugins.satisfaction_surveys.results import refresh
from plugins.satisfaction_surveys.surveys import problem
from plugins.satisfaction_surveys.vocabulary import ExpectationCause, ResponseSource, SurveyStatus

SURVEY_COMPLETED = "SURVEY_COMPLETED"

#: What was answered and when; never changed, because results and their history rest on it.
_SAID: Mapping[str, str] = {
    "survey_id": "surveyId",
    "answered_on": "answeredOn",
    "actual_rating": "actualRating",
    "expected_rating": "expectedRating",
    "nps_score": "npsScore",
    "csat_score": "csatScore",
    "ces_score": "cesScore",
    "perceived_benefit": "perceivedBenefit",
    "perceived_cost": "perceivedCost",
    "questions_version": "questionsVersion",
}
_SCORES = tuple(name for name in _SAID if name not in ("survey_id", "answered_on", "questions_version"))
#: Who is recorded as the author of an anonymous response.
_NOBODY = "anonymous"


@dataclass(frozen=True, slots=True)
class Given:
    """The answers of a respondent."""

    answers: Sequence[GivenAnswer]
    causes: Sequence[ExpectationCause] = ()
    comment: str | None = None


# Judging and settling whatever comes in, by whichever way


def judge_responses(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Returns errors in changes of responses."""
    entered = list(changes.of("SurveyResponse", Action.CREATED, Action.UPDATED))
    if not entered:
        return
    asked = {change.record.survey_id for change in entered}  # type: ignore[attr-defined]
    surveys = {one.id: one for one in ctx.session.exec(select(Survey).where(col(Survey.id).in_(asked)))}
    derived = derived_scores(ctx.session, _rescored(entered))
    answered = {answer.response_id for answer in changes.created("SurveyAnswer")}
    for change in entered:
        response: Any = change.record
        survey = surveys.get(response.survey_id)
        yield from _judge_respondent(change, survey)
        if change.action is Action.UPDATED:
            yield from _judge_update(change, derived.get(response.id, {}))
        elif survey is not None and response.questions_version is not None and response.id not in answered:
            yield from _judge_announced(response, survey)
        if response.answered_on > ctx.clock.today():
            message = sentence(
                "{answered_on} is in the future; today is {today}",
                answered_on=response.answered_on,
                today=ctx.clock.today(),
            )
            yield problem("INVALID", "answeredOn", message, response)
        scored = any(getattr(response, name) is not None for name in _SCORES)
        if not scored and response.comment is None and response.questions_version is None:
            yield problem(
                "REQUIRED", "npsScore", sentence("the response is empty; give a score or a comment"), response
            )


def _judge_respondent(change: Change, survey: Survey | None) -> Iterator[UserError]:
    response: Any = change.record
    named = [name for name in ("customer_id", "contact_id") if getattr(response, name) is not None]
    if survey is not None and survey.is_anonymous:
        if named:
            field = "customerId" if named[0] == "customer_id" else "contactId"
            yield problem("ANONYMOUS", field, sentence("the survey is anonymous; leave out who answered"), response)
    elif change.action is Action.CREATED and not named:
        yield problem("REQUIRED", "customerId", sentence("say who answered, by customer or contact"), response)


def _rescored(changed: Iterable[Change]) -> list[str]:
    """The responses whose numbers change, though they were answered question by question."""
    return [
        change.record.id
        for change in changed
        if change.action is Action.UPDATED
        and change.record.questions_version is not None  # type: ignore[attr-defined]
        and not change.before.keys().isdisjoint(_SCORES)
    ]


def _judge_announced(response: SurveyResponse, survey: Survey) -> Iterator[UserError]:
    """Returns errors in a response whose answers are to follow one by one."""
    version = response.questions_version or 0
    if not 1 <= version <= survey.questions_version:
        message = sentence(
            "the survey has no version {version} of its questions; its latest is {questions_version}",
            version=version,
            questions_version=survey.questions_version,
        )
        yield problem("INVALID", "questionsVersion", message, response)
    for name in _SCORES:
        if getattr(response, name) is not None:
            message = sentence("it follows from the answers that questionsVersion announces; leave one of the two out")
            yield problem("INVALID", _SAID[name], message, response)


def _judge_update(change: Change, derived: Mapping[str, Any]) -> Iterator[UserError]:
    for name, field in _SAID.items():
        if name in change.before and not (name in derived and getattr(change.record, name) == derived[name]):
            message = sentence("answers cannot be changed; delete the response and enter it again")
            yield problem("IMMUTABLE", field, message, change.record)


def settle_responses(ctx: Context, changes: Changes) -> None:
    """Completes new responses with customers and follow-ups, and updates the results of customers."""
    entered: list[SurveyResponse] = changes.created("SurveyResponse")
    _fill_customers(ctx, [*entered, *changes.updated("SurveyResponse")])
    follow_up(ctx, [*entered, *settle_answers(ctx, changes)])
    for response in entered:
        ctx.publish(
            SURVEY_COMPLETED,
            response,
            surveyId=response.survey_id,
            customerId=response.customer_id,
            occurred_at=ctx.calendar.start_of(response.answered_on),
        )
    touched = changes.ids("SurveyResponse", "customer_id")
    if touched:
        ctx.session.flush()
        refresh(ctx, touched)


def _fill_customers(ctx: Context, entered: Sequence[SurveyResponse]) -> None:
    """Sets the customer of responses that name only a contact."""
    waiting = [one for one in entered if one.customer_id is None and one.contact_id is not None]
    if not waiting:
        return
    contacts = {one.contact_id for one in waiting}
    query = select(Contact.id, Contact.customer_id).where(col(Contact.id).in_(contacts))
    customers = dict(ctx.session.exec(query).all())
    for one in waiting:
        one.customer_id = customers.get(str(one.contact_id))


# Answers by one of us


def record_response(
    ctx: Context,
    survey: Survey,
    customer_id: str | None,
    contact_id: str | None,
    answered_on: date | None,
    given: Given,
) -> str:
    """Records a respondent's answers given to one of us; returns the id of the response.

    An invitation of theirs that still waits is answered by it.

    Raises:
        Reject: it cannot be taken; the errors say why.
    """
    answered = _checked(ctx.session, survey.id, survey.questions_version, given)
    response = SurveyResponse(
        survey_id=survey.id,
        customer_id=customer_id,
        contact_id=contact_id,
        answered_on=answered_on or ctx.clock.today(),
        questions_version=survey.questions_version,
        **_others(given),
        **scores_of(answered),
    )
    waiting = None if survey.is_anonymous else _waiting(ctx, survey.id, customer_id, contact_id)
    if waiting is not None:
        _answered(ctx, waiting)
        response.invitation_id = waiting.id
    _add(ctx.session, response, answered)
    return response.id


def _waiting(ctx: Context, survey_id: str, customer_id: str | None, contact_id: str | None) -> SurveyInvitation | None:
    mine = (
        col(SurveyInvitation.contact_id) == contact_id
        if contact_id is not None
        else (col(SurveyInvitation.customer_id) == customer_id) & col(SurveyInvitation.contact_id).is_(None)
    )
    query = select(SurveyInvitation).where(
        mine,
        SurveyInvitation.survey_id == survey_id,
        col(SurveyInvitation.answered_at).is_(None),
        col(SurveyInvitation.expires_at) > ctx.clock.now(),
    )
    latest = query.order_by(col(SurveyInvitation.invited_at).desc())
    return ctx.session.exec(latest.with_for_update(key_share=True)).first()


def _checked(session: Session, survey_id: str, version: int, given: Given) -> list[tuple[SurveyQuestion, GivenAnswer]]:
    check_comment(given.comment)
    return check_answers(questions_of(session, survey_id, version), given.answers)


def _others(given: Given) -> dict[str, Any]:
    return {"expectation_causes": list(dict.fromkeys(given.causes)), "comment": given.comment}


def _add(session: Session, response: SurveyResponse, answered: Sequence[tuple[SurveyQuestion, GivenAnswer]]) -> None:
    session.add(response)
    session.flush()
    session.add_all(
        SurveyAnswer(response_id=response.id, question_id=question.id, **_parts(answer))
        for question, answer in answered
    )


def _parts(answer: GivenAnswer) -> dict[str, Any]:
    return {
        "score": answer.score,
        "expected": answer.expected,
        "choices": list(answer.choices or ()),
        "text": answer.text,
    }


def _answered(ctx: Context, invitation: SurveyInvitation) -> None:
    """Marks an invitation as answered and uses up its tokens."""
    invitation.answered_at = ctx.clock.now()
    mine = col(SurveyToken.invitation_id) == invitation.id
    ctx.session.execute(update(SurveyToken).where(mine).values(is_used=True))


# Answers by token


def hash_of(token: str) -> str:
    """The stored hash of a token, from which it cannot be recovered."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_row(session: Session, token: str, now: datetime, *, lock: bool = True) -> tuple[SurveyToken, Survey]:
    """Returns a token and its survey, locked until the transaction ends unless only read.

    Raises:
        Reject: nothing can be answered with it. The error is the same whatever the reason.
    """
    row = session.get(SurveyToken, hash_of(token), with_for_update=lock or None)
    survey = None if row is None else session.get(Survey, row.survey_id)
    if row is not None and survey is not None:
        is_open = survey.status is SurveyStatus.OPEN and survey.deleted_at is None and row.expires_at > now
        if row.is_used or is_open:
            return row, survey
    raise Reject(problem("TOKEN_INVALID", "token", sentence("it is not valid, or no longer; ask for a new one")))


def answer_by_token(ctx: Context, token: str, given: Given) -> None:
    """Answers a survey, once. Repeating the same answers with the same token changes nothing, unless anonymous.

    Raises:
        Reject: they cannot be taken; the errors say why.
    """
    session = ctx.session
    row, survey = token_row(session, token, ctx.clock.now())
    if row.is_used:
        _check_repeated(session, row, given)
        return
    answered = _checked(session, survey.id, row.questions_version, given)
    if survey.is_anonymous:
        row.is_used = True
        _keep_anonymous(ctx, row, given, answered)
        return
    invitation = session.get_one(SurveyInvitation, row.invitation_id, with_for_update={"key_share": True})
    if invitation.answered_at is not None:
        # A reminder's token was used at the same moment.
        _check_repeated(session, row, given)
        return
    response = SurveyResponse(
        survey_id=survey.id,
        customer_id=invitation.customer_id,
        contact_id=invitation.contact_id,
        invitation_id=invitation.id,
        answered_on=ctx.clock.today(),
        source=ResponseSource.INVITATION,
        questions_version=row.questions_version,
        **_others(given),
        **scores_of(answered),
    )
    _answered(ctx, invitation)
    _add(session, response, answered)


def _keep_anonymous(
    ctx: Context, row: SurveyToken, given: Given, answered: Sequence[tuple[SurveyQuestion, GivenAnswer]]
) -> None:
    """Writes a response that nothing links to a person.

    By statements that bypass the event log, whose times and order would tell; with ids without a time, no actor, and
    on the day without the hour.
    """
    today = ctx.clock.today()
    stamp = {
        "version": 1,
        "created_at": ctx.calendar.start_of(today),
        "created_by": _NOBODY,
        "updated_at": ctx.calendar.start_of(today),
        "updated_by": _NOBODY,
    }
    response_id = unordered_id(SurveyResponse.__prefix__)
    response = {
        "id": response_id,
        **stamp,
        "survey_id": row.survey_id,
        "answered_on": today,
        "source": ResponseSource.INVITATION,
        "questions_version": row.questions_version,
        **_others(given),
        **scores_of(answered),
    }
    ctx.session.execute(insert(SurveyResponse.__table__), [response])
    answers = [
        {
            "id": unordered_id(SurveyAnswer.__prefix__),
            **stamp,
            "response_id": response_id,
            "question_id": question.id,
            **_parts(answer),
        }
        for question, answer in answered
    ]
    ctx.session.execute(insert(SurveyAnswer.__table__), answers)


def _check_repeated(session: Session, row: SurveyToken, given: Given) -> None:
    """Refuses other answers with a used token, and any with one of an anonymous survey.

    Nothing kept of an anonymous answer could be compared without leading from the token to the answer.

    Raises:
        Reject: nothing is stored.
    """
    if row.invitation_id is None:
        message = sentence("it was used before; the earlier answers stand, and these were not stored")
        raise Reject(problem("ALREADY_ANSWERED", "token", message))
    response = session.exec(select(SurveyResponse).where(SurveyResponse.invitation_id == row.invitation_id)).first()
    if response is not None and _is_same(session, response, given):
        return
    raise Reject(
        problem(
            "ALREADY_ANSWERED", "token", sentence("it was used before, for other answers; the earlier answers stand")
        )
    )


def _is_same(session: Session, response: SurveyResponse, given: Given) -> bool:
    answers = session.exec(select(SurveyAnswer).where(SurveyAnswer.response_id == response.id)).all()
    known = {one.question_id: {name: getattr(one, name) for name in _parts(GivenAnswer(""))} for one in answers}
    asked = {one.question_id: _parts(one) for one in given.answers}
    others = {name: getattr(response, name) for name in _others(given)}
    return known == asked and others == _others(given)
