"""Entries that are made again: where records were there before they could be found, or are found by something else."""

import json
from collections.abc import Iterable, Mapping

from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.records.installation import held_fact, keep_fact
from core.records.record import Record, records_of
from core.records.rows import quoted
from core.search.entries import VERSION, own_terms, tag_terms, writing

#: Under this fact of a set of tables it is kept what the entries of its records are made of, as JSON by type.
ENTRIES = "entries"

_AT_ONCE = 1000


def agree_on_entries(transaction: DatabaseTransaction, plugins: Iterable[str]) -> None:
    """Makes the entries of all records those that would be written now.

    Args:
        transaction: in which they are written.
        plugins: whose records, the core's included.
    """
    for plugin in plugins:
        name = f"{plugin} {ENTRIES}"
        stored: Mapping[str, str] = json.loads(held_fact(transaction, name) or "{}")
        found = [kind for kind in records_of(plugin) if kind.__search__]
        wanted = {kind.__name__: " ".join((VERSION, *kind.__search__)) for kind in found}
        for kind in records_of(plugin):
            if wanted.get(kind.__name__) != stored.get(kind.__name__):
                _rewrite(transaction, kind)
        if wanted != stored:
            # Statistics of an empty table would have the engine read it from end to end.
            transaction.put(SqlStatement("ANALYZE search_entry"))
            keep_fact(transaction, name, json.dumps(wanted))


def _rewrite(transaction: DatabaseTransaction, kind: type[Record]) -> None:
    engine = transaction.dialect
    gone = f"DELETE FROM search_entry WHERE entity_type = {mark(engine, 1)}"
    transaction.put(SqlStatement(gone, (kind.__name__,)))
    if not kind.__search__:
        return
    names = ", ".join(quoted(engine, name) for name in ("id", *kind.__search__))
    sql = f"SELECT {names} FROM {quoted(engine, kind.__tablename__)} WHERE id > {mark(engine, 1)} ORDER BY id"
    sql += f" LIMIT {_AT_ONCE}"
    tags = f"SELECT record_id, name FROM tag WHERE {among(engine, 'record_id', 1)}"
    after = ""
    while rows := transaction.rows(SqlStatement(sql, (after,))):
        named: dict[str, list[str]] = {id: [] for id, *_ in rows}
        for id, name in transaction.rows(SqlStatement(tags, (listed(engine, named),))):
            named[id].append(name)
        own = [(id, own_terms(kind, dict(zip(kind.__search__, values, strict=True)))) for id, *values in rows]
        entries = [(id, kind.__name__, terms, tag_terms(named[id])) for id, terms in own]
        transaction.put(*writing(engine, entries))
        after = rows[-1][0]
