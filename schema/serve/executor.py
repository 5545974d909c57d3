"""GraphQL execution with planned fields: what the catalog makes is answered by plans, the rest by Strawberry.

Root fields of the catalog are one statement each; generated mutations are answered by their handlers; and wherever a
resolver gives a record's id for a field of that record's type, the record is read by a plan: those in the payload of a
plugin's mutation with its commit, those of queries all of one tick together.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from inspect import isawaitable
from typing import Any

import orjson
from graphql import FieldNode, GraphQLError, GraphQLObjectType, is_non_null_type
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from core.base.errors import InputError
from core.base.sentences import sentence
from core.base.text import camel
from schema.plan.plan import Answer, Fault, located
from schema.request.context import RequestContext
from schema.request.operations import Operation
from schema.request.questions import answer_root, moment_of, run_plan
from schema.request.values import nul_place
from schema.sql.arguments import argument_values
from schema.write.answers import Mutation
from schema.write.payloads import PayloadReading, answer_mutation, planned_payload


class PlanningExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which hands planned fields over."""

    def __init__(
        self, *args: Any, compiled: Operation, mutations: Mapping[str, Mutation], has_many: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._mutations = mutations
        self._has_many = has_many
        self._waiting: dict[Any, list[tuple[str, asyncio.Future[Any], Path]]] = defaultdict(list)
        self._operation = compiled
        self._variant = compiled.variant(self.variable_values, self._context.access)
        self._records = self._context.services.catalog.records
        self._reading: PayloadReading | None = None

    @property
    def _context(self) -> RequestContext:
        context: RequestContext = self.context_value
        return context

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Path, position_context: Any
    ) -> Any:
        """Answers a planned root field by its plan, a generated mutation by its handler, any other field as usual."""
        name = field_details_list[0].node.name.value
        if parent_type is self.schema.query_type and self._variant.asked[str(path.key)].is_planned:
            return self._guarded(parent_type, field_details_list, path, self._planned)
        if parent_type is self.schema.mutation_type and name in self._mutations:
            return self._guarded(parent_type, field_details_list, path, self._mutated)
        is_root = parent_type in (self.schema.query_type, self.schema.mutation_type)
        if is_root and self._has_nul and (place := self._nul_place(parent_type, field_details_list[0].node)):
            return self._guarded(parent_type, field_details_list, path, partial(self._refused, place))
        execute_field = super().execute_field
        if is_root and self._has_many:
            execute_field = partial(self._off_loop, execute_field)
        if parent_type is self.schema.mutation_type and name in parent_type.fields:
            perform = partial(self._performed, execute_field, position_context)
            return self._guarded(parent_type, field_details_list, path, perform)
        return execute_field(parent_type, source, field_details_list, path, position_context)

    @cached_property
    def _has_nul(self) -> bool:
        """Whether a text of the request has the character that no database stores."""
        return self._operation.has_nul or nul_place(self.variable_values.coerced) is not None

    def _nul_place(self, parent_type: GraphQLObjectType, node: FieldNode) -> tuple[str, ...] | None:
        """The way to it among the arguments of a root field, by their names in the schema."""
        definition = parent_type.fields.get(node.name.value)
        if definition is None:
            return None
        try:
            found = nul_place(argument_values(definition, node, self.variable_values))
        except GraphQLError:
            # What is wrong with an argument is said where the field is executed.
            return None
        return found and tuple(map(camel, found))

    async def _off_loop(self, execute_field: Callable[..., Any], *given: Any) -> Any:
        """The answer to a root field whose many arguments are made into a plugin's objects off the event loop."""
        answer = await self._context.services.compiling.run(lambda: execute_field(*given))
        return await answer if isawaitable(answer) else answer

    async def _refused(self, place: Sequence[str], parent_type: GraphQLObjectType, details: Any, path: Path) -> Any:
        """A field whose code would only learn from the database that a text cannot be stored."""
        raise InputError(
            sentence("{argument}: the character NUL (U+0000) is not possible; leave it out", argument=".".join(place))
        )

    async def _guarded(self, parent_type: GraphQLObjectType, details: Any, path: Path, answer: Any) -> Any:
        """An answer whose failure is handled as that of any field of its type."""
        return_type = parent_type.fields[details[0].node.name.value].type
        try:
            value = await answer(parent_type, details, path)
            if value is None and is_non_null_type(return_type):
                raise TypeError(f"Cannot return null for non-nullable field {parent_type}.{path.key}.")
            return value
        except Exception as error:
            self.handle_field_error(error, return_type, details, path)
            return None

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Path) -> None:
        """Notes an error; of a root field of a query it does not take the others along, so that all are reported."""
        is_kept = path.prev is None and self._operation.is_query and is_non_null_type(return_type)
        super().handle_field_error(raw_error, return_type.of_type if is_kept else return_type, field_details_list, path)

    async def _planned(self, parent_type: GraphQLObjectType, details: Any, path: Path) -> Any:
        """A root field of the catalog: the JSON its statement gives."""
        asked, moment = self._variant.asked[str(path.key)], moment_of(self._context, self.variable_values)
        answer = await answer_root(self._context, self._variant, asked, moment)
        self._note(answer.faults, path, details)
        return orjson.Fragment(answer.value) if isinstance(answer.value, bytes) else answer.value

    async def _mutated(self, parent_type: GraphQLObjectType, details: Any, path: Path) -> Any:
        """A generated mutation: the JSON of its payload."""
        node, key = details[0].node, str(path.key)
        arguments = argument_values(parent_type.fields[node.name.value], node, self.variable_values)
        moment, mutation = moment_of(self._context, self.variable_values), self._mutations[node.name.value]
        answer = await answer_mutation(self._context, self._variant, key, mutation, arguments["input"], moment)
        self._note(answer.faults, path, details)
        return orjson.Fragment(answer.json)

    async def _performed(
        self,
        execute_field: Callable[..., Any],
        position_context: Any,
        parent_type: GraphQLObjectType,
        details: Any,
        path: Path,
    ) -> Any:
        """A mutation of a plugin, whose payload is planned before anything is written."""
        moment = moment_of(self._context, self.variable_values)
        self._reading = await planned_payload(self._context, self._variant, str(path.key), moment)
        answer = execute_field(parent_type, self._reading, details, path, position_context)
        return await answer if isawaitable(answer) else answer

    def _note(self, faults: Sequence[Fault], path: Path, details: Any) -> None:
        """Adds the faults of an answer to the errors of the request."""
        for fault in faults:
            where = path
            for step in fault.path:
                where = Path(where, step, None)
            self.collected_errors.add(located(fault, [detail.node for detail in details], path.as_list()), where)

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Path, result: Any, position_context: Any
    ) -> Any:
        """Reads a record in place of its id; completes any other value as usual."""
        if isinstance(return_type, GraphQLObjectType) and return_type.name in self._records:
            known = None if self._reading is None else self._reading.at(tuple(path.as_list()[1:]))
            if known is not None:
                return self._read_already(known, field_details_list, path)
            id = result if isinstance(result, str) or result is None else result.id
            return None if id is None else self._record(return_type.name, id, field_details_list, path)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    async def _read_already(self, known: Answer, details: Any, path: Path) -> Any:
        """A record that was read with its payload."""
        self._note(known.faults, path, details)
        return known.value

    async def _record(self, type_name: str, id: str, details: Any, path: Path) -> Any:
        """One record that a query gives, read with all that are asked for in the same tick by the same selection."""
        key = (type_name, tuple(detail.node for detail in details))
        waiting = self._waiting[key]
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting.append((id, future, path))
        if len(waiting) == 1:
            await asyncio.sleep(0)
            await self._read(type_name, self._waiting.pop(key), details)
        return await future

    async def _read(self, type_name: str, together: Sequence[tuple[str, Any, Path]], details: Any) -> None:
        try:
            moment = moment_of(self._context, self.variable_values)
            moment = moment.about([id for id, _, _ in together])
            variant, nodes = self._variant, tuple(detail.node for detail in details)
            plan = variant.known_by_ids(type_name, nodes, moment)
            if plan is None:
                plan = await self._context.services.compiling.run(lambda: variant.by_ids(type_name, nodes, moment))
            answer = await run_plan(self._context, plan, moment)
            items = answer.decoded()
            places = {item["id"]: place for place, item in enumerate(items)}
            for id, future, path in together:
                place = places.get(id)
                faults = [fault for fault in answer.faults if fault.path[0] == place]
                self._note([replace(fault, path=fault.path[2:]) for fault in faults], path, details)
                future.set_result(None if place is None else items[place]["record"])
        except Exception as error:
            for _, future, _ in together:
                if not future.done():
                    future.set_exception(error)
