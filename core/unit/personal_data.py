"""Personal data: what is stored about somebody, exported whole or erased, in the tables of core and plugins (K23).

What is about a record is found by the foreign keys of the tables, so that a plugin's tables are in it. Erasing empties
what is declared `personal` and leaves all else as it is: rows, references, amounts and counts.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar, get_args, get_origin

from sqlalchemy import Column, ForeignKey, select, tuple_
from sqlalchemy import Table as SqlTable
from sqlmodel import col

from core.base.money import Money
from core.base.text import camel
from core.crm.customers import Contact, Customer
from core.crm.people import User
from core.db.engines import SQLITE
from core.db.transaction import mark
from core.db.types import Json, Text
from core.log import attachments
from core.log.changes import shown
from core.log.events import EventRow
from core.records.columns import column_info
from core.records.companions import keys_of
from core.records.record import CORE, Record, Table, registry_of
from core.records.rows import rows_of
from core.records.vocabulary import CustomerKind
from core.unit.idempotency import IdempotencyKey
from core.unit.unit import Unit

#: What a text that must not be empty becomes.
ERASED = "erased"
#: Records of somebody else: that they refer to a record does not make them part of what is about it.
_SUBJECTS: tuple[type[Record], ...] = (Contact, Customer, User)
#: Shorter texts, such as initials, say nothing and occur everywhere.
_SHORTEST = 3
_AT_ONCE = 1000

PrimaryKey = tuple[Any, ...]
T = TypeVar("T")


def _portions(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))


@dataclass(frozen=True, slots=True)
class PersonalFields:
    """What is personal by the declaration of a field rather than of a column.

    Attributes:
        names: by record, the names of its personal fields in the API, plugins' included.
        columns: columns of facets that such fields show, as facet and name.
    """

    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    columns: Collection[tuple[type[Table], str]] = ()


class StoredData:
    """What is stored about a record.

    Attributes:
        record: the record.
        keys: by table, the primary keys of the rows about it, itself included.
    """

    def __init__(self, unit: Unit, record: Record) -> None:
        self.record = record
        self._unit = unit
        owners = (CORE, *(plugin.name for plugin in unit.host.plugins))
        mapped = (mapper for owner in owners for mapper in registry_of(owner).mappers)
        self.models: dict[Any, type[Table]] = {mapper.local_table: mapper.class_ for mapper in mapped}
        self.keys: dict[SqlTable, set[PrimaryKey]] = defaultdict(set)
        self._follow()

    @cached_property
    def ids(self) -> dict[str, type[Record]]:
        """The records among the rows, by id."""
        kinds = {table: self.models[table] for table in self.keys}
        return {key[0]: kind for table, kind in kinds.items() if issubclass(kind, Record) for key in self.keys[table]}

    @property
    def is_person(self) -> bool:
        """Whether the record itself is about a person: an organisation is not."""
        return not isinstance(self.record, Customer) or self.record.kind is CustomerKind.INDIVIDUAL

    def _follow(self) -> None:
        """Finds the rows, from each to those that belong to it."""
        referring: dict[SqlTable, list[ForeignKey]] = defaultdict(list)
        for table in self.models:
            for key in table.foreign_keys:
                if self._is_about(key):
                    referring[key.column.table].append(key)
        start = type(self.record).__table__
        self.keys[start].add((self.record.id,))
        front: list[tuple[SqlTable, list[str]]] = [(start, [self.record.id])]
        while front:
            table, ids = front.pop()
            for key in referring[table]:
                found = self._referring(key, ids) - self.keys[key.parent.table]
                if found:
                    self.keys[key.parent.table] |= found
                    front.append((key.parent.table, [one[0] for one in found]))

    def _is_about(self, key: ForeignKey) -> bool:
        """Whether a row that refers by a key is about what it refers to."""
        kind = self.models[key.parent.table]
        if issubclass(kind, _SUBJECTS):
            return False
        if key.ondelete == "CASCADE" or key.column.table is Contact.__table__:
            return True
        parts = getattr(kind, "__part_of__", None)
        if parts is not None:
            return camel(key.parent.key.removesuffix("_id")) in parts
        return not key.parent.nullable or key.column.table is Customer.__table__

    def _referring(self, key: ForeignKey, ids: Sequence[str]) -> set[PrimaryKey]:
        primary = key.parent.table.primary_key.columns
        found: set[PrimaryKey] = set()
        for some in _portions(sorted(ids)):
            query = select(*primary).where(key.parent.in_(some))
            found |= {tuple(row) for row in self._unit.session.execute(query)}
        return found

    def rows(self, table: SqlTable) -> Iterator[Mapping[str, Any]]:
        """The rows of a table, in the order of their keys."""
        primary = tuple(table.primary_key.columns)
        for some in _portions(sorted(self.keys[table])):
            if len(primary) == 1:
                where = primary[0].in_([key[0] for key in some])
            else:
                where = tuple_(*primary).in_(some)
            query = select(table).where(where).order_by(*primary)
            yield from (dict(row) for row in self._unit.session.execute(query).mappings())

    def events(self) -> Iterator[EventRow]:
        """The events of the records among the rows."""
        for some in _portions(sorted(self.ids)):
            query = select(EventRow).where(col(EventRow.entity_id).in_(some)).order_by(col(EventRow.id))
            yield from self._unit.session.scalars(query)


def shown_row(kind: type[Table], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row by the names of its columns in the API, as the API shows their values; without internal ones."""
    found = {
        camel(column.key): shown(row[column.key])
        for column in kind.__table__.columns
        if not column_info(column).internal
    }
    for name in kind.__money__:
        amount = row[f"{name}_minor"]
        found[camel(name)] = None if amount is None else shown(Money.from_minor(amount, row[f"{name}_currency"]))
    return found


# Erasing


def erase(unit: Unit, record: Record, personal: PersonalFields) -> bool:
    """Erases what is personal about a record, its hooks' part excepted; returns whether there was anything to erase."""
    data = StoredData(unit, record)
    words = _Words(_names(data))
    changed = [_erase_rows(unit, data, data.models[table], words, personal) for table in data.keys]
    changed += [_erase_events(unit, data, words, personal), _erase_answers(unit, words)]
    if data.is_person:
        is_tagged = bool(attachments.tags_of(unit.transaction, [record.id]))
        changed += [is_tagged, bool(attachments.external_ids_of(unit.transaction, [record.id]))]
        attachments.drop(unit.transaction, [record.id])
        if is_tagged:
            unit.search.note_tags(type(record), {record.id: ()})
    return any(changed)


class _Words:
    """Texts by which a person is known, taken out of whatever else is said about it."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted(
            {text for text in texts if len(text) >= _SHORTEST and text != ERASED}, key=len, reverse=True
        )
        choices = "|".join(re.escape(text) for text in self.texts)
        self._pattern = re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE) if choices else None

    def without(self, value: Any) -> Any:
        """A value, be it text or JSON, without them."""
        if self._pattern is None:
            return value
        if type(value) is str:
            return self._pattern.sub(ERASED, value)
        if isinstance(value, dict):
            return {key: self.without(item) for key, item in value.items()}
        return [self.without(item) for item in value] if isinstance(value, list) else value


def _names(data: StoredData) -> Iterator[str]:
    """The short texts among the personal data of the record itself, but for those that many share, such as a city."""
    if not data.is_person:
        return
    for column in type(data.record).__table__.columns:
        info, value = column_info(column), getattr(data.record, column.key)
        if info.personal and not (info.long or info.shared) and type(value) is str:
            yield value


def _empty(column: Column[Any]) -> Any:
    """What a personal column holds once it is erased."""
    kind = column.info["kind"]
    if column.nullable:
        return None
    if isinstance(column.type, Text):
        return ERASED
    if isinstance(column.type, Json):
        return {} if dict in (kind, get_origin(kind)) else []
    default = column.info["default"]
    return default() if callable(default) else default


def _holds_choices(column: Column[Any]) -> bool:
    """Whether a list is of values of an enumeration."""
    return any(isinstance(item, type) and issubclass(item, StrEnum) for item in get_args(column.info["kind"]))


def _erase_rows(unit: Unit, data: StoredData, kind: type[Table], words: _Words, personal: PersonalFields) -> bool:
    """Empties the personal columns of the rows of a table, and takes names out of its other texts."""
    is_kept = kind is type(data.record) and not data.is_person
    table, changed = kind.__table__, []
    for row in () if is_kept else data.rows(table):
        values = _erased(kind, row, words, personal)
        if any(row[name] != value for name, value in values.items()):
            if issubclass(kind, Record):
                values |= {"version": row["version"] + 1, "updated_at": unit.now, "updated_by": unit.actor.id}
                unit.search.note_values(kind, row["id"], {**row, **values})
            changed.append(values | {column.key: row[column.key] for column in table.primary_key.columns})
    for some in _portions(changed):
        unit.transaction.put(rows_of(kind, unit.transaction.dialect).change(some))
    return bool(changed)


def _erased(kind: type[Table], row: Mapping[str, Any], words: _Words, personal: PersonalFields) -> dict[str, Any]:
    """The texts and personal columns of a row as they are to be, whether they change or not."""
    values: dict[str, Any] = {}
    companions = {companion.name for companion in kind.__companions__}
    for column in kind.__table__.columns:
        info, name = column_info(column), column.key
        if column.primary_key or info.internal or info.references is not None or name in companions:
            continue
        if info.personal or (kind, name) in personal.columns:
            values[name] = _empty(column)
        elif isinstance(column.type, Text | Json) and not (info.exact or _holds_choices(column)):
            values[name] = words.without(row[name])
    for name, money in kind.__money__.items():
        if money.info.personal or (kind, name) in personal.columns:
            amount = None if money.nullable else 0
            currency = None if money.nullable else row[f"{name}_currency"]
            values |= {f"{name}_minor": amount, f"{name}_currency": currency, f"{name}_reporting": amount}
    return values | dict(keys_of(kind.__companions__, values, ""))


def _erase_events(unit: Unit, data: StoredData, words: _Words, personal: PersonalFields) -> bool:
    """Takes personal values out of the log: that a field changed stays, from what to what does not."""
    changed = []
    for event in data.events():
        if event.entity_id == data.record.id:
            own = {*personal.names.get(event.entity_type, ()), "tags", "externalIds"}
            names = own if data.is_person else set()
        else:
            names = set(personal.names.get(event.entity_type, ()))
        changes = {name: [None, None] if name in names else words.without(pair) for name, pair in event.changes.items()}
        found = {name: None if name in names else words.without(value) for name, value in event.data.items()}
        if (changes, found) != (event.changes, event.data):
            changed.append({"id": event.id, "changes": changes, "data": found})
    for some in _portions(changed):
        unit.transaction.put(rows_of(EventRow, unit.transaction.dialect).change(some))
    return bool(changed)


def _erase_answers(unit: Unit, words: _Words) -> bool:
    """Takes names out of what is answered to repeated requests."""
    engine, rows = unit.transaction.dialect, rows_of(IdempotencyKey, unit.transaction.dialect)
    changed: dict[tuple[str, str], dict[str, Any]] = {}
    for text in words.texts:
        # As it is spelled within JSON on each engine.
        sought = json.dumps(text, ensure_ascii=engine == SQLITE)[1:-1]
        where = "instr(lower(result), lower({}))" if engine == SQLITE else "strpos(lower(result::text), lower({}))"
        for key in rows.all_made(
            unit.transaction.rows(rows.select(f"WHERE {where.format(mark(engine, 1))} > 0", sought))
        ):
            result = words.without(key.result)
            if result != key.result:
                changed[key.actor, key.key] = {"actor": key.actor, "key": key.key, "result": result}
    if changed:
        unit.transaction.put(rows.change(list(changed.values())))
    return bool(changed)
