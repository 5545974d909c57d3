"""Plugins' operations among the types of one app.

Plugins write module-level functions and Strawberry classes, which many apps with other plugins share. So that each app
has types of its own, every class gets a definition for the app, whose annotations are resolved among the app's types;
nothing on the class itself is changed.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

import strawberry
from sqlmodel import Session
from strawberry.types.arguments import StrawberryArgument, StrawberryArgumentAnnotation
from strawberry.types.base import (
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from core.base.errors import PluginError, UserError
from core.base.text import camel
from core.host.contract import Plugin
from core.host.host import PluginHost
from core.host.operations import PluginOperation
from core.records.record import CORE, Record
from schema.types.builder import Builder, PluginDirective
from schema.types.operation_annotations import OperationTypes, ResolvedAnnotation, annotation_of, evaluated, record_of
from schema.types.operation_types import Input, Payload


@dataclass(frozen=True, slots=True)
class PayloadShape:
    """The answer to a mutation: the payload of a record, or one of the plugin's own.

    Attributes:
        record: the field of the record's payload, such as `customer`.
        model: the record.
        own: the plugin's payload instead.
    """

    record: str | None = None
    model: type[Record] | None = None
    own: type[Payload] | None = None

    def checked(self, session: Session, answer: Any) -> Any:
        """The answer, once it is known to be of the kind that was declared; before anything is committed.

        Raises:
            TypeError: it is of another kind.
        """
        if self.own is not None:
            if not isinstance(answer, self.own):
                raise TypeError(f"returned {answer!r}; return {self.own.__name__}(…)")
        elif self.model is not None and not isinstance(answer, self.model):
            session.flush()
            if not isinstance(answer, str) or session.get(self.model, answer) is None:
                raise TypeError(f"returned {answer!r}; return the {self.model.__name__}, or its id")
        return answer

    def made(self, answer: Any, warnings: Sequence[UserError], request_id: str) -> Mapping[str, Any]:
        """The payload of what was done."""
        if self.record is not None:
            return {self.record: answer, "userErrors": [], "warnings": list(warnings), "requestId": request_id}
        return {**answer, "user_errors": [], "warnings": list(warnings), "request_id": request_id}

    def refused(self, errors: Sequence[UserError], request_id: str) -> Mapping[str, Any]:
        """The payload of what was refused."""
        if self.own is None:
            return {str(self.record): None, "userErrors": list(errors), "warnings": [], "requestId": request_id}
        return {**_defaults(self.own), "user_errors": list(errors), "warnings": [], "request_id": request_id}


def _defaults(payload: type[Payload]) -> dict[str, Any]:
    """What the fields of a payload are where nothing was done."""
    return {
        field.name: field.default_factory()
        if field.default_factory is not MISSING
        else (None if field.default is MISSING else field.default)
        for field in fields(payload)
    }


RunMutation = Callable[[Any, Plugin, PluginOperation, Input, PayloadShape, Any], Awaitable[Any]]
RunQuery = Callable[[Any, Plugin, PluginOperation, Mapping[str, Any]], Awaitable[Any]]


def add_operations(
    builder: Builder,
    host: PluginHost,
    roots: Mapping[str, Iterable[str]],
    payloads: Mapping[str, str],
    reporting_currency: str,
    perform: RunMutation,
    look: RunQuery,
) -> Mapping[str, frozenset[str]]:
    """Adds the root fields that plugins bring; returns the names of those that are public, by their root types.

    Args:
        builder: of the app's types, which are all there.
        host: its plugins.
        roots: the root types by name, each with the names of its own fields.
        payloads: names of the records that have a payload, each with the payload's field that is the record.
        reporting_currency: of amounts that are given without one.
        perform, look: run mutations and queries.

    Raises:
        PluginError: an operation or a type of one clashes with one that is there, or cannot be made.
    """
    extension = _Extension(builder, roots)
    public: dict[str, set[str]] = {root: set() for root in roots}
    for plugin, operations in host.register("register_operations"):
        types = OperationTypes(builder, plugin, extension.brought, reporting_currency)
        for operation in operations:
            if not isinstance(operation, PluginOperation):
                problem = f"{operation!r} is not an operation; put @query or @mutation on the function"
                raise PluginError(plugin.name, "register_operations", problem)
            extension.add(plugin, operation, _RootField(types, plugin, operation, payloads).made(perform, look))
            if operation.public:
                public[operation.root].add(operation.name)
    return {root: frozenset(names) for root, names in public.items()}


class _Extension:
    """The root types of one app as they grow, and who brought what."""

    def __init__(self, builder: Builder, roots: Mapping[str, Iterable[str]]) -> None:
        self._fields = {root: get_object_definition(builder.types[root], strict=True).fields for root in roots}
        self._owners = {root: dict.fromkeys(names, CORE) for root, names in roots.items()}
        self.brought: dict[str, tuple[str, Any, Any]] = {}

    def add(self, plugin: Plugin, operation: PluginOperation, field: StrawberryField) -> None:
        """Adds one root field of a plugin."""
        root, name = operation.root, operation.name
        if name in self._owners[root]:
            rival = self._owners[root][name]
            raise PluginError(
                plugin.name, f"{root}.{name}", f"{rival} has an operation of that name already; choose another"
            )
        self._owners[root][name] = plugin.name
        self._fields[root].append(field)


class _RootField:
    """The root field that an operation makes."""

    def __init__(
        self, types: "OperationTypes", plugin: Plugin, operation: PluginOperation, payloads: Mapping[str, str]
    ) -> None:
        self._types = types
        self._plugin = plugin
        self._operation = operation
        self._payloads = payloads
        self._place = f"{operation.root}.{operation.name}"
        self._module = operation.function.__module__
        self._parameters = list(inspect.signature(operation.function).parameters.values())

    def made(self, perform: RunMutation, look: RunQuery) -> StrawberryField:
        """The field."""
        operation = self._operation
        if inspect.iscoroutinefunction(operation.function):
            raise self._problem("must not be async: it runs in a transaction, in a thread of its own")
        if not operation.description:
            raise self._problem("has no description; say in its docstring what it does")
        if not self._parameters or self._parameters[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise self._problem("takes no `ctx`; its first argument is the context")
        field = self._query(look) if operation.root == "Query" else self._mutation(perform)
        field.directives = [PluginDirective(name=self._plugin.name, version=self._plugin.version)]
        return field

    def _field(self, resolver: Callable[..., Any], type_: Any, arguments: list[StrawberryArgument]) -> StrawberryField:
        made = StrawberryField(
            python_name=self._operation.name,
            graphql_name=self._operation.name,
            type_annotation=ResolvedAnnotation(type_),
            description=self._operation.description,
            base_resolver=StrawberryResolver(resolver),
        )
        made.arguments = arguments
        return made

    def _query(self, look: RunQuery) -> StrawberryField:
        plugin, operation = self._plugin, self._operation
        parameters = self._parameters[1:]
        infos = [one.name for one in parameters if self._evaluated(one.annotation) is strawberry.Info]
        arguments = [self._argument(one) for one in parameters if one.name not in infos]
        convert = {argument.python_name: self._types.python(argument.type) for argument in arguments}

        async def resolve(info: strawberry.Info, **given: Any) -> Any:
            taken = {name: convert[name](value) for name, value in given.items()}
            return await look(info.context, plugin, operation, taken | dict.fromkeys(infos, info))

        return self._field(resolve, self._return_type(), arguments)

    def _mutation(self, perform: RunMutation) -> StrawberryField:
        plugin, operation = self._plugin, self._operation
        if [one.name for one in self._parameters[1:]] != ["input"]:
            raise self._problem("must take `ctx` and `input`; what else it needs are fields of its input")
        input_ = self._evaluated(self._parameters[1].annotation)
        if not (isinstance(input_, type) and issubclass(input_, Input) and input_ is not Input):
            raise self._problem(
                "`input` must be annotated with a subclass of guanxi.Input, decorated @strawberry.input"
            )
        shape, type_ = self._payload()
        resolved = self._types.resolve(input_, self._module, self._place, is_input=True)
        argument = StrawberryArgument("input", "input", ResolvedAnnotation(resolved), description="The input.")

        def resolve(root: Any, info: strawberry.Info, input: Any) -> Any:
            # What a root mutation is resolved on is how its payload is read.
            return perform(info.context, plugin, operation, input, shape, root)

        return self._field(resolve, type_, [argument])

    def _payload(self) -> tuple[PayloadShape, Any]:
        """The answer to a mutation, and its type."""
        returned = self._evaluated(inspect.signature(self._operation.function).return_annotation)
        if isinstance(returned, type) and issubclass(returned, Payload):
            if "__strawberry_definition__" not in vars(returned):
                raise self._problem(f"{returned.__name__} is not a type of the API; decorate it with @strawberry.type")
            self._check_defaults(returned)
            return PayloadShape(own=returned), self._types.resolve(returned, self._module, self._place)
        record = record_of(returned)
        if record is None or record.__name__ not in self._payloads:
            raise self._problem(
                f"must return a record that has mutations, or a subclass of guanxi.Payload, not {returned!r}"
            )
        payload = self._types.generated(f"{record.__name__}Payload", self._place)
        return PayloadShape(record=self._payloads[record.__name__], model=record), payload

    def _check_defaults(self, payload: type[Payload]) -> None:
        """Refuses a payload with a field that would have no value where the mutation is refused."""
        fields = {field.python_name: field for field in get_object_definition(payload, strict=True).fields}
        for name, value in _defaults(payload).items():
            type_ = self._types.resolve(annotation_of(fields[name]), payload.__module__, self._place)
            if value is None and not isinstance(type_, StrawberryOptional):
                problem = "has no value where the mutation is refused; give it a default, or let it be None"
                raise self._problem(f"{payload.__name__}.{name} {problem}")

    def _argument(self, parameter: inspect.Parameter) -> StrawberryArgument:
        annotation = parameter.annotation
        if annotation is inspect.Parameter.empty:
            raise self._problem(f"argument {parameter.name} has no annotation; annotate it with its type")
        annotation = self._evaluated(annotation)
        described = [
            one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, StrawberryArgumentAnnotation)
        ]
        default = parameter.default
        return StrawberryArgument(
            parameter.name,
            described[0].name if described and described[0].name else camel(parameter.name),
            ResolvedAnnotation(self._types.resolve(annotation, self._module, self._place, is_input=True)),
            description=described[0].description if described else None,
            # None says that it may be left out, which its type says as well.
            default=strawberry.UNSET if default is None or default is inspect.Parameter.empty else default,
        )

    def _return_type(self) -> Any:
        returned = inspect.signature(self._operation.function).return_annotation
        if returned is inspect.Signature.empty:
            raise self._problem("does not say what it returns; annotate it")
        return self._types.resolve(returned, self._module, self._place)

    def _evaluated(self, annotation: Any) -> Any:
        if not isinstance(annotation, str):
            return annotation
        try:
            return evaluated(annotation, self._module, self._types.names)
        except Exception as error:
            raise self._problem(f"the annotation {annotation!r} is not a type: {error}") from error

    def _problem(self, problem: str) -> PluginError:
        return PluginError(self._plugin.name, self._place, problem)
