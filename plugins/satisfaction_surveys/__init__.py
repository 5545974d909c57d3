"""Satisfaction surveys: customers say how satisfied they are, and something is done about it (S1-S5, T12, T15)."""

import random
from collections.abc import Iterable

from guanxi import (
    Changes,
    Context,
    Field,
    Job,
    Permission,
    Plugin,
    PluginOperation,
    Record,
    UserError,
    UserRole,
    hookimpl,
)
from plugins.satisfaction_surveys.fields import fields
from plugins.satisfaction_surveys.invitations import INVITATION_EXPIRED, REMINDER_DUE, ROUND_DUE
from plugins.satisfaction_surveys.jobs import jobs
from plugins.satisfaction_surveys.models import (
    MANAGE,
    ImprovementAction,
    Survey,
    SurveyAnswer,
    SurveyInvitation,
    SurveyQuestion,
    SurveyResponse,
)
from plugins.satisfaction_surveys.operations import OPERATIONS
from plugins.satisfaction_surveys.responses import SURVEY_COMPLETED, judge_responses, settle_responses
from plugins.satisfaction_surveys.sample import fill_sample
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.surveys import SURVEY_CLOSED, SURVEY_OPENED, judge_surveys, settle_actions


class SatisfactionSurveys(Plugin):
    """Surveys customers and follows up on what they say."""

    name = "satisfaction_surveys"
    version = "1.0"
    api = ">=1,<2"
    settings = SatisfactionSettings
    reacts_to = ("ImprovementAction", "Survey", "SurveyResponse")
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
        """Surveys, their questions and invitations, responses with their answers, improvement actions."""
        return [Survey, SurveyQuestion, SurveyInvitation, SurveyResponse, SurveyAnswer, ImprovementAction]

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
        return [*judge_surveys(changes), *judge_responses(ctx, changes)]

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Keeps the results of customers current, and follows up detractors."""
        settle_responses(ctx, changes)
        settle_actions(ctx, changes)

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """Expiry, reminders, rounds, results."""
        return jobs()

    @hookimpl
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """A repeated survey, with answers from three rounds."""
        fill_sample(ctx, chance)
