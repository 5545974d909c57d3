"""Satisfaction surveys: customers say how satisfied they are, and something is done about it (S1-S5, T12, T15)."""

import random
from collections.abc import Iterable, Sequence

from guanxi import (
    Changes,
    Context,
    Event,
    Field,
    Job,
    Message,
    Panel,
    Permission,
    Plugin,
    PluginOperation,
    Record,
    UserError,
    UserRole,
    hookimpl,
)
from guanxi.vocabulary import Channel
from plugins.satisfaction_surveys.answers import judge_answers
from plugins.satisfaction_surveys.fields import fields
from plugins.satisfaction_surveys.invitations import (
    INVITATION_EXPIRED,
    REMINDER_DUE,
    ROUND_DUE,
    keep_latest_invitation,
)
from plugins.satisfaction_surveys.jobs import jobs
from plugins.satisfaction_surveys.languages import judge_languages
from plugins.satisfaction_surveys.models import (
    MANAGE,
    ImprovementAction,
    Survey,
    SurveyAnswer,
    SurveyInvitation,
    SurveyQuestion,
    SurveyResponse,
    SurveyTranslation,
)
from plugins.satisfaction_surveys.operations import OPERATIONS
from plugins.satisfaction_surveys.panels import panels
from plugins.satisfaction_surveys.responses import SURVEY_COMPLETED, judge_responses, settle_responses
from plugins.satisfaction_surveys.sample import fill_sample
from plugins.satisfaction_surveys.sending import send_queued
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.smtp import send_mail
from plugins.satisfaction_surveys.surveys import SURVEY_CLOSED, SURVEY_OPENED, judge_surveys, settle_actions


class SatisfactionSurveys(Plugin):
    """Surveys customers and follows up on what they say."""

    name = "satisfaction_surveys"
    version = "1.0"
    api = ">=1,<2"
    settings = SatisfactionSettings
    reacts_to = ("ImprovementAction", "Survey", "SurveyAnswer", "SurveyResponse")
    blocks = False
    events = {  # noqa: RUF012  (as Plugin declares it)
        SURVEY_OPENED: "A survey was opened for answers.",
        SURVEY_CLOSED: "A survey was closed.",
        SURVEY_COMPLETED: "A respondent has answered a survey that is not anonymous.",
        REMINDER_DUE: "A reminder of an invitation is due.",
        INVITATION_EXPIRED: "An invitation expired without an answer.",
        ROUND_DUE: "The next round of a regular survey is due.",
    }

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """Surveys, their questions, translations and invitations, responses, answers, improvement actions."""
        return [
            Survey,
            SurveyQuestion,
            SurveyTranslation,
            SurveyInvitation,
            SurveyResponse,
            SurveyAnswer,
            ImprovementAction,
        ]

    @hookimpl
    def register_fields(self, settings: SatisfactionSettings, reporting_currency: str) -> Iterable[Field]:
        """Results on Customer, and derived fields of the plugin's own records."""
        return fields(settings, reporting_currency)

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who runs surveys: those who lead, and those who report."""
        roles = (
            UserRole.DEPARTMENT_LEADER,
            UserRole.CENTRE_DIRECTOR,
            UserRole.DEPUTY_MANAGER,
            UserRole.BRANCH_MANAGER,
            UserRole.SALES_OFFICE,
        )
        grants = ("Survey.create", "Survey.change", "Survey.delete")
        return [Permission(MANAGE, "Create and run surveys.", roles, grants=grants)]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """The life of a survey, invitations, answers, reports."""
        return OPERATIONS

    @hookimpl
    def lock_keys(self) -> Iterable[tuple[str, ...]]:
        """None: what is relied on is locked where it is read."""
        return ()

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterable[UserError]:
        """Protects answers from changes, and the anonymity of anonymous surveys."""
        return [
            *judge_surveys(changes),
            *judge_languages(changes),
            *judge_responses(ctx, changes),
            *judge_answers(ctx, changes),
        ]

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Keeps the results of customers current, and follows up detractors."""
        settle_responses(ctx, changes)
        settle_actions(ctx, changes)

    @hookimpl
    def merge(self, ctx: Context, into: Record, merged: Sequence[Record]) -> None:
        """Whoever was invited is spared, under whichever record that was."""
        keep_latest_invitation(ctx, into, merged)

    def listens(self, settings: SatisfactionSettings) -> bool:
        """Whether invitations can be sent."""
        return settings.answer_address is not None

    @hookimpl
    async def after_commit(self, ctx: Context, events: Sequence[Event]) -> None:
        """Sends the invitations that were queued."""
        await send_queued(ctx, events)

    @hookimpl
    def send(self, ctx: Context, message: Message) -> bool:
        """Sends e-mail by SMTP, if there is a server."""
        settings: SatisfactionSettings = ctx.settings
        if message.channel is not Channel.EMAIL or settings.smtp_host is None:
            return False
        send_mail(settings, message, ctx.clock.now())
        return True

    @hookimpl
    def register_panels(self) -> Iterable[Panel]:
        """The figures of the page."""
        return panels()

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """Expiry, reminders, rounds, results."""
        return jobs()

    @hookimpl
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """A repeated survey, with answers from three rounds."""
        fill_sample(ctx, chance)
