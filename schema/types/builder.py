"""Makes the GraphQL types of one app from names and annotations.

Generated types are graphql-core's own, their fields made when the schema is put together: there are thousands of them,
and their annotations name types that are made later. Operations of plugins are Strawberry code; for their annotations
each generated type has a class that is empty but for its name, and Strawberry's converter is given what it stands for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema.types.concrete_type import ConcreteType
from strawberry.schema_directive import Location
from strawberry.schema_directives import OneOf
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from core.base.text import words
from core.records.record import CORE
from core.records.vocabulary import Vocabulary
from schema.catalog.catalog import Catalog
from schema.catalog.omissions import omission
from schema.types.scalars import SCALARS


@strawberry.schema_directive(
    name="plugin",
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION, Location.OBJECT],
    description="Declared by a plugin, not by the core.",
)
class PluginDirective:
    """Who declares a field."""

    name: str = strawberry.directive_field(name="name")
    version: str = strawberry.directive_field(name="version")


#: Under this key Strawberry finds its definition of a type or field of graphql-core.
_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


def _value(source: Any, name: str) -> Any:
    """A field of a payload, which is a mapping or an object."""
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name)


def read(source: Any, info: GraphQLResolveInfo[Any]) -> Any:
    """Resolves a field of a payload by its name."""
    return _value(source, info.field_name)


def source_name(field: GraphQLField, name: str) -> str:
    """The name under which a payload has what a field is answered with: of a plugin's class, its name in Python."""
    definition = (field.extensions or {}).get(_DEFINITION)
    return definition.python_name if isinstance(definition, StrawberryField) else name


CONFIG = StrawberryConfig(scalar_map=SCALARS, default_resolver=_value)


@dataclass(frozen=True, slots=True)
class _Declared:
    """What Strawberry's printer asks the definition of a field for."""

    directives: Sequence[object]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field: name, annotation, what it is for."""

    name: str
    annotation: str
    description: str


@dataclass(frozen=True, slots=True)
class Member:
    """A field of an output or an input type.

    Attributes:
        name: in the API.
        annotation: its type, in the names of the app's own types.
        description: one sentence; none where the type says what its members mean.
        arguments: of an output field.
        owner: the plugin that declares it, or `core`.
        deprecated: why not to use it.
        default: of an input field.
        resolve: how graphql-core resolves an output field that no plan answers.
    """

    name: str
    annotation: str
    description: str = ""
    arguments: Sequence[Argument] = ()
    owner: str = CORE
    deprecated: str | None = None
    default: Any = Undefined
    resolve: Callable[..., Any] = read


def define(enum: type[StrEnum]) -> None:
    """Gives an enumeration its definition: its name, and the descriptions of its values."""
    marked: Any = enum
    # Strawberry keeps its definition on the enumeration itself; it is the same for every app. One that it made of its
    # own accord, for a class that names the enumeration, has no descriptions.
    known = enum.__dict__.get("__strawberry_definition__")
    if known is None or known.description is None:
        marked.__strawberry_definition__ = StrawberryEnumDefinition(
            wrapped_cls=enum,
            name=enum.__name__,
            values=[
                EnumValue(member.name, member.value, description=getattr(member, "description", None))
                for member in enum
            ],
            description=" ".join((enum.__doc__ or words(enum.__name__)).split()),
        )


def python_enum(kind: GraphQLEnumType) -> type[Vocabulary] | None:
    """The vocabulary that an enumeration of the schema was made of; None for one of GraphQL's own."""
    definition = (kind.extensions or {}).get(_DEFINITION)
    return None if definition is None else definition.wrapped_cls


class Builder:
    """Builds the types of one app: an annotation names them as text, as in `list[Customer] | None`.

    Attributes:
        types: by name in the schema, what the annotations of a plugin's operations refer to.
        converter: makes what Strawberry code adds; it knows the generated types.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._directives = {
            owner: PluginDirective(name=owner, version=version) for owner, version in catalog.versions.items()
        }
        self._annotated: dict[str, Any] = {}
        self.converter = GraphQLCoreConverter(CONFIG, {}, SCALARS, lambda definition: definition.fields)
        self.types: dict[str, Any] = {
            "str": str,
            "int": int,
            "bool": bool,
            "ID": strawberry.ID,
            **{str(definition.name): python for python, definition in SCALARS.items()},
        }

    def missing(self, name: str) -> str:
        """The error for a type name that does not exist."""
        reason = omission(self._catalog, name) or "the schema lists them all (guanxi schema)"
        return f"there is no type {name}; {reason}"

    def enum(self, enum: type[StrEnum]) -> None:
        """Adds an enumeration with the descriptions of its values."""
        define(enum)
        self._name(enum.__name__, enum)

    def _name(self, name: str, made: Any) -> None:
        if self.types.setdefault(name, made) is not made:
            raise TypeError(f"two types are named {name}; rename the record, enumeration or operation that makes one")

    def output(
        self,
        name: str,
        description: str,
        members: Sequence[Member],
        *,
        interfaces: Sequence[str] = (),
        owner: str = CORE,
    ) -> None:
        """Adds an output type; `owner` is who declares it."""
        told = () if owner == CORE else (self._directives[owner],)
        definition = self._define(name, description, directives=told)
        made = GraphQLObjectType(
            name,
            # What plugins add, they add to the definition.
            lambda: {**self._fields(members), **self.converter.get_graphql_fields(definition)},
            interfaces=[self._made(interface) for interface in interfaces],
            description=description,
            extensions={_DEFINITION: definition},
        )
        self.converter.type_map[name] = ConcreteType(definition, made)

    def interface(self, name: str, description: str, members: Sequence[Member]) -> None:
        """Adds an interface."""
        definition = self._define(name, description, is_interface=True)
        made = GraphQLInterfaceType(
            name,
            lambda: self._fields(members),
            description=description,
            extensions={_DEFINITION: definition},
        )
        self.converter.type_map[name] = ConcreteType(definition, made)

    def input(self, name: str, description: str, members: Sequence[Member], *, one_of: bool = False) -> None:
        """Adds an input type."""
        definition = self._define(name, description, is_input=True, directives=(OneOf(),) if one_of else ())
        made = GraphQLInputObjectType(
            name,
            lambda: {member.name: self._input_field(member) for member in members},
            description=description,
            extensions={_DEFINITION: definition},
            is_one_of=one_of,
        )
        self.converter.type_map[name] = ConcreteType(definition, made)

    def _define(
        self,
        name: str,
        description: str,
        *,
        is_input: bool = False,
        is_interface: bool = False,
        directives: Sequence[object] = (),
    ) -> StrawberryObjectDefinition:
        """Names a type, by a class without anything in it that Strawberry takes for one of its own."""
        named: Any = type(name, (), {"__doc__": description})
        self._name(name, named)
        definition = StrawberryObjectDefinition(
            name=name,
            is_input=is_input,
            is_interface=is_interface,
            origin=named,
            description=description,
            interfaces=[],
            extend=False,
            directives=directives,
            is_type_of=None,
            resolve_type=None,
            fields=[],
            # A plugin's argument of a generated input type is handed to it as it was sent.
            from_input=(lambda cls, value, context: dict(value)) if is_input else None,
        )
        named.__strawberry_definition__ = definition
        return definition

    def _fields(self, members: Sequence[Member]) -> dict[str, GraphQLField]:
        return {
            member.name: GraphQLField(
                self._type(member.annotation),
                args={
                    argument.name: GraphQLArgument(
                        self._type(argument.annotation), description=argument.description or None
                    )
                    for argument in member.arguments
                },
                resolve=member.resolve,
                description=member.description or None,
                deprecation_reason=member.deprecated,
                extensions=self._told(member.owner),
            )
            for member in members
        }

    def _input_field(self, member: Member) -> GraphQLInputField:
        return GraphQLInputField(
            self._type(member.annotation),
            default_value=member.default,
            description=member.description or None,
            deprecation_reason=member.deprecated,
            extensions=self._told(member.owner),
        )

    def _told(self, owner: str) -> dict[str, Any] | None:
        """The directive that tells who declares a field in the printed schema; none for the core's own."""
        return None if owner == CORE else {_DEFINITION: _Declared((self._directives[owner],))}

    def _made(self, name: str) -> Any:
        """The type of that name in graphql-core."""
        return self.converter.type_map[name].implementation

    def _type(self, annotation: str) -> Any:
        """The type an annotation stands for in graphql-core.

        Raises:
            NameError: it names no type of this app.
        """
        if annotation not in self._annotated:
            nullable = annotation.removesuffix(" | None")
            made = self._nullable(nullable)
            self._annotated[annotation] = made if nullable != annotation else GraphQLNonNull(made)
        return self._annotated[annotation]

    def _nullable(self, annotation: str) -> Any:
        if annotation.startswith("list["):
            return GraphQLList(self._type(annotation.removeprefix("list[").removesuffix("]")))
        if annotation not in self.types:
            raise NameError(f"no type is named {annotation}")
        known = self.converter.type_map.get(annotation)
        return self.converter.from_type(self.types[annotation]) if known is None else known.implementation
