"""What one transaction changes, as hooks see it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Self

from core.base.money import Money
from core.base.text import camel
from core.db.types import timestamp_text
from core.log.events import Action
from core.records.record import Record


@dataclass(slots=True)
class Change:
    """One record's change.

    Attributes:
        action: what is done to it.
        record: the record as it will be.
        entity: name of its type.
        before: previous values of what changes, by Python name; plugins' written fields by their API name.
        after: new values likewise.
        occurred_at: when it happened in the business.
        index: which row of a batch it is.
        said: what was said with it apart from fields, by API name: a plugin's writable field that nothing stores.
        is_moved: nobody asked for it: what the record refers to was merged, so that it refers to the survivor.
    """

    action: Action
    record: Record
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    index: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)
    is_moved: bool = False
    entity: str = field(init=False)

    def __post_init__(self) -> None:
        self.entity = type(self.record).__name__

    def value_before(self, name: str) -> Any:
        """What a column held before, whether it changes or not; None for a record that is new."""
        if self.action is Action.CREATED:
            return None
        return self.before[name] if name in self.before else getattr(self.record, name)

    def logged(self) -> dict[str, list[Any]]:
        """API name to previous and current value, in the API's spelling."""
        before, after = self.before, self.after
        return {
            spelled: [
                shown(before[name]) if name in before else None,
                value if type(value := after[name]) in _PLAIN else shown(value),
            ]
            for spelled, name in _spelled((*after,))
        }


@lru_cache(1000)
def _spelled(names: tuple[str, ...]) -> Sequence[tuple[str, str]]:
    """Names with those of the API before them, in the order of these."""
    return sorted((camel(name), name) for name in names)


#: Names of types of records and what is done to them, with the names of all that changes by it or is said with it.
Touched = Set[tuple[str, Action, frozenset[str]]]


class Changes(tuple[Change, ...]):
    """All changes of one transaction, or of one chunk of a batch; it has no two of one record.

    Attributes:
        entities: names of the types of records that change.
        touched: what is done to which types of records, as of when they were put together or last amended.
    """

    entities: Set[str]
    touched: Touched
    _by_entity: dict[str, list[Change]]

    def __new__(cls, changes: Iterable[Change]) -> Self:
        """Puts changes together."""
        made = super().__new__(cls, changes)
        made._by_entity = {}
        for change in made:
            made._by_entity.setdefault(change.entity, []).append(change)
        made.entities = made._by_entity.keys()
        made.take_amendments()
        return made

    def take_amendments(self) -> None:
        """Takes note of what else changes of their records by now."""
        found = defaultdict[tuple[str, Action], set[str]](set)
        for change in self:
            found[change.entity, change.action].update(change.after, change.said)
        self.touched = frozenset((entity, action, frozenset(names)) for (entity, action), names in found.items())

    def of(self, entity: str, *actions: Action) -> Sequence[Change]:
        """The changes of one type of record, by these actions or by any."""
        found: Sequence[Change] = self._by_entity.get(entity, ())
        return [change for change in found if change.action in actions] if actions and found else found

    def created(self, entity: str) -> list[Any]:
        """The records of a type that are new."""
        return [change.record for change in self.of(entity, Action.CREATED)]

    def updated(self, entity: str) -> list[Any]:
        """The records of a type whose fields change."""
        return [change.record for change in self.of(entity, Action.UPDATED)]

    def ids(self, entity: str, reference: str) -> set[str]:
        """The ids that changed records of a type refer to by a column, before or after."""
        if entity not in self._by_entity:
            return set()
        found: set[Any] = set()
        for change in self._by_entity[entity]:
            found |= {change.value_before(reference), getattr(change.record, reference)}
        return found - {None}

    def previous(self, record: Record) -> Mapping[str, Any]:
        """Previous values of what changes on a record, by Python name."""
        return next((change.before for change in self if change.record is record), {})


#: Types of values that are shown as they are.
_PLAIN = frozenset({str, int, bool, float, type(None)})


def shown(value: Any) -> Any:
    """A value as the API shows it, ready for JSON."""
    if type(value) in _PLAIN:
        return value
    match value:
        case Money():
            return {"amount": str(value.amount), "currency": value.currency}
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case datetime():
            return timestamp_text(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return [shown(item) for item in value]
        case dict():
            return {key: shown(item) for key, item in value.items()}
    return value
