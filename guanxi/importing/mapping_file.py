"""Reads what a mapping file says of records, checked against the catalog; its form is checked in `mapping_form`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from core.base.calendar import zone_of
from core.base.errors import InputError
from core.base.money import exponent
from core.base.text import camel
from core.crm.opportunities import Opportunity, StageTransition
from core.records.checks import Conventions
from guanxi.importing.cells import ABSENT, KEEP, NULL, REJECT, CellTemplate, Test, Value
from guanxi.importing.mapping import FieldRule, ImportMapping, LinkRule, RecordRule
from guanxi.importing.mapping_form import Faults, MappingForm
from guanxi.importing.toml_table import SCALARS, TomlFault, TomlTable, shown, suggestion
from guanxi.importing.values import SETTINGS, Format, as_text, convert
from schema.catalog.attached_kinds import TagsKind
from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.catalog.kinds import ListKind, TextKind
from schema.write.input_checks import check_value
from schema.write.matching import EXTERNAL_ID, ID, match_keys

_SOURCES = ("column", "template", "value")


def mapping_of(form: MappingForm, catalog: Catalog) -> ImportMapping:
    """The mapping that a file of the right form describes, checked against the catalog.

    Raises:
        ConfigurationError: it has faults; the message has a line for each, naming file, record, field and remedy.
    """
    return _Reader(form, catalog).read()


class _Reader:
    """Reads one mapping file."""

    def __init__(self, form: MappingForm, catalog: Catalog) -> None:
        self._form = form
        self._catalog = catalog
        self._faults = Faults(form.path)
        self._columns = dict(form.columns)

    def read(self) -> ImportMapping:
        """The mapping, or all that is wrong with it."""
        form = self._form
        records: list[RecordRule] = []
        made = [values.get("type") for values in form.records]
        for number, values in enumerate(form.records, 1):
            with self._faults.noting():
                records.append(self._record(number, values, records, made))
        self._faults.end()
        return ImportMapping(form.path, form.layout, records, self._columns, form.trim, form.empty_values, form.fix)

    def _use(self, column: str, place: str) -> str:
        self._columns.setdefault(column, place)
        return column

    # Records

    def _record(self, number: int, values: Any, earlier: Sequence[RecordRule], made: Collection[Any]) -> RecordRule:
        table = TomlTable(f"record {number}", values)
        type_ = table.text("type")
        records = self._catalog.records
        importable = {name for name, found in records.items() if found.writable and found.has_attachments}
        if type_ is None:
            raise table.fault(f"has no type; possible: {', '.join(sorted(importable))}")
        if type_ not in importable:
            raise table.fault(f'type = "{type_}": is not a record; {suggestion(type_, importable)}')
        record = records[type_]
        name = table.text("name", record.singular) or ""
        table.place = f"record {name!r} ({type_})"
        if name in {rule.name for rule in earlier}:
            raise table.fault(f"another record has the name {name!r}; give this one its own with `name`")
        when = self._conditions(table)
        match, by, external_ids = self._key(table, record)
        at = self._at(table, record, match) if "at" in table else None
        fields: list[FieldRule] = []
        links: list[LinkRule] = []
        for field, spec in table.table("fields").items():
            place = f"{table.place}, field {field!r}"
            with self._faults.noting():
                if field == "externalIds":
                    external_ids |= self._external_ids(place, spec, external_ids)
                elif field in record.to_one:
                    links.append(self._link(place, record, field, spec, earlier, made))
                else:
                    fields.append(self._field(place, record, field, spec, match))
        mapped = {rule.field.name for rule in fields} | {link.relation.name for link in links}
        if lacking := [field for field in by if field not in mapped]:
            raise table.fault(f"is found by {' and '.join(by)}, so {' and '.join(lacking)} must be filled")
        return RecordRule(name, record, match, external_ids, fields, links, when, at, by)

    def _key(self, table: TomlTable, record: RecordType) -> tuple[str, Sequence[str], dict[str, Value]]:
        """What a record is found by: its name, the fields and references it is made of, and the external id."""
        key = table.table("key")
        if key.one_of(("system", "by")) == "by":
            fields = key.texts("by")
            key.end()
            names = {relation.column: name for name, relation in record.to_one.items()}
            possible: dict[tuple[str, ...], str] = {("id",): ID}
            for found in match_keys(record).values():
                columns = [(field, field.stored.column if field.stored else "") for field in found.fields]
                possible[tuple(names.get(column, field.name) for field, column in columns)] = found.name
            asked = next((parts for parts in possible if sorted(parts) == sorted(fields)), None)
            if asked is None:
                known = [" and ".join(parts) for parts in possible]
                raise key.fault(_not_found_by(" and ".join(fields), record, known))
            return possible[asked], asked, {}
        system = key.text("system") or ""
        value = self._value(key)
        key.end()
        return EXTERNAL_ID, (), {system: value}

    def _at(self, table: TomlTable, record: RecordType, match: str) -> FieldRule:
        """When what a row says became so: its steps are logged as of then."""
        spec = table.take("at", str, dict, what="a column in quotes, or a table")
        if record.model is not Opportunity or match != EXTERNAL_ID:
            raise table.fault("at: only opportunities have steps, and are found by an external id then; leave it out")
        inner = self._spec(f"{table.place}: at", spec)
        moment = replace(self._catalog.records[StageTransition.__name__].fields["movedAt"], name="at")
        settings = {key for type_, keys in SETTINGS if isinstance(moment.kind, type_) for key in keys}
        rule = FieldRule(moment, self._value(inner), self._format(inner, settings))
        inner.end()
        return rule

    def _external_ids(self, place: str, spec: Any, known: Mapping[str, Value]) -> dict[str, Value]:
        table = TomlTable(place, spec)
        found = {}
        for system, given in table.items():
            if system in known:
                raise table.fault(f"{system!r} is the system of the key already; leave it out here")
            found[system] = self._plain_value(f"{place}: {system}", given)
        return found

    def _plain_value(self, place: str, spec: Any) -> Value:
        table = self._spec(place, spec)
        value = self._value(table)
        table.end()
        return value

    # Fields

    def _spec(self, place: str, spec: Any) -> TomlTable:
        """What is said of a field; a plain text names a column."""
        if isinstance(spec, str):
            spec = {"column": spec}
        if not isinstance(spec, dict):
            raise TomlFault(
                f'{place}: {shown(spec)} is neither a column in quotes nor a table; write "COLUMN", or '
                f"{{ value = {shown(spec)} }} for the same in every row"
            )
        return TomlTable(place, spec)

    def _field(self, place: str, record: RecordType, name: str, spec: Any, match: str) -> FieldRule:
        field = record.fields.get(name) or record.said.get(name)
        possible = {found.name for found in record.input_fields} | record.to_one.keys() | {"tags", "externalIds"}
        if field is None:
            raise TomlFault(f"{place}: {record.name} has no such field; {suggestion(name, possible)}")
        if name == "id" and match != ID:
            raise TomlFault(
                f'{place}: an id is only filled where the record is found by it, with key = {{ by = "id" }}'
            )
        if name not in {"id", *possible}:
            raise TomlFault(f"{place}: is kept or computed by the system and takes no input; leave it out")
        table = self._spec(place, spec)
        when = self._conditions(table)
        settings = {key for type_, keys in SETTINGS if isinstance(field.kind, type_) for key in keys}
        currency, column = self._currency(table, settings)
        rule = FieldRule(
            field,
            self._value(table),
            self._format(table, settings),
            currency,
            column,
            when,
            table.choice("empty", (ABSENT, NULL), ABSENT),
            self._catalog.settings.reporting_currency,
        )
        table.end()
        self._check_values(table, rule)
        return rule

    def _value(self, table: TomlTable) -> Value:
        source = table.one_of(_SOURCES)
        column = table.text("column")
        if column is not None:
            self._use(column, table.place)
        templates = [self._template(table, text) for text in table.texts("template")]
        constant = table.take("value", *SCALARS, date, list, what="a single value, or a list of them")
        if constant in ("", []) or (source == "template" and not templates):
            raise table.fault(f"{source}: is empty; write something, or leave the field out")
        unmapped = table.choice("unmapped", (KEEP, REJECT, NULL), KEEP)
        if unmapped != KEEP and "map" not in table:
            raise table.fault("unmapped: applies to values that a map does not have, but there is no map")
        return Value(column, templates, constant, table.scalars("map"), unmapped)

    def _template(self, table: TomlTable, text: str) -> CellTemplate:
        pieces = re.split(r"\{([^{}]+)\}", text)
        if any("{" in literal or "}" in literal for literal in pieces[::2]):
            raise table.fault(f'template = "{text}": a brace has no partner; write a column as {{COLUMN}}')
        for column in pieces[1::2]:
            self._use(column, table.place)
        return CellTemplate(pieces)

    def _conditions(self, table: TomlTable) -> list[Test]:
        inner = table.table("when")
        tests = []
        for column in dict(inner.items()):
            self._use(column, inner.place)
            given = inner.take(column, str, list, bool, dict, what=_CONDITION)
            if isinstance(given, bool):
                tests.append(Test(column, frozenset({""}), negated=given))
            elif isinstance(given, dict):
                negation = inner.table(column)
                tests.append(Test(column, frozenset(negation.texts("not")), negated=True))
                negation.end()
            else:
                tests.append(Test(column, frozenset(inner.texts(column))))
        return tests

    def _currency(self, table: TomlTable, settings: set[str]) -> tuple[str | None, str | None]:
        if "currency" not in settings:
            return None, None
        currency, column = table.text("currency"), table.text("currency_column")
        if currency is not None and column is not None:
            raise table.fault("has currency and currency_column; write one of them")
        if currency is not None:
            try:
                exponent(currency)
            except InputError as error:
                raise table.fault(f"currency = {error.message}") from None
        if column is not None:
            self._use(column, table.place)
        return currency, column

    def _format(self, table: TomlTable, settings: set[str]) -> Format:
        given: dict[str, Any] = {}
        for key in settings & {"date", "thousands", "decimal", "split"}:
            if (text := table.text(key)) is not None:
                given[key] = text
        if "date" in given:
            _check_date_format(table, given["date"])
        for key in given.keys() & {"thousands", "decimal"}:
            if len(given[key]) != 1 or given[key] in "0123456789+-":
                raise table.fault(f'{key} = "{given[key]}": must be one character that is not a digit, such as "."')
        if given.get("thousands") == given.get("decimal", "."):
            raise table.fault("thousands and decimal are the same; write both, as they are in the source")
        if "timezone" in settings:
            given["timezone"] = _timezone(table, table.text("timezone") or self._catalog.settings.time_zone)
        if "times" in settings:
            given["times"] = Decimal(table.take("times", int, Decimal, what="a number", default=1))
        if "round" in settings:
            given["round"] = table.take("round", bool, what="true or false", default=False)
        return Format(**given)

    def _check_values(self, table: TomlTable, rule: FieldRule) -> None:
        """Tries what the mapping itself says on the field: constants, values of a map, null."""
        tried = [] if rule.value.constant is None else [rule.value.constant]
        tried += (rule.value.map or {}).values()
        if isinstance(rule.field.kind, ListKind | TagsKind):
            tried = [value if isinstance(value, list) else [value] for value in tried]
        try:
            for value in tried:
                self._check(rule.field, convert(rule.field.kind, value, rule.format, rule.currency))
            if NULL in (rule.empty, rule.value.unmapped):
                self._check(rule.field, None)
        except InputError as error:
            raise table.fault(error.message) from None

    def _check(self, field: CatalogField, value: Any) -> None:
        if field.stored is not None:
            check_value(field, value, Conventions.of(self._catalog.settings))
        elif value is None:
            raise InputError("null is not possible; an empty list is not either")

    # References

    def _link(
        self, place: str, record: RecordType, name: str, spec: Any, earlier: Sequence[RecordRule], made: Collection[Any]
    ) -> LinkRule:
        relation = record.to_one[name]
        field = record.fields[camel(relation.column)]
        if field.stored is None:
            raise TomlFault(f"{place}: is kept by the system and takes no input; leave it out")
        target = self._catalog.records[relation.target]
        if not isinstance(spec, dict):
            raise TomlFault(
                f"{place}: {shown(spec)} does not say how the {target.singular} is found; write "
                f'{{ by = "FIELD", column = {shown(spec)} }} or {{ system = "NAME", column = {shown(spec)} }}'
            )
        table = TomlTable(place, spec)
        way = table.one_of(("by", "system", "record"))
        when = self._conditions(table)
        if way == "record":
            made_by = table.text("record") or ""
            table.end()
            self._check_same_row(table, made_by, target, earlier)
            return LinkRule(relation, target, made_by, when=when)
        rule = LinkRule(
            relation,
            target,
            system=table.text("system"),
            by=self._link_field(table, target),
            value=self._value(table),
            when=when,
            empty=table.choice("empty", (ABSENT, NULL), ABSENT),
            missing=table.choice("missing", (REJECT, NULL), REJECT),
            waits=target.name in made,
        )
        table.end()
        try:
            if rule.value.constant is not None:
                as_text(rule.value.constant)
            if NULL in (rule.empty, rule.missing, rule.value.unmapped):
                self._check(field, None)
        except InputError as error:
            raise table.fault(error.message) from None
        if rule.waits and rule.missing == NULL:
            raise table.fault(
                f'missing = "null": this mapping makes {target.plural} itself, so a missing one is only known at the '
                "end; leave it out, and fix the rows that are rejected"
            )
        return rule

    def _link_field(self, table: TomlTable, target: RecordType) -> CatalogField | None:
        name = table.text("by")
        if name is None:
            return None
        possible = {
            field.name: field
            for field in target.fields.values()
            if isinstance(field.kind, TextKind) and field.stored and field.stored.facet is None
        }
        if name not in possible:
            raise table.fault(_not_found_by(name, target, possible))
        return possible[name]

    def _check_same_row(self, table: TomlTable, name: str, target: RecordType, earlier: Sequence[RecordRule]) -> None:
        found = next((rule for rule in earlier if rule.name == name), None)
        if found is None or found.type is not target:
            possible = ", ".join(rule.name for rule in earlier if rule.type is target) or "none"
            raise table.fault(f'record = "{name}": is not a record above of type {target.name}; possible: {possible}')


_CONDITION = "a text in quotes, a list of them, true (filled), false (empty) or { not = … }"


def _not_found_by(field: str, record: RecordType, possible: Collection[str]) -> str:
    return f'by = "{field}": no {record.name} is found by it; {suggestion(field, possible)}'


def _check_date_format(table: TomlTable, form: str) -> None:
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(form), form)
    except ValueError as error:
        raise table.fault(f'date = "{form}": {error}; write it for strptime, such as "%d.%m.%Y"') from None


def _timezone(table: TomlTable, name: str) -> tzinfo:
    try:
        return zone_of(name)
    except ValueError:
        raise table.fault(f'timezone = "{name}": is unknown; write one such as "Europe/Berlin"') from None
