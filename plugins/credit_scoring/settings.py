"""Settings of credit scoring, with the domain's defaults."""

from decimal import Decimal

from pydantic import BaseModel, Field, model_validator

from guanxi import Vocabulary


# C2
class Control(Vocabulary):
    """What happens when an opportunity of a high-risk or breaching customer is won or enlarged."""

    WARN = "WARN", "The change goes through with a warning."
    BLOCK = "BLOCK", "The change is refused unless a reason to override is given."
    OFF = "OFF", "Nothing."


# C1
class Weights(BaseModel):
    """Shares of the three dimensions in the score, in percent."""

    financial_status: int = Field(default=40, ge=0, le=100)
    reputation: int = Field(default=30, ge=0, le=100)
    transaction_record: int = Field(default=30, ge=0, le=100)

    @model_validator(mode="after")
    def _sum(self) -> "Weights":
        _sums_to_100(self.financial_status, self.reputation, self.transaction_record)
        return self


# C1
class Scorers(BaseModel):
    """From which field of Customer a dimension is computed where nothing is entered: an SQL field, 0 to 100."""

    financial_status: str | None = Field(default=None, pattern=r"[a-z][A-Za-z0-9]*")
    reputation: str | None = Field(default=None, pattern=r"[a-z][A-Za-z0-9]*")
    transaction_record: str | None = Field(default="paymentBehaviour", pattern=r"[a-z][A-Za-z0-9]*")


class PaymentBehaviour(BaseModel):
    """How payment behaviour is scored from receivables: 100 less what lateness, disputes and trend take from it."""

    lateness_points: int = Field(default=80, ge=0, le=100, description="The most that lateness takes.")
    dispute_points: int = Field(default=10, ge=0, le=100, description="What it takes when every invoice is disputed.")
    trend_points: int = Field(default=10, ge=0, le=100, description="The most that a worsening trend takes.")
    late_days: int = Field(default=30, ge=1, le=365, description="An invoice this late takes the most; later, no more.")
    worse_days: int = Field(default=10, ge=1, le=365, description="A trend this many days worse takes the most.")
    window_days: int = Field(default=365, ge=1, le=3650, description="Invoices younger than this count.")
    recent_days: int = Field(default=90, ge=1, le=3650, description="The trend compares these with the earlier ones.")
    minimum_invoices: int = Field(default=3, ge=1, le=1000, description="With fewer invoices there is no score.")

    @model_validator(mode="after")
    def _agree(self) -> "PaymentBehaviour":
        _sums_to_100(self.lateness_points, self.dispute_points, self.trend_points)
        if self.recent_days >= self.window_days:
            raise ValueError(f"recent_days={self.recent_days} must be less than window_days={self.window_days}")
        return self


def _sums_to_100(*shares: int) -> None:
    if sum(shares) != 100:
        raise ValueError(f"the shares sum to {sum(shares)}, but must sum to 100")


# C3, X25
class ReviewDays(BaseModel):
    """Days from one credit review to the next, by risk."""

    high: int = Field(default=90, ge=1, le=3650)
    medium: int = Field(default=180, ge=1, le=3650)
    low: int = Field(default=365, ge=1, le=3650)


class CreditScoringSettings(BaseModel):
    """Policy of credit scoring."""

    weights: Weights = Field(default_factory=Weights, description="Shares of the dimensions in the score.")
    low_from: Decimal = Field(
        default=Decimal(80), ge=0, le=100, decimal_places=2, description="From this score on the risk is LOW."
    )
    medium_from: Decimal = Field(
        default=Decimal(60), ge=0, le=100, decimal_places=2, description="From this score on it is MEDIUM."
    )
    scorers: Scorers = Field(default_factory=Scorers, description="What dimensions are computed from.")
    payment: PaymentBehaviour = Field(default_factory=PaymentBehaviour, description="How payment behaviour is scored.")
    review_days: ReviewDays = Field(default_factory=ReviewDays, description="How often credit is reviewed.")
    review_tasks: bool = Field(default=True, description="An overdue review makes a task for the customer's owner.")
    control: Control = Field(default=Control.WARN, description="What winning or enlarging at risk leads to.")

    @model_validator(mode="after")
    def _bands(self) -> "CreditScoringSettings":
        if self.medium_from >= self.low_from:
            raise ValueError(f"medium_from={self.medium_from} must be less than low_from={self.low_from}")
        return self
