"""The catalog: every record and field of one app, declared once. Types, inputs, plans and imports are made from it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, get_args, get_origin

from sqlalchemy import Table as SqlTable
from sqlalchemy.sql.elements import ColumnElement

from core.base.ids import EVENT_PREFIX
from core.base.money import Money
from core.base.settings import Settings
from core.base.text import plural
from core.db.sql import Expression, folded
from core.log.estates import Estate
from core.records.columns import ColumnInfo
from core.records.fields import BatchFunction, History, Row
from core.records.record import CORE, Facet, Record, Table
from core.search.owners import Belonging
from schema.catalog.kind import Condition, Filter, Kind
from schema.catalog.kinds import (
    BooleanKind,
    ChoiceKind,
    DateKind,
    DecimalKind,
    IntKind,
    ListKind,
    MomentKind,
    MoneyKind,
    TextKind,
)
from schema.sql.binds import Binds

CORE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a writable field is stored: a column of the record's own table, or of a plugin's facet.

    Attributes:
        column: its Python name.
        facet: the facet; None for the record's own table.
        info: describes the column.
        required: input must give a value when the record is created.
        nullable: the column may be empty, which a field may also be because its reader lacks a permission.
    """

    column: str
    facet: type[Facet] | None
    info: ColumnInfo
    required: bool = False
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class CatalogField:
    """A field of a record.

    Attributes:
        name: in the API.
        kind: of its values.
        description: one sentence.
        nullable: whether it may be without a value.
        owner: the plugin that declares it; `core` for the core's own.
        expression: from a row to its value in SQL; None for a Python field.
        folded_expression: the same folded, for text that has a folded column.
        is_exact: a column of text that has none, because its spelling counts.
        python, needs: the batch function of a Python field, and the fields it gets.
        stored: where input is stored; None for read-only fields.
        permission, personal, deprecated: as declared.
        filter, order, group, aggregate: what it may be used for.
        history: what it was at a moment, as declared.
    """

    name: str
    kind: Kind
    description: str
    nullable: bool
    owner: str = CORE
    expression: Callable[[Row], Any] | None = None
    folded_expression: Callable[[Row], Expression] | None = None
    is_exact: bool = False
    python: BatchFunction | None = None
    needs: Sequence[str] = ()
    stored: Stored | None = None
    permission: str | None = None
    personal: bool = False
    deprecated: str | None = None
    filter: bool = True
    order: bool = True
    group: bool = True
    aggregate: bool = True
    history: History | BatchFunction | None = None

    @property
    def refers(self) -> bool:
        """Whether input sets it to the id of another record."""
        return self.stored is not None and self.stored.info.references is not None

    @property
    def reference_name(self) -> str:
        """The input that sets it by external id: `customerId` can also be given as `customerExternalId`."""
        return f"{self.name.removesuffix('Id')}ExternalId"

    def value(self, row: Row) -> Any:
        """Its value on a row, in SQL: a fact of its record, whatever else the caller may see."""
        assert self.expression is not None, f"{self.name} is a Python field"
        return self.expression(row.as_fact())

    def folded(self, row: Row) -> Expression:
        """Its text on a row as it compares without case."""
        return self.folded_expression(row.as_fact()) if self.folded_expression else folded(self.value(row))

    def conditions(self, row: Row, given: Filter, binds: Binds) -> Iterator[Condition]:
        """The conditions on a row that a filter stands for; all of them must hold."""
        return self.kind.conditions(self.value(row), given, binds, lambda: self.folded(row))

    def order_key(self, row: Row) -> Expression:
        """What a list is ordered by."""
        return self.folded(row) if isinstance(self.kind, TextKind) else self.kind.sortable(self.value(row))


@dataclass(frozen=True, slots=True)
class ToOne:
    """A relation to one record, through a reference column."""

    name: str
    target: str
    column: str
    description: str
    owner: str = CORE


@dataclass(frozen=True, slots=True)
class ToMany:
    """The list at the other end of a reference."""

    name: str
    target: str
    column: str
    description: str
    owner: str = CORE


@dataclass(frozen=True, slots=True)
class Share:
    """Records whose users share the one they refer to.

    Attributes:
        record: their type.
        column: refers to what they share.
    """

    record: str
    column: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose the records of a type are.

    Attributes:
        users, teams, regions: columns that name them.
        parents: relations to records whose owners own these, too.
        shares: what else names users that share it.
    """

    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()

    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The columns that name owners."""
        return self.users, self.teams, self.regions


@dataclass(frozen=True, slots=True)
class Log:
    """What makes a record a log: a cursor is a place in it, whatever is filtered, and it can be followed from its end.

    Attributes:
        narrowed: from a row and the arguments of a list to conditions on the row.
        end: the key values of the place after all there is.
    """

    narrowed: Callable[[Any, Mapping[str, Any]], Iterator[Condition]]
    end: Callable[[], Sequence[Expression]]


@dataclass(frozen=True)
class RecordType:
    """A record of the catalog.

    Attributes:
        name, singular, plural: the type, and the root fields for one and for many.
        model: the table class.
        description: one sentence.
        owner: the plugin that declares it, or `core`.
        said: what inputs say apart from fields, which nothing stores.
        default_order: field names, each with whether it descends, for lists that ask for no order.
        writable: whether it has mutations.
        plain_list: its root list is short and returned whole.
        aggregates: whether lists of it have aggregates.
        groups: whether lists of it can be grouped; only what has aggregates can.
        merges: whether several can be merged into one, so that an id may lead to another record.
        scope: conditions beyond "not deleted" under which a row is there at all.
        permission: name of the permission without which nobody sees it; None for none.
        log: what it has as a log; None for all others.
    """

    name: str
    model: type[Table]
    description: str
    owner: str = CORE
    fields: dict[str, CatalogField] = field(default_factory=dict)
    to_one: dict[str, ToOne] = field(default_factory=dict)
    to_many: dict[str, ToMany] = field(default_factory=dict)
    said: dict[str, CatalogField] = field(default_factory=dict)
    default_order: Sequence[tuple[str, bool]] = (("id", False),)
    writable: bool = True
    plain_list: bool = False
    merges: bool = False
    aggregates: bool = True
    groups: bool = True
    scope: Callable[[Row], Sequence[ColumnElement[bool]]] | None = None
    permission: str | None = None
    log: Log | None = None

    @cached_property
    def singular(self) -> str:
        """Name of the root field for one."""
        return self.name[:1].lower() + self.name[1:]

    @cached_property
    def plural(self) -> str:
        """Name of the root field for many."""
        return plural(self.singular)

    @property
    def changes(self) -> str:
        """Name of the root field of subscriptions to its changes."""
        return f"{self.plural}Changed"

    @property
    def change_type(self) -> str:
        """Name of the type of what that gives."""
        return f"{self.name}Change"

    @cached_property
    def group_keys(self) -> Mapping[str, CatalogField]:
        """The fields that groups can be made by, as keys are called.

        The id is `recordId`: clients keep each object under its `id`, and would take keys that had one for the record.
        """
        return {
            "recordId" if field.name == "id" else field.name: field
            for field in self.fields.values()
            if field.group and field.expression is not None and field.kind.can_group
        }

    @cached_property
    def plural_type(self) -> str:
        """The plural as type names use it."""
        return plural(self.name)

    def foreign(self, owner: str) -> str:
        """The owner of one of its fields if it differs from its own; else the core, which is not mentioned."""
        return CORE if owner == self.owner else owner

    @property
    def table(self) -> SqlTable:
        """Its table."""
        return self.model.__table__

    @cached_property
    def prefix(self) -> str:
        """What its ids begin with."""
        return getattr(self.model, "__prefix__", EVENT_PREFIX)

    @property
    def has_attachments(self) -> bool:
        """Whether it has tags and external ids."""
        return issubclass(self.model, Record)

    @property
    def searched(self) -> tuple[str, ...]:
        """The columns it is found by."""
        return self.model.__search__ if issubclass(self.model, Record) else ()

    @property
    def input_fields(self) -> list[CatalogField]:
        """The fields that input sets, and what is said with them."""
        stored = [field for field in self.fields.values() if field.stored is not None and field.name != "id"]
        return [*stored, *self.said.values()]

    def names(self) -> Iterator[str]:
        """Every name a query can select of it."""
        yield from self.fields
        yield from self.to_one
        if self.has_attachments:
            yield from ("can", "timeline")
        for many in self.to_many:
            yield from (many, f"{many}Aggregate")

    def owner_of(self, name: str) -> str | None:
        """Who has declared a name already."""
        if name in ("can", "timeline"):
            return CORE
        for group in (self.fields, self.to_one, self.to_many, self.said):
            if name in group:
                return group[name].owner
        many = self.to_many.get(name.removesuffix("Aggregate")) if name.endswith("Aggregate") else None
        return many.owner if many else None


@dataclass(frozen=True, slots=True)
class Catalog:
    """All records of one app.

    Attributes:
        records: by type name.
        versions: of the plugins that declare something, by name.
        enums: the enumerations fields use, by name.
        ownerships: whose the records are, by the name of their type; what is not there is reference data.
        estates: what belongs to whoever the records belong to, likewise.
        belongings: by which of whose it is a record is found, likewise.
        permission_names: the permissions about no record, and the scopes that plugins register.
        facet_fields: the fields that show columns of facets, by facet and column.
    """

    records: dict[str, RecordType]
    versions: Mapping[str, str]
    settings: Settings
    enums: dict[str, type[StrEnum]] = field(default_factory=dict)
    ownerships: dict[str, Ownership] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    belongings: dict[str, Belonging] = field(default_factory=dict)
    permission_names: set[str] = field(default_factory=set)
    facet_fields: dict[tuple[type[Table], str], CatalogField] = field(default_factory=dict)

    def is_read_only(self, name: str) -> bool:
        """Whether only the system writes records of a type."""
        model: Any = self.records[name].model
        return bool(model.__read_only__)

    def sources(self, name: str) -> Collection[str]:
        """The types of records by which those of a type may come to belong to others: above them, or sharing those."""
        return [
            above
            for above, estate in self.estates.items()
            if any(line.record == name for line in estate.lines)
            or (estate.shared is not None and self._is_shared(name, estate.shared[0]))
        ]

    def _is_shared(self, name: str, shared: str) -> bool:
        return name == shared or any(line.record == name for line in self.estates[shared].lines)

    def by_prefix(self, prefix: str | None) -> RecordType | None:
        """The record whose ids have that prefix."""
        return next((record for record in self.records.values() if record.prefix == prefix), None)

    def enums_with_owners(self) -> Iterator[tuple[type[StrEnum], str]]:
        """The enumerations fields use, each with the core or the first plugin that uses it."""
        owners: dict[str, str] = {}
        for record in self.records.values():
            for made in (*record.fields.values(), *record.said.values()):
                kind = made.kind.item if isinstance(made.kind, ListKind) else made.kind
                if isinstance(kind, ChoiceKind) and owners.get(kind.enum.__name__) != CORE:
                    owners[kind.enum.__name__] = made.owner
        return ((enum, owners[name]) for name, enum in self.enums.items())

    def kind_of(self, type_: Any) -> Kind:
        """The kind of a Python type.

        Raises:
            TypeError: no field can have it.
        """
        if get_origin(type_) is list:
            return ListKind(self.kind_of(get_args(type_)[0]))
        if isinstance(type_, type) and issubclass(type_, StrEnum):
            known = self.enums.setdefault(type_.__name__, type_)
            if known is not type_:
                rivals = f"that of {known.__module__} and that of {type_.__module__}"
                raise TypeError(f"two enumerations are named {type_.__name__}: {rivals}; rename one")
            wrong = [member.name for member in type_ if member.name != member.value]
            if wrong:
                raise TypeError(f"values of {type_.__name__} must equal their names; {wrong[0]} does not")
            return ChoiceKind(type_)
        if type_ is Money:
            return MoneyKind(self.settings.reporting_currency)
        if isinstance(type_, type) and type_ in _KINDS:
            return _KINDS[type_]()
        raise TypeError(
            f"{type_!r} is not a type of a field; available: {', '.join(kind.__name__ for kind in _KINDS)}, "
            "Money, enumerations (StrEnum) and lists of str or of an enumeration"
        )


_KINDS: Mapping[type, Callable[[], Kind]] = {
    str: TextKind,
    bool: BooleanKind,
    int: IntKind,
    Decimal: DecimalKind,
    date: DateKind,
    datetime: MomentKind,
}
