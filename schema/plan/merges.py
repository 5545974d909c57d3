"""Where ids lead: that of a record that was merged into another leads to that one, and so do its external ids."""

from typing import Any

from sqlalchemy import func, select

from core.db.sql import Expression
from core.log.attachments import ExternalId
from core.log.merges import MergedRecord
from schema.catalog.catalog import RecordType
from schema.sql.json import TEXT, constant


def where_it_leads(record: RecordType, id: Expression) -> Expression:
    """The id of the record that an id of a type leads to."""
    if not record.merges:
        return id
    merged = MergedRecord.__table__.alias()
    into = select(merged.c.into_id).where(merged.c.id == id).scalar_subquery()
    return func.coalesce(into, id, type_=TEXT)


def leads_by_key(record: RecordType, system: Expression, value: Expression) -> Any:
    """The id of the living record of a type that an external id leads to."""
    key, merged = ExternalId.__table__.alias(), MergedRecord.__table__.alias()
    return (
        select(func.coalesce(merged.c.into_id, key.c.record_id, type_=TEXT))
        .select_from(key.outerjoin(merged, merged.c.id == key.c.record_id))
        .where(key.c.entity_type == constant(record.name), key.c.system == system, key.c.value == value, key.c.is_live)
        .scalar_subquery()
    )
