"""Input checked against the catalog: each value against what its field takes, before anything is tried."""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from core.base.errors import InputError, UserError
from core.base.ids import check_id
from core.base.money import Money
from core.base.text import words
from core.records.checks import check_number_of, check_text, check_text_of, spelled
from core.records.columns import ColumnInfo
from core.records.record import Facet, record_named
from core.unit.drafts import FacetValue
from schema.catalog.catalog import CatalogField, RecordType, Stored
from schema.catalog.kinds import ChoiceKind, DecimalKind, IdKind, IntKind, ListKind, MoneyKind, TextKind

_LONGEST_LIST = 1000
_LONGEST_ITEM = 2000
#: The largest decimal in its smallest units: thousands of them still sum up within 64 bits.
_MOST_UNITS = 10**15


class InputFields:
    """The fields that input of one record sets, looked up once.

    Attributes:
        record: the record.
        by_name: the fields.
        required: those without which there is no new record.
    """

    def __init__(self, record: RecordType) -> None:
        self.record = record
        self.by_name = {field.name: field for field in record.input_fields}
        self.required = [field for field in self.by_name.values() if field.stored and field.stored.required]


class Checked:
    """What an input sets on a record, and what is wrong with it."""

    def __init__(self, fields: InputFields, given: Mapping[str, Any], currency: str, *, creating: bool) -> None:
        self._creating = creating
        self.values: dict[str, Any] = {}
        self.facets: list[FacetValue] = []
        self.said: dict[str, Any] = {}
        self.errors: list[UserError] = []
        for name, value in given.items():
            if field := fields.by_name.get(name):
                self._take(field, value, currency)
        for name in fields.record.said:
            if name in self.values:
                self.said[name] = self.values.pop(name)

    def _take(self, field: CatalogField, value: Any, currency: str) -> None:
        stored = field.stored
        assert stored is not None
        if value is None and self._creating and stored.required:
            # As if it had been left out: `missing` asks for it.
            return
        try:
            checked = check_value(field, value, currency)
        except _NoValueError as error:
            self.errors.append(UserError("REQUIRED", f"{field.name}: {error.message}", (field.name,)))
            return
        except InputError as error:
            self.errors.append(UserError("INVALID", f"{field.name}: {error.message}", (field.name,)))
            return
        if stored.facet is None:
            self.values[stored.column] = checked
        else:
            self.facets.append(FacetValue(stored.facet, stored.column, field.name, checked))


class _NoValueError(InputError):
    """Null for a field that always has a value."""


def missing(fields: InputFields, values: Mapping[str, Any], faulty: Collection[str]) -> Iterator[UserError]:
    """An error for each field that a new record needs and is not given; but for those that are at fault already."""
    for field in fields.required:
        assert field.stored is not None
        if field.name in faulty or field.reference_name in faulty:
            continue
        if values.get(field.stored.column) is None:
            noun = words(fields.record.singular)
            yield UserError("REQUIRED", f"{field.name}: a new {noun} needs it; give a value", (field.name,))


def check_value(field: CatalogField, value: Any, currency: str) -> Any:
    """A value as it is stored.

    Raises:
        InputError: the field does not take it; the message says why and what it takes.
    """
    stored = field.stored
    assert stored is not None
    kind = field.kind
    if value is None:
        if _may_be_null(field, stored):
            return None
        if isinstance(kind, ListKind):
            return []
        raise _NoValueError("null is not allowed; give a value, or leave it out")
    if isinstance(kind, MoneyKind):
        return Money(value["amount"], value.get("currency") or currency)
    if isinstance(kind, ListKind):
        return _check_list(value)
    if isinstance(kind, ChoiceKind):
        return kind.enum(value)
    if isinstance(kind, DecimalKind):
        value = _check_decimal(value, kind.scale)
    if isinstance(kind, TextKind) and not value.strip():
        remedy = "give null, or a text" if _may_be_null(field, stored) else "give a text"
        raise InputError(f"it must not be empty; {remedy}")
    for type_, check in _CHECKS:
        if isinstance(kind, type_):
            check(value, stored.info)
    return value


def _may_be_null(field: CatalogField, stored: Stored) -> bool:
    if stored.facet is None:
        return field.nullable
    return _facet_nullable(stored.facet, stored.column)


def _facet_nullable(facet: type[Facet], column: str) -> bool:
    money = facet.__money__.get(column)
    return money.nullable if money else bool(facet.__table__.c[column].nullable)


def _check_decimal(value: Decimal, scale: int) -> Decimal:
    """The decimal with all of its places."""
    largest = Decimal(_MOST_UNITS).scaleb(-scale)
    if abs(value) > largest:
        raise InputError(f"{spelled(value)} is larger than this system can store; the maximum is {spelled(largest)}")
    whole = value.quantize(Decimal(1).scaleb(-scale))
    if whole != value:
        raise InputError(f"{spelled(value)} has more than {scale} decimal places; round it")
    return whole


def _check_reference(value: str, info: ColumnInfo) -> None:
    if info.references is None:
        return
    target: Any = record_named(info.references) if isinstance(info.references, str) else info.references
    check_id(value, target.__prefix__, target.__name__)


def _check_list(value: list[Any]) -> list[Any]:
    if len(value) > _LONGEST_LIST:
        raise InputError(f"{len(value)} items are too many; at most {_LONGEST_LIST} are possible")
    for item in value:
        check_text(str(item), _LONGEST_ITEM)
    return [str(item) for item in value]


_CHECKS: tuple[tuple[type, Callable[[Any, ColumnInfo], None]], ...] = (
    (TextKind, check_text_of),
    (IntKind, check_number_of),
    (DecimalKind, check_number_of),
    (IdKind, _check_reference),
)
