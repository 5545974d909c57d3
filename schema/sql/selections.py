"""What a query selects of an object, with fragments, directives and arguments worked out by graphql-core itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues

from core.base.errors import InputError
from core.db.sql import Expression
from schema.sql.arguments import argument_values
from schema.sql.json import constant, json_object

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Document:
    """What all selections of one operation share; its variables may be open."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues


@dataclass(frozen=True, slots=True)
class Chosen:
    """One field of a selection: the key it is answered under, its name, its arguments, what is selected of it."""

    key: str
    name: str
    given: dict[str, Any] | InputError
    selection: "Selection"

    @property
    def arguments(self) -> dict[str, Any]:
        """Its arguments.

        Raises:
            InputError: with these variables they are not as the schema declares them. Not before they are asked for,
                so that it is this field that goes without an answer.
        """
        if isinstance(self.given, InputError):
            raise self.given
        return self.given


class Selection:
    """The selection set of a field, perhaps written in several places."""

    __slots__ = ("_known", "details", "document")

    def __init__(self, document: Document, details: Sequence[FieldDetails]) -> None:
        self.document = document
        self.details = list(details)
        self._known: dict[str, Sequence[Chosen]] = {}

    def of(self, type_name: str) -> Sequence[Chosen]:
        """The fields selected of an object of this type, in the order of the answer."""
        if type_name not in self._known:
            self._known[type_name] = self._of(type_name)
        return self._known[type_name]

    def _of(self, type_name: str) -> Sequence[Chosen]:
        document = self.document
        kind = document.schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        grouped = collect_subfields(
            document.schema, document.fragments, document.variables, document.operation, kind, self.details
        ).grouped_field_set
        return [chosen(document, kind, key, details) for key, details in grouped.items()]

    def build(self, type_name: str, parts: Mapping[str, Callable[[Chosen], Expression]]) -> Expression:
        """A JSON object of what is selected, each field by its part."""
        return json_object(
            [
                (field.key, constant(type_name) if field.name == TYPENAME else parts[field.name](field))
                for field in self.of(type_name)
            ]
        )

    def pick(self, type_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same of Python values: what is selected, under the keys it is answered under."""
        return {field.key: type_name if field.name == TYPENAME else values[field.name] for field in self.of(type_name)}

    def names(self, type_name: str) -> set[str]:
        """The names of the fields selected."""
        return {field.name for field in self.of(type_name)}


class Whole(Selection):
    """All fields of an object, each under its own name: what Python code gets of a value it needs."""

    def _of(self, type_name: str) -> Sequence[Chosen]:
        """Every field of a type."""
        kind = self.document.schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        return [Chosen(name, name, {}, self) for name in kind.fields]


def chosen(document: Document, parent: GraphQLObjectType, key: str, details: Sequence[FieldDetails]) -> Chosen:
    """One field of a grouped field set."""
    first = details[0]
    name = first.node.name.value
    definition = parent.fields.get(name)
    given: dict[str, Any] | InputError = {}
    if definition is not None and definition.args:
        try:
            given = argument_values(definition, first.node, document.variables, first.fragment_variable_values)
        except GraphQLError as error:
            given = InputError(error.message)
    return Chosen(key, name, given, Selection(document, details))
