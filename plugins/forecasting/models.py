"""Records of forecasting: pipeline history, snapshots, submissions with adjustments, targets, forecasts, models."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index

from guanxi import Facet, Money, Record, column, reference
from guanxi.records import Opportunity, Stage, Team, User
from guanxi.vocabulary import DateGrain, OpportunityStatus, Outcome
from plugins.forecasting.shared.vocabulary import (
    ForecastCategory,
    ForecastMethod,
    ModelStatus,
    SalesMetric,
    SnapshotKind,
)

#: The permission without which nobody sees figures of the whole company.
COMPANY = "forecasting.company"
#: The permission without which nobody submits a forecast.
SUBMIT = "forecasting.submit"


class OpportunityForecast(Facet, of="Opportunity", plugin="forecasting"):
    """Forecasting data of an opportunity, apart from its own columns."""

    category: ForecastCategory | None = column("Forecast category set by its owner.", default=None)
    push_count: int = column("Number of times its close date was pushed.", default=0, index=True)
    first_expected_close_date: date | None = column("Close date before it was pushed for the first time.", default=None)
    last_pushed_at: datetime | None = column("When it was last pushed.", default=None, index=True)
    model_probability: Decimal | None = column("Predicted win probability in percent.", default=None, index=True)
    model_reasons: list[str] = column("Properties that raise and lower it most.", default_factory=list)
    model_id: str | None = column("The model that predicted it.", default=None, exact=True)
    scored_at: datetime | None = column("When it was predicted.", default=None)


class PipelineState(Record, plugin="forecasting", prefix="pls"):
    """The state of an opportunity from one moment to another.

    A row is written when something changes, and only then, so that the pipeline of any past moment is there without
    copies. What was recorded later with an earlier moment is distinguished.
    """

    __order__ = (("validFrom", False),)
    __read_only__ = True
    __dated_by__ = ("valid_from",)

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="pipeline_states",
        inverse_description="Its states over time, including those corrected later.",
        on_destroy="CASCADE",
    )
    valid_from: datetime = column("Business moment from which it was so.", index=True)
    valid_until: datetime | None = column(
        "Business moment until which it was so; null while it is.", default=None, index=True
    )
    recorded_at: datetime = column("When the row was written.")
    superseded_at: datetime | None = column(
        "When a change with an earlier business date superseded it; null while it counts.", default=None, index=True
    )
    status: OpportunityStatus = column("Its status.", index=True)
    outcome: Outcome = column("Whether it was open, won or lost.", index=True)
    stage_id: str | None = reference(Stage, "Its stage; null if unknown.", default=None, on_destroy="SET NULL")
    owner_id: str | None = reference(User, "Its owner.", default=None, on_destroy="SET NULL")
    expected_amount: Money | None = column("Its expected amount.", index=True)
    expected_close_date: date | None = column("When it was expected to close.", index=True)
    win_probability: Decimal | None = column("Its win probability in percent.")
    forecast_category: ForecastCategory = column("Its category.", index=True)
    is_valid: bool = column("Whether it was valid.", index=True)
    is_inferred: bool = column(
        "Whether the state is inferred from dates and transitions of history entered later.", default=False
    )


# What counts of one opportunity, out of all that counts.
_states = PipelineState.__table__
Index("ix_forecasting_pipeline_state_counts", _states.c.opportunity_id, _states.c.superseded_at)


class PipelineSnapshot(Record, plugin="forecasting", prefix="psn"):
    """A saved moment of the pipeline, with its totals; not a copy, because the states it stands for are kept."""

    __permission__ = COMPANY
    __aggregates__ = False
    __order__ = (("asOf", True),)
    __read_only__ = True

    name: str | None = column("Name or purpose of the snapshot.", default=None, max_length=200)
    kind: SnapshotKind = column("How it was taken.", index=True)
    as_of: datetime = column("The business moment it shows.", index=True)
    taken_at: datetime = column("When it was taken: what was recorded later is not in it.", index=True)
    open_count: int = column("Number of open opportunities.")
    open_amount: Money = column("Their expected amount, in the reporting currency.")
    weighted_amount: Money = column("Their expected amount weighted by win probability.")


class ForecastSubmission(Record, plugin="forecasting", prefix="fsb"):
    """A person's sales forecast for a period, by category: owners for their own, managers for their reports too."""

    __order__ = (("submittedAt", True),)
    __read_only__ = True

    user_id: str = reference(
        User,
        "The person whose forecast it is.",
        inverse="forecast_submissions",
        inverse_description="Forecasts the person submitted.",
        on_destroy="CASCADE",
    )
    grain: DateGrain = column("Length of the period.", index=True)
    period_start: date = column("First day of the period.", index=True)
    period_end: date = column("Last day of the period.", index=True)
    submitted_at: datetime = column("When it was submitted.", index=True)
    submitted_by: str = column("Who submitted it.", exact=True)
    note: str | None = column("Note entered with it.", default=None, max_length=2000, long=True)
    call: Money | None = column(
        "Call: the amount the person says will be won in the period, alongside what is calculated.",
        default=None,
        index=True,
    )
    called_at: datetime | None = column("When the call was made; a later submission keeps it.", default=None)
    called_by: str | None = column("Who made the call.", default=None, exact=True)
    is_current: bool = column("Whether it is the person's latest for the period.", default=True, index=True)
    policy_version: str = column("The policy it is based on.", exact=True)


class ForecastLine(Record, plugin="forecasting", prefix="fln"):
    """One category of a submission: the calculated amount and, alongside it, its adjustment."""

    __order__ = (("category", False),)
    __read_only__ = True

    submission_id: str = reference(
        ForecastSubmission,
        "The submission.",
        inverse="lines",
        inverse_description="Its categories.",
        on_destroy="CASCADE",
    )
    category: ForecastCategory = column("The category.", index=True)
    own_count: int = column("Number of the person's own opportunities in it.")
    own_amount: Money = column("Their expected amount, in the reporting currency.")
    team_amount: Money = column("Amount submitted by the person's reports, as adjusted.")
    adjusted_amount: Money | None = column("Latest adjusted amount; null if never adjusted.", default=None, index=True)


class ForecastAdjustment(Record, plugin="forecasting", prefix="fad"):
    """One adjustment of a category of a submission. The calculated amount is kept alongside it."""

    __aggregates__ = False
    __order__ = (("adjustedAt", True),)
    __read_only__ = True

    line_id: str = reference(
        ForecastLine,
        "The adjusted category.",
        inverse="adjustments",
        inverse_description="Its adjustments, latest first.",
        on_destroy="CASCADE",
    )
    previous_amount: Money = column("Previous amount.")
    amount: Money = column("New amount.")
    reason: str = column("Why.", max_length=1000, long=True)
    adjusted_at: datetime = column("When.", index=True)
    adjusted_by: str = column("Who adjusted it.", exact=True)


# F10, G11
class SalesTarget(Record, plugin="forecasting", prefix="sgt"):
    """A sales target, or quota, for a period: of a person, a team, a region, or of all if none is named."""

    __order__ = (("periodStart", True),)

    metric: SalesMetric = column("The metric.", default=SalesMetric.WON_AMOUNT, index=True)
    grain: DateGrain = column("Length of the period.", index=True)
    period_start: date = column("First day of the period.", index=True)
    period_end: date | None = column("Last day of the period.", default=None, read_only=True, index=True)
    value: Decimal = column(
        "Target value in the metric's unit: reporting currency, a number, percent, or days.", minimum=0
    )
    user_id: str | None = reference(
        User,
        "The person it is set for.",
        inverse="sales_targets",
        inverse_description="Sales targets of the person.",
        default=None,
        on_destroy="CASCADE",
    )
    team_id: str | None = reference(
        Team,
        "The team it is set for.",
        inverse="sales_targets",
        inverse_description="Sales targets of the team.",
        default=None,
        on_destroy="CASCADE",
    )
    region: str | None = column("The region it is set for.", default=None, max_length=100, index=True, shared=True)


class ForecastRun(Record, plugin="forecasting", prefix="fcr"):
    """A forecast as it was made, to be compared with the actual result."""

    __permission__ = COMPANY
    __aggregates__ = False
    __order__ = (("asOf", True),)
    __read_only__ = True

    method: ForecastMethod = column("The method.", index=True)
    grain: DateGrain = column("Length of the forecast period.", index=True)
    period_start: date = column("First day of the forecast period.", index=True)
    period_end: date = column("Last day of the forecast period.", index=True)
    as_of: date = column("The day as of which it was made.", index=True)
    revenue: Money | None = column("Forecast revenue; null if a rate is missing.", default=None, index=True)
    wins: Decimal | None = column("Forecast number of wins; null if a rate is missing.", default=None, scale=4)
    factors: list[str] = column("Factors it was computed from.", default_factory=list)
    policy_version: str = column("The policy it is based on.", exact=True)


class WinModel(Record, plugin="forecasting", prefix="wmd"):
    """A win probability model trained on the decided opportunities of this CRM, and how well it predicts."""

    __permission__ = COMPANY
    __aggregates__ = False
    __order__ = (("trainedAt", True),)
    __read_only__ = True

    trained_at: datetime = column("When it was trained.", index=True)
    status: ModelStatus = column("Whether it is in use, replaced or refused.", index=True)
    reason: str | None = column("Why it was refused.", default=None, long=True, max_length=1000)
    algorithm: str = column("The kind of model, with the library's version.", max_length=200)
    decided: int = column("Number of decided opportunities it was trained and evaluated on.")
    won: int = column("Number of won ones among them.")
    judged_on: int = column("Number of the latest of them, held out to evaluate it.", default=0)
    auc: Decimal | None = column(
        "AUC: chance that it ranks a won opportunity above a lost one, from 0 to 1.", default=None, scale=4, index=True
    )
    brier: Decimal | None = column(
        "Brier score: mean squared error of its probabilities; lower is better.", default=None, scale=4
    )
    baseline_brier: Decimal | None = column(
        "Brier score of the win rate so far, predicted for all alike.", default=None, scale=4
    )
    stage_brier: Decimal | None = column("Brier score of the stages' presets.", default=None, scale=4)
    definition: dict[str, Any] = column(
        "Definition of the model, from which scores are computed.", default_factory=dict, internal=True
    )


class WinModelBand(Record, plugin="forecasting", prefix="wmb"):
    """One band of a model's calibration table: predicted and actual results."""

    __permission__ = COMPANY
    __aggregates__ = False
    __order__ = (("lower", False),)
    __read_only__ = True

    model_id: str = reference(
        WinModel,
        "The model.",
        inverse="calibration",
        inverse_description="Its calibration table.",
        on_destroy="CASCADE",
    )
    lower: int = column("Lower bound of the predictions in percent, inclusive.")
    upper: int = column("Upper bound of the predictions in percent, exclusive; 100 is in the last band.")
    opportunities: Decimal = column("Number of opportunities; one observed several times counts in parts.")
    predicted: Decimal = column("Mean prediction, in percent.")
    observed: Decimal = column("Share actually won, in percent.")


class WinModelWeight(Record, plugin="forecasting", prefix="wmw"):
    """A model's weight of one property: how far it moves the log-odds of winning."""

    __permission__ = COMPANY
    __aggregates__ = False
    __order__ = (("weight", True),)
    __read_only__ = True

    model_id: str = reference(
        WinModel,
        "The model.",
        inverse="weights",
        inverse_description="Weights of its properties.",
        on_destroy="CASCADE",
    )
    property: str = column("The property.", max_length=100, exact=True)
    value: str | None = column("Its value; null for a number, whose weight is per standard deviation.", default=None)
    weight: Decimal = column("How far it moves the log-odds.", scale=4)
