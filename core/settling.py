"""What settling a change works with: the unit of work as it sees it, and the two things it does."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from sqlmodel import Session

from core.actors import Actor
from core.changes import Change
from core.errors import UserError
from core.events import Action
from core.opportunities import Stage
from core.rates import Rates
from core.records import Record
from core.text import camel


class Unit(Protocol):
    """What settling uses of the unit of work."""

    session: Session
    actor: Actor
    now: datetime
    rates: Rates
    pending: dict[str, Record]

    def stages(self) -> Sequence[Stage]:
        """The living stages in order."""
        ...

    def stage(self, id: str) -> Stage | None:
        """A living stage."""
        ...

    def follow(self, record: Record) -> None:
        """Adds a record of the core's own bookkeeping."""
        ...

    def publish(self, type_: str, record: Record | str, *, occurred_at: datetime | None = None, **data: Any) -> None:
        """Announces something about a record."""
        ...

    def facets(self, facet: type[Any], ids: Collection[str]) -> dict[str, Any]:
        """The rows of a facet for these records, made where absent."""
        ...


def problem(change: Change, code: str, field: str, message: str) -> UserError:
    """What is wrong with a field of a change: the message begins with the field and names the remedy."""
    return UserError(code, f"{camel(field)}: {message}", (camel(field),), change.record)


def put(change: Change, name: str, value: Any) -> None:
    """Sets what follows from a change, as part of it."""
    before = getattr(change.record, name)
    if before != value:
        change.before.setdefault(name, before if change.action is Action.UPDATED else None)
        change.after[name] = value
        setattr(change.record, name, value)


def midnight(day: date) -> datetime:
    """The moment a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)
