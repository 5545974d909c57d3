"""How records, facets and tables are declared: typed classes that become tables, one registry a plugin.

A `Record` is a first-class thing of the CRM with an id; a `Facet` holds one plugin's current values about each record
of another's; a `Table` is anything else a plugin keeps, such as history. A column of type `Money` becomes three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar, dataclass_transform, get_args, get_origin

from pydantic.fields import FieldInfo
from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, event
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import registry
from sqlmodel import Field as SqlField
from sqlmodel import SQLModel
from sqlmodel.main import SQLModelMetaclass

from core.base.ids import EVENT_PREFIX, PREFIX, new_id
from core.base.money import Money
from core.base.text import fold, snake
from core.db.types import Choice, Json, Scaled, Text, Timestamp

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

CORE = "core"

_OF_THE_MAPPER = frozenset({"_sa_instance_state", "_sa_registry"})

# Declarations are the only process-wide state: a class statement runs once a process, whatever apps use it.
_registries: dict[str, registry] = {}
_records: dict[str, type["Record"]] = {}
_by_prefix: dict[str, type["Record"]] = {}


def registry_of(plugin: str) -> registry:
    """The registry that holds the tables `plugin` declares; the core's own is named `core`."""
    if plugin not in _registries:
        _registries[plugin] = registry(metadata=MetaData(naming_convention=_NAMING))
    return _registries[plugin]


def tables_of(plugin: str) -> list[SqlTable]:
    """The tables `plugin` declares, parents before children."""
    return list(registry_of(plugin).metadata.sorted_tables)


def records_of(plugin: str) -> list[type["Record"]]:
    """The records `plugin` declares."""
    return [record for record in _records.values() if record.__plugin__ == plugin]


def record_named(name: str) -> type["Record"]:
    """The declared record class of that name.

    Raises:
        TypeError: none is declared; the message lists those that are.
    """
    try:
        return _records[name]
    except KeyError:
        raise TypeError(f"no record is named {name!r}; there are {', '.join(sorted(_records))}") from None


def record_with_prefix(id: str) -> type["Record"]:
    """The record class an id belongs to.

    Raises:
        TypeError: no record has ids that begin so.
    """
    try:
        return _by_prefix[id.partition("_")[0]]
    except KeyError:
        raise TypeError(f"{id!r} is the id of no declared record") from None


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """What a column says of itself beyond its type.

    Attributes:
        description: one sentence; it becomes the description in the schema.
        max_length, minimum, maximum, pattern: what input is refused, `hint` saying what is asked for.
        personal: personal data, erasable from the log.
        read_only: kept by the system; no input sets it.
        internal: no field of the API.
        long: a long text, compared and ordered less often, without a folded column of its own.
        exact: a code, compared letter by letter, without a folded column.
        settled: the core fills it in where input leaves it out.
        references: the record a foreign key points at; `inverse` names the list on that record.
        part_of: the money field whose part this column is.
    """

    description: str = ""
    max_length: int | None = None
    minimum: Decimal | int | None = None
    maximum: Decimal | int | None = None
    pattern: str | None = None
    hint: str | None = None
    personal: bool = False
    read_only: bool = False
    internal: bool = False
    long: bool = False
    exact: bool = False
    settled: bool = False
    references: "type[Table] | str | None" = None
    inverse: str | None = None
    inverse_description: str | None = None
    part_of: str | None = None


@dataclass(frozen=True, slots=True)
class MoneyInfo:
    """A money field of a table: three columns `<name>_minor`, `<name>_currency`, `<name>_reporting`."""

    name: str
    nullable: bool
    info: ColumnInfo = field(default_factory=ColumnInfo)


def column(
    description: str,
    *,
    default: Any = ...,
    default_factory: Callable[[], Any] | None = None,
    index: bool = False,
    primary_key: bool = False,
    scale: int = 2,
    max_length: int | None = None,
    minimum: Decimal | int | None = None,
    maximum: Decimal | int | None = None,
    pattern: str | None = None,
    hint: str | None = None,
    personal: bool = False,
    read_only: bool = False,
    internal: bool = False,
    long: bool = False,
    exact: bool = False,
    settled: bool = False,
) -> Any:
    """Declares a column: what it means and what input it takes.

    Args:
        description: one sentence for the schema.
        default, default_factory: as of a dataclass field; neither makes it required.
        index: make its filter and order cheap.
        primary_key: for tables that are no records.
        scale: decimal places of a `Decimal`.
        max_length, minimum, maximum, pattern: limits of input; `hint` says in words what the pattern asks for.
        personal: personal data.
        read_only: kept by the system, in no input.
        internal: no field of the API.
        long: a long text (see `ColumnInfo.long`).
        exact: a code, compared letter by letter, without a folded column.
        settled: filled in by the core where input leaves it out.
    """
    info = ColumnInfo(
        description, max_length, minimum, maximum, pattern, hint, personal, read_only, internal, long, exact, settled
    )
    return _sql_field(info, default, default_factory, index=index, primary_key=primary_key, scale=scale)


def reference(
    to: "type[Table] | str",
    description: str,
    *,
    inverse: str | None = None,
    inverse_description: str | None = None,
    default: Any = ...,
    on_destroy: str | None = None,
    primary_key: bool = False,
    read_only: bool = False,
    settled: bool = False,
) -> Any:
    """Declares a reference to a record: the column of a to-one relation, and of the list at its other end.

    Args:
        to: the record or other table with a column `id`, or its name where it is declared later in the same registry.
        description: one sentence for the schema.
        inverse: the name of the list on the other record, such as `contacts`; none gives it no list.
        inverse_description: one sentence for that list.
        default: None makes the reference optional; left out, it is required.
        on_destroy: `CASCADE` or `SET NULL` when the other record is destroyed; without it that is refused.
        primary_key: for tables that are no records.
        read_only: kept by the system, in no input.
        settled: filled in by the core where input leaves it out.
    """
    info = ColumnInfo(
        description,
        settled=settled,
        references=to,
        inverse=inverse,
        inverse_description=inverse_description,
        read_only=read_only,
        exact=True,
    )
    key = partial(ForeignKey, ondelete=on_destroy)
    # A name is completed with the plugin's prefix by the class it stands in.
    args = [key] if isinstance(to, str) else [key(to.__table__.c.id)]
    return _sql_field(info, default, None, index=True, primary_key=primary_key, args=args)


def _sql_field(
    info: ColumnInfo,
    default: Any,
    default_factory: Callable[[], Any] | None,
    *,
    index: bool,
    primary_key: bool = False,
    scale: int = 2,
    args: Sequence[Any] = (),
) -> Any:
    given: dict[str, Any] = {} if default is ... else {"default": default}
    if default_factory is not None:
        given = {"default_factory": default_factory}
    return SqlField(
        **given,
        description=info.description,
        primary_key=primary_key,
        sa_column_args=list(args),
        sa_column_kwargs={"info": {"column": info, "scale": scale, "index": index and not primary_key}},
    )


def column_info(column: Any) -> ColumnInfo:
    """What a table's column says of itself; a plain annotated attribute says nothing."""
    found: ColumnInfo = column.info.get("column") or ColumnInfo()
    return found


def _field_parts(value: Any) -> tuple[ColumnInfo, dict[str, Any]]:
    """The info and the SQL settings of a declared default, or those of a plain one."""
    if not isinstance(value, FieldInfo):
        return ColumnInfo(), {}
    for item in value.metadata:
        settings = getattr(item, "sa_column_kwargs", None)
        if isinstance(settings, dict):
            info: dict[str, Any] = settings.get("info", {})
            return info.get("column", ColumnInfo()), info
    return ColumnInfo(), {}


@dataclass_transform(kw_only_default=True, field_specifiers=(column, reference))
class TableMeta(SQLModelMetaclass):
    """Turns annotated classes into tables: names them, expands money, folds text, picks the registry."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type[Any], ...],
        namespace: dict[str, Any],
        *,
        plugin: str = CORE,
        prefix: str | None = None,
        of: Any = None,
        abstract: bool = False,
        **kwargs: Any,
    ) -> Any:
        annotations = namespace.setdefault("__annotations__", {})
        if abstract:
            for attribute, annotation in annotations.items():
                _declare(namespace, {}, attribute, annotation)
            return super().__new__(mcs, name, bases, namespace, **kwargs)
        namespace.setdefault("__tablename__", table_name(name, plugin))
        namespace["__plugin__"] = plugin
        if prefix is not None:
            _check_record(name, plugin, prefix)
            namespace["__prefix__"] = prefix
            annotations["id"] = str
            namespace["id"] = _id_field(prefix)
        if of is not None:
            target = record_named(of) if isinstance(of, str) else of
            namespace["__of__"] = target.__name__
            annotations["record_id"] = str
            namespace["record_id"] = reference(
                target, f"The {target.__name__.lower()}.", on_destroy="CASCADE", primary_key=True
            )
        namespace["__money__"] = {}
        namespace["__folded__"] = ()
        for attribute, annotation in list(annotations.items()):
            if not attribute.startswith("__"):
                if of is not None and attribute != "record_id":
                    _check_default(name, attribute, annotation, namespace.get(attribute, ...))
                _declare(namespace, annotations, attribute, annotation)
        made = super().__new__(mcs, name, bases, namespace, table=True, **kwargs)
        made._sa_registry = registry_of(plugin)
        made.metadata = registry_of(plugin).metadata
        return made

    def __init__(cls, name: str, bases: tuple[type[Any], ...], namespace: dict[str, Any], **kwargs: Any) -> None:  # noqa: N805
        super().__init__(name, bases, namespace)
        table = cls.__dict__.get("__table__")
        if table is None:
            return
        for indexed in [column for column in table.columns if column.info.get("index")]:
            # With the key behind it the index also serves the order, whose tie-break the key is.
            Index(f"ix_{table.name}_{indexed.name}", indexed, *table.primary_key.columns)
        fields: Any = cls.model_fields
        type.__setattr__(
            cls,
            "__defaults__",
            tuple(
                (field, info.default, info.default_factory) for field, info in fields.items() if not info.is_required()
            ),
        )
        if cls.__dict__["__folded__"]:
            event.listen(cls, "before_insert", _refold)
            event.listen(cls, "before_update", _refold)
        if hasattr(cls, "__prefix__"):
            _records[cls.__name__] = _by_prefix[cls.__prefix__] = cls  # type: ignore[assignment]  # only records have one


def table_name(name: str, plugin: str) -> str:
    """How the table of a class is named: in snake case, with the plugin's name before it."""
    return snake(name) if plugin == CORE else f"{plugin}_{snake(name)}"


def _check_record(name: str, plugin: str, prefix: str) -> None:
    """Refuses a record before it has a table, which could not be taken back."""
    for rival, shared in ((_records.get(name), "name"), (_by_prefix.get(prefix), f"id prefix {prefix!r}")):
        if rival is not None:
            raise TypeError(
                f"record {name} of {plugin!r} and record {rival.__name__} of {rival.__plugin__!r} "
                f"have the same {shared}; choose another"
            )
    if not PREFIX.fullmatch(prefix) or prefix == EVENT_PREFIX:
        but = f", but not {EVENT_PREFIX}, which events have" if prefix == EVENT_PREFIX else ""
        raise TypeError(
            f"record {name} of {plugin!r}: the id prefix {prefix!r} is not possible; take three to twelve small "
            f"letters{but}"
        )


def _check_default(facet: str, name: str, annotation: Any, given: Any) -> None:
    kind, nullable = _unwrap(annotation)
    required = given.is_required() if isinstance(given, FieldInfo) else given is ...
    # Money has no default but null.
    if get_origin(annotation) is not ClassVar and not nullable and (required or kind is Money):
        raise TypeError(
            f"{facet}.{name}: a facet's row is made when it is first asked for, so each column needs a default, "
            "or `| None`"
        )


def _id_field(prefix: str) -> Any:
    info = ColumnInfo("Globally unique id; a client may choose it on creation.", exact=True)
    return _sql_field(info, ..., lambda: new_id(prefix), index=False, primary_key=True)


def _declare(namespace: dict[str, Any], annotations: dict[str, Any], name: str, annotation: Any) -> None:
    """Gives one annotated attribute its column type, and its companions where it has some."""
    if get_origin(annotation) is ClassVar:
        return
    kind, nullable = _unwrap(annotation)
    given = namespace.get(name, ...)
    info, settings = _field_parts(given)
    if kind is Money:
        _expand_money(namespace, annotations, name, nullable, given)
        return
    sa_type = _column_type(kind, settings.get("scale", 2))
    if sa_type is None:
        return
    if not isinstance(given, FieldInfo):
        given = _sql_field(info, given, None, index=False)
    namespace[name] = given
    for item in given.metadata:
        if hasattr(item, "sa_column_kwargs"):
            object.__setattr__(item, "sa_type", sa_type)
            if isinstance(info.references, str):
                target = f"{table_name(info.references, namespace['__plugin__'])}.id"
                object.__setattr__(item, "sa_column_args", [key(target) for key in item.sa_column_args])
    if kind is str and "__folded__" in namespace and not (info.exact or info.long or info.internal):
        # Filters and orders use the folded companion, so the index is the companion's.
        annotations[f"{name}_folded"] = annotation
        namespace[f"{name}_folded"] = SqlField(
            default=None if nullable else "",
            sa_type=Text,
            sa_column_kwargs={"info": {"column": ColumnInfo(internal=True), "index": settings.pop("index", False)}},
        )
        namespace["__folded__"] = (*namespace["__folded__"], name)


def _expand_money(
    namespace: dict[str, Any], annotations: dict[str, Any], name: str, nullable: bool, given: Any
) -> None:
    info, settings = _field_parts(given)
    del annotations[name]
    namespace["__money__"] = {**namespace["__money__"], name: MoneyInfo(name, nullable, info)}
    namespace[name] = _money_property(name)
    part = ColumnInfo(internal=True, part_of=name)
    for suffix, kind, sa_type in (("minor", int, BigInteger), ("currency", str, Text), ("reporting", int, BigInteger)):
        annotations[f"{name}_{suffix}"] = kind | None if nullable else kind
        namespace[f"{name}_{suffix}"] = SqlField(
            default=None,
            nullable=nullable,
            sa_type=sa_type,
            sa_column_kwargs={
                "info": {"column": part, "index": suffix == "reporting" and settings.get("index", False)}
            },
        )


class MoneyProperty(property):
    """A money field of a table class: on the class it names itself, on a row it is the money of its columns."""

    owner: "type[Table]"
    key: str

    def __set_name__(self, owner: "type[Table]", name: str) -> None:
        self.owner, self.key = owner, name


def _money_property(name: str) -> MoneyProperty:
    def read(self: Any) -> Money | None:
        minor = getattr(self, f"{name}_minor")
        return None if minor is None else Money.from_minor(minor, getattr(self, f"{name}_currency"))

    def write(self: Any, value: Money | None) -> None:
        if value == read(self):
            return
        setattr(self, f"{name}_minor", None if value is None else value.minor)
        setattr(self, f"{name}_currency", None if value is None else value.currency)
        # The unit of work converts it at the rate of the day before anything is written.
        setattr(self, f"{name}_reporting", None)

    return MoneyProperty(read, write)


def _unwrap(annotation: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether it had it."""
    if isinstance(annotation, str):
        raise TypeError(
            f"annotation {annotation!r} is text: tables read their annotations when they are declared, "
            "so leave `from __future__ import annotations` out of modules that declare them"
        )
    inner = [part for part in get_args(annotation) if part is not type(None)]
    if len(inner) == 1 and len(get_args(annotation)) == 2:
        return inner[0], True
    return annotation, False


def _column_type(kind: Any, scale: int) -> Any:
    if get_origin(kind) in (list, dict) or kind in (list, dict):
        return Json
    if not isinstance(kind, type):
        return None
    if issubclass(kind, StrEnum):
        return Choice(kind)
    if issubclass(kind, datetime):
        return Timestamp
    if issubclass(kind, Decimal):
        return Scaled(scale)
    if issubclass(kind, int) and not issubclass(kind, bool):
        return BigInteger
    return Text if issubclass(kind, str) else None


def _refold(mapper: Any, connection: Any, target: Any) -> None:
    for name in type(target).__folded__:
        value = getattr(target, name)
        folded = None if value is None else fold(value)
        if getattr(target, f"{name}_folded") != folded:
            setattr(target, f"{name}_folded", folded)


class Table(SQLModel, metaclass=TableMeta, abstract=True):
    """Anything a plugin keeps that is neither record nor facet: `class Visit(Table, plugin="loyalty")`.

    The author declares the primary key; the table is named `<plugin>_<class>` in snake case.
    """

    # A row is made without pydantic's validation; whoever validates by a table has its model built then.
    model_config = {"defer_build": True}

    __plugin__: ClassVar[str]
    __money__: ClassVar[dict[str, MoneyInfo]]
    __folded__: ClassVar[tuple[str, ...]]
    __defaults__: ClassVar[tuple[tuple[str, Any, Callable[[], Any] | None], ...]]
    __table__: ClassVar[SqlTable]
    #: Columns that say on which day the row's amounts are converted; the first that is set wins, else today.
    __dated_by__: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **values: Any) -> None:
        kind = type(self)
        unknown = values.keys() - kind.model_fields.keys() - kind.__money__.keys()
        if unknown:
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
        # A new row has no history to keep, so its values go where SQLAlchemy keeps them. SQLModel's own constructor
        # does the same by way of every setter and costs a hundred times as much.
        held = self.__dict__
        for name, default, factory in kind.__defaults__:
            held[name] = values[name] if name in values else default if factory is None else factory()
        for name, value in values.items():
            if name in kind.__money__:
                setattr(self, name, value)
            else:
                held[name] = value

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name) and name not in _OF_THE_MAPPER:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; a misspelt name would be lost")
        object.__setattr__(self, name, value)


class Facet(Table, abstract=True):
    """One row a record with a plugin's current values: `class Points(Facet, of="Customer", plugin="loyalty")`.

    The primary key `record_id` is the record's id, so a filter on a plugin's field is one indexed join. Rows go with
    their record.
    """

    __of__: ClassVar[str]
    record_id: str


class Record(Table, abstract=True):
    """A first-class thing of the CRM: `class Invoice(Record, plugin="credit", prefix="inv")`.

    Every record has an id, a version that rises with each change, who and when, and can be deleted softly; external
    ids and tags hang on it by id.
    """

    __prefix__: ClassVar[str]
    #: Without mutations: the core or the plugin writes it, clients only read it.
    __read_only__: ClassVar[bool] = False
    #: The order of lists that ask for none: API names, each with whether it descends.
    __order__: ClassVar[tuple[tuple[str, bool], ...]] = (("id", False),)
    #: The root list is short and comes whole, without pages.
    __plain_list__: ClassVar[bool] = False

    id: str = column("Globally unique id; a client may choose it on creation.", default=None, exact=True)
    version: int = column("Rises by one with each change; send it as expectedVersion.", default=1, read_only=True)
    created_at: datetime = column("When the record was entered.", default=None, read_only=True, index=True)
    created_by: str = column("Who entered it.", default=None, read_only=True, exact=True)
    updated_at: datetime = column("When the record was last changed.", default=None, read_only=True, index=True)
    updated_by: str = column("Who changed it last.", default=None, read_only=True, exact=True)
    deleted_at: datetime | None = column(
        "When the record was deleted; null while it lives.", default=None, read_only=True
    )
