"""The values of a statement: where each comes from at run time, and how the driver wants it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, bindparam
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import TypeEngine

from core.base.actors import Actor
from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.types import ListOf
from schema.sql.slots import Slot, resolve


# Not frozen: one is made for each request, and to freeze it takes longer than to make it.
@dataclass(slots=True)
class Moment:
    """What the run-time values of a plan are read from.

    Attributes:
        variables: of the request.
        now: its moment.
        actor: the caller.
        secret: signs cursors.
        zone: in which the caller's days begin.
        ids: the records that are read, where they are known already.
        id: the first of them.
    """

    variables: Mapping[str, Any]
    now: datetime
    actor: Actor
    secret: bytes
    zone: tzinfo
    ids: Sequence[str] = ()
    id: str | None = None

    def about(self, ids: Sequence[str]) -> "Moment":
        """The same for these records."""
        return Moment(self.variables, self.now, self.actor, self.secret, self.zone, ids, ids[0] if ids else None)


BindSource = Callable[[Moment], Any]


@dataclass(frozen=True, slots=True)
class Bind:
    """One value of a statement: its source, the driver's conversion, and the place of the field it belongs to."""

    source: BindSource
    convert: Callable[[Any], Any] | None
    place: tuple[str, ...] = ()

    def read(self, moment: Moment) -> Any:
        """The value as the driver takes it."""
        value = self.source(moment)
        return value if self.convert is None else self.convert(value)


#: So many values of a bind are kept as the driver takes them.
_MOST_KEPT = 64


class Binds:
    """The values of the statement that is being compiled.

    Attributes:
        place: of the field whose arguments are being compiled; empty for the root.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.by_name: dict[str, Bind] = {}
        self.place: tuple[str, ...] = ()
        self._shared: dict[Any, BindParameter[Any]] = {}

    def computed(
        self, source: BindSource, type_: TypeEngine[Any], key: Any = None, *, is_repeated: bool = False
    ) -> BindParameter[Any]:
        """A value computed at run time; those of one key are one bind.

        Args:
            source: computes it.
            type_: of the value.
            key: of those that are one.
            is_repeated: the same few values come again and again, so that what the driver takes of them is kept.
        """
        if key is not None and key in self._shared:
            return self._shared[key]
        name = f"v{len(self.by_name)}"
        convert = _processor(type_, self._dialect)
        if is_repeated and convert is not None:
            convert = lru_cache(_MOST_KEPT)(convert)
        self.by_name[name] = Bind(source, convert, self.place)
        made: BindParameter[Any] = bindparam(name, None, type_=type_)
        if key is not None:
            self._shared[key] = made
        return made

    def value(
        self, given: Any, type_: TypeEngine[Any], prepare: Callable[[Any], Any] | None = None
    ) -> BindParameter[Any]:
        """A value given by an argument, perhaps through variables; `prepare` turns it into what is compared."""
        if isinstance(given, Slot) and prepare is None:
            return self.computed(lambda moment: given.read(moment.variables), type_)

        def source(moment: Moment) -> Any:
            value = resolve(given, moment.variables)
            return value if prepare is None else prepare(value)

        return self.computed(source, type_)

    def many(
        self, given: Any, type_: TypeEngine[Any], prepare: Callable[[Any], Any] | None = None
    ) -> BindParameter[Any]:
        """A list of values given by an argument."""

        def source(moment: Moment) -> Any:
            values = resolve(given, moment.variables)
            if any(value is None for value in values):
                raise InputError(sentence("a list to compare with contains null; leave it out and add isNull"))
            return values if prepare is None else [prepare(value) for value in values]

        return self.computed(source, ListOf(type_))


def _processor(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


_LARGEST = 2**63 - 1


def comparable(scale: int, operator: str) -> Callable[[Decimal], int]:
    """Turns a decimal into the integer that compares like it with integers of the smallest unit.

    Between two units the next one up or down decides as the value itself would; nothing can equal such a value.
    """

    def convert(value: Decimal) -> int:
        exact = Decimal(value).scaleb(scale)
        if operator in ("gt", "lte"):
            return _held(exact.to_integral_value(ROUND_FLOOR))
        if operator in ("gte", "lt"):
            return _held(exact.to_integral_value(ROUND_CEILING))
        if exact != exact.to_integral_value():
            raise InputError(
                sentence(
                    "{value} has more than {scale} decimal places, so nothing can equal it; round it",
                    value=value,
                    scale=scale,
                )
            )
        return _held(exact)

    return convert


def _held(value: Decimal) -> int:
    """The nearest integer that a column can hold; what lies beyond compares like it with all that is stored."""
    return max(-_LARGEST, min(_LARGEST, int(value)))
