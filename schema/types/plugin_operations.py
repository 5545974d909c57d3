"""Plugins' operations: added to the root types of one app, clashes refused with the names of both owners."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import strawberry
from strawberry.types.base import (
    StrawberryContainer,
    StrawberryObjectDefinition,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import UNRESOLVED, StrawberryField
from strawberry.types.union import StrawberryUnion
from strawberry.utils.str_converters import to_camel_case

from core.base.errors import PluginError
from core.host.contract import Plugin
from core.host.host import PluginHost
from core.records.fields import Operations
from core.records.record import CORE
from core.records.vocabulary import Vocabulary
from schema.types.builder import Builder, PluginDirective, define

_HERE = "define it inside register_operations, in a module without `from __future__ import annotations`"


class Types:
    """The generated types of an app as attributes: `types.Customer`. What plugins build their operations from."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def __getattr__(self, name: str) -> Any:
        try:
            return self._builder.types[name]
        except KeyError:
            raise AttributeError(self._builder.missing(name)) from None

    def enum(self, enum: type[StrEnum]) -> type[StrEnum]:
        """A vocabulary that no field uses, for operations, with the descriptions of its values."""
        self._builder.enum(enum)
        return enum


def add_operations(builder: Builder, host: PluginHost, roots: Mapping[str, Iterable[str]]) -> None:
    """Adds the root fields that plugins bring to the root types, whose own fields have these names.

    Raises:
        PluginError: an operation or a type of one clashes with one that is there, or cannot be made.
    """
    # Operations may speak of vocabularies that no field has.
    for enum in Vocabulary.__subclasses__():
        define(enum)
    extension = _Extension(builder, roots)
    for plugin, operations in host.register("register_operations", types=Types(builder)):
        if operations is None:
            continue
        if not isinstance(operations, Operations):
            problem = f"{operations!r} is no guanxi.Operations; write Operations(query=…, mutation=…)"
            raise PluginError(plugin.name, "register_operations", problem)
        for root, cls in operations.roots():
            for field in _fields_of(plugin, cls):
                extension.add(plugin, root, field)


def _fields_of(plugin: Plugin, cls: type) -> list[StrawberryField]:
    try:
        made: Any = cls if has_object_definition(cls) else strawberry.type(cls)
    except Exception as error:
        raise PluginError(plugin.name, "register_operations", f"{cls.__name__}: {error}") from error
    definition: StrawberryObjectDefinition = made.__strawberry_definition__
    return definition.fields


class _Extension:
    """The root types of one app as they grow, and who brought what."""

    def __init__(self, builder: Builder, roots: Mapping[str, Iterable[str]]) -> None:
        self._types = builder.types
        self._fields = {root: get_object_definition(builder.types[root], strict=True).fields for root in roots}
        self._owners = {root: dict.fromkeys(names, CORE) for root, names in roots.items()}
        self._brought: dict[str, tuple[str, Any]] = {}

    def add(self, plugin: Plugin, root: str, field: StrawberryField) -> None:
        """Adds one root field of a plugin."""
        name = _name(field)
        place = f"{root}.{name}"
        if name in self._owners[root]:
            rival = self._owners[root][name]
            raise PluginError(plugin.name, place, f"{rival} has an operation of that name already; choose another")
        self._owners[root][name] = plugin.name
        self._claim(plugin.name, place, field)
        field.directives = [*field.directives, PluginDirective(name=plugin.name, version=plugin.version)]
        self._fields[root].append(field)

    def _claim(self, plugin: str, place: str, field: StrawberryField) -> None:
        """Notes whose the types of a field are that no other has brought."""
        try:
            found = [field.type, *(argument.type for argument in field.arguments)]
        except Exception as error:
            raise PluginError(plugin, place, f"{error}; {_HERE}") from error
        for type_ in found:
            if type_ is UNRESOLVED:
                raise PluginError(plugin, place, f"{field.type_annotation} names no type; {_HERE}")
            for name, origin, fields in _named(type_):
                if self._is_new(plugin, name, origin):
                    for inner in fields:
                        self._claim(plugin, f"{name}.{_name(inner)}", inner)

    def _is_new(self, plugin: str, name: str, origin: Any) -> bool:
        owner, known = self._brought.get(name, (CORE, self._types.get(name)))
        if known is None:
            self._brought[name] = (plugin, origin)
        elif known is not origin:
            raise PluginError(plugin, f"type {name}", f"{owner} has a type of that name already; choose another")
        return known is None


def _named(type_: Any) -> Iterator[tuple[str, Any, list[StrawberryField]]]:
    """The named types that a type is made of: name, the Python class, and fields."""
    while isinstance(type_, StrawberryContainer):
        type_ = type_.of_type
    if isinstance(type_, StrawberryUnion):
        for option in type_.types:
            yield from _named(option)
    elif isinstance(type_, StrawberryEnumDefinition):
        yield str(type_.name), type_.wrapped_cls, []
    elif has_object_definition(type_):
        definition = get_object_definition(type_, strict=True)
        yield definition.name, definition.origin, definition.fields


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel_case(field.python_name)
