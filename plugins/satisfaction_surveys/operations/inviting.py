"""The operations of invitations: inviting, and reminding."""

from collections.abc import Sequence

import strawberry

from guanxi import SHOWN_ONCE, Context, Payload, Ref, mutation
from plugins.satisfaction_surveys.invitations import Issued, audience_of, choose, invite, remind
from plugins.satisfaction_surveys.models import MANAGE, Survey, SurveyInvitation
from plugins.satisfaction_surveys.operations.lifecycle import SurveyTargetInput
from plugins.satisfaction_surveys.sending import check_sending
from plugins.satisfaction_surveys.surveys import invitation_key, survey_of
from plugins.satisfaction_surveys.vocabulary import ExclusionReason


@strawberry.input
class InviteToSurveyInput(SurveyTargetInput):
    """The survey to invite to, and how."""

    send: bool = strawberry.field(
        default=False,
        description="Whether guanxi sends the messages by the survey's channel. Then no tokens are returned, and "
        "`SurveyInvitation.delivery` shows what became of each.",
    )


@strawberry.input
class RemindSurveyRespondentsInput(InviteToSurveyInput):
    """The survey to remind of, and how."""


_SURVEY = "The survey; null if it was refused."


@strawberry.type
class IssuedSurveyInvitation:
    """An invitation and its token."""

    invitation: Ref[SurveyInvitation] | None = strawberry.field(description="The invitation.")
    token: str | None = strawberry.field(
        metadata=SHOWN_ONCE,
        description="The token for `answerSurvey`. It is shown once and stored nowhere: send it to the respondent. "
        "Null if the request is repeated or the message is sent by guanxi, and in reminders of an anonymous survey.",
    )


@strawberry.type
class SurveyExclusion:
    """Number of members of an audience excluded for a reason."""

    reason: ExclusionReason = strawberry.field(description="The reason.")
    count: int = strawberry.field(description="Number of members.")


@strawberry.type
class InviteToSurveyPayload(Payload):
    """Who was invited, or would be."""

    survey: Ref[Survey] | None = strawberry.field(description=_SURVEY)
    invited: int = strawberry.field(default=0, description="Number of respondents invited.")
    issued: list[IssuedSurveyInvitation] = strawberry.field(
        default_factory=list, description="The invitations with their tokens; empty in a dry run."
    )
    excluded: list[SurveyExclusion] = strawberry.field(
        default_factory=list, description="Members of the audience who were excluded, by reason."
    )


@strawberry.type
class RemindSurveyRespondentsPayload(Payload):
    """Who is reminded, or would be."""

    survey: Ref[Survey] | None = strawberry.field(description=_SURVEY)
    reminded: int = strawberry.field(default=0, description="Number of respondents reminded.")
    issued: list[IssuedSurveyInvitation] = strawberry.field(
        default_factory=list,
        description="Their invitations, each with one more token; earlier tokens stay valid. Empty in a dry run.",
    )


@mutation(locks=invitation_key, permission=MANAGE)
def invite_to_survey(ctx: Context, input: InviteToSurveyInput) -> InviteToSurveyPayload:
    """Invites the members of the audience who are due; each invitation is an interaction. Excluded are those who
    must not be contacted, or who were already invited in this round, or recently to another survey.

    Rules S3, K12.
    """
    survey = survey_of(ctx.session, input.survey_id)
    if input.send:
        check_sending(ctx.settings, survey)
    selected = choose(ctx, survey, audience_of(ctx, survey))
    issued = invite(ctx, survey, selected.invited, send=input.send)
    return InviteToSurveyPayload(
        survey=survey,
        invited=len(selected.invited),
        issued=[] if input.dry_run else _shown(issued),
        excluded=[
            SurveyExclusion(reason=reason, count=selected.excluded[reason])
            for reason in ExclusionReason
            if reason in selected.excluded
        ],
    )


@mutation(locks=invitation_key, permission=MANAGE)
def remind_survey_respondents(ctx: Context, input: RemindSurveyRespondentsInput) -> RemindSurveyRespondentsPayload:
    """Reminds respondents whose reminder is due, as `SurveyInvitation.isReminderDue` shows. In an anonymous
    survey that is everybody, because nobody knows who has answered.
    """
    survey = survey_of(ctx.session, input.survey_id)
    if input.send:
        check_sending(ctx.settings, survey)
    issued = remind(ctx, survey, send=input.send)
    return RemindSurveyRespondentsPayload(
        survey=survey, reminded=len(issued), issued=[] if input.dry_run else _shown(issued)
    )


def _shown(issued: Sequence[Issued]) -> list[IssuedSurveyInvitation]:
    return [IssuedSurveyInvitation(invitation=one.invitation_id, token=one.token) for one in issued]
