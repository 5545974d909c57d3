"""The kinds of values a field can have: how each is shown, compared, ordered, grouped and summed."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, and_, case, null, or_

from core.base.errors import InputError
from core.base.money import Money, exponent
from core.base.sentences import sentence
from core.base.text import fold
from core.db.days import day_of, period_start
from core.db.sql import Expression, folded, list_length, whole
from core.db.types import Choice, Json, ListOf, Scaled, Timestamp
from core.log.changes import shown
from core.records.fields import MoneyExpression
from core.records.forms import TextForm
from schema.catalog.kind import (
    COMPARISONS,
    FUNCTIONS,
    Condition,
    Filter,
    Kind,
    among,
    is_null,
    refuse_null,
    typed,
    within,
)
from schema.catalog.merges import leads_from, where_it_leads
from schema.sql.binds import Binds, Moment, comparable
from schema.sql.json import (
    TEXT,
    WHOLE,
    amount_text,
    constant,
    contains,
    ends_with,
    json_bool,
    json_if_there,
    json_value,
    list_holds,
    moment_text,
    or_zero,
    scaled_text,
)
from schema.sql.selections import Selection
from schema.sql.slots import resolve

_HIGHEST = "\U0010ffff"


class IdKind(Kind):
    """A record's id, or a reference to one."""

    graphql = input = "ID"
    filter_name = "IdFilter"

    def __init__(self, *, leads: bool = False) -> None:
        """Makes it.

        Args:
            leads: whether such records are merged, so that the id of one may lead to another.
        """
        self._leads = leads

    def compare(self, value: Any, operator: str, operand: Any, binds: Binds) -> Condition:
        if not self._leads:
            return super().compare(value, operator, operand, binds)
        if operator in ("in", "notIn"):
            return among(operator, value, leads_from(value, binds.many(operand, self.sql)))
        return COMPARISONS[operator](value, where_it_leads(binds.value(operand, self.sql)))

    def present(self, value: Any, selection: Selection) -> Any:
        return typed(value, str)


class TextKind(Kind):
    """Text: compared case-insensitively unless the filter says otherwise, and ordered so."""

    graphql = input = "str"
    filter_name = "TextFilter"

    def present(self, value: Any, selection: Selection) -> Any:
        return typed(value, str)

    def key(self, text: str) -> str:
        return fold(text)

    def conditions(
        self, value: Any, given: Filter, binds: Binds, folded_value: Callable[[], Expression] | None = None
    ) -> Iterator[Condition]:
        ignore_case = given.get("ignoreCase", True)
        if ignore_case:
            value = folded_value() if folded_value is not None else folded(value)
        prepare = self.key if ignore_case else str
        for operator, operand in given.items():
            if operator == "ignoreCase":
                continue
            refuse_null(operator, operand)
            if operator == "isNull":
                yield is_null(value, operand)
            else:
                yield compare_text(value, operator, operand, binds, prepare)


class FormKind(TextKind):
    """Text of a form: found by what it means, and by how it was typed."""

    def __init__(self, form: TextForm, region: str) -> None:
        self._form = form
        self._region = region

    def key(self, text: str) -> str:
        return self._form.key(text, self._region)

    def conditions(
        self, value: Any, given: Filter, binds: Binds, folded_value: Callable[[], Expression] | None = None
    ) -> Iterator[Condition]:
        if folded_value is None or not (self._form.has_spellings and given.get("ignoreCase", True)):
            yield from super().conditions(value, given, binds, folded_value)
            return
        key = folded_value()
        for operator, operand in given.items():
            if operator == "ignoreCase":
                continue
            refuse_null(operator, operand)
            if operator == "isNull":
                yield is_null(key, operand)
            elif operator in ("contains", "startsWith", "endsWith"):
                typed_so = compare_text(value, operator, operand, binds, str)
                yield or_(compare_text(key, operator, operand, binds, self._form.part), typed_so)
            else:
                inside = "in" if operator in ("eq", "in") else "notIn"
                yield within(inside, key, binds.computed(self._meant_by(operand), ListOf(TEXT)))

    def _meant_by(self, operand: Any) -> Callable[[Moment], list[str]]:
        """What gives the keys of all that is meant by a text or a list of them."""

        def keys(moment: Moment) -> list[str]:
            given = resolve(operand, moment.variables)
            texts = given if isinstance(given, list) else [given]
            if None in texts:
                raise InputError(sentence("a list to compare with contains null; leave it out and add isNull"))
            return [key for text in texts for key in self._form.keys(text, self._region)]

        return keys


def compare_text(
    value: Expression, operator: str, operand: Any, binds: Binds, prepare: Callable[[str], str]
) -> Condition:
    """One text operator's condition, the operand prepared as the value is."""
    if operator in ("in", "notIn"):
        return within(operator, value, binds.many(operand, TEXT, prepare))
    if operator == "startsWith":
        # A range rather than a comparison of prefixes, because an index serves it.
        beyond = binds.value(operand, TEXT, lambda text: prepare(text) + _HIGHEST)
        return and_(value >= binds.value(operand, TEXT, prepare), value < beyond)
    if operator in ("contains", "endsWith"):
        compare = contains if operator == "contains" else ends_with
        return compare(value, binds.value(operand, TEXT, prepare))
    return COMPARISONS[operator](value, binds.value(operand, TEXT, prepare))


class BooleanKind(Kind):
    """True or false."""

    graphql = input = "bool"
    filter_name = "BooleanFilter"
    sql = Boolean()

    def json(self, value: Any, selection: Selection) -> Expression:
        return json_bool(value)

    def present(self, value: Any, selection: Selection) -> Any:
        return typed(value, bool)


class ChoiceKind(Kind):
    """A value of an enumeration."""

    def __init__(self, enum: type[StrEnum]) -> None:
        self.enum = enum
        self.graphql = self.input = enum.__name__
        self.filter_name = f"{enum.__name__}Filter"
        self.sql = Choice(enum)

    def sortable(self, value: Any) -> Expression:
        """The place of the value among the enumeration's, as declared; the value itself where the alphabet agrees."""
        names = [member.value for member in self.enum]
        if names == sorted(names):
            return super().sortable(value)
        return case(*((value == constant(name), place) for place, name in enumerate(names)))

    def present(self, value: Any, selection: Selection) -> Any:
        try:
            return self.enum(value).value
        except ValueError as error:
            raise TypeError(str(error)) from None


class DateKind(Kind):
    """A date without a time zone."""

    graphql = input = "Date"
    filter_name = "DateFilter"
    sql = Date()
    functions = ("min", "max")

    def present(self, value: Any, selection: Selection) -> Any:
        if isinstance(value, datetime):
            raise TypeError(f"{value!r} is a moment, no date")
        return shown(typed(value, date))

    def group_key(self, value: Any, grain: str | None) -> Expression:
        return period_start(value, grain or "DAY")


class MomentKind(Kind):
    """A moment in UTC."""

    graphql = input = "DateTime"
    filter_name = "DateTimeFilter"
    sql = Timestamp()
    functions = ("min", "max")

    def json(self, value: Any, selection: Selection) -> Expression:
        return moment_text(value)

    def present(self, value: Any, selection: Selection) -> Any:
        return shown(typed(value, datetime))

    def group_key(self, value: Any, grain: str | None) -> Expression:
        return period_start(day_of(value), grain or "DAY")


class DecimalKind(Kind):
    """An exact decimal with a fixed number of places."""

    graphql = input = "Decimal"
    filter_name = "DecimalFilter"
    repeats = True
    functions = ("sum", "avg", "min", "max")

    def __init__(self, scale: int = 2) -> None:
        self.scale = scale
        self.sql = Scaled(scale)

    def json(self, value: Any, selection: Selection) -> Expression:
        return scaled_text(value, self.scale)

    def present(self, value: Any, selection: Selection) -> Any:
        number = Decimal(typed(value, Decimal, int))
        if not number.is_finite():
            raise TypeError(f"{value!r} is not a finite number")
        return str(number.quantize(Decimal(1).scaleb(-self.scale)))

    def compare(self, value: Any, operator: str, operand: Any, binds: Binds) -> Condition:
        return compare_units(whole(value), operator, operand, binds, lambda moment: self.scale)

    def sortable(self, value: Any) -> Expression:
        return whole(value)

    def aggregate(self, function: str, value: Any) -> Expression:
        return FUNCTIONS[function](whole(value))


def compare_units(
    value: Expression, operator: str, operand: Any, binds: Binds, scale: Callable[[Moment], int]
) -> Condition:
    """Compares an integer of the smallest unit with a decimal, whose places are known at run time."""

    def one(moment: Moment) -> Any:
        return comparable(scale(moment), operator)(resolve(operand, moment.variables))

    def many(moment: Moment) -> Any:
        given = resolve(operand, moment.variables)
        return [comparable(scale(moment), operator)(item) for item in given]

    if operator in ("in", "notIn"):
        return within(operator, value, binds.computed(many, ListOf(WHOLE)))
    return COMPARISONS[operator](value, binds.computed(one, WHOLE))


class IntKind(Kind):
    """A whole number."""

    graphql = input = "int"
    filter_name = "IntFilter"
    sql = WHOLE
    functions = ("sum", "avg", "min", "max")

    _AVERAGE_PLACES = 4

    def present(self, value: Any, selection: Selection) -> Any:
        return typed(value, int)

    def aggregate(self, function: str, value: Any) -> Expression:
        return FUNCTIONS[function](value * 10**self._AVERAGE_PLACES if function == "avg" else value)

    def aggregate_kind(self, function: str) -> Kind:
        places = {"sum": 0, "avg": self._AVERAGE_PLACES}
        return DecimalKind(places[function]) if function in places else self


class MoneyKind(Kind):
    """Money: compared, ordered and summed in the reporting currency unless a currency is named."""

    graphql = "Money"
    input = "MoneyInput"
    filter_name = "MoneyFilter"
    repeats = True
    can_group = False
    functions = ("sum", "avg", "min", "max")

    def __init__(self, reporting_currency: str) -> None:
        self.currency = reporting_currency

    def typed_null(self) -> Any:
        return MoneyExpression(null().cast(BigInteger), null().cast(TEXT), null().cast(BigInteger))

    def reporting(self, minor: Expression) -> MoneyExpression:
        """Minor units of the reporting currency as money."""
        return MoneyExpression(minor, constant(self.currency), minor)

    def json(self, value: MoneyExpression, selection: Selection) -> Expression:
        built = selection.build(
            "Money",
            {
                "amount": lambda field: amount_text(value.minor, value.currency),
                "currency": lambda field: value.currency,
                "reportingAmount": lambda field: amount_text(value.reporting, constant(self.currency)),
            },
        )
        return json_if_there(value.minor, built)

    def present(self, value: Any, selection: Selection) -> Any:
        given = shown(typed(value, Money))
        if value.currency != self.currency:
            raise TypeError(f"{value} is not in the reporting currency {self.currency}")
        return selection.pick("Money", {**given, "reportingAmount": given["amount"]})

    def conditions(
        self, value: Any, given: Filter, binds: Binds, folded_value: Callable[[], Expression] | None = None
    ) -> Iterator[Condition]:
        currency = given.get("currency")
        if "currency" in given:
            refuse_null("currency", currency)
            yield value.currency == binds.value(currency, TEXT)
        number = value.reporting if currency is None else value.minor
        for operator, operand in given.items():
            if operator == "currency":
                continue
            refuse_null(operator, operand)
            if operator == "isNull":
                yield is_null(value.minor, operand)
            else:
                yield compare_units(
                    number,
                    operator,
                    operand,
                    binds,
                    lambda moment: exponent(resolve(currency, moment.variables) or self.currency),
                )

    def sortable(self, value: MoneyExpression) -> Expression:
        return value.reporting

    def aggregate(self, function: str, value: MoneyExpression) -> Expression:
        number = FUNCTIONS[function](value.reporting)
        # The sum of nothing is nothing, not unknown.
        return or_zero(number) if function == "sum" else number

    def of_number(self, number: Expression) -> Any:
        return self.reporting(number)


class ListKind(Kind):
    """A list of texts or of values of an enumeration, stored as JSON."""

    sql = Json()
    can_order = False
    can_group = False

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.graphql = self.input = f"list[{item.graphql}]"
        self.filter_name = "TextListFilter" if isinstance(item, TextKind) else f"{item.graphql}ListFilter"

    def json(self, value: Any, selection: Selection) -> Expression:
        return json_value(value)

    def present(self, value: Any, selection: Selection) -> Any:
        return [self.item.present(item, selection) for item in typed(value, list, tuple)]

    def compare(self, value: Any, operator: str, operand: Any, binds: Binds) -> Condition:
        if operator == "isEmpty":
            length = list_length(value)
            return length == 0 if operand else length > 0
        wanted = [operand] if operator == "has" else operand
        held = list_holds(value, binds.many(wanted, TEXT, str), every=operator == "hasAll")
        # Every list holds all of nothing, but where there is no list nothing holds anything.
        return and_(value.is_not(None), held) if operator == "hasAll" else held
