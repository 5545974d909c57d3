"""Stored keys of texts: computed again where they depend on something that is another now."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlmodel import Session

from core.records.companions import Companion, keys_of
from core.records.installation import Installation
from core.records.record import Table, registry_of

#: The versions that the keys of a set of tables have, as JSON by table and column.
KEYS = "keys"

_AT_ONCE = 1000


def agree_on_keys(session: Session, plugins: Iterable[str], region: str) -> None:
    """Makes the stored keys of all texts those that would be stored now.

    Args:
        session: in whose transaction.
        plugins: whose tables, the core's included.
        region: of telephone numbers without a country code.
    """
    for plugin in plugins:
        name = f"{plugin} {KEYS}"
        known = session.get(Installation, name, with_for_update=True)
        stored: dict[str, str] = {} if known is None else json.loads(known.value)
        wanted: dict[str, str] = {}
        for kind, companions in _versioned(plugin, region):
            versions = {f"{kind.__tablename__}.{each.name}": each.version(region) for each in companions}
            known_so = [item in stored.items() for item in versions.items()]
            stale = [each for each, is_known in zip(companions, known_so, strict=True) if not is_known]
            if stale:
                _rekey(session, kind, stale, region)
            wanted |= versions
        if wanted != stored:
            session.merge(Installation(name=name, value=json.dumps(wanted)))


def _versioned(plugin: str, region: str) -> Iterator[tuple[type[Table], list[Companion]]]:
    """The tables with keys that depend on more than their texts, and these keys."""
    for mapper in registry_of(plugin).mappers:
        kind: type[Table] = mapper.class_
        companions = [companion for companion in kind.__companions__ if companion.version(region)]
        if companions:
            yield kind, companions


def _rekey(session: Session, kind: type[Table], companions: Sequence[Companion], region: str) -> None:
    table: Any = kind.__table__
    (id,) = table.primary_key.columns
    names = list(dict.fromkeys(companion.text for companion in companions))
    texts = [table.c[name] for name in names]
    keys: Any = {companion.name: bindparam(f"key_{companion.name}") for companion in companions}
    change = update(table).where(id == bindparam("row")).values(keys)
    wanted: Any = select(id, *texts).where(or_(*(text.is_not(None) for text in texts))).order_by(id).limit(_AT_ONCE)
    after: Any = None
    # Page by page, so that memory is bounded and nothing is read while it is written.
    while rows := session.execute(wanted if after is None else wanted.where(id > after)).all():
        made = []
        for row in rows:
            held = dict(zip(names, row[1:], strict=True))
            made.append({"row": row[0]} | {f"key_{name}": key for name, key in keys_of(companions, held, region)})
        session.connection().execute(change, made)
        after = rows[-1][0]
