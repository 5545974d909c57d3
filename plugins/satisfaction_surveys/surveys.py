"""The life of a survey: its audience, opening and closing, and what may be changed when."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from sqlmodel import Session, col, select

from guanxi import Action, Change, Changes, Context, Input, Reject, UserError, sentence, shown
from plugins.satisfaction_surveys.models import Survey, step_column
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.vocabulary import (
    ActionStatus,
    RespondentKind,
    SurveyStatus,
    SurveyStep,
    SurveyStepStatus,
)

SURVEY_OPENED, SURVEY_CLOSED = "SURVEY_OPENED", "SURVEY_CLOSED"


def problem(code: str, field: str, message: str, record: Any = None) -> UserError:
    """An error of one input field: the message begins with the field and names the remedy."""
    return UserError(code, sentence("{field}: {message}", field=field, message=message), (field,), record)


def survey_of(session: Session, id: str) -> Survey:
    """A living survey, locked until the transaction ends.

    Raises:
        Reject: there is none.
    """
    survey = session.get(Survey, id, with_for_update={"key_share": True}, populate_existing=True)
    if survey is None or survey.deleted_at is not None:
        raise Reject(problem("NOT_FOUND", "surveyId", sentence("there is no survey {id!r}", id=id)))
    return survey


def no_keys(input: Input) -> list[tuple[str, ...]]:
    """The keys of operations that lock the rows they rely on: surveys, tokens, invitations, results."""
    return []


def invitation_key(input: Input) -> list[tuple[str, ...]]:
    """The key of invitations: whom one survey may ask hangs on whom others have asked (S3)."""
    return [("invitations",)]


# Audience


def set_audience(survey: Survey, respondents: RespondentKind, where: Mapping[str, Any]) -> None:
    """Sets the audience of a survey: contacts or customers matching a `where`, looked up whenever it invites."""
    survey.respondents = respondents
    survey.audience = json.dumps(shown(dict(where)), sort_keys=True, ensure_ascii=False)


def audience_where(audience: str) -> Any:
    """The `where` of an audience."""
    return json.loads(audience)


def _audience_count(ctx: Context, survey: Survey) -> int:
    """Returns the current size of a survey's audience."""
    if survey.audience is None:
        return 0
    record = "Contact" if survey.respondents is RespondentKind.CONTACTS else "Customer"
    return ctx.total(record, audience_where(survey.audience)).count


# Opening and closing


def open_survey(ctx: Context, survey: Survey) -> int:
    """Opens a survey for answers; returns the size of its audience (S5).

    Raises:
        Reject: it lacks purpose, respondents or questions, or is already open.
    """
    if survey.status is SurveyStatus.OPEN:
        raise Reject(problem("ALREADY_OPEN", "surveyId", sentence("survey {id} is already open", id=survey.id)))
    problems = list(_lacking(survey, ctx.clock.today()))
    count = _audience_count(ctx, survey)
    settings: SatisfactionSettings = ctx.settings
    if survey.audience is not None and count == 0:
        problems.append(
            problem("NO_RESPONDENTS", "audience", sentence("nobody matches it; set another with setSurveyAudience"))
        )
    elif survey.is_anonymous and 0 < count < settings.anonymous_from:
        problems.append(
            problem(
                "TOO_FEW_RESPONDENTS",
                "audience",
                sentence(
                    "{count} are too few to be anonymous; an anonymous survey asks {anonymous_from} or more",
                    count=count,
                    anonymous_from=settings.anonymous_from,
                ),
            )
        )
    if problems:
        raise Reject(*problems)
    survey.status, survey.opened_at, survey.closed_at = SurveyStatus.OPEN, ctx.clock.now(), None
    if survey.fieldwork_step is SurveyStepStatus.NOT_STARTED:
        survey.fieldwork_step = SurveyStepStatus.IN_PROGRESS
    ctx.publish(SURVEY_OPENED, survey, respondents=count, questionsVersion=survey.questions_version)
    return count


def _lacking(survey: Survey, today: date) -> Iterator[UserError]:
    if survey.purpose is None:
        yield problem(
            "REQUIRED", "purpose", sentence("a survey without a purpose cannot be opened; say what it is for")
        )
    if survey.audience is None:
        yield problem("REQUIRED", "audience", sentence("the survey has no audience yet; set it with setSurveyAudience"))
    if survey.questions_version == 0:
        yield problem(
            "REQUIRED", "questions", sentence("the survey has no questions yet; set them with setSurveyQuestions")
        )
    if survey.closes_on is not None and survey.closes_on < today:
        yield problem(
            "INVALID",
            "closesOn",
            sentence(
                "{closes_on} is in the past; give {today} or a later day, or leave it out",
                closes_on=survey.closes_on,
                today=today,
            ),
        )


def close_survey(ctx: Context, survey: Survey) -> None:
    """Closes a survey; its responses stay.

    Raises:
        Reject: it is not open.
    """
    if survey.status is not SurveyStatus.OPEN:
        raise Reject(problem("NOT_OPEN", "surveyId", sentence("survey {id} is not open", id=survey.id)))
    survey.status, survey.closed_at = SurveyStatus.CLOSED, ctx.clock.now()
    survey.fieldwork_step = SurveyStepStatus.DONE
    ctx.publish(SURVEY_CLOSED, survey)


def close_past(ctx: Context) -> int:
    """Closes the open surveys whose last day has passed; returns how many."""
    past = select(Survey).where(
        Survey.status == SurveyStatus.OPEN,
        col(Survey.closes_on) < ctx.clock.today(),
        col(Survey.deleted_at).is_(None),
    )
    found = ctx.session.exec(past.order_by(col(Survey.id)).with_for_update(key_share=True)).all()
    for survey in found:
        close_survey(ctx, survey)
    return len(found)


# What may be changed


def judge_surveys(changes: Changes) -> Iterator[UserError]:
    """Returns errors in changes of surveys."""
    for change in changes.of("Survey", Action.CREATED, Action.UPDATED):
        survey: Any = change.record
        if survey.status is SurveyStatus.OPEN and survey.purpose is None:
            yield problem("REQUIRED", "purpose", sentence("an open survey needs one; close the survey first"), survey)
        if "is_anonymous" in change.before and (survey.rounds or survey.status is not SurveyStatus.DRAFT):
            message = sentence("respondents have already been told whether it is; create another survey")
            yield problem("INVALID", "isAnonymous", message, survey)
        yield from _out_of_order(change)


def _out_of_order(change: Change) -> Iterator[UserError]:
    """Warns of steps that are started before their predecessor (S5)."""
    for earlier, later in pairwise(SurveyStep):
        name = step_column(later)
        statuses = getattr(change.record, step_column(earlier)), getattr(change.record, name)
        if name in change.after and statuses[0] is SurveyStepStatus.NOT_STARTED is not statuses[1]:
            field = f"{later.value.lower()}Step"
            message = sentence(
                "{field}: {later} comes after {earlier}, which has not been started",
                field=field,
                later=later,
                earlier=earlier,
            )
            yield UserError("OUT_OF_ORDER", message, (field,), change.record, warning=True)


def settle_actions(ctx: Context, changes: Changes) -> None:
    """Records when improvement actions were completed (S3)."""
    for change in changes.of("ImprovementAction", Action.CREATED, Action.UPDATED):
        action: Any = change.record
        if "status" in change.after:
            action.completed_on = ctx.clock.today() if action.status is ActionStatus.DONE else None
