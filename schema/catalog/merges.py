"""Where ids lead: that of a record that was merged into another leads to that one, and so do its external ids."""

from typing import Any

from sqlalchemy import Boolean, func, select
from sqlalchemy.sql.functions import FunctionElement

from core.db.engines import POSTGRESQL, SQLITE
from core.db.sql import Expression, spell
from core.log.attachments import ExternalId
from core.log.merges import MergedRecord
from schema.sql.json import TEXT, SqlFunction, constant


class where_it_leads(SqlFunction):  # noqa: N801  (SQL functions are written small)
    """The id of the record that an id of a type leads to whose records are merged."""

    type = TEXT


class leads_from(FunctionElement[bool]):  # noqa: N801
    """Whether an id is where one of the ids of a list bind leads."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Itself, for the reason that `one_of` has."""
        return self


_LEADS = "coalesce((SELECT m.into_id FROM merged_record AS m WHERE m.id = {0}), {0})"
_LED = "SELECT coalesce(m.into_id, g.value) FROM {given} LEFT JOIN merged_record AS m ON m.id = g.value"

spell(
    {
        where_it_leads: {SQLITE: _LEADS, POSTGRESQL: _LEADS},
        leads_from: {
            SQLITE: "{0} IN (" + _LED.replace("{given}", "json_each({1}) AS g") + ")",
            POSTGRESQL: "{0} = ANY(ARRAY(" + _LED.replace("{given}", "unnest({1}) AS g(value)") + "))",
        },
    }
)


def leads_by_key(record: str, system: Expression, value: Expression) -> Any:
    """The id of the living record of a type, by name, that an external id leads to."""
    key, merged = ExternalId.__table__.alias(), MergedRecord.__table__.alias()
    return (
        select(func.coalesce(merged.c.into_id, key.c.record_id, type_=TEXT))
        .select_from(key.outerjoin(merged, merged.c.id == key.c.record_id))
        .where(key.c.entity_type == constant(record), key.c.system == system, key.c.value == value, key.c.is_live)
        .scalar_subquery()
    )
