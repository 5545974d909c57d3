"""Answers entered one by one, as an import does: judged against their questions; the response's numbers follow (S1)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlmodel import Session, col, select

from guanxi import Action, Changes, Context, UserError, sentence
from plugins.satisfaction_surveys.models import SurveyAnswer, SurveyQuestion, SurveyResponse
from plugins.satisfaction_surveys.questionnaires import GivenAnswer, Problems, check_answer, scores_of
from plugins.satisfaction_surveys.results import refresh
from plugins.satisfaction_surveys.surveys import problem

_SAID = {
    "response_id": "responseId",
    "question_id": "questionId",
    "score": "score",
    "expected": "expected",
    "choices": "choices",
    "text": "text",
}


def judge_answers(ctx: Context, changes: Changes) -> Iterator[UserError]:
    """Returns errors in changes of answers. Those that come with their response were checked with it."""
    for change in changes.of("SurveyAnswer", Action.UPDATED):
        for name, field in _SAID.items():
            if name in change.before:
                message = sentence("answers cannot be changed; delete the response and enter it again")
                yield problem("IMMUTABLE", field, message, change.record)
    entered = _later(changes)
    if not entered:
        return
    responses = _by_id(ctx.session, SurveyResponse, {one.response_id for one in entered})
    questions = _by_id(ctx.session, SurveyQuestion, {one.question_id for one in entered})
    for answer in entered:
        response, question = responses.get(answer.response_id), questions.get(answer.question_id)
        if response is not None and question is not None:
            yield from _judge(answer, response, question)


def _later(changes: Changes) -> list[SurveyAnswer]:
    """New answers of responses that were there before."""
    whole = {response.id for response in changes.created("SurveyResponse")}
    return [answer for answer in changes.created("SurveyAnswer") if answer.response_id not in whole]


def _by_id(session: Session, model: Any, ids: Collection[str]) -> Mapping[str, Any]:
    return {one.id: one for one in session.exec(select(model).where(col(model.id).in_(ids)))}


def _judge(answer: SurveyAnswer, response: SurveyResponse, question: SurveyQuestion) -> Iterator[UserError]:
    if response.questions_version is None:
        message = sentence(
            "the response was entered as numbers; enter it with questionsVersion to answer question by question"
        )
        yield problem("INVALID", "responseId", message, answer)
    elif (response.survey_id, response.questions_version) != (question.survey_id, question.questions_version):
        message = sentence(
            "{id} is not a question of version {questions_version} of the response's survey",
            id=question.id,
            questions_version=response.questions_version,
        )
        yield problem("INVALID", "questionId", message, answer)
    else:
        problems = Problems(record=answer)
        given = GivenAnswer(question.id, answer.score, answer.expected, answer.choices or None, answer.text)
        check_answer(problems, None, question, given)
        yield from problems.found


def derived_scores(session: Session, responses: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """The numbers of these responses that follow from their answers, by id and column."""
    rows = session.exec(
        select(SurveyQuestion, SurveyAnswer)
        .join(SurveyAnswer, col(SurveyAnswer.question_id) == SurveyQuestion.id)
        .where(col(SurveyAnswer.response_id).in_(responses), col(SurveyAnswer.deleted_at).is_(None))
        .order_by(col(SurveyAnswer.id))
    )
    answered: dict[str, list[Any]] = defaultdict(list)
    for question, answer in rows:
        answered[answer.response_id].append((question, answer))
    return {id: scores_of(answered[id]) for id in responses}


def settle_answers(ctx: Context, changes: Changes) -> list[SurveyResponse]:
    """Lets the numbers of responses follow their answers; returns those that now have a likelihood to recommend."""
    entered = {response.id for response in changes.created("SurveyResponse")}
    touched = changes.ids("SurveyAnswer", "response_id") - entered
    if not touched:
        return []
    session = ctx.session
    session.flush()
    # Locked before the answers are read, so that of two writers the later sees what the earlier has written.
    query = select(SurveyResponse).where(
        col(SurveyResponse.id).in_(touched), col(SurveyResponse.questions_version).is_not(None)
    )
    responses = session.exec(query.order_by(col(SurveyResponse.id)).with_for_update(key_share=True)).all()
    scores, recommending = derived_scores(session, [one.id for one in responses]), []
    for response in responses:
        if response.nps_score is None and scores[response.id]["nps_score"] is not None:
            recommending.append(response)
        for name, value in scores[response.id].items():
            if getattr(response, name) != value:
                setattr(response, name, value)
    session.flush()
    refresh(ctx, {one.customer_id for one in responses if one.customer_id is not None})
    return recommending
