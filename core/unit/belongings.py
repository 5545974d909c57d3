"""What belongs to changed records and is stored in tables of its own: tags, external ids, plugins' writable fields."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from core.base.errors import Reject, UserError
from core.base.money import Money
from core.crm.consequences import convert_money
from core.crm.settlement import Settlement
from core.db.transaction import DatabaseTransaction
from core.log import attachments
from core.log.changes import Change, Changes
from core.log.events import Action
from core.records.record import Facet, Record
from core.unit.drafts import Draft, FacetValue

GetFacets = Callable[[type[Facet], Collection[str]], Mapping[str, Any]]


def gives_key(kind: type[Record], action: Action, names: Set[str]) -> bool:
    """Whether a record may get an external id."""
    return action is Action.RESTORED or "external_ids" in names


def taken_keys(transaction: DatabaseTransaction, changes: Changes) -> list[UserError]:
    """An error for each change that gives a record an external id which another living record has."""
    found: list[UserError] = []
    for entity in {change.entity for change in changes}:
        asked = {
            change.record.id: change.after["external_ids"]
            for change in changes.of(entity)
            if "external_ids" in change.after
        }
        restored = [change.record.id for change in changes.of(entity, Action.RESTORED)]
        asked |= attachments.external_ids_of(transaction, restored) if restored else {}
        found += attachments.taken(transaction, entity, asked, restored)
    return found


def write_belongings(settlement: Settlement, facets: GetFacets, applied: Sequence[tuple[Draft, Change | None]]) -> None:
    """Writes tags, external ids and facets of changed records, many at a time.

    Args:
        settlement: of the transaction.
        facets: gives the rows of a facet for these records.
        applied: drafts with their changes.

    Raises:
        Reject: an amount of a plugin's field cannot be converted; the error names the record.
    """
    transaction = settlement.transaction
    tags: dict[str, dict[str, Any]] = defaultdict(dict)
    keys: dict[str, dict[str, Any]] = defaultdict(dict)
    by_action: dict[Action, list[str]] = defaultdict(list)
    for _, change in applied:
        if change is None:
            continue
        id = change.record.id
        by_action[change.action].append(id)
        if change.after.get("tags") is not None:
            tags[change.entity][id] = change.after["tags"]
        if change.after.get("external_ids") is not None:
            keys[change.entity][id] = change.after["external_ids"]
    _write_facets(settlement, facets, applied)
    for entity, given in tags.items():
        attachments.replace_tags(transaction, entity, given)
    for entity, given in keys.items():
        attachments.replace_external_ids(transaction, entity, given)
    for action, live in ((Action.DELETED, False), (Action.RESTORED, True)):
        if ids := by_action[action]:
            attachments.set_live(transaction, ids, live=live)
    if ids := by_action[Action.DESTROYED]:
        attachments.drop(transaction, ids)


def _write_facets(settlement: Settlement, facets: GetFacets, applied: Sequence[tuple[Draft, Change | None]]) -> None:
    wanted: dict[type[Facet], list[tuple[FacetValue, Change]]] = defaultdict(list)
    for draft, change in applied:
        for item in draft.facets if change is not None else ():
            if change is not None and item.name in change.after:
                wanted[item.facet].append((item, change))
    for facet, several in wanted.items():
        rows = facets(facet, [change.record.id for _, change in several])
        for item, change in several:
            row = rows[change.record.id]
            setattr(row, item.column, item.value)
            if isinstance(item.value, Money) and (problems := convert_money(settlement, Change(change.action, row))):
                # The amount is the facet's; whom it is refused for is the record's.
                raise Reject(*(replace(problem, record=change.record) for problem in problems))
