"""Random filters and orders, made of values that are there."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema

from tests.oracle.literals import Variables, Word
from tests.oracle.records import REPORTING, Money, Records
from tests.oracle.rules import PLACES
from tests.oracle.shapes import INPUTS, Kind, Shape

DIRECTIONS = ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_FIRST"]

_EQUALITY = ["eq", "ne", "in", "notIn", "isNull"]
_RANGE = ["lt", "lte", "gt", "gte"]

_OPERATORS = {
    Kind.ID: _EQUALITY,
    Kind.CHOICE: _EQUALITY,
    Kind.BOOLEAN: ["eq", "isNull"],
    Kind.TEXT: [*_EQUALITY, "contains", "contains", "startsWith", "startsWith", "endsWith"],
    Kind.DATE: [*_EQUALITY, *_RANGE, *_RANGE],
    Kind.MOMENT: [*_EQUALITY, *_RANGE, *_RANGE],
    Kind.INT: [*_EQUALITY, *_RANGE, *_RANGE],
    Kind.DECIMAL: [*_EQUALITY, *_RANGE, *_RANGE],
    Kind.MONEY: [*_EQUALITY, *_RANGE, *_RANGE],
    Kind.LIST: ["has", "hasAny", "hasAll", "isEmpty", "isNull"],
    Kind.TAGS: ["has", "hasAny", "hasAll", "isEmpty"],
    Kind.EXTERNAL_IDS: ["has", "isEmpty"],
}


class Conditions:
    """Makes filters and orders for one query."""

    def __init__(self, schema: GraphQLSchema, records: Records, random: Random, variables: Variables) -> None:
        self._schema = schema
        self._records = records
        self._random = random
        self._variables = variables

    def _input(self, name: str) -> GraphQLInputObjectType | None:
        found = self._schema.type_map.get(name)
        return found if isinstance(found, GraphQLInputObjectType) else None

    def field_of(self, shape: Shape, names: Sequence[str]) -> str:
        """One of these fields: each kind as often as any other, though most fields are texts."""
        kind = self._random.choice(sorted({shape.fields[name] for name in names}, key=lambda kind: kind.value))
        return self._random.choice([name for name in names if shape.fields[name] is kind])

    # Filters

    def where(self, shape: Shape, depth: int) -> Any:
        """A filter of records."""
        return {
            name: value
            for _ in range(self._random.choice([1, 1, 1, 1, 2, 2, 3]))
            for name, value in [self._part(shape, depth)]
        }

    def _part(self, shape: Shape, depth: int) -> tuple[str, Any]:
        random, dice, type = self._random, self._random.random(), f"{shape.name}Where"
        if dice < 0.16 and depth:
            several = [self._lifted_where(shape, depth - 1) for _ in range(random.choice([0, 1, 2, 2, 3, 3]))]
            return random.choice(["and", "or", "or"]), several
        if dice < 0.26 and depth:
            return "not", self._variables.lifted(type, lambda: self.where(shape, depth - 1), may_be_absent=True)
        if dice < 0.38 and shape.to_one and depth:
            name, target = random.choice(list(shape.to_one.items()))
            return name, self.where(self._records.shapes[target], depth - 1)
        if dice < 0.5 and shape.to_many and depth:
            return self._on_list(shape, depth)
        if dice < 0.6 and shape.to_many and depth:
            return self._on_roll_up(shape, depth)
        made = self._input(type)
        assert made is not None
        name = self.field_of(shape, [name for name in shape.fields if name in made.fields])
        filter_type = made.fields[name].type
        return name, self._variables.lifted(str(filter_type), lambda: self.on_field(shape, name), may_be_absent=True)

    def _lifted_where(self, shape: Shape, depth: int) -> Any:
        return self._variables.lifted(f"{shape.name}Where!", lambda: self.where(shape, depth))

    def _on_list(self, shape: Shape, depth: int) -> tuple[str, Any]:
        name, (target, _) = self._random.choice(list(shape.to_many.items()))
        other = self._records.shapes[target]
        quantifiers = self._random.sample(["some", "every", "none"], self._random.choice([1, 1, 1, 2]))
        return name, {quantifier: self.where(other, depth - 1) for quantifier in quantifiers}

    def _on_roll_up(self, shape: Shape, depth: int) -> tuple[str, Any]:
        summed = [name for name, (target, _) in shape.to_many.items() if self._records.shapes[target].has_aggregates]
        if not summed:
            return self._on_list(shape, depth)
        name = self._random.choice(summed)
        other = self._records.shapes[shape.to_many[name][0]]
        given = self.on_group(other)
        if self._random.random() < 0.4:
            given["where"] = self.where(other, depth - 1)
        return f"{name}Aggregate", given

    def on_group(self, shape: Shape) -> dict[str, Any]:
        """A filter of what some records come to together."""
        functions = [name for name in ("sum", "avg", "min", "max") if self._input(f"{shape.name}{INPUTS[name]}Where")]
        if self._random.random() < 0.5 or not functions:
            operators = self._random.sample(["eq", "ne", "lt", "lte", "gt", "gte"], self._random.choice([1, 1, 2]))
            return {"count": {operator: self._lifted("Int", self._small) for operator in operators}}
        function = self._random.choice(functions)
        made = self._input(f"{shape.name}{INPUTS[function]}Where")
        assert made is not None
        name = self._random.choice(list(made.fields))
        return {function: {name: self._on_aggregate(shape, name, function)}}

    def _on_aggregate(self, shape: Shape, name: str, function: str) -> Any:
        kind = shape.fields[name]
        if function in ("min", "max") or kind is Kind.MONEY:
            return self.on_field(shape, name, is_reported=True)
        value = self._some(shape, name) or 0
        operator = self._random.choice([*_RANGE, "isNull"])
        return {operator: self._random.random() < 0.5 if operator == "isNull" else _text_of(Decimal(value))}

    def on_field(self, shape: Shape, name: str, *, is_reported: bool = False) -> Any:
        """A filter of a field's values."""
        kind = shape.fields[name]
        given: dict[str, Any] = {}
        if kind is Kind.MONEY and not is_reported and self._random.random() < 0.3:
            given["currency"] = self._random.choice(list(PLACES))
        for operator in self._random.sample(_OPERATORS[kind], self._random.choice([1, 1, 1, 2])):
            made = self._operand(shape, name, operator, given.get("currency"))
            if made is not None:
                given[operator] = made
        if kind is Kind.TEXT and self._random.random() < 0.3:
            given["ignoreCase"] = self._lifted("Boolean!", lambda: self._random.random() < 0.3)
        return given

    def _operand(self, shape: Shape, name: str, operator: str, currency: str | None) -> Any:
        random, kind = self._random, shape.fields[name]
        if operator in ("isNull", "isEmpty"):
            return self._lifted("Boolean", lambda: random.random() < 0.5)
        if kind is Kind.EXTERNAL_IDS:
            return self._known_by(shape)
        type = self._type_of(shape, name)

        def one() -> Any:
            return self._value(shape, name, operator, currency)

        if one() is None:
            return None
        if operator in ("in", "notIn", "hasAny", "hasAll"):

            def several() -> list[Any]:
                return [self._lifted(f"{type}!", one) for _ in range(random.choice([0, 1, 2, 2, 3, 4]))]

            return self._lifted(f"[{type}!]", several)
        return self._lifted(type, one)

    def _known_by(self, shape: Shape) -> Any:
        rows = [row for row in self._records.lists[shape.name] if row["externalIds"]]
        if not rows:
            return None
        key = self._random.choice(self._random.choice(rows)["externalIds"])
        return {"system": key["system"]} | ({"values": [key["value"], "x"]} if self._random.random() < 0.5 else {})

    def _type_of(self, shape: Shape, name: str) -> str:
        kind = shape.fields[name]
        if kind in (Kind.CHOICE, Kind.LIST):
            made: Any = self._schema.type_map[shape.name]
            return str(made.fields[name].type).strip("[]!")
        by_kind = {
            Kind.ID: "ID",
            Kind.TEXT: "String",
            Kind.TAGS: "String",
            Kind.BOOLEAN: "Boolean",
            Kind.DATE: "Date",
            Kind.MOMENT: "DateTime",
            Kind.INT: "Int",
        }
        return by_kind.get(kind, "Decimal")

    def _lifted(self, type: str, make: Callable[[], Any]) -> Any:
        return self._variables.lifted(type, make, may_be_absent=True)

    def _small(self) -> int:
        return self._random.choice([0, 1, 1, 2, 3, 5])

    # Values

    def _some(self, shape: Shape, name: str) -> Any:
        """A value that a record has in a field, no empty list; None where none has one."""
        values = [row[name] for row in self._records.lists[shape.name] if row[name] not in (None, [])]
        return self._random.choice(values) if values else None

    def _value(self, shape: Shape, name: str, operator: str, currency: str | None) -> Any:
        random, kind, value = self._random, shape.fields[name], self._some(shape, name)
        if value is None:
            return None
        if kind in (Kind.LIST, Kind.TAGS):
            item = random.choice(value)
            is_choice = kind is Kind.LIST and self._type_of(shape, name) != "String"
            return Word(item) if is_choice else _another_case(random, item)
        if kind is Kind.TEXT:
            return self._text(value, operator)
        if kind is Kind.CHOICE:
            return Word(value)
        if kind is Kind.MONEY:
            return self._amount(value, operator, currency)
        if kind is Kind.DECIMAL:
            return self._decimal(value, operator)
        if kind is Kind.MOMENT:
            return self._moment(value)
        if kind is Kind.DATE:
            return (value + timedelta(days=random.choice([0, 0, 0, 1, -1]))).isoformat()
        return value

    def _text(self, value: str, operator: str) -> str:
        start, end = sorted(self._random.choices(range(len(value) + 1), k=2))
        if operator == "startsWith":
            value = value[: max(end, 1)]
        elif operator == "endsWith":
            value = value[start:]
        elif operator == "contains":
            value = value[start:end]
        return _another_case(self._random, value)

    def _decimal(self, value: Decimal, operator: str) -> str:
        if operator in _RANGE and self._random.random() < 0.3:
            # Between two values that can be stored.
            value += self._random.choice([1, -1]) * Decimal("0.0000000003")
        return _text_of(value)

    def _amount(self, value: Money, operator: str, currency: str | None) -> str:
        amount = value.reporting if currency is None else value.amount
        places = PLACES[currency or REPORTING]
        if operator not in _RANGE:
            amount = amount.quantize(Decimal(1).scaleb(-places))
        return self._decimal(amount, operator)

    def _moment(self, value: datetime) -> str:
        moment = value + timedelta(milliseconds=self._random.choice([0, 0, 1, -1]))
        zone = timezone(timedelta(hours=self._random.choice([0, 0, 8, -3])))
        return moment.astimezone(zone).isoformat()

    # Orders

    def order(self, shape: Shape, depth: int = 2) -> Any:
        """An order of records by one to three keys."""
        return [
            self._variables.lifted(f"{shape.name}Order!", lambda: self._sort_key(shape, depth))
            for _ in range(self._random.choice([1, 1, 2, 2, 3]))
        ]

    def _sort_key(self, shape: Shape, depth: int) -> Any:
        made = self._input(f"{shape.name}Order")
        assert made is not None
        if shape.to_one and depth and self._random.random() < 0.25:
            name, target = self._random.choice(list(shape.to_one.items()))
            return {name: self._sort_key(self._records.shapes[target], depth - 1)}
        # Those with few values tie, and so show what comes next.
        names = [name for name in made.fields if name in shape.fields]
        tying = [name for name in names if shape.fields[name] in (Kind.CHOICE, Kind.BOOLEAN, Kind.DATE, Kind.TEXT)]
        name = self._random.choice(tying if tying and self._random.random() < 0.5 else names)
        return {name: self.direction()}

    def direction(self) -> Any:
        """A direction of an order."""
        return self._variables.lifted("Direction!", lambda: Word(self._random.choice(DIRECTIONS)))


def _text_of(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() and abs(value) < 1000 else f"{value:f}"


def _another_case(random: Random, text: str) -> str:
    return random.choice([text, text, text.upper(), text.lower(), text.swapcase()])
