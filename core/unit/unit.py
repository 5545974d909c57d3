"""The unit of work: one transaction, the rows it works on, its log, and what plugins get to work with in it."""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Select
from sqlmodel import Session

from core.access.audit import AuditAction, entry
from core.access.permit import Permit
from core.base.actors import Actor
from core.base.clock import BusinessClock
from core.base.errors import NotFoundError, PluginError, UserError
from core.base.sentences import noun, sentence
from core.base.settings import Settings
from core.crm.consequences import CORE_EVENTS
from core.crm.settlement import Settlement
from core.db.conflicts import OutdatedError
from core.db.engines import POSTGRESQL
from core.db.locks import EVERYTHING, take
from core.db.transaction import DatabaseTransaction, SqlStatement
from core.host.contract import CatalogQueries, Context, FetchJson, Plugin
from core.host.host import PluginHost, logger
from core.log.changes import Change, Changes
from core.log.estates import Estates, handovers_of, is_about_owners
from core.log.event_log import EventLog
from core.log.events import Action
from core.records.facet_rows import facet_rows
from core.records.record import PHONE_REGION, Record, record_named
from core.records.rows import rows_of
from core.records.selections import Prepared
from core.search.entries import SearchNotes
from core.search.owners import Belongings
from core.unit.held import Held
from core.unit.watch import Watch

#: Makes what answers a plugin's queries on the rows of a transaction, given what runs their statements.
Ask = Callable[[FetchJson], CatalogQueries]


class Unit:
    """One transaction's work.

    Attributes:
        transaction: in which it happens.
        held: the rows it works on.
        settlement: the rules of the domain in it.
        log: its events.
        watch: what hooks do in it apart from the changes they are called for.
        actor: who does it.
        request_id: of the request that asks for it, if one does.
        permit: what the caller may write and refer to; hooks may write everything.
        estates: what belongs to whoever its records belong to.
        now: its moment, after all that is locked so far.
        discards: everything is to be rolled back at the end.
        may_look_again: what was read is read again, in a transaction of its own, where it may have changed meanwhile.
        on_removal: called once, while what is to be deleted or destroyed is locked and still as it was.
    """

    def __init__(
        self,
        transaction: DatabaseTransaction,
        *,
        host: PluginHost,
        settings: Settings,
        clock: BusinessClock,
        actor: Actor,
        permit: Permit,
        ask: Ask,
        sign: Callable[[str, str], str],
        estates: Estates,
        belongings: Belongings,
        request_id: str | None = None,
        batch_id: str | None = None,
        may_look_again: bool = False,
    ) -> None:
        self.transaction = transaction
        self.host = host
        self.actor = actor
        self.request_id = request_id
        self.permit = permit
        self.estates = estates
        self.now = clock.now()
        self.held = Held(transaction, settings.phone_region)
        self.log = EventLog(
            transaction, actor=actor.id, now=self.now, request_id=request_id, batch_id=batch_id, estates=estates
        )
        self.settlement = Settlement(
            transaction,
            actor=actor,
            now=self.now,
            calendar=clock.calendar,
            reporting_currency=settings.reporting_currency,
            plausibility=settings.plausibility,
            log=self.log,
        )
        self.search = SearchNotes(transaction, belongings)
        self.watch = Watch(self.held, self.settlement, self.stamp)
        self.discards = False
        self.may_look_again = may_look_again and transaction.dialect == POSTGRESQL
        self.on_removal: Callable[[], None] | None = None
        self._clock = clock
        self._ask = ask
        self._sign = sign
        self._writes = True
        self._contexts: dict[str, Context] = {}
        transaction.before_session = self._before_session
        transaction.on_session = self._on_session

    def audit(self, action: AuditAction, subject: str, detail: str | None = None) -> None:
        """Puts an entry about a record into the audit list."""
        entry(
            self.transaction,
            self.actor.id,
            self.now,
            action,
            subject=subject,
            detail=detail,
            request_id=self.request_id,
        )

    def look_again(self) -> None:
        """Has the transaction repeated if that was not done before: what it has read may have changed meanwhile.

        Raises:
            OutdatedError: it is repeated.
        """
        if self.may_look_again:
            self.may_look_again = False
            raise OutdatedError

    # Its rows

    @property
    def session(self) -> Session:
        """The session on the transaction."""
        return self.transaction.session

    def begin(self) -> None:
        """Begins the next changes: what was held for those before may have changed since, or be gone."""
        if self.transaction.has_session:
            self.session.flush()
            self.session.expunge_all()
        self.held.clear()
        if self.watch.known:
            self.watch.clear()
        if self.settlement.pending or self.settlement.followers:
            self.settlement.begin()

    def lock_done(self) -> None:
        """Takes the moment of the next changes, once what they change is locked."""
        self.now = self.settlement.now = self.log.now = self._clock.now()

    def announce_removal(self) -> None:
        """Lets whoever wants to look at what is about to be removed."""
        look, self.on_removal = self.on_removal, None
        if look is not None:
            look()

    def stamp(self, record: Record, *, new: bool = False) -> None:
        """Notes on a record who changes it, and when."""
        now, actor = self.now, self.actor.id
        if new:
            # A new one has no history to keep.
            record.__dict__.update(created_at=now, created_by=actor, updated_at=now, updated_by=actor)
        elif not self.transaction.has_session:
            # Of one that no session knows `held` finds out what changed.
            record.__dict__.update(updated_at=now, updated_by=actor, version=record.version + 1)
        else:
            record.updated_at, record.updated_by = now, actor
            record.version += 1

    def flush(self) -> None:
        """Puts off what stores the changes so far; whatever is read afterwards sees them."""
        if not self.transaction.has_session and self.held.is_stored and not self.settlement.followers:
            return
        if self.watch.is_on:
            self.watch.collect()
        self.held.flush()
        if self.transaction.has_session:
            self.session.flush()
            self.held.flush()
        if self.held.has_removed:
            self.held.flush_removed()

    def take_up(self) -> None:
        """Settles what a hook has done; rows that are held can wait until they are written."""
        if self.transaction.has_session:
            self.flush()
        elif self.watch.is_on:
            self.watch.collect()

    @contextmanager
    def unwritten(self) -> Iterator[None]:
        """While changes are judged nothing of them is written, whoever asks for what."""
        self._writes = False
        if self.transaction.has_session:
            self.session.autoflush = False
        try:
            yield
        finally:
            self._writes = True
            if self.transaction.has_session:
                self.session.autoflush = True

    def _before_session(self) -> None:
        if self._writes:
            self.flush()

    def _on_session(self, session: Session) -> None:
        session.autoflush = self._writes
        session.info[PHONE_REGION] = self.held.region
        self.watch.attend(session)
        self.held.lend(session)

    def facets(self, facet: type[Any], ids: Collection[str]) -> dict[str, Any]:
        """The rows of a facet for these records, made where absent, locked until the transaction ends."""
        if self.transaction.has_session:
            return facet_rows(self.session, facet, ids)
        # What was asked before they were locked may be out of date.
        self.transaction.forget()
        found = self.held.locked(facet, ids)
        missing = [id for id in set(ids) if id not in found]
        # Of a record that is new here, nobody else can have made a row.
        for id in [id for id in missing if id in self.settlement.pending]:
            found[id] = facet(record_id=id)
            self.held.add(found[id])
        if rest := sorted(id for id in missing if id not in found):
            fresh = [dict(vars(facet(record_id=id))) for id in rest]
            rows = rows_of(facet, self.transaction.dialect)
            values = [{name: row[name] for name in rows.names} for row in fresh]
            self.transaction.put(rows.insertion(values, if_absent=True))
            found |= self.held.locked(facet, rest)
        return found

    def facet(self, facet: type[Any], id: str) -> Any:
        """The row of a facet for one record, likewise.

        Raises:
            NotFoundError: there is no such record.
        """
        if id not in self.settlement.pending and not self._has(record_named(facet.__of__), id):
            raise NotFoundError(
                sentence(
                    "there is no {record} {id!r}; give the id of an existing one", record=noun(facet.__of__), id=id
                )
            )
        return self.facets(facet, [id])[id]

    def _has(self, kind: type[Any], id: str) -> bool:
        return bool(self.transaction.rows(rows_of(kind, self.transaction.dialect).present(id)))

    def rows(self, query: Prepared, **values: Any) -> Sequence[dict[str, Any]]:
        """The rows of a prepared query, which sees what this transaction has changed."""
        if self._writes:
            self.flush()
        spelled = query.on(self.transaction)
        return spelled.mappings(self.transaction.rows(spelled.statement(values)))

    def before_commit(self, changes: Changes) -> list[UserError]:
        """Lets every plugin write what belongs to changes; returns their warnings.

        Raises:
            Reject: a plugin refuses.
            PluginError: a hook failed; the transaction is to be rolled back.
        """
        # What a session writes is not known before it does, so that there each question is asked when it comes up.
        if not self.transaction.has_session:
            for question in self.host.questions(self.context, changes):
                spelled = question.query.on(self.transaction)
                if spelled.tables is not None:
                    self.transaction.foresee(spelled.statement(question.values), spelled.tables)
        warnings = self.host.before_commit(self.context, changes, self.take_up)
        self.transaction.forget()
        return warnings

    def insert_rows(self, kind: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Inserts rows of a table that nothing watches."""
        if rows:
            self.flush()
            self.transaction.put(rows_of(kind, self.transaction.dialect).insertion(rows))

    def change_rows(self, kind: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Changes rows of a table that nothing watches, by their key."""
        if rows:
            self.flush()
            self.transaction.put(rows_of(kind, self.transaction.dialect).change(rows))

    # What plugins get

    def context(self, plugin: Plugin) -> Context:
        """The context a plugin's hooks get in this transaction."""
        if plugin.name not in self._contexts:
            self._contexts[plugin.name] = self._make_context(plugin)
        return self._contexts[plugin.name]

    @cached_property
    def _catalog(self) -> CatalogQueries:
        return self._ask(self.fetch)

    def _make_context(self, plugin: Plugin) -> Context:
        def declared(type_: str) -> str:
            if type_ not in plugin.events and type_ not in CORE_EVENTS:
                raise PluginError(
                    plugin.name, f"event {type_}", f"is not declared; put {type_!r} and a description in `events`"
                )
            return type_

        def publish(type_: str, record: Record | str, *, occurred_at: datetime | None = None, **data: Any) -> None:
            self.log.publish(declared(type_), record, occurred_at=occurred_at, **data)

        def publish_each(type_: str, record: type[Record], rows: Select[Any]) -> int:
            return self.log.publish_each(declared(type_), record, rows)

        def lock(name: str | None = None, *ids: str) -> None:
            everything = EVERYTHING if name is None else (name,)
            take(self.transaction, plugin.name, [(*everything, id) for id in ids] or [everything])

        return Context(
            open_session=lambda: self.session,
            actor=self.actor,
            settings=self.host.settings[plugin.name],
            clock=self._clock,
            reporting_currency=self.settlement.rates.reporting_currency,
            plausibility=self.settlement.plausibility,
            log=logger(plugin),
            publish=publish,
            publish_each=publish_each,
            facet=self.facet,
            facets=self.facets,
            rows=self.rows,
            insert_rows=self.insert_rows,
            change_rows=self.change_rows,
            lock=lock,
            sign=partial(self._sign, plugin.name),
            open_catalog=lambda: self._catalog,
        )

    def fetch(self, sql: str, values: Any) -> bytes | None:
        """The JSON value of a statement, which sees what this transaction has changed."""
        if self._writes:
            self.flush()
        rows = self.transaction.rows(SqlStatement(sql, values))
        value = rows[0][0] if rows else None
        return value.encode() if isinstance(value, str) else value

    # Savepoints and the end

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what is done inside, in the database and in the log, if anything is raised."""
        mark, found, name = self.log.mark(), self.search.mark(), self.transaction.save()
        try:
            yield
            self.flush()
            # What the database refuses is to be known while it can be undone.
            self.transaction.send()
        except BaseException:
            self.log.rewind(mark)
            self.search.rewind(found)
            self.settlement.forget()
            self.held.clear()
            self.transaction.undo(name)
            raise
        self.transaction.release(name)

    def finish(self) -> bool:
        """Closes the event log, last before the commit; returns whether anything was logged."""
        self.flush()
        self.search.write()
        return self.log.close()

    def note(self, change: Change) -> None:
        """Notes the change of a record, for the log and for whoever searches."""
        moves_estate = is_about_owners(self.estates.get(change.entity), change.action, change.after.keys())
        moves = handovers_of(self.estates, change) if moves_estate else ()
        self.log.note(change, moves)
        for move in moves:
            self.search.note_owners(move.record, move.id)
        if change.action is Action.DESTROYED:
            self.search.forget([change.record.id])
        else:
            self.search.note(change.record, change.after, is_new=change.action is Action.CREATED)
            if moves_estate and change.action is Action.UPDATED:
                self.search.note_owners(change.entity, change.record.id)
            if (tags := change.after.get("tags")) is not None:
                self.search.note_tags(type(change.record), {change.record.id: tags})

    def write_events(self) -> None:
        """Writes the events so far, where a long transaction would otherwise keep them in memory until its end."""
        self.flush()
        self.search.write()
        self.log.write_events()


#: Runs work of a plugin in a transaction of its own.
Transact = Callable[[Plugin, Callable[[Unit], None]], None]
