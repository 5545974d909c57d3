"""The context in which a change is settled, and the two things settling does to it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlmodel import Session, col, select

from core.base.actors import Actor
from core.base.errors import UserError
from core.base.text import camel
from core.crm.opportunities import Stage
from core.crm.rates import Rates
from core.db.locks import Key, take
from core.log.changes import Change
from core.log.event_log import EventLog
from core.log.events import Action
from core.records.record import Record


class Settlement:
    """One transaction as the rules of the domain see it.

    Attributes:
        session: of the transaction.
        actor: who acts.
        now: the moment at which rules are evaluated.
        rates: exchange rates as the transaction sees them.
        log: what the rules announce, written with the commit.
        pending: records that are new and not in the database yet, by id.
        followers: records of the core's own bookkeeping, to be added once the changes they belong to are flushed.
    """

    def __init__(
        self, session: Session, *, actor: Actor, now: datetime, reporting_currency: str, log: EventLog
    ) -> None:
        self.session = session
        self.actor = actor
        self.now = now
        self.rates = Rates(session, reporting_currency)
        self.log = log
        self.pending: dict[str, Record] = {}
        self.followers: list[Record] = []
        self._stages: Sequence[Stage] = ()
        self._locked: set[Key] = set()

    def begin_chunk(self) -> None:
        """Forgets what an earlier try left behind: with its savepoint its keys are gone, and others may have acted."""
        self.pending.clear()
        self.followers.clear()
        self._locked.clear()
        self._stages = ()

    def lock(self, *key: str) -> None:
        """Waits for a key of the core, which the transaction then holds until it ends."""
        if key not in self._locked:
            take(self.session, None, [key])
            self._locked.add(key)

    def lock_ladder(self) -> None:
        """Waits until nobody else adds, removes or moves stages."""
        self.lock("stages")
        self._stages = ()

    def stages(self) -> Sequence[Stage]:
        """The living stages in order."""
        if not self._stages:
            living = select(Stage).where(col(Stage.deleted_at).is_(None)).order_by(col(Stage.position))
            self._stages = self.session.exec(living).all()
        return self._stages

    def stage(self, id: str) -> Stage | None:
        """A living stage."""
        return next((stage for stage in self.stages() if stage.id == id), None)


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
