"""Vocabularies of webhooks."""

from guanxi import Vocabulary


class WebhookStatus(Vocabulary):
    """Whether a webhook delivers."""

    ENABLED = "ENABLED", "It delivers."
    PAUSED = "PAUSED", "It delivers nothing; what happens meanwhile waits."


class WebhookDeliveryStatus(Vocabulary):
    """How a delivery stands."""

    PENDING = "PENDING", "It is to be made, or tried again."
    DELIVERED = "DELIVERED", "The receiver has accepted it."
    FAILED = "FAILED", "It was given up."
    SKIPPED = "SKIPPED", "The condition did not hold, or the owner may not see the record."
