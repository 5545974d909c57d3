"""What records leave out of the schema, reported to those who ask for it all the same."""

from collections.abc import Iterator

from schema.catalog.catalog import Catalog, RecordType


def omission(catalog: Catalog, name: str) -> str | None:
    """Why there is no type or field of a name that a record would otherwise make; None if no record would."""
    for record in catalog.records.values():
        if record.has_attachments:
            for what, option, names in _omitted(catalog, record):
                if name in names:
                    return f"{record.name} leaves out its {what}, because it is declared with {option}"
    return None


def _omitted(catalog: Catalog, record: RecordType) -> Iterator[tuple[str, str, set[str]]]:
    """What a record leaves out, by which option, and the names that are missing for it."""
    name, plural = record.name, record.plural_type
    if not record.aggregates:
        endings = ("Aggregate", "AggregateWhere", "Sum", "Avg", "Values", "NumbersWhere", "ValuesWhere")
        lists = {
            f"{many.name}Aggregate"
            for other in catalog.records.values()
            for many in other.to_many.values()
            if many.target == name
        }
        yield (
            "aggregates",
            "__aggregates__ = False",
            {f"{name}{ending}" for ending in endings} | lists | {f"{record.plural}Aggregate"},
        )
    if not record.groups:
        endings = ("Group", "GroupKey", "GroupKeys", "GroupOrder", "Having", "NumbersOrder", "ValuesOrder")
        option = "__groups__ = False" if record.aggregates else "__aggregates__ = False"
        yield "groups", option, {f"{name}{ending}" for ending in endings} | {f"{record.plural}GroupBy"}
    if not record.writable:
        singles = ("create", "update", "delete", "restore", "destroy")
        types = {f"{name}{ending}" for ending in ("Payload", "MatchKey", "UpsertItem", "UpsertResult")}
        inputs = {f"Create{name}Input", f"Update{name}Input", f"Upsert{plural}Input", f"Upsert{plural}Payload"}
        fields = {f"{verb}{name}" for verb in singles} | {f"upsert{plural}"}
        yield "mutations", "__read_only__ = True", types | inputs | fields
