"""`mergeCustomers`, `mergeContacts` and `unmerge`."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from core.access.permissions import Right
from core.base.errors import Reject, UserError
from core.base.sentences import noun, sentence
from core.base.text import words
from core.crm.customers import Contact, Customer
from core.db.locks import take
from core.db.transaction import mark
from core.log import attachments
from core.log.changes import shown
from core.log.events import Action
from core.log.merges import Merge, records_of_merge, survivors
from core.records.fields import History
from core.records.record import Facet, Record, record_named
from core.records.rows import rows_of
from core.unit.drafts import Draft, FacetValue, OutcomeStatus, RowOutcome, failure
from core.unit.merging import Reference, merge, unmerge
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.request.permits import refused
from schema.types.builder import Argument, Builder, Member
from schema.types.inputs import said_members
from schema.write.answers import Mutation, MutationInput, MutationRefusal, record_id
from schema.write.mutations import DRY_RUN, ERRORS, KEY, REQUEST_ID, VERSION, WARNINGS
from schema.write.overtaken import overtaken

#: Records that can be merged.
_KINDS: Sequence[type[Record]] = (Customer, Contact)
#: So many can be merged into one at once.
_MOST = 20


def merge_mutations(builder: Builder, catalog: Catalog) -> dict[str, Mutation]:
    """`mergeCustomers`, `mergeContacts` and `unmerge`."""
    _add_types(builder)
    merging = [_merge(builder, catalog, catalog.records[kind.__name__]) for kind in _KINDS]
    return {mutation.member.name: mutation for mutation in (*merging, _unmerge(builder, catalog))}


def _add_types(builder: Builder) -> None:
    builder.input(
        "FieldChoice",
        "Whose value of a field the record gets that stays.",
        [Member("field", "str", "Name of the field."), Member("id", "ID", "The record whose value it is.")],
    )
    builder.output(
        "MergedValue",
        "The value that a field has in one of the records.",
        [Member("recordId", "ID", "The record."), Member("value", "JSON", "The value.")],
    )
    builder.output(
        "MergedField",
        "A field of the records that are merged.",
        [
            Member("field", "str", "Its name."),
            Member("values", "list[MergedValue]", "Its value in each record."),
            Member("takenFrom", "ID | None", "The record whose value is taken; null if they are joined."),
            Member("value", "JSON", "The value that is taken."),
        ],
    )


def _merge(builder: Builder, catalog: Catalog, record: RecordType) -> Mutation:
    name, plural = record.name, record.plural_type
    builder.input(
        f"Merge{plural}Input",
        f"The {words(record.plural)} that are merged.",
        [
            Member("id", "ID", "The one that stays."),
            Member("mergeIds", "list[ID]", f"The others, {_MOST} at most, whose ids lead to it from then on."),
            VERSION,
            Member(
                "fields",
                "list[FieldChoice] | None",
                "Whose value of a field is taken. By default that of the one that stays, where it has any, else of the "
                "first of the others that has one; of yes and no, yes.",
            ),
            *said_members(record),
            DRY_RUN,
            KEY,
        ],
    )
    builder.output(
        f"Merge{plural}Payload",
        "The outcome.",
        [
            Member(
                record.singular,
                f"{name} | None",
                "The one that stays, as it is now; null if it was refused, unless by CONFLICT.",
            ),
            Member("mergeId", "ID | None", "Id of the merge, for `unmerge`; null in a dry run."),
            Member("fields", "list[MergedField]", "The fields of which they have different values, and what is taken."),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )
    staying = _histories(catalog)

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        found = _found(unit, record, given)
        if isinstance(found, UserError):
            return [failure(0, [found])]
        into, merged = found[0], found[1:]
        unit.lock_done()
        choices = _Choices(unit, record, found, given)
        if choices.errors:
            return [failure(0, choices.errors)]
        draft = choices.draft()
        draft.said = {said: given[said] for said in record.said if given.get(said) is not None}
        try:
            id, warnings = merge(unit, into, merged, draft, staying)
        except Reject as reject:
            raise MutationRefusal(reject.errors) from None
        answer = {"mergeId": id, "fields": choices.shown()}
        return [RowOutcome(0, OutcomeStatus.UPDATED, into.id, (), warnings, answer)]

    return Mutation(
        Member(
            f"merge{plural}",
            f"Merge{plural}Payload",
            f"Merges {words(record.plural)} into one of them: what refers to the others refers to it, what they alone "
            "have it gets, and their ids lead to it. It can be undone by `unmerge` for some time.",
            [Argument("input", f"Merge{plural}Input", "The input.")],
        ),
        f"MERGE:{name}",
        work,
        partial(_merged, record),
        rights=[(name, Right.CHANGE), (name, Right.DELETE)],
    )


def _merged(record: RecordType, given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    (outcome,) = outcomes
    answer = outcome.answer or {"mergeId": None, "fields": ()}
    return {
        record.singular: record_id(outcome, dry=given["dryRun"]),
        "mergeId": None if given["dryRun"] else answer["mergeId"],
        "fields": answer["fields"],
        "userErrors": outcome.errors,
        "warnings": outcome.warnings,
    }


def _histories(catalog: Catalog) -> frozenset[Reference]:
    """The references by which histories of fields are kept: what was is not moved to another record."""
    fields = (field for record in catalog.records.values() for field in record.fields.values())
    return frozenset((each.history.record, each.history.by) for each in fields if isinstance(each.history, History))


def _found(unit: Unit, record: RecordType, given: MutationInput) -> list[Any] | UserError:
    """The records, the one that stays first, locked; or why they cannot be merged."""
    ids, kind = [given["id"], *given["mergeIds"]], record_named(record.name)
    if len(ids) != len({*ids}) or not 1 < len(ids) <= _MOST + 1:
        message = sentence("mergeIds: give 1 to {most} ids, each once, and not that of the one that stays", most=_MOST)
        return UserError("INVALID", message, ("mergeIds",))
    # Of two merges of the same records in another order neither waits for the other.
    take(unit.transaction, None, [("merge", record.name)])
    rows = unit.held.locked(kind, ids, exclusive=True)
    permit, fetch = unit.permit, unit.transaction.rows
    seen = permit.allowed(fetch, record.name, Right.READ, rows.keys())
    for id in ids:
        field = "id" if id == given["id"] else "mergeIds"
        if id not in seen or rows[id].deleted_at is not None:
            return _absent(unit, record, id, field)
    for right in (Right.CHANGE, Right.DELETE):
        if hidden := {*ids} - {*permit.allowed(fetch, record.name, right, ids)}:
            return refused(record.name, right, min(hidden))
    expected = given.get("expectedVersion")
    if expected is not None and expected != rows[ids[0]].version:
        return overtaken(unit, record, rows[ids[0]], expected)
    return [rows[id] for id in ids]


def _absent(unit: Unit, record: RecordType, id: str, field: str) -> UserError:
    """The error of an id that no living record has: it leads to another where it was merged."""
    into = survivors(unit.transaction, {id}).get(id)
    if into is not None and unit.permit.allowed(unit.transaction.rows, record.name, Right.READ, [into]):
        message = sentence(
            "{field}: {id!r} was merged into {into}; give that one",
            field=field,
            id=id,
            into=into,
        )
        return UserError("MERGED", message, (field,))
    message = sentence(
        "{field}: there is no {record} {id!r}; give the id of one that is not deleted",
        field=field,
        record=noun(record.singular),
        id=id,
    )
    return UserError("NOT_FOUND", message, (field,))


@dataclass(slots=True)
class _Chosen:
    """A field with its values in each record, and the one whose value is taken."""

    field: CatalogField
    values: Sequence[Any]
    place: int

    @property
    def value(self) -> Any:
        return self.values[self.place]


def _says(value: Any) -> bool:
    """Whether a value says anything: a flag that is not set does not."""
    return value not in (None, [], "", False) or type(value) in (int, Decimal)


class _Choices:
    """Whose value of each field is taken."""

    def __init__(self, unit: Unit, record: RecordType, rows: Sequence[Any], given: MutationInput) -> None:
        self._unit = unit
        self._record = record
        self._rows = rows
        self._ids = [row.id for row in rows]
        self.errors: list[UserError] = []
        self._asked = dict(self._checked(given.get("fields") or ()))
        self._chosen = [self._choose(field) for field in self._fields()]
        tags = attachments.tags_of(unit.transaction, self._ids)
        self._tags = [sorted(tags.get(id, [])) for id in self._ids]

    def _fields(self) -> Iterator[CatalogField]:
        return (field for field in self._record.input_fields if field.stored and field.name not in self._record.said)

    def _checked(self, asked: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, int]]:
        known = {field.name: field for field in self._fields()}
        times = Counter(choice["field"] for choice in asked)
        for choice in asked:
            name, problem = choice["field"], None
            if name not in known:
                problem = sentence("there is no field {name!r} that is chosen", name=name)
            elif times[name] > 1:
                problem = sentence("{name!r} is chosen {times} times; choose it once", name=name, times=times[name])
            elif choice["id"] not in self._ids:
                problem = sentence("{id!r} is not one of the records that are merged", id=choice["id"])
            elif not self._unit.permit.has(known[name].permission):
                permission = known[name].permission
                problem = sentence("{name}: needs the permission {permission}", name=name, permission=permission)
            if problem is None:
                yield name, self._ids.index(choice["id"])
            else:
                self.errors.append(UserError("INVALID", sentence("fields: {problem}", problem=problem), ("fields",)))

    def _choose(self, field: CatalogField) -> _Chosen:
        values = [self._free(field, value) for value in self._values(field)]
        place = self._asked.get(field.name)
        if place is None:
            place = next((place for place, value in enumerate(values) if _says(value)), 0)
        return _Chosen(field, values, place)

    def _free(self, field: CatalogField, value: Any) -> Any:
        """A value, but for references to one of the records: none belongs to itself."""
        return None if field.refers and value in self._ids else value

    def _values(self, field: CatalogField) -> list[Any]:
        assert field.stored is not None
        facet, column = field.stored.facet, field.stored.column
        if facet is None:
            return [getattr(row, column) for row in self._rows]
        rows = self._unit.held.read(facet, self._ids)
        return [getattr(rows[id], column) if id in rows else None for id in self._ids]

    def draft(self) -> Draft:
        """What changes of the record that stays."""
        kind: Any = type(self._rows[0])
        draft, facets = Draft(kind, Action.UPDATED), []
        for chosen in self._chosen:
            stored = chosen.field.stored
            assert stored is not None
            if stored.facet is None and chosen.value != getattr(self._rows[0], stored.column):
                draft.values[stored.column] = chosen.value
            elif stored.facet is not None and chosen.value != chosen.values[0]:
                facets.append(FacetValue(stored.facet, stored.column, chosen.field.name, chosen.value))
        draft.facets = facets
        draft.tags = sorted({tag for tags in self._tags for tag in tags})
        return draft

    def shown(self) -> list[dict[str, Any]]:
        """The fields of which they have different values, as far as the caller may see them."""
        found = [
            self._shown(chosen.field.name, chosen.values, self._ids[chosen.place], chosen.value)
            for chosen in self._chosen
            if self._unit.permit.has(chosen.field.permission) and any(one != chosen.value for one in chosen.values)
        ]
        if any(tags != self._tags[0] for tags in self._tags):
            found.append(self._shown("tags", self._tags, None, sorted({tag for tags in self._tags for tag in tags})))
        return found

    def _shown(self, name: str, values: Sequence[Any], taken: str | None, value: Any) -> dict[str, Any]:
        pairs = [{"recordId": id, "value": shown(one)} for id, one in zip(self._ids, values, strict=True)]
        return {"field": name, "values": pairs, "takenFrom": taken, "value": shown(value)}


def _unmerge(builder: Builder, catalog: Catalog) -> Mutation:
    builder.input("UnmergeInput", "The merge that is undone.", [Member("mergeId", "ID", "Its id."), DRY_RUN, KEY])
    builder.output(
        "UnmergePayload",
        "The outcome.",
        [
            Member("customer", "Customer | None", "The customer that stayed; null unless customers were merged."),
            Member("contact", "Contact | None", "The contact that stayed; null unless contacts were merged."),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )
    fields = {kind.__name__: dict(_facet_fields(catalog.records[kind.__name__])) for kind in _KINDS}
    days = catalog.settings.unmerge_days

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        found = _undoable(unit, given["mergeId"], timedelta(days=days))
        if isinstance(found, UserError):
            return [failure(0, [found])]
        made, into = found
        unit.lock_done()
        try:
            warnings = unmerge(unit, made, into, fields[made.entity_type])
        except Reject as reject:
            raise MutationRefusal(reject.errors) from None
        return [RowOutcome(0, OutcomeStatus.UPDATED, into.id, (), warnings)]

    return Mutation(
        Member(
            "unmerge",
            "UnmergePayload",
            f"Undoes a merge within {days} days: the records that were merged are there again, and what it moved goes "
            "back to them. What has changed since stays as it is, with a warning.",
            [Argument("input", "UnmergeInput", "The input.")],
        ),
        "UNMERGE",
        work,
        _unmerged,
    )


def _unmerged(given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    (outcome,) = outcomes
    gone = given["dryRun"] or outcome.status is OutcomeStatus.FAILED
    prefix = (outcome.id or "").partition("_")[0]
    return {
        "customer": outcome.id if prefix == Customer.__prefix__ and not gone else None,
        "contact": outcome.id if prefix == Contact.__prefix__ and not gone else None,
        "userErrors": outcome.errors,
        "warnings": outcome.warnings,
    }


def _facet_fields(record: RecordType) -> Iterator[tuple[str, tuple[type[Facet], str]]]:
    for field in record.input_fields:
        if field.stored is not None and field.stored.facet is not None:
            yield field.name, (field.stored.facet, field.stored.column)


def _undoable(unit: Unit, id: str, within: timedelta) -> tuple[Merge, Record] | UserError:
    """The merge and the record that stayed, locked; or why it cannot be undone."""
    rows, engine = rows_of(Merge, unit.transaction.dialect), unit.transaction.dialect
    missing = UserError("NOT_FOUND", sentence("mergeId: there is no merge {id!r}", id=id), ("mergeId",))
    asked = rows.select(f"WHERE id = {mark(engine, 1)}", id)
    found = rows.all_made(unit.transaction.rows(asked))
    if not found:
        return missing
    kind = record_named(found[0].entity_type)
    take(unit.transaction, None, [("merge", kind.__name__)])
    into = unit.held.locked(kind, [found[0].into_id], exclusive=True).get(found[0].into_id)
    # Read again once nobody else can undo it.
    (made,) = rows.all_made(unit.transaction.rows(asked))
    parts = records_of_merge(unit.transaction, made.id)
    gone = {*parts} - unit.held.locked(kind, parts, exclusive=True).keys()
    everything = {made.into_id, *parts} - gone
    permit, fetch = unit.permit, unit.transaction.rows
    if into is None or made.into_id not in permit.allowed(fetch, kind.__name__, Right.READ, [made.into_id]):
        return missing
    for right in (Right.CHANGE, Right.DELETE):
        if hidden := everything - {*permit.allowed(fetch, kind.__name__, right, everything)}:
            return refused(kind.__name__, right, min(hidden))
    if problem := _problem(unit, made, into, gone, within):
        return UserError("CANNOT_UNMERGE", sentence("mergeId: {problem}", problem=problem), ("mergeId",))
    return made, into


def _problem(unit: Unit, made: Merge, into: Record, gone: Collection[str], within: timedelta) -> str | None:
    if made.undone_at is not None:
        return sentence("{id!r} was undone on {at} already", id=made.id, at=made.undone_at)
    if unit.now - made.merged_at > within:
        return sentence("it is of {at}, longer ago than the {days} days set", at=made.merged_at, days=within.days)
    if not made.undo:
        return sentence("what it changed was erased with the personal data of {id}", id=into.id)
    if gone:
        return sentence("{id} was destroyed since", id=min(gone))
    if into.deleted_at is not None:
        return sentence("{id} is deleted or merged itself; restore it or undo that merge first", id=into.id)
    return None
