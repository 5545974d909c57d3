"""What a subscription asks for, compiled: its plan, the ids it selects, and what makes two of them the same."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import GraphQLError
from graphql.execution.values import VariableValues

from core.base.errors import InputError
from core.base.sentences import sentence
from schema.plan.changes import selected_ids
from schema.plan.plan import Branch, Plan
from schema.request.context import RequestContext
from schema.request.operations import Operation, RootField, Variant, Variation
from schema.request.questions import moment_of, without_misfits
from schema.request.refusal import Refused
from schema.sql.arguments import argument_values
from schema.sql.binds import Moment

#: What stands for the moment of the request where questions are compared.
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


async def variant_of(
    operation: Operation, given: Mapping[str, Any], context: RequestContext
) -> tuple[Variant, VariableValues]:
    """An operation compiled for what a request gives.

    Raises:
        Refused: it costs too much, or the variables are not as it declares them.
    """
    size = operation.size(given)
    values = operation.variables(given)
    variant = operation.known(values, context.access)
    if isinstance(variant, Variation):
        variant = await context.services.compiling.variant(operation, variant, size.values)
    operation.check_cost(variant.cost.of(size.values))
    return variant, values


def only_root_field(variant: Variant) -> RootField:
    """The one root field of a subscription, which the catalog answers.

    Raises:
        InputError: directives leave it out, or it cannot be asked like that.
    """
    asked = next(iter(variant.asked.values()), None)
    if asked is None:
        raise InputError(sentence("a subscription selects one field; directives have left it out"))
    asked.check()
    return asked


def root_arguments(operation: Operation, asked: RootField, values: VariableValues) -> Mapping[str, Any]:
    """The arguments of its root field.

    Raises:
        Refused: they are not as the schema declares them.
    """
    try:
        return argument_values(operation.root.fields[asked.name], asked.nodes[0], values)
    except GraphQLError as error:
        raise Refused([error]) from None


async def plan_of(context: RequestContext, variant: Variant, asked: RootField, values: VariableValues) -> Plan:
    """The plan that serves these values.

    Raises:
        InputError: one of the field's own arguments is not valid.
    """
    assert asked.plan is not None
    moment = moment_of(context, values)
    if not asked.plan.misfits(moment):
        return asked.plan
    return await context.services.compiling.run(lambda: without_misfits(variant, asked, moment))


async def ids_selected(
    context: RequestContext, variant: Variant, asked: RootField, values: VariableValues, entity: str
) -> Sequence[str] | None:
    """The ids of the records that a subscription's filter selects now; None for all there are.

    Raises:
        InputError: they are too many.
    """
    services = context.services
    compile_root = selected_ids(services.catalog.records[entity])
    plan = await services.compiling.run(lambda: variant.plan(asked.key, compile_root))
    found = await services.reader.fetch(plan.sql, plan.values(moment_of(context, values)))
    if found is None:
        return None
    ids: list[str] = orjson.loads(found)
    most = services.settings.maximum_subscribed_records
    if len(ids) > most:
        raise InputError(
            sentence("where: it selects more than {most} records; narrow it, or subscribe to events", most=most)
        )
    return ids


def sharing_key(context: RequestContext, plan: Plan, values: VariableValues, arguments: Mapping[str, Any]) -> Any:
    """What is the same for all who are told the same: the statement, and what it is run with."""
    asked = [arguments.get(name) for name in ("types", "entityTypes", "entity")]
    return id(plan), values_spelled(plan, moment_of(context, values)), repr(asked)


def values_spelled(plan: Plan, moment: Moment) -> str:
    """The values that a plan reads from a request, but for its time."""
    moment.now = _NO_MOMENT
    below = [values_spelled(gap.plan, moment) for gap in plan.gaps if isinstance(gap, Branch)]
    return repr((plan.values(moment), below))
