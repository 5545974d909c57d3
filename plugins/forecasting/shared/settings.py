"""Settings of forecasting, with the domain's defaults."""

import hashlib

from pydantic import BaseModel, ConfigDict, Field, model_validator

from guanxi.vocabulary import DateGrain


class ForecastingSettings(BaseModel):
    """Policy of forecasting."""

    model_config = ConfigDict(frozen=True)

    cohort_months: int = Field(
        default=3, ge=1, le=24, description="Calendar months, the current one included, that count as recent."
    )
    valid_only: bool = Field(default=True, description="The formula counts valid opportunities only.")
    new_customers_only: bool = Field(default=True, description="The formula counts new customers only.")
    moving_average_periods: int = Field(
        default=3, ge=1, le=24, description="Number of closed periods the trend averages."
    )
    seasonal_months: int = Field(
        default=36, ge=24, le=120, description="Closed months on record without which there is no seasonal forecast."
    )
    best_case_from_percent: int = Field(
        default=50, ge=0, le=100, description="Win probability from which on an open opportunity is BEST_CASE."
    )
    commit_from_percent: int = Field(
        default=75, ge=0, le=100, description="Win probability from which on an open opportunity is COMMIT."
    )
    push_grain: DateGrain = Field(
        default=DateGrain.MONTH,
        description="A close date counts as pushed when it moves to a later period of this length.",
    )
    snapshot_grain: DateGrain = Field(
        default=DateGrain.WEEK, description="The job takes one snapshot per period of this length."
    )
    use_model: bool = Field(
        default=True, description="Predicted win probabilities take precedence over those of stages."
    )

    model_minimum_closed: int = Field(
        default=200, ge=20, description="With fewer decided opportunities no model is trained."
    )
    model_minimum_of_each: int = Field(
        default=30, ge=5, description="With fewer won or fewer lost ones no model is trained."
    )
    model_holdout_percent: int = Field(
        default=25, ge=10, le=50, description="Share of the latest decided ones held out to evaluate a model."
    )
    model_days: int = Field(default=7, ge=1, le=36_500, description="Days after which the job trains a new model.")

    @model_validator(mode="after")
    def _agree(self) -> "ForecastingSettings":
        if self.best_case_from_percent > self.commit_from_percent:
            raise ValueError(
                f"best_case_from_percent {self.best_case_from_percent} is more than "
                f"commit_from_percent {self.commit_from_percent}"
            )
        return self

    @property
    def version(self) -> str:
        """A short name of just this policy: it changes with every setting."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]
