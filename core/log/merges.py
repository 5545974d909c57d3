"""Merges: which records have become one, where their ids lead, and what it takes to part them again."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from core.db.sql import is_listed
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.records.columns import column
from core.records.record import Table
from core.records.rows import rows_of

#: Prefix of the ids of merges.
PREFIX = "mrg"


class Merge(Table):
    """One merge of records into another."""

    id: str = column("Id of the merge.", primary_key=True, exact=True)
    entity_type: str = column("The type of the records.", exact=True)
    into_id: str = column("The record they were merged into.", exact=True, index=True)
    merged_at: datetime = column("When.")
    merged_by: str = column("By whom.", exact=True)
    undone_at: datetime | None = column("When it was undone.", default=None)
    undo: dict[str, Any] = column("What it changed, for its undoing; empty once that is erased.", default_factory=dict)


class MergedRecord(Table):
    """A record that was merged into another, to which its id leads since."""

    id: str = column("The id it had.", primary_key=True, exact=True)
    into_id: str = column("The record that its id leads to.", exact=True, index=True)
    merge_id: str = column("The merge.", exact=True, index=True)


def survivors(transaction: DatabaseTransaction, ids: Collection[str]) -> dict[str, str]:
    """Where the ids of merged records lead, by id; what was not merged is not among them."""
    if not ids:
        return {}
    engine = transaction.dialect
    sql = f"SELECT id, into_id FROM merged_record WHERE {among(engine, 'id', 1)}"
    return dict(transaction.rows(SqlStatement(sql, (listed(engine, ids),))))


def survivors_read(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The same, for who only reads."""
    if not ids:
        return {}
    merged = MergedRecord.__table__.c
    wanted = select(merged.id, merged.into_id).where(is_listed(merged.id, "ids"))
    return {row.id: row.into_id for row in session.connection().execute(wanted, {"ids": list(ids)})}


def merged_into(transaction: DatabaseTransaction, ids: Collection[str]) -> list[str]:
    """The records that were merged into some."""
    if not ids:
        return []
    engine = transaction.dialect
    sql = f"SELECT id FROM merged_record WHERE {among(engine, 'into_id', 1)} ORDER BY id"
    return [id for (id,) in transaction.rows(SqlStatement(sql, (listed(engine, ids),)))]


def records_of_merge(transaction: DatabaseTransaction, merge_id: str) -> list[str]:
    """The records that a merge has merged, as long as it is not undone."""
    sql = f"SELECT id FROM merged_record WHERE merge_id = {mark(transaction.dialect, 1)} ORDER BY id"
    return [id for (id,) in transaction.rows(SqlStatement(sql, (merge_id,)))]


def kept_keys(transaction: DatabaseTransaction, ids: Collection[str]) -> dict[str, set[tuple[str, str]]]:
    """The external ids by which records are found because those that were merged into them had them, by id."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    if ids:
        engine = transaction.dialect
        sql = (
            "SELECT m.into_id, k.system, k.value FROM merged_record m JOIN external_id k ON k.record_id = m.id "
            f"WHERE {among(engine, 'm.into_id', 1)} AND k.is_live"
        )
        for id, system, value in transaction.rows(SqlStatement(sql, (listed(engine, ids),))):
            found[id].add((system, value))
    return found


def forget_undo(transaction: DatabaseTransaction, ids: Collection[str]) -> None:
    """Forgets what merges into some records have changed of them, so that none can be undone."""
    engine = transaction.dialect
    sql = f"UPDATE merge SET undo = '{{}}' WHERE {among(engine, 'into_id', 1)}"
    transaction.put(SqlStatement(sql, (listed(engine, ids),)))


def lead(transaction: DatabaseTransaction, merge_id: str, ids: Collection[str], into_id: str) -> None:
    """Has the ids of merged records, and those that led to them, lead to the survivor."""
    engine = transaction.dialect
    sql = f"UPDATE merged_record SET into_id = {mark(engine, 1)} WHERE {among(engine, 'into_id', 2)}"
    transaction.put(SqlStatement(sql, (into_id, listed(engine, ids))))
    rows = [{"id": id, "into_id": into_id, "merge_id": merge_id} for id in sorted(ids)]
    transaction.put(rows_of(MergedRecord, engine).insertion(rows))


def lead_back(transaction: DatabaseTransaction, merge_id: str) -> None:
    """Has the ids of records that a merge is undone for stand for themselves, and those merged into them lead there."""
    engine = transaction.dialect
    first = mark(engine, 1)
    of_merge = f"(SELECT id FROM merged_record WHERE merge_id = {first})"
    earlier = "(SELECT into_id FROM merge WHERE merge.id = merged_record.merge_id)"
    transaction.put(
        SqlStatement(f"UPDATE merged_record SET into_id = {earlier} WHERE {earlier} IN {of_merge}", (merge_id,)),
        SqlStatement(f"DELETE FROM merged_record WHERE merge_id = {first}", (merge_id,)),
    )
