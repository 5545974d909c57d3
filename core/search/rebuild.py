"""Entries that are made again: where records were there before they could be found, or are found by something else."""

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.records.installation import held_fact, keep_fact
from core.records.record import Record, records_of
from core.records.rows import quoted
from core.search.entries import VERSION, own_entry, tag_terms, writing
from core.search.owners import Belongings, own_terms

#: Under this fact of a set of tables it is kept what the entries of its records are made of, as JSON by type.
ENTRIES = "entries"

_AT_ONCE = 1000
#: What is done after many entries were written. Statistics of an empty table would have the engine read it from end to
#: end, and SQLite's index would be in a dozen parts, each of which is looked into for each term.
_SETTLING = {
    "postgresql": ("ANALYZE search_entry",),
    "sqlite": ("ANALYZE search_entry", "INSERT INTO search_index (search_index) VALUES ('optimize')"),
}


def agree_on_entries(transaction: DatabaseTransaction, plugins: Iterable[str], belongings: Belongings) -> None:
    """Makes the entries of all records those that would be written now.

    Args:
        transaction: in which they are written.
        plugins: whose records, the core's included.
        belongings: what decides whose the records are.
    """
    for plugin in plugins:
        name = f"{plugin} {ENTRIES}"
        stored: Mapping[str, str] = json.loads(held_fact(transaction, name) or "{}")
        found = [kind for kind in records_of(plugin) if kind.__search__]
        wanted = {kind.__name__: _made_of(kind, belongings) for kind in found}
        for kind in records_of(plugin):
            if wanted.get(kind.__name__) != stored.get(kind.__name__):
                _rewrite(transaction, kind, belongings)
        if wanted != stored:
            transaction.put(*map(SqlStatement, _SETTLING[transaction.dialect]))
            keep_fact(transaction, name, json.dumps(wanted))


def _made_of(kind: type[Record], belongings: Belongings) -> str:
    """Tells entries from such as are made of something else, or belong to somebody in other ways."""
    belonging = belongings.get(kind.__name__)
    ways = "" if belonging is None else repr(belonging.ways)
    return " ".join((VERSION, *kind.__search__, blake2b(ways.encode(), digest_size=8).hexdigest()))


def _rewrite(transaction: DatabaseTransaction, kind: type[Record], belongings: Belongings) -> None:
    engine = transaction.dialect
    gone = f"DELETE FROM search_entry WHERE entity_type = {mark(engine, 1)}"
    transaction.put(SqlStatement(gone, (kind.__name__,)))
    if not kind.__search__:
        return
    belonging = belongings.get(kind.__name__)
    owned = () if belonging is None else belonging.own
    columns = ("id", *dict.fromkeys((*kind.__search__, *owned)))
    names = ", ".join(quoted(engine, name) for name in columns)
    sql = f"SELECT {names} FROM {quoted(engine, kind.__tablename__)} WHERE id > {mark(engine, 1)} ORDER BY id"
    sql += f" LIMIT {_AT_ONCE}"
    tags = f"SELECT record_id, name FROM tag WHERE {among(engine, 'record_id', 1)}"
    after = ""
    while rows := transaction.rows(SqlStatement(sql, (after,))):
        named: dict[str, list[str]] = {id: [] for id, *_ in rows}
        for id, name in transaction.rows(SqlStatement(tags, (listed(engine, named),))):
            named[id].append(name)
        given = (dict(zip(columns, values, strict=True)) for values in rows)
        entries = [
            own_entry(
                kind,
                values["id"],
                values,
                tag_terms(values["id"], named[values["id"]]),
                own_terms(kind, belonging, values),
            )
            for values in given
        ]
        transaction.put(*writing(engine, entries, belongings, are_new=False))
        after = rows[-1][0]
