"""The unit of work: one transaction's changes, from drafts to events, with plugins taking part on the way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, event, inspect
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from core.base.actors import Actor
from core.base.clock import Clock
from core.base.errors import PluginError, Reject, UserError
from core.base.settings import Settings
from core.crm.consequences import CORE_EVENTS, after_flush, convert_money, settle
from core.crm.settlement import Settlement
from core.host.contract import CatalogQueries, Context, Plugin
from core.host.host import PluginHost, logger
from core.log import attachments
from core.log.changes import Change, Changes
from core.log.event_log import EventLog
from core.log.events import Action
from core.records.facet_rows import facet_row, facet_rows
from core.records.record import Facet, Record, Table
from core.unit.belongings import taken_keys, write_belongings
from core.unit.destruction import Destruction
from core.unit.drafts import Before, Draft, Marks, RowOutcome, by_row, chunks, failure, outcome_of, taken
from core.unit.references import dangling

BuildDrafts = Callable[["Unit", Sequence[tuple[int, Any]]], list[Draft]]
Ask = Callable[[Session], CatalogQueries]


class _Refused(Exception):  # noqa: N818  (control flow inside this module)
    """Some rows of a chunk are refused; it is to be tried again without them, or row by row where none is named."""

    def __init__(self, rows: Mapping[int, Sequence[UserError]], unnamed: Sequence[UserError] = ()) -> None:
        super().__init__()
        self.rows = rows
        self.unnamed = unnamed


def _refuse(rows: Mapping[int, Sequence[UserError]]) -> None:
    if rows:
        raise _Refused(rows)


def _collect(change: Change, record: Record, *, new: bool) -> None:
    """Fills a change from what was set on a record since it was read; of a new one, from all it holds."""
    state = inspect(record)
    for column in [column.key for column in type(record).__table__.columns]:
        if new:
            value = getattr(record, column)
            change.after |= {} if value is None else {column: value}
            continue
        history = state.attrs[column].history
        if history.added:
            change.after[column] = history.added[0]
            change.before[column] = history.deleted[0] if history.deleted else None


class Unit:
    """One transaction's work on one session."""

    def __init__(
        self,
        session: Session,
        *,
        host: PluginHost,
        settings: Settings,
        clock: Clock,
        actor: Actor,
        ask: Ask,
        request_id: str | None = None,
    ) -> None:
        self.session = session
        self.host = host
        self.clock = clock
        self.actor = actor
        self.now = clock.now()
        self._log = EventLog(session, actor=actor.id, now=self.now, request_id=request_id)
        self.settlement = Settlement(
            session, actor=actor, now=self.now, reporting_currency=settings.reporting_currency, log=self._log
        )
        self._ask = ask
        self._tracked: dict[int, Change] = {}
        self._follow_ups: list[Change] = []
        self._watching = False
        event.listen(session, "before_flush", self._track)

    # Batches

    def process(self, items: Sequence[Any], build: BuildDrafts, marks: Marks, needs: Marks) -> list[RowOutcome]:
        """Turns items into drafts and writes those that pass: a refused row leaves the others untouched.

        Args:
            items: what was asked, one item per row.
            build: makes the drafts of a chunk, given (row, item) pairs; called again when the chunk is repeated.
            marks: what an item is known by; of two items with one mark the second sees what the first did.
            needs: marks of items that have to be written before it.

        Raises:
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        outcomes: list[RowOutcome] = []
        for chunk in chunks(items, marks, needs):
            outcomes += self._chunk(chunk, build)
        return sorted(outcomes, key=lambda outcome: outcome.index)

    def _chunk(self, items: list[tuple[int, Any]], build: BuildDrafts) -> list[RowOutcome]:
        failed: list[RowOutcome] = []
        looked_again = False
        while items:
            try:
                return failed + self._attempt(items, build)
            except _Refused as refused:
                failed += [failure(row, errors) for row, errors in refused.rows.items()]
                items = [item for item in items if item[0] not in refused.rows]
                # What was refused without a name may have been due to the named rows: the others are asked again.
                if not refused.rows and len(items) == 1:
                    return [*failed, failure(items[0][0], refused.unnamed)]
                if not refused.rows:
                    return failed + self._singly(items, build)
            except IntegrityError as error:
                # A rival may have taken a key since the drafts were made: look again once, then row by row.
                if looked_again and len(items) == 1:
                    return [*failed, failure(items[0][0], [taken(error)])]
                if looked_again:
                    return failed + self._singly(items, build)
                looked_again = True
        return failed

    def _singly(self, items: Sequence[tuple[int, Any]], build: BuildDrafts) -> list[RowOutcome]:
        return [outcome for item in items for outcome in self._chunk([item], build)]

    def _attempt(self, items: Sequence[tuple[int, Any]], build: BuildDrafts) -> list[RowOutcome]:
        self.settlement.pending.clear()
        self.settlement.followers.clear()
        # Hooks may change what an earlier chunk wrote, or it may be gone and its place in memory reused.
        self._tracked.clear()
        with self.savepoint():
            drafts = build(self, items)
            _refuse({draft.index: draft.errors for draft in drafts if draft.errors})
            return self._write(drafts)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what is done inside, in the database and in the log, if anything is raised."""
        mark = self._log.mark()
        try:
            with self.session.begin_nested():
                yield
        except BaseException:
            self._log.rewind(mark)
            raise

    def _write(self, drafts: Sequence[Draft]) -> list[RowOutcome]:
        """Takes a chunk through its steps: apply, judge, flush, complete, note."""
        with self.session.no_autoflush:
            applied = self._apply(drafts)
            changes = Changes([change for _, change in applied if change is not None])
            destructions = self._destructions(changes)
            warnings = self._judge(changes, destructions)
            losses = [change for destruction in destructions for change in destruction.losses()]
            for change in losses:
                self._stamp(change)
        self.session.flush()
        self._complete(applied, changes, [*losses, *self._let_go(destructions)])
        return [outcome_of(draft, change, warnings) for draft, change in applied]

    def _complete(
        self, applied: Sequence[tuple[Draft, Change | None]], changes: Changes, consequences: Sequence[Change]
    ) -> None:
        """Writes what belongs to flushed changes, lets hooks write what they will, and notes all of it in the log."""
        try:
            write_belongings(self.settlement, applied)
            for change in consequences:
                self._log.note(change)
            self._add_followers()
            with self.watching_hooks(changes):
                after_flush(self.settlement, changes)
                self.host.before_commit(self.context, changes)
        except Reject as reject:
            named, unnamed = by_row(reject.errors, changes)
            raise _Refused(named, unnamed) from None

    # Applying

    def _apply(self, drafts: Sequence[Draft]) -> list[tuple[Draft, Change | None]]:
        before = Before(self.session, drafts)
        applied = []
        refused: dict[int, list[UserError]] = {}
        for draft in drafts:
            change = self._apply_one(draft, before)
            problems = settle(self.settlement, change, draft.reason)
            if problems:
                refused[draft.index] = problems
            idle = draft.action is Action.UPDATED and not change.after
            applied.append((draft, None if idle else change))
        _refuse(refused)
        for _, changed in applied:
            if changed is not None:
                self._stamp(changed)
        return applied

    def _apply_one(self, draft: Draft, before: "Before") -> Change:
        change = Change(draft.action, draft.record, occurred_at=draft.occurred_at, index=draft.index, said=draft.said)
        if draft.action is Action.CREATED:
            change.record = draft.model(**draft.values)
            change.after = dict(draft.values)
            self.settlement.pending[change.record.id] = change.record
        elif draft.action is Action.UPDATED:
            for name, value in draft.values.items():
                present = getattr(draft.record, name)
                if present != value:
                    change.before[name], change.after[name] = present, value
                    setattr(draft.record, name, value)
        elif draft.action is not Action.DESTROYED:
            change.record.deleted_at = self.now if draft.action is Action.DELETED else None
        for name, present, value in before.differences(draft, change.record.id):
            change.before[name], change.after[name] = present, value
        return change

    def _stamp(self, change: Change) -> None:
        record = change.record
        self._tracked[id(record)] = change
        record.updated_at, record.updated_by = self.now, self.actor.id
        if change.action is Action.CREATED:
            record.created_at, record.created_by = self.now, self.actor.id
            self.session.add(record)
        elif change.action is Action.DESTROYED:
            self.session.delete(record)
        else:
            record.version += 1

    def _destructions(self, changes: Changes) -> list[Destruction]:
        plugins = [plugin.name for plugin in self.host.plugins]
        return [Destruction(self.session, change, plugins) for change in changes if change.action is Action.DESTROYED]

    def _let_go(self, destructions: Sequence[Destruction]) -> list[Change]:
        """Forgets what went with destroyed records; returns what the log should report, as changes."""
        gone = [record for destruction in destructions for record in destruction.gone]
        for record in gone:
            self.session.expunge(record)
        if gone:
            attachments.drop(self.session, [record.id for record in gone])
        # What only the system writes is not reported.
        return [Change(Action.DESTROYED, record) for record in gone if not type(record).__read_only__]

    def _judge(self, changes: Changes, destructions: Sequence[Destruction]) -> dict[int, list[UserError]]:
        """Asks the core and every plugin; refuses the rows with errors and returns the warnings of the others."""
        found = dangling(self.session, changes, self.settlement.pending)
        found += [problem for destruction in destructions for problem in destruction.problems()]
        found += taken_keys(self.session, changes)
        if not found:
            found = self.host.validate(self.context, changes)
        errors, unnamed = by_row([error for error in found if not error.warning], changes)
        if errors or unnamed:
            raise _Refused(errors, unnamed)
        warnings, general = by_row([error for error in found if error.warning], changes)
        for change in changes:
            warnings[change.index] += general
        return warnings

    # What hooks do apart from the changes they are called for

    @contextmanager
    def watching_hooks(self, changes: Sequence[Change] = ()) -> Iterator[None]:
        """While hooks run, records they add, change or delete are settled, stamped and logged like any other.

        Raises:
            Reject: what a hook did cannot be settled; the errors say why.
        """
        self._watching = True
        self._follow_ups.clear()
        try:
            yield
            self.session.flush()
            after_flush(self.settlement, Changes(self._follow_ups))
            self.session.flush()
        finally:
            self._watching = False
        for change in (*changes, *self._follow_ups):
            self._log.note(change)

    @contextmanager
    def own_work(self, plugin: Plugin) -> Iterator[list[UserError]]:
        """While a plugin works in a transaction of its own: every plugin judges its changes, as it does all changes.

        In the end the list holds the warnings of those that judge.

        Raises:
            Reject: the plugin, or one that judges its changes, refuses; each error names the plugin.
            PluginError: a plugin's hook failed.
        """
        warnings: list[UserError] = []
        with self.watching_hooks():
            try:
                yield warnings
            except Reject as reject:
                raise reject.by(plugin.name) from None
            self.session.flush()
            changes = Changes(self._follow_ups)
            if changes:
                after_flush(self.settlement, changes)
                judged = self.host.validate(self.context, changes)
                if errors := [error for error in judged if not error.warning]:
                    raise Reject(*errors)
                warnings += [replace(warning, record=warning.record_id) for warning in judged]
                self.host.before_commit(self.context, changes)

    def _track(self, session: Any, flush_context: Any, instances: Any) -> None:
        if not self._watching:
            return
        for row in session.new:
            if isinstance(row, Table):
                self._track_one(row, Action.CREATED)
        for row in session.dirty:
            if isinstance(row, Table) and session.is_modified(row):
                self._track_one(row, Action.UPDATED)
        for row in session.deleted:
            if isinstance(row, Record) and id(row) not in self._tracked:
                change = self._tracked[id(row)] = Change(Action.DESTROYED, row)
                attachments.drop(session, [row.id])
                self._follow_ups.append(change)
        self._add_followers()

    def _track_one(self, row: Any, action: Action) -> None:
        """Settles what a hook has done to a row, and notes it: on a record that changes already, with that change."""
        change = Change(action, row)
        _collect(change, row, new=action is Action.CREATED)
        if action is Action.UPDATED and "deleted_at" in change.after:
            change.action = Action.RESTORED if row.deleted_at is None else Action.DELETED
            attachments.set_live(self.session, [row.id], live=row.deleted_at is None)
        problems = (
            settle(self.settlement, change, None) if isinstance(row, Record) else convert_money(self.settlement, change)
        )
        if problems:
            about = row.record_id if isinstance(row, Facet) else row
            raise Reject(*(replace(problem, record=about) for problem in problems))
        known = self._tracked.get(id(row))
        if known is not None:
            known.after |= change.after
            known.before = {} if known.action is Action.CREATED else change.before | known.before
        elif isinstance(row, Record):
            self._stamp(change)
            self._follow_ups.append(change)

    def _add_followers(self) -> None:
        """Adds the records of the core's own bookkeeping."""
        for record in self.settlement.followers:
            record.created_at = record.updated_at = self.now
            record.created_by = record.updated_by = self.actor.id
            self._tracked[id(record)] = Change(Action.CREATED, record)
            self.session.add(record)
        self.settlement.followers.clear()

    def context(self, plugin: Plugin) -> Context:
        """The context a plugin's hook gets in this transaction."""

        def declared(type_: str) -> str:
            if type_ not in plugin.events and type_ not in CORE_EVENTS:
                raise PluginError(
                    plugin.name, f"event {type_}", f"is not declared; put {type_!r} and a description in `events`"
                )
            return type_

        def publish(type_: str, record: Record | str, *, occurred_at: datetime | None = None, **data: Any) -> None:
            self._log.publish(declared(type_), record, occurred_at=occurred_at, **data)

        def publish_each(type_: str, record: type[Record], rows: Select[Any]) -> int:
            return self._log.publish_each(declared(type_), record, rows)

        return Context(
            session=self.session,
            actor=self.actor,
            settings=self.host.settings[plugin.name],
            clock=self.clock,
            reporting_currency=self.settlement.rates.reporting_currency,
            log=logger(plugin),
            publish=publish,
            publish_each=publish_each,
            facet=partial(facet_row, self.session),
            facets=partial(facet_rows, self.session),
            catalog=self._ask(self.session),
        )

    # The end

    def finish(self) -> bool:
        """Closes the event log, last before the commit; returns whether anything was logged."""
        self.session.flush()
        return self._log.close()

    def write_events(self) -> None:
        """Writes the events so far, where a long transaction would otherwise keep them in memory until its end."""
        self.session.flush()
        self._log.write_events()


#: Runs work of a plugin in a transaction of its own.
Transact = Callable[[Plugin, Callable[[Unit], None]], None]
