"""Which events a webhook is told of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guanxi import Action, Event


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a webhook asks to be told of; what is empty asks for all.

    Attributes:
        webhook_id: of the webhook.
        event_types, record_types: types of events and records.
        fields: of which one must have changed in an update.
        since: when the webhook was created; nothing older is sent.
    """

    webhook_id: str
    event_types: frozenset[str]
    record_types: frozenset[str]
    fields: frozenset[str]
    since: datetime

    def takes(self, event: Event) -> bool:
        """Whether the webhook is told of an event."""
        return (
            (event.recorded_at is None or event.recorded_at > self.since)
            and (not self.event_types or event.type in self.event_types)
            and (not self.record_types or event.entity_type in self.record_types)
            and (not self.fields or event.action is not Action.UPDATED or not self.fields.isdisjoint(event.changes))
        )


def filter_of(webhook: Mapping[str, Any]) -> EventFilter:
    """The filter of a webhook as the API shows it."""
    return EventFilter(
        webhook["id"],
        frozenset(webhook["eventTypes"]),
        frozenset(webhook["recordTypes"]),
        frozenset(webhook["changedFields"]),
        datetime.fromisoformat(webhook["createdAt"]),
    )
