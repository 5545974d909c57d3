"""Stored keys of texts: computed again where they depend on something that is another now."""

import json
from collections.abc import Iterable, Iterator, Sequence

from core.db.transaction import DatabaseTransaction, SqlStatement, mark
from core.records.companions import Companion, keys_of
from core.records.installation import held_fact, keep_fact
from core.records.record import Table, registry_of
from core.records.rows import quoted, rows_of

#: The versions that the keys of a set of tables have, as JSON by table and column.
KEYS = "keys"

_AT_ONCE = 1000


def agree_on_keys(transaction: DatabaseTransaction, plugins: Iterable[str], region: str) -> None:
    """Makes the stored keys of all texts those that would be stored now.

    Args:
        transaction: in which they are written.
        plugins: whose tables, the core's included.
        region: of telephone numbers without a country code.
    """
    for plugin in plugins:
        name = f"{plugin} {KEYS}"
        stored: dict[str, str] = json.loads(held_fact(transaction, name) or "{}")
        wanted: dict[str, str] = {}
        for kind, companions in _versioned(plugin, region):
            versions = {f"{kind.__tablename__}.{each.name}": each.version(region) for each in companions}
            known_so = [item in stored.items() for item in versions.items()]
            stale = [each for each, is_known in zip(companions, known_so, strict=True) if not is_known]
            if stale:
                _rekey(transaction, kind, stale, region)
            wanted |= versions
        if wanted != stored:
            keep_fact(transaction, name, json.dumps(wanted))


def _versioned(plugin: str, region: str) -> Iterator[tuple[type[Table], list[Companion]]]:
    """The tables with keys that depend on more than their texts, and these keys."""
    for mapper in registry_of(plugin).mappers:
        kind: type[Table] = mapper.class_
        companions = [companion for companion in kind.__companions__ if companion.version(region)]
        if companions:
            yield kind, companions


def _rekey(transaction: DatabaseTransaction, kind: type[Table], companions: Sequence[Companion], region: str) -> None:
    engine, rows = transaction.dialect, rows_of(kind, transaction.dialect)
    (id,) = rows.key
    texts = list(dict.fromkeys(companion.text for companion in companions))
    keys = [companion.name for companion in companions]
    table, key = quoted(engine, str(kind.__tablename__)), quoted(engine, id)
    columns = ", ".join(quoted(engine, name) for name in (id, *texts, *keys))
    page = f"SELECT {columns} FROM {table} WHERE {key} > {mark(engine, 1)} ORDER BY {key} LIMIT {_AT_ONCE}"
    after = ""
    # Page by page, so that memory is bounded and nothing is read while it is written.
    while found := transaction.rows(SqlStatement(page, (after,))):
        changed = []
        for row_id, *values in found:
            held = dict(zip([*texts, *keys], values, strict=True))
            wanted = dict(keys_of(companions, held, region))
            if any(held[name] != value for name, value in wanted.items()):
                changed.append({id: row_id, **wanted})
        if changed:
            transaction.put(rows.change(changed))
        after = found[-1][0]
