"""The import: rows of a source become records, by the same path as the upsert mutations.

Rows go in portions, a transaction each, so a broken run leaves whole rows and is simply run again: what is in already
is found and stays as it is. A row goes through whole or not at all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.exc import DBAPIError

from core.base.actors import IMPORT
from core.base.errors import GuanxiError, UserError
from core.log import attachments
from core.unit.drafts import OutcomeStatus, RowOutcome
from core.unit.unit import Unit
from guanxi.app import App
from guanxi.importing.cells import NULL
from guanxi.importing.disagreement import RecordKey, disagreements
from guanxi.importing.mapping import ImportMapping, Item, LinkRule, RecordRule, RowRejected
from guanxi.importing.report import ImportReport, RowRefusal, RowWarning
from guanxi.importing.sources import Rejects, Source, SourceRow
from guanxi.importing.steps import StepLog
from schema.catalog.catalog import Catalog
from schema.request.transactions import write
from schema.write.drafting import Drafting
from schema.write.matching import Asked, ids_by_text

#: Rows of the source that share a transaction.
PORTION = 500

_WRITTEN = (OutcomeStatus.CREATED, OutcomeStatus.UPDATED)


class ImportStopped(GuanxiError):  # noqa: N818  (says what happened to the import)
    """An import could not continue; the message says why and how much of it is in."""


@dataclass(slots=True)
class _Entry:
    """A row with what it says, by record of the mapping."""

    row: SourceRow
    items: Mapping[str, Item]


class _Undo(Exception):  # noqa: N818  (control flow inside this module)
    """Rows are refused that have written something already: all is to be done again without them."""

    def __init__(self, refused: Mapping[int, RowRefusal]) -> None:
        super().__init__()
        self.refused = refused


@dataclass(slots=True)
class _Wave:
    """Rows that are written together, record by record.

    Attributes:
        entries: the rows.
        refused: line to why the row does not go through.
        ids: line and record of the mapping to the id of the record.
        statuses: the same to its outcome.
        warnings: of records that were written.
        settled: ids of records that rows disagree about, once the line that counts is in.
    """

    entries: Sequence[_Entry]
    refused: dict[int, RowRefusal] = field(default_factory=dict)
    ids: dict[tuple[int, str], str] = field(default_factory=dict)
    statuses: dict[tuple[int, str], OutcomeStatus] = field(default_factory=dict)
    warnings: list[RowWarning] = field(default_factory=list)
    settled: dict[RecordKey, str] = field(default_factory=dict)

    def living(self, record: str) -> Iterator[tuple[_Entry, Item]]:
        """The rows not refused so far that say something of a record."""
        for entry in self.entries:
            if entry.row.line not in self.refused and record in entry.items:
                yield entry, entry.items[record]

    def note(
        self, record: str, line: int, outcome: RowOutcome, status: OutcomeStatus, notes: Sequence[str] = ()
    ) -> None:
        """Records the outcome of a row's record."""
        if outcome.status is OutcomeStatus.FAILED:
            self.refused[line] = RowRefusal(record, "; ".join(_said(error) for error in outcome.errors))
            return
        assert outcome.id is not None
        self.ids[line, record] = outcome.id
        self.statuses[line, record] = status
        if status in _WRITTEN:
            said = [*notes, *(_said(warning) for warning in outcome.warnings)]
            self.warnings += [RowWarning(line, record, message) for message in said]

    def overrule(self, line: int, key: RecordKey, last: int) -> None:
        """Has a row refer to a record of which a later row says something else."""
        record = key[0]
        if (id := self.settled.get(key)) is None:
            reason = f"line {last} says something else of the same record, and was not imported; fix it, or remove it"
            self.refused[line] = RowRefusal(record, reason, waits=True)
            return
        self.ids[line, record] = id
        self.statuses[line, record] = OutcomeStatus.UNCHANGED
        message = f"line {last} says something else of the same record; the last one counts"
        self.warnings.append(RowWarning(line, record, message))

    def left_behind(self) -> bool:
        """Whether a refused row has written something before it was refused."""
        return any(line in self.refused and status in _WRITTEN for (line, _), status in self.statuses.items())

    def counts(self) -> Counter[tuple[str, OutcomeStatus]]:
        """How many rows had which status at which record; refused rows had none."""
        return Counter((record, status) for (line, record), status in self.statuses.items() if line not in self.refused)


def _said(error: UserError) -> str:
    return error.message if error.plugin is None else f"{error.message} (says {error.plugin})"


@dataclass(slots=True)
class _Portion:
    """The outcome of the rows of one transaction; of those written some may say nothing and be left out."""

    written: int = 0
    left_out: int = 0
    refused: list[tuple[SourceRow, RowRefusal]] = field(default_factory=list)
    waiting: dict[int, RowRefusal] = field(default_factory=dict)
    counts: Counter[tuple[str, OutcomeStatus]] = field(default_factory=Counter)
    warnings: list[RowWarning] = field(default_factory=list)
    settled: dict[RecordKey, str] = field(default_factory=dict)


class _Writer:
    """Writes portions of rows as a mapping says.

    Args:
        mapping: what the rows make.
        catalog: of the app.
        last: of records that rows disagree about, the line that counts.
    """

    def __init__(self, mapping: ImportMapping, catalog: Catalog, last: Mapping[RecordKey, int]) -> None:
        self._mapping = mapping
        self._last = last
        #: Their ids, once that line is in.
        self.settled: dict[RecordKey, str] = {}
        self._drafting = {rule.name: Drafting(catalog, rule.type) for rule in mapping.records}

    def write(self, unit: Unit, rows: Sequence[SourceRow]) -> _Portion:
        """Writes what can be written of these rows; a row that waits for one of them is tried after it."""
        portion = _Portion()
        entries = self._read(rows, portion)
        portion.left_out = sum(not entry.items for entry in entries)
        while entries:
            wave = self._wave(unit, entries, self.settled | portion.settled)
            portion.settled |= wave.settled
            waiting = [entry for entry in entries if (found := wave.refused.get(entry.row.line)) and found.waits]
            portion.refused += [
                (entry.row, found)
                for entry in entries
                if (found := wave.refused.get(entry.row.line)) and not found.waits
            ]
            portion.written += len(entries) - len(wave.refused)
            portion.counts += wave.counts()
            portion.warnings += wave.warnings
            if len(wave.refused) == len(entries):
                portion.waiting = {entry.row.line: wave.refused[entry.row.line] for entry in waiting}
                break
            entries = waiting
        portion.refused.sort(key=lambda refused: refused[0].line)
        return portion

    def _read(self, rows: Sequence[SourceRow], portion: _Portion) -> list[_Entry]:
        entries = []
        for row in rows:
            try:
                entries.append(_Entry(row, {item.rule.name: item for item in self._mapping.read(row)}))
            except RowRejected as error:
                portion.refused.append((row, RowRefusal(error.record, error.message)))
        return entries

    def _wave(self, unit: Unit, entries: Sequence[_Entry], settled: Mapping[RecordKey, str]) -> _Wave:
        """Writes rows record by record, so that each record finds those made before it, and each row is whole."""
        refused: dict[int, RowRefusal] = {}
        while True:
            wave = _Wave([entry for entry in entries if entry.row.line not in refused], settled=dict(settled))
            try:
                with unit.savepoint():
                    for rule in self._mapping.records:
                        self._write_records(unit, rule, wave)
                    if wave.left_behind():
                        raise _Undo(wave.refused)
            except _Undo as undo:
                refused |= undo.refused
            else:
                wave.refused |= refused
                return wave

    def _write_records(self, unit: Unit, rule: RecordRule, wave: _Wave) -> None:
        """Writes one record of each row. Rows that say the same of the same record write it once."""
        living = list(wave.living(rule.name))
        found = _look_up(unit, rule, living)
        if rule.at is not None:
            living = _new_steps(unit, living, found, wave)
        asked: list[Asked] = []
        askers: list[list[int]] = []
        notes: dict[int, list[str]] = {}
        latest: dict[Any, int] = {}
        overruled: list[tuple[int, RecordKey]] = []
        for entry, item in living:
            line = entry.row.line
            if self._last.get((rule.name, item.key), line) != line:
                overruled.append((line, (rule.name, item.key)))
                continue
            given, refusal = _complete(item, line, found, wave.ids)
            if refusal is not None:
                wave.refused[line] = refusal
                continue
            place = latest.get(item.key)
            if place is not None and asked[place].given == given:
                askers[place].append(line)
                continue
            latest[item.key] = len(asked)
            asked.append(Asked(None, given, rule.match, occurred_at=item.at))
            askers.append([line])
            notes[len(askers) - 1] = item.notes
        for outcome in self._drafting[rule.name].write(unit, asked):
            first, *others = askers[outcome.index]
            wave.note(rule.name, first, outcome, outcome.status, notes[outcome.index])
            for line in others:
                wave.note(rule.name, line, outcome, OutcomeStatus.UNCHANGED)
        for entry, item in living:
            key = rule.name, item.key
            if self._last.get(key) == entry.row.line and (id := wave.ids.get((entry.row.line, rule.name))):
                wave.settled[key] = id
        for line, key in overruled:
            wave.overrule(line, key, self._last[key])


#: Record referred to and text that names it, to the ids of the records that answer to it.
_Found = Mapping[tuple[str, str], set[str]]


def _look_up(unit: Unit, rule: RecordRule, living: Sequence[tuple[_Entry, Item]]) -> _Found:
    """The records that rows refer to, by relation and text; one statement a relation."""
    texts: dict[str, set[str]] = {link.relation.name: set() for link in rule.links}
    for _, item in living:
        for link, text in item.wanted:
            texts[link.relation.name].add(text)
    found: dict[tuple[str, str], set[str]] = {}
    for link in rule.links:
        name, wanted = link.relation.name, texts[link.relation.name]
        if not wanted:
            continue
        if link.by is not None:
            model: Any = link.target.model
            known = ids_by_text(unit.transaction, model, link.by, wanted)
            found |= {(name, text): ids for text, ids in known.items()}
        elif link.system is not None:
            keys = [(link.system, text) for text in wanted]
            ids = attachments.records_by_external_id(unit.transaction, link.target.name, keys)
            found |= {(name, text): {id} for (_, text), id in ids.items()}
    return found


def _moment(told: tuple[_Entry, Item]) -> datetime:
    at = told[1].at
    assert at is not None
    return at


def _new_steps(
    unit: Unit, living: Sequence[tuple[_Entry, Item]], found: _Found, wave: _Wave
) -> list[tuple[_Entry, Item]]:
    """The rows whose steps the log does not have yet, in the order of time; the others are settled."""
    log, new = StepLog(unit, [item for _, item in living]), []
    for entry, item in sorted(living, key=_moment):
        line, name = entry.row.line, item.rule.name
        given, _ = _complete(item, line, found, wave.ids)
        if id := log.known(item, given):
            wave.note(name, line, RowOutcome(line, OutcomeStatus.UNCHANGED, id), OutcomeStatus.UNCHANGED)
        elif late := log.problem(item):
            wave.refused[line] = RowRefusal(name, late)
        else:
            new.append((entry, item))
    return new


def _complete(
    item: Item, line: int, found: _Found, made: Mapping[tuple[int, str], str]
) -> tuple[dict[str, Any], RowRefusal | None]:
    """The input of a record with its references, or why they cannot be filled."""
    given = dict(item.given)
    for link in item.linked:
        id = made.get((line, link.record or ""))
        if id is not None:
            given[link.input] = id
    problems: list[str] = []
    waits = True
    for link, text in item.wanted:
        ids = found.get((link.relation.name, text), set())
        if len(ids) == 1:
            given[link.input] = next(iter(ids))
        elif not ids and link.missing == NULL:
            given[link.input] = None
        else:
            problems.append(_problem(link, text, ids))
            waits = waits and not ids and link.waits
    return given, RowRefusal(item.rule.name, "; ".join(problems), waits) if problems else None


def _problem(link: LinkRule, text: str, ids: set[str]) -> str:
    name, target = link.relation.name, link.target
    known = f"external id {text!r} of {link.system!r}" if link.by is None else f"{link.by.name} {text!r}"
    if not ids:
        return f"{name}: there is no {target.singular} with {known}; create it first, or fix the row"
    some = ", ".join(sorted(ids)[:3])
    return f"{name}: {len(ids)} {target.plural} have {known}, such as {some}; refer to one by external id"


class _Run:
    """One import on its way: what is settled, and what waits."""

    def __init__(
        self, mapping: ImportMapping, source: Source, rejects: Rejects, settled: Callable[[int], None]
    ) -> None:
        self._mapping = mapping
        self._source = source
        self._rejects = rejects
        self._settled = settled
        self.begin()

    def begin(self) -> None:
        """Starts over."""
        self.report = ImportReport(counts={rule.name: Counter() for rule in self._mapping.records})
        self._waiting: dict[int, RowRefusal] = {}
        self._rejects.begin()

    def portions(self) -> Iterator[list[SourceRow]]:
        """All rows in portions; then those that wait for others again, as long as that leads anywhere."""
        yield from _portions(self._source.rows())
        while self._waiting:
            before, self._waiting = self._waiting, {}
            yield from _portions(row for row in self._source.rows() if row.line in before)
            if len(self._waiting) == len(before):
                break

    def settle(self, portion: _Portion) -> None:
        """Records the outcome of a portion."""
        self._waiting |= portion.waiting
        for (record, status), count in portion.counts.items():
            self.report.counts[record][status] += count
        self.report.warnings += portion.warnings
        self.report.left_out += portion.left_out
        self._done(portion.written)
        self._reject(portion.refused)

    def end(self) -> ImportReport:
        """Rejects the rows that waited in vain; the report is then complete."""
        if self._waiting:
            for rows in _portions(row for row in self._source.rows() if row.line in self._waiting):
                self._reject([(row, self._waiting[row.line]) for row in rows])
        self._rejects.end()
        return self.report

    def _reject(self, refused: Sequence[tuple[SourceRow, RowRefusal]]) -> None:
        for _, refusal in refused:
            if refusal.record:
                self.report.counts[refusal.record][OutcomeStatus.FAILED] += 1
        self._rejects.add([(row, refusal.record, refusal.reason) for row, refusal in refused])
        self.report.rejected += len(refused)
        self._done(len(refused))

    def _done(self, count: int) -> None:
        self.report.rows += count
        self._settled(count)


def _portions(rows: Iterable[SourceRow]) -> Iterator[list[SourceRow]]:
    iterator = iter(rows)
    while portion := list(islice(iterator, PORTION)):
        yield portion


async def import_source(
    app: App,
    mapping: ImportMapping,
    source: Source,
    rejects: Rejects,
    *,
    dry_run: bool = False,
    settled: Callable[[int], None] = lambda rows: None,
) -> ImportReport:
    """Imports a source into a running app.

    Args:
        app: it runs.
        mapping: what the rows make.
        source: the rows.
        rejects: takes the rejected rows.
        dry_run: everything is tried in one transaction that is rolled back at the end. On SQLite nobody else writes
            meanwhile.
        settled: called with how many more rows are done.

    Raises:
        ImportStopped: it cannot go on, because a plugin failed or the database did; whole portions are in.
    """
    writer, context = _Writer(mapping, app.catalog, disagreements(mapping, source)), app.context(IMPORT)
    run = _Run(mapping, source, rejects, settled)

    def settle(portion: _Portion) -> None:
        writer.settled |= portion.settled
        run.settle(portion)

    def rehearse(unit: Unit) -> None:
        # The transaction may be repeated from its start.
        run.begin()
        writer.settled.clear()
        for rows in run.portions():
            settle(writer.write(unit, rows))
            # Writing the log as it grows keeps it out of memory.
            unit.write_events()

    try:
        if dry_run:
            await write(context, rehearse, dry=True)
        else:
            for rows in run.portions():
                settle(await write(context, partial(writer.write, rows=rows)))
    except (GuanxiError, DBAPIError) as error:
        why = error.message if isinstance(error, GuanxiError) else f"the database failed: {error.orig}"
        raise ImportStopped(
            f"{why}\nThe dry run stopped; nothing was written"
            if dry_run
            else f"{why}\nThe import stopped after {run.report.rows:,} of {source.size:,} rows, which are done. Fix "
            "the cause and run it again: what was imported stays as it is"
        ) from error
    return run.end()
