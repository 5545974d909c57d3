"""Order and place: sort keys across to-one relations, keyset conditions, and the cursors that carry them.

A cursor is a signature and the sort keys of its row. The signature covers the list, its order and its filter, so that a
cursor of another list is refused rather than silently misread.
"""

import hmac
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Date, Integer, Numeric, String, and_, false, or_
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.types import TypeEngine

from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.sql import Expression
from core.db.types import Choice, Text, Timestamp
from schema.catalog.catalog import CatalogField
from schema.catalog.kind import Condition
from schema.plan.statement import PlanRow, Statement
from schema.sql.binds import Moment
from schema.sql.json import TEXT, WHOLE, hex_text, json_array, json_bool, moment_text
from schema.sql.queries import is_beyond, is_missing, is_there, ordered
from schema.sql.slots import is_open, resolve

_SIGNATURE_LENGTH = 12


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order."""

    expression: Expression
    descending: bool = False
    nulls_first: bool = False
    nullable: bool = True

    def clause(self, *, backward: bool = False) -> Any:
        """Its ORDER BY clause, or that of the opposite order."""
        nulls_first = self.nulls_first != backward if self.nullable else None
        return ordered(self.expression, descending=self.descending != backward, nulls_first=nulls_first)

    @property
    def storage(self) -> TypeEngine[Any]:
        """Its column type, by which cursors carry it; of whole numbers the widest, which compares with all."""
        return WHOLE if isinstance(self.expression.type, Integer) else self.expression.type


#: Some versions of SQLite crash on an order of 64 keys or more; of two lists of keys in one statement either is short.
_MOST_KEYS = 24


def check_keys(argument: str, given: Sequence[Any] | None) -> None:
    """Refuses more keys of an order or of groups than anyone can use.

    Raises:
        InputError: there are too many.
    """
    if len(given or ()) > _MOST_KEYS:
        raise InputError(
            sentence(
                "{argument}: {count} keys are too many; at most {most_keys} are possible",
                argument=argument,
                count=len(given or ()),
                most_keys=_MOST_KEYS,
            )
        )


def direction(given: Any) -> tuple[bool, bool]:
    """Whether a direction descends, and whether records without a value come first."""
    name = str(given)
    return name.startswith("DESC"), name.endswith("NULLS_FIRST")


def sort_keys(statement: Statement, row: PlanRow, order: Sequence[Mapping[str, Any]] | None) -> list[SortKey]:
    """The keys of an order, ended by the id, which makes the order total."""
    check_keys("orderBy", order)
    keys = [_sort_key(statement, row, part) for part in order or ()]
    if not order:
        # The order, and the cursors that carry its keys, tell of no field that the caller may not see.
        fields = [(row.record.fields[name], down) for name, down in row.record.default_order if name != "id"]
        keys = [
            SortKey(_order_key(statement, row, field), down, False, False)
            for field, down in fields
            if field.permission not in statement.access.denied
        ]
    # In the direction of the last key, so that one index serves both.
    return [*keys, SortKey(row.id, keys[-1].descending if keys else False, False, False)]


def _sort_key(statement: Statement, row: PlanRow, part: Mapping[str, Any]) -> SortKey:
    ((name, wanted),) = part.items()
    if name in row.record.to_one:
        inner = _sort_key(statement, row.to(name), wanted)
        return SortKey(inner.expression, inner.descending, inner.nulls_first)
    field = row.record.fields[name]
    statement.demand(row.record, field)
    descending, nulls_first = direction(wanted)
    return SortKey(_order_key(statement, row, field), descending, nulls_first, field.nullable)


def _order_key(statement: Statement, row: PlanRow, field: CatalogField) -> Expression:
    if not statement.layout.is_stepped or field.stored is not None:
        return field.order_key(row)
    # What it is worked out as would be too deep in its place.
    return statement.looked_up(row.record, field.name, field.order_key, row.id)


def after(keys: Sequence[SortKey], values: Sequence[Any], *, backward: bool) -> Condition:
    """The condition that a row comes after one with these key values, or before it."""
    descending = {key.descending != backward for key in keys}
    if len(descending) == 1 and not any(key.nullable for key in keys):
        return is_beyond([key.expression for key in keys], values, descending=descending == {True})
    found: Condition = false()
    for key, value in reversed(list(zip(keys, values, strict=True))):
        found = or_(_beyond(key, value, backward=backward), and_(_same(key, value), found))
    return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a list that one index can give in order: the keys it is in order of, and what holds of its rows."""

    keys: Sequence[SortKey]
    there: Sequence[Condition]


def stretches(
    keys: Sequence[SortKey], ends: Sequence[tuple[Sequence[Any], bool]], *, backward: bool, is_whole: bool
) -> list[Stretch]:
    """A list in order of its keys, between its ends: whole, or in two parts, as the first key has a value or none.

    No index of PostgreSQL gives nulls last in both directions, and no index range is a place after a value or null.

    Args:
        keys: of its order.
        ends: key values of the rows it comes after, or before if the second of the pair is true.
        backward: whether it is read from its end.
        is_whole: whether it is taken in one part in any case.
    """
    first, *rest = keys
    if is_whole or not (first.nullable and is_column(first.expression)):
        return [Stretch(keys, [after(keys, values, backward=before) for values, before in ends])]
    valued = [replace(first, nullable=False), *rest]
    there: list[Condition] = [is_there(first.expression)]
    empty: list[Condition] = [is_missing(first.expression)]
    for values, before in ends:
        value, *others = values
        beyond, beyond_empty = after(valued, values, backward=before), after(rest, others, backward=before)
        if first.nulls_first != before:
            there.append(or_(value.is_(None), beyond))
            empty.append(and_(value.is_(None), beyond_empty))
        else:
            there.append(beyond)
            empty.append(or_(value.is_not(None), beyond_empty))
    parts = [Stretch(valued, there), Stretch(rest, empty)]
    return parts[::-1] if first.nulls_first != backward else parts


def is_column(expression: Expression) -> bool:
    """Whether it is a column as it is stored."""
    return isinstance(expression, ColumnClause) and expression.is_literal


def _same(key: SortKey, value: Any) -> Condition:
    same: Condition = key.expression.is_not_distinct_from(value) if key.nullable else key.expression == value
    return same


def _beyond(key: SortKey, value: Any, *, backward: bool) -> Condition:
    here = key.expression
    further: Condition = here < value if key.descending != backward else here > value
    if not key.nullable:
        return further
    if key.nulls_first != backward:
        return or_(further, and_(value.is_(None), here.is_not(None)))
    return or_(further, and_(value.is_not(None), here.is_(None)))


class Cursors:
    """The cursors of one list: how SQL writes them, and how they are read back into key values."""

    def __init__(
        self,
        statement: Statement,
        list_name: str,
        keys: Sequence[SortKey],
        arguments: Mapping[str, Any],
        *,
        is_place: bool = False,
    ) -> None:
        """Prepares them.

        Args:
            statement: they are part of.
            list_name: of the list.
            keys: of its order.
            arguments: of the list.
            is_place: whether they are places in a log, whatever part of it is listed and in which direction.
        """
        self._statement = statement
        self._keys = keys
        identity: list[Any] = [
            list_name,
            [(key.descending, key.nulls_first) for key in keys],
            _stable(arguments.get("orderBy")),
        ]
        where = arguments.get("where")
        if is_place:
            identity, where = [], None

        def spelled(variables: Mapping[str, Any]) -> str:
            return json.dumps([*identity, _stable(resolve(where, variables))], default=str)

        always = None if is_open(where) else spelled({})

        def signature(moment: Moment) -> str:
            return _signature(moment.secret, always or spelled(moment.variables))

        self._signature = signature

    def written(self, keys: Sequence[Expression]) -> Expression:
        """The cursor of a row whose key values are these, as SQL writes it."""
        carried = json_array(*(_carried(value, key.storage) for value, key in zip(keys, self._keys, strict=True)))
        prefix: Expression = self._statement.binds.computed(self._signature, TEXT, key=("signature", id(self)))
        return prefix.concat(hex_text(carried))

    def read(self, given: Any, argument: str) -> list[Expression]:
        """The key values of a cursor from a request, each a bind."""
        return [
            self._statement.binds.computed(self._key(given, argument, place), key.storage)
            for place, key in enumerate(self._keys)
        ]

    def _key(self, given: Any, argument: str, place: int) -> Callable[[Moment], Any]:
        # The plan keeps what it reads by, and nothing of the statement.
        restored, signature, count = _restoring(self._keys[place]), self._signature, len(self._keys)

        def source(moment: Moment) -> Any:
            try:
                carried = _opened(resolve(given, moment.variables), signature(moment))
                if len(carried) != count:
                    raise ValueError
                return restored(carried[place])
            except (ValueError, TypeError, OverflowError, RecursionError):
                raise InputError(
                    sentence(
                        "{argument}: this cursor belongs to another list, order or filter; use it with the arguments "
                        "it came from, or start without it",
                        argument=argument,
                    )
                ) from None

        return source


# Both are asked once for each key of a cursor, and the first of most requests has been asked before.
@lru_cache(1000)
def _signature(secret: bytes, text: str) -> str:
    return hmac.digest(secret, text.encode(), "sha256").hex()[:_SIGNATURE_LENGTH]


@lru_cache(100)
def _opened(text: str, signature: str) -> Sequence[Any]:
    """The key values a cursor carries. Only its list, order and filter are signed: SQL cannot sign the values."""
    head, body = text[:_SIGNATURE_LENGTH], text[_SIGNATURE_LENGTH:]
    if not hmac.compare_digest(head.encode(), signature.encode()):
        raise ValueError
    carried = json.loads(bytes.fromhex(body))
    return carried if isinstance(carried, list) else ()


def log_cursor(secret: bytes, sequence: int, id: str) -> str:
    """The cursor of a place in the event log, as `Cursors` of places write it."""
    return _signature(secret, "[null]") + json.dumps([sequence, id]).encode().hex()


def place_in_log(cursor: str) -> tuple[int, str]:
    """The number of a transaction and the id of an event, from a cursor of the log or of any list of its events.

    Raises:
        InputError: it is none.
    """
    try:
        sequence, id = json.loads(bytes.fromhex(cursor[_SIGNATURE_LENGTH:]))
        return _whole(sequence), _text(id)
    except (ValueError, TypeError, RecursionError):
        raise InputError(
            sentence("after: this is not a cursor of events; leave it out, or use one from there")
        ) from None


def _carried(value: Expression, storage: TypeEngine[Any]) -> Expression:
    if isinstance(storage, Timestamp):
        return moment_text(value)
    return json_bool(value) if isinstance(storage, Boolean) else value


def _restoring(key: SortKey) -> Callable[[Any], Any]:
    """What turns a value in a cursor into what the column takes; one of the errors `Cursors` expects if it cannot."""
    storage, nullable = key.storage, key.nullable
    read = (
        storage.enum
        if isinstance(storage, Choice)
        else next((read for kinds, read in _READERS if isinstance(storage, kinds)), _scalar)
    )

    def restored(value: Any) -> Any:
        if value is None:
            if not nullable:
                raise ValueError
            return None
        return read(value)

    return restored


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    # Half a surrogate pair is not text to a driver.
    value.encode()
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _number(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _whole(value)


def _scalar(value: Any) -> Any:
    return _text(value) if isinstance(value, str) else _number(value)


#: How each kind of column reads back what a cursor carries; the first that fits.
_READERS: Sequence[tuple[Any, Callable[[Any], Any]]] = (
    (Timestamp, _moment),
    (Date, date.fromisoformat),
    (Boolean, _boolean),
    ((Text, String), _text),
    (Integer, _whole),
    (Numeric, _number),
)


def _stable(value: Any) -> Any:
    """A value in a form that does not depend on the order in which an input's keys were written."""
    if isinstance(value, Mapping):
        return sorted((key, _stable(item)) for key, item in value.items())
    if isinstance(value, list):
        return [_stable(item) for item in value]
    return value
