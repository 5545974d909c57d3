"""Messages that invite and remind: queued with the invitation, sent by a channel after the commit, kept track of.

The token of a message is made when it is sent, and its hash is stored before: the token itself is in the message alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from sqlmodel import col, select

from guanxi import Context, Event, GuanxiError, Message, Reject, sentence
from guanxi.records import Contact, Customer
from guanxi.vocabulary import Channel
from plugins.satisfaction_surveys.invitations import issue
from plugins.satisfaction_surveys.languages import Wording, wording
from plugins.satisfaction_surveys.models import Survey, SurveyInvitation
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.surveys import problem
from plugins.satisfaction_surveys.vocabulary import InvitationDelivery, SurveyStatus

#: Messages prepared in one transaction, and how many of them are on their way at the same time.
_AT_ONCE, _IN_PARALLEL = 50, 8
#: No further messages are begun after so long, well before the host would cancel those on their way.
_LONGEST_SECONDS = 25.0
_LONGEST_PROBLEM = 1000


def check_sending(settings: SatisfactionSettings, survey: Survey) -> None:
    """Makes sure that invitations to a survey can be sent.

    Raises:
        Reject: they cannot.
    """
    if survey.is_anonymous:
        message = sentence(
            "the survey is anonymous, and whoever sends knows who has which token; leave it out, and pass them on"
        )
        raise Reject(problem("ANONYMOUS", "send", message))
    if settings.answer_address is None:
        message = sentence(
            "the setting ANSWER_ADDRESS is missing, without which there is no link; set it, or leave this out"
        )
        raise Reject(problem("INVALID", "send", message))


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message about to be sent, with its token."""

    invitation_id: str
    token: str
    message: Message


async def send_queued(ctx: Context, events: Sequence[Event]) -> None:
    """Sends the messages that these events queued and nobody has sent yet. What became of each is stored at once.

    Raises:
        GuanxiError: some are still to be sent.
    """
    queued = [event.entity_id for event in events if _queues(event)]
    began, failures, left = monotonic(), list[str](), len(queued)
    for start in range(0, len(queued), _AT_ONCE):
        ids = queued[start : start + _AT_ONCE]
        if monotonic() - began > _LONGEST_SECONDS:
            raise GuanxiError(f"{left} more messages are to be sent; going on with the next try")
        letters: list[_Letter] = await ctx.transact(partial(_prepare, ids=ids))
        slots = asyncio.Semaphore(_IN_PARALLEL)
        failed = [one for one in await asyncio.gather(*(_send(ctx, one, slots) for one in letters)) if one]
        failures += failed
        left -= len(ids)
        if failed and len(failed) == len(letters):
            # The server is down: none of the others would get through.
            break
    if failures:
        raise GuanxiError(f"{len(failures) + left} messages are still to be sent: {failures[0]}")


def _queues(event: Event) -> bool:
    _, delivery = event.changes.get("delivery", (None, None))
    return event.entity_type == "SurveyInvitation" and delivery == InvitationDelivery.QUEUED


async def _send(ctx: Context, letter: _Letter, slots: asyncio.Semaphore) -> str | None:
    """Sends one, and stores what became of it; returns why it is to be tried again."""
    async with slots:
        delivery, why, again = InvitationDelivery.SENT, None, None
        try:
            await ctx.send(letter.message)
        except Reject as refused:
            delivery, why = InvitationDelivery.FAILED, "; ".join(error.message for error in refused.errors)
        except Exception as error:
            delivery, why = InvitationDelivery.QUEUED, str(error)
            again = why = _without(letter.token, why)
        why = why and _without(letter.token, why)
        await ctx.transact(partial(_note, id=letter.invitation_id, delivery=delivery, why=why))
        return again


def _without(token: str, text: str) -> str:
    """A text of a server without the token, which it may repeat."""
    return text.replace(token, "…")[:_LONGEST_PROBLEM]


def _note(ctx: Context, *, id: str, delivery: InvitationDelivery, why: str | None) -> None:
    invitation = ctx.session.get(SurveyInvitation, id, with_for_update={"key_share": True})
    if invitation is None:
        return
    invitation.delivery, invitation.delivery_problem = delivery, why
    if delivery is InvitationDelivery.SENT:
        invitation.sent_at = ctx.clock.now()


# Preparing


def _prepare(ctx: Context, *, ids: Sequence[str]) -> list[_Letter]:
    """The messages of those that are still queued, each with a new token; those that cannot be sent are marked."""
    query = (
        select(SurveyInvitation, Survey, Customer, Contact)
        .join(Survey, col(Survey.id) == SurveyInvitation.survey_id)
        .outerjoin(Customer, col(Customer.id) == SurveyInvitation.customer_id)
        .outerjoin(Contact, col(Contact.id) == SurveyInvitation.contact_id)
        .where(col(SurveyInvitation.id).in_(ids), col(SurveyInvitation.delivery) == InvitationDelivery.QUEUED)
        .order_by(col(SurveyInvitation.id))
    )
    locked = query.with_for_update(key_share=True, of=SurveyInvitation)
    sendable = defaultdict(list)
    for invitation, survey, customer, contact in ctx.session.exec(locked):
        person = contact or customer
        why = next(_obstacles(ctx, invitation, survey, customer, person), None)
        if why is None:
            sendable[survey.id].append((invitation, survey, person))
        else:
            invitation.delivery, invitation.delivery_problem = InvitationDelivery.FAILED, why
    return [letter for several in sendable.values() for letter in _letters(ctx, several)]


def _obstacles(
    ctx: Context,
    invitation: SurveyInvitation,
    survey: Survey,
    customer: Customer | None,
    person: Contact | Customer | None,
) -> Iterator[str]:
    """Why an invitation cannot be sent, though it was queued."""
    if survey.status is not SurveyStatus.OPEN or survey.deleted_at is not None:
        yield "the survey is not open any longer"
    if invitation.answered_at is not None:
        yield "it was answered meanwhile"
    if invitation.expires_at <= ctx.clock.now():
        yield "it has expired"
    if person is None or person.deleted_at is not None:
        yield "the respondent was deleted"
    elif person.do_not_contact or (customer is not None and customer.do_not_contact):
        yield "the respondent must not be contacted"
    elif not _address_of(person, survey):
        field = "e-mail address" if survey.channel is Channel.EMAIL else "telephone number"
        yield f"the respondent has no {field}; enter one, and send a reminder"


def _address_of(person: Contact | Customer, survey: Survey) -> str | None:
    return person.email if survey.channel is Channel.EMAIL else person.phone


def _letters(ctx: Context, several: Sequence[tuple[SurveyInvitation, Survey, Contact | Customer]]) -> Iterator[_Letter]:
    """The messages about one survey."""
    survey = several[0][1]
    issued = issue(ctx.session, survey, [invitation for invitation, _, _ in several])
    words: dict[str | None, Wording] = {}
    for (invitation, _, person), one in zip(several, issued, strict=True):
        wanted = person.language if isinstance(person, Contact) else None
        if wanted not in words:
            words[wanted] = wording(ctx.session, survey, wanted)
        assert one.token is not None
        message = _message(
            ctx.settings, survey, invitation, words[wanted], _address_of(person, survey) or "", one.token
        )
        yield _Letter(invitation.id, one.token, message)


def _message(
    settings: SatisfactionSettings,
    survey: Survey,
    invitation: SurveyInvitation,
    words: Wording,
    address: str,
    token: str,
) -> Message:
    link = (settings.answer_address or "").replace("{token}", token).replace("{language}", words.language)
    return Message(
        id=f"{invitation.id}.{invitation.reminders}",
        channel=survey.channel,
        address=address,
        subject=words.title,
        text=f"{words.introduction or words.title}\n\n{link}\n",
        language=words.language,
    )
