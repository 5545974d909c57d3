"""What somebody is told whose change was overtaken by another: the present version, and what has changed since."""

from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from core.base.errors import UserError
from core.base.sentences import noun, sentence
from core.log.events import Action, EventBatch, EventRow
from core.records.record import Record
from core.unit.unit import Unit
from schema.catalog.catalog import RecordType


def overtaken(unit: Unit, record: RecordType, row: Record, expected: int) -> UserError:
    """The error of a change that expects another version than the record has."""
    if expected > row.version or expected < 1:
        message = sentence(
            "expectedVersion: {record} {id!r} is at version {version}, and never was at {expected}; read it again and "
            "repeat the change",
            record=noun(record.singular),
            id=row.id,
            version=row.version,
            expected=expected,
        )
        return UserError("CONFLICT", message, ("expectedVersion",), row)
    message = sentence(
        "expectedVersion: {record} {id!r} is at version {version}, not {expected}: someone changed it on {changed}; "
        "read it again and repeat the change",
        record=noun(record.singular),
        id=row.id,
        version=row.version,
        expected=expected,
        changed=row.updated_at,
        changes=_since(unit, record, row, expected),
    )
    return UserError("CONFLICT", message, ("expectedVersion",), row)


def _since(unit: Unit, record: RecordType, row: Record, version: int) -> list[dict[str, Any]]:
    """The fields that differ from those of a version, with their values then and now, as far as the caller may see."""
    wanted = (
        select(EventRow.changes)
        .join(EventBatch, EventBatch.id == EventRow.batch_id)  # type: ignore[arg-type]  # a condition, not a bool
        .where(EventRow.entity_id == row.id, col(EventRow.action).not_in([Action.PUBLISHED, Action.REASSIGNED]))
        # Each change makes one version. The record is locked, so that positions are in the order of its changes.
        .order_by(func.coalesce(EventBatch.position, EventBatch.sequence).desc(), EventRow.id.desc())  # type: ignore[attr-defined]  # a column
        .limit(max(0, row.version - version))
    )
    found: dict[str, list[Any]] = {}
    for changes in unit.transaction.session.scalars(wanted):
        for name, (previous, current) in changes.items():
            found[name] = [previous, found[name][1] if name in found else current]
    return [
        {"field": name, "previous": previous, "current": current}
        for name, (previous, current) in sorted(found.items())
        if previous != current and (name not in record.fields or unit.permit.has(record.fields[name].permission))
    ]
