"""Annotations of plugins' operations, resolved among the types of one app, and the definitions made for them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import MISSING
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Union, get_args, get_origin

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import InputContext
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField

from core.base.clock import check_day
from core.base.errors import PluginError, UserError
from core.base.money import Money
from core.base.text import camel
from core.host.contract import Plugin
from core.host.operations import Named, first_paragraph
from core.records.record import CORE, Record
from schema.types.builder import Builder
from schema.types.scalars import JSON, CurrencyCode

_PLAIN = (str, int, float, bool, Decimal, date, datetime, strawberry.ID, CurrencyCode, JSON)


class ResolvedAnnotation(StrawberryAnnotation):
    """An annotation that is resolved already."""

    def evaluate(self) -> Any:
        return self.raw_annotation

    def resolve(self, *, type_definition: Any = None, origin: Any = None) -> Any:
        return self.raw_annotation


def evaluated(text: str, module: str, names: Mapping[str, Any]) -> Any:
    """What an annotation that is written as text stands for: in its module, else among the app's types."""
    known = {name: Annotated[Any, Named(name)] for name in names}
    return eval(text, known | vars(sys.modules[module]))  # noqa: S307  (a plugin's own annotation)


class OperationTypes:
    """The types of one plugin's operations, as one app knows them."""

    def __init__(
        self, builder: Builder, plugin: Plugin, brought: dict[str, tuple[str, Any, Any]], reporting_currency: str
    ) -> None:
        self.names = builder.types
        self._builder = builder
        self._plugin = plugin
        self._brought = brought
        self._currency = reporting_currency

    def generated(self, name: str, place: str) -> Any:
        """A type that the catalog makes.

        Raises:
            PluginError: there is none of that name.
        """
        if name not in self.names:
            raise PluginError(self._plugin.name, place, self._builder.missing(name))
        return self._known(name)

    def _known(self, name: str) -> Any:
        definition = getattr(self.names[name], "__strawberry_definition__", None)
        return definition if isinstance(definition, StrawberryEnumDefinition) else self.names[name]

    def resolve(self, annotation: Any, module: str, place: str, *, is_input: bool = False) -> Any:
        """The app's type that an annotation stands for.

        Raises:
            PluginError: it is not one that operations can have.
        """
        if isinstance(annotation, ForwardRef):
            annotation = annotation.__forward_arg__
        if isinstance(annotation, str):
            try:
                annotation = evaluated(annotation, module, self.names)
            except Exception as error:
                raise PluginError(self._plugin.name, place, f"{annotation!r} names no type: {error}") from error

        def inner(part: Any) -> Any:
            return self.resolve(part, module, place, is_input=is_input)

        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            named = next((one for one in annotation.__metadata__ if isinstance(one, Named)), None)
            return inner(parts[0]) if named is None else self.generated(named.name, place)
        if origin in (list, Sequence):
            return StrawberryList(inner(parts[0]))
        if origin in (Union, UnionType):
            return self._union(parts, inner, annotation, place)
        return self._single(annotation, place, is_input=is_input)

    def _union(self, parts: Sequence[Any], inner: Callable[[Any], Any], annotation: Any, place: str) -> Any:
        given = [part for part in parts if part is not NoneType]
        if record := record_of(annotation):
            given = [record]
        if len(given) != 1:
            problem = f"{annotation} is one of several types; make one type with a field for each, all but one null"
            raise PluginError(self._plugin.name, place, problem)
        resolved = inner(given[0])
        return StrawberryOptional(resolved) if NoneType in parts else resolved

    def _single(self, annotation: Any, place: str, *, is_input: bool) -> Any:
        if annotation in _PLAIN:
            return annotation
        if annotation is UserError:
            return self.generated("UserError", place)
        if annotation is Money:
            return self.generated("MoneyInput" if is_input else "Money", place)
        if isinstance(annotation, type) and issubclass(annotation, Record):
            return self.generated("ID" if is_input else annotation.__name__, place)
        if isinstance(annotation, type) and issubclass(annotation, StrEnum):
            return self._enumeration(annotation, place)
        if has_object_definition(annotation):
            return self._class(annotation, place)
        problem = (
            f"{annotation!r} is not a type of the API; decorate the class with @strawberry.type or @strawberry.input"
        )
        raise PluginError(self._plugin.name, place, problem)

    def _enumeration(self, enum: type[StrEnum], place: str) -> Any:
        try:
            self._builder.enum(enum)
        except TypeError as error:
            raise PluginError(self._plugin.name, place, str(error)) from None
        return self._known(enum.__name__)

    def _class(self, cls: Any, place: str) -> Any:
        """The app's own type for a Strawberry class."""
        definition = get_object_definition(cls, strict=True)
        name = definition.name
        if name in self._brought:
            owner, known, known_type = self._brought[name]
            if known is cls:
                return known_type
            raise self._taken(name, owner)
        if name in self.names:
            raise self._taken(name, CORE)
        if definition.is_interface or definition.interfaces:
            raise PluginError(self._plugin.name, f"type {name}", "interfaces are not possible; repeat their fields")
        made: Any = type(name, (), {})
        self._brought[name] = (self._plugin.name, cls, made)
        made.__strawberry_definition__ = StrawberryObjectDefinition(
            name=name,
            is_input=definition.is_input,
            is_interface=False,
            origin=made,
            description=definition.description or _docstring(cls),
            interfaces=[],
            extend=False,
            directives=definition.directives,
            is_type_of=None,
            resolve_type=None,
            fields=[self._field(cls, field, name, is_input=definition.is_input) for field in definition.fields],
            from_input=self._reader(cls, made) if definition.is_input else None,
        )
        return made

    def _taken(self, name: str, owner: str) -> PluginError:
        return PluginError(
            self._plugin.name, f"type {name}", f"{owner} has a type of that name already; choose another"
        )

    def _field(self, cls: Any, field: StrawberryField, owner: str, *, is_input: bool) -> StrawberryField:
        place = f"{owner}.{_name(field)}"
        if field.base_resolver is not None:
            problem = "has a resolver; its value has to be worked out in the operation, where the data is"
            raise PluginError(self._plugin.name, place, problem)
        made = copy(field)
        declared = field.origin.__module__ if isinstance(field.origin, type) else cls.__module__
        made.type_annotation = ResolvedAnnotation(
            self.resolve(annotation_of(field), declared, place, is_input=is_input)
        )
        made.arguments = []
        if is_input and field.default is None:
            # That it may be left out is said by its type; its default in Python is the class's own.
            made.default = made.default_value = strawberry.UNSET
        return made

    def _reader(self, cls: Any, made: Any) -> Callable[[type, Mapping[str, Any], InputContext], Any]:
        """What makes an instance of the plugin's class from what a client sent."""

        def read(_: type, sent: Mapping[str, Any], context: InputContext) -> Any:
            given: dict[str, Any] = {}
            for field in get_object_definition(made, strict=True).fields:
                name = _name(field)
                if name in sent:
                    type_ = field.resolve_type()
                    given[field.python_name] = self.python(type_)(context.convert(sent[name], type_, name))
                elif field.default is MISSING and field.default_factory is MISSING:
                    given[field.python_name] = None
            return cls(**given)

        return read

    def python(self, type_: Any) -> Callable[[Any], Any]:
        """What makes a Python value of an input value: money of `MoneyInput`, days with which code can reckon."""
        inner = type_.of_type if isinstance(type_, StrawberryOptional) else type_
        if isinstance(inner, StrawberryList):
            each = self.python(inner.of_type)
            return lambda values: values and [each(value) for value in values]
        if inner in (date, datetime):
            return _day
        if inner is not self.names["MoneyInput"]:
            return lambda value: value

        def money(value: Any) -> Any:
            if not value:
                return value
            amount = Money(value["amount"], value.get("currency") or self._currency)
            amount.check_size()
            return amount

        return money


def _day(value: Any) -> Any:
    """A day or a moment as it is.

    Raises:
        InputError: nothing can be reckoned with it.
    """
    if isinstance(value, date):
        check_day(value)
    return value


def annotation_of(field: StrawberryField) -> Any:
    """The annotation of a field as it was written."""
    return field.type_annotation and field.type_annotation.raw_annotation


def record_of(annotation: Any) -> type[Record] | None:
    """The record that an annotation is or refers to."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((part for part in parts if isinstance(part, type) and issubclass(part, Record)), None)


def _docstring(cls: type) -> str | None:
    """The description of a class; a dataclass without a docstring has one made of its fields."""
    text = cls.__doc__ or ""
    return None if text.startswith(f"{cls.__name__}(") else first_paragraph(text) or None


def _name(field: StrawberryField) -> str:
    return field.graphql_name or camel(field.python_name)
