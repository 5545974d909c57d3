"""Settings of satisfaction surveys, with the domain's defaults."""

from decimal import Decimal

from pydantic import BaseModel, Field

from guanxi import Vocabulary


# S4
class SatisfiedBy(Vocabulary):
    """Who counts as satisfied."""

    GAP = "GAP", "Those whose actual rating meets or exceeds the expected one."
    RATING = "RATING", "Those whose actual rating is high enough."


# T12
class PerceivedValueMode(Vocabulary):
    """How perceived benefit and perceived cost are compared."""

    DIFFERENCE = "DIFFERENCE", "Benefit minus cost."
    RATIO = "RATIO", "Benefit divided by cost."


class SatisfactionSettings(BaseModel):
    """Policy of satisfaction surveys."""

    target_percent: Decimal = Field(
        default=Decimal(90), ge=0, le=100, description="Target share of satisfied respondents in percent, inclusive."
    )
    satisfied_by: SatisfiedBy = Field(default=SatisfiedBy.GAP, description="Who counts as satisfied.")
    satisfied_from_rating: Decimal = Field(
        default=Decimal(4), ge=1, le=5, description="RATING: lowest rating that counts as satisfied."
    )
    csat_top_marks: int = Field(default=2, ge=1, le=5, description="Number of top marks that count for CSAT.")
    perceived_value: PerceivedValueMode = Field(
        default=PerceivedValueMode.DIFFERENCE, description="How benefit and cost are compared."
    )
    confidence_percent: Decimal = Field(
        default=Decimal(95), ge=50, lt=100, description="Confidence level of intervals in reports, in percent."
    )
    driver_respondents: int = Field(
        default=10, ge=3, le=1_000_000, description="Fewest respondents for which drivers are computed."
    )
    result_valid_days: int = Field(
        default=365,
        ge=1,
        le=36_500,
        description="Answers older than a customer's latest by this many days do not count.",
    )
    cadence_days: int = Field(
        default=90, ge=1, le=36_500, description="Days from one round of a regular survey to the next; a quarter."
    )
    cool_down_days: int = Field(
        default=30,
        ge=0,
        le=36_500,
        description="Days for which someone invited to one survey is not invited to another.",
    )
    invitation_valid_days: int = Field(default=30, ge=1, le=365, description="Days for which an invitation is valid.")
    reminder_after_days: int = Field(
        default=7, ge=1, le=36_500, description="Days without an answer after which a reminder is due."
    )
    reminders_at_most: int = Field(default=2, ge=0, description="Most reminders per invitation.")
    anonymous_from: int = Field(
        default=5, ge=2, description="Fewest respondents an anonymous survey invites at a time."
    )
    follow_up_days: int | None = Field(
        default=2,
        ge=0,
        le=36_500,
        description="Days until the follow-up of a detractor is due; null creates no such tasks.",
    )
    follow_up_within_days: int = Field(
        default=30, ge=0, le=36_500, description="Days after which answers, such as imported ones, are not followed up."
    )
