"""Merging: records become one, what refers to them follows, and for some time it can be undone.

What a merge changes is noted value by value, so that undoing it restores what has not changed since.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Column

from core.base.errors import Reject, UserError
from core.base.ids import new_id
from core.base.money import Money
from core.base.sentences import noun, sentence
from core.base.text import camel
from core.crm.uniqueness import key_of
from core.db.transaction import SqlStatement, among, listed
from core.log import attachments, merges
from core.log.changes import Change, shown
from core.log.events import Action
from core.log.merges import Merge
from core.records.record import CORE, Facet, Record, Table, records_of, registry_of
from core.records.rows import quoted, rows_of
from core.unit.batches import Batch
from core.unit.drafts import Draft, FacetValue, RowOutcome
from core.unit.phases import moving, process
from core.unit.unit import Unit

#: A column of a record by which it refers to others, and which a merge leaves as it is.
Reference = tuple[type[Record], str]
#: What every record has; a second one of its kind is not filled from it.
_OWN = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at"})


class _Prepared(Batch):
    """Drafts that are made already, but for the records they are of, which are locked by then."""

    is_alone = False

    def __init__(self, drafts: Sequence[tuple[str, Draft]]) -> None:
        self.rows = drafts

    def marks(self, row: tuple[str, Draft]) -> Collection[Any]:
        return ()

    def needs(self, row: tuple[str, Draft]) -> Collection[Any]:
        return ()

    def drafts(self, unit: Unit, rows: Sequence[tuple[int, tuple[str, Draft]]]) -> list[Draft]:
        for index, (id, draft) in rows:
            draft.record, draft.index = unit.held.locked(draft.model, [id])[id], index
        return [draft for _, (_, draft) in rows]


def _written(unit: Unit, drafts: Sequence[tuple[str, Draft]]) -> list[UserError]:
    """Writes drafts; returns the warnings.

    Raises:
        Reject: one is refused.
    """
    unit.flush()
    outcomes: list[RowOutcome] = process(unit, _Prepared(drafts))
    if errors := [error for outcome in outcomes for error in outcome.errors]:
        raise Reject(*errors)
    return [warning for outcome in outcomes for warning in outcome.warnings]


def merge(
    unit: Unit, into: Record, merged: Sequence[Record], draft: Draft, staying: Collection[Reference]
) -> tuple[str, list[UserError]]:
    """Merges records into another; returns the id of the merge, and warnings.

    Args:
        unit: of work.
        into: the record that stays, locked.
        merged: the others, locked.
        draft: what changes of the record that stays: its values, tags and external ids.
        staying: references by which nothing moves, such as those of a field's history.

    Raises:
        Reject: a rule or a plugin refuses.
        PluginError: a hook failed.
    """
    kind, ids = type(into), [record.id for record in merged]
    tags = attachments.tags_of(unit.transaction, [into.id]).get(into.id, [])
    keys = attachments.external_ids_of(unit.transaction, [into.id, *ids])
    draft.external_ids = _added_keys(keys.pop(into.id, {}), [keys[id] for id in ids if id in keys])
    draft.keep_keys = True
    own = _noted_own(unit, draft, into)
    with moving(unit):
        unit.host.merge(unit.context, into, merged, unit.flush)
        warnings = _move(unit, into, {*ids}, staying)
        unit.flush()
        rows = [_noted(change) for change in (*unit.watch.follow_ups, *unit.watch.facets)]
    warnings += _written(unit, [(id, Draft(kind, Action.DELETED)) for id in ids])
    warnings += _written(unit, [(into.id, draft)])
    chain = merges.merged_into(unit.transaction, ids)
    attachments.keep(unit.transaction, [*ids, *chain], draft.external_ids.items())
    made = Merge(
        id=new_id(merges.PREFIX),
        entity_type=kind.__name__,
        into_id=into.id,
        merged_at=unit.now,
        merged_by=unit.actor.id,
        undo={
            "rows": rows,
            "own": own,
            "tags": sorted({*(draft.tags or ())} - {*tags}),
            "externalIds": draft.external_ids,
        },
    )
    unit.insert_rows(Merge, [{name: getattr(made, name) for name in rows_of(Merge, unit.transaction.dialect).names}])
    merges.lead(unit.transaction, made.id, ids, into.id)
    unit.log.note_merge(Action.MERGED, into, made.id, ids)
    return made.id, warnings


def _added_keys(own: Mapping[str, str], others: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The external ids of others in systems in which the record has none."""
    found: dict[str, str] = {}
    for keys in others:
        found |= {system: value for system, value in keys.items() if system not in own and system not in found}
    return found


def _noted_own(unit: Unit, draft: Draft, into: Record) -> dict[str, Any]:
    """What a draft changes of the record that stays, as JSON: by the names of its columns and of plugins' fields."""
    fields = {}
    for item in draft.facets:
        row = unit.held.read(item.facet, [into.id]).get(into.id)
        fields[item.name] = [shown(None if row is None else getattr(row, item.column)), shown(item.value)]
    values = {name: [shown(getattr(into, name)), shown(value)] for name, value in draft.values.items()}
    return {"values": values, "fields": fields}


# What refers to them


def references_to(unit: Unit, kind: type[Record]) -> Iterator[tuple[type[Record], Column[Any]]]:
    """The columns by which records of the core and of plugins refer to those of a type."""
    owners = (CORE, *(plugin.name for plugin in unit.host.plugins))
    for model in (model for owner in owners for model in records_of(owner)):
        for key in model.__table__.foreign_keys:
            if key.column.table is kind.__table__:
                yield model, key.parent


def _move(unit: Unit, into: Record, ids: set[str], staying: Collection[Reference]) -> list[UserError]:
    """Has all that refers to the merged records refer to the one that stays; returns warnings of what is left out."""
    warnings = []
    for model, column in sorted(references_to(unit, type(into)), key=lambda found: (found[0].__name__, found[1].key)):
        if (model, column.key) in staying:
            continue
        rows = unit.held.locked(model, _referring(unit, model, column.key, ids))
        # Those of the record that stays are among what is chosen for it.
        moving = {id: rows[id] for id in sorted(rows.keys() - ids - {into.id}) if getattr(rows[id], column.key) in ids}
        for id, twin in _twins(unit, model, column.key, into, moving).items():
            warnings.append(_leave_out(unit, moving.pop(id), twin))
        for row in moving.values():
            setattr(row, column.key, into.id)
    return warnings


def _referring(unit: Unit, model: type[Record], column: str, ids: Collection[str]) -> list[str]:
    unit.flush()
    engine = unit.transaction.dialect
    where = among(engine, quoted(engine, column), 1)
    sql = f"SELECT id FROM {quoted(engine, model.__tablename__)} WHERE {where} ORDER BY id"
    return [id for (id,) in unit.transaction.rows(SqlStatement(sql, (listed(engine, ids),)))]


# Of which there may be one


def _twins(
    unit: Unit, model: type[Record], column: str, into: Record, moving: Mapping[str, Record]
) -> dict[str, Record]:
    """Those of the records that move whose like there is already, by id, each with the one that stays."""
    rules = [unique for unique in model.__unique__ if column in unique.columns]
    if not rules or not moving:
        return {}
    there = unit.held.locked(model, _referring(unit, model, column, [into.id]))
    found: dict[str, Record] = {}
    for unique in rules:
        known = {key_of(row, unique, unit.held.region): row for row in there.values() if row.deleted_at is None}
        for id, row in moving.items():
            if row.deleted_at is None:
                before, place = key_of(row, unique, unit.held.region), list(unique.columns).index(column)
                key = None if before is None else (*before[:place], into.id, *before[place + 1 :])
                if key is not None and known.setdefault(key, row) is not row:
                    found[id] = known[key]
    return found


def _belongs(column: Column[Any]) -> bool:
    """Whether a record belongs to the one that it refers to by a column."""
    return any(key.ondelete == "CASCADE" for key in column.foreign_keys)


def _leave_out(unit: Unit, row: Any, twin: Any) -> UserError:
    """Deletes the second of two records of which there may be one, with a warning; the first gets what it lacks.

    Raises:
        Reject: others depend on the second.
    """
    for model, column in references_to(unit, type(row)):
        if _belongs(column) and _referring(unit, model, column.key, [row.id]):
            message = sentence(
                "there may be only one {record} like {first}, and {second}, which would be left out, has {parts}; "
                "delete one of them, or change what they have in common, and merge again",
                first=twin.id,
                second=row.id,
                record=noun(type(row).__name__),
                parts=noun(model.__name__),
            )
            raise Reject(UserError("CANNOT_MERGE", message, None, twin))
    row.deleted_at = unit.now
    # The database keeps that there is one, so the second goes first.
    unit.flush()
    flags = {unique.flag for unique in type(row).__unique__}
    references = {column.key for column in type(row).__table__.columns if column.foreign_keys}
    for name in rows_of(type(row), unit.transaction.dialect).plain_names:
        value = getattr(row, name)
        lacks = getattr(twin, name) is None or (name in flags and value)
        if name not in _OWN | references and value is not None and lacks:
            setattr(twin, name, value)
    message = sentence(
        "{second} was left out, since there may be only one {record} like {first}; look whether that one is as it "
        "should be",
        first=twin.id,
        second=row.id,
        record=noun(type(row).__name__),
    )
    return UserError("LEFT_OUT", message, None, twin.id, warning=True)


# Undoing


def _noted(change: Change) -> dict[str, Any]:
    """A change of a record or of a facet's row as JSON."""
    row: Any = change.record
    return {
        "table": row.__tablename__,
        "id": row.record_id if isinstance(row, Facet) else row.id,
        "action": change.action.value,
        "changes": {name: [shown(change.before.get(name)), shown(value)] for name, value in change.after.items()},
    }


def read(kind: type[Table], name: str, value: Any) -> Any:
    """A value that was noted, as a column or an amount holds it."""
    if value is None:
        return None
    if name in kind.__money__:
        return Money(Decimal(value["amount"]), value["currency"])
    return TypeAdapter(kind.__table__.c[name].info["kind"]).validate_python(value)


def unmerge(unit: Unit, made: Merge, into: Record, facets: Mapping[str, tuple[type[Facet], str]]) -> list[UserError]:
    """Undoes a merge; returns warnings about what is not restored, because it has changed since.

    Args:
        unit: of work.
        made: the merge.
        into: the record that stayed, locked.
        facets: where plugins' input fields of its type are stored, by their names.

    Raises:
        Reject: a rule or a plugin refuses.
        PluginError: a hook failed.
    """
    ids = merges.records_of_merge(unit.transaction, made.id)
    undo, kind = made.undo, type(into)
    undone = _Undone(unit)
    with moving(unit):
        undone.rows(undo["rows"])
    merges.lead_back(unit.transaction, made.id)
    draft = undone.draft(into, undo, facets)
    # External ids are given up before the others claim them, and the others are there before anything refers to them.
    freed = Draft(kind, Action.UPDATED, external_ids=undone.keys(into, undo))
    warnings = _written(unit, [(into.id, freed)])
    warnings += _written(unit, [(id, Draft(kind, Action.RESTORED)) for id in ids])
    warnings += _written(unit, [(into.id, draft)])
    unit.change_rows(Merge, [{"id": made.id, "undone_at": unit.now, "undo": {}}])
    unit.log.note_merge(Action.UNMERGED, into, made.id, ids)
    return [*warnings, *undone.warnings]


class _Undone:
    """What of a merge is undone, and what is left because it has changed since."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.warnings: list[UserError] = []

    def rows(self, noted: Sequence[Mapping[str, Any]]) -> None:
        """Undoes changes of records and of rows of facets."""
        kinds = self._kinds()
        by_table: dict[str, list[str]] = defaultdict(list)
        for one in noted:
            by_table[one["table"]].append(one["id"])
        held = {name: self._unit.held.locked(kinds[name], ids) for name, ids in by_table.items() if name in kinds}
        # What was deleted because there may be one of its kind comes back last.
        for deleted in (False, True):
            for one in noted:
                if (one["action"] == Action.DELETED) is deleted and one["action"] != Action.CREATED:
                    self._row(held.get(one["table"], {}).get(one["id"]), one)
            self._unit.flush()

    def _kinds(self) -> dict[str, type[Table]]:
        owners = (CORE, *(plugin.name for plugin in self._unit.host.plugins))
        mapped = (mapper.class_ for owner in owners for mapper in registry_of(owner).mappers)
        return {kind.__tablename__: kind for kind in mapped}

    def _row(self, row: Any, noted: Mapping[str, Any]) -> None:
        if row is None:
            self._left(noted["id"], ["id"])
            return
        left = []
        for name, (before, after) in noted["changes"].items():
            if getattr(row, name) == read(type(row), name, after):
                setattr(row, name, read(type(row), name, before))
            else:
                left.append(name)
        self._left(noted["id"], left)

    def draft(self, into: Record, undo: Mapping[str, Any], facets: Mapping[str, tuple[type[Facet], str]]) -> Draft:
        """What changes of the record that stayed."""
        kind, unit = type(into), self._unit
        draft, left = Draft(kind, Action.UPDATED), []
        for name, (before, after) in undo["own"]["values"].items():
            if getattr(into, name) == read(kind, name, after):
                draft.values[name] = read(kind, name, before)
            else:
                left.append(name)
        items = []
        for name, (before, after) in undo["own"]["fields"].items():
            if name not in facets:
                left.append(name)
                continue
            facet, column = facets[name]
            row = unit.held.read(facet, [into.id]).get(into.id)
            if row is not None and getattr(row, column) == read(facet, column, after):
                items.append(FacetValue(facet, column, name, read(facet, column, before)))
            else:
                left.append(name)
        draft.facets = items
        tags = attachments.tags_of(unit.transaction, [into.id]).get(into.id, [])
        draft.tags = [tag for tag in tags if tag not in undo["tags"]]
        self._left(into.id, left)
        return draft

    def keys(self, into: Record, undo: Mapping[str, Any]) -> dict[str, str]:
        """The external ids that it had itself."""
        keys = attachments.external_ids_of(self._unit.transaction, [into.id]).get(into.id, {})
        return dict(keys.items() - undo["externalIds"].items())

    def _left(self, id: str, names: Sequence[str]) -> None:
        if names:
            message = sentence(
                "{id}: {fields} changed since the merge, so they stay as they are; change them yourself if need be",
                id=id,
                fields=[camel(name) for name in names],
            )
            self.warnings.append(UserError("NOT_RESTORED", message, None, id, warning=True))
