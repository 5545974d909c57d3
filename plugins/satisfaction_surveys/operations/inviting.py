"""The operations of invitations: inviting, and reminding."""

from collections.abc import Sequence

import strawberry

from guanxi import SHOWN_ONCE, Context, Payload, Ref, mutation
from plugins.satisfaction_surveys.invitations import Issued, audience_of, choose, invite, remind
from plugins.satisfaction_surveys.models import Survey, SurveyInvitation
from plugins.satisfaction_surveys.operations.lifecycle import SurveyTargetInput
from plugins.satisfaction_surveys.surveys import survey_of
from plugins.satisfaction_surveys.vocabulary import ExclusionReason

_SURVEY = "The survey; null if it was refused."


@strawberry.type
class IssuedSurveyInvitation:
    """An invitation and what it is answered with."""

    invitation: Ref[SurveyInvitation] | None = strawberry.field(description="The invitation.")
    token: str | None = strawberry.field(
        metadata=SHOWN_ONCE,
        description="What `answerSurvey` takes. It is shown here once and kept nowhere: send it to the respondent. "
        "Null where the request was repeated, and where an anonymous survey is reminded of.",
    )


@strawberry.type
class SurveyExclusion:
    """How many of an audience are left alone for a reason."""

    reason: ExclusionReason = strawberry.field(description="Why.")
    count: int = strawberry.field(description="How many.")


@strawberry.type
class InviteToSurveyPayload(Payload):
    """Who was invited, or would be."""

    survey: Ref[Survey] | None = strawberry.field(description=_SURVEY)
    invited: int = strawberry.field(default=0, description="How many were invited.")
    issued: list[IssuedSurveyInvitation] = strawberry.field(
        default_factory=list, description="The invitations with their tokens; none of a dry run."
    )
    excluded: list[SurveyExclusion] = strawberry.field(
        default_factory=list, description="Who of the audience was left alone, and why."
    )


@strawberry.type
class RemindSurveyRespondentsPayload(Payload):
    """Who is reminded."""

    survey: Ref[Survey] | None = strawberry.field(description=_SURVEY)
    reminded: int = strawberry.field(default=0, description="How many are reminded.")
    issued: list[IssuedSurveyInvitation] = strawberry.field(
        default_factory=list,
        description="Their invitations, each with one more token; tokens sent before stay valid. None of a dry run.",
    )


@mutation
def invite_to_survey(ctx: Context, input: SurveyTargetInput) -> InviteToSurveyPayload:
    """Invites whoever of the audience is to be asked now; each invitation is an interaction. Left alone are those who
    must not be contacted, or who were invited in this round, or to another survey of late.

    Rules S3, K12.
    """
    survey = survey_of(ctx.session, input.survey_id)
    selected = choose(ctx, survey, audience_of(ctx, survey))
    issued = invite(ctx, survey, selected.invited)
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


@mutation
def remind_survey_respondents(ctx: Context, input: SurveyTargetInput) -> RemindSurveyRespondentsPayload:
    """Reminds of the invitations whose reminder is due, as `SurveyInvitation.isReminderDue` says. In an anonymous
    survey that is everybody, for nobody knows who has answered.
    """
    survey = survey_of(ctx.session, input.survey_id)
    issued = remind(ctx, survey)
    return RemindSurveyRespondentsPayload(
        survey=survey, reminded=len(issued), issued=[] if input.dry_run else _shown(issued)
    )


def _shown(issued: Sequence[Issued]) -> list[IssuedSurveyInvitation]:
    return [IssuedSurveyInvitation(invitation=one.invitation_id, token=one.token) for one in issued]
