"""What hangs on every record by id: external ids and tags; and what keeps requests and installations apart."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text

from core.records import Table, column
from core.vocabulary import Vocabulary


class ExternalId(Table):
    """The id another system knows a record by; unique among living records of a type."""

    record_id: str = column("The record.", primary_key=True, exact=True)
    system: str = column("Name of the other system.", primary_key=True, exact=True)
    value: str = column("The id there.", primary_key=True, exact=True)
    entity_type: str = column("Type of the record.", exact=True)
    is_live: bool = column("False while the record is deleted, which frees the id.", default=True)


Index(
    "uq_external_id_live",
    ExternalId.__table__.c.entity_type,
    ExternalId.__table__.c.system,
    ExternalId.__table__.c.value,
    unique=True,
    sqlite_where=text("is_live"),
    postgresql_where=text("is_live"),
)


class Tag(Table):
    """A free word on a record."""

    record_id: str = column("The record.", primary_key=True, exact=True)
    name: str = column("The word, as it was written.", primary_key=True, index=True)
    entity_type: str = column("Type of the record.", exact=True)


class IdempotencyKey(Table):
    """The answer to a request that carried a key, so that its repetition changes nothing."""

    key: str = column("The client's key.", primary_key=True, exact=True)
    operation: str = column("The mutation it was used for.", exact=True)
    fingerprint: str = column("Hash of the input it was used with.", exact=True)
    result: dict[str, Any] = column("What was answered.", default_factory=dict)
    created_at: datetime = column("When.", index=True)


class Installation(Table):
    """Facts about this database that settings must agree with, such as its reporting currency."""

    name: str = column("Name of the fact.", primary_key=True, exact=True)
    value: str = column("The fact.", exact=True)


class PluginCursor(Table):
    """How far a plugin's after-commit hook has come in the event log, and how it fares with the next batch."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The last batch it is done with.", default=0)
    attempts: int = column("Tries of the next batch that failed.", default=0)
    try_at: datetime | None = column("When to try again.", default=None)
    error: str | None = column("What went wrong last.", default=None, exact=True)
    holder: str | None = column("The process that delivers to it now.", default=None, exact=True)
    held_until: datetime | None = column("Until when, unless it holds on.", default=None)


class JobOutcome(Vocabulary):
    """What became of the last run of a job."""

    DONE = "DONE", "It went through."
    FAILED = "FAILED", "It failed; nothing of it was written."


class PluginJob(Table):
    """When a plugin's job is due, who runs it now, and what became of its last run."""

    name: str = column("Name of the job.", primary_key=True, exact=True)
    due_at: datetime = column("When it is to run next.")
    started_at: datetime | None = column("When its last run began.", default=None)
    outcome: JobOutcome | None = column("What became of that.", default=None)
    report: str | None = column("What it did, or what went wrong.", default=None, exact=True)
    holder: str | None = column("The process that runs it now.", default=None, exact=True)
    held_until: datetime | None = column("Until when nobody else begins it.", default=None)


class SetAside(Table):
    """A batch that a plugin's after-commit hook failed on too often; `guanxi plugins retry` tries it again."""

    plugin: str = column("Name of the plugin.", primary_key=True, exact=True)
    sequence: int = column("The batch.", primary_key=True)
    error: str = column("What went wrong.", exact=True)
    set_aside_at: datetime = column("When it was given up.")
