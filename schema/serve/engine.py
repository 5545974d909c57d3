"""The engine: operations answered by plans alone where plans answer all of them, else by graphql-core with plans."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute, located_error
from graphql.execution.values import VariableValues
from sqlmodel import Session

from core.base.errors import InputError
from core.log.changes import shown
from schema.catalog.access import EVERYTHING
from schema.plan.plan import Answer, Plan, located
from schema.plan.planner import Planner
from schema.read.drivers import fetch_in_transaction
from schema.read.execution import run, run_now, steps
from schema.read.reader import Reader
from schema.request.context import RequestContext
from schema.request.documents import Asked, Documents, Operation, Refused, Result, Variant
from schema.request.limits import Limits
from schema.serve.assembly import Assembled
from schema.serve.executor import PlanningExecutor
from schema.sql.binds import Moment
from schema.write.mutations import Mutation


class Engine:
    """Executes GraphQL for one app, whose schema it has made when the first document comes."""

    def __init__(
        self,
        assemble: Callable[[], Assembled],
        planner: Planner,
        limits: Limits,
        reader: Reader,
        field_deadline: float,
        secret: bytes,
    ) -> None:
        self.reader = reader
        self._assemble = assemble
        self._planner = planner
        self._limits = limits
        self._field_deadline = field_deadline
        self._secret = secret

    @cached_property
    def documents(self) -> Documents:
        """The documents it was asked."""
        return Documents(self._schema, self._planner, self._limits)

    @property
    def mutations(self) -> Mapping[str, Mutation]:
        """What answers the generated mutations."""
        return self._assemble().mutations

    @property
    def _schema(self) -> GraphQLSchema:
        return self._assemble().graphql

    # Requests

    async def answer(self, context: RequestContext, operation: Operation, given: Mapping[str, Any]) -> Result:
        """Executes an operation with the variables given.

        Raises:
            Refused: the variables are not as the operation declares them.
        """
        if operation.is_query:
            values = operation.variables(given)
            variant = operation.variant(values, context.access)
            if variant.is_planned:
                result = await self._by_plans(context, variant, values)
                if result is not None:
                    return result
        return await self._by_executor(context, operation, given)

    async def _by_plans(self, context: RequestContext, variant: Variant, values: VariableValues) -> Result | None:
        """The answer where plans give all of it; None in every doubt."""
        moment = self.moment(context, values)
        parts, errors = [], []
        for asked in variant.asked.values():
            try:
                answer = await self.read(context, variant, asked, moment)
            except Exception as error:
                if len(variant.asked) > 1:
                    # What is left of the others when one has failed is for the executor to say.
                    return None
                data = b'{"%s":null}' % asked.key.encode() if asked.nullable else b"null"
                return Result(data, [located_error(error, asked.nodes, [asked.key])])
            parts.append(b'"%s":%s' % (asked.key.encode(), answer.json))
            errors += [located(fault, asked.nodes, [asked.key]) for fault in answer.faults]
        return Result(b"{%s}" % b",".join(parts), errors)

    async def _by_executor(self, context: RequestContext, operation: Operation, given: Mapping[str, Any]) -> Result:
        """The answer by graphql-core."""
        result: Any = execute(
            self._schema,
            operation.document,
            context_value=context,
            variable_values=dict(given),
            operation_name=operation.name,
            executor_class=PlanningExecutor,
            compiled=operation,
        )
        if not isinstance(result, ExecutionResult):
            result = await result
        if result.data is None and result.errors and not any(error.path for error in result.errors):
            raise Refused(result.errors)
        return Result(orjson.dumps(result.data), result.errors or ())

    def moment(self, context: RequestContext, values: VariableValues) -> Moment:
        """What the values of a request's statements are read from."""
        return Moment(values.coerced, context.now, context.actor.id, self._secret)

    async def read(self, context: RequestContext, variant: Variant, asked: Asked, moment: Moment) -> Answer:
        """What the plan of a root field gives.

        Raises:
            InputError: an argument of the field itself cannot be taken.
            SlowStatementError: it took too long.
        """
        if asked.error is not None:
            raise asked.error
        plan = asked.plan
        if plan is None:
            return Answer(asked.typename)
        if not plan.gaps:
            try:
                values = plan.values(moment)
            except InputError:
                plan = self._without_misfits(variant, asked, moment)
            else:
                return Answer(await self.reader.fetch(plan.sql, values))
        elif plan.misfits(moment):
            plan = self._without_misfits(variant, asked, moment)
        return await self.run(context, plan, moment)

    def _without_misfits(self, variant: Variant, asked: Asked, moment: Moment) -> Plan:
        """The plan without the fields whose arguments cannot be taken."""
        assert asked.plan is not None
        misfits = asked.plan.misfits(moment)
        if () in misfits:
            raise misfits[()]
        return variant.again(asked.key, misfits)

    async def run(self, context: RequestContext, plan: Plan, moment: Moment) -> Answer:
        """What a plan gives."""
        return await run(steps(plan, moment), self.reader.fetch, context.outside, self._field_deadline)

    # The same queries from Python

    async def ask(self, context: RequestContext, text: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of a query, for async plugin code. Variables may be Python values, such as dates and `Money`.

        Raises:
            InputError: the query has errors; the message has them all.
        """
        try:
            result = await self.answer(context, self.documents.operation(text, None), shown(dict(variables or {})))
        except Refused as refused:
            raise _input_error(refused.errors) from None
        if result.errors:
            raise _input_error(result.errors)
        return orjson.loads(result.data)

    def ask_now(
        self, context: RequestContext, session: Session, text: str, variables: Mapping[str, Any] | None = None
    ) -> Any:
        """The data of a query inside a transaction, whose rows it sees, all of them whoever asks.

        Raises:
            InputError: the query has errors, or asks for what no plan answers.
            PluginError: a Python field fails.
        """
        try:
            operation = self.documents.operation(text, None)
            values = operation.variables(shown(dict(variables or {})))
        except Refused as refused:
            raise _input_error(refused.errors) from None
        if not operation.is_query:
            raise InputError("inside a transaction only queries are possible; write with the session")
        variant = operation.variant(values, EVERYTHING)
        # While changes are judged, nothing flushes: they are not to be seen yet.
        if session.autoflush:
            session.flush()
        return {
            asked.key: self._ask_now(context, session, variant, asked, self.moment(context, values))
            for asked in variant.asked.values()
        }

    def _ask_now(
        self, context: RequestContext, session: Session, variant: Variant, asked: Asked, moment: Moment
    ) -> Any:
        if asked.error is not None:
            raise asked.error
        if asked.typename is not None:
            return orjson.loads(asked.typename)
        if asked.plan is None:
            raise InputError(f"{asked.name}: inside a transaction only the fields of the catalog can be asked")
        plan = self._without_misfits(variant, asked, moment) if asked.plan.misfits(moment) else asked.plan
        connection = session.connection()
        return run_now(
            steps(plan, moment), lambda sql, values: fetch_in_transaction(connection, sql, values), context.outside
        )


def _input_error(errors: Sequence[GraphQLError]) -> InputError:
    return InputError("; ".join(error.message for error in errors))
