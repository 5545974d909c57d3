"""Tags and external ids of records: their tables, read and written for many records at once."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import Index, delete, insert, text, tuple_, update
from sqlmodel import Session, col, select

from core.base.errors import UserError
from core.base.text import fold
from core.records.columns import column
from core.records.record import Table


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
    name: str = column("The tag as it was written.", primary_key=True, index=True)
    entity_type: str = column("Type of the record.", exact=True)


def tags_of(session: Session, ids: Collection[str]) -> dict[str, list[str]]:
    """The tags of each record, sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    for tag in session.exec(select(Tag).where(col(Tag.record_id).in_(ids)).order_by(Tag.name)):
        found[tag.record_id].append(tag.name)
    return found


def external_ids_of(session: Session, ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The external ids of each record, by system."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in session.exec(select(ExternalId).where(col(ExternalId.record_id).in_(ids))):
        found[row.record_id][row.system] = row.value
    return found


def records_by_external_id(
    session: Session, entity: str, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The ids of living records of a type, by (system, external id)."""
    # No text of the database holds NUL, and neither engine takes one to compare with.
    sought = [key for key in keys if "\0" not in "".join(key)]
    rows = session.exec(
        select(ExternalId).where(
            ExternalId.entity_type == entity,
            col(ExternalId.is_live),
            tuple_(col(ExternalId.system), col(ExternalId.value)).in_(sought),
        )
    )
    return {(row.system, row.value): row.record_id for row in rows}


def replace_tags(session: Session, entity: str, tags: Mapping[str, Sequence[str]]) -> None:
    """Gives each record exactly these tags."""
    if not tags:
        return
    session.execute(delete(Tag).where(col(Tag.record_id).in_(tags)))
    rows = [
        {"record_id": id, "name": name, "name_folded": fold(name), "entity_type": entity}
        for id, names in tags.items()
        for name in names
    ]
    if rows:
        session.execute(insert(Tag), rows)


def replace_external_ids(session: Session, entity: str, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Gives each record exactly these external ids."""
    if not keys:
        return
    session.execute(delete(ExternalId).where(col(ExternalId.record_id).in_(keys)))
    rows = [
        {"record_id": id, "system": system, "value": value, "entity_type": entity, "is_live": True}
        for id, given in keys.items()
        for system, value in given.items()
    ]
    if rows:
        # In one order, so that two batches of the same keys wait for each other rather than deadlock.
        session.execute(insert(ExternalId), sorted(rows, key=lambda row: (row["system"], row["value"])))


def taken(
    session: Session, entity: str, keys: Mapping[str, Mapping[str, str]], restored: Collection[str]
) -> Iterator[UserError]:
    """An error for each record that asks for an external id, or gets it back, that another living record has."""
    wanted = {(system, value): id for id, given in keys.items() for system, value in given.items()}
    if not wanted:
        return
    for key, owner in records_by_external_id(session, entity, wanted).items():
        id = wanted[key]
        if owner != id:
            remedy = "change or delete that record" if id in restored else "leave it out, or change that record"
            yield UserError(
                "EXTERNAL_ID_TAKEN",
                f"externalIds: {key[1]!r} of {key[0]!r} belongs to {owner}; {remedy} first",
                ("externalIds",),
                id,
            )


def set_live(session: Session, ids: Collection[str], *, live: bool) -> None:
    """Frees the external ids of deleted records, or claims them again for restored ones."""
    session.execute(update(ExternalId).where(col(ExternalId.record_id).in_(ids)).values(is_live=live))


def drop(session: Session, ids: Collection[str]) -> None:
    """Removes tags and external ids of records that are destroyed."""
    for table in (Tag, ExternalId):
        session.execute(delete(table).where(col(table.record_id).in_(ids)))
