"""What destroying a record does to others: they prevent it, go with it, or lose their reference to it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Column, ForeignKey, func
from sqlalchemy import Table as SqlTable
from sqlmodel import Session, col, select

from core.base.errors import UserError
from core.base.sentences import sentence
from core.log.changes import Change
from core.log.events import Action
from core.records.leftovers import Leftovers, LetGo
from core.records.record import CORE, Record, noun_in, records_of, tables_of

_log = logging.getLogger("guanxi.destruction")


class Destruction:
    """The destruction of one record, in the tables of the core and of these plugins.

    Attributes:
        gone: the records that belong to it, and to those in turn. The database removes them with it.
    """

    def __init__(self, session: Session, change: Change, plugins: Collection[str]) -> None:
        self._session = session
        self._change = change
        owners = (CORE, *plugins)
        self._keys: dict[SqlTable, list[ForeignKey]] = defaultdict(list)
        for table in (table for owner in owners for table in tables_of(owner)):
            for key in table.foreign_keys:
                self._keys[key.column.table].append(key)
        self._models = {model.__table__: model for owner in owners for model in records_of(owner)}
        self._declared = {table.name for owner in owners for table in tables_of(owner)}
        self.gone = list(self._belonging(change.record))

    def _belonging(self, record: Record) -> Iterator[Record]:
        for _, found in self._referring(record, "CASCADE"):
            yield found
            yield from self._belonging(found)

    def _referring(self, record: Record, on_destroy: str) -> Iterator[tuple[Column[Any], Record]]:
        """The records that refer to one by keys that do this, each with the column it does so by."""
        for key in self._keys[type(record).__table__]:
            model = self._models.get(key.parent.table)
            if model is not None and key.ondelete == on_destroy:
                query = select(model).where(key.parent == record.id).order_by(col(model.id))
                query = query.with_for_update(key_share=on_destroy == "SET NULL")
                yield from ((key.parent, found) for found in self._session.exec(query).all())

    def problems(self) -> list[UserError]:
        """Errors for what depends on the record, or on what belongs to it."""
        return [
            UserError("REFERRED_TO", _said(key.parent.table, count, record.id), None, self._change.record)
            for record in (self._change.record, *self.gone)
            for key, count in self._needing(record)
        ]

    def _needing(self, record: Record) -> Iterator[tuple[ForeignKey, int]]:
        for key in self._keys[type(record).__table__]:
            if key.ondelete is None:
                query = select(func.count()).select_from(key.parent.table).where(key.parent == record.id)
                if count := self._session.exec(query).one():
                    yield key, count

    def losses(self) -> list[Change]:
        """The records that stay and lose their reference, as changes."""
        away = {record.id for record in (self._change.record, *self.gone)}
        lost: dict[str, Change] = {}
        for gone in (self._change.record, *self.gone):
            for column, record in self._referring(gone, "SET NULL"):
                if record.id not in away:
                    change = lost.setdefault(record.id, Change(Action.UPDATED, record))
                    change.before[column.key], change.after[column.key] = gone.id, None
                    setattr(record, column.key, None)
        return list(lost.values())

    def let_go(self) -> list[UserError]:
        """Has rows of plugins that are not installed let go of what goes; returns warnings that say so."""
        leftovers = Leftovers(self._session.connection(), self._declared)
        gone: dict[str, list[str]] = defaultdict(list)
        for record in (self._change.record, *self.gone):
            gone[record.__tablename__].append(record.id)
        texts = [_let_go(done) for table, ids in gone.items() for done in leftovers.let_go(table, ids)]
        for said in texts:
            _log.warning("destroying %s: %s", self._change.record.id, said)
        return [UserError("LEFT_BY_PLUGIN", said, None, self._change.record, warning=True) for said in texts]


def _let_go(done: LetGo) -> str:
    """What rows of a plugin that is not installed did."""
    where = {"count": done.count, "table": done.table, "plugin": done.plugin}
    rows = sentence("{count} rows of {table}, a table of plugin {plugin!r} that no installed plugin declares,", **where)
    if done.count == 1:
        rows = sentence("1 row of {table}, a table of plugin {plugin!r} that no installed plugin declares,", **where)
    if not done.is_removed:
        return sentence("{rows} lost the reference in {column}", rows=rows, column=done.column)
    if done.count == 1:
        return sentence("{rows} was removed with it", rows=rows)
    return sentence("{rows} were removed with it", rows=rows)


def _said(table: SqlTable, count: int, id: str) -> str:
    record = noun_in(table, count)
    if count == 1:
        return sentence(
            "1 {record} refers to {id}; destroy it first, or delete this record instead, which keeps both",
            record=record,
            id=id,
        )
    return sentence(
        "{count} {record} refer to {id}; destroy them first, or delete this record instead, which keeps them",
        count=count,
        record=record,
        id=id,
    )
