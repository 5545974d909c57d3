"""What callers may do with the records they write: of which, with which fields, and with what they refer to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from core.access.permissions import Right, check
from core.access.permit import Permit
from core.base.errors import InputError, UserError
from core.base.sentences import noun, sentence, term
from core.base.text import camel
from core.log.changes import Changes
from core.log.events import Action
from core.log.merges import survivors
from core.unit.drafts import Draft
from core.unit.unit import Unit
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.request.permits import RIGHTS, refused
from schema.write.matching import RowInput


class DraftRights:
    """What callers may do with one type of record."""

    def __init__(self, catalog: Catalog, record: RecordType, references: Sequence[tuple[CatalogField, str]]) -> None:
        """For one type of record.

        Args:
            catalog: of the app.
            record: the type.
            references: its fields that refer to records, each with the type of those.
        """
        self._catalog = catalog
        self._record = record
        self._references = references

    def check(self, unit: Unit, drafts: Sequence[Draft], given: Mapping[int, RowInput]) -> None:
        """Adds to drafts what the caller may not do; gives new records that have no owner to the caller."""
        permit, name = unit.permit, self._record.name
        by_right: dict[Right, set[str]] = defaultdict(set)
        for draft in drafts:
            if draft.record is not None:
                by_right[RIGHTS[draft.action]].add(draft.record.id)
        allowed = {right: permit.allowed(unit.transaction.rows, name, right, ids) for right, ids in by_right.items()}
        may_create = permit.may(name, Right.CREATE)
        for draft in drafts:
            right = RIGHTS[draft.action]
            if draft.record is not None and draft.record.id not in allowed[right]:
                verb = term("restore") if draft.action is Action.RESTORED else None
                draft.errors.append(refused(name, right, draft.record.id, verb))
            elif draft.record is None and not draft.errors and not may_create:
                draft.errors.append(refused(name, right, None))
            draft.errors += forbidden_inputs(self._record, given[draft.index], permit)
            if draft.action is Action.CREATED and permit.is_scoped(name, right):
                self._own(unit, draft, given[draft.index])
        self._check_targets(unit, drafts)

    def _own(self, unit: Unit, draft: Draft, given: RowInput) -> None:
        """Makes the caller the owner of a new record of which nothing says whose it is."""
        own = self._catalog.ownerships.get(self._record.name)
        if own is None or unit.actor.user_id is None:
            return
        for column in own.users[:1]:
            if camel(column) not in given and draft.values.get(column) is None:
                draft.values[column] = unit.actor.user_id

    def _check_targets(self, unit: Unit, drafts: Sequence[Draft]) -> None:
        """Adds to drafts the references to records that the caller may not see, as if there were none."""
        asked: dict[str, list[tuple[Draft, CatalogField, str]]] = defaultdict(list)
        for draft in drafts:
            for field, target in self._references:
                assert field.stored is not None
                column = field.stored.column
                id = draft.values.get(column)
                if id is not None and (draft.record is None or getattr(draft.record, column) != id):
                    asked[target].append((draft, field, id))
        for target, several in asked.items():
            seen = unit.permit.allowed(unit.transaction.rows, target, Right.READ, {id for _, _, id in several})
            hidden = {id for _, _, id in several} - {*seen}
            known = survivors(unit.transaction, hidden)
            seen_then = unit.permit.allowed(unit.transaction.rows, target, Right.READ, set(known.values()))
            for draft, field, id in several:
                if id in hidden and known.get(id) not in seen_then:
                    problem = sentence(
                        "{field}: there is no {record} {id!r}; give the id of an existing one",
                        field=field.name,
                        record=noun(target),
                        id=id,
                    )
                    draft.errors.append(UserError("NOT_FOUND", problem, (field.name,)))

    def misplaced(self, unit: Unit, changes: Changes) -> Mapping[int, Sequence[UserError]]:
        """Errors of new records that lie outside what the caller may create, once they are there."""
        name = self._record.name
        if not unit.permit.is_scoped(name, Right.CREATE):
            return {}
        made = {change.record.id: change.index for change in changes.of(name, Action.CREATED)}
        unit.flush()
        placed = unit.permit.allowed(unit.transaction.rows, name, Right.CREATE, made)
        problem = sentence(
            "you may create {record} of your own only, or of your team or region as far as your role goes; name "
            "another "
            "owner, or leave it out to own it yourself",
            record=noun(self._record.singular, 2),
        )
        return {index: [UserError("FORBIDDEN", problem)] for id, index in made.items() if id not in placed}


def permission_problems(catalog: Catalog, permissions: Sequence[str]) -> list[UserError]:
    """What is wrong with the permissions of a role."""
    try:
        check(permissions, catalog.records, catalog.permission_names)
    except InputError as error:
        return [UserError("INVALID", sentence("permissions: {problem}", problem=error.message), ("permissions",))]
    return []


def forbidden_inputs(record: RecordType, given: RowInput, permit: Permit) -> list[UserError]:
    """Errors of what an input sets, by value or by external id, without the permission that it needs."""
    return [
        UserError(
            "FORBIDDEN",
            sentence("{field}: needs the permission {permission}", field=field.name, permission=field.permission),
            (field.name,),
        )
        for field in record.input_fields
        if not permit.has(field.permission) and given.keys() & {field.name, field.reference_name}
    ]
