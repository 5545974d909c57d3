"""Invitations: who of an audience is asked, with which token, who is excluded and why, who is reminded (S3)."""

import random
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, insert, literal, update
from sqlmodel import Session, col, select

from guanxi import Context, Record, Reject, sentence
from guanxi.records import Contact, Interaction
from guanxi.vocabulary import InteractionDirection
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.models import (
    ContactSurveys,
    CustomerResult,
    Survey,
    SurveyInvitation,
    SurveyToken,
)
from plugins.satisfaction_surveys.responses import hash_of
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.surveys import audience_where, problem
from plugins.satisfaction_surveys.vocabulary import ExclusionReason, InvitationDelivery, RespondentKind, SurveyStatus

REMINDER_DUE, INVITATION_EXPIRED, ROUND_DUE = "SURVEY_REMINDER_DUE", "SURVEY_INVITATION_EXPIRED", "SURVEY_ROUND_DUE"

_TOKEN_BYTES = 32

invitations = SurveyInvitation.__table__.c
surveys = Survey.__table__.c
tokens = SurveyToken.__table__.c


@dataclass(frozen=True, slots=True)
class Respondent:
    """A member of an audience: a contact, or a customer itself."""

    customer_id: str | None
    contact_id: str | None
    do_not_contact: bool

    @property
    def key(self) -> str:
        """Its id."""
        return self.contact_id or self.customer_id or ""


@dataclass(frozen=True, slots=True)
class Selected:
    """Whom invitations go to, and how many are excluded for which reason."""

    invited: Sequence[Respondent]
    excluded: Mapping[ExclusionReason, int]


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation with its token; without one if it is sent, and in reminders of an anonymous survey."""

    invitation_id: str
    token: str | None


def audience_of(ctx: Context, survey: Survey) -> list[Respondent]:
    """Everybody in the audience of a survey now."""
    kind = survey.respondents
    if survey.audience is None or kind is None:
        return []
    where = audience_where(survey.audience)
    if kind is RespondentKind.CONTACTS:
        found = ctx.pages("Contact", "id customerId doNotContact customer { doNotContact }", where)
    else:
        found = ctx.pages("Customer", "id doNotContact", where)
    return [_respondent(kind, node) for node in found]


def _respondent(kind: RespondentKind, node: Mapping[str, Any]) -> Respondent:
    if kind is RespondentKind.CUSTOMERS:
        return Respondent(node["id"], None, node["doNotContact"])
    customer = node["customer"] or {}
    return Respondent(node["customerId"], node["id"], node["doNotContact"] or customer.get("doNotContact", False))


def choose(ctx: Context, survey: Survey, audience: Sequence[Respondent]) -> Selected:
    """Selects who of an audience is invited now; reads only.

    Raises:
        Reject: the survey is not open, or too few would be invited to be anonymous.
    """
    if survey.status is not SurveyStatus.OPEN:
        raise Reject(
            problem("NOT_OPEN", "surveyId", sentence("survey {id} is not open; open it with openSurvey", id=survey.id))
        )
    settings: SatisfactionSettings = ctx.settings
    here = _last_invited(ctx, _keys().where(invitations.survey_id == survey.id))
    since = ctx.clock.now() - timedelta(days=settings.cool_down_days + 1)
    elsewhere = _last_invited(ctx, _keys().where(invitations.survey_id != survey.id, invitations.invited_at > since))
    cadence = (survey.cadence_days or settings.cadence_days) if survey.is_regular else None
    invited: list[Respondent] = []
    excluded: Counter[ExclusionReason] = Counter()
    for one in audience:
        reason = rules.exclusion(
            do_not_contact=one.do_not_contact,
            invited_here_on=here.get(one.key),
            invited_elsewhere_on=elsewhere.get(one.key),
            today=ctx.clock.today(),
            cadence_days=cadence,
            cool_down_days=settings.cool_down_days,
        )
        if reason is None:
            invited.append(one)
        else:
            excluded[reason] += 1
    if survey.is_anonymous and 0 < len(invited) < settings.anonymous_from:
        message = sentence(
            "{count} are too few to be anonymous at a time; wait until it is {anonymous_from}",
            count=len(invited),
            anonymous_from=settings.anonymous_from,
        )
        raise Reject(problem("TOO_FEW_RESPONDENTS", "surveyId", message))
    return Selected(invited, excluded)


def _keys() -> Select[Any]:
    respondent = func.coalesce(invitations.contact_id, invitations.customer_id)
    return select(respondent, func.max(invitations.invited_at)).group_by(respondent)


def _last_invited(ctx: Context, query: Select[Any]) -> dict[str, date]:
    return {key: ctx.calendar.day_of(moment) for key, moment in ctx.session.execute(query)}


def invite(ctx: Context, survey: Survey, respondents: Sequence[Respondent], *, send: bool) -> list[Issued]:
    """Invites those who were chosen; each invitation is an interaction (K12). To be sent, they are queued."""
    if not respondents:
        return []
    settings: SatisfactionSettings = ctx.settings
    now = ctx.clock.now()
    survey.rounds += 1
    survey.last_round_on = ctx.clock.today()
    talks = [_interaction(survey, one.customer_id, one.contact_id, "Invited to", now) for one in respondents]
    ctx.session.add_all(talks)
    ctx.session.flush()
    made = [
        SurveyInvitation(
            survey_id=survey.id,
            customer_id=one.customer_id,
            contact_id=one.contact_id,
            interaction_id=talk.id,
            questions_version=survey.questions_version,
            round=survey.rounds,
            invited_at=now,
            sent_at=now,
            expires_at=_end(ctx, survey, now + timedelta(days=settings.invitation_valid_days)),
            delivery=InvitationDelivery.QUEUED if send else None,
        )
        for one, talk in zip(respondents, talks, strict=True)
    ]
    ctx.session.add_all(made)
    ctx.session.flush()
    _note_invited(ctx, respondents)
    return [Issued(one.id, None) for one in made] if send else issue(ctx.session, survey, made)


def _end(ctx: Context, survey: Survey, moment: datetime) -> datetime:
    """Until when an invitation is valid: not beyond the survey's last day."""
    if survey.closes_on is None:
        return moment
    return min(moment, ctx.calendar.start_of(survey.closes_on + timedelta(days=1)))


def _interaction(
    survey: Survey, customer_id: str | None, contact_id: str | None, done: str, now: datetime
) -> Interaction:
    return Interaction(
        customer_id=customer_id,
        contact_id=contact_id,
        user_id=survey.owner_id,
        channel=survey.channel,
        direction=InteractionDirection.OUTBOUND,
        occurred_at=now,
        summary=f"{done} the survey “{survey.title}”.",
    )


def _note_invited(ctx: Context, invited: Sequence[Respondent]) -> None:
    today = ctx.clock.today()
    for facet in ctx.facets(ContactSurveys, {one.contact_id for one in invited} - {None}).values():
        facet.invited_on = today
    for facet in ctx.facets(CustomerResult, {one.customer_id for one in invited} - {None}).values():
        facet.invited_on = today


def issue(session: Session, survey: Survey, made: Sequence[SurveyInvitation]) -> list[Issued]:
    """Creates a token for each invitation, of which only the hash is stored.

    Those of an anonymous survey are stored without invitation and in another order, so that nothing leads from one
    to the other.
    """
    issued = [Issued(one.id, secrets.token_urlsafe(_TOKEN_BYTES)) for one in made]
    rows = [
        {
            "token_hash": hash_of(str(one.token)),
            "survey_id": survey.id,
            "invitation_id": None if survey.is_anonymous else invitation.id,
            "questions_version": invitation.questions_version,
            "expires_at": invitation.expires_at,
            "is_used": False,
        }
        for one, invitation in zip(issued, made, strict=True)
    ]
    if survey.is_anonymous:
        random.SystemRandom().shuffle(rows)
    session.execute(insert(SurveyToken.__table__), rows)
    return issued


# Reminders


def remind(ctx: Context, survey: Survey, *, send: bool) -> list[Issued]:
    """Reminds those whose reminder is due; to be sent, the messages are queued.

    Each invitation gets one more token; earlier ones stay valid. In an anonymous survey everybody is reminded and
    nobody gets a token, because nobody knows who has answered.

    Raises:
        Reject: the survey is not open.
    """
    now = ctx.clock.now()
    due = _due_reminders(ctx, survey)
    for one in due:
        one.reminders += 1
        one.sent_at = now
        one.delivery, one.delivery_problem = InvitationDelivery.QUEUED if send else None, None
        ctx.session.add(_interaction(survey, one.customer_id, one.contact_id, "Reminded of", now))
    if send or survey.is_anonymous or not due:
        return [Issued(one.id, None) for one in due]
    return issue(ctx.session, survey, due)


def _due_reminders(ctx: Context, survey: Survey) -> Sequence[SurveyInvitation]:
    """The invitations of a survey whose reminder is due, locked.

    Raises:
        Reject: the survey is not open.
    """
    if survey.status is not SurveyStatus.OPEN:
        raise Reject(problem("NOT_OPEN", "surveyId", sentence("survey {id} is not open", id=survey.id)))
    due = select(SurveyInvitation).where(SurveyInvitation.survey_id == survey.id, _is_due(ctx))
    return ctx.session.exec(due.order_by(col(SurveyInvitation.id)).with_for_update(key_share=True)).all()


def _is_due(ctx: Context) -> Any:
    settings: SatisfactionSettings = ctx.settings
    now, today = literal(ctx.clock.now(), invitations.expires_at.type), literal(ctx.clock.today())
    return rules.is_reminder_due(
        rules.invitation_status(invitations.answered_at, invitations.expires_at, now),
        invitations.sent_at,
        invitations.reminders,
        today,
        settings.reminder_after_days,
        settings.reminders_at_most,
    )


# Due by time


def announce_reminders(ctx: Context) -> int:
    """Announces each reminder that is due, once, for whatever sends them; returns how many."""
    due = [
        _is_due(ctx),
        invitations.reminder_announced <= invitations.reminders,
        invitations.survey_id.in_(
            select(surveys.id).where(surveys.status == SurveyStatus.OPEN, surveys.deleted_at.is_(None))
        ),
    ]
    count = ctx.publish_each(
        REMINDER_DUE,
        SurveyInvitation,
        select(
            invitations.id, invitations.survey_id.label("surveyId"), (invitations.reminders + 1).label("reminder")
        ).where(*due),
    )
    announced = update(SurveyInvitation).where(*due).values(reminder_announced=invitations.reminders + 1)
    ctx.session.execute(announced.execution_options(synchronize_session=False))
    return count


def expire(ctx: Context) -> int:
    """Deletes expired tokens and announces the invitations that nobody answered; returns how many."""
    over = tokens.expires_at <= ctx.clock.now()
    unanswered = (
        select(tokens.invitation_id, invitations.survey_id.label("surveyId"))
        .join(SurveyInvitation.__table__, invitations.id == tokens.invitation_id)
        .where(over, ~tokens.is_used)
        .distinct()
    )
    count = ctx.publish_each(INVITATION_EXPIRED, SurveyInvitation, unanswered)
    ctx.session.execute(SurveyToken.__table__.delete().where(over))
    return count


def announce_rounds(ctx: Context) -> int:
    """Announces regular surveys whose next round is due, once per round; returns how many (S3)."""
    settings: SatisfactionSettings = ctx.settings
    waiting = ctx.session.exec(
        select(Survey).where(
            col(Survey.status) == SurveyStatus.OPEN,
            col(Survey.is_regular),
            col(Survey.deleted_at).is_(None),
            col(Survey.round_announced) < col(Survey.rounds),
            rules.next_round_on(surveys.last_round_on, func.coalesce(surveys.cadence_days, settings.cadence_days))
            <= ctx.clock.today(),
        )
    ).all()
    for survey in waiting:
        ctx.publish(ROUND_DUE, survey, round=survey.rounds + 1)
    announced = update(Survey).where(col(Survey.id).in_([survey.id for survey in waiting]))
    ctx.session.execute(announced.values(round_announced=surveys.rounds).execution_options(synchronize_session=False))
    return len(waiting)


def keep_latest_invitation(ctx: Context, into: Record, merged: Sequence[Record]) -> None:
    """Keeps on a record when those that are merged into it were invited last."""
    facet: type[Any] = ContactSurveys if isinstance(into, Contact) else CustomerResult
    ids = [record.id for record in merged]
    latest = ctx.session.scalar(select(func.max(facet.invited_on)).where(col(facet.record_id).in_(ids)))
    if latest is not None:
        row = ctx.facet(facet, into.id)
        row.invited_on = max(latest, row.invited_on or latest)
