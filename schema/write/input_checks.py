"""Input checked against the catalog: each value against what its field takes, before anything is tried."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from core.base.clock import check_day
from core.base.errors import InputError, UserError
from core.base.ids import check_id
from core.base.money import Money
from core.base.sentences import noun, sentence
from core.records.checks import Conventions, check_number_of, check_text, check_text_of, check_texts_of, spelled
from core.records.columns import ColumnInfo
from core.records.forms import MalformedError
from core.records.record import Facet, record_named
from core.unit.drafts import FacetValue
from schema.catalog.catalog import CatalogField, RecordType, Stored
from schema.catalog.kind import Kind
from schema.catalog.kinds import (
    ChoiceKind,
    DateKind,
    DecimalKind,
    IdKind,
    IntKind,
    ListKind,
    MomentKind,
    MoneyKind,
    TextKind,
)

_LONGEST_LIST = 1000
_LONGEST_ITEM = 2000
#: The largest decimal in its smallest units: thousands of them still sum up within 64 bits.
_MOST_UNITS = 10**15


#: Gives a value as it is stored; raises an `InputError` where it is not possible.
Check = Callable[[Any, Conventions], Any]
#: Gives values of several rows as they are stored; raises an `InputError` where it is not possible with one of them.
CheckAll = Callable[[Sequence[Any], Conventions], Sequence[Any]]


class InputFields:
    """The fields that input of one record sets, looked up once.

    Attributes:
        record: the record.
        checks: the fields by name, each with where it is stored and the check of its values.
        together: by name the check of the values of many rows.
        required: those without which there is no new record.
    """

    def __init__(self, record: RecordType) -> None:
        self.record = record
        self.checks = {
            field.name: (field, field.stored, value_check(field)) for field in record.input_fields if field.stored
        }
        self.together = {name: _check_of_many(field, check) for name, (field, _, check) in self.checks.items()}
        self.required = [field for field in record.input_fields if field.stored and field.stored.required]


@dataclass(slots=True)
class Checked:
    """What an input sets on a record, and what is wrong with it.

    Attributes:
        values: by the names of columns.
        facets: plugins' writable fields.
        said: what nothing stores.
        errors, warnings: about it.
        is_whole: it is known to give all that a new record needs.
    """

    values: dict[str, Any]
    facets: Sequence[FacetValue]
    said: Mapping[str, Any]
    errors: Sequence[UserError] = ()
    warnings: Sequence[UserError] = ()
    is_whole: bool = False


def checked_input(
    fields: InputFields,
    given: Mapping[str, Any],
    conventions: Conventions,
    *,
    creating: bool,
    keeps_malformed: bool,
) -> Checked:
    """What an input sets.

    Args:
        fields: of the record.
        given: values by the names of fields.
        conventions: of what the values leave open.
        creating: it is a new record.
        keeps_malformed: e-mail addresses and telephone numbers that are not any are stored all the same, with a
            warning: what is imported is often all that is known of somebody.
    """
    values: dict[str, Any] = {}
    facets: list[FacetValue] = []
    errors: list[UserError] = []
    warnings: list[UserError] = []
    for name, value in given.items():
        if name not in fields.checks:
            continue
        field, stored, check = fields.checks[name]
        if value is None and creating and stored.required:
            # As if it had been left out: `missing` asks for it.
            continue
        try:
            checked = check(value, conventions)
        except InputError as error:
            is_kept = keeps_malformed and isinstance(error, MalformedError)
            (warnings if is_kept else errors).append(_said(field, error, is_warning=is_kept))
            if not is_kept:
                continue
            checked = value.strip()
        if stored.facet is None:
            values[stored.column] = checked
        else:
            facets.append(FacetValue(stored.facet, stored.column, name, checked))
    return Checked(values, facets, _taken_out(fields, values), errors, warnings)


def checked_together(
    fields: InputFields, rows: Sequence[Mapping[str, Any]], conventions: Conventions
) -> Sequence[Checked] | None:
    """The same of rows that give the same fields, column by column; None where one of them is to be looked at alone.

    Args:
        fields: of the record.
        rows: values by the names of fields.
        conventions: of what the values leave open.
    """
    columns: dict[str, Sequence[Any]] = {}
    facets: list[Sequence[FacetValue]] = []
    for name in [name for name in rows[0] if name in fields.checks]:
        _, stored, _ = fields.checks[name]
        values = [row[name] for row in rows]
        if stored.required and None in values:
            return None
        try:
            checked = fields.together[name](values, conventions)
        except InputError:
            return None
        if stored.facet is None:
            columns[stored.column] = checked
        else:
            facets.append([FacetValue(stored.facet, stored.column, name, value) for value in checked])
    by_row = zip(*columns.values(), strict=True) if columns else repeat((), len(rows))
    every = [dict(zip(columns, values, strict=True)) for values in by_row]
    around = zip(*facets, strict=True) if facets else repeat((), len(rows))
    # None of what is required is null here.
    is_whole = all(field.stored is not None and field.stored.column in columns for field in fields.required)
    return [
        Checked(values, belonging, _taken_out(fields, values), is_whole=is_whole)
        for values, belonging in zip(every, around, strict=True)
    ]


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _taken_out(fields: InputFields, values: dict[str, Any]) -> Mapping[str, Any]:
    """What nothing stores, taken out of the values."""
    if not fields.record.said:
        return _NOTHING
    return {name: values.pop(name) for name in fields.record.said if name in values}


def _said(field: CatalogField, error: InputError, *, is_warning: bool) -> UserError:
    """What is wrong with the value of a field."""
    code = "REQUIRED" if isinstance(error, _NoValueError) else "INVALID"
    message = sentence("{field}: {problem}", field=field.name, problem=error.message)
    return UserError(code, message, (field.name,), warning=is_warning)


class _NoValueError(InputError):
    """Null for a field that always has a value."""


def missing(fields: InputFields, values: Mapping[str, Any], faulty: Collection[str]) -> Iterator[UserError]:
    """An error for each field that a new record needs and is not given; but for those that are at fault already."""
    for field in fields.required:
        assert field.stored is not None
        if field.name in faulty or field.reference_name in faulty:
            continue
        if values.get(field.stored.column) is None:
            yield UserError(
                "REQUIRED",
                sentence(
                    "{field}: a new {record} needs it; give a value",
                    field=field.name,
                    record=noun(fields.record.singular),
                ),
                (field.name,),
            )


def check_value(field: CatalogField, value: Any, conventions: Conventions) -> Any:
    """A value as it is stored.

    Raises:
        InputError: the field does not take it; the message says why and what it takes.
    """
    return value_check(field)(value, conventions)


def value_check(field: CatalogField) -> Check:
    """The check of a field's values, prepared once."""
    stored = field.stored
    assert stored is not None
    is_list, may_be_null = isinstance(field.kind, ListKind), _may_be_null(stored)
    check = _check_of(field.kind, stored.info, may_be_null=may_be_null)

    def checked(value: Any, conventions: Conventions) -> Any:
        if value is not None:
            return check(value, conventions)
        if may_be_null:
            return None
        if is_list:
            return []
        raise _NoValueError(sentence("null is not allowed; give a value, or leave it out"))

    return checked


def _check_of(kind: Kind, info: ColumnInfo, *, may_be_null: bool) -> Check:
    """The check of values that are not null."""

    def money(value: Any, conventions: Conventions) -> Money:
        amount = Money(value["amount"], value.get("currency") or conventions.currency)
        amount.check_size()
        check_number_of(amount.amount, info)
        return amount

    def text(value: Any, conventions: Conventions) -> Any:
        if not value.strip():
            if may_be_null:
                raise InputError(sentence("it must not be empty; give null, or a text"))
            raise InputError(sentence("it must not be empty; give a text"))
        # Otherwise the same text typed and imported would make two records.
        value = value.strip()
        check_text_of(value, info, conventions.region)
        return value

    def number(value: Any, conventions: Conventions) -> Any:
        check_number_of(value, info)
        return value

    def decimal(value: Any, conventions: Conventions) -> Any:
        return number(_check_decimal(value, kind.scale), conventions)  # type: ignore[attr-defined]  # only decimals come here

    def reference(value: Any, conventions: Conventions) -> Any:
        _check_reference(value, info)
        return value

    def day(value: Any, conventions: Conventions) -> Any:
        check_day(value)
        return value

    checks: Mapping[type[Kind], Check] = {
        MoneyKind: money,
        ListKind: lambda value, conventions: _check_list(value, info, conventions),
        TextKind: text,
        IntKind: number,
        DecimalKind: decimal,
        IdKind: reference,
        DateKind: day,
        MomentKind: day,
    }
    if isinstance(kind, ChoiceKind):
        enum = kind.enum
        return lambda value, conventions: enum(value)
    found = (check for type_, check in checks.items() if isinstance(kind, type_))
    return next(found, lambda value, conventions: value)


def _check_of_many(field: CatalogField, check: Check) -> CheckAll:
    """The check of the values of many rows, null included, given that of one."""
    kind = field.kind
    assert field.stored is not None
    info = field.stored.info

    def each(values: Sequence[Any], conventions: Conventions) -> Sequence[Any]:
        return [check(value, conventions) for value in values]

    def different(values: Sequence[Any], conventions: Conventions) -> Sequence[Any]:
        known = {value: check(value, conventions) for value in {*values}}
        return [known[value] for value in values]

    def texts(values: Sequence[Any], conventions: Conventions) -> Sequence[Any]:
        known = {value: value.strip() for value in {*values} if value is not None}
        check_texts_of(known.values(), info, conventions.region)
        if None in values:
            known[None] = check(None, conventions)
        return [known[value] for value in values]

    def numbers(values: Sequence[Any], conventions: Conventions) -> Sequence[Any]:
        given = [value for value in values if value is not None]
        for value in (min(given), max(given)) if given else ():
            check(value, conventions)
        if len(given) < len(values):
            check(None, conventions)
        return values

    def moneys(values: Sequence[Any], conventions: Conventions) -> Sequence[Any]:
        given = [value for value in values if value is not None]
        currencies = {value.get("currency") or conventions.currency for value in given}
        if len(currencies) != 1 or {type(value["amount"]) for value in given} != {Decimal}:
            return each(values, conventions)
        made = Money.several([value["amount"] for value in given], *currencies)
        # What the field takes is between two amounts.
        for place in (min, max):
            check(place(given, key=itemgetter("amount")), conventions)
        if len(given) == len(values):
            return made
        known = iter(made)
        return [check(None, conventions) if value is None else next(known) for value in values]

    # What is equal, and yet not the same, is left out: decimals with other places, moments in other zones.
    checks: Mapping[type[Kind], CheckAll] = {
        MoneyKind: moneys,
        TextKind: texts,
        IntKind: numbers,
        IdKind: different,
        ChoiceKind: different,
    }
    return next((made for type_, made in checks.items() if isinstance(kind, type_)), each)


def _may_be_null(stored: Stored) -> bool:
    if stored.facet is None:
        return stored.nullable
    return _facet_nullable(stored.facet, stored.column)


def _facet_nullable(facet: type[Facet], column: str) -> bool:
    money = facet.__money__.get(column)
    return money.nullable if money else bool(facet.__table__.c[column].nullable)


def _check_decimal(value: Decimal, scale: int) -> Decimal:
    """The decimal with all of its places."""
    largest = Decimal(_MOST_UNITS).scaleb(-scale)
    if abs(value) > largest:
        raise InputError(
            sentence(
                "{value} is larger than this system can store; the maximum is {limit}",
                value=spelled(value),
                limit=spelled(largest),
            )
        )
    whole = value.quantize(Decimal(1).scaleb(-scale))
    if whole != value:
        raise InputError(
            sentence("{value} has more than {scale} decimal places; round it", value=spelled(value), scale=scale)
        )
    return whole


def _check_reference(value: str, info: ColumnInfo) -> None:
    if info.references is None:
        return
    target: Any = record_named(info.references) if isinstance(info.references, str) else info.references
    check_id(value, target.__prefix__, target.__name__)


def _check_list(value: list[Any], info: ColumnInfo, conventions: Conventions) -> list[Any]:
    if len(value) > _LONGEST_LIST:
        raise InputError(
            sentence(
                "{count} items are too many; at most {longest_list} are possible",
                count=len(value),
                longest_list=_LONGEST_LIST,
            )
        )
    for item in value:
        check_text(str(item), _LONGEST_ITEM)
        info.form.check(str(item), conventions.region)
    return [str(item) for item in value]
