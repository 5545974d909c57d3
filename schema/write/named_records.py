"""The records that a plugin's operation is about, found by the ids that it is given."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from core.access.permissions import UNSCOPED, Right
from core.access.permit import FetchRows, Permit
from core.base.errors import ForbiddenError, NotFoundError, UserError
from core.base.ids import prefix_of
from core.base.sentences import Sentence, noun, sentence, term
from core.base.text import camel
from core.db.transaction import DatabaseTransaction
from core.host.operations import PluginOperation
from core.records.record import record_named
from core.unit.references import hold
from schema.request.context import RequestContext
from schema.request.permits import texts


@dataclass(frozen=True, slots=True)
class NamedRecords:
    """What an operation is given by id.

    Attributes:
        operation: which.
        right: what the caller must be allowed to do with records that belong to somebody or need a permission of their
            own; it must see the others.
        owned, others: their ids, by the name of their type.
        merging: ids of records of types that are merged, so that one may lead to another record.
        given: all that it is given.
    """

    operation: PluginOperation
    right: Right
    owned: Mapping[str, set[str]]
    others: Mapping[str, set[str]]
    merging: frozenset[str]
    given: Any

    def hold(self, transaction: DatabaseTransaction) -> None:
        """Has them stay what they are: who is deleting or merging one is waited for, and nobody else begins to."""
        named = {**self.owned, **self.others}
        hold(transaction, {record_named(record).__table__: ids for record, ids in named.items()})

    def led(self, known: Mapping[str, str]) -> "NamedRecords":
        """The same, given where ids lead that are known to lead elsewhere."""
        if not known:
            return self

        def there(named: Mapping[str, set[str]]) -> dict[str, set[str]]:
            return {record: {known.get(id, id) for id in ids} for record, ids in named.items()}

        given = _replaced(self.given, known)
        return replace(self, owned=there(self.owned), others=there(self.others), given=given)

    def check(self, permit: Permit, fetch: FetchRows) -> None:
        """Refuses who may not work on one of them.

        Raises:
            NotFoundError: the caller may not see it, or there is no such record.
            ForbiddenError: the caller may not do that with it.
        """
        if not permit.is_limited or self.operation.unscoped or self.operation.public:
            return
        for record, ids in {**self.owned, **self.others}.items():
            hidden = ids - set(permit.allowed(fetch, record, Right.READ, ids))
            if hidden:
                id = min(hidden)
                raise NotFoundError(
                    sentence(
                        "{field_of}: there is no {record} {id!r}; give another id",
                        field_of=_field_of(self.given, id),
                        record=noun(record),
                        id=id,
                    )
                )
        if self.right is not Right.READ:
            for record, ids in self.owned.items():
                refused = ids - set(permit.allowed(fetch, record, self.right, ids))
                if refused:
                    id = min(refused)
                    problem = sentence(
                        "you may not {right} {record} {id!r}",
                        right=term(self.right.lower()),
                        record=noun(record),
                        id=id,
                    )
                    raise ForbiddenError(
                        sentence(
                            "{field_of}: {problem}; ask somebody who may",
                            field_of=_field_of(self.given, id),
                            problem=problem,
                        )
                    )

    def not_found(self, error: NotFoundError) -> UserError:
        """What a mutation answers where there is nothing with an id that it is given: an error of that field."""
        values = error.message.params if isinstance(error.message, Sentence) else {}
        field = _field_of(self.given, values.get("id"))
        if field is None:
            return UserError(error.code, error.message)
        named = (
            error.message
            if "field_of" in values
            else sentence("{field}: {message}", field=field, message=error.message)
        )
        return UserError(error.code, named, (field,))

    def check_session(self) -> None:
        """Refuses a session, which sees everything, to an operation that is about nothing the caller may see.

        Raises:
            ForbiddenError: it is not unscoped.
        """
        operation = self.operation
        is_free = operation.unscoped or operation.permission or operation.public
        # The local operator, too: what only it can use is noticed when it is first tried.
        if not (self.owned or is_free):
            raise ForbiddenError(
                sentence(
                    "{operation}: it reads by a session, so it must be declared unscoped, which needs the permission "
                    "{unscoped}; or let it ask by ctx.query, total, groups and pages",
                    operation=operation.name,
                    unscoped=UNSCOPED,
                )
            )


def check_operation(context: RequestContext, operation: PluginOperation, given: Any) -> NamedRecords:
    """The records that an operation is about, once it is known that the caller may ask for it at all.

    Args:
        context: of the request.
        operation: which.
        given: its arguments or its input.

    Raises:
        ForbiddenError: the caller may not.
    """
    access, catalog = context.access, context.services.catalog
    access.demand(operation.permission)
    if operation.unscoped:
        access.demand(UNSCOPED)
    owned: dict[str, set[str]] = defaultdict(set)
    others: dict[str, set[str]] = defaultdict(set)
    merging: set[str] = set()
    by_prefix = {record.prefix: record for record in catalog.records.values() if record.has_attachments}
    for text in texts(given):
        record = by_prefix.get(prefix_of(text) or "")
        if record is not None:
            if record.merges:
                merging.add(text)
            is_guarded = record.name in catalog.ownerships or record.permission is not None
            (owned if is_guarded else others)[record.name].add(text)
    is_mutation = operation.root == "Mutation"
    if is_mutation and access.writes is not None:
        is_free = operation.permission or operation.unscoped or operation.as_plugin or operation.public
        if not owned and not is_free:
            access.demand(UNSCOPED)
    return NamedRecords(
        operation, Right.CHANGE if is_mutation else Right.READ, owned, others, frozenset(merging), given
    )


def _replaced(value: Any, known: Mapping[str, str]) -> Any:
    """A value with other texts in place of some."""
    if isinstance(value, str):
        return known.get(value, value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _replaced(getattr(value, one.name), known) for one in fields(value)})
    if isinstance(value, Mapping):
        return {key: _replaced(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, known) for item in value]
    return value


def _field_of(given: Any, id: Any) -> str | None:
    """The name of the field, or the argument, that gives an id; None where none does."""
    parts = (
        given.items() if isinstance(given, Mapping) else ((one.name, getattr(given, one.name)) for one in fields(given))
    )
    return next((camel(name) for name, value in parts if id in texts(value)), None)
