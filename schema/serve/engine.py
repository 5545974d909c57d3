"""The engine: operations answered by plans alone where plans answer all of them, else by graphql-core with plans."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, execute, located_error
from graphql.execution.values import VariableValues

from core.base.sentences import sentence
from schema.plan.plan import Answer, located
from schema.request.context import RequestContext, Services
from schema.request.operations import Operation, OperationResult, RootField, Variant, Variation
from schema.request.questions import answer_root, moment_of
from schema.request.refusal import Refused
from schema.serve.assembly import Assembled
from schema.serve.executor import PlanningExecutor
from schema.sql.arguments import argument_values
from schema.sql.binds import Moment
from schema.write.payloads import answer_mutation

#: More values than these are coerced off the event loop.
_MANY_VALUES = 2_000


@dataclass(frozen=True, slots=True)
class Engine:
    """Executes GraphQL for one app, whose schema is made when the first document comes.

    Attributes:
        services: what its requests share.
        assemble: gives the schema.
    """

    services: Services
    assemble: Callable[[], Assembled]

    async def answer(self, context: RequestContext, operation: Operation, given: Mapping[str, Any]) -> OperationResult:
        """Executes an operation with the variables given.

        Raises:
            Refused: the variables are not as the operation declares them, or it asks for more than it may.
        """
        size = operation.size(given)
        compiling = self.services.compiling
        has_many = size.values > _MANY_VALUES
        if has_many:
            values = await compiling.run(lambda: operation.variables(given))
        else:
            values = operation.variables(given)
        items = size.rows if operation.is_mutation else size.values
        variant = operation.known(values, context.access)
        if isinstance(variant, Variation):
            variant = await compiling.variant(operation, variant, items)
        cost = variant.cost.of(items)
        operation.check_cost(cost)
        result = None
        if operation.is_query and variant.is_planned:
            result = await self._by_plans(context, variant, values)
        elif operation.is_mutation:
            result = await self._by_handler(context, operation, variant, values)
        if result is None:
            result = await self._by_executor(context, operation, variant, given, has_many=has_many)
        result.cost = cost
        return result

    async def _by_handler(
        self, context: RequestContext, operation: Operation, variant: Variant, values: VariableValues
    ) -> OperationResult | None:
        """The answer to a single generated mutation; None for what else an operation may be."""
        asked, *others = variant.asked.values()
        mutation = self.assemble().mutations.get(asked.name)
        if others or mutation is None:
            return None
        definition, node = operation.root.fields[asked.name], asked.details[0].node
        try:
            arguments = argument_values(definition, node, values)
            moment = moment_of(context, values)
            answer = await answer_mutation(context, variant, asked.key, mutation, arguments["input"], moment)
        except Exception as error:
            return OperationResult(b"null", [located_error(error, asked.nodes, [asked.key])])
        errors = [located(fault, asked.nodes, [asked.key]) for fault in answer.faults]
        return OperationResult(b'{"%s":%s}' % (asked.key.encode(), answer.json), errors)

    async def _by_plans(
        self, context: RequestContext, variant: Variant, values: VariableValues
    ) -> OperationResult | None:
        """The answer where plans give all of it; None if in any doubt."""
        moment = moment_of(context, values)
        if len(variant.asked) == 1:
            (asked,) = variant.asked.values()
            return await _answered(context, variant, asked, moment)
        roots = list(variant.asked.values())
        parts: list[bytes] = []
        errors: list[GraphQLError] = []
        for asked, answer in zip(roots, await _answers(context, variant, roots, moment), strict=False):
            if isinstance(answer, BaseException):
                # If one has failed, the executor decides what is left of the others.
                return None
            parts.append(b'"%s":%s' % (asked.key.encode(), answer.json))
            errors += _errors(asked, answer)
        return OperationResult(b"{%s}" % b",".join(parts), errors)

    async def _by_executor(
        self,
        context: RequestContext,
        operation: Operation,
        variant: Variant,
        given: Mapping[str, Any],
        *,
        has_many: bool,
    ) -> OperationResult:
        """The answer by graphql-core, which coerces many values off the event loop.

        Raises:
            Refused: it is a subscription, which has no one answer.
        """
        if operation.is_subscription:
            raise Refused(
                [GraphQLError(sentence("a subscription is asked for over WebSocket or as text/event-stream"))]
            )
        begin = partial(
            execute,
            self.assemble().graphql,
            operation.document,
            context_value=context,
            variable_values=dict(given),
            operation_name=operation.name,
            executor_class=PlanningExecutor,
            compiled=operation,
            mutations=self.assemble().mutations,
            has_many=has_many,
        )
        result: Any = await self.services.compiling.run(begin) if has_many else begin()
        if not isinstance(result, ExecutionResult):
            result = await result
        if result.data is None and result.errors and not any(error.path for error in result.errors):
            raise Refused(result.errors)
        data, places = result.data, {key: place for place, key in enumerate(variant.asked)}
        if data is not None and any(data[key] is None and not variant.asked[key].nullable for key in data):
            data = None
        # Whichever failed first, they are reported in the order in which they were asked for.
        errors = sorted(result.errors or (), key=lambda error: places.get(str((error.path or [""])[0]), -1))
        return OperationResult(orjson.dumps(data), errors)


async def _answered(context: RequestContext, variant: Variant, asked: RootField, moment: Moment) -> OperationResult:
    """The result of an operation of one root field."""
    try:
        answer = await answer_root(context, variant, asked, moment)
    except Exception as error:
        data = b'{"%s":null}' % asked.key.encode() if asked.nullable else b"null"
        return OperationResult(data, [located_error(error, asked.nodes, [asked.key])])
    return OperationResult(b'{"%s":%s}' % (asked.key.encode(), answer.json), _errors(asked, answer))


def _errors(asked: RootField, answer: Answer) -> Sequence[GraphQLError]:
    return [located(fault, asked.nodes, [asked.key]) for fault in answer.faults] if answer.faults else ()


async def _answers(
    context: RequestContext, variant: Variant, roots: Sequence[RootField], moment: Moment
) -> Sequence[Answer | BaseException]:
    """The answers of several root fields, up to the first that fails; side by side where some have Python fields."""
    if sum(bool(root.plan and root.plan.gaps) for root in roots) > 1:
        asked = (answer_root(context, variant, root, moment) for root in roots)
        return await asyncio.gather(*asked, return_exceptions=True)
    found: list[Answer | BaseException] = []
    for root in roots:
        try:
            found.append(await answer_root(context, variant, root, moment))
        except Exception as error:
            return [*found, error]
    return found
