"""References to nothing, which the database would refuse without a useful message."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy import Table as SqlTable

from core.base.errors import UserError
from core.base.sentences import sentence
from core.base.text import camel
from core.db.engines import POSTGRESQL
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.log.changes import Change
from core.log.events import Action
from core.log.merges import survivors
from core.records.record import noun_in
from core.records.rows import quoted


def dangling(
    transaction: DatabaseTransaction, changes: Sequence[Change], pending: Mapping[str, object]
) -> list[UserError]:
    """An error for each reference that is set to a record that does not exist or is deleted."""
    problems: list[UserError] = []
    for key, by_id in _lost(transaction, changes, pending):
        for id in by_id.keys() - _redirected(transaction, key, by_id):
            field = camel(key.parent.key)
            problems += [
                UserError(
                    "NOT_FOUND",
                    sentence(
                        "{field}: there is no {record} {id!r}; give the id of an existing one",
                        field=field,
                        record=noun_in(key.column.table),
                        id=id,
                    ),
                    (field,),
                    change.record,
                )
                for change in by_id[id]
            ]
    return problems


def refers(kind: Any, action: Action, names: Set[str]) -> bool:
    """Whether what changes may be a reference."""
    return any(name in names for name, _ in _references(kind))


def are_lost(
    transaction: DatabaseTransaction, changes: Sequence[Change], pending: Mapping[str, object] = MappingProxyType({})
) -> bool:
    """Whether changes refer to records that are deleted or merged."""
    return any(True for _ in _lost(transaction, changes, pending))


def _lost(
    transaction: DatabaseTransaction, changes: Sequence[Change], pending: Mapping[str, object]
) -> Iterator[tuple[ForeignKey, Mapping[str, Sequence[Change]]]]:
    """The ids that changes refer to and no living record has, by the reference."""
    asked: dict[ForeignKey, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        kind: Any = type(change.record)
        for name, key in _references(kind):
            id = change.after.get(name)
            if id is not None and id not in pending:
                asked[key][id].append(change)
    if not asked:
        # Nothing is sent, so that what was put off still goes with what is read later.
        return
    tables = list(asked)
    found = transaction.send(*(_living(transaction.dialect, key.column.table, asked[key]) for key in tables))
    for key, rows in zip(tables, found, strict=True):
        if missing := asked[key].keys() - {row[0] for row in rows}:
            yield key, {id: asked[key][id] for id in missing}


@cache
def _references(kind: Any) -> Sequence[tuple[str, ForeignKey]]:
    """The references of a type of record, by the columns that hold them."""
    return [(key.parent.key, key) for key in kind.__table__.foreign_keys]


def foresee(transaction: DatabaseTransaction, table: SqlTable, id: str | None) -> None:
    """Has the row that will be referred to, where one is known, looked up together with what is read before."""
    if id is not None and "\0" not in id:
        transaction.foresee(_living(transaction.dialect, table, [id]), None)


def hold(transaction: DatabaseTransaction, named: Mapping[SqlTable, Collection[str]]) -> None:
    """Waits for those who are deleting or merging records; until the transaction ends nobody else begins to.

    Args:
        transaction: in which the records are to be referred to.
        named: their ids, by their tables.
    """
    if transaction.dialect == POSTGRESQL and named:
        tables = sorted(named, key=lambda table: table.name)
        transaction.send(*(_there(transaction.dialect, table, named[table]) for table in tables))


def _redirected(transaction: DatabaseTransaction, key: ForeignKey, missing: Mapping[str, Sequence[Change]]) -> set[str]:
    """Has references to records that were merged lead to the living survivors; returns what they referred to."""
    known = survivors(transaction, missing)
    found = transaction.rows(_living(transaction.dialect, key.column.table, set(known.values()))) if known else ()
    living = {id: into for id, into in known.items() if (into,) in {tuple(row) for row in found}}
    for id, into in living.items():
        for change in missing[id]:
            change.after[key.parent.key] = into
            setattr(change.record, key.parent.key, into)
    return set(living)


def _living(engine: str, table: SqlTable, ids: Collection[str]) -> SqlStatement:
    """Which of the rows are there and not deleted; they cannot be deleted before the transaction ends."""
    return _there(engine, table, ids, " AND deleted_at IS NULL" if "deleted_at" in table.c else "")


def _there(engine: str, table: SqlTable, ids: Collection[str], condition: str = "") -> SqlStatement:
    lock = " FOR KEY SHARE" if engine == POSTGRESQL else ""
    name = quoted(engine, table.name)
    if len(ids) == 1:
        return SqlStatement(f"SELECT id FROM {name} WHERE id = {mark(engine, 1)}{condition}{lock}", list(ids))
    where = f"{among(engine, 'id', 1)}{condition} ORDER BY id"
    return SqlStatement(f"SELECT id FROM {name} WHERE {where}{lock}", (listed(engine, ids),))
