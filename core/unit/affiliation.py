"""Records that have to be of one customer: a contact and its superior, a sale and the opportunity it came from."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Any

from core.base.errors import UserError
from core.base.sentences import sentence
from core.base.text import camel
from core.crm.customers import Customer
from core.crm.opportunities import Opportunity, OpportunityContact
from core.crm.rules import other_customer_problem
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.log.changes import Change
from core.log.events import Action
from core.records.record import CORE, Record, noun_in, record_in, records_of
from core.records.rows import quoted

#: By id, the customer of a record; None where it has none.
_Customers = dict[str, str | None]


def ties(kind: type[Record], action: Action, names: Set[str]) -> bool:
    """Whether records may be tied together."""
    return action in (Action.CREATED, Action.UPDATED) and not names.isdisjoint(kind.__of_one_customer__)


def affiliation_problems(
    transaction: DatabaseTransaction, changes: Sequence[Change], pending: Mapping[str, Record]
) -> list[UserError]:
    """Errors for changes that would tie records of different customers together.

    Args:
        transaction: in which they are made.
        changes: of records, not written yet.
        pending: records that are new in the same batch, by id.
    """
    touched = [
        change
        for change in changes
        if ties(type(change.record), change.action, change.after.keys()) and len(_given(change.record)) > 1
    ]
    if not touched:
        return []
    asked: dict[type[Record], set[str]] = defaultdict(set)
    for change in touched:
        for name, id in _given(change.record).items():
            target = _target(change.record, name)
            if target is not Customer:
                asked[target].add(id)
    known: _Customers = {}
    for model, ids in asked.items():
        known |= _customers_of(transaction, model, ids)
    # What changes along with them is not in the database yet.
    for record in (*pending.values(), *(change.record for change in changes)):
        if record.id in known or any(record.id in ids for ids in asked.values()):
            known[record.id] = getattr(record, "customer_id", None)
    return [found for change in touched for found in _problems(change, known)]


def _given(record: Any) -> dict[str, str]:
    """The references of a record that have to lead to one customer, as far as it has them."""
    return {name: id for name in type(record).__of_one_customer__ if (id := getattr(record, name)) is not None}


def _target(record: Record, name: str) -> type[Record]:
    (key,) = type(record).__table__.c[name].foreign_keys
    return record_in(key.column.table)


def _problems(change: Change, known: _Customers) -> Iterator[UserError]:
    customers: dict[str, str] = {}
    for name, id in _given(change.record).items():
        customer = id if _target(change.record, name) is Customer else known.get(id)
        if customer is not None:
            customers[name] = customer
    names = [*customers]
    for place, name in enumerate(names):
        for other in names[:place]:
            # The one that is given is named, of two the second.
            field, against = (name, other) if name in change.after else (other, name)
            if message := other_customer_problem(customers[field], camel(against), customers[against]):
                yield UserError(
                    "OTHER_CUSTOMER",
                    sentence("{field}: {message}", field=camel(field), message=message),
                    (camel(field),),
                    change.record,
                )
                return


def _customers_of(transaction: DatabaseTransaction, model: type[Record], ids: set[str]) -> _Customers:
    """The customers of these records, as whoever gives them to others finds what is tied to them.

    Nobody waits for who changes anything else of them: he may be waiting for a key that this transaction holds.
    """
    engine = transaction.dialect
    lock = " FOR KEY SHARE" if engine == "postgresql" else ""
    where, value = among(engine, "id", 1), listed(engine, ids)
    sql = f"SELECT id, customer_id FROM {quoted(engine, model.__table__.name)} WHERE {where} ORDER BY id{lock}"
    return dict(transaction.rows(SqlStatement(sql, (value,))))


def separates(kind: type[Record], action: Action, names: Set[str]) -> bool:
    """Whether opportunities may go to another customer."""
    return kind is Opportunity and action is Action.UPDATED and "customer_id" in names


def separation_warnings(
    transaction: DatabaseTransaction, changes: Sequence[Change], plugins: Collection[str]
) -> Iterator[UserError]:
    """Warnings about opportunities that go to another customer while what belongs to them stays with the first."""
    for change in changes:
        if not isinstance(change.record, Opportunity) or change.record.customer_id is None:
            continue
        if not separates(type(change.record), change.action, change.after.keys()):
            continue
        staying = [
            sentence("{count} {record}", count=count, record=noun_in(model.__table__, count))
            for model in _tied_to_opportunities(plugins)
            if (count := _staying(transaction, model, change.record))
        ]
        if staying:
            message = sentence(
                "customerId: {known} of the opportunity belong to another customer than {customer_id}; change them as "
                "well",
                known=staying,
                customer_id=change.record.customer_id,
            )
            yield UserError("OTHER_CUSTOMER", message, ("customerId",), change.record, warning=True)


def _tied_to_opportunities(plugins: Collection[str]) -> Iterator[type[Record]]:
    """The records of the core and of these plugins that refer to opportunities of one customer."""
    for model in (model for owner in (CORE, *plugins) for model in records_of(owner)):
        if "opportunity_id" in model.__of_one_customer__:
            yield model


def _staying(transaction: DatabaseTransaction, model: type[Record], opportunity: Opportunity) -> int:
    engine = transaction.dialect
    table, first, second = model.__table__.name, mark(engine, 1), mark(engine, 2)
    if model is OpportunityContact:
        source = f"{table} t JOIN contact o ON o.id = t.contact_id"
        customer = "o.customer_id"
    else:
        source, customer = f"{quoted(engine, table)} t", "t.customer_id"
    sql = (
        f"SELECT count(*) FROM {source} WHERE t.opportunity_id = {first} AND t.deleted_at IS NULL "
        f"AND {customer} <> {second}"
    )
    found = transaction.rows(SqlStatement(sql, (opportunity.id, opportunity.customer_id)))
    return int(found[0][0])
