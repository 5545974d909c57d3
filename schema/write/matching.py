"""How rows find the records they refer to: by id, by external id, by a text field, or by what only one may have."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.base.text import snake, words
from core.db.engines import POSTGRESQL
from core.db.locks import Locks
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed
from core.log.events import Action
from core.records.record import Record
from core.records.rows import quoted, rows_of
from schema.catalog.catalog import CatalogField, RecordType

RowInput = Mapping[str, Any]

ID, EXTERNAL_ID = "ID", "EXTERNAL_ID"

#: Target record, system and external id to the id meant.
Linked = Mapping[tuple[str, str, str], str]

#: What a row gives for a key, field by field, as it is compared.
KeyValues = tuple[Any, ...]


@dataclass(slots=True)
class Asked:
    """One record's input: what is to be done, with which record, and what is to be set.

    Attributes:
        action: None for an upsert, which creates or updates.
        given: the input.
        match: how an upsert finds its record: by id, by external id, or by the `MatchKey` of this name.
        extra: values that the operation itself sets, by Python name.
    """

    action: Action | None
    given: RowInput
    match: str = ID
    extra: Mapping[str, Any] | None = None
    occurred_at: Any = None
    reason: str | None = None


@dataclass(frozen=True)
class MatchKey:
    """Fields by which an upsert may find its record, all of them together.

    Attributes:
        name: in `matchBy`.
        fields: which.
        is_unique: only one living record may have these values.
    """

    name: str
    fields: tuple[CatalogField, ...]
    is_unique: bool

    @property
    def label(self) -> str:
        """Its fields as messages name them."""
        return ", ".join(field.name for field in self.fields)

    @property
    def description(self) -> str:
        """How it finds records."""
        named = " and ".join(words(_noun(field)) for field in self.fields)
        if len(self.fields) > 1:
            return f"By {named} together, which no two have in common."
        return f"By {named}, compared case-insensitively." if _is_text(self.fields[0]) else f"By {named}."

    @property
    def references(self) -> Set[str]:
        """The inputs that give those of its fields that are references by external id."""
        return {field.reference_name for field in self.fields if field.refers}

    def may_be_in(self, names: Set[str]) -> bool:
        """Whether rows that give some inputs may give it: a part of it at least is among them."""
        return not names.isdisjoint(self._inputs)

    @cached_property
    def _inputs(self) -> Set[str]:
        return {field.name for field in self.fields} | self.references

    def missing(self, given: RowInput) -> str | None:
        """The name of the first field that a row does not give, neither itself nor by external id."""
        names = (field.name for field in self.fields if given.get(field.name) is None and _link(field, given) is None)
        return next(names, None)

    def values(self, given: RowInput, linked: Linked) -> KeyValues | None:
        """What a row gives for it; None where that is not all of its fields.

        A reference by an external id that leads nowhere is given by that itself, which no record has.
        """
        values: list[Any] = []
        for field in self.fields:
            if (value := given.get(field.name)) is not None:
                values.append(match_key(field, value) if _is_text(field) else value)
            elif (key := _link(field, given)) is not None:
                place = target_of(field), key["system"], key["value"]
                values.append(linked.get(place, place))
            else:
                return None
        return tuple(values)

    def texts(self, rows: Sequence[RowInput], linked: Linked) -> Collection[str]:
        """What rows give for it, each as one text; nothing for those that do not give all of its fields."""
        (field, *others) = self.fields
        if others or not _is_text(field):
            every = [self.values(row, linked) for row in rows]
            return {"\0".join(map(str, values)) for values in every if values is not None}
        return [match_key(field, text) for row in rows if (text := row.get(field.name)) is not None]


def match_keys(record: RecordType) -> Mapping[str, MatchKey]:
    """By name what an upsert may find its record by: texts that identify it, and what only one living one may have."""
    keys = [MatchKey(snake(field.name).upper(), (field,), is_unique=False) for field in _match_fields(record)]
    known = {key.fields for key in keys}
    by_column = {
        field.stored.column: field for field in record.input_fields if field.stored and field.stored.facet is None
    }
    for unique in getattr(record.model, "__unique__", ()):
        if unique.flag is None and by_column.keys() >= {*unique.columns}:
            fields = tuple(by_column[column] for column in unique.columns)
            if fields not in known:
                name = "_AND_".join(snake(_noun(field)).upper() for field in fields)
                keys.append(MatchKey(name, fields, is_unique=True))
    return {key.name: key for key in keys}


def upsert_locks(
    engine: str, record: RecordType, keys: Mapping[str, MatchKey], asked: Sequence[Asked], linked: Linked
) -> Locks:
    """The keys that keep an upsert from creating what another one, or a creation, is about to write.

    Alone is held what rows are matched by, and shared what other upserts may match by: the values that are written.
    Of a creation that is what only one record may have: two of the same text stand alongside each other either way.
    All are taken at once, so that two batches of the same rows in another order do not deadlock.
    """
    locks = Locks()
    rows = [one for one in asked if one.action in (None, Action.CREATED)]
    if not rows or engine != POSTGRESQL:
        return locks
    entity = record.name
    alike: dict[tuple[Action | None, str], list[RowInput]] = defaultdict(list)
    for one in rows:
        alike[one.action, one.match].append(one.given)
    for (action, match), several in alike.items():
        given = set().union(*several)
        for name, key in keys.items():
            if (action is None or key.is_unique) and key.may_be_in(given):
                locks.add_alike((entity, name), key.texts(several, linked), shared=name != match)
        if action is None and match == ID:
            ids = [id for one in several if (id := one.get("id")) is not None]
            locks.add_alike((entity, "id"), ids, shared=False)
        elif action is None and match == EXTERNAL_ID:
            items = [item for one in several for item in one.get("externalIds") or ()]
            locks.add(None, [(entity, item["system"], item["value"]) for item in items])
    return locks


def ids_by_key(
    transaction: DatabaseTransaction, model: type[Record], key: MatchKey, wanted: Collection[KeyValues]
) -> dict[KeyValues, set[str]]:
    """For each of a key's values the ids of the living records that have them."""
    # What leads nowhere, or what no text of the database can hold, is nobody's.
    possible = [
        values for values in wanted if not any(isinstance(value, tuple) or _holds_nul(value) for value in values)
    ]
    ids: dict[KeyValues, set[str]] = {values: set() for values in wanted}
    columns = [_column(model, field) for field in key.fields]
    if not key.is_unique:
        known = _ids_by_column(transaction, model, columns[0], {text for (text,) in possible})
        ids |= {(text,): found for text, found in known.items()}
    elif possible:
        for number, id in transaction.rows(rows_of(model, transaction.dialect).alike(columns, possible)):
            ids[possible[number]].add(id)
    return ids


def _holds_nul(value: Any) -> bool:
    return isinstance(value, str) and "\0" in value


def target_of(field: CatalogField) -> str:
    """The name of the record that a reference is to."""
    assert field.stored is not None
    target = field.stored.info.target
    assert target is not None
    return target


def _link(field: CatalogField, given: RowInput) -> Mapping[str, str] | None:
    """The external id by which a row gives a reference."""
    return given.get(field.reference_name) if field.refers else None


def _noun(field: CatalogField) -> str:
    return field.name.removesuffix("Id") if field.refers else field.name


def _is_text(field: CatalogField) -> bool:
    return field.kind.filter_name == "TextFilter"


def match_key(field: CatalogField, text: str) -> str:
    """What two texts have in common that match as values of a field; they are stored without outer blanks."""
    return text.strip() if field.is_exact else field.kind.key(text.strip())


def ids_by_text(
    transaction: DatabaseTransaction, model: type[Record], field: CatalogField, texts: Collection[str]
) -> dict[str, set[str]]:
    """For each text the ids of the living records whose field has it, compared as filters compare the field."""
    # No text of the database holds NUL, and neither engine takes one to compare with.
    prepared = {text: match_key(field, text) for text in texts if "\0" not in text}
    ids = _ids_by_column(transaction, model, _column(model, field), set(prepared.values()))
    return {text: ids[prepared[text]] if text in prepared else set() for text in texts}


def _ids_by_column(
    transaction: DatabaseTransaction, model: type[Record], name: str, values: Collection[str]
) -> dict[str, set[str]]:
    engine = transaction.dialect
    column = quoted(engine, name)
    ids: dict[str, set[str]] = defaultdict(set)
    where = f"{among(engine, column, 1)} AND deleted_at IS NULL"
    sql = f"SELECT id, {column} FROM {quoted(engine, model.__table__.name)} WHERE {where}"
    for id, value in transaction.rows(SqlStatement(sql, (listed(engine, values),))):
        ids[value].add(id)
    return ids


def _column(model: type[Record], field: CatalogField) -> str:
    """The column that a field is found by."""
    assert field.stored is not None
    column = field.stored.column
    return f"{column}_folded" if column in model.__folded__ else column


def _match_fields(record: RecordType) -> Sequence[CatalogField]:
    """The text fields by which an upsert may find its record: short ones with an index that identify it."""
    return [
        field
        for field in record.input_fields
        if field.stored is not None
        and field.stored.facet is None
        and _is_text(field)
        and not field.stored.info.shared
        and _is_indexed(record, field.stored.column)
    ]


def _is_indexed(record: RecordType, column: str) -> bool:
    columns: Any = record.table.c
    return any(bool(columns[name].info.get("index")) for name in (column, f"{column}_folded") if name in columns)
