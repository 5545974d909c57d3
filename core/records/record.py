"""How records, facets and tables are declared: typed classes that become tables, one registry per plugin.

A `Record` is a first-class thing of the CRM with an id; a `Facet` holds one plugin's current values about each record
of another's; a `Table` is anything else a plugin stores, such as history. A column of type `Money` becomes three.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from inspect import get_annotations
from typing import Any, ClassVar, dataclass_transform, get_args, get_origin

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, event, inspect
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Mapped, MappedColumn, TypeResolve, object_session, registry
from sqlalchemy.sql.ddl import sort_tables_and_constraints

from core.base.ids import EVENT_PREFIX, PREFIX, new_id
from core.base.money import Money
from core.base.sentences import Term, noun
from core.base.text import snake, words
from core.db.types import Choice, Json, Scaled, Text, Timestamp
from core.records.columns import ColumnInfo, MoneyInfo, column, reference, sql_column
from core.records.companions import Companion, folded, pinyin
from core.records.forms import NameForm, TextForm
from core.records.uniqueness import Uniqueness

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

CORE = "core"

#: Where a session's `info` has the region of telephone numbers without a country code.
PHONE_REGION = "phone_region"

_TYPES: dict[Any, Any] = {int: BigInteger, str: Text, datetime: Timestamp, Decimal: Scaled(2)}

# Declarations are the only process-wide state: a class statement runs once per process, whatever apps use it.
_registries: dict[str, registry] = {}
_records: dict[str, type["Record"]] = {}
_by_prefix: dict[str, type["Record"]] = {}


def registry_of(plugin: str) -> registry:
    """The registry that holds the tables `plugin` declares; the core's own is named `core`."""
    if plugin not in _registries:
        made = registry(metadata=MetaData(naming_convention=_NAMING), type_annotation_map=_TYPES)
        event.listen(made, "resolve_type_annotation", _column_type)
        _registries[plugin] = made
    return _registries[plugin]


def tables_of(plugin: str) -> list[SqlTable]:
    """The tables `plugin` declares, parents before children."""
    known = sorted(registry_of(plugin).metadata.tables.values(), key=lambda table: table.name)
    # `sorted_tables` warns of those that refer to each other in a circle.
    ordered: Any = sort_tables_and_constraints(known)  # type: ignore[no-untyped-call]
    return [table for table, _ in ordered if table is not None]


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
        raise TypeError(f"no record is named {name!r}; available: {', '.join(sorted(_records))}") from None


def record_in(table: Any) -> type["Record"]:
    """The record class that is stored in a table."""
    return next(record for record in _records.values() if record.__table__ is table)


def has_record(name: str) -> bool:
    """Whether a record class of that name is declared."""
    return name in _records


def record_with_prefix(id: str) -> type["Record"]:
    """The record class an id belongs to.

    Raises:
        TypeError: no record has ids with that prefix.
    """
    try:
        return _by_prefix[id.partition("_")[0]]
    except KeyError:
        raise TypeError(f"{id!r} is the id of no declared record") from None


def table_name(name: str, plugin: str) -> str:
    """The name of a class's table: in snake case, prefixed with the plugin's name."""
    return snake(name) if plugin == CORE else f"{plugin}_{snake(name)}"


def noun_in(table: Any, count: int = 1) -> Term:
    """What one row of a table is called in messages, or several."""
    found = next((record.__name__ for record in _records.values() if record.__table__ is table), table.name)
    return noun(found, count)


def _check_record(name: str, plugin: str, prefix: str) -> None:
    """Refuses a record before it has a table, which could not be undone."""
    for rival, shared in ((_records.get(name), "name"), (_by_prefix.get(prefix), f"id prefix {prefix!r}")):
        if rival is not None:
            raise TypeError(
                f"record {name} of {plugin!r} and record {rival.__name__} of {rival.__plugin__!r} "
                f"have the same {shared}; choose another"
            )
    if not PREFIX.fullmatch(prefix) or prefix == EVENT_PREFIX:
        but = f", but not {EVENT_PREFIX}, which events have" if prefix == EVENT_PREFIX else ""
        raise TypeError(
            f"record {name} of {plugin!r}: the id prefix {prefix!r} is not possible; use three to twelve lower-case "
            f"letters{but}"
        )


def _check_default(facet: str, name: str, kind: Any, *, nullable: bool, given: Any) -> None:
    required = "default" not in given.column.info if isinstance(given, MappedColumn) else given is ...
    # Money has no default but null.
    if not nullable and (required or kind is Money):
        raise TypeError(
            f"{facet}.{name}: a facet's row is made when it is first asked for, so each column needs a default, "
            "or `| None`"
        )


def _check_erasable(table: str, name: str, kind: Any, settings: Mapping[str, Any], *, nullable: bool) -> None:
    is_emptied = nullable or kind is str or list in (kind, get_origin(kind)) or dict in (kind, get_origin(kind))
    if settings["column"].personal and not is_emptied and "default" not in settings:
        raise TypeError(f"{table}.{name}: personal data is erased one day, so it needs a default, or `| None`")


def _id_field(prefix: str) -> Any:
    info = ColumnInfo("Globally unique id; a client may choose it on creation.", exact=True)
    return sql_column(info, default_factory=lambda: new_id(prefix), primary_key=True)


def _declare(cls: type["Table"], name: str, kind: Any, *, nullable: bool) -> None:
    """Makes a column of one annotated attribute, with its companions if it has any."""
    given = cls.__dict__.get(name, ...)
    if not isinstance(given, MappedColumn):
        given = sql_column(ColumnInfo(), given)
    settings = given.column.info
    info: ColumnInfo = settings["column"]
    if kind is Money:
        _expand_money(cls, name, settings, nullable=nullable)
        return
    settings["kind"] = kind
    _check_erasable(cls.__name__, name, kind, settings, nullable=nullable)
    if isinstance(info.references, str):
        target = f"{table_name(info.references, cls.__plugin__)}.id"
        given.column.append_foreign_key(ForeignKey(target, ondelete=settings["on_destroy"]))
    _set_column(cls, name, kind, given, nullable=nullable)
    if kind is str and hasattr(cls, "__folded__") and not (info.exact or info.long or info.internal):
        # Filters and orders use the folded companion, so the index is the companion's.
        index = settings.pop("index", False)
        companion = sql_column(ColumnInfo(internal=True), None if nullable else "", index=index)
        _set_column(cls, f"{name}_folded", str, companion, nullable=nullable)
        cls.__folded__ = {**cls.__folded__, name: info.form}
        cls.__companions__ = (*cls.__companions__, folded(name, info.form))
        if isinstance(info.form, NameForm):
            _add_pinyin(cls, name, info, info.form, nullable=nullable, index=index)


def _add_pinyin(
    cls: type["Table"], name: str, info: ColumnInfo, form: NameForm, *, nullable: bool, index: bool
) -> None:
    description = (
        f"The {words(name)} as Chinese dictionaries sort it: by syllable, tone and character, other letters without "
        "case and accents."
    )
    made = ColumnInfo(description, personal=info.personal, permission=info.permission, read_only=True, exact=True)
    companion = pinyin(name, form)
    _set_column(cls, companion.name, str, sql_column(made, None if nullable else "", index=index), nullable=nullable)
    cls.__companions__ = (*cls.__companions__, companion)


def _set_column(cls: type["Table"], name: str, kind: Any, made: Any, *, nullable: bool) -> None:
    cls.__annotations__[name] = Mapped[kind | None] if nullable else Mapped[kind]
    setattr(cls, name, made)


def _expand_money(cls: type["Table"], name: str, settings: dict[str, Any], *, nullable: bool) -> None:
    del cls.__annotations__[name]
    cls.__money__ = {**cls.__money__, name: MoneyInfo(name, nullable, settings["column"])}
    part = ColumnInfo(internal=True, part_of=name)
    for suffix, kind in (("minor", int), ("currency", str), ("reporting", int)):
        made = sql_column(part, None, index=suffix == "reporting" and settings["index"])
        _set_column(cls, f"{name}_{suffix}", kind, made, nullable=nullable)
    setattr(cls, name, MoneyProperty(cls, name))


def held_value(row: Any, name: str) -> Any:
    """What a column of a row holds; where it is there already, without the way by SQLAlchemy's attribute."""
    held = row.__dict__
    return held[name] if name in held else getattr(row, name)


class MoneyProperty(property):
    """A money field of a table class: on the class it names itself, on a row it is the money of its columns."""

    def __init__(self, owner: "type[Table]", key: str) -> None:
        self.owner, self.key = owner, key
        minor, currency, reporting = (f"{key}_{suffix}" for suffix in ("minor", "currency", "reporting"))

        def read(row: Any) -> Money | None:
            amount = held_value(row, minor)
            return None if amount is None else Money.from_minor(amount, held_value(row, currency))

        def write(row: Any, value: Money | None) -> None:
            if value == read(row):
                return
            setattr(row, minor, None if value is None else value.minor)
            setattr(row, currency, None if value is None else value.currency)
            # The unit of work converts it at the rate of the day before anything is written.
            setattr(row, reporting, None)

        super().__init__(read, write)


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


def _column_type(resolve: TypeResolve) -> Any:
    kind = resolve.resolved_type
    if get_origin(kind) in (list, dict) or kind in (list, dict):
        return Json
    return Choice(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else None


def _refold(mapper: Any, connection: Any, target: Any) -> None:
    session = object_session(target)
    region = "" if session is None else session.info.get(PHONE_REGION, "")
    for companion in type(target).__companions__:
        key = companion.key(getattr(target, companion.text), region)
        if getattr(target, companion.name) != key:
            setattr(target, companion.name, key)


@dataclass_transform(kw_only_default=True, field_specifiers=(column, reference))
class Table:
    """Anything a plugin stores that is neither a record nor a facet: `class Visit(Table, plugin="loyalty")`.

    The author declares the primary key; the table is named `<plugin>_<class>` in snake case.
    """

    #: `Facet` annotates `record_id` for type checkers alone.
    __allow_unmapped__ = True
    __plugin__: ClassVar[str]
    __tablename__: ClassVar[str]
    __money__: ClassVar[dict[str, MoneyInfo]]
    __folded__: ClassVar[dict[str, TextForm]]
    __companions__: ClassVar[tuple[Companion, ...]]
    #: What columns of a new row hold where nothing else is given, and what makes it for the others.
    __defaults__: ClassVar[Mapping[str, Any]]
    __factories__: ClassVar[Mapping[str, Callable[[], Any]]]
    __names__: ClassVar[frozenset[str]]
    __columns__: ClassVar[frozenset[str]]
    __table__: ClassVar[SqlTable]
    #: Columns that say on which day the row's amounts are converted; the first that is set wins, else the day it was
    #: entered. Amounts of a row without such columns are converted on the day they are set.
    __dated_by__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, *, plugin: str = CORE, prefix: str | None = None, of: Any = None, abstract: bool = False
    ) -> None:
        super().__init_subclass__()
        if not abstract:
            if "__tablename__" not in cls.__dict__:
                cls.__tablename__ = table_name(cls.__name__, plugin)
            cls.__plugin__, cls.__money__, cls.__folded__, cls.__companions__ = plugin, {}, {}, ()
            if prefix is not None:
                _check_record(cls.__name__, plugin, prefix)
                cls.__prefix__ = prefix  # type: ignore[attr-defined]  # only records have one
                _add(cls, "id", _id_field(prefix))
            if of is not None:
                target = record_named(of) if isinstance(of, str) else of
                cls.__of__ = target.__name__  # type: ignore[attr-defined]  # only facets have one
                text = f"The {target.__name__.lower()}."
                _add(cls, "record_id", reference(target, text, on_destroy="CASCADE", primary_key=True))
        annotations: dict[str, Any] = get_annotations(cls)
        for name, annotation in annotations.items():
            if name.startswith("__") or get_origin(annotation) is ClassVar or (abstract and name not in cls.__dict__):
                continue
            kind, nullable = _unwrap(annotation)
            if of is not None and name != "record_id":
                _check_default(cls.__name__, name, kind, nullable=nullable, given=cls.__dict__.get(name, ...))
            _declare(cls, name, kind, nullable=nullable)
        if not abstract:
            _map(cls)

    def __init__(self, **values: Any) -> None:
        # A new row has no history to keep, so its values go where SQLAlchemy keeps them. SQLAlchemy's own constructor
        # does the same by way of every setter and costs several times as much.
        self.__dict__.update(new_values(type(self), values))

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__.get("_sa_instance_state")
        if state is not None and state.key is None and state.session_id is None and name in type(self).__columns__:
            # No session knows it, so nothing keeps track of what it held.
            self.__dict__[name] = value
            return
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__} has no {name!r}; a misspelt name would be lost")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        # Neither values, which may be personal, nor a query for those that are not loaded.
        key = inspect(self).identity
        return f"<{type(self).__name__} {', '.join(map(str, key)) if key else 'not stored'}>"


def new_values(kind: type[Table], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the columns of a new row hold, given values of its fields.

    Raises:
        TypeError: a value is of no field.
    """
    if not kind.__names__.issuperset(values):
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(values.keys() - kind.__names__))}")
    held = {**kind.__defaults__, **values}
    for name, factory in kind.__factories__.items():
        if name not in values:
            held[name] = factory()
    for name in kind.__money__:
        if (value := held.pop(name, None)) is not None:
            held[f"{name}_minor"], held[f"{name}_currency"] = value.minor, value.currency
    return held


def _add(cls: type[Table], name: str, made: Any) -> None:
    cls.__annotations__ = {**get_annotations(cls), name: str}
    setattr(cls, name, made)


def _map(cls: type[Table]) -> None:
    """Makes the class a table of its plugin's registry, with its indexes and the values a new row begins with."""
    registry_of(cls.__plugin__).map_declaratively(cls)
    table = cls.__table__
    for indexed in [each for each in table.columns if each.info.get("index")]:
        # With the key behind it the index also serves the order, whose tie-break the key is.
        key = [each for each in table.primary_key.columns if each is not indexed]
        Index(f"ix_{table.name}_{indexed.name}", indexed, *key)
    cls.__columns__ = frozenset(table.columns.keys())
    cls.__names__ = cls.__columns__ | cls.__money__.keys()
    given = {column.key: column.info["default"] for column in table.columns if "default" in column.info}
    cls.__factories__ = {name: value for name, value in given.items() if callable(value)}
    cls.__defaults__ = {name: value for name, value in given.items() if name not in cls.__factories__}
    if cls.__companions__:
        event.listen(cls, "before_insert", _refold)
        event.listen(cls, "before_update", _refold)
    if issubclass(cls, Record):
        _records[cls.__name__] = _by_prefix[cls.__prefix__] = cls


class Facet(Table, abstract=True):
    """One row per record with a plugin's current values: `class Points(Facet, of="Customer", plugin="loyalty")`.

    The primary key `record_id` is the record's id, so a filter on a plugin's field is one indexed join. Rows go with
    their record.
    """

    __of__: ClassVar[str]
    record_id: str


class Record(Table, abstract=True):
    """A first-class thing of the CRM: `class Invoice(Record, plugin="credit", prefix="inv")`.

    Every record has an id, a version that rises with each change, who and when, and can be deleted softly; external
    ids and tags refer to it by id.

    A record leaves what nobody needs out of the schema, which makes the schema shorter for every client:
    `__read_only__ = True` its mutations, `__groups__ = False` its groups, `__aggregates__ = False` its aggregates, on
    which groups depend. What other records would derive from them is left out too.
    """

    __prefix__: ClassVar[str]
    #: Without mutations: the core or the plugin writes it, clients only read it.
    __read_only__: ClassVar[bool] = False
    #: Lists of it have counts, sums, averages, smallest and largest values.
    __aggregates__: ClassVar[bool] = True
    #: Lists of it can be grouped, and lists of what refers to it by its fields; only where they have aggregates.
    __groups__: ClassVar[bool] = True
    #: The order of lists that ask for none: API names, each with whether it descends.
    __order__: ClassVar[tuple[tuple[str, bool], ...]] = (("id", False),)
    #: The root list is short and returned whole, without pages.
    __plain_list__: ClassVar[bool] = False
    #: Name of the permission without which nobody sees it; None for none.
    __permission__: ClassVar[str | None] = None
    #: The relations through which it belongs to whoever the other record belongs to, by their names in the API. By
    #: default the first required one to a record that belongs to somebody, else all of them. With none, and without
    #: an owner of its own, it is reference data.
    __part_of__: ClassVar[tuple[str, ...] | None] = None
    #: The relation to a record that its users share, as the members of a team do.
    __shares__: ClassVar[str | None] = None
    #: What only one living record may have (`one_living`).
    __unique__: ClassVar[tuple[Uniqueness, ...]] = ()
    #: References that have to lead to records of one customer, if they lead to any.
    __of_one_customer__: ClassVar[tuple[str, ...]] = ()
    #: Whether several can be merged into one, so that an id may lead to another record.
    __merges__: ClassVar[bool] = False
    #: The columns with texts it is found by, its name first; without any, search does not find it.
    __search__: ClassVar[tuple[str, ...]] = ()
    #: Whether whoever its columns name owns it: users as `owner`, `user` or `assignee`, a team, a region.
    __owned__: ClassVar[bool] = True

    id: str = column("Globally unique id; a client may choose it on creation.", default=None, exact=True)
    version: int = column("Increases by one with each change; send it as expectedVersion.", default=1, read_only=True)
    created_at: datetime = column("When the record was created.", default=None, read_only=True, index=True)
    created_by: str = column("Who created it.", default=None, read_only=True, exact=True)
    updated_at: datetime = column("When the record was last changed.", default=None, read_only=True, index=True)
    updated_by: str = column("Who last changed it.", default=None, read_only=True, exact=True)
    deleted_at: datetime | None = column(
        "When the record was deleted; null unless it is deleted.", default=None, read_only=True
    )
