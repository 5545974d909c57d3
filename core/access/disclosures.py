"""What is recorded when personal data is exported or erased."""

from core.base.text import snake
from core.log.event_log import EventLog
from core.records.record import Record


def note_export(log: EventLog, record: Record) -> None:
    """Records that everything about a contact or customer was exported, by whoever the log names as the actor."""
    log.publish(f"{snake(type(record).__name__).upper()}_EXPORTED", record)


def note_erasure(log: EventLog, record: Record, reason: str) -> None:
    """Records that personal data about a contact or customer was erased, and why."""
    log.publish(f"{snake(type(record).__name__).upper()}_ERASED", record, reason=reason)
