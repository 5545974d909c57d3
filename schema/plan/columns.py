"""Columns of tables as statements refer to them: by name, with their types and defaults."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column
from sqlalchemy.types import TypeEngine

from core.db.sql import Expression
from core.db.types import Text
from core.records.fields import MoneyExpression
from core.records.record import Facet, Table
from schema.sql.json import PLAIN


class Columns:
    """The columns of one alias of a table, money fields as three in one."""

    def __init__(self, model: type[Table], reference: Callable[[str], Expression]) -> None:
        self._model = model
        self._reference = reference

    def __getattr__(self, name: str) -> Any:
        model = self._model
        if name in model.__money__:
            return MoneyExpression(*(self._reference(f"{name}_{part}") for part in ("minor", "currency", "reporting")))
        return self._reference(known(model, name))


def known(model: type[Table], name: str) -> str:
    """The name of a column of a table, known to be there.

    Raises:
        AttributeError: it is not; the message lists those that are.
    """
    if name not in model.__table__.c:
        raise AttributeError(
            f"{model.__name__} has no column {name!r}; it has {', '.join(sorted(model.__table__.c.keys()))}"
        )
    return name


def default_of(facet: type[Facet], name: str) -> Any:
    """What a column of a facet holds unless something else is written; None for nothing."""
    for companion in facet.__companions__:
        if companion.name == name:
            return companion.key(default_of(facet, companion.text), "")
    factory = facet.__factories__.get(name)
    return facet.__defaults__.get(name) if factory is None else factory()


def type_of(given: Column[Any]) -> TypeEngine[Any]:
    """The type of a record's own column; of ids one that says that JSON escapes nothing in them."""
    is_id = isinstance(given.type, Text) and (given.primary_key or given.foreign_keys)
    return PLAIN if is_id else given.type
