"""Settings of credit scoring, with the domain's defaults."""

from decimal import Decimal
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from guanxi import Vocabulary


# C2
class Control(Vocabulary):
    """Effect of winning, committing or enlarging an opportunity of a customer at risk, on hold or over its limit."""

    WARN = "WARN", "The change goes through with a warning."
    BLOCK = "BLOCK", "The change is refused unless a reason to override is given."
    OFF = "OFF", "No control."


# C1
class IncompleteRating(Vocabulary):
    """Rating of a customer of whom a dimension is unknown."""

    UNRATED = "UNRATED", "No score and no risk band."
    WORST = "WORST", "No score, and the band HIGH."
    RENORMALISED = "RENORMALISED", "Score and band by the known dimensions, if they have enough of the weight."


# C1
class Weights(BaseModel):
    """Weights of the three dimensions in the score, in percent."""

    model_config = ConfigDict(frozen=True)

    financial_status: int = Field(default=40, ge=0, le=100)
    reputation: int = Field(default=30, ge=0, le=100)
    transaction_record: int = Field(default=30, ge=0, le=100)

    @model_validator(mode="after")
    def _sum(self) -> "Weights":
        _sums_to_100(self.financial_status, self.reputation, self.transaction_record)
        return self


# C1
class Scorers(BaseModel):
    """The field of Customer each dimension is computed from if nothing is entered: an SQL field, 0 to 100."""

    model_config = ConfigDict(frozen=True)

    financial_status: str | None = Field(default=None, pattern=r"[a-z][A-Za-z0-9]*")
    reputation: str | None = Field(default=None, pattern=r"[a-z][A-Za-z0-9]*")
    transaction_record: str | None = Field(default="paymentBehaviour", pattern=r"[a-z][A-Za-z0-9]*")


class PaymentBehaviour(BaseModel):
    """How payment behaviour is scored: 100 minus deductions for lateness, use of the term, disputes and trend."""

    model_config = ConfigDict(frozen=True)

    lateness_points: int = Field(default=70, ge=0, le=100, description="Largest deduction for lateness.")
    term_points: int = Field(default=20, ge=0, le=100, description="Deduction for paying at the end of the term.")
    dispute_points: int = Field(default=5, ge=0, le=100, description="Deduction if every invoice is disputed.")
    trend_points: int = Field(default=5, ge=0, le=100, description="Largest deduction for a worsening trend.")
    late_days: int = Field(
        default=30, ge=1, le=365, description="Days late from which on an invoice counts as fully late."
    )
    worse_days: int = Field(default=10, ge=1, le=365, description="Worsening in days that costs the largest deduction.")
    window_days: int = Field(default=730, ge=1, le=3650, description="Only invoices younger than this count.")
    recent_days: int = Field(default=90, ge=1, le=3650, description="The trend compares these days with earlier ones.")
    minimum_invoices: int = Field(default=3, ge=1, le=1000, description="With fewer invoices there is no score.")

    @model_validator(mode="after")
    def _agree(self) -> "PaymentBehaviour":
        _sums_to_100(self.lateness_points, self.term_points, self.dispute_points, self.trend_points)
        if self.recent_days >= self.window_days:
            raise ValueError(f"recent_days={self.recent_days} must be less than window_days={self.window_days}")
        return self


def _sums_to_100(*shares: int) -> None:
    if sum(shares) != 100:
        raise ValueError(f"the shares sum to {sum(shares)}, but must sum to 100")


# C3, X25
class ReviewDays(BaseModel):
    """Days from one credit review to the next, by risk."""

    model_config = ConfigDict(frozen=True)

    high: int = Field(default=90, ge=1, le=3650)
    medium: int = Field(default=180, ge=1, le=3650)
    low: int = Field(default=365, ge=1, le=3650)


class CreditScoringSettings(BaseModel):
    """Policy of credit scoring."""

    model_config = ConfigDict(frozen=True)

    weights: Weights = Field(default_factory=Weights, description="Weights of the dimensions in the score.")
    low_from: Decimal = Field(
        default=Decimal(80), ge=0, le=100, decimal_places=2, description="Lowest score of the LOW band."
    )
    medium_from: Decimal = Field(
        default=Decimal(60), ge=0, le=100, decimal_places=2, description="Lowest score of the MEDIUM band."
    )
    incomplete: IncompleteRating = Field(
        default=IncompleteRating.UNRATED, description="Rating of customers of whom a dimension is unknown."
    )
    minimum_known: int = Field(
        default=50,
        ge=1,
        le=100,
        description="Weight of the known dimensions, in percent, from which RENORMALISED rates.",
    )
    scorers: Scorers = Field(default_factory=Scorers, description="Fields that dimensions are computed from.")
    payment: PaymentBehaviour = Field(default_factory=PaymentBehaviour, description="How payment behaviour is scored.")
    review_days: ReviewDays = Field(default_factory=ReviewDays, description="How often credit is reviewed.")
    review_tasks: bool = Field(default=True, description="An overdue review creates a task for the account owner.")
    control: Control = Field(
        default=Control.WARN, description="Effect of winning, committing or enlarging opportunities at risk or on hold."
    )
    group_control: Control = Field(
        default=Control.WARN,
        description="The same where a customer's group exceeds the limit of a customer above it; OFF with control OFF.",
    )
    dunning_days: tuple[int, ...] = Field(
        default=(7, 21, 35), description="Days past due from which each dunning level is reached, the first is level 1."
    )
    sales_days: int = Field(
        default=90, ge=1, le=3650, description="Days of invoices that days sales outstanding divides by."
    )

    @model_validator(mode="after")
    def _bands(self) -> "CreditScoringSettings":
        if self.medium_from >= self.low_from:
            raise ValueError(f"medium_from={self.medium_from} must be less than low_from={self.low_from}")
        return self

    @field_validator("dunning_days")
    @classmethod
    def _rising(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not 1 <= len(days) <= 9 or days[0] < 1 or any(day >= later for day, later in pairwise(days)):
            raise ValueError(f"{list(days)} must be one to nine rising numbers of days, the first at least 1")
        return days
