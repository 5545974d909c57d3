"""Personal data of a contact or customer: all of it exported, or erased."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import col, select

from core.access.audit import AuditAction
from core.access.permissions import ADMINISTER, EXPORT, Right
from core.base.errors import InputError, UserError
from core.base.ids import prefix_of
from core.base.sentences import sentence
from core.base.text import camel
from core.crm.customers import Contact, Customer
from core.db.types import timestamp_text
from core.log import attachments
from core.log.merges import forget_undo, merged_into, survivors
from core.records.checks import check_text
from core.records.columns import column_info
from core.records.record import Facet, Record, Table
from core.records.vocabulary import CustomerKind
from core.unit.drafts import OutcomeStatus, RowOutcome, failure
from core.unit.personal_data import PersonalFields, StoredData, erase, shown_row
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog
from schema.request.permits import AccessPermit, refused
from schema.types.builder import Argument, Builder, Member
from schema.write.answers import Mutation, MutationInput
from schema.write.mutations import DRY_RUN, ERRORS, KEY, REQUEST_ID, WARNINGS

_LONGEST_REASON = 1000
_SUBJECTS: Mapping[str, type[Record]] = {"con": Contact, "cus": Customer}


@dataclass(slots=True)
class _Exported(RowOutcome):
    """The outcome of an export: what is stored."""

    data: Mapping[str, Any] = field(default_factory=dict)


def personal_data_mutations(builder: Builder, catalog: Catalog) -> dict[str, Mutation]:
    """`exportPersonalData` and `erasePersonalData`."""
    return {"exportPersonalData": _export(builder, catalog), "erasePersonalData": _erase(builder, catalog)}


def _subject(unit: Unit, id: str, right: Right) -> Record | UserError:
    """The contact or customer, deleted or not, locked, or why the caller may not do that with it."""
    id = survivors(unit.transaction, {id}).get(id, id)
    kind = _SUBJECTS.get(prefix_of(id) or "")
    missing = UserError("NOT_FOUND", sentence("id: there is no contact or customer {id!r}", id=id), ("id",))
    if kind is None or id not in unit.permit.allowed(unit.transaction.rows, kind.__name__, Right.READ, [id]):
        return missing
    found = unit.held.locked(kind, [id]).get(id)
    if found is None:
        return missing
    if id not in unit.permit.allowed(unit.transaction.rows, kind.__name__, right, [id]):
        return refused(kind.__name__, right, id)
    return found  # type: ignore[no-any-return]  # as its kind


# Export


def _export(builder: Builder, catalog: Catalog) -> Mutation:
    builder.input(
        "ExportPersonalDataInput", "Whose data is exported.", [Member("id", "ID", "Id of a contact or customer.")]
    )
    builder.output(
        "ExportPersonalDataPayload",
        "The outcome.",
        [
            Member(
                "data",
                "JSON | None",
                "The record, its tags and external ids, what is stored about it by table, and its events; without what "
                "you may not see, which `leftOut` lists. Null if it was refused.",
            ),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        found = _subject(unit, given["id"], Right.READ)
        if isinstance(found, UserError):
            return [failure(0, [found])]
        unit.audit(AuditAction.EXPORTED, found.id)
        data = _Export(unit, catalog, found).document()
        return [_Exported(0, OutcomeStatus.UNCHANGED, found.id, data=data)]

    return Mutation(
        Member(
            "exportPersonalData",
            "ExportPersonalDataPayload",
            "Exports all that is stored about a contact or customer, by the core and by plugins. It is audited.",
            [Argument("input", "ExportPersonalDataInput", "The input.")],
        ),
        "exportPersonalData",
        work,
        _exported,
        permission=EXPORT,
    )


def _exported(given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    (outcome,) = outcomes
    data = outcome.data if isinstance(outcome, _Exported) else None
    return {"data": data, "userErrors": outcome.errors, "warnings": outcome.warnings}


class _Export:
    """All that is stored about a record, as far as the caller may see it."""

    def __init__(self, unit: Unit, catalog: Catalog, record: Record) -> None:
        self._unit = unit
        self._catalog = catalog
        self._record = record
        self._stored = StoredData(unit, record)
        self._left_out: set[str] = set()

    def document(self) -> dict[str, Any]:
        """It as JSON."""
        by_kind = {self._stored.models[table]: table for table in self._stored.keys}
        rows = {kind: self._rows(kind) for kind in sorted(by_kind, key=lambda kind: kind.__tablename__)}
        seen = {row["id"] for kind, several in rows.items() if issubclass(kind, Record) for row in several}
        (own,) = rows.pop(type(self._record))
        id = self._record.id
        tags = attachments.tags_of(self._unit.transaction, [id]).get(id, [])
        return {
            "type": type(self._record).__name__,
            "record": own,
            "tags": tags,
            "externalIds": attachments.external_ids_of(self._unit.transaction, [id]).get(id, {}),
            "related": {_name(kind): several for kind, several in rows.items() if several},
            "events": self._events(seen),
            "leftOut": sorted(self._left_out),
        }

    def _rows(self, kind: type[Table]) -> list[dict[str, Any]]:
        names = self._names(kind)
        if names is None:
            self._left_out.add(_name(kind))
            return []
        self._left_out |= {f"{_name(kind)}.{name}" for name, is_shown in names.items() if not is_shown}
        rows = [shown_row(kind, row) for row in self._stored.rows(kind.__table__)]
        if issubclass(kind, Record):
            ids = [row["id"] for row in rows]
            seen = self._unit.permit.allowed(self._unit.transaction.rows, kind.__name__, Right.READ, ids)
            if len(seen) < len(ids):
                self._left_out.add(_name(kind))
            rows = [row for row in rows if row["id"] in seen]
        return [{name: value for name, value in row.items() if names.get(name, True)} for row in rows]

    def _names(self, kind: type[Table]) -> dict[str, bool] | None:
        """The names of columns, each with whether the caller may see it; None where it may see none."""
        permit = self._unit.permit
        if issubclass(kind, Record):
            record = self._catalog.records.get(kind.__name__)
            if record is None or not permit.may(kind.__name__, Right.READ):
                return None
            return {name: permit.has(made.permission) for name, made in record.fields.items()}
        names = {camel(column.key): permit.has(column_info(column).permission) for column in kind.__table__.columns}
        if issubclass(kind, Facet):
            fields = {name: made for (facet, name), made in self._catalog.facet_fields.items() if facet is kind}
            allowed = {name: permit.has(made.permission) for name, made in fields.items()}
            if not all(allowed.values()):
                # What no field shows is as secret as what one does.
                names = dict.fromkeys(names, False) | {"recordId": True}
            names |= {camel(name): is_allowed for name, is_allowed in allowed.items()}
        return names

    def _events(self, seen: Collection[str]) -> list[dict[str, Any]]:
        rule = self._unit.permit.access.rows.get("Event") if isinstance(self._unit.permit, AccessPermit) else None
        hidden: Collection[str] = getattr(rule, "types", ())
        fields: Mapping[str, Collection[str]] = getattr(rule, "fields", {})
        return [
            {
                "type": event.type,
                "entityType": event.entity_type,
                "entityId": event.entity_id,
                "occurredAt": timestamp_text(event.occurred_at),
                "changes": {
                    name: pair for name, pair in event.changes.items() if name not in fields.get(event.entity_type, ())
                },
                "data": event.data,
            }
            for event in self._stored.events()
            if event.entity_id in seen and event.type not in hidden
        ]


def _name(kind: type[Table]) -> str:
    return kind.__name__ if issubclass(kind, Record) else kind.__tablename__


# Erasure


def _erase(builder: Builder, catalog: Catalog) -> Mutation:
    builder.input(
        "ErasePersonalDataInput",
        "Whose data is erased.",
        [
            Member("id", "ID", "Id of a contact or customer, deleted or not."),
            Member("reason", "str", "Why; the log keeps it, so name nobody in it."),
            Member(
                "contacts",
                "bool",
                "Erase the contacts of a company too. Those of an individual always are.",
                default=False,
            ),
            DRY_RUN,
            KEY,
        ],
    )
    builder.output(
        "ErasePersonalDataPayload",
        "The outcome.",
        [
            Member("isChanged", "bool", "Whether there was anything to erase."),
            Member("contact", "Contact | None", "The contact as it is now; null unless one was erased."),
            Member("customer", "Customer | None", "The customer as it is now; null unless one was erased."),
            ERRORS,
            WARNINGS,
            REQUEST_ID,
        ],
    )

    def work(unit: Unit, given: MutationInput) -> list[RowOutcome]:
        try:
            check_text(given["reason"], _LONGEST_REASON)
        except InputError as error:
            return [
                failure(0, [UserError("INVALID", sentence("reason: {problem}", problem=error.message), ("reason",))])
            ]
        found = _subject(unit, given["id"], Right.DESTROY)
        if isinstance(found, UserError):
            return [failure(0, [found])]
        people = _people(unit, found) if _is_asked(found, given) else {}
        allowed = unit.permit.allowed(unit.transaction.rows, Contact.__name__, Right.DESTROY, people.keys())
        if kept := people.keys() - set(allowed):
            return [failure(0, [refused(Contact.__name__, Right.DESTROY, min(kept))])]
        unit.lock_done()
        records = [*_merged(unit, [*people.values(), found]), *people.values(), found]
        unit.host.erase(unit.context, records, unit.flush)
        forget_undo(unit.transaction, [record.id for record in records])
        erased = [record for record in records if erase(unit, record, _personal_fields(catalog))]
        for record in erased:
            unit.log.publish(f"{type(record).__name__.upper()}_ERASED", record, reason=given["reason"])
            unit.audit(AuditAction.ERASED, record.id, given["reason"])
        status = OutcomeStatus.UPDATED if erased else OutcomeStatus.UNCHANGED
        return [RowOutcome(0, status, found.id)]

    return Mutation(
        Member(
            "erasePersonalData",
            "ErasePersonalDataPayload",
            "Erases what is personal about a contact or customer for good: in its record, in what is stored about it "
            "by the core and by plugins, and in the log. Amounts, counts and references stay.",
            [Argument("input", "ErasePersonalDataInput", "The input.")],
        ),
        "erasePersonalData",
        work,
        _erased,
        permission=ADMINISTER,
        is_lasting=True,
    )


def _merged(unit: Unit, records: Sequence[Record]) -> list[Any]:
    """The records that were merged into some: they are about the same."""
    found: list[Any] = []
    for kind in _SUBJECTS.values():
        ids = merged_into(unit.transaction, [record.id for record in records if isinstance(record, kind)])
        found += unit.held.locked(kind, ids).values()
    return found


def _is_asked(record: Record, given: MutationInput) -> bool:
    """Whether the contacts of a customer are erased with it."""
    return isinstance(record, Customer) and (given["contacts"] or record.kind is CustomerKind.INDIVIDUAL)


def _people(unit: Unit, customer: Record) -> dict[str, Any]:
    """The contacts of a customer, deleted or not, locked."""
    query = select(Contact.id).where(col(Contact.customer_id) == customer.id)
    return unit.held.locked(Contact, unit.session.exec(query).all())


def _personal_fields(catalog: Catalog) -> PersonalFields:
    names: dict[str, set[str]] = defaultdict(set)
    for record in catalog.records.values():
        names[record.name] = {made.name for made in (*record.fields.values(), *record.said.values()) if made.personal}
    return PersonalFields(names, {place for place, made in catalog.facet_fields.items() if made.personal})


def _erased(given: MutationInput, outcomes: Sequence[RowOutcome]) -> Mapping[str, Any]:
    (outcome,) = outcomes
    prefix = prefix_of(outcome.id or "")
    return {
        "isChanged": outcome.status is OutcomeStatus.UPDATED,
        "contact": outcome.id if prefix == "con" else None,
        "customer": outcome.id if prefix == "cus" else None,
        "userErrors": outcome.errors,
        "warnings": outcome.warnings,
    }
