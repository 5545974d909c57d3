"""Names in the catalog: which are taken, and which a plugin may give."""

import re

from core.base.errors import PluginError
from core.records.record import CORE
from schema.catalog.catalog import RecordType

#: Names that inputs use themselves, so no field can have them.
RESERVED = ("and", "or", "not", "dryRun", "idempotencyKey", "expectedVersion")
#: Further names that inputs of special mutations use, by record.
RESERVED_OF = {"Opportunity": ("at", "reason", "stageKey"), "Interaction": ("followUp",), "Task": ("at",)}

_FIELD_NAME = re.compile(r"[a-z][A-Za-z0-9]*")


def root_names(record: RecordType) -> set[str]:
    """The queries a record makes."""
    one, many = record.singular, record.plural
    return {one, many, f"{many}Aggregate", f"{many}GroupBy"}


def check_names(record: RecordType) -> None:
    """Refuses a plugin's name that no field can have, or that inputs use for something else."""
    used = {
        *RESERVED,
        *RESERVED_OF.get(record.name, ()),
        *(field.reference_name for field in record.input_fields if field.refers),
    }
    for name in (*record.names(), *record.said):
        owner = record.owner_of(name)
        if owner in (None, CORE):
            continue
        place = f"field {record.name}.{name}"
        if not _FIELD_NAME.fullmatch(name):
            raise PluginError(str(owner), place, "must be named in camel case, as in Customer.loyaltyPoints")
        if name in used:
            raise PluginError(str(owner), place, f"inputs of {record.name} use that name; choose another name")
