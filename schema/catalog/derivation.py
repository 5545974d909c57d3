"""Derives the catalog of an app: records from their columns, fields as they are declared; refuses clashes."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date
from sqlalchemy.orm import InstrumentedAttribute

from core.access.audit import AuditEntry
from core.access.identities import UserIdentity
from core.access.keys import ApiKey
from core.access.roles import Role
from core.base.errors import PluginError
from core.base.money import Money
from core.base.settings import Settings
from core.base.text import camel, words
from core.crm.activities import Interaction, Task
from core.crm.customers import AccountTeamMember, Contact, Customer
from core.crm.fields import core_fields
from core.crm.opportunities import Opportunity, OpportunityContact, OpportunityMember, Stage, StageTransition
from core.crm.people import Team, User
from core.crm.sales import ExchangeRate, Product, Transaction
from core.db.types import Choice, Json, Scaled, Timestamp
from core.host.host import PluginHost
from core.records.columns import ColumnInfo, column_info
from core.records.fields import Field, History, Row
from core.records.forms import TEXT as TEXT_FORM
from core.records.record import CORE, Facet, MoneyProperty, Record, Table, has_record, record_named
from schema.catalog.attached_kinds import ExternalIdsKind, TagsKind
from schema.catalog.catalog import Catalog, CatalogField, RecordType, Stored, ToMany, ToOne
from schema.catalog.events import event_record
from schema.catalog.kind import Kind
from schema.catalog.kinds import BooleanKind, DateKind, DecimalKind, FormKind, IdKind, IntKind, MomentKind, TextKind
from schema.catalog.names import check_names, root_names
from schema.catalog.ownership import estates, ownerships, searched_belongings

_CORE_RECORDS: Sequence[type[Record]] = (
    Customer,
    AccountTeamMember,
    Contact,
    Opportunity,
    OpportunityMember,
    OpportunityContact,
    Stage,
    StageTransition,
    Product,
    Transaction,
    ExchangeRate,
    Interaction,
    Task,
    User,
    Team,
    Role,
    ApiKey,
    UserIdentity,
    AuditEntry,
)


#: Types and queries of the core that no record makes.
_RESERVED = ("Event", "Mutation", "Node", "Plugin", "Query", "Subscription", "Viewer")

_RECORD_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")


def build_catalog(host: PluginHost, settings: Settings) -> Catalog:
    """The catalog of the core and these plugins.

    Raises:
        PluginError: a declaration clashes or is not possible; the message names the plugin and the remedy.
    """
    catalog = Catalog({}, {plugin.name: plugin.version for plugin in host.plugins}, settings)
    for model in _CORE_RECORDS:
        _add_record(catalog, model, CORE)
    for record in catalog.records.values():
        _add_relations(catalog, record)
    for declared in core_fields(settings):
        _add_declared(catalog, declared, CORE)
    for plugin, model in registered(host, "register_records"):
        _check_record(catalog, plugin, model)
        try:
            _add_record(catalog, model, plugin)
        except TypeError as error:
            raise PluginError(plugin, f"record {model.__name__}", str(error)) from None
    for record in catalog.records.values():
        if record.owner != CORE:
            _add_relations(catalog, record)
    catalog.ownerships.update(ownerships(catalog))
    catalog.estates.update(estates(catalog))
    catalog.belongings.update(searched_belongings(catalog))
    catalog.records["Event"] = event_record(catalog, {plugin.name: plugin.events for plugin in host.plugins})
    for plugin, declared in registered(host, "register_fields"):
        _add_declared(catalog, declared, plugin)
    for record in catalog.records.values():
        check_names(record)
        _check_needs(record)
    return catalog


def registered(host: PluginHost, hook: str) -> Iterator[tuple[str, Any]]:
    """What the plugins return from a registration hook, one by one with the plugin's name."""
    for plugin, declared in host.register(hook):
        for item in declared:
            yield plugin.name, item


def _check_record(catalog: Catalog, plugin: str, model: Any) -> None:
    if not (isinstance(model, type) and issubclass(model, Record)):
        raise PluginError(plugin, "register_records", f"{model!r} is not a subclass of guanxi.Record")
    place = f"record {model.__name__}"
    if model.__plugin__ != plugin:
        raise PluginError(plugin, place, f"is declared for {model.__plugin__!r}; write plugin={plugin!r}")
    if not _RECORD_NAME.fullmatch(model.__name__):
        raise PluginError(plugin, place, "must be named in Pascal case, as in LoyaltyCard")
    if model.__name__ in _RESERVED:
        raise PluginError(plugin, place, "the core uses that name itself; choose another")
    if model.__name__ in catalog.records:
        rival = catalog.records[model.__name__].owner
        raise PluginError(plugin, place, f"{rival} has a record of that name already; choose another")
    made = RecordType(model.__name__, model, "", plugin)
    for rival_record in catalog.records.values():
        shared = root_names(made) & root_names(rival_record)
        if shared:
            raise PluginError(
                plugin,
                place,
                f"makes the query {min(shared)}, which {rival_record.name} of {rival_record.owner} makes too; "
                "choose another name",
            )


def _add_record(catalog: Catalog, model: type[Record], owner: str) -> None:
    record = RecordType(
        model.__name__,
        model,
        _sentence(model),
        owner,
        default_order=model.__order__,
        writable=not model.__read_only__,
        plain_list=model.__plain_list__,
        merges=model.__merges__,
        aggregates=model.__aggregates__,
        groups=model.__aggregates__ and model.__groups__,
        permission=model.__permission__,
    )
    catalog.records[record.name] = record
    _add_attached(record)
    for made in _column_fields(catalog, model, owner):
        _refuse_clash(record, made.name, owner)
        record.fields[made.name] = made


def _sentence(model: type) -> str:
    return " ".join((model.__doc__ or words(model.__name__)).split("\n\n")[0].split())


def _column_fields(catalog: Catalog, model: type[Table], owner: str) -> Iterator[CatalogField]:
    """A field for each column that is not internal, and for each money field."""
    columns = list(model.__table__.columns)
    # The id comes first, the system's own columns last.
    columns.sort(key=lambda column: (not column.primary_key, column_info(column).read_only))
    for column in columns:
        info = column_info(column)
        if not info.internal:
            yield _column_field(catalog, model, column, info, owner)
    for money in model.__money__.values():
        required = not money.nullable
        yield CatalogField(
            camel(money.name),
            catalog.kind_of(Money),
            money.info.description or f"{words(money.name).capitalize()}.",
            money.nullable or money.info.permission is not None,
            owner,
            _attribute(money.name),
            permission=money.info.permission,
            personal=money.info.personal,
            stored=Stored(money.name, None, money.info, required, money.nullable),
        )


def _attribute(name: str) -> Callable[[Row], Any]:
    return lambda row: row.column(name)


def _column_field(
    catalog: Catalog, model: type[Table], column: Column[Any], info: ColumnInfo, owner: str
) -> CatalogField:
    name = column.key
    needed = column.default is None and not column.nullable and not info.settled
    is_folded = name in model.__folded__
    return CatalogField(
        camel(name),
        _column_kind(catalog, model, column, info),
        info.description or f"{words(name).capitalize()}.",
        bool(column.nullable) or info.permission is not None,
        owner,
        _attribute(name),
        permission=info.permission,
        folded_expression=_attribute(f"{name}_folded") if is_folded else None,
        is_exact=not is_folded,
        personal=info.personal,
        stored=None if info.read_only else Stored(name, None, info, needed, bool(column.nullable)),
        order=not info.long,
        group=not info.long,
    )


def _column_kind(catalog: Catalog, model: type[Table], column: Column[Any], info: ColumnInfo) -> Kind:
    kind = column.type
    if info.references is not None or column.primary_key:
        return IdKind(leads=_merges(model if info.references is None else info.references))
    if isinstance(kind, Choice):
        return catalog.kind_of(kind.enum)
    if isinstance(kind, Scaled):
        return DecimalKind(kind.scale)
    if isinstance(kind, Json):
        return catalog.kind_of(column.info["kind"])
    plain = {Timestamp: MomentKind, Boolean: BooleanKind, BigInteger: IntKind, Date: DateKind}
    found = next((made() for type_, made in plain.items() if isinstance(kind, type_)), None)
    if found is None:
        return TextKind() if info.form is TEXT_FORM else FormKind(info.form, catalog.settings.phone_region)
    return found


def _merges(target: type[Table] | str) -> bool:
    """Whether records of a model or of a name are merged; one that is not declared is refused by its reference."""
    if isinstance(target, str):
        return has_record(target) and record_named(target).__merges__
    return issubclass(target, Record) and target.__merges__


def _add_relations(catalog: Catalog, record: RecordType) -> None:
    for column in record.table.columns:
        info = column_info(column)
        if (target := info.target) is None:
            continue
        _check_reference(catalog, record, column.key, target)
        name = camel(column.key.removesuffix("_id"))
        _refuse_clash(record, name, record.owner)
        record.to_one[name] = ToOne(name, target, column.key, info.description, record.owner)
        if info.inverse:
            other = catalog.records[target]
            inverse = camel(info.inverse)
            for taken in (inverse, f"{inverse}Aggregate"):
                _refuse_clash(other, taken, record.owner)
            description = info.inverse_description or f"{words(record.plural).capitalize()} that refer to it."
            other.to_many[inverse] = ToMany(inverse, record.name, column.key, description, record.owner)


def _check_reference(catalog: Catalog, record: RecordType, column: str, target: str) -> None:
    place = f"field {record.name}.{camel(column)}"
    if not column.endswith("_id"):
        problem = f"refers to a record; name it {column}_id, so that {camel(column)} is the record"
        raise PluginError(record.owner, place, problem)
    if target not in catalog.records:
        raise PluginError(
            record.owner, place, f"refers to {target}, which no loaded plugin registers; name its plugin in `requires`"
        )


def _add_attached(record: RecordType) -> None:
    def add(name: str, kind: Kind, description: str) -> None:
        record.fields[name] = CatalogField(name, kind, description, False, expression=lambda row: row.id)

    add("tags", TagsKind(), "Free-form tags.")
    add("externalIds", ExternalIdsKind(), "Its ids in other systems.")


def _refuse_clash(record: RecordType, name: str, owner: str) -> None:
    rival = record.owner_of(name)
    if rival is not None:
        raise PluginError(
            owner, f"field {record.name}.{name}", f"{rival} has a field of that name already; choose another name"
        )


def _add_declared(catalog: Catalog, declared: Field, owner: str) -> None:
    if not isinstance(declared, Field):
        raise PluginError(owner, "register_fields", f"{declared!r} is not a guanxi.Field")
    record = catalog.records.get(declared.record)
    place = f"field {declared.path}"
    if record is None or not declared.name:
        raise PluginError(
            owner, place, f"there is no record {declared.record!r}; available: {', '.join(sorted(catalog.records))}"
        )
    if declared.non_null and owner != CORE:
        raise PluginError(
            owner,
            place,
            "a plugin's field must be nullable, so that it cannot take its record with it; leave out non_null",
        )
    is_said = declared.writable and declared.sql is None and declared.python is None
    if not is_said and (declared.sql is None) == (declared.python is None):
        problem = "give either sql or python; or neither, and writable=True for an input that nothing stores"
        raise PluginError(owner, place, problem)
    if not declared.description:
        raise PluginError(owner, place, "has no description; say in one sentence what it means")
    _refuse_clash(record, declared.name, owner)
    try:
        group = record.said if is_said else record.fields
        group[declared.name] = _declared_field(catalog, declared, record, owner)
    except TypeError as error:
        raise PluginError(owner, place, str(error)) from None


def _declared_field(catalog: Catalog, declared: Field, record: RecordType, owner: str) -> CatalogField:
    _check_history(declared.history)
    common = CatalogField(
        declared.name,
        catalog.kind_of(declared.type) if declared.type is not None else TextKind(),
        declared.description,
        not declared.non_null or declared.permission is not None,
        owner,
        permission=declared.permission,
        personal=declared.personal,
        deprecated=declared.deprecated,
        filter=declared.filter,
        order=declared.order,
        group=declared.group,
        aggregate=declared.aggregate,
        history=declared.history,
    )
    if declared.python is not None:
        if declared.type is None:
            raise TypeError("a Python field needs its type, such as type=str")
        if declared.writable:
            raise TypeError("a Python field is output only; leave out writable")
        return replace(common, python=declared.python, needs=tuple(declared.needs))
    if isinstance(declared.sql, InstrumentedAttribute | MoneyProperty):
        return _facet_field(catalog, declared, common, record)
    if declared.writable and declared.sql is not None:
        raise TypeError("only a facet's column is writable; give sql=Facet.column")
    if declared.type is None:
        raise TypeError("needs its type, such as type=int, because an expression does not reveal it")
    if declared.sql is None:
        return replace(common, stored=Stored(declared.name, None, ColumnInfo(declared.description)))
    return replace(common, expression=_where_there(declared.sql))


def _check_history(history: Any) -> None:
    """Checks that a history has the columns it names.

    Raises:
        TypeError: it does not.
    """
    if not isinstance(history, History):
        return
    columns = {*history.record.__table__.c.keys(), *history.record.__money__}
    for name in (history.by, history.at, history.value):
        if name not in columns:
            raise TypeError(
                f"history: {history.record.__name__} has no column {name!r}; it has {', '.join(sorted(columns))}"
            )


def _where_there(expression: Callable[[Row], Any]) -> Callable[[Row], Any]:
    """An expression that is null on a row that a relation does not lead to, whatever it makes of nulls."""
    return lambda row: row.if_there(expression(row))


def _facet_field(catalog: Catalog, declared: Field, common: CatalogField, record: RecordType) -> CatalogField:
    facet: type[Facet] = declared.sql.owner if isinstance(declared.sql, MoneyProperty) else declared.sql.class_  # type: ignore[assignment]
    name: str = declared.sql.key
    if not issubclass(facet, Facet) or facet.__of__ != record.name:
        raise TypeError(f"{facet.__name__} is not a facet of {record.name}")

    def read(row: Row) -> Any:
        return getattr(row.facet(facet), name)

    if isinstance(declared.sql, MoneyProperty):
        kind, info = catalog.kind_of(Money), facet.__money__[name].info
    else:
        column = facet.__table__.c[name]
        info = column_info(column)
        kind = _column_kind(catalog, facet, column, info)
    stored = Stored(name, facet, info) if declared.writable else None
    is_folded = name in facet.__folded__
    made = replace(
        common,
        kind=kind,
        permission=declared.permission or info.permission,
        personal=declared.personal or info.personal,
        expression=read,
        folded_expression=(lambda row: getattr(row.facet(facet), f"{name}_folded")) if is_folded else None,
        is_exact=not is_folded,
        stored=stored,
    )
    catalog.facet_fields[facet, name] = made
    return made


def _check_needs(record: RecordType) -> None:
    for made in record.fields.values():
        for need in made.needs:
            other = record.fields.get(need)
            if other is None or other.expression is None:
                raise PluginError(
                    made.owner,
                    f"field {record.name}.{made.name}",
                    f"needs {need!r}, which is not an SQL field of {record.name}",
                )
