"""Cached documents: parsed, checked and compiled once, and kept as long as they are used often.

A document is cached by its text and the operation that is run, its plans by the shape of the variables, of which
values are not part, and by what the caller may see.
"""

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    NamedTypeNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
)

from core.base.sentences import sentence, term
from schema.catalog.catalog import Catalog
from schema.catalog.omissions import omission
from schema.plan.planner import Planner
from schema.request.coercion import Coercion
from schema.request.introspection import is_standard
from schema.request.limits import LIMIT_EXCEEDED, Limits, exceeded
from schema.request.operations import Operation
from schema.request.recent import Recent
from schema.request.refusal import Refused
from schema.request.sizes import DocumentMeasure
from schema.request.validation import problems

_DOCUMENTS = 500
#: What the plans of all of them weigh at most: a server holds about twenty bytes for each character of a statement.
_HEAVIEST = 10_000_000
#: And those of one of them, for all callers and all shapes of its variables.
_HEAVIEST_ONE = _HEAVIEST // 4
#: Longer documents are not cached, so that the cache stays small.
_LONGEST_KEPT = 50_000
#: The standard document about the schema is a quarter of it.
_LONGEST_STANDARD = 10_000


def _with_reason(catalog: Catalog, error: GraphQLError) -> GraphQLError:
    """An error about a name that is not in the schema, with the reason where a record leaves it out."""
    named: Any = error.nodes[-1] if error.nodes else None
    name = named.name.value if isinstance(named, FieldNode | NamedTypeNode | ObjectFieldNode) else ""
    reason = omission(catalog, name)
    return error if reason is None else GraphQLError(f"{error.message} {reason}.", error.nodes)


class Documents:
    """The cached documents of one app."""

    def __init__(self, schema: GraphQLSchema, planner: Planner, limits: Limits) -> None:
        self._schema = schema
        self._planner = planner
        self._coercion = Coercion()
        self._limits = limits
        self._kept: Recent[Operation] = Recent(_DOCUMENTS)
        self._weight = 0

    @property
    def figures(self) -> tuple[int, int, int]:
        """How many operations were found compiled, how many were not, and how many are kept."""
        return self._kept.hits, self._kept.misses, len(self._kept)

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation of a document that is to be run.

        Raises:
            Refused: the document cannot be parsed, is not valid, is larger than the limits, or has no such operation.
        """
        found = self.known(text, name)
        if found is None:
            found = self._read(text, name)
            if len(text) <= _LONGEST_KEPT:
                self._kept.keep((text, name), found)
        return found

    def _grow(self, weight: int) -> None:
        """Keeps the memory of all plans in bounds, whatever is selected and whoever asks."""
        # What has gone in the meantime is taken off when everything is weighed, which takes a while.
        self._weight += weight
        if self._weight <= _HEAVIEST:
            return
        self._weight = self._kept.trim(lambda operation: operation.trim(_HEAVIEST_ONE), _HEAVIEST)

    def known(self, text: str, name: str | None) -> Operation | None:
        """The same if it was read before and is kept."""
        return self._kept.find((text, name))

    def _read(self, text: str, name: str | None) -> Operation:
        document = self._parsed(text)
        try:
            measure = DocumentMeasure(document)
        except GraphQLError as error:
            raise Refused([error]) from None
        errors = self._too_large(text, document, measure) or problems(self._schema, document)
        if errors:
            raise Refused([_with_reason(self._planner.catalog, error) for error in errors])
        node = get_operation_ast(document, name)
        if node is None:
            problem = sentence("operationName: the document has several operations; name one")
            if name:
                problem = sentence("operationName: there is no operation {name!r}", name=name)
            raise Refused([GraphQLError(problem)])
        found = Operation(
            self._schema, self._planner, self._coercion, self._limits, document, node, measure, self._grow
        )
        if errors := self._limits.of_values(found.literals, node):
            raise Refused(errors)
        return found

    def _parsed(self, text: str) -> DocumentNode:
        """A document as a tree.

        Raises:
            Refused: it is not GraphQL, or has too many tokens.
        """
        most = self._limits.tokens
        if len(text) > self._limits.characters:
            remedy = sentence("Send values as variables, or split it into several")
            raise Refused(
                [exceeded("characters", term("characters"), len(text), self._limits.characters, remedy, None)]
            )
        try:
            document = parse(text, max_tokens=most)
        except GraphQLError as error:
            if error.message.endswith("tokens. Parsing aborted."):
                said = sentence(
                    "the query has more than {most} tokens. Send values as variables, or split it into several",
                    most=most,
                )
                error = GraphQLError(said, extensions={"code": LIMIT_EXCEEDED, "limit": "maximum_tokens"})
            raise Refused([error]) from None
        return document

    def _too_large(self, text: str, document: DocumentNode, measure: DocumentMeasure) -> list[GraphQLError]:
        """What is too large about a document, unless it is the one about the schema that every tool sends."""
        node = next((node for node in document.definitions if isinstance(node, OperationDefinitionNode)), None)
        errors = self._limits.of_document(measure.document(), node) or self._limits.of_comparisons(measure, node)
        return [] if errors and len(text) <= _LONGEST_STANDARD and is_standard(document) else errors
