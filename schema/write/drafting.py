"""From mutation inputs to drafts: records are found, matched and referred to in bulk, then the unit of work writes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from core.access.permissions import Right
from core.access.roles import Role
from core.base.actors import ActorKind
from core.base.errors import InputError, UserError
from core.base.ids import check_id, prefix_of
from core.base.sentences import noun, sentence
from core.log import attachments
from core.log.changes import Changes
from core.log.events import Action
from core.log.merges import survivors
from core.records.checks import Conventions
from core.records.record import Record, held_value
from core.unit.batches import Batch, NumberedRow
from core.unit.drafts import Draft, RowOutcome
from core.unit.phases import process
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.write.attached_checks import check_keys, check_tags, stripped_tags
from schema.write.draft_rights import DraftRights, permission_problems
from schema.write.input_checks import Checked, InputFields, checked_input, checked_together, missing
from schema.write.matching import (
    EXTERNAL_ID,
    ID,
    Asked,
    Linked,
    MatchKey,
    RowInput,
    ids_by_key,
    match_keys,
    target_of,
    upsert_locks,
)
from schema.write.overtaken import overtaken


class RecordBatch(Batch):
    """Rows of one type of record."""

    def __init__(self, drafting: "Drafting", rows: Sequence[Asked], linked: Linked, *, alone: bool) -> None:
        self._drafting = drafting
        self._linked = linked
        self.rows = rows
        self.is_alone = alone

    def marks(self, row: Asked) -> Collection[Any]:
        """What a row is known by."""
        return self._drafting.marks(row, self._linked)

    def needs(self, row: Asked) -> Collection[Any]:
        """The rows it refers to."""
        return self._drafting.needs(row)

    def drafts(self, unit: Unit, rows: Sequence[NumberedRow]) -> list[Draft]:
        """The drafts of a chunk."""
        return self._drafting.build(unit, rows)

    def afterthoughts(self, unit: Unit, changes: Changes) -> Mapping[int, Sequence[UserError]]:
        """Errors of new records that lie outside what the caller may create."""
        return self._drafting.rights.misplaced(unit, changes) if unit.permit.is_limited else {}


class Drafting:
    """Makes the drafts of one type of record, a chunk at a time."""

    def __init__(self, catalog: Catalog, record: RecordType) -> None:
        self._catalog = catalog
        self._record = record
        self._conventions = Conventions.of(catalog.settings)
        self._noun = noun(record.singular)
        self._model: type[Record] = record.model  # type: ignore[assignment]  # only records are written
        self._inputs = InputFields(record)
        #: References by the input that sets them by external id, each with the record it is to.
        self._references = {
            field.reference_name: (field, target_of(field))
            for field in record.input_fields
            if field.stored and field.stored.info.references is not None
        }
        #: What rows may be matched by, by name, and the references that are a part of it.
        self._keys = match_keys(record)
        self._key_references = {name for key in self._keys.values() for name in key.references}
        #: What callers may do with it.
        self.rights = DraftRights(catalog, record, list(self._references.values()))
        #: Those to records of the same type.
        self._alike = [
            (field.name, name) for name, (field, target) in self._references.items() if target == record.name
        ]
        self._names_alike = frozenset(name for names in self._alike for name in names)

    def write(self, unit: Unit, asked: Sequence[Asked], *, alone: bool = False) -> list[RowOutcome]:
        """Writes what is asked, a row each.

        Args:
            unit: of work.
            asked: the rows.
            alone: nothing else is written in the transaction, which is rolled back if the one row is refused.
        """
        written = [one.given for one in asked if one.action in (None, Action.CREATED)]
        linked = self._resolve_references(unit, written, self._key_references)
        if written:
            upsert_locks(unit.transaction.dialect, self._record, self._keys, asked, linked).take(unit.transaction)
        return process(unit, RecordBatch(self, asked, linked, alone=alone))

    def foresee(self, unit: Unit, id: str) -> None:
        """Has the record that will be changed read together with what is read before."""
        if prefix_of(id) == self._record.prefix:
            unit.held.foresee(self._model, [id])

    def marks(self, asked: Asked, linked: Linked) -> Collection[Any]:
        """What a row is known by, so that two rows of one record are not tried together."""
        given = asked.given
        marks: list[Any] = []
        if items := given.get("externalIds"):
            marks += [(item["system"], item["value"]) for item in items]
        if (id := given.get("id")) is not None:
            marks.append(id)
        key = self._keys.get(asked.match)
        if key is not None and (values := key.values(given, linked)) is not None:
            marks.append((key.name, *values))
        return marks

    def needs(self, asked: Asked) -> Collection[Any]:
        """The rows of the same type that a row refers to, so that they are written before it."""
        if self._names_alike.isdisjoint(asked.given):
            return ()
        needs: set[Any] = set()
        for by_id, by_key in self._alike:
            key = asked.given.get(by_key)
            needs |= {asked.given.get(by_id), (key["system"], key["value"]) if key else None}
        return needs - {None}

    def build(self, unit: Unit, items: Sequence[tuple[int, Asked]]) -> list[Draft]:
        """The drafts of a chunk."""
        found = self._find(unit, items)
        linked = self._resolve_references(unit, [asked.given for _, asked in items], self._references.keys())
        checked = self._checked(items)
        drafts = [self._draft(unit, index, asked, found[index], linked, checked.get(index)) for index, asked in items]
        if unit.permit.is_limited:
            self.rights.check(unit, drafts, {index: asked.given for index, asked in items})
        if any(draft.action in (Action.DELETED, Action.DESTROYED) and not draft.errors for draft in drafts):
            unit.announce_removal()
        return drafts

    # Finding the records meant

    def _find(self, unit: Unit, items: Sequence[tuple[int, Asked]]) -> dict[int, "Record | UserError | None"]:
        by_match: dict[str, list[tuple[int, Asked]]] = defaultdict(list)
        for index, asked in items:
            by_match[asked.match].append((index, asked))
        found: dict[int, Record | UserError | None] = {}
        for match, group in by_match.items():
            if match == ID:
                found |= self._by_id(unit, group)
            elif match == EXTERNAL_ID:
                found |= self._by_external_id(unit, group)
            else:
                found |= self._by_key(unit, group, self._keys[match])
            if match != ID:
                found |= self._contradicted(unit, group, found)
        return found

    def _contradicted(
        self, unit: Unit, items: Sequence[tuple[int, Asked]], found: Mapping[int, "Record | UserError | None"]
    ) -> dict[int, UserError]:
        """Errors of rows whose id is not that of the record they match, or cannot be that of a new one."""
        chosen = [
            (index, asked)
            for index, asked in items
            if asked.given.get("id") is not None and not isinstance(found[index], UserError)
        ]
        new = self._by_id(unit, [(index, replace(asked, action=Action.CREATED)) for index, asked in chosen])
        problems: dict[int, UserError] = {}
        for index, asked in chosen:
            id, match, as_new = asked.given["id"], found[index], new[index]
            if isinstance(match, Record) and match.id != id:
                by = "externalIds" if asked.match == EXTERNAL_ID else self._keys[asked.match].label
                problem = sentence(
                    "id: the row matches {match_id} by {by}, not {id}; leave id out, or match by id",
                    match_id=match.id,
                    by=by,
                    id=id,
                )
                problems[index] = UserError("INVALID", problem, ("id",))
            elif match is None and isinstance(as_new, UserError):
                problems[index] = as_new
        return problems

    def _load(self, unit: Unit, ids: Collection[str], *, exclusive: bool = False) -> Mapping[str, Record]:
        """Living and deleted records by id, locked until the transaction ends."""
        if not ids:
            return {}
        rows = unit.held.locked(self._model, ids, exclusive=exclusive)
        if not unit.permit.is_limited:
            return rows
        # Records that the caller may not see are not there.
        seen = unit.permit.allowed(unit.transaction.rows, self._record.name, Right.READ, rows.keys())
        return {id: row for id, row in rows.items() if id in seen}

    def _by_id(self, unit: Unit, items: Sequence[tuple[int, Asked]]) -> dict[int, "Record | UserError | None"]:
        prefix = self._record.prefix
        asked_ids = [asked.given.get("id") for _, asked in items]
        wanted = {id for id in asked_ids if id is not None and prefix_of(id) == prefix}
        # Whoever refers to a record waits until it is deleted, and finds it so.
        goes = any(asked.action in (Action.DELETED, Action.DESTROYED) for _, asked in items)
        rows = self._load(unit, wanted, exclusive=goes)
        if self._record.merges:
            rows = {**rows, **self._survivors(unit, wanted, items, rows)}
        found: dict[int, Record | UserError | None] = {}
        for (index, asked), id in zip(items, asked_ids, strict=True):
            row = None if id is None else rows.get(id)
            wrong = None if id is None or id in wanted else self._wrong(id)
            if wrong is not None:
                found[index] = wrong
            elif row is None and asked.action in (None, Action.CREATED):
                found[index] = None
            else:
                found[index] = self._expected(unit, asked, row, id)
        return found

    def _survivors(
        self, unit: Unit, ids: set[str], items: Sequence[tuple[int, Asked]], rows: Mapping[str, Record]
    ) -> Mapping[str, Record]:
        """The records that ids of merged ones lead to, where they are to be changed."""
        gone = {id for id in ids if id not in rows or held_value(rows[id], "deleted_at") is not None}
        if gone:
            gone &= {asked.given.get("id") for _, asked in items if asked.action in (None, Action.UPDATED)}
        if not gone:
            return {}
        known = survivors(unit.transaction, gone)
        living = self._load(unit, set(known.values()))
        return {id: living[into] for id, into in known.items() if into in living}

    def _wrong(self, id: str) -> UserError | None:
        try:
            check_id(id, self._record.prefix, self._record.name)
        except InputError as error:
            return UserError("INVALID", sentence("id: {problem}", problem=error.message), ("id",))
        return None

    def _expected(self, unit: Unit, asked: Asked, row: Record | None, id: str | None) -> "Record | UserError":
        """The record, if it is in the state in which the action makes sense."""
        name = self._noun
        if row is None:
            return UserError("NOT_FOUND", sentence("id: there is no {name} {id!r}", name=name, id=id), ("id",))
        deleted = held_value(row, "deleted_at") is not None
        if asked.action is Action.CREATED:
            return UserError(
                "ALREADY_EXISTS",
                sentence("id: {name} {id!r} exists already; update it, or leave id out", name=name, id=id),
                ("id",),
            )
        if asked.action is Action.RESTORED and not deleted:
            return UserError("NOT_DELETED", sentence("id: {name} {id!r} is not deleted", name=name, id=id), ("id",))
        if deleted and asked.action is Action.RESTORED and (known := survivors(unit.transaction, {row.id})):
            problem = sentence("id: {id!r} was merged into {into}; undo that by unmerge", id=row.id, into=known[row.id])
            return UserError("MERGED", problem, ("id",))
        if deleted and asked.action not in (Action.RESTORED, Action.DESTROYED):
            return UserError(
                "DELETED", sentence("id: {name} {id!r} is deleted; restore it first", name=name, id=id), ("id",)
            )
        expected = asked.given.get("expectedVersion")
        if expected is not None and expected != row.version:
            return overtaken(unit, self._record, row, expected)
        return row

    def _by_external_id(self, unit: Unit, items: Sequence[tuple[int, Asked]]) -> dict[int, "Record | UserError | None"]:
        keys = {
            index: {(item["system"], item["value"]) for item in asked.given.get("externalIds") or ()}
            for index, asked in items
        }
        known = attachments.records_by_external_id(unit.transaction, self._record.name, set().union(*keys.values()))
        ids = {index: {known[key] for key in asked if key in known} for index, asked in keys.items()}
        without = {index: _without("externalIds") for index, asked in keys.items() if not asked}
        return without | self._matched(unit, ids, without, "externalIds", "externalIds")

    def _by_key(
        self, unit: Unit, items: Sequence[tuple[int, Asked]], key: MatchKey
    ) -> dict[int, "Record | UserError | None"]:
        linked = self._resolve_references(unit, [asked.given for _, asked in items], key.references)
        wanted = {index: values for index, asked in items if (values := key.values(asked.given, linked)) is not None}
        known = ids_by_key(unit.transaction, self._model, key, set(wanted.values()))
        ids = {index: known[values] for index, values in wanted.items()}
        without = {
            index: _without(name, key) for index, asked in items if (name := key.missing(asked.given)) is not None
        }
        return without | self._matched(unit, ids, without, key.label, key.fields[-1].name)

    def _matched(
        self, unit: Unit, ids: Mapping[int, set[str]], without: Collection[int], by: str, field: str
    ) -> dict[int, "Record | UserError | None"]:
        """The records that rows match, by row; `by` is what they are matched by as messages name it."""
        rows = self._load(unit, {id for found in ids.values() for id in found})
        found: dict[int, Record | UserError | None] = {}
        for index, several in ids.items():
            if index in without:
                continue
            known = several & rows.keys()
            if several and not known:
                problem = sentence("{field}: it belongs to a record that you may not see; use another one", field=by)
                found[index] = UserError("TAKEN", problem, (field,))
            elif len(several) > 1:
                problem = sentence(
                    "{field}: {count} records match: {named}; match by id",
                    field=by,
                    count=len(several),
                    named=sorted(known)[:5],
                )
                found[index] = UserError("AMBIGUOUS", problem, (field,))
            else:
                found[index] = rows[next(iter(several))] if several else None
        return found

    # References by external id

    def _resolve_references(self, unit: Unit, items: Sequence[RowInput], names: Set[str]) -> Linked:
        """What external ids mean that these inputs refer by, for all rows at once."""
        asked: dict[str, set[tuple[str, str]]] = defaultdict(set)
        if names.isdisjoint(set().union(*items)):
            return {}
        for given in items:
            for name in names & given.keys():
                key = given[name]
                if key is not None:
                    asked[self._references[name][1]].add((key["system"], key["value"]))
        linked = {
            target: attachments.records_by_external_id(unit.transaction, target, keys) for target, keys in asked.items()
        }
        seen = {
            target: unit.permit.allowed(unit.transaction.rows, target, Right.READ, set(known.values()))
            for target, known in linked.items()
        }
        return {
            (target, *key): id for target, known in linked.items() for key, id in known.items() if id in seen[target]
        }

    # Drafts

    def _checked(self, items: Sequence[tuple[int, Asked]]) -> Mapping[int, Checked]:
        """What is set by rows that give the same fields, but for those that are to be looked at one by one."""
        if len(items) == 1:
            return {}
        alike: dict[tuple[str, ...], list[tuple[int, RowInput]]] = defaultdict(list)
        for index, asked in items:
            alike[*asked.given].append((index, asked.given))
        checked: dict[int, Checked] = {}
        for rows in alike.values():
            if found := checked_together(self._inputs, [given for _, given in rows], self._conventions):
                checked |= zip((index for index, _ in rows), found, strict=True)
        return checked

    def _draft(
        self,
        unit: Unit,
        index: int,
        asked: Asked,
        found: "Record | UserError | None",
        linked: Linked,
        checked: Checked | None,
    ) -> Draft:
        if isinstance(found, UserError):
            return Draft(self._model, Action.UPDATED, errors=[found], index=index)
        action = asked.action or (Action.CREATED if found is None else Action.UPDATED)
        if action not in (Action.CREATED, Action.UPDATED):
            return Draft(self._model, action, found, index=index, occurred_at=asked.occurred_at, reason=asked.reason)
        if checked is None:
            is_import = unit.actor.kind is ActorKind.IMPORT
            checked = checked_input(
                self._inputs,
                asked.given,
                self._conventions,
                creating=action is Action.CREATED,
                keeps_malformed=is_import,
            )
        draft = Draft(
            self._model,
            action,
            found,
            checked.values,
            checked.facets,
            errors=[*checked.errors],
            occurred_at=asked.occurred_at,
            reason=asked.reason,
            index=index,
            said=checked.said,
            warnings=checked.warnings,
        )
        self._complete(draft, asked, linked, is_whole=checked.is_whole)
        return draft

    def _complete(self, draft: Draft, asked: Asked, linked: Linked, *, is_whole: bool) -> None:
        """Adds what is not checked field by field; a whole input gives all that a new record needs."""
        given = asked.given
        if not self._references.keys().isdisjoint(given):
            for name in self._references:
                self._link(draft, name, given, linked)
        if asked.extra:
            draft.values |= asked.extra
        if "tags" in given:
            draft.tags = stripped_tags(given["tags"] or ())
            draft.errors += check_tags(draft.tags)
        if "externalIds" in given:
            keys = given["externalIds"] or ()
            draft.external_ids = {item["system"]: item["value"] for item in keys}
            draft.keep_keys = asked.action is None
            draft.errors += check_keys(keys)
        if draft.model is Role and "permissions" in draft.values:
            draft.errors += permission_problems(self._catalog, draft.values["permissions"])
        if draft.action is Action.CREATED:
            if given.get("id"):
                draft.values["id"] = given["id"]
            if not is_whole:
                faulty = {error.field[0] for error in draft.errors if error.field}
                draft.errors += missing(self._inputs, draft.values, faulty)

    def _link(self, draft: Draft, name: str, given: RowInput, linked: Linked) -> None:
        if name not in given:
            return
        field, target = self._references[name]
        key, stored = given[name], field.stored
        assert stored is not None
        if key is None:
            if field.name not in given:
                self._unlink(draft, field, name)
            return
        if given.get(field.name) is not None:
            problem = sentence("{name}: give either {field} or {name}", name=name, field=field.name)
            draft.errors.append(UserError("INVALID", problem, (name,)))
            return
        id = linked.get((target, key["system"], key["value"]))
        if id is None:
            problem = sentence(
                "{name}: no {record} has the external id {key!r} of {system!r}; create it first",
                name=name,
                record=noun(target),
                key=key["value"],
                system=key["system"],
            )
            draft.errors.append(UserError("NOT_FOUND", problem, (name,)))
        else:
            draft.values[stored.column] = id

    def _unlink(self, draft: Draft, field: CatalogField, name: str) -> None:
        assert field.stored is not None
        if field.stored.nullable:
            draft.values[field.stored.column] = None
        elif draft.action is Action.UPDATED:
            problem = sentence("{name}: null is not allowed; give a value, or leave it out", name=name)
            draft.errors.append(UserError("REQUIRED", problem, (name,)))


def _without(field: str, key: MatchKey | None = None) -> UserError:
    """The error of a row that does not say what it is matched by."""
    if key is None or len(key.fields) == 1:
        problem = sentence("{field}: rows are matched by it, so every row needs it", field=field)
    else:
        problem = sentence(
            "{field}: rows are matched by {fields} together, so every row needs it; give it, or match otherwise",
            field=field,
            fields=key.label,
        )
    return UserError("REQUIRED", problem, (field,))
