"""How rows find the records they refer to: by id, by external id, or by a text field of their own."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.db.locks import Key, Locks
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed
from core.log.events import Action
from core.records.record import Record
from core.records.rows import POSTGRESQL, quoted
from schema.catalog.catalog import CatalogField, RecordType

RowInput = Mapping[str, Any]

ID, EXTERNAL_ID = "ID", "EXTERNAL_ID"


@dataclass(frozen=True, slots=True)
class Asked:
    """One record's input: what is to be done, with which record, and what is to be set.

    Attributes:
        action: None for an upsert, which creates or updates.
        given: the input.
        match: how an upsert finds its record: by id, by external id, or by a text field of this name.
        extra: values that the operation itself sets, by Python name.
    """

    action: Action | None
    given: RowInput
    match: str = ID
    extra: Mapping[str, Any] | None = None
    occurred_at: Any = None
    reason: str | None = None


def upsert_locks(engine: str, record: RecordType, asked: Sequence[Asked]) -> Locks:
    """The keys that keep two upserts from each creating what the other would have found.

    Alone is held what rows are matched by, and shared what other upserts may match by: the texts that are written.
    All are taken at once, so that two batches of the same rows in another order do not deadlock.
    """
    locks = Locks()
    rows = [one for one in asked if one.action is None]
    if not rows or engine != POSTGRESQL:
        return locks
    entity = record.name
    texts = match_fields(record)
    alone: set[Key] = set()
    shared: set[Key] = set()
    for one in rows:
        for field in texts:
            if (text := one.given.get(field.name)) is not None:
                (alone if field.name == one.match else shared).add((entity, field.name, match_key(field, text)))
        if one.match == ID and one.given.get("id") is not None:
            alone.add((entity, "id", one.given["id"]))
        elif one.match == EXTERNAL_ID:
            alone |= {(entity, item["system"], item["value"]) for item in one.given.get("externalIds") or ()}
    locks.add(None, alone)
    locks.share(shared)
    return locks


def match_key(field: CatalogField, text: str) -> str:
    """What two texts have in common that match as values of a field; they are stored without outer blanks."""
    return field.kind.key(text.strip())


def ids_by_text(
    transaction: DatabaseTransaction, model: type[Record], field: CatalogField, texts: Collection[str]
) -> dict[str, set[str]]:
    """For each text the ids of the living records whose field has it, compared as filters compare the field."""
    assert field.stored is not None
    is_folded = field.stored.column in model.__folded__
    column = quoted(transaction.dialect, f"{field.stored.column}_folded" if is_folded else field.stored.column)
    # No text of the database holds NUL, and neither engine takes one to compare with.
    prepared = {text: match_key(field, text) if is_folded else text.strip() for text in texts if "\0" not in text}
    ids: dict[str, set[str]] = defaultdict(set)
    engine = transaction.dialect
    where = f"{among(engine, column, 1)} AND deleted_at IS NULL"
    sql = f"SELECT id, {column} FROM {quoted(engine, model.__table__.name)} WHERE {where}"
    rows = transaction.rows(SqlStatement(sql, (listed(engine, set(prepared.values())),)))
    for id, value in rows:
        ids[value].add(id)
    return {text: ids[prepared[text]] if text in prepared else set() for text in texts}


def match_fields(record: RecordType) -> Sequence[CatalogField]:
    """The text fields by which an upsert may find its record: short ones with an index that identify it."""
    return [
        field
        for field in record.input_fields
        if field.stored is not None
        and field.stored.facet is None
        and field.kind.filter_name == "TextFilter"
        and not field.stored.info.shared
        and _is_indexed(record, field.stored.column)
    ]


def _is_indexed(record: RecordType, column: str) -> bool:
    columns: Any = record.table.c
    return any(bool(columns[name].info.get("index")) for name in (column, f"{column}_folded") if name in columns)
