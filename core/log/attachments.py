"""Tags and external ids of records: their tables, read and written for many records at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Index, text

from core.base.errors import UserError
from core.base.sentences import sentence
from core.base.text import fold
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.records.columns import column
from core.records.record import Table
from core.records.rows import rows_of


class ExternalId(Table):
    """A record's id in another system; unique among living records of a type."""

    record_id: str = column("The record.", primary_key=True, exact=True)
    system: str = column("Name of the other system.", primary_key=True, exact=True)
    value: str = column("The id in that system.", primary_key=True, exact=True)
    entity_type: str = column("Type of the record.", exact=True)
    is_live: bool = column("False while the record is deleted, which frees the id.", default=True)


Index(
    "uq_external_id_live",
    ExternalId.__table__.c.entity_type,
    ExternalId.__table__.c.system,
    ExternalId.__table__.c.value,
    unique=True,
    sqlite_where=text("is_live"),
    postgresql_where=text("is_live"),
)


class Tag(Table):
    """A free-form tag on a record."""

    record_id: str = column("The record.", primary_key=True, exact=True)
    name: str = column("The tag as it was written.", primary_key=True)
    entity_type: str = column("Type of the record.", exact=True)


def tags_of(transaction: DatabaseTransaction, ids: Collection[str]) -> dict[str, list[str]]:
    """The tags of each record, sorted."""
    engine = transaction.dialect
    sql = f"SELECT record_id, name FROM tag WHERE {among(engine, 'record_id', 1)} ORDER BY name"
    found: dict[str, list[str]] = defaultdict(list)
    for id, name in transaction.rows(SqlStatement(sql, (listed(engine, ids),))):
        found[id].append(name)
    return found


def external_ids_of(transaction: DatabaseTransaction, ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The external ids of each record, by system."""
    engine = transaction.dialect
    sql = f"SELECT record_id, system, value FROM external_id WHERE {among(engine, 'record_id', 1)}"
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for id, system, value in transaction.rows(SqlStatement(sql, (listed(engine, ids),))):
        found[id][system] = value
    return found


_SOUGHT = {
    "postgresql": "SELECT * FROM unnest($2::text[], $3::text[])",
    "sqlite": "SELECT a.value, b.value FROM json_each(?2) a JOIN json_each(?3) b ON a.key = b.key",
}


def records_by_external_id(
    transaction: DatabaseTransaction, entity: str, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The ids of living records of a type, by (system, external id); those of merged ones lead to the survivor."""
    engine = transaction.dialect
    # No text of the database holds NUL, and neither engine takes one to compare with.
    sought = sorted(key for key in keys if "\0" not in "".join(key))
    if not sought:
        return {}
    sql = (
        "SELECT k.system, k.value, coalesce(m.into_id, k.record_id) FROM external_id k "
        "LEFT JOIN merged_record m ON m.id = k.record_id "
        f"WHERE entity_type = {mark(engine, 1)} AND is_live AND (k.system, k.value) IN ({_SOUGHT[engine]})"
    )
    rows = transaction.rows(SqlStatement(sql, (entity, *_pairs(engine, sought))))
    return {(system, value): id for system, value, id in rows}


def replace_tags(transaction: DatabaseTransaction, entity: str, tags: Mapping[str, Sequence[str]]) -> None:
    """Gives each record exactly these tags."""
    if not tags:
        return
    _delete(transaction, "tag", tags)
    rows = [
        {"record_id": id, "name": name, "name_folded": fold(name), "entity_type": entity}
        for id, names in tags.items()
        for name in names
    ]
    if rows:
        transaction.put(rows_of(Tag, transaction.dialect).insertion(rows))


def replace_external_ids(transaction: DatabaseTransaction, entity: str, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Gives each record exactly these external ids."""
    if not keys:
        return
    _delete(transaction, "external_id", keys)
    rows = [
        {"record_id": id, "system": system, "value": value, "entity_type": entity, "is_live": True}
        for id, given in keys.items()
        for system, value in given.items()
    ]
    if rows:
        # In one order, so that writers of the same ids wait for each other instead of blocking each other.
        rows.sort(key=lambda row: (row["system"], row["value"]))
        transaction.put(rows_of(ExternalId, transaction.dialect).insertion(rows))


def taken(
    transaction: DatabaseTransaction, entity: str, keys: Mapping[str, Mapping[str, str]], restored: Collection[str]
) -> Iterator[UserError]:
    """An error for each record that asks for an external id, or gets it back, that another living record has."""
    wanted = {(system, value): id for id, given in keys.items() for system, value in given.items()}
    if not wanted:
        return
    for key, owner in records_by_external_id(transaction, entity, wanted).items():
        id = wanted[key]
        if owner != id:
            remedy = sentence("leave it out, or change that record")
            if id in restored:
                remedy = sentence("change or delete that record")
            yield UserError(
                "EXTERNAL_ID_TAKEN",
                sentence(
                    "externalIds: {key!r} of {system!r} belongs to {owner}; {remedy} first",
                    key=key[1],
                    system=key[0],
                    owner=owner,
                    remedy=remedy,
                ),
                ("externalIds",),
                id,
            )


def set_live(transaction: DatabaseTransaction, ids: Collection[str], *, live: bool) -> None:
    """Frees the external ids of deleted records, or claims them again for restored ones.

    Those that lead to a record because one that was merged into it had them go with it.
    """
    engine = transaction.dialect
    merged = f"SELECT id FROM merged_record WHERE {among(engine, 'into_id', 1)}"
    own = (
        "SELECT 1 FROM external_id own JOIN merged_record m ON m.into_id = own.record_id "
        "WHERE m.id = external_id.record_id AND own.system = external_id.system AND own.value = external_id.value"
    )
    sql = (
        f"UPDATE external_id SET is_live = {mark(engine, 2)} WHERE {among(engine, 'record_id', 1)} "
        f"OR (record_id IN ({merged}) AND NOT EXISTS ({own}))"
    )
    transaction.put(SqlStatement(sql, (listed(engine, ids), live)))


def drop(transaction: DatabaseTransaction, ids: Collection[str]) -> None:
    """Removes tags and external ids of records that are destroyed."""
    for table in ("tag", "external_id"):
        _delete(transaction, table, ids)


def keep(transaction: DatabaseTransaction, ids: Collection[str], without: Collection[tuple[str, str]]) -> None:
    """Claims the external ids of merged records again, so that they lead to the survivor.

    Args:
        transaction: in which that is done.
        ids: of the records; of several with one external id the first claims it.
        without: external ids that the survivor has itself.
    """
    engine = transaction.dialect
    first = (
        "SELECT min(record_id) FROM external_id o WHERE o.system = external_id.system AND o.value = external_id.value "
        f"AND {among(engine, 'record_id', 1)}"
    )
    sql = (
        f"UPDATE external_id SET is_live = TRUE WHERE {among(engine, 'record_id', 1)} "
        f"AND (system, value) NOT IN ({_SOUGHT[engine]}) AND record_id = ({first})"
    )
    transaction.put(SqlStatement(sql, (listed(engine, ids), *_pairs(engine, without))))


def _pairs(engine: str, keys: Collection[tuple[str, str]]) -> list[Any]:
    columns = [[key[part] for key in sorted(keys)] for part in (0, 1)]
    return columns if engine == "postgresql" else [json.dumps(column) for column in columns]


def _delete(transaction: DatabaseTransaction, table: str, ids: Collection[str]) -> None:
    engine = transaction.dialect
    transaction.put(SqlStatement(f"DELETE FROM {table} WHERE {among(engine, 'record_id', 1)}", (listed(engine, ids),)))
