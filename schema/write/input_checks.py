"""Input checked against the catalog: each value against what its field takes, before anything is tried."""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from core.base.clock import check_day
from core.base.errors import InputError, UserError
from core.base.ids import check_id
from core.base.money import Money
from core.base.sentences import noun, sentence
from core.records.checks import Conventions, check_number_of, check_text, check_text_of, spelled
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


class InputFields:
    """The fields that input of one record sets, looked up once.

    Attributes:
        record: the record.
        checks: the fields by name, each with where it is stored and the check of its values.
        required: those without which there is no new record.
    """

    def __init__(self, record: RecordType) -> None:
        self.record = record
        self.checks = {
            field.name: (field, field.stored, value_check(field)) for field in record.input_fields if field.stored
        }
        self.required = [field for field in record.input_fields if field.stored and field.stored.required]


class Checked:
    """What an input sets on a record, and what is wrong with it."""

    def __init__(
        self,
        fields: InputFields,
        given: Mapping[str, Any],
        conventions: Conventions,
        *,
        creating: bool,
        keeps_malformed: bool,
    ) -> None:
        """Checks it.

        Args:
            fields: of the record.
            given: values by the names of fields.
            conventions: of what the values leave open.
            creating: it is a new record.
            keeps_malformed: e-mail addresses and telephone numbers that are not any are stored all the same, with a
                warning: what is imported is often all that is known of somebody.
        """
        self._keeps = keeps_malformed
        self.values: dict[str, Any] = {}
        self.facets: list[FacetValue] = []
        self.said: dict[str, Any] = {}
        self.errors: list[UserError] = []
        self.warnings: list[UserError] = []
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
                said = self._noted(field, error)
                if not said.warning:
                    continue
                checked = value.strip()
            if stored.facet is None:
                self.values[stored.column] = checked
            else:
                self.facets.append(FacetValue(stored.facet, stored.column, name, checked))
        for name in fields.record.said:
            if name in self.values:
                self.said[name] = self.values.pop(name)

    def _noted(self, field: CatalogField, error: InputError) -> UserError:
        """What is wrong with the value of a field, among the errors or, where it is kept all the same, the warnings."""
        code = "REQUIRED" if isinstance(error, _NoValueError) else "INVALID"
        is_kept = self._keeps and isinstance(error, MalformedError)
        message = sentence("{field}: {problem}", field=field.name, problem=error.message)
        said = UserError(code, message, (field.name,), warning=is_kept)
        (self.warnings if is_kept else self.errors).append(said)
        return said


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
