"""Events: the tables that store them, and the form in which hooks get them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, event

from core.records.columns import column
from core.records.record import Table
from core.records.vocabulary import Vocabulary


class Action(Vocabulary):
    """What was done to a record."""

    CREATED = "CREATED", "It was created."
    UPDATED = "UPDATED", "Fields of it changed."
    DELETED = "DELETED", "It was deleted; it can be restored."
    RESTORED = "RESTORED", "It was restored."
    DESTROYED = "DESTROYED", "It was permanently removed."
    MERGED = "MERGED", "Others of its kind were merged into it."
    UNMERGED = "UNMERGED", "A merge of others into it was undone."
    REASSIGNED = "REASSIGNED", "It came to belong to others by what it is part of or who shares it."
    PUBLISHED = "PUBLISHED", "A plugin or a rule announced something about it."


class EventBatch(Table):
    """What one transaction wrote to the event log."""

    id: str = column("Id of the batch.", primary_key=True, exact=True)
    sequence: int | None = column("Its number in the log; null until it is numbered.", default=None, index=True)
    position: int | None = column(
        "Place in the order in which batches were written, with gaps; null on SQLite, which numbers them as it writes.",
        default=None,
    )
    recorded_at: datetime = column("When it was recorded.")
    actor: str = column("Who did it.", exact=True)
    request_id: str | None = column("The request it came from.", default=None, exact=True)


@event.listens_for(EventBatch.__table__, "after_create")
def _number_positions(table: Any, connection: Connection, **options: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("CREATE SEQUENCE event_batch_position CACHE 1")
        connection.exec_driver_sql(
            "ALTER TABLE event_batch ALTER COLUMN position SET DEFAULT nextval('event_batch_position')"
        )


class EventCounter(Table):
    """The number of the last batch, in the one row there is: who numbers batches holds it until they are committed."""

    id: int = column("Always 1.", primary_key=True, default=1)
    last: int = column("The last number given.", default=0)


class EventRow(Table):
    """One change of one record."""

    __tablename__ = "event"

    id: str = column("Id of the event; sorts by batch, then by order within it.", primary_key=True, exact=True)
    # No foreign key: the batch is written last, because its position is to come after every lock.
    batch_id: str = column("The batch it belongs to.", exact=True, index=True)
    type: str = column("What happened, such as CUSTOMER_CREATED.", exact=True, index=True)
    entity_type: str = column("The type of the record.", exact=True)
    entity_id: str = column("The id of the record.", exact=True, index=True)
    action: Action = column("What was done.")
    occurred_at: datetime = column("When it happened in the business.")
    changes: dict[str, Any] = column("Field by field: previous and current value.", default_factory=dict)
    data: dict[str, Any] = column("Further data of a published event.", default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One committed change, as an after-commit hook gets it.

    Attributes:
        type: such as `OPPORTUNITY_UPDATED`, or a published type such as `OPPORTUNITY_WON`.
        entity_type, entity_id: the record.
        action: what was done.
        occurred_at: when it happened in the business.
        changes: field name to (previous, current), as the API shows values.
        data: further data of a published event.
        actor: who did it.
        id, sequence: the event's own id, and its batch's number in the log.
        recorded_at: when it was recorded.
    """

    type: str
    entity_type: str
    entity_id: str
    action: Action
    occurred_at: datetime
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    id: str = ""
    sequence: int = 0
    recorded_at: datetime | None = None
