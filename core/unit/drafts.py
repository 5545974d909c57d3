"""Drafts: what the unit of work is asked to do, row by row; and the outcome of each row."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.base.errors import ConflictError, UserError
from core.base.sentences import sentence
from core.db.transaction import DatabaseTransaction
from core.log import attachments
from core.log.changes import Change, Changes
from core.log.events import Action
from core.log.merges import kept_keys
from core.records.record import Facet, Record, held_value
from core.records.vocabulary import Vocabulary
from core.unit.held import Held


class OutcomeStatus(Vocabulary):
    """The outcome of one row of a batch."""

    CREATED = "CREATED", "A new record was created."
    UPDATED = "UPDATED", "The record found was changed."
    UNCHANGED = "UNCHANGED", "The record found already had these values."
    DELETED = "DELETED", "The record was deleted."
    RESTORED = "RESTORED", "The record was restored."
    DESTROYED = "DESTROYED", "The record was permanently removed."
    FAILED = "FAILED", "Nothing was written for this row; its errors say why."
    ROLLED_BACK = "ROLLED_BACK", "It was accepted, but not written, because another row of the batch was refused."


@dataclass(slots=True)
class FacetValue:
    """A plugin's writable field in a draft: where it is stored, its API name, its new value."""

    facet: type[Facet]
    column: str
    name: str
    value: Any


@dataclass(slots=True)
class Draft:
    """What is to be done with one record, its input already checked against the catalog.

    Attributes:
        model: type of the record.
        action: what is to be done.
        record: the record as it is in the session; None for a new one.
        values: column values by Python name; only those that are to be set.
        facets: plugins' writable fields.
        tags, external_ids: what is to replace the present ones; None leaves them.
        keep_keys: external ids of other systems stay.
        errors: what is wrong with it already; it is then refused without being tried.
        occurred_at: when it happened in the business.
        reason: why, for those records whose history keeps it.
        index: row of the batch.
        said: what is said with it that nothing stores.
        warnings: about its input.
    """

    model: type[Record]
    action: Action
    record: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    facets: Sequence[FacetValue] = ()
    tags: Sequence[str] | None = None
    external_ids: Mapping[str, str] | None = None
    keep_keys: bool = False
    errors: list[UserError] = field(default_factory=list)
    occurred_at: datetime | None = None
    reason: str | None = None
    index: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[UserError] = ()


#: The place of an outcome of all rows together.
WHOLE = -1


@dataclass(slots=True)
class RowOutcome:
    """The outcome of one draft: a status, the record's id, errors and warnings, and what else is answered, as JSON.

    Attributes:
        index: row of the batch, or `WHOLE`.
    """

    index: int
    status: OutcomeStatus
    id: str | None = None
    errors: Sequence[UserError] = ()
    warnings: Sequence[UserError] = ()
    answer: Any = None


class Before:
    """What belongs to the records of some drafts at present: tags, external ids, plugins' values; read at once."""

    def __init__(self, transaction: DatabaseTransaction, held: Held, drafts: Sequence[Draft]) -> None:
        known = [draft for draft in drafts if draft.record is not None]
        tagged = [draft.record.id for draft in known if draft.tags is not None]
        keyed = [draft.record.id for draft in known if draft.external_ids is not None]
        self._tags = attachments.tags_of(transaction, tagged) if tagged else {}
        self._keys = attachments.external_ids_of(transaction, keyed) if keyed else {}
        changing = [draft for draft in known if draft.external_ids and not self._has_all(draft)]
        self._kept = kept_keys(transaction, [draft.record.id for draft in changing]) if changing else {}
        wanted: dict[type[Facet], list[str]] = defaultdict(list)
        for draft in known:
            for item in draft.facets:
                wanted[item.facet].append(draft.record.id)
        # Not locked yet: keys are taken before rows of facets.
        self._facets = {facet: held.read(facet, ids) for facet, ids in wanted.items()}

    def differences(self, draft: Draft) -> Iterable[tuple[str, Any, Any]]:
        """Name, present and new value of what the draft would change apart from the record's own columns."""
        if draft.tags is None and draft.external_ids is None and not draft.facets:
            return ()
        return self._differences(draft, "" if draft.record is None else draft.record.id)

    def _differences(self, draft: Draft, id: str) -> Iterator[tuple[str, Any, Any]]:
        if draft.tags is not None:
            wanted, present = sorted(set(draft.tags)), sorted(self._tags.get(id, []))
            if wanted != present:
                yield "tags", present, wanted
        if draft.external_ids is not None:
            held = self._keys.get(id, {})
            # Those that lead to it anyway, because a record that was merged into it had them, are no change.
            kept = self._kept.get(id, ())
            given = {system: value for system, value in draft.external_ids.items() if (system, value) not in kept}
            asked = {**held, **given} if draft.keep_keys else given
            if asked != held:
                yield "external_ids", held, asked
        for item in draft.facets:
            row = self._facets.get(item.facet, {}).get(id)
            before = None if row is None else getattr(row, item.column)
            if before != item.value:
                yield item.name, before, item.value

    def _has_all(self, draft: Draft) -> bool:
        """Whether a record has all external ids that it is given."""
        return (draft.external_ids or {}).items() <= self._keys.get(draft.record.id, {}).items()


def by_row(errors: Iterable[UserError], changes: Changes) -> tuple[dict[int, list[UserError]], list[UserError]]:
    """Errors by the row whose record they name, and those that name none."""
    rows = {change.record.id: change.index for change in changes}
    named: dict[int, list[UserError]] = defaultdict(list)
    unnamed = []
    for error in errors:
        if error.record_id in rows:
            named[rows[error.record_id]].append(error)
        else:
            unnamed.append(error)
    return named, unnamed


_STATUS: Mapping[Action, OutcomeStatus] = {
    Action.CREATED: OutcomeStatus.CREATED,
    Action.UPDATED: OutcomeStatus.UPDATED,
    Action.DELETED: OutcomeStatus.DELETED,
    Action.RESTORED: OutcomeStatus.RESTORED,
    Action.DESTROYED: OutcomeStatus.DESTROYED,
}


def outcome_of(draft: Draft, change: Change | None, warnings: Mapping[int, Sequence[UserError]]) -> RowOutcome:
    """The outcome of a draft that was written; without a change, everything was so already."""
    found = draft.warnings
    if draft.index in warnings:
        found = [*found, *warnings[draft.index]]
    record, status = draft.record, OutcomeStatus.UNCHANGED
    if change is not None:
        record, status = change.record, _STATUS[change.action]
    return RowOutcome(draft.index, status, held_value(record, "id"), (), found)


def failure(index: int, errors: Sequence[UserError]) -> RowOutcome:
    """The outcome of a row that was refused; of a conflict with the record as somebody else has left it."""
    current = next((error.record_id for error in errors if error.code == ConflictError.code), None)
    return RowOutcome(index, OutcomeStatus.FAILED, current, errors)


#: The error for a row that the database refuses although it passed every check.
TAKEN = UserError(
    "CONFLICT",
    sentence(
        "another record has the same key, or one that this refers to was destroyed meanwhile; read "
        "the record again and repeat the change"
    ),
)
