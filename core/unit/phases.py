"""How changes are made: apply ► judge ► flush ► complete ► note, for each chunk of a batch."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from core.access.audit import AuditAction
from core.access.roles import DECIDING, changes_access
from core.base.errors import Reject, UserError
from core.crm.consequences import FOLLOWED, after_flush, settle
from core.crm.uniqueness import twin_problems
from core.db.conflicts import Conflict, conflict_of
from core.db.engines import POSTGRESQL
from core.db.locks import EVERYTHING, Key, take
from core.host.contract import Plugin
from core.log import attachments
from core.log.changes import Change, Changes
from core.log.estates import handovers_of, is_about_owners
from core.log.events import Action
from core.records.checks import row_problems
from core.records.record import Record, record_named
from core.records.rows import rows_of
from core.unit.affiliation import affiliation_problems
from core.unit.batches import Batch, NumberedRow
from core.unit.belongings import write_belongings
from core.unit.destruction import Destruction
from core.unit.drafts import TAKEN, Before, Draft, RowOutcome, by_row, failure, outcome_of
from core.unit.judges import contradictions, doubts
from core.unit.references import are_lost, dangling
from core.unit.unit import Unit
from core.unit.watch import add_followers


class _Outdated(Exception):  # noqa: N818  (control flow inside this module)
    """What the drafts of a chunk were made from may have changed meanwhile; they are to be made again, once."""


class _Refused(Exception):  # noqa: N818  (control flow inside this module)
    """Some rows of a chunk are refused; it is to be tried again without them, or row by row where none is named."""

    def __init__(self, rows: Mapping[int, Sequence[UserError]], unnamed: Sequence[UserError] = ()) -> None:
        super().__init__()
        self.rows = rows
        self.unnamed = unnamed


@dataclass(slots=True)
class _Work:
    """One chunk on its way through the phases.

    Attributes:
        applied: each draft with its change; None where everything was so already.
        changes: those changes.
        destructions: what goes with records that are destroyed.
        losses: what loses its reference to them.
        warnings: of those that judged, by row.
    """

    applied: Sequence[tuple[Draft, Change | None]]
    changes: Changes
    destructions: Sequence[Destruction] = ()
    losses: Sequence[Change] = ()
    warnings: dict[int, list[UserError]] = field(default_factory=lambda: defaultdict(list))

    def warn(self, found: Sequence[UserError]) -> None:
        """Adds warnings to the rows whose records they name; those that name none of them go to every row."""
        if not found:
            return
        named, general = by_row([problem for problem in found if problem.warning], self.changes)
        if named or general:
            for change in self.changes:
                self.warnings[change.index] += [*named[change.index], *general]


def process(unit: Unit, batch: Batch) -> list[RowOutcome]:
    """Writes the rows of a batch that pass: a refused row leaves the others untouched.

    Raises:
        PluginError: a hook failed; the transaction is to be rolled back.
    """
    if len(batch.rows) == 1:
        return _chunk(unit, batch, [(0, batch.rows[0])])
    outcomes = [outcome for chunk in batch.chunks() for outcome in _chunk(unit, batch, chunk)]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def _chunk(unit: Unit, batch: Batch, rows: list[NumberedRow]) -> list[RowOutcome]:
    failed: list[RowOutcome] = []
    looked_again = False
    while rows:
        try:
            return failed + _attempt(unit, batch, rows, again=looked_again)
        except _Outdated:
            unit.settlement.forget()
            looked_again = True
        except _Refused as refused:
            failed += [failure(row, errors) for row, errors in refused.rows.items()]
            rows = [row for row in rows if row[0] not in refused.rows]
            # What was refused without a name may have been due to the named rows: the others are asked again.
            if not refused.rows and len(rows) == 1:
                return [*failed, failure(rows[0][0], refused.unnamed)]
            if not refused.rows:
                return failed + _singly(unit, batch, rows)
        except Exception as error:
            # There is no savepoint, so the transaction is repeated as a whole.
            if batch.is_alone or conflict_of(error) is not Conflict.TAKEN:
                raise
            # A rival may have taken a key since the drafts were made: look again once, then row by row.
            if looked_again and len(rows) == 1:
                return [*failed, failure(rows[0][0], [TAKEN])]
            if looked_again:
                return failed + _singly(unit, batch, rows)
            looked_again = True
    return failed


def _singly(unit: Unit, batch: Batch, rows: Sequence[NumberedRow]) -> list[RowOutcome]:
    return [outcome for row in rows for outcome in _chunk(unit, batch, [row])]


def _attempt(unit: Unit, batch: Batch, rows: Sequence[NumberedRow], *, again: bool) -> list[RowOutcome]:
    unit.begin()
    if not batch.is_alone:
        with unit.savepoint():
            return _write(unit, batch, batch.drafts(unit, rows), again=again)
    try:
        return _write(unit, batch, batch.drafts(unit, rows), again=again)
    except _Refused:
        unit.discards = True
        raise


def _write(unit: Unit, batch: Batch, drafts: Sequence[Draft], *, again: bool) -> list[RowOutcome]:
    """Takes a chunk through its phases."""
    _refuse({draft.index: draft.errors for draft in drafts if draft.errors})
    unit.lock_done()
    with unit.unwritten():
        work = _apply(unit, drafts)
        _judge(unit, work, again=again)
    _flush(unit, work)
    _complete(unit, work)
    _refuse(batch.afterthoughts(unit, work.changes))
    _note(unit, work.changes)
    return [outcome_of(draft, change, work.warnings) for draft, change in work.applied]


# Apply: the drafts' values are set, and what follows from them.


def _apply(unit: Unit, drafts: Sequence[Draft]) -> _Work:
    before = Before(unit.transaction, unit.held, drafts)
    applied = []
    warnings: list[UserError] = []
    refused: dict[int, list[UserError]] = {}
    for draft in drafts:
        change = _apply_one(unit, draft, before)
        if problems := settle(unit.settlement, change, draft.reason):
            warnings += [problem for problem in problems if problem.warning]
            if errors := [problem for problem in problems if not problem.warning]:
                refused[draft.index] = errors
        idle = draft.action is Action.UPDATED and not change.after
        applied.append((draft, None if idle else change))
    _refuse(refused)
    changes = Changes([change for _, change in applied if change is not None])
    for change in changes:
        _hold(unit, change)
    work = _Work(applied, changes)
    work.warn(warnings)
    return work


def _apply_one(unit: Unit, draft: Draft, before: Before) -> Change:
    record = unit.held.new(draft.model, draft.values) if draft.action is Action.CREATED else draft.record
    change = Change(draft.action, record, occurred_at=draft.occurred_at, index=draft.index, said=draft.said)
    if draft.action is Action.CREATED:
        change.after = dict(draft.values)
        unit.settlement.pending[record.id] = record
    elif draft.action is Action.UPDATED:
        held = record.__dict__
        for name, value in draft.values.items():
            present = held[name] if name in held else getattr(record, name)
            if present != value:
                change.before[name], change.after[name] = present, value
                setattr(record, name, value)
    elif draft.action is not Action.DESTROYED:
        change.record.deleted_at = unit.now if draft.action is Action.DELETED else None
    for name, present, value in before.differences(draft):
        change.before[name], change.after[name] = present, value
    return change


def _hold(unit: Unit, change: Change) -> None:
    """Stamps a changed record and has it written."""
    unit.watch.know(change)
    if change.action is Action.DESTROYED:
        return
    unit.stamp(change.record, new=change.action is Action.CREATED)
    if change.action is Action.CREATED:
        unit.held.add(change.record)


# Judge: the core and every plugin say what is wrong, before anything is written.


def _judge(unit: Unit, work: _Work, *, again: bool) -> None:
    changes = work.changes
    _hold_estates(unit, changes)
    _lock(unit, changes)
    destroyed = [change for change in changes if change.action is Action.DESTROYED]
    work.destructions = [Destruction(unit.session, change, unit.host.names) for change in destroyed]
    found = contradictions(unit, changes)
    # What a draft refers to may have been deleted, or its key taken, since it was made.
    if found and not again and unit.transaction.dialect == POSTGRESQL:
        raise _Outdated
    found += [problem for destruction in work.destructions for problem in destruction.problems()]
    if not found:
        found = doubts(unit, changes)
        if unit.host.reacting("validate", changes.touched):
            found += unit.host.validate(unit.context, changes)
    if errors := [error for error in found if not error.warning]:
        raise _Refused(*by_row(errors, changes))
    work.warn(found)


def _lock(unit: Unit, changes: Changes) -> None:
    """Locks the rows that plugins will write, and takes the keys that they rely on: in the order of all who do."""
    if unit.host.rely(changes.touched):
        rows, locks = unit.host.locks(changes)
        if unit.transaction.dialect == POSTGRESQL:
            for table in sorted(rows, key=lambda table: table.__tablename__):
                unit.transaction.put(rows_of(table, POSTGRESQL).locked(rows[table]))
        locks.take(unit.transaction)


def _hold_estates(unit: Unit, changes: Changes) -> None:
    """Has whoever adds to what is handed over wait, so that its new owners hear of that as well."""
    if unit.transaction.dialect != POSTGRESQL:
        return
    if not any(is_about_owners(unit.estates.get(entity), action, names) for entity, action, names in changes.touched):
        return
    found: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        for move in handovers_of(unit.estates, change):
            found[move.record].add(move.id)
    for record, ids in sorted(found.items()):
        unit.held.locked(record_named(record), ids, exclusive=True)


def _rival_problems(unit: Unit, changes: Sequence[Change], pending: Mapping[str, Record]) -> list[UserError]:
    """Errors for changes that do not go with other records: there may be only one, or they are of another customer."""
    problems = twin_problems(unit.transaction, changes, pending, unit.held.region)
    return problems + affiliation_problems(unit.transaction, changes, pending)


# Flush: the changes, and what a destruction brings with it, are written when somebody needs them, or at the end.


def _flush(unit: Unit, work: _Work) -> None:
    work.losses = [change for destruction in work.destructions for change in destruction.losses()]
    for change in work.losses:
        unit.watch.know(change)
        unit.stamp(change.record)
    for destruction in work.destructions:
        work.warn(destruction.let_go())
    for change in work.changes:
        if change.action is Action.DESTROYED:
            unit.held.remove(change.record)
    if unit.transaction.has_session:
        unit.flush()


# Complete: what belongs to the changes is written, by the core and by plugins.


def _complete(unit: Unit, work: _Work) -> None:
    try:
        write_belongings(unit.settlement, unit.facets, work.applied)
        gone = _let_go(unit, work)
        for change in (*work.losses, *gone):
            unit.note(change)
        if unit.settlement.followers:
            add_followers(unit.held, unit.settlement, unit.stamp, unit.watch.know)
        if not _has_consequences(unit, work.changes):
            return
        with _watched(unit, partial(_refuse_unstorable, unit)):
            after_flush(unit.settlement, work.changes)
            work.warn(unit.before_commit(work.changes))
        work.warn(_judged_follow_ups(unit))
    except Reject as reject:
        named, unnamed = by_row(reject.errors, work.changes)
        raise _Refused(named, unnamed) from None


def _has_consequences(unit: Unit, changes: Changes) -> bool:
    """Whether changes concern other rows that the core keeps current, or a plugin."""
    return (
        unit.transaction.has_session
        or not changes.entities.isdisjoint(FOLLOWED)
        or bool(unit.host.reacting("questions", changes.touched))
        or bool(unit.host.reacting("before_commit", changes.touched))
    )


def _let_go(unit: Unit, work: _Work) -> list[Change]:
    """Forgets what went with destroyed records; returns what the log should report, as changes."""
    gone = [record for destruction in work.destructions for record in destruction.gone]
    for record in gone:
        unit.session.expunge(record)
    if gone:
        attachments.drop(unit.transaction, [record.id for record in gone])
    # What only the system writes is not reported.
    return [Change(Action.DESTROYED, record) for record in gone if not type(record).__read_only__]


@contextmanager
def _watched(unit: Unit, judge: Callable[[Sequence[Change]], None] | None = None) -> Iterator[None]:
    """While hooks run, what they do to other records is settled and stamped as well.

    Args:
        unit: of work.
        judge: is given changes before they are written, and may refuse them.
    """
    with unit.watch.on(judge):
        yield
        unit.flush()
        follow_ups = unit.watch.follow_ups
        if follow_ups:
            after_flush(unit.settlement, Changes(follow_ups))
            unit.flush()


def _judged_follow_ups(unit: Unit) -> list[UserError]:
    """Holds what hooks wrote to the same rules as input, and lets every plugin judge it; returns the warnings.

    Raises:
        Reject: it breaks one.
    """
    follow_ups = Changes(unit.watch.follow_ups)
    if found := _misfits(unit, unit.watch.facets):
        raise Reject(*found)
    if not follow_ups:
        return unit.watch.warnings
    _lock(unit, follow_ups)
    lost, apart = dangling(unit.transaction, follow_ups, {}), affiliation_problems(unit.transaction, follow_ups, {})
    found = _current(unit, [*lost, *apart])
    found = found or unit.host.validate(unit.context, follow_ups)
    if errors := [error for error in found if not error.warning]:
        raise Reject(*errors)
    return [*unit.watch.warnings, *found]


def _current(unit: Unit, problems: list[UserError]) -> list[UserError]:
    """Problems that are still there when everything has been read again."""
    if problems:
        unit.look_again()
    return problems


def _misfits(unit: Unit, changes: Iterable[Change]) -> list[UserError]:
    """An error for each value written by a hook that its column does not take."""
    region = unit.held.region
    return [found for change in changes for found in row_problems(change.record, change.after, region)]


# Note: what happened goes to the log, which is written last of all.


def _note(unit: Unit, changes: Sequence[Change]) -> None:
    for change in (*changes, *unit.watch.follow_ups):
        unit.note(change)
        if type(change.record) in DECIDING and changes_access(change):
            unit.audit(AuditAction.PERMISSIONS_CHANGED, change.record.id, ", ".join(change.logged()) or None)


# Work of plugins: they write, and what they have written is judged, completed and noted as well.


@contextmanager
def own_work(
    unit: Unit, plugin: Plugin, keys: Iterable[Key] = (EVERYTHING,), *, is_asked: bool = False
) -> Iterator[list[UserError]]:
    """While a plugin works in a transaction of its own: every plugin judges its changes, as it does all changes.

    In the end the list holds the warnings of those that judge.

    Args:
        unit: of work.
        plugin: whose work.
        keys: of the plugin, held from the beginning.
        is_asked: a client asks for the work, so it hears of references to nothing.

    Raises:
        Reject: the plugin, or one that judges its changes, refuses; each error names the plugin.
        PluginError: a plugin's hook failed.
    """
    warnings: list[UserError] = []
    take(unit.transaction, plugin.name, keys)
    with _watched(unit, partial(_refuse_lost if is_asked else _refuse_unstorable, unit)):
        try:
            yield warnings
        except Reject as reject:
            raise reject.by(plugin.name) from None
        unit.flush()
        if found := _misfits(unit, unit.watch.facets):
            raise Reject(*found)
        changes = Changes(unit.watch.follow_ups)
        if changes:
            _lock(unit, changes)
            after_flush(unit.settlement, changes)
            if not is_asked and unit.may_look_again and are_lost(unit.transaction, changes):
                unit.look_again()
            problems = _current(unit, affiliation_problems(unit.transaction, changes, {}))
            judged = problems or unit.host.validate(unit.context, changes)
            if errors := [error for error in judged if not error.warning]:
                raise Reject(*errors)
            judged += unit.before_commit(changes)
            warnings += [replace(warning, record=warning.record_id) for warning in (*unit.watch.warnings, *judged)]
    _note(unit, ())


def _refuse_unstorable(unit: Unit, changes: Sequence[Change]) -> None:
    """Refuses values that columns do not take, and twins, before the database does, which would not say why.

    Raises:
        OutdatedError: there is a twin, and the transaction is repeated first.
        Reject: there are some.
    """
    if found := _misfits(unit, changes):
        raise Reject(*found)
    if found := _current(unit, twin_problems(unit.transaction, changes, {}, unit.held.region)):
        raise Reject(*found)


def _refuse_lost(unit: Unit, changes: Sequence[Change]) -> None:
    """Refuses references to nothing as well.

    Raises:
        OutdatedError: there are some, and the transaction is repeated first.
        Reject: there are some.
    """
    pending = {change.record.id: change.record for change in unit.watch.follow_ups}
    if unit.may_look_again:
        if are_lost(unit.transaction, changes, pending):
            unit.look_again()
    elif found := dangling(unit.transaction, changes, pending):
        raise Reject(*found)
    _refuse_unstorable(unit, changes)


@contextmanager
def moving(unit: Unit) -> Iterator[None]:
    """While records are merged or parted: what refers to them is settled, completed by every plugin and noted.

    Plugins do not judge it again, since it says nothing new.

    Raises:
        Reject: it breaks a rule of the core, or a plugin refuses.
        PluginError: a plugin's hook failed.
    """
    with _watched(unit):
        yield
        unit.flush()
        changes = Changes(unit.watch.follow_ups)
        for change in changes:
            change.is_moved = True
        if changes:
            _lock(unit, changes)
            after_flush(unit.settlement, changes)
            if problems := _misfits(unit, changes) or _rival_problems(unit, changes, {}):
                raise Reject(*problems)
            unit.before_commit(changes)
    _note(unit, ())


def _refuse(rows: Mapping[int, Sequence[UserError]]) -> None:
    if rows:
        raise _Refused(rows)
