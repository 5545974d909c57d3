"""What hooks do apart from the changes they are called for: settled, stamped and logged like any other change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import event, inspect
from sqlmodel import Session

from core.base.errors import Reject, UserError
from core.base.money import Money
from core.crm.consequences import convert_money, settle
from core.crm.settlement import Settlement
from core.log import attachments
from core.log.changes import Change
from core.log.events import Action
from core.records.columns import column_info
from core.records.record import Facet, Record, Table
from core.unit.held import Held


class Watch:
    """Watches the rows of one transaction while hooks run.

    Attributes:
        is_on: hooks run.
        known: the changes that were asked for, by their records' identities.
        follow_ups: changes of records that hooks made and that nobody asked for.
        amendments: what hooks changed of records whose change was asked for; it belongs to that change.
        facets: what hooks changed of rows of facets.
        warnings: about what hooks did.
    """

    def __init__(self, held: Held, settlement: Settlement, stamp: Callable[..., None]) -> None:
        self._held = held
        self._settlement = settlement
        self._stamp = stamp
        self.known: dict[int, Change] = {}
        self.is_on = False
        self._is_collecting = False
        self.follow_ups: list[Change] = []
        self.amendments: list[Change] = []
        self.facets: list[Change] = []
        self.warnings: list[UserError] = []
        self._unjudged: list[Change] = []
        self._judge: Callable[[Sequence[Change]], None] | None = None

    def clear(self) -> None:
        """Forgets the changes of a chunk, and what hooks made of them."""
        self.known.clear()
        self._forget()

    def _forget(self) -> None:
        for found in (self.follow_ups, self.amendments, self.facets, self.warnings, self._unjudged):
            found.clear()

    def know(self, change: Change) -> None:
        """Takes note of a change that was asked for: what hooks do to its record belongs to it."""
        self.known[id(change.record)] = change

    @contextmanager
    def on(self, judge: Callable[[Sequence[Change]], None] | None = None) -> Iterator[None]:
        """While hooks run, what they do is watched.

        Args:
            judge: is given changes of records before they are written, and may refuse them.

        Raises:
            Reject: what a hook did cannot be settled; the errors say why.
        """
        self._forget()
        self._held.look()
        self.is_on, self._judge = True, judge
        try:
            yield
        finally:
            self.is_on, self._judge = False, None

    def attend(self, session: Session) -> None:
        """Watches a session too."""
        event.listen(session, "before_flush", self._before_flush)

    def collect(self) -> None:
        """Takes up what hooks have done to rows that are held."""
        # What settles a change may open the session, before which all so far is written.
        if self._is_collecting:
            return
        self._is_collecting = True
        try:
            if news := list(self._held.news()):
                for row, before in news:
                    self._take(row, Action.UPDATED, before)
                self._held.look()
            self._judge_taken()
        finally:
            self._is_collecting = False
        self._add_followers()

    def _before_flush(self, session: Any, flush_context: Any, instances: Any) -> None:
        if not self.is_on:
            return
        for row in session.new:
            if isinstance(row, Table):
                self._take(row, Action.CREATED, {})
        for row in session.dirty:
            if isinstance(row, Table) and session.is_modified(row):
                self._take(row, Action.UPDATED, _replaced(row))
        for row in session.deleted:
            if isinstance(row, Record) and id(row) not in self.known:
                change = self.known[id(row)] = Change(Action.DESTROYED, row)
                attachments.drop(self._settlement.transaction, [row.id])
                self.follow_ups.append(change)
        self._judge_taken()
        self._add_followers()

    def _judge_taken(self) -> None:
        taken, self._unjudged = self._unjudged, []
        if taken and self._judge is not None:
            self._judge(taken)

    def _take(self, row: Any, action: Action, before: Mapping[str, Any]) -> None:
        """Settles what a hook has done to a row, and notes it: on a record that changes already, with that change."""
        change = Change(action, row)
        if action is Action.CREATED:
            held = {column.key: getattr(row, column.key) for column in type(row).__table__.columns}
            change.after = {name: value for name, value in _by_field(row, held).items() if value is not None}
        else:
            change.before = _by_field(row, before)
            change.after = {name: getattr(row, name) for name in change.before}
        if action is Action.UPDATED and "deleted_at" in change.after:
            change.action = Action.RESTORED if row.deleted_at is None else Action.DELETED
            attachments.set_live(self._settlement.transaction, [row.id], live=row.deleted_at is None)
        problems = (
            settle(self._settlement, change, None)
            if isinstance(row, Record)
            else convert_money(self._settlement, change)
        )
        about = row.record_id if isinstance(row, Facet) else row
        self.warnings += [replace(problem, record=about) for problem in problems if problem.warning]
        if errors := [replace(problem, record=about) for problem in problems if not problem.warning]:
            raise Reject(*errors)
        known = self.known.get(id(row))
        if known is not None:
            known.after |= change.after
            known.before = {} if known.action is Action.CREATED else change.before | known.before
            if isinstance(row, Record):
                self.amendments.append(change)
                self._unjudged.append(change)
        elif isinstance(row, Record):
            self.know(change)
            self._stamp(row, new=action is Action.CREATED)
            self.follow_ups.append(change)
            self._unjudged.append(change)
        elif isinstance(row, Facet):
            self.facets.append(change)

    def _add_followers(self) -> None:
        add_followers(self._held, self._settlement, self._stamp, self.know)


def add_followers(
    held: Held, settlement: Settlement, stamp: Callable[..., None], know: Callable[[Change], None]
) -> None:
    """Adds the records of the core's own bookkeeping."""
    for record in settlement.followers:
        stamp(record, new=True)
        know(Change(Action.CREATED, record))
        held.add(record)
    settlement.followers.clear()


#: What every record has and nobody changes by hand.
_KEPT = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})


def _by_field(row: Table, held: Mapping[str, Any]) -> dict[str, Any]:
    """What columns of a row hold, or held, by its fields: money whole, without what the core keeps itself."""
    kind = type(row)
    left_out = {companion.name for companion in kind.__companions__} | (_KEPT if isinstance(row, Record) else set())
    found: dict[str, Any] = {}
    for name, value in held.items():
        money = column_info(kind.__table__.c[name]).part_of
        if money is None:
            if name not in left_out:
                found[name] = value
        elif not name.endswith("_reporting"):
            minor, currency = (
                held[part] if part in held else getattr(row, part) for part in (f"{money}_minor", f"{money}_currency")
            )
            found[money] = None if minor is None else Money.from_minor(minor, currency)
    return found


def _replaced(row: Any) -> dict[str, Any]:
    """What was set on a row of a session, by name, with the values before."""
    state = inspect(row)
    found = {}
    for column in type(row).__table__.columns:
        history = state.attrs[column.key].history
        if history.added:
            found[column.key] = history.deleted[0] if history.deleted else None
    return found
