"""Settings of value tiering, with the domain's defaults."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from guanxi import Vocabulary


# X24
class Measure(Vocabulary):
    """Measure by which customers are ranked."""

    PROFIT = "PROFIT", "Actual amount minus cost, of transactions whose cost is known."
    REVENUE = "REVENUE", "Actual amount."
    USAGE = "USAGE", "Quantity bought or used."


# T11
class AbcPolicy(Vocabulary):
    """How the ABC class is determined."""

    TIER = "TIER", "A view of the tiers, so that the two can never disagree."
    PARETO = "PARETO", "By cumulative share of total value."


# T1
class Quotas(BaseModel):
    """Shares of the tiers in percent of all ranked customers."""

    model_config = ConfigDict(frozen=True)

    important: int = Field(default=1, ge=0, le=100)
    main: int = Field(default=19, ge=0, le=100)
    ordinary: int = Field(default=30, ge=0, le=100)
    small: int = Field(default=50, ge=0, le=100)

    @model_validator(mode="after")
    def _sum(self) -> "Quotas":
        total = self.important + self.main + self.ordinary + self.small
        if total != 100:
            raise ValueError(f"the shares sum to {total}, but must sum to 100")
        return self

    def boundaries(self) -> tuple[int, int, int]:
        """Cumulative shares at which important, main and ordinary customers end."""
        main = self.important + self.main
        return self.important, main, main + self.ordinary


# T14
class AssessmentWeights(BaseModel):
    """Weights of the parts of a value assessment, in percent."""

    model_config = ConfigDict(frozen=True)

    current: int = Field(default=40, ge=0, le=100)
    future: int = Field(default=30, ge=0, le=100)
    behaviour: int = Field(default=15, ge=0, le=100)
    influence: int = Field(default=15, ge=0, le=100)

    @model_validator(mode="after")
    def _sum(self) -> "AssessmentWeights":
        total = self.current + self.future + self.behaviour + self.influence
        if total != 100:
            raise ValueError(f"the shares sum to {total}, but must sum to 100")
        return self


class ValueTieringSettings(BaseModel):
    """Policy of value tiering."""

    model_config = ConfigDict(frozen=True)

    measure: Measure = Field(default=Measure.PROFIT, description="Measure by which customers are ranked.")
    quotas: Quotas = Field(default_factory=Quotas, description="Shares of the tiers.")
    current_value_threshold: Decimal | None = Field(
        default=None, description="Current value from which on it counts as high; the median if not set."
    )
    potential_value_threshold: Decimal | None = Field(
        default=None, description="Potential value from which on it counts as high; the median if not set."
    )
    median_from_estimates: int = Field(
        default=5,
        ge=1,
        description="Number of potential values from which on their median decides what is high; with fewer there are "
        "no quadrants.",
    )
    abc_policy: AbcPolicy = Field(default=AbcPolicy.TIER, description="How the ABC class is determined.")
    abc_a_below_percent: int = Field(
        default=80, ge=0, le=100, description="PARETO: class A below this share of total value."
    )
    abc_b_below_percent: int = Field(
        default=95, ge=0, le=100, description="PARETO: class B below this share of total value."
    )
    assessment_weights: AssessmentWeights = Field(
        default_factory=AssessmentWeights, description="Weights of the parts of a value assessment."
    )
