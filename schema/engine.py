"""The engine: a request's document parsed and validated, executed with plans, and the same queries from Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues, get_variable_values
from sqlmodel import Session

from core.changes import shown
from core.errors import InputError
from schema.binds import Moment
from schema.context import RequestContext
from schema.executor import PlanningExecutor
from schema.fills import fill_in, fill_in_now
from schema.mutations import Mutation
from schema.planner import Answer, Plan, Planner
from schema.reading import Reader, fetch_in_transaction
from schema.selections import Document, chosen
from schema.values import open_variables

_MOST_ERRORS = 5


@dataclass(slots=True)
class Engine:
    """Executes GraphQL for one app."""

    schema: GraphQLSchema
    planner: Planner
    mutations: Mapping[str, Mutation]
    reader: Reader
    field_deadline: float
    secret: bytes = field(repr=False)

    # Requests

    def document(self, text: str) -> DocumentNode | list[GraphQLError]:
        """The parsed and validated document, or what is wrong with it."""
        try:
            parsed = parse(text, max_tokens=10_000)
        except GraphQLError as error:
            return [error]
        errors = validate(self.schema, parsed, max_errors=_MOST_ERRORS, hide_suggestions=False)
        return errors or parsed

    async def execute(
        self,
        context: RequestContext,
        document: DocumentNode,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> ExecutionResult:
        """The result of a validated document."""
        result: Any = execute(
            self.schema,
            document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation_name,
            executor_class=PlanningExecutor,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        return result  # type: ignore[no-any-return]

    def open_document(
        self, operation: OperationDefinitionNode, fragments: dict[str, FragmentDetails], values: VariableValues
    ) -> Document:
        """The operation with its variables open, for compilation."""
        opened, _ = open_variables(self.schema, operation.variable_definitions or (), values.coerced)
        return Document(self.schema, fragments, operation, VariableValues(values.sources, opened))

    async def run(self, context: RequestContext, plan: Plan, variables: Mapping[str, Any]) -> Answer:
        """Runs a plan with the values of a request.

        Raises:
            InputError: a value cannot be taken.
        """
        found = await self.reader.fetch(plan.sql, plan.values(self._moment(context, variables)))
        if found is None or not plan.fills:
            return Answer(None if found is None else orjson.Fragment(found))
        value = orjson.loads(found)
        faults = await fill_in(value, plan.fills, context.outside, self.field_deadline)
        return Answer(value, faults)

    def _moment(self, context: RequestContext, variables: Mapping[str, Any]) -> Moment:
        return Moment(variables, context.now, self.secret)

    # The same queries from Python

    async def ask(self, context: RequestContext, text: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of a query, for async plugin code. Variables may be Python values, such as dates and `Money`.

        Raises:
            InputError: the query has errors; the message has them all.
        """
        document = self._checked(text)
        result = await self.execute(context, document, shown(dict(variables or {})))
        _refuse(result.errors)
        return orjson.loads(orjson.dumps(result.data))

    def ask_now(
        self, context: RequestContext, session: Session, text: str, variables: Mapping[str, Any] | None = None
    ) -> Any:
        """The data of a query inside a transaction, whose rows it sees.

        Raises:
            InputError: the query has errors, or asks for what no plan answers.
        """
        document = self._checked(text)
        operation = get_operation_ast(document)
        assert operation is not None
        values = get_variable_values(self.schema, operation.variable_definitions or (), shown(dict(variables or {})))
        if isinstance(values, list):
            _refuse(values)
        assert isinstance(values, VariableValues)
        if operation.operation is not OperationType.QUERY:
            raise InputError("inside a transaction only queries are possible; write with the session")
        session.flush()
        fragments = {
            node.name.value: FragmentDetails(node, None)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        opened = self.open_document(operation, fragments, values)
        root = self.schema.query_type
        assert root is not None
        grouped = collect_fields(self.schema, fragments, opened.variables, root, operation).grouped_field_set
        data = {}
        for key, details in grouped.items():
            asked = chosen(opened, root, key, details)
            if asked.name not in self.planner.roots:
                raise InputError(f"{asked.name}: inside a transaction only the fields of the catalog can be asked")
            plan = self.planner.plan(self.planner.roots[asked.name], asked)
            data[key] = self._run_now(context, session, plan, values.coerced)
        return data

    def _run_now(self, context: RequestContext, session: Session, plan: Plan, variables: Mapping[str, Any]) -> Any:
        values = plan.values(self._moment(context, variables))
        found = fetch_in_transaction(session.connection(), plan.sql, values)
        value = None if found is None else orjson.loads(found)
        if value is not None and plan.fills:
            fill_in_now(value, plan.fills, context.outside)
        return value

    def _checked(self, text: str) -> DocumentNode:
        document = self.document(text)
        if isinstance(document, list):
            _refuse(document)
        assert isinstance(document, DocumentNode)
        return document


def _refuse(errors: Sequence[GraphQLError] | None) -> None:
    if errors:
        raise InputError("; ".join(error.message for error in errors))
