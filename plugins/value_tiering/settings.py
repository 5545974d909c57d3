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


# T1
class Population(Vocabulary):
    """The customers that are ranked."""

    ACTIVE = "ACTIVE", "Those whose relationship has not ended, that is, whose status is not FORMER."
    ALL = "ALL", "All customers."


# T11
class AbcPolicy(Vocabulary):
    """How the ABC class is determined."""

    TIER = "TIER", "A view of the tiers, so that the two can never disagree."
    PARETO = "PARETO", "By cumulative share of total value."


# T13
class Benefit(Vocabulary):
    """What counts as the benefit from a customer in its asset value."""

    REVENUE = "REVENUE", "Actual amounts of its transactions."
    PROFIT = "PROFIT", "Actual amounts minus cost, of transactions whose cost is known."


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


# T4
class ServiceMeasure(Vocabulary):
    """What is done for a customer because of its tier."""

    REAL_TIME_COMMUNICATION = "REAL_TIME_COMMUNICATION", "Somebody is in touch with it at any time."
    BEST_RESOURCES = "BEST_RESOURCES", "The best people and the funds it takes."
    DEDICATED_VIP = "DEDICATED_VIP", "A service of its own, one to one.", "Dedicated VIP service"
    KEEP_SATISFIED = "KEEP_SATISFIED", "Its satisfaction and loyalty are looked after."
    PROACTIVE_CONTACT = "PROACTIVE_CONTACT", "We contact it before it contacts us."
    LEARN_NEEDS = "LEARN_NEEDS", "We find out what it needs."
    FITTING_OFFER = "FITTING_OFFER", "Products and prices that suit it."
    PRICE_ADVANTAGE = "PRICE_ADVANTAGE", "An advantage in price."
    LISTEN = "LISTEN", "We listen to what it wants."
    ATTRACT_AGAIN = "ATTRACT_AGAIN", "We attract it again."
    ADJUST_STRATEGY = "ADJUST_STRATEGY", "We change how we deal with it in time."
    ABANDON = "ABANDON", "We give it up; only where that is recommended for this customer."
    REDIRECT_EFFORT = "REDIRECT_EFFORT", "Effort goes to potential customers instead."


# T4
class CoverageModel(Vocabulary):
    """How many of us look after how many customers."""

    TEAM_TO_ONE = "TEAM_TO_ONE", "A team for one customer."
    ONE_TO_ONE = "ONE_TO_ONE", "One person for one customer."
    ONE_TO_FEW = "ONE_TO_FEW", "One person for a few customers."
    ONE_TO_MANY = "ONE_TO_MANY", "One person for many customers."
    CALL_CENTRE = "CALL_CENTRE", "A call centre for all of them."


# T4
class TierService(BaseModel):
    """What is done for the customers of a tier."""

    model_config = ConfigDict(frozen=True)

    measures: tuple[ServiceMeasure, ...]
    coverage: CoverageModel
    contact_days: int | None = Field(default=None, ge=1)


# T4, X25
class ServicePolicy(BaseModel):
    """What is done for the customers of each tier."""

    model_config = ConfigDict(frozen=True)

    important: TierService = TierService(
        measures=(
            ServiceMeasure.REAL_TIME_COMMUNICATION,
            ServiceMeasure.BEST_RESOURCES,
            ServiceMeasure.DEDICATED_VIP,
            ServiceMeasure.KEEP_SATISFIED,
        ),
        coverage=CoverageModel.ONE_TO_ONE,
        contact_days=7,
    )
    main: TierService = TierService(
        measures=(ServiceMeasure.PROACTIVE_CONTACT, ServiceMeasure.LEARN_NEEDS, ServiceMeasure.FITTING_OFFER),
        coverage=CoverageModel.ONE_TO_FEW,
        contact_days=30,
    )
    ordinary: TierService = TierService(
        measures=(ServiceMeasure.PRICE_ADVANTAGE, ServiceMeasure.LISTEN, ServiceMeasure.ATTRACT_AGAIN),
        coverage=CoverageModel.ONE_TO_MANY,
        contact_days=90,
    )
    small: TierService = TierService(
        measures=(ServiceMeasure.ADJUST_STRATEGY, ServiceMeasure.ABANDON, ServiceMeasure.REDIRECT_EFFORT),
        coverage=CoverageModel.CALL_CENTRE,
    )

    def of(self, tier: str) -> TierService:
        """The policy of a tier."""
        found: TierService = getattr(self, tier.lower())
        return found


# T19, X19
class LoyaltyCodes(BaseModel):
    """Letters that are shown for the loyalty classes."""

    model_config = ConfigDict(frozen=True)

    stable: str = "s"
    strategic: str = "w"
    general: str = "n"
    potential: str = "p"


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
    period_months: int | None = Field(
        default=None,
        ge=1,
        description="Months up to the day of the recompute that count for the value; all if not set.",
    )
    population: Population = Field(default=Population.ACTIVE, description="The customers that are ranked.")
    quotas: Quotas = Field(default_factory=Quotas, description="Shares of the tiers.")
    hysteresis_percent: int = Field(
        default=0,
        ge=0,
        le=50,
        description="A customer keeps its tier while its rank is beyond it by at most this share of all ranked.",
    )
    current_value_threshold: Decimal | None = Field(
        default=None, description="Current value from which on it counts as high; the median if not set."
    )
    potential_value_threshold: Decimal | None = Field(
        default=None, description="Potential value from which on it counts as high; the median if not set."
    )
    minimum_values: int = Field(
        default=5, ge=1, description="Number of values below which their median is not used as a threshold."
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
    special_grade_from: Decimal = Field(
        default=Decimal(500_000), ge=0, description="Revenue of twelve months from which on the grade is SPECIAL."
    )
    premium_grade_from: Decimal = Field(
        default=Decimal(200_000), ge=0, description="Revenue of twelve months from which on the grade is PREMIUM."
    )
    medium_spending_from: Decimal = Field(
        default=Decimal(200_000), ge=0, description="Purchases of a year from which on the spending band is MEDIUM."
    )
    high_spending_from: Decimal = Field(
        default=Decimal(1_000_000), ge=0, description="Purchases of a year from which on the spending band is HIGH."
    )
    benefit: Benefit = Field(default=Benefit.REVENUE, description="What counts as benefit in the asset value.")
    discount_percent: Decimal = Field(
        default=Decimal(0), ge=0, le=100, description="Discount per year of the asset value, in percent."
    )
    win_back_days: int | None = Field(
        default=14,
        ge=0,
        le=3650,
        description="Days within which a lost customer is to be won back, by a task; none if null.",
    )
    lost_after_days: int = Field(
        default=365, ge=1, le=3650, description="Days without a purchase after which a buyer is lost."
    )
    service: ServicePolicy = Field(
        default_factory=ServicePolicy, description="Measures, coverage and days between contacts of each tier."
    )
    loyalty_codes: LoyaltyCodes = Field(
        default_factory=LoyaltyCodes, description="Letters that are shown for the loyalty classes."
    )
