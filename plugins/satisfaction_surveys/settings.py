"""Settings of satisfaction surveys, with the domain's defaults."""

from decimal import Decimal

from pydantic import BaseModel, Field

from guanxi import Vocabulary


# S4
class SatisfiedBy(Vocabulary):
    """Who counts as satisfied."""

    GAP = "GAP", "Who found what was expected, or better."
    RATING = "RATING", "Whose rating of what was found is high enough."


# T12
class PerceivedValueMode(Vocabulary):
    """How perceived benefit and perceived cost are weighed."""

    DIFFERENCE = "DIFFERENCE", "Benefit less cost."
    RATIO = "RATIO", "Benefit by cost."


class SatisfactionSettings(BaseModel):
    """Policy of satisfaction surveys."""

    target_percent: Decimal = Field(
        default=Decimal(90), ge=0, le=100, description="Share of satisfied respondents to be reached, inclusive."
    )
    satisfied_by: SatisfiedBy = Field(default=SatisfiedBy.GAP, description="Who counts as satisfied.")
    satisfied_from_rating: Decimal = Field(
        default=Decimal(4), ge=1, le=5, description="RATING: from this rating on somebody is satisfied."
    )
    csat_top_marks: int = Field(default=2, ge=1, le=5, description="How many marks from the top count for CSAT.")
    perceived_value: PerceivedValueMode = Field(
        default=PerceivedValueMode.DIFFERENCE, description="How benefit and cost are weighed."
    )
    confidence_percent: Decimal = Field(
        default=Decimal(95), ge=50, lt=100, description="Confidence of the intervals of reports."
    )
    result_valid_days: int = Field(
        default=365, ge=1, description="A customer's result leaves out answers so much older than its latest."
    )
    cadence_days: int = Field(
        default=90, ge=1, description="Days from one round of a regular survey to the next; a quarter."
    )
    cool_down_days: int = Field(
        default=30, ge=0, description="Days for which somebody invited to one survey is invited to no other."
    )
    invitation_valid_days: int = Field(default=30, ge=1, le=365, description="Days for which an invitation is valid.")
    reminder_after_days: int = Field(
        default=7, ge=1, description="Days without an answer after which a reminder is due."
    )
    reminders_at_most: int = Field(default=2, ge=0, description="How often an invitation is reminded of.")
    anonymous_from: int = Field(
        default=5, ge=2, description="An anonymous survey invites no fewer respondents at a time."
    )
    follow_up_days: int | None = Field(
        default=2, ge=0, description="Days until the follow-up of a detractor is due; none makes no such tasks."
    )
    follow_up_within_days: int = Field(
        default=30, ge=0, description="Older answers, such as imported ones, are not followed up."
    )
