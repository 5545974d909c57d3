"""Where: whether a record meets a filter. A missing value meets nothing but `ne`, `notIn` and `isNull`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.oracle.aggregates import aggregated
from tests.oracle.records import Records, Row, fold
from tests.oracle.shapes import Kind

Where = Mapping[str, Any]


class RefusedError(Exception):
    """What the caller asked for cannot be accepted."""


def _all(verdicts: Iterable[bool]) -> bool:
    """Whether all hold. Each is worked out, so that what cannot be taken is refused whatever the others say."""
    return all(list(verdicts))


def _any(verdicts: Iterable[bool]) -> bool:
    """Whether one holds, each worked out likewise."""
    return any(list(verdicts))


def selected(records: Records, rows: Iterable[Row], where: Where | None) -> list[Row]:
    """The rows that are there and meet a filter: deleted ones are not, unless the filter names deletedAt itself."""
    where = where or {}
    hidden = "deletedAt" not in where
    return [row for row in rows if (row.is_living or not hidden) and meets(records, row, where)]


def meets(records: Records, row: Row, where: Where) -> bool:
    """Whether a row meets a filter; all that is said must hold."""
    return _all(_part(records, row, name, given) for name, given in where.items())


def _part(records: Records, row: Row, name: str, given: Any) -> bool:
    if given is None:
        raise RefusedError(name)
    shape = records.shapes[row.type]
    if name == "and":
        return _all(meets(records, row, part) for part in given)
    if name == "or":
        return _any(meets(records, row, part) for part in given)
    if name == "not":
        return not meets(records, row, given)
    if name in shape.fields:
        return holds(shape.fields[name], row[name], given)
    if name in shape.to_one:
        other = records.to_one(row, name)
        return other is not None and meets(records, other, given)
    if name in shape.to_many:
        return _list_meets(records, records.below(row, name), given)
    return _roll_up_meets(records, row, name.removesuffix("Aggregate"), given)


def _list_meets(records: Records, rows: list[Row], given: Where) -> bool:
    verdicts = []
    for quantifier, where in given.items():
        where = where or {}
        hidden = "deletedAt" not in where
        there = [meets(records, row, where) for row in rows if row.is_living or not hidden]
        verdicts.append({"some": any(there), "every": all(there), "none": not any(there)}[quantifier])
    return all(verdicts)


def _roll_up_meets(records: Records, row: Row, name: str, given: Where) -> bool:
    rows = selected(records, records.below(row, name), given.get("where"))
    shape = records.shapes[records.shapes[row.type].to_many[name][0]]
    asked = {function: filter_ for function, filter_ in given.items() if function != "where"}
    return group_meets(shape.fields, rows, asked)


def group_meets(fields: Mapping[str, Kind], rows: list[Row], given: Where) -> bool:
    """Whether what some rows come to together meets a filter on aggregates."""
    verdicts = []
    for name, asked in given.items():
        if asked is None:
            raise RefusedError(name)
        if name == "and":
            verdicts.append(_all(group_meets(fields, rows, part) for part in asked))
        elif name == "or":
            verdicts.append(_any(group_meets(fields, rows, part) for part in asked))
        elif name == "not":
            verdicts.append(not group_meets(fields, rows, asked))
        elif name == "count":
            verdicts.append(holds(Kind.INT, len(rows), asked))
        else:
            for field, filter_ in asked.items():
                if filter_ is None:
                    raise RefusedError(field)
                verdicts.append(holds(fields[field], aggregated(name, fields[field], rows, field), filter_))
    return all(verdicts)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, other: value == other,
    "lt": lambda value, other: value < other,
    "lte": lambda value, other: value <= other,
    "gt": lambda value, other: value > other,
    "gte": lambda value, other: value >= other,
    "in": lambda value, others: value in others,
    "contains": lambda value, part: part in value,
    "startsWith": lambda value, part: value.startswith(part),
    "endsWith": lambda value, part: value.endswith(part),
    "has": lambda values, one: one in values,
    "hasAny": lambda values, several: any(one in values for one in several),
    "hasAll": lambda values, several: all(one in values for one in several),
    "isEmpty": lambda values, wanted: (not values) == wanted,
}


def holds(kind: Kind, value: Any, given: Where) -> bool:
    """Whether a value meets a filter of its kind."""
    if any(operand is None for operand in given.values()):
        raise RefusedError("null")
    if kind is Kind.EXTERNAL_IDS:
        return _all(_known_by(value, operator, operand) for operator, operand in given.items())
    if kind is Kind.TEXT:
        operators = {name: operand for name, operand in given.items() if name != "ignoreCase"}
        return _all_hold(value, operators, fold if given.get("ignoreCase", True) else str)
    if kind is Kind.TAGS:
        return _all_hold([fold(tag) for tag in value], given, fold)
    if kind is Kind.MONEY:
        return _money_holds(value, given)
    return _all_hold(value, given)


def _money_holds(value: Any, given: Where) -> bool:
    operators = {name: operand for name, operand in given.items() if name != "currency"}
    if "currency" not in given:
        return _all_hold(None if value is None else value.reporting, operators)
    named = value is not None and value.currency == given["currency"]
    return _all_hold(None if value is None else value.amount, operators) and named


def _known_by(value: list[dict[str, str]], operator: str, operand: Any) -> bool:
    if operator == "isEmpty":
        return (not value) == operand
    values = operand.get("values")
    return any(key["system"] == operand["system"] and (values is None or key["value"] in values) for key in value)


def _all_hold(value: Any, given: Where, prepare: Callable[[str], str] | None = None) -> bool:
    value = prepare(value) if prepare and isinstance(value, str) else value
    return _all(_one_holds(value, operator, operand, prepare) for operator, operand in given.items())


def _one_holds(value: Any, operator: str, operand: Any, prepare: Callable[[str], str] | None) -> bool:
    if operator == "isNull":
        return (value is None) == operand
    if isinstance(operand, list) and None in operand:
        raise RefusedError("null in a list")
    if prepare:
        operand = [prepare(item) for item in operand] if isinstance(operand, list) else _prepared(operand, prepare)
    if operator == "ne":
        return value is None or value != operand
    if operator == "notIn":
        return value is None or value not in operand
    return value is not None and _COMPARISONS[operator](value, operand)


def _prepared(operand: Any, prepare: Callable[[str], str]) -> Any:
    return prepare(operand) if isinstance(operand, str) else operand
