"""Satisfaction surveys: customers say how satisfied they are, and something is done about it (S1-S5, T12, T15)."""

import random
from collections.abc import Iterable

from guanxi import Changes, Context, Field, Job, Plugin, PluginOperation, Record, UserError, hookimpl
from plugins.satisfaction_surveys.fields import fields
from plugins.satisfaction_surveys.invitations import INVITATION_EXPIRED, REMINDER_DUE, ROUND_DUE
from plugins.satisfaction_surveys.jobs import jobs
from plugins.satisfaction_surveys.models import (
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
    """Asks customers and keeps what they say."""

    name = "satisfaction_surveys"
    version = "1.0"
    api = ">=1,<2"
    settings = SatisfactionSettings
    events = {  # noqa: RUF012  (as Plugin declares it)
        SURVEY_OPENED: "A survey can be answered.",
        SURVEY_CLOSED: "A survey can be answered no more.",
        SURVEY_COMPLETED: "A respondent has answered a survey that is not anonymous.",
        REMINDER_DUE: "An invitation is to be reminded of.",
        INVITATION_EXPIRED: "The time of an invitation went by without an answer.",
        ROUND_DUE: "A regular survey is to go round again.",
    }

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """Surveys, their questions and invitations, responses with their answers, improvement actions."""
        return [Survey, SurveyQuestion, SurveyInvitation, SurveyResponse, SurveyAnswer, ImprovementAction]

    @hookimpl
    def register_fields(self, settings: SatisfactionSettings, reporting_currency: str) -> Iterable[Field]:
        """Results on Customer, and what follows from the plugin's own records."""
        return fields(settings, reporting_currency)

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """The life of a survey, invitations, answers, reports."""
        return OPERATIONS

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterable[UserError]:
        """Keeps what was answered as it was said, and anonymous what was promised to be."""
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
        """A survey that goes round, with answers of three rounds."""
        fill_sample(ctx, chance)
