"""GraphQL execution with planned fields: what the catalog makes is answered by plans, the rest by Strawberry.

Root fields of the catalog are one statement each; generated mutations are answered by their handlers; and wherever a
resolver gives a record's id for a field of that record's type, the record is read by a plan, all of one tick together.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphql import GraphQLError, GraphQLObjectType, is_non_null_type
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.context import Engine, RequestContext
from schema.fills import FieldFault
from schema.planner import by_ids
from schema.selections import Chosen, Document, Selection, chosen


class PlanningExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which hands planned fields over."""

    @property
    def _context(self) -> RequestContext:
        context: RequestContext = self.context_value
        return context

    @property
    def _engine(self) -> Engine:
        return self._context.services.engine

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Path, position_context: Any
    ) -> Any:
        """Answers a planned root field by its plan, a generated mutation by its handler, any other field as usual."""
        name = field_details_list[0].node.name.value
        if parent_type is self.schema.query_type and name in self._engine.planner.roots:
            return self._guarded(parent_type, field_details_list, path, self._planned)
        if parent_type is self.schema.mutation_type and name in self._engine.mutations:
            return self._guarded(parent_type, field_details_list, path, self._mutated)
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

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

    async def _planned(self, parent_type: GraphQLObjectType, details: Any, path: Path) -> Any:
        """A root field of the catalog: the JSON its statement gives."""
        field = chosen(self._document(), parent_type, str(path.key), details)
        plan = self._engine.planner.plan(self._engine.planner.roots[field.name], field)
        answer = await self._engine.run(self._context, plan, self.variable_values.coerced)
        self._note(answer.faults, path, details)
        return answer.value

    async def _mutated(self, parent_type: GraphQLObjectType, details: Any, path: Path) -> Any:
        """A generated mutation: its handler's payload, completed like any object."""
        node = details[0].node
        definition = parent_type.fields[node.name.value]
        arguments = get_argument_values(definition, node, self.variable_values)
        payload = await self._engine.mutations[node.name.value].handler(self._context, arguments)
        info = self.build_resolve_info(definition, [detail.node for detail in details], parent_type, path)
        completed = self.complete_value(definition.type, details, info, path, payload, None)
        return await completed if self.is_awaitable(completed) else completed

    def _document(self) -> Document:
        return self._engine.open_document(self.operation, self.fragments, self.variable_values)

    def _note(self, faults: Sequence[FieldFault], path: Path, details: Any) -> None:
        """Adds the faults of Python fields to the errors of the answer."""
        for fault in faults:
            error = GraphQLError(
                fault.message,
                [detail.node for detail in details],
                path=[*path.as_list(), *fault.path],
                extensions={"code": "PLUGIN_ERROR", "plugin": fault.plugin},
            )
            where = path
            for step in fault.path:
                where = Path(where, step, None)
            self.collected_errors.add(error, where)

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Path, result: Any, position_context: Any
    ) -> Any:
        """Reads a record where its id stands; completes any other value as usual."""
        if isinstance(return_type, GraphQLObjectType) and return_type.name in self._engine.planner.catalog.records:
            id = result if isinstance(result, str) or result is None else result.id
            return None if id is None else self._record(return_type.name, id, field_details_list, path)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    async def _record(self, type_name: str, id: str, details: Any, path: Path) -> Any:
        """One record of a payload, read with all that are asked for in the same tick by the same selection."""
        waiting = self.__dict__.setdefault("_waiting", defaultdict(list))
        key = (type_name, tuple(detail.node for detail in details))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting[key].append((id, future, path))
        if len(waiting[key]) == 1:
            await asyncio.sleep(0)
            await self._read(type_name, waiting.pop(key), details)
        return await future

    async def _read(self, type_name: str, together: Sequence[tuple[str, Any, Path]], details: Any) -> None:
        try:
            compile_root = by_ids(self._engine.planner.catalog.records[type_name], [id for id, _, _ in together])
            field = Chosen(type_name, type_name, {}, Selection(self._document(), details))
            plan = self._engine.planner.plan(compile_root, field)
            answer = await self._engine.run(self._context, plan, self.variable_values.coerced)
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
