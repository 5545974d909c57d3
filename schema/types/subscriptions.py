"""The root fields of subscriptions, and what they give."""

from collections.abc import Iterator

from core.records.vocabulary import Vocabulary
from schema.catalog.catalog import Catalog, RecordType
from schema.types.builder import Argument, Builder, Member
from schema.types.outputs import log_arguments


class RecordChange(Vocabulary):
    """How a record changed for a subscriber."""

    ENTERED = "ENTERED", "It is now one that the filter selects."
    CHANGED = "CHANGED", "It is still one; it changed, or something about it was announced."
    LEFT = "LEFT", "It is no longer one: it changed, was deleted, or may no longer be seen."


def add_subscriptions(builder: Builder, catalog: Catalog) -> None:
    """Adds the type of subscriptions, and one for the changes of each record."""
    builder.enum(RecordChange)
    records = [record for record in catalog.records.values() if record.has_attachments]
    for record in records:
        builder.output(
            record.change_type,
            f"What the subscription `{record.changes}` gives.",
            [
                Member("change", "RecordChange"),
                Member("cursor", "str"),
                Member("recordId", "ID"),
                Member("record", f"{record.name} | None"),
            ],
            owner=record.owner,
        )
    builder.output("Subscription", "The subscriptions.", [*_changes(records), _events()])


def _changes(records: list[RecordType]) -> Iterator[Member]:
    for record in records:
        arguments = [Argument("where", f"{record.name}Where | None", ""), Argument("after", "str | None", "")]
        yield Member(record.changes, record.change_type, f"Changes of `{record.plural}`.", arguments)


def _events() -> Member:
    return Member(
        "events",
        "EventEdge",
        "The event log: after a cursor what was missed, then each event as it is recorded.",
        [
            Argument(
                "after", "str | None", "Begin after this cursor of events; with what comes from now on if absent."
            ),
            *(argument for argument in log_arguments() if argument.name in ("types", "entityTypes", "entity", "about")),
        ],
    )
