"""The operations of invitations: inviting, and reminding."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import strawberry

from guanxi import Context, Done
from plugins.satisfaction_surveys.invitations import (
    Issued,
    Respondent,
    audience_of,
    choose,
    due_reminders,
    invite,
    remind,
)
from plugins.satisfaction_surveys.operations.asking import ASKED, ERRORS, WARNINGS, SurveyPreviewInput, look
from plugins.satisfaction_surveys.surveys import audience_where, survey_of
from plugins.satisfaction_surveys.vocabulary import ExclusionReason, RespondentKind


def invitation_mutations(plugin: str, types: Any) -> type:
    """The class whose fields join Mutation."""

    async def do(info: Any, operation: str, input: Any, work: Callable[[Context], Any]) -> Done:
        if input.preview:
            return await look(plugin, info, work)
        done: Done = await info.context.perform(plugin, operation, input, work)
        return done

    @strawberry.type(description="An invitation and what it is answered with.")
    class IssuedSurveyInvitation:
        invitation: types.SurveyInvitation | None = strawberry.field(description="The invitation.")
        token: str | None = strawberry.field(
            description="What `answerSurvey` takes. It is shown here once and kept nowhere: send it to the respondent. "
            "Null where the request was repeated, and where an anonymous survey is reminded of."
        )

    @strawberry.type(description="How many of an audience are left alone for a reason.")
    class SurveyExclusion:
        reason: ExclusionReason = strawberry.field(description="Why.")
        count: int = strawberry.field(description="How many.")

    @strawberry.type(description="Who was invited, or would be.")
    class InviteToSurveyPayload:
        survey: types.Survey | None = strawberry.field(description="The survey; null if it was refused.")
        invited: int = strawberry.field(description="How many were invited.")
        issued: list[IssuedSurveyInvitation] = strawberry.field(
            description="The invitations with their tokens; none of a preview."
        )
        excluded: list[SurveyExclusion] = strawberry.field(description="Who of the audience was left alone, and why.")
        user_errors: list[types.UserError] = strawberry.field(description=ERRORS)
        warnings: list[types.UserError] = strawberry.field(description=WARNINGS)

    @strawberry.type(description="Who is reminded.")
    class RemindSurveyRespondentsPayload:
        survey: types.Survey | None = strawberry.field(description="The survey; null if it was refused.")
        reminded: int = strawberry.field(description="How many are reminded.")
        issued: list[IssuedSurveyInvitation] = strawberry.field(
            description="Their invitations, each with one more token; tokens sent before stay valid."
        )
        user_errors: list[types.UserError] = strawberry.field(description=ERRORS)
        warnings: list[types.UserError] = strawberry.field(description=WARNINGS)

    @strawberry.type
    class Mutation:
        @strawberry.mutation(
            description="Invites whoever of the audience is to be asked now; each invitation is an interaction (K12). "
            "Left alone are those who must not be contacted, have been invited in this round, or to another survey of "
            "late (S3)."
        )
        async def invite_to_survey(
            self, info: strawberry.Info, input: Annotated[SurveyPreviewInput, ASKED]
        ) -> InviteToSurveyPayload:
            tokens: dict[str, str | None] = {}
            audience = await _audience(info.context, str(input.survey_id))

            def work(ctx: Context) -> dict[str, Any]:
                survey = survey_of(ctx.session, str(input.survey_id), lock=not input.preview)
                selected = choose(ctx, survey, audience)
                issued = [] if input.preview else invite(ctx, survey, selected.invited)
                return {
                    "id": survey.id,
                    "invited": len(selected.invited),
                    "issued": _keep(tokens, issued),
                    "excluded": {reason.value: count for reason, count in selected.excluded.items()},
                }

            done = await do(info, "inviteToSurvey", input, work)
            answer = done.answer or {}
            excluded = answer.get("excluded", {})
            return InviteToSurveyPayload(
                survey=answer.get("id"),
                invited=answer.get("invited", 0),
                issued=_shown(answer.get("issued", ()), tokens),
                excluded=[
                    SurveyExclusion(reason=reason, count=excluded[reason])
                    for reason in ExclusionReason
                    if reason in excluded
                ],
                user_errors=list(done.user_errors),
                warnings=list(done.warnings),
            )

        @strawberry.mutation(
            description="Reminds of the invitations whose reminder is due, as `SurveyInvitation.isReminderDue` says. "
            "In an anonymous survey that is everybody, for nobody knows who has answered."
        )
        async def remind_survey_respondents(
            self, info: strawberry.Info, input: Annotated[SurveyPreviewInput, ASKED]
        ) -> RemindSurveyRespondentsPayload:
            tokens: dict[str, str | None] = {}

            def work(ctx: Context) -> dict[str, Any]:
                survey = survey_of(ctx.session, str(input.survey_id), lock=not input.preview)
                if input.preview:
                    return {"id": survey.id, "due": len(due_reminders(ctx, survey, lock=False))}
                issued = _keep(tokens, remind(ctx, survey))
                return {"id": survey.id, "due": len(issued), "issued": issued}

            done = await do(info, "remindSurveyRespondents", input, work)
            answer = done.answer or {}
            return RemindSurveyRespondentsPayload(
                survey=answer.get("id"),
                reminded=answer.get("due", 0),
                issued=_shown(answer.get("issued", ()), tokens),
                user_errors=list(done.user_errors),
                warnings=list(done.warnings),
            )

    return Mutation


async def _audience(context: Any, survey_id: str) -> Sequence[Respondent]:
    """Who meets the audience of a survey now; nobody, where there is no such survey or audience."""
    text = "query ($id: ID!) { survey(id: $id) { respondents audience } }"
    survey = (await context.query(text, {"id": survey_id}))["survey"]
    if survey is None or survey["audience"] is None:
        return ()
    kind = RespondentKind(survey["respondents"])
    return await audience_of(
        context.query, kind, audience_where(survey["audience"]), context.settings.maximum_page_size
    )


def _keep(tokens: dict[str, str | None], issued: Sequence[Issued]) -> list[str]:
    """Notes the tokens, which are in no answer that is kept for a repeated request; gives the invitations."""
    tokens.clear()
    tokens.update({one.invitation_id: one.token for one in issued})
    return list(tokens)


def _shown(issued: Sequence[str], tokens: Mapping[str, str | None]) -> list[Any]:
    return [{"invitation": id, "token": tokens.get(id)} for id in issued]
