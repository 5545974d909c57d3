"""Makes Strawberry types from names and annotations, one set for each app.

The types are made of Strawberry's own definitions rather than of decorated classes: there are thousands of fields,
whose annotations name types that are made later, and a plugin's argument of a generated input type is handed to it as
it was sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema_directive import Location
from strawberry.schema_directives import OneOf
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from core.base.text import words
from core.records.record import CORE
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
        description: one sentence.
        arguments: of an output field.
        owner: the plugin that declares it, or `core`.
        deprecated: why not to use it.
        default: of an input field.
    """

    name: str
    annotation: str
    description: str
    arguments: Sequence[Argument] = ()
    owner: str = CORE
    deprecated: str | None = None
    default: Any = strawberry.UNSET


class _Annotation(StrawberryAnnotation):
    """An annotation among the types of one app, resolved when the schema is made."""

    __slots__ = ("_builder",)

    def __init__(self, text: str, builder: "Builder") -> None:
        super().__init__(text)
        self._builder = builder

    def evaluate(self) -> Any:
        return self._builder.resolve(str(self.raw_annotation))

    def resolve(self, *, type_definition: Any = None, origin: Any = None) -> Any:
        return self.evaluate()


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


class Builder:
    """Builds the types of one app: an annotation names them as text, as in `list[Customer] | None`."""

    def __init__(self, versions: dict[str, str]) -> None:
        self._versions = versions
        self._resolved: dict[str, Any] = {}
        self.types: dict[str, Any] = {
            "str": str,
            "int": int,
            "bool": bool,
            "ID": strawberry.ID,
            **{str(definition.name): python for python, definition in SCALARS.items()},
        }

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
    ) -> Any:
        """Adds an output type; `owner` is who declares it."""
        return self._add(name, description, members, interfaces=interfaces, directives=self._told(owner))

    def interface(self, name: str, description: str, members: Sequence[Member]) -> None:
        """Adds an interface."""
        self._add(name, description, members, is_interface=True)

    def input(self, name: str, description: str, members: Sequence[Member], *, one_of: bool = False) -> None:
        """Adds an input type."""
        self._add(name, description, members, is_input=True, directives=(OneOf(),) if one_of else ())

    def _add(
        self,
        name: str,
        description: str,
        members: Sequence[Member],
        *,
        is_input: bool = False,
        is_interface: bool = False,
        interfaces: Sequence[str] = (),
        directives: Sequence[object] = (),
    ) -> Any:
        made: Any = type(name, (), {"__doc__": description})
        made.__strawberry_definition__ = StrawberryObjectDefinition(
            name=name,
            is_input=is_input,
            is_interface=is_interface,
            origin=made,
            description=description,
            interfaces=[self.types[interface].__strawberry_definition__ for interface in interfaces],
            extend=False,
            directives=directives,
            is_type_of=None,
            resolve_type=None,
            fields=[self._field(member) for member in members],
            from_input=(lambda cls, value, context: dict(value)) if is_input else None,
        )
        self._name(name, made)
        return made

    def _field(self, member: Member) -> StrawberryField:
        made = StrawberryField(
            python_name=member.name,
            graphql_name=member.name,
            type_annotation=self.annotation(member.annotation),
            description=member.description,
            deprecation_reason=member.deprecated,
            default=member.default,
            directives=self._told(member.owner),
        )
        made.arguments = [
            StrawberryArgument(
                python_name=argument.name,
                graphql_name=argument.name,
                type_annotation=self.annotation(argument.annotation),
                description=argument.description,
                default=strawberry.UNSET,
            )
            for argument in member.arguments
        ]
        return made

    def _told(self, owner: str) -> Sequence[object]:
        """The directive that says whose something is; the core's own goes without."""
        return () if owner == CORE else (PluginDirective(name=owner, version=self._versions[owner]),)

    def annotation(self, text: str) -> StrawberryAnnotation:
        """An annotation among the app's own types."""
        return _Annotation(text, self)

    def resolve(self, text: str) -> Any:
        """The type an annotation stands for.

        Raises:
            NameError: it names no type of this app, or none yet.
        """
        if text not in self._resolved:
            self._resolved[text] = self._resolve(text)
        return self._resolved[text]

    def _resolve(self, text: str) -> Any:
        if text.endswith(" | None"):
            return StrawberryOptional(self.resolve(text.removesuffix(" | None")))
        if text.startswith("list["):
            return StrawberryList(self.resolve(text.removeprefix("list[").removesuffix("]")))
        if text not in self.types:
            raise NameError(f"no type is named {text}")
        found = self.types[text]
        definition = getattr(found, "__strawberry_definition__", None)
        return definition if isinstance(definition, StrawberryEnumDefinition) else found
