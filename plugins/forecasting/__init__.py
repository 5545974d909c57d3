"""Forecasting: expected sales, their certainty, and actual results (F1 to F12, O6, O7, G11)."""

import random
from collections.abc import Iterable, Iterator, Set

from guanxi import (
    Action,
    Changes,
    Context,
    Field,
    Job,
    Panel,
    Permission,
    Plugin,
    PluginOperation,
    Record,
    UserError,
    UserRole,
    hookimpl,
)
from guanxi.sql import PreparedQuestion
from plugins.forecasting.fields import fields
from plugins.forecasting.jobs import jobs
from plugins.forecasting.locks import keys_of
from plugins.forecasting.models import (
    COMPANY,
    SUBMIT,
    ForecastAdjustment,
    ForecastLine,
    ForecastRun,
    ForecastSubmission,
    PipelineSnapshot,
    PipelineState,
    SalesTarget,
    WinModel,
    WinModelBand,
    WinModelWeight,
)
from plugins.forecasting.operations import OPERATIONS
from plugins.forecasting.outlook.submissions import ADJUSTED, SUBMITTED
from plugins.forecasting.panels import panels
from plugins.forecasting.past.history import keep, keep_questions, reconcile
from plugins.forecasting.past.pushes import PUSHED, count_pushes
from plugins.forecasting.record_fields import record_fields
from plugins.forecasting.relevance import is_idle, relevant
from plugins.forecasting.sample import fill_sample
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.validation import category_problems, settle_targets, target_problems
from plugins.forecasting.win_model.scoring import score_changed, score_questions
from plugins.forecasting.win_model.storage import TRAINED


class Forecasting(Plugin):
    """Forecasts by named methods, keeps the pipeline's history, measures and compares."""

    name = "forecasting"
    version = "1.0"
    api = ">=1,<2"
    settings = ForecastingSettings
    reacts_to = ("Opportunity", "OpportunityContact", "SalesTarget", "Stage")
    # The past of all opportunities of a stage may follow from its probability.
    blocks = ("Stage",)
    events = {  # noqa: RUF012  (as Plugin declares it)
        PUSHED: "An opportunity's close date was pushed to a later month.",
        SUBMITTED: "A forecast was submitted.",
        TRAINED: "A model of win probability was trained, and used or refused.",
        ADJUSTED: "A category of a submitted forecast was adjusted.",
    }

    def reacts(self, entity: str, action: Action, names: Set[str]) -> bool:
        """Updates of opportunities count where the forecast rests on what they change."""
        return entity != "Opportunity" or action is not Action.UPDATED or not is_idle(names)

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """Pipeline history, snapshots, submissions, targets, forecasts to be compared, and models."""
        return [
            PipelineState,
            PipelineSnapshot,
            ForecastSubmission,
            ForecastLine,
            ForecastAdjustment,
            SalesTarget,
            ForecastRun,
            WinModel,
            WinModelBand,
            WinModelWeight,
        ]

    @hookimpl
    def register_fields(self, settings: ForecastingSettings, reporting_currency: str) -> Iterable[Field]:
        """The fields on opportunities, sales, transitions, people, and on the plugin's own records."""
        yield from fields(settings, reporting_currency)
        yield from record_fields(reporting_currency)

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who sees figures of the whole company: those who lead it and those who report on it."""
        roles = (UserRole.CENTRE_DIRECTOR, UserRole.DEPUTY_MANAGER, UserRole.BRANCH_MANAGER, UserRole.SALES_OFFICE)
        staff = [role for role in UserRole if role is not UserRole.PARTNER]
        return [
            Permission(COMPANY, "See snapshots, forecasts and models of the whole company.", roles, [TRAINED]),
            Permission(SUBMIT, "Submit a forecast of one's own, or of one's team.", staff),
        ]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """Forecasts, metrics, stage rates, submissions, the pipeline's past, the model."""
        return OPERATIONS

    @hookimpl
    def register_panels(self) -> Iterable[Panel]:
        """The figures of the page."""
        return panels()

    @hookimpl
    def register_jobs(self) -> Iterable[Job]:
        """The past kept complete, snapshots and forecasts."""
        return jobs()

    @hookimpl
    def startup(self, ctx: Context) -> None:
        """Writes the past of opportunities that were there before the plugin."""
        reconcile(ctx)

    @hookimpl
    def lock_keys(self, changes: Changes) -> Iterable[tuple[str, ...]]:
        """The opportunities whose past is kept, and the targets that exist once."""
        changes = relevant(changes)
        return keys_of(changes) if changes else ()

    @hookimpl
    def validate(self, ctx: Context, changes: Changes) -> Iterable[UserError]:
        """Refuses categories that only an outcome gives, and targets that make no sense."""
        yield from category_problems(changes)
        yield from target_problems(ctx, changes)

    @hookimpl
    def questions(self, ctx: Context, changes: Changes) -> Iterator[PreparedQuestion]:
        """What predictions and the pipeline's past ask."""
        changes = relevant(changes)
        yield from score_questions(ctx, changes)
        yield from keep_questions(ctx, changes)

    @hookimpl
    def before_commit(self, ctx: Context, changes: Changes) -> None:
        """Counts pushes, predicts what changed, and keeps the pipeline's past."""
        settle_targets(changes)
        changes = relevant(changes)
        if changes:
            count_pushes(ctx, changes)
            score_changed(ctx, changes)
            keep(ctx, changes)

    @hookimpl
    def sample_data(self, ctx: Context, chance: random.Random) -> None:
        """What owners say and submit, targets, the ends of the last months, and a model where one can be trained."""
        fill_sample(ctx, chance)
