"""Storing what access rests on: records that no client writes, so that no unit of work is needed for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from core.db.transaction import DatabaseTransaction, SqlStatement
from core.records.companions import keys_of
from core.records.record import Record
from core.records.rows import rows_of

T = TypeVar("T", bound=Record)


def insertion(
    transaction: DatabaseTransaction, made: Record, actor: str, now: datetime, *, if_absent: bool = False
) -> SqlStatement:
    """A statement that stores a new record, and who made it.

    Args:
        transaction: in which it is made.
        made: the record.
        actor: id of who makes it.
        now: the moment.
        if_absent: one with the same keys is left as it is.
    """
    for name, key in keys_of(made.__companions__, vars(made), ""):
        setattr(made, name, key)
    made.created_at, made.created_by = now, actor
    made.updated_at, made.updated_by = now, actor
    rows = rows_of(type(made), transaction.dialect)
    return rows.insertion([{name: getattr(made, name) for name in rows.names}], if_absent=if_absent)


def change(
    transaction: DatabaseTransaction, record: Record, names: Sequence[str], actor: str, now: datetime
) -> SqlStatement:
    """A statement that stores some columns of a record that changed, and who changed it."""
    record.version += 1
    record.updated_at, record.updated_by = now, actor
    stored = ("id", *names, "version", "updated_at", "updated_by")
    return rows_of(type(record), transaction.dialect).change([{name: getattr(record, name) for name in stored}])


def locked(transaction: DatabaseTransaction, kind: type[T], id: str) -> T | None:
    """A record by its id, locked until the transaction ends; None if there is none."""
    if "\0" in id:
        return None
    rows = rows_of(kind, transaction.dialect)
    found: list[T] = rows.all_made(transaction.rows(rows.locked([id])))
    return found[0] if found else None
