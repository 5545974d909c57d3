"""What the catalog knows about a type of value: how it is shown, compared, ordered, grouped and summed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import func, not_, null, or_
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.sql import Expression, one_of, rounded_ratio
from core.db.types import Text
from schema.sql.binds import Binds
from schema.sql.json import total
from schema.sql.selections import Selection

Condition = ColumnElement[bool]
Filter = Mapping[str, Any]

COMPARISONS: Mapping[str, Callable[[Any, Any], Condition]] = {
    "eq": lambda value, other: value == other,
    # A missing value differs from every value.
    "ne": lambda value, other: or_(value.is_(None), value != other),
    "lt": lambda value, other: value < other,
    "lte": lambda value, other: value <= other,
    "gt": lambda value, other: value > other,
    "gte": lambda value, other: value >= other,
}


FUNCTIONS: Mapping[str, Callable[[Expression], Expression]] = {
    "sum": total,
    # SQL's own average is inexact on SQLite and of another type on each engine.
    "avg": lambda value: rounded_ratio(total(value), func.nullif(func.count(value), 0)),
    "min": lambda value: func.min(value),
    "max": lambda value: func.max(value),
}


class Kind:
    """A kind of value.

    Attributes:
        graphql, input: how the type is written in annotations of outputs and inputs.
        filter_name: the input that filters it; None where nothing filters it.
        sql: the column type.
        can_order, can_group: whether lists are ordered and grouped by it.
        functions: the aggregate functions that mean something for it.
        repeats: whether its show in SQL has the value several times.
    """

    graphql: str
    input: str
    filter_name: str | None = None
    sql: TypeEngine[Any] = Text()
    can_order = True
    can_group = True
    functions: tuple[str, ...] = ()
    repeats = False

    def typed_null(self) -> Any:
        """The value of a field that is not there."""
        return null().cast(self.sql)

    def json(self, value: Any, selection: Selection) -> Expression:
        """The value as it appears in the answer."""
        shown_value: Expression = value
        return shown_value

    def present(self, value: Any, selection: Selection) -> Any:
        """A Python value as it appears in the answer.

        Raises:
            TypeError: it is not of this kind.
        """
        raise NotImplementedError

    def conditions(
        self, value: Any, given: Filter, binds: Binds, folded_value: Callable[[], Expression] | None = None
    ) -> Iterator[Condition]:
        """The conditions that a filter on a value of this kind stands for; all of them must hold.

        Args:
            value: in SQL.
            given: operator to operand.
            binds: of the statement.
            folded_value: gives a text as it compares without case.
        """
        for operator, operand in given.items():
            refuse_null(operator, operand)
            if operator == "isNull":
                yield is_null(value, operand)
            else:
                yield self.compare(value, operator, operand, binds)

    def compare(self, value: Any, operator: str, operand: Any, binds: Binds) -> Condition:
        """One operator's condition."""
        if operator in ("in", "notIn"):
            return within(operator, value, binds.many(operand, self.sql))
        return COMPARISONS[operator](value, binds.value(operand, self.sql))

    def sortable(self, value: Any) -> Expression:
        """What a list is ordered by."""
        key: Expression = value
        return key

    def key(self, text: str) -> str:
        """What a text of this kind is compared by."""
        return text

    def group_key(self, value: Any, grain: str | None) -> Expression:
        """The expression rows are grouped by."""
        key: Expression = value
        return key

    def aggregate(self, function: str, value: Any) -> Expression:
        """An aggregate of the value as a bare number, of the kind that `aggregate_kind` tells."""
        return FUNCTIONS[function](value)

    def aggregate_kind(self, function: str) -> "Kind":
        """The kind of an aggregate of values of this kind."""
        return self

    def of_number(self, number: Expression) -> Any:
        """A bare number as a value of this kind."""
        return number


def refuse_null(operator: str, operand: Any) -> None:
    """Refuses to compare with null, which would silently match nothing or everything."""
    if operand is None:
        raise InputError(
            sentence("{operator}: null cannot be compared; leave it out, or use isNull", operator=operator)
        )


def is_null(value: Expression, wanted: bool) -> Condition:
    """Whether there is no value, or whether there is one."""
    return value.is_(None) if wanted else value.is_not(None)


def within(operator: str, value: Expression, values: Expression) -> Condition:
    """`in` and `notIn` of a list of values."""
    return among(operator, value, one_of(value, values))


def among(operator: str, value: Expression, inside: Condition) -> Condition:
    """`in` and `notIn` by whether a value is inside; a missing one is in no list, and so it is outside every list."""
    return inside if operator == "in" else or_(value.is_(None), not_(inside))


def typed(value: Any, *types: type) -> Any:
    """The value, known to be of one of these types.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise TypeError(f"{value!r} is not of type {' or '.join(kind.__name__ for kind in types)}")
    return value
