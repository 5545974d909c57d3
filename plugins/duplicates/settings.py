"""Settings of the search for duplicates."""

from pydantic import BaseModel, ConfigDict, Field

from guanxi import Vocabulary


class DuplicatePolicy(Vocabulary):
    """What happens where somebody creates a customer or contact that is likely to be there already."""

    WARN = "WARN", "It is created, with a warning for each likely duplicate."
    REFUSE = "REFUSE", "It is refused, unless `allowDuplicates` is true."
    OFF = "OFF", "Nothing is looked for when records are created."


class DuplicatesSettings(BaseModel):
    """Settings of the plugin."""

    model_config = ConfigDict(frozen=True)

    policy: DuplicatePolicy = Field(
        default=DuplicatePolicy.WARN, description="What happens where a record is created that is likely a duplicate."
    )
    threshold: int = Field(
        default=80, ge=1, le=99, description="Score from which on two records are likely duplicates."
    )
