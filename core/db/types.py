"""Column types that mean and sort the same on SQLite and PostgreSQL."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, JSON, BigInteger, DateTime, Dialect, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.base.clock import to_milliseconds
from core.base.errors import InputError
from core.base.sentences import sentence


class Text(TypeDecorator[str]):
    """Text that sorts by code point on both engines (PostgreSQL's "C" collation is SQLite's own order)."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(collation="C") if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and "\0" in value:
            raise InputError(sentence("text may not contain the character NUL (U+0000); leave it out"))
        return value


class ListOf(TypeDecorator[list[Any]]):
    """A list of values in one bind: an array on PostgreSQL, JSON text on SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.item.dialect_impl(dialect)))
        return dialect.type_descriptor(String())

    def bind_processor(self, dialect: Dialect) -> Callable[[Iterable[Any] | None], Any]:
        """What makes of a list what the driver takes; SQLAlchemy's own would convert each value twice."""
        convert: Any = self.item.dialect_impl(dialect).bind_processor(dialect)
        is_array = dialect.name == "postgresql"

        def process(values: Iterable[Any] | None) -> Any:
            items = list(values or ()) if convert is None else [convert(item) for item in values or ()]
            return items if is_array else json.dumps(items)

        return process


class Choice(TypeDecorator[StrEnum]):
    """A value of an enumeration, stored as its text."""

    impl = String
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(collation="C") if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        # Most are one of its values already; to ask for its `value` takes five times as long.
        return (value if isinstance(value, self.enum) else self.enum(value))._value_

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)


class Timestamp(TypeDecorator[datetime]):
    """An aware moment in UTC with milliseconds; on SQLite text of one width, so that it sorts as time."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        moment = to_milliseconds(value)
        return moment if dialect.name == "postgresql" else timestamp_text(moment)

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)


def timestamp_text(moment: datetime) -> str:
    """`2025-06-01T08:30:00.000Z`: how a moment is stored on SQLite and shown everywhere."""
    # Not strftime, which leaves out the zeros of early years.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Scaled(TypeDecorator[Decimal]):
    """An exact decimal with a fixed number of places, stored as an integer."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        return int(Decimal(value).scaleb(self.scale).quantize(Decimal(1), ROUND_HALF_UP))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-self.scale)


class Json(TypeDecorator[Any]):
    """A JSON value: lists of texts, lists of changes."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())
