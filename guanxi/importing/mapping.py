"""The mapping of an import: what each row of a source says of which records. Pure: it knows no database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from core.base.errors import ConfigurationError, InputError
from core.base.sentences import sentence
from core.base.text import camel, fold
from guanxi.importing.cells import ABSENT, NULL, REJECT, Cells, Nothing, Test, Value, all_hold
from guanxi.importing.sources import Layout, Source, SourceRow
from guanxi.importing.values import ISO, Format, as_text, convert, parts, rounded
from schema.catalog.attached_kinds import TagsKind
from schema.catalog.catalog import CatalogField, RecordType, ToOne
from schema.catalog.kinds import ListKind, MoneyKind
from schema.write.matching import EXTERNAL_ID, ID


class RowRejected(InputError):  # noqa: N818  (a verdict on a row)
    """A row that does not give what the mapping asks for.

    Attributes:
        record: the record of the mapping that was being read.
    """

    def __init__(self, record: str, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.record = record


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field is filled.

    Attributes:
        field: of the catalog.
        value: where its value comes from.
        format: how that is written.
        currency, currency_column: of money: a constant, or a column; the reporting currency without either.
        when: conditions under which it is set at all.
        empty: what an empty column says: `absent`, which leaves the field as it is, or `null`.
        reporting_currency: of money without a currency.
    """

    field: CatalogField
    value: Value
    format: Format = ISO
    currency: str | None = None
    currency_column: str | None = None
    when: Sequence[Test] = ()
    empty: str = ABSENT
    reporting_currency: str = ""

    def of(self, cells: Cells, notes: list[str]) -> Any:
        """What a row says of the field: a value, None for null, or `Nothing`; what was rounded is added to the notes.

        Raises:
            InputError: it is not what the field takes; the message names the field.
        """
        if not all_hold(self.when, cells):
            return Nothing.SAID
        try:
            found = self._items(cells) if isinstance(self.field.kind, ListKind | TagsKind) else self.value.of(cells)
            if found is Nothing.SAID and self.empty == NULL:
                found = None
            if found is None or found is Nothing.SAID:
                return found
            value = convert(self.field.kind, found, self.format, self._currency(cells))
            if not isinstance(self.field.kind, MoneyKind):
                return value
            value, note = rounded(value, self.reporting_currency, self.format)
            notes += [f"{self.field.name}: {note}"] if note else []
            return value
        except InputError as error:
            raise InputError(sentence("{field}: {problem}", field=self.field.name, problem=error.message)) from None

    def _items(self, cells: Cells) -> Any:
        found = self.value.found(cells)
        if found is None:
            return self.value.translated(None)
        items = [self.value.translated(part) for part in parts(found, self.format)]
        return [item for item in items if item is not None]

    def _currency(self, cells: Cells) -> str | None:
        if self.currency_column is None:
            return self.currency
        given = cells.get(self.currency_column)
        if given is None:
            raise InputError(
                sentence(
                    "column {currency_column!r}, which names the currency, is empty; fill it",
                    currency_column=self.currency_column,
                )
            )
        return as_text(given)


@dataclass(frozen=True, slots=True)
class LinkRule:
    """How one reference to another record is filled.

    Attributes:
        relation: of the catalog.
        target: the type of record it leads to.
        record: the other record is the one that the same row made under this name in the mapping.
        system: or it is the one with this external id;
        by: or the only one whose text field has this value.
        value: where external id or text come from.
        when, empty: as of a field.
        missing: what becomes of a row that names a record which is not there: `reject`, or `null`.
        waits: a later row of the source may make the record.
    """

    relation: ToOne
    target: RecordType
    record: str | None = None
    system: str | None = None
    by: CatalogField | None = None
    value: Value = field(default_factory=Value)
    when: Sequence[Test] = ()
    empty: str = ABSENT
    missing: str = REJECT
    waits: bool = False

    @property
    def input(self) -> str:
        """The input field that takes the id."""
        return camel(self.relation.column)

    def of(self, cells: Cells) -> Any:
        """The text by which a row names the other record, None for null, or `Nothing`.

        Raises:
            InputError: the value map refuses it; the message names the relation.
        """
        try:
            found = self.value.of(cells)
            if found is Nothing.SAID and self.empty == NULL:
                return None
            return found if found is None or found is Nothing.SAID else as_text(found)
        except InputError as error:
            raise InputError(
                sentence("{relation}: {problem}", relation=self.relation.name, problem=error.message)
            ) from None


@dataclass(slots=True)
class Item:
    """What one row says of one record.

    Attributes:
        rule: the record of the mapping.
        given: the input, without references to other records.
        wanted: references to look up, each with the text that names the other record.
        linked: references to records of the same row.
        notes: what was rounded.
        at: when it happened in the business, of rows that tell a history.
        alongside: what the same row says of other records, by their names in the mapping.
    """

    rule: "RecordRule"
    given: dict[str, Any] = field(default_factory=dict)
    wanted: list[tuple[LinkRule, str]] = field(default_factory=list)
    linked: list[LinkRule] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    at: datetime | None = None
    alongside: Mapping[str, "Item"] = field(default_factory=dict)

    @property
    def key(self) -> Any:
        """What the record is found by, equal for all rows that say something of the same one."""
        if self.rule.match == EXTERNAL_ID:
            first = self.given["externalIds"][0]
            # Rows of different moments tell a history; they do not disagree.
            return first["system"], first["value"], self.at
        if self.rule.match == ID:
            return self.given["id"]
        said: dict[str, Any] = {link.relation.name: text for link, text in self.wanted}
        said |= {
            link.relation.name: other.key for link in self.linked if (other := self.alongside.get(link.record or ""))
        }
        parts = [self.given[name] if name in self.given else said.get(name) for name in self.rule.match_fields]
        return tuple(fold(part) if isinstance(part, str) else part for part in parts)


@dataclass(frozen=True, slots=True)
class RecordRule:
    """One record that rows make.

    Attributes:
        name: what the mapping calls it.
        type: of the catalog.
        match: how a row finds the record if it is there: `EXTERNAL_ID`, `ID`, or the name of a `MatchKey`.
        external_ids: system to where the id comes from; with `EXTERNAL_ID` the first is the one it is found by.
        fields, links: how it is filled.
        when: conditions under which a row makes it.
        at: the moment at which what the row says became so.
        match_fields: the fields and references that the record is found by, where that is not an external id.
    """

    name: str
    type: RecordType
    match: str
    external_ids: Mapping[str, Value] = field(default_factory=dict)
    fields: Sequence[FieldRule] = ()
    links: Sequence[LinkRule] = ()
    when: Sequence[Test] = ()
    at: FieldRule | None = None
    match_fields: Sequence[str] = ()

    def key_only(self) -> "RecordRule":
        """The same with no more than what the record is found by."""
        names = set(self.match_fields)
        return replace(
            self,
            external_ids=dict(islice(self.external_ids.items(), 1)) if self.match == EXTERNAL_ID else {},
            fields=[rule for rule in self.fields if rule.field.name in names],
            links=[rule for rule in self.links if rule.relation.name in names],
        )

    def read(self, cells: Cells) -> Item | None:
        """What a row says of the record; None where it says nothing.

        Raises:
            RowRejected: it says something that cannot be.
        """
        if not all_hold(self.when, cells):
            return None
        item, problems = Item(self), []
        for step in (self._read_external_ids, self._read_fields, self._read_links, self._read_at):
            problems += [error.message for error in step(item, cells)]
        if problems:
            raise RowRejected(self.name, problems)
        return item

    def _read_external_ids(self, item: Item, cells: Cells) -> Iterator[InputError]:
        keys = []
        for place, (system, value) in enumerate(self.external_ids.items()):
            try:
                found = value.of(cells)
            except InputError as error:
                yield InputError(sentence("external id of {system!r}: {problem}", system=system, problem=error.message))
                continue
            if found is not None and found is not Nothing.SAID:
                keys.append({"system": system, "value": as_text(found)})
            elif self.match == EXTERNAL_ID and place == 0:
                yield InputError(sentence("external id of {system!r}: {no_key}", system=system, no_key=_NO_KEY))
        if keys:
            item.given["externalIds"] = keys

    def _read_fields(self, item: Item, cells: Cells) -> Iterator[InputError]:
        for rule in self.fields:
            try:
                value = rule.of(cells, item.notes)
            except InputError as error:
                yield error
                continue
            if rule.field.name in self.match_fields and (value is None or value is Nothing.SAID):
                yield InputError(sentence("{field}: {no_key}", field=rule.field.name, no_key=_NO_KEY))
            elif value is not Nothing.SAID:
                item.given[rule.field.name] = value

    def _read_at(self, item: Item, cells: Cells) -> Iterator[InputError]:
        if self.at is None:
            return
        try:
            found = self.at.of(cells, item.notes)
        except InputError as error:
            yield error
            return
        if isinstance(found, datetime):
            item.at = found
        else:
            yield InputError("at: is empty in this row; say when it happened, or leave such rows out with `when`")

    def _read_links(self, item: Item, cells: Cells) -> Iterator[InputError]:
        for rule in self.links:
            if not all_hold(rule.when, cells):
                continue
            if rule.record is not None:
                item.linked.append(rule)
                continue
            try:
                text = rule.of(cells)
            except InputError as error:
                yield error
                continue
            if rule.relation.name in self.match_fields and (text is None or text is Nothing.SAID):
                yield InputError(sentence("{field}: {no_key}", field=rule.relation.name, no_key=_NO_KEY))
            elif text is None:
                item.given[rule.input] = None
            elif text is not Nothing.SAID:
                item.wanted.append((rule, text))


_NO_KEY = "is empty in this row, and the record is found by it; fill it, or leave such rows out with `when`"


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A mapping file as it was read and checked against the catalog.

    Attributes:
        path: of the file.
        layout: how the source is written.
        records: what each row makes, in order.
        columns: every column that is used, and where in the file it is used first.
        trim: whether blanks around texts are dropped.
        empty_values: texts that count as empty.
        fix: column to what it misspells and how that is right, before anything else looks at it.
    """

    path: Path
    layout: Layout
    records: Sequence[RecordRule]
    columns: Mapping[str, str]
    trim: bool = True
    empty_values: frozenset[str] = frozenset()
    fix: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def check_columns(self, source: Source) -> None:
        """Makes sure that the source has every column the mapping uses.

        Raises:
            ConfigurationError: names the columns that are missing or there twice, and where they are used.
        """
        problems = []
        for column, place in self.columns.items():
            count = source.columns.count(column)
            if count == 0:
                has = ", ".join(source.columns)
                problems.append(
                    f"{self.path}: {place}: {source.path} has no column {column!r}; it has {has}{source.doubt}"
                )
            elif count > 1:
                problems.append(
                    f"{self.path}: {place}: {source.path} has {count} columns named {column!r}; rename all but one"
                )
        if problems:
            raise ConfigurationError("\n".join(problems))

    def keys_only(self) -> "ImportMapping":
        """The same with no more of each record than what it is found by."""
        return replace(self, records=[rule.key_only() for rule in self.records])

    def read(self, row: SourceRow) -> list[Item]:
        """What a row says, record by record.

        Raises:
            RowRejected: it cannot be read, or says something that cannot be.
        """
        if row.problem is not None:
            raise RowRejected("", [row.problem])
        cells = {column: self._cleaned(column, row.values.get(column)) for column in self.columns}
        items = [item for rule in self.records if (item := rule.read(cells)) is not None]
        alongside = {item.rule.name: item for item in items}
        for item in items:
            item.alongside = alongside
        return items

    def _cleaned(self, column: str, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip() if self.trim else value
        if column in self.fix and isinstance(value, str | int | Decimal):
            value = self.fix[column].get(as_text(value), value)
        return None if value in ("", []) or (isinstance(value, str) and value in self.empty_values) else value
