"""Which plugin each type and field of a schema comes from."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from graphql import GraphQLField, GraphQLInputField, GraphQLNamedType, GraphQLSchema, get_named_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

from core.records.record import CORE
from schema.catalog.catalog import Catalog
from schema.types.builder import PluginDirective

_WORD = re.compile(r"[A-Z][a-z0-9]*")


class Origins:
    """What declares what: a plugin, or the core.

    Attributes:
        roots: the types whose fields are operations.
        users: for each type the fields that give or take it, as type and field.
    """

    def __init__(self, schema: GraphQLSchema, catalog: Catalog) -> None:
        self._types = schema.type_map
        roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        self.roots = [root for root in roots if root is not None]
        self._enums = {enum.__name__: owner for enum, owner in catalog.enums_with_owners()}
        self._records = {
            tuple(_WORD.findall(name)): record.owner
            for record in catalog.records.values()
            for name in (record.name, record.plural_type)
        }
        self._owners: dict[str, str | None] = {}

    def of_type(self, name: str) -> str:
        """The plugin that a type comes from, or `core`."""
        return self._of_type(name) or CORE

    def of_field(self, kind: GraphQLNamedType, field: GraphQLField | GraphQLInputField) -> str:
        """The plugin that a field comes from, or `core`."""
        return self._of_field(kind, field) or CORE

    @cached_property
    def users(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for kind in self._types.values():
            if not kind.name.startswith("__"):
                for name, field in fields_of(kind).items():
                    for used in {get_named_type(taken).name for taken in _types_of(field)}:
                        found[used].append((kind.name, name))
        return found

    def _of_type(self, name: str) -> str | None:
        if name not in self._owners:
            # Types that refer to each other in a circle are decided by the others that refer to them.
            self._owners[name] = None
            kind = self._types[name]
            found = _declared(kind) or self._enums.get(name)
            # What an operation of a plugin brings may be named after a record, and is not made for it.
            steps = (self._by_use, self._of_record) if _is_brought(kind) else (self._of_record, self._by_use)
            self._owners[name] = found or steps[0](name) or steps[1](name)
        return self._owners[name]

    def _of_field(self, kind: GraphQLNamedType, field: GraphQLField | GraphQLInputField) -> str | None:
        # What is made of a record stands among the operations without a word about whose it is.
        of = get_named_type(field.type).name if kind in self.roots else kind.name
        return _declared(field) or self._of_type(of)

    def _of_record(self, name: str) -> str | None:
        """Who declares the record that a type is made for: the one with the longest name in the name of the type."""
        words = tuple(_WORD.findall(name))
        for length in range(len(words), 0, -1):
            for start in range(len(words) - length + 1):
                owner = self._records.get(words[start : start + length])
                if owner is not None:
                    return owner
        return None

    def _by_use(self, name: str) -> str | None:
        owners = {
            self._of_field(kind, fields_of(kind)[field])
            for kind, field in ((self._types[used], field) for used, field in self.users.get(name, ()))
        } - {None}
        return next(iter(owners)) if len(owners) == 1 else None


def fields_of(kind: GraphQLNamedType) -> dict[str, Any]:
    """The fields of a type; none of what has none."""
    return getattr(kind, "fields", {})


def _types_of(field: GraphQLField | GraphQLInputField) -> Iterator[Any]:
    yield field.type
    for argument in getattr(field, "args", {}).values():
        yield argument.type


def _is_brought(kind: GraphQLNamedType) -> bool:
    """Whether a type was written as a Strawberry class, by a plugin; all others are generated."""
    definition = (kind.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return bool(getattr(definition, "fields", ()))


def _declared(thing: GraphQLNamedType | GraphQLField | GraphQLInputField) -> str | None:
    """The plugin that the schema itself names."""
    definition = (thing.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
    directives = getattr(definition, "directives", None) or ()
    return next((one.name for one in directives if isinstance(one, PluginDirective)), None)
