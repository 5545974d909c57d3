"""Rows of a source that disagree about one record: the last of them counts, and the others refer to it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from guanxi.importing.mapping import ImportMapping, Item, RowRejected
from guanxi.importing.sources import Source

#: Record of the mapping, and what the record is found by.
RecordKey = tuple[str, Any]


def disagreements(mapping: ImportMapping, source: Source) -> Mapping[RecordKey, int]:
    """The records of which two rows say different things, each with the last line that says something of it.

    Rows that complete each other do not disagree. It reads the source once for what records are found by, and where
    rows share a record, all that they say of it.
    """
    repeated = _repeated(mapping.keys_only(), source)
    said: dict[RecordKey, int] = {}
    several: set[RecordKey] = set()
    for _, key, facts in _facts(mapping, source) if repeated else ():
        if key in repeated:
            mark = hash(tuple(sorted(facts.items())))
            if said.setdefault(key, mark) != mark:
                several.add(key)
    if not several:
        return {}
    known: dict[RecordKey, dict[str, str]] = defaultdict(dict)
    differing: set[RecordKey] = set()
    last: dict[RecordKey, int] = {}
    for line, key, facts in _facts(mapping, source):
        if key in several:
            if any(known[key].setdefault(name, value) != value for name, value in facts.items()):
                differing.add(key)
            last[key] = line
    return {key: last[key] for key in differing}


def _repeated(mapping: ImportMapping, source: Source) -> set[RecordKey]:
    """The records that several rows say something of; rows count that will be rejected."""
    seen: set[RecordKey] = set()
    repeated: set[RecordKey] = set()
    for row in source.rows():
        try:
            items = mapping.read(row)
        except RowRejected:
            continue
        for item in items:
            key = item.rule.name, item.key
            (repeated if key in seen else seen).add(key)
    return repeated


def _facts(mapping: ImportMapping, source: Source) -> Iterator[tuple[int, RecordKey, dict[str, str]]]:
    """What each row says of each record, by field: values as text, and by what other records are found."""
    for row in source.rows():
        try:
            items = {item.rule.name: item for item in mapping.read(row)}
        except RowRejected:
            continue
        for name, item in items.items():
            yield row.line, (name, item.key), _facts_of(item, items)


def _facts_of(item: Item, items: Mapping[str, Item]) -> dict[str, str]:
    facts = {name: repr(value) for name, value in item.given.items()}
    facts |= {link.relation.name: text for link, text in item.wanted}
    for link in item.linked:
        if (other := items.get(link.record or "")) is not None:
            facts[link.relation.name] = repr(other.key)
    return facts
