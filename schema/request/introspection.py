"""Which operations ask about the schema alone, and which of those are the document that every tool sends."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_introspection_query,
    parse,
    print_ast,
)

from schema.sql.selections import TYPENAME

_ROOTS = frozenset({"__schema", "__type", TYPENAME})


def is_introspection(document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """Whether the answer to an operation depends on the schema alone."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}

    def roots(selections: SelectionSetNode) -> Iterator[str]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node.name.value
            elif isinstance(node, FragmentSpreadNode):
                yield from roots(fragments[node.name.value].selection_set)
            else:
                inline: Any = node
                yield from roots(inline.selection_set)

    names = set(roots(operation.selection_set))
    return operation.operation is OperationType.QUERY and names <= _ROOTS and names != {TYPENAME}


def normal_form(document: DocumentNode, operation: OperationDefinitionNode) -> str:
    """The text of an operation with its fragments, however it was laid out and named."""
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    unnamed = OperationDefinitionNode(
        operation=operation.operation,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=operation.selection_set,
    )
    return print_ast(DocumentNode(definitions=(unnamed, *fragments)))


def is_standard(document: DocumentNode) -> bool:
    """Whether a document is the one of graphql-js and graphql-core, by whatever options and under whatever name.

    Documentation, code generation and GraphiQL cannot do without it.
    """
    text = print_ast(document)
    depth = text.count("ofType")
    if not 0 < depth <= _DEPTH:
        return False
    form = _form(document)
    return any(
        form
        == _form(
            parse(
                get_introspection_query(
                    descriptions="description" in text,
                    specified_by_url="specifiedByURL" in text,
                    directive_is_repeatable="isRepeatable" in text,
                    schema_description=schema_description,
                    input_value_deprecation="inputFields(includeDeprecated" in text,
                    experimental_directive_deprecation="directives(includeDeprecated" in text,
                    one_of="isOneOf" in text,
                    type_depth=depth,
                )
            )
        )
        for schema_description in (False, True)
    )


#: How deep the standard document follows lists of lists unless it is asked to go less deep.
_DEPTH = 9


def _form(node: Any) -> Any:
    """A document, or a part of it, without the order of what it selects and without the names of operations."""
    if isinstance(node, DocumentNode):
        return frozenset(map(_form, node.definitions))
    below = getattr(node, "selection_set", None)
    inner = frozenset(map(_form, below.selections)) if below is not None else frozenset()
    if isinstance(node, OperationDefinitionNode):
        return node.operation, len(node.variable_definitions or ()), len(node.directives or ()), inner
    if isinstance(node, FieldNode):
        alias = node.alias.value if node.alias else None
        arguments = frozenset(map(print_ast, (*(node.arguments or ()), *(node.directives or ()))))
        return node.name.value, alias, arguments, inner
    directives = frozenset(map(print_ast, getattr(node, "directives", None) or ()))
    on = getattr(node, "type_condition", None)
    name = getattr(node, "name", None)
    return node.kind, name and name.value, on and on.name.value, directives, inner
