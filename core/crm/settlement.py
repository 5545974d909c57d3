"""The context in which a change is settled, and the two things settling does to it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session

from core.base.actors import Actor
from core.base.calendar import Calendar
from core.base.errors import UserError
from core.base.sentences import sentence
from core.base.settings import Plausibility
from core.base.text import camel
from core.crm.opportunities import Stage
from core.crm.rates import Rates
from core.db.locks import Key, take
from core.db.transaction import DatabaseTransaction
from core.log.changes import Change
from core.log.event_log import EventLog
from core.log.events import Action
from core.records.record import Record
from core.records.selections import Prepared


class Rung(NamedTuple):
    """A living stage as far as its place in the ladder goes."""

    id: str
    key: str
    name: str
    position: int
    win_probability: Decimal
    wins: bool
    may_win: bool


def _ladder() -> Prepared:
    stages = Stage.__table__.c
    query = select(*(stages[name] for name in Rung._fields))
    return Prepared(query.where(stages.deleted_at.is_(None)).order_by(stages.position))


_LADDER = _ladder()


class Settlement:
    """One transaction as the rules of the domain see it.

    Attributes:
        transaction: in which it happens.
        actor: who acts.
        plausibility: the policy about what is possible but implausible.
        now: the moment at which rules are evaluated.
        rates: exchange rates as the transaction sees them.
        log: what the rules announce, written with the commit.
        pending: records that are new and not in the database yet, by id.
        followers: records of the core's own bookkeeping, to be added once the changes they belong to are flushed.
    """

    def __init__(
        self,
        transaction: DatabaseTransaction,
        *,
        actor: Actor,
        now: datetime,
        calendar: Calendar,
        reporting_currency: str,
        plausibility: Plausibility,
        log: EventLog,
    ) -> None:
        self.transaction = transaction
        self.actor = actor
        self.now = now
        self.calendar = calendar
        self.plausibility = plausibility
        self.rates = Rates(transaction, reporting_currency)
        self.log = log
        self.pending: dict[str, Record] = {}
        self.followers: list[Record] = []
        self._stages: Sequence[Rung] = ()
        self._locked: set[Key] = set()

    @property
    def today(self) -> date:
        """The business day."""
        return self.calendar.day_of(self.now)

    @property
    def session(self) -> Session:
        """The session on the transaction."""
        return self.transaction.session

    def begin(self) -> None:
        """Begins the next changes."""
        self.pending.clear()
        self.followers.clear()

    def forget(self) -> None:
        """Forgets what an earlier try read: with its savepoint its keys are gone, and others may have acted."""
        self._locked.clear()
        self._stages = ()
        self.transaction.forget()

    def lock(self, *key: str) -> None:
        """Waits for a key of the core, which the transaction then holds until it ends."""
        if key not in self._locked:
            take(self.transaction, None, [key])
            self._locked.add(key)

    def lock_ladder(self) -> None:
        """Waits until nobody else adds, removes or moves stages."""
        self.lock("stages")
        self._stages = ()

    def doubt(self, change: Change, field: str, message: str) -> UserError:
        """What is implausible about a field of a change: a warning or an error, by the policy."""
        found = problem(change, "IMPLAUSIBLE", field, message)
        return replace(found, warning=self.plausibility == "WARN")

    def stages(self) -> Sequence[Rung]:
        """The living stages in order."""
        if not self._stages:
            ladder = _LADDER.on(self.transaction)
            self._stages = [Rung(**row) for row in ladder.mappings(self.transaction.rows(ladder.statement({})))]
        return self._stages

    def foresee_stages(self) -> None:
        """Has the stages read together with what is read next."""
        if not self._stages:
            ladder = _LADDER.on(self.transaction)
            self.transaction.foresee(ladder.statement({}), ladder.tables)

    def stage(self, id: str) -> Rung | None:
        """A living stage."""
        return next((stage for stage in self.stages() if stage.id == id), None)


def problem(change: Change, code: str, field: str, message: str) -> UserError:
    """What is wrong with a field of a change: the message begins with the field and names the remedy."""
    return UserError(
        code, sentence("{field}: {message}", field=camel(field), message=message), (camel(field),), change.record
    )


def put(change: Change, name: str, value: Any) -> None:
    """Sets what follows from a change, as part of it."""
    before = getattr(change.record, name)
    if before != value:
        change.before.setdefault(name, before if change.action is Action.UPDATED else None)
        change.after[name] = value
        setattr(change.record, name, value)
