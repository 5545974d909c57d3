"""What forecasting keeps: the pipeline's past, snapshots, submissions with adjustments, targets, forecasts, models."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

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


class OpportunityForecast(Facet, of="Opportunity", plugin="forecasting"):
    """What forecasting knows of an opportunity beside its own columns."""

    category: ForecastCategory | None = column("Category as its owner says.", default=None)
    push_count: int = column("How often its close date was pushed.", default=0, index=True)
    first_expected_close_date: date | None = column("Close date before it was pushed for the first time.", default=None)
    last_pushed_at: datetime | None = column("When it was pushed last.", default=None, index=True)
    model_probability: Decimal | None = column("Predicted win probability in percent.", default=None, index=True)
    model_reasons: list[str] = column("What raises and lowers it most.", default_factory=list)
    model_id: str | None = column("The model that predicted it.", default=None, exact=True)
    scored_at: datetime | None = column("When it was predicted.", default=None)


class PipelineState(Record, plugin="forecasting", prefix="pls"):
    """What an opportunity was from one moment to another.

    A row is written when something changes, and only then, so that the pipeline of any past moment is there without
    copies. What was recorded later with an earlier moment is told apart.
    """

    __order__ = (("validFrom", False),)
    __read_only__ = True
    __dated_by__ = ("valid_from",)

    opportunity_id: str = reference(
        Opportunity,
        "The opportunity.",
        inverse="pipeline_states",
        inverse_description="What it was from when until when, also what was corrected later.",
        on_destroy="CASCADE",
    )
    valid_from: datetime = column("From when it was so in the business.", index=True)
    valid_until: datetime | None = column("Until when; null while it is so.", default=None, index=True)
    recorded_at: datetime = column("When the row was written.")
    superseded_at: datetime | None = column(
        "When a change with an earlier business date corrected it; null while it counts.", default=None, index=True
    )
    status: OpportunityStatus = column("Its status.", index=True)
    outcome: Outcome = column("What had become of it.", index=True)
    stage_id: str | None = reference(
        Stage, "Its stage; null where that is not known.", default=None, on_destroy="SET NULL"
    )
    owner_id: str | None = reference(User, "Who followed it.", default=None, on_destroy="SET NULL")
    expected_amount: Money | None = column("Its expected amount.", index=True)
    expected_close_date: date | None = column("When it was expected to close.", index=True)
    win_probability: Decimal | None = column("Its win probability in percent.")
    forecast_category: ForecastCategory = column("Its category.", index=True)
    is_valid: bool = column("Whether it was valid.", index=True)
    is_inferred: bool = column(
        "Whether the state follows from dates and transitions of history that was entered later.", default=False
    )


class PipelineSnapshot(Record, plugin="forecasting", prefix="psn"):
    """A moment of the pipeline to come back to, with its totals; no copy, for the states it stands for are kept."""

    __aggregates__ = False
    __order__ = (("asOf", True),)
    __read_only__ = True

    name: str | None = column("What it was taken for.", default=None, max_length=200)
    kind: SnapshotKind = column("How it came about.", index=True)
    as_of: datetime = column("The business moment it shows.", index=True)
    taken_at: datetime = column("When it was taken: what was recorded later is not in it.", index=True)
    open_count: int = column("Open opportunities.")
    open_amount: Money = column("Their expected amount, in the reporting currency.")
    weighted_amount: Money = column("The same, each by its win probability.")


class ForecastSubmission(Record, plugin="forecasting", prefix="fsb"):
    """What somebody expects to sell in a period, by category: owners of their own, managers of their people's too."""

    __order__ = (("submittedAt", True),)
    __read_only__ = True

    user_id: str = reference(
        User,
        "Whose forecast it is.",
        inverse="forecast_submissions",
        inverse_description="Forecasts the person submitted.",
        on_destroy="CASCADE",
    )
    grain: DateGrain = column("How long the period is.", index=True)
    period_start: date = column("First day of the period.", index=True)
    period_end: date = column("Last day of the period.", index=True)
    submitted_at: datetime = column("When it was submitted.", index=True)
    submitted_by: str = column("Who submitted it.", exact=True)
    note: str | None = column("What was said with it.", default=None, max_length=2000, long=True)
    is_current: bool = column("Whether it is the latest of the person for the period.", default=True, index=True)
    policy_version: str = column("The policy it was made by.", exact=True)


class ForecastLine(Record, plugin="forecasting", prefix="fln"):
    """One category of a submission: what was calculated, and beside it what somebody adjusted it to."""

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
    own_count: int = column("The person's own opportunities in it.")
    own_amount: Money = column("Their expected amount, in the reporting currency.")
    team_amount: Money = column("What the person's reports submitted, as adjusted.")
    adjusted_amount: Money | None = column("What it was adjusted to last; null if never.", default=None, index=True)


class ForecastAdjustment(Record, plugin="forecasting", prefix="fad"):
    """One adjustment of a category of a submission. The amount that was calculated stays beside it."""

    __aggregates__ = False
    __order__ = (("adjustedAt", True),)
    __read_only__ = True

    line_id: str = reference(
        ForecastLine,
        "What was adjusted.",
        inverse="adjustments",
        inverse_description="Its adjustments, latest first.",
        on_destroy="CASCADE",
    )
    previous_amount: Money = column("The amount before.")
    amount: Money = column("The amount after.")
    reason: str = column("Why.", max_length=1000, long=True)
    adjusted_at: datetime = column("When.", index=True)
    adjusted_by: str = column("Who adjusted it.", exact=True)


# F10, G11
class SalesTarget(Record, plugin="forecasting", prefix="sgt"):
    """What is to be reached in a period by a person, a team, a region, or by all where none is named."""

    __order__ = (("periodStart", True),)

    metric: SalesMetric = column("What is measured.", default=SalesMetric.WON_AMOUNT, index=True)
    grain: DateGrain = column("How long the period is.", index=True)
    period_start: date = column("First day of the period.", index=True)
    period_end: date | None = column("Last day of the period.", default=None, read_only=True, index=True)
    value: Decimal = column("What is to be reached: reporting currency, a number, percent, or days.", minimum=0)
    user_id: str | None = reference(
        User,
        "The person who is to reach it.",
        inverse="sales_targets",
        inverse_description="What the person is to reach.",
        default=None,
        on_destroy="CASCADE",
    )
    team_id: str | None = reference(
        Team,
        "The team that is to reach it.",
        inverse="sales_targets",
        inverse_description="What the team is to reach.",
        default=None,
        on_destroy="CASCADE",
    )
    region: str | None = column("The region that is to reach it.", default=None, max_length=100, index=True)


class ForecastRun(Record, plugin="forecasting", prefix="fcr"):
    """A forecast as it was made, to be held against what came of it."""

    __aggregates__ = False
    __order__ = (("asOf", True),)
    __read_only__ = True

    method: ForecastMethod = column("How it was made.", index=True)
    grain: DateGrain = column("How long the forecast period is.", index=True)
    period_start: date = column("First day of the forecast period.", index=True)
    period_end: date = column("Last day of the forecast period.", index=True)
    as_of: date = column("The day it was made as of.", index=True)
    revenue: Money | None = column("The revenue; null where a rate is missing.", default=None, index=True)
    wins: Decimal | None = column("The number of wins; null where a rate is missing.", default=None, scale=4)
    factors: list[str] = column("What it was made of.", default_factory=list)
    policy_version: str = column("The policy it was made by.", exact=True)


class WinModel(Record, plugin="forecasting", prefix="wmd"):
    """A model of win probability, trained on the opportunities of this CRM that were decided, and how good it is."""

    __aggregates__ = False
    __order__ = (("trainedAt", True),)
    __read_only__ = True

    trained_at: datetime = column("When it was trained.", index=True)
    status: ModelStatus = column("What became of it.", index=True)
    reason: str | None = column("Why it was refused.", default=None, long=True, max_length=1000)
    algorithm: str = column("What kind of model it is, with the library's version.", max_length=200)
    decided: int = column("Decided opportunities it was trained and judged on.")
    won: int = column("Won ones among them.")
    judged_on: int = column("The latest of them, which it was judged on before it saw them.", default=0)
    auc: Decimal | None = column(
        "Chance that it puts a won one above a lost one, from 0 to 1.", default=None, scale=4, index=True
    )
    brier: Decimal | None = column("Mean squared error of its probabilities; smaller is better.", default=None, scale=4)
    baseline_brier: Decimal | None = column(
        "The same of the share won so far, given to each alike.", default=None, scale=4
    )
    stage_brier: Decimal | None = column("The same of the stages' presets.", default=None, scale=4)
    definition: dict[str, Any] = column("What scores are computed from.", default_factory=dict, internal=True)


class WinModelBand(Record, plugin="forecasting", prefix="wmb"):
    """One line of a model's calibration table: what it predicted, and what came of it."""

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
    lower: int = column("Predictions from this percentage on.")
    upper: int = column("Predictions below this percentage; 100 is in the last band.")
    opportunities: Decimal = column("How many there were; one that was looked at several times counts in parts.")
    predicted: Decimal = column("Mean of the predictions in percent.")
    observed: Decimal = column("Share that was won in percent.")


class WinModelWeight(Record, plugin="forecasting", prefix="wmw"):
    """What a model makes of one property: how far it moves the log-odds of winning."""

    __aggregates__ = False
    __order__ = (("weight", True),)
    __read_only__ = True

    model_id: str = reference(
        WinModel,
        "The model.",
        inverse="weights",
        inverse_description="What it makes of each property.",
        on_destroy="CASCADE",
    )
    property: str = column("The property.", max_length=100, exact=True)
    value: str | None = column("Its value; null for a number, whose weight is by standard deviation.", default=None)
    weight: Decimal = column("How far it moves the log-odds.", scale=4)
