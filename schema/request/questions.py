"""Questions to the catalog: root fields answered by their plans, for clients and for plugin code alike.

Plans fill Python fields, whose functions may ask again; so Python asks them in the same module.
"""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any

import orjson
from graphql import GraphQLError
from graphql.execution.values import VariableValues

from core.base import tracing
from core.base.actors import plugin_actor
from core.base.errors import InputError
from core.base.sentences import sentence
from core.db.strands import in_thread
from core.host.contract import CatalogQueries, Context, FetchJson, Figures
from core.host.host import logger
from core.log.changes import shown
from schema.catalog.access import EVERYTHING, Access
from schema.plan.derived import Derivation, derived
from schema.plan.plan import Answer, Plan
from schema.plan.statement import CompileRoot
from schema.read.execution import FetchAsync, rehearse, run, run_now, steps
from schema.request.context import RequestContext
from schema.request.figures import FiguresQuery
from schema.request.operations import Operation, RootField, Variant, Variation
from schema.request.refusal import Refused
from schema.sql.binds import Moment

_ONLY_THE_CATALOG = sentence(
    "plugin code can query fields of the catalog only; call the function of another operation itself"
)


def moment_of(context: RequestContext, values: VariableValues) -> Moment:
    """What the values of a request's statements are read from."""
    return Moment(values.coerced, context.now, context.actor, context.services.secret, context.clock.zone)


async def answer_root(context: RequestContext, variant: Variant, asked: RootField, moment: Moment) -> Answer:
    """The result of the plan of a root field.

    Raises:
        InputError: an argument of the field itself is not valid.
        SlowStatementError: it took too long.
    """
    asked.check()
    plan = asked.plan
    if plan is None:
        return Answer(asked.typename)
    if not plan.gaps:
        try:
            values = plan.values(moment)
        except InputError:
            plan = await _compiled_without_misfits(context, variant, asked, moment)
        else:
            context.statements += 1
            fetch = context.services.reader.fetch if not tracing.is_on() else _traced(context.services.reader.fetch)
            return Answer(await fetch(plan.sql, values))
    elif plan.misfits(moment):
        plan = await _compiled_without_misfits(context, variant, asked, moment)
    return await run_plan(context, plan, moment)


async def _compiled_without_misfits(
    context: RequestContext, variant: Variant, asked: RootField, moment: Moment
) -> Plan:
    return await context.services.compiling.run(lambda: without_misfits(variant, asked, moment))


def without_misfits(variant: Variant, asked: RootField, moment: Moment) -> Plan:
    """The plan without the fields whose arguments are not valid."""
    assert asked.plan is not None
    misfits = asked.plan.misfits(moment)
    if () in misfits:
        raise misfits[()]
    return variant.again(asked.key, misfits)


def _traced(fetch: FetchAsync) -> FetchAsync:
    """The same with a span around each statement."""

    async def traced(sql: str, values: Sequence[Any]) -> bytes | None:
        with tracing.span("statement"):
            return await fetch(sql, values)

    return traced


#: What statements with their values gave in a transaction.
Recorded = dict[tuple[str, str], bytes | None]


def recorded(plan: Plan, moment: Moment, fetch: FetchJson) -> Recorded:
    """What the statements of a plan give now in a transaction, for `run_plan` once it has ended."""
    found: Recorded = {}

    def noted(sql: str, values: Sequence[Any]) -> bytes | None:
        value = found[sql, repr(values)] = fetch(sql, values)
        return value

    rehearse(steps(plan, moment), noted)
    return found


async def run_plan(context: RequestContext, plan: Plan, moment: Moment, known: Recorded | None = None) -> Answer:
    """The result of a plan; of what was recorded, nothing is read again."""
    services = context.services
    deadline = services.settings.python_field_deadline_ms / 1000
    read = _traced(services.reader.fetch) if tracing.is_on() else services.reader.fetch

    def fetch(sql: str, values: Sequence[Any]) -> Awaitable[bytes | None]:
        context.statements += 1
        return read(sql, values)

    async def looked_up(sql: str, values: Sequence[Any]) -> bytes | None:
        key = sql, repr(values)
        return known[key] if known is not None and key in known else await fetch(sql, values)

    look = fetch if known is None else looked_up
    return await run(steps(plan, moment), look, lambda plugin: context_outside(context, plugin), deadline)


# The same questions from Python


async def ask(
    context: RequestContext,
    text: str,
    variables: Mapping[str, Any] | None = None,
    *,
    as_of: date | None = None,
    is_limited: bool = False,
) -> Any:
    """The data of a query. Variables may be Python values, such as dates and `Money`.

    Args:
        context: who asks.
        text: of the query.
        variables: its variables.
        as_of: the day at whose end it is evaluated.
        is_limited: whether it may not ask for more than a request may.

    Raises:
        InputError: the query has errors; the message has them all.
    """
    context = context.on(as_of)
    compiling = context.services.compiling
    with _told():
        documents = context.services.documents
        operation = documents.known(text, None) or await compiling.operation(documents, text, None)
        values = _values(operation, variables)
        variant = operation.known(values, context.access)
        if isinstance(variant, Variation):
            variant = await compiling.variant(operation, variant)
        if is_limited:
            operation.check_cost(variant.cost.of(operation.size(values.coerced).values))
    moment = moment_of(context, values)
    found, faults = {}, []
    for asked in variant.asked.values():
        _check_planned(asked)
        answer = await answer_root(context, variant, asked, moment)
        found[asked.key] = answer.decoded()
        faults += [fault.error.message for fault in answer.faults]
    if faults:
        raise InputError("; ".join(faults))
    return found


def ask_now(
    context: RequestContext,
    fetch: FetchJson,
    access: Access,
    text: str,
    variables: Mapping[str, Any] | None = None,
    *,
    as_of: date | None = None,
) -> Any:
    """The data of a query inside a transaction, whose rows it sees.

    Raises:
        InputError: the query has errors, or asks for what no plan answers.
        PluginError: a Python field fails.
    """
    context = context.on(as_of)
    variant, values = _compiled_now(context, access, text, variables)
    moment = moment_of(context, values)
    return {asked.key: _ask_root_now(context, fetch, variant, asked, moment) for asked in variant.asked.values()}


def _compiled_now(
    context: RequestContext, access: Access, text: str, variables: Mapping[str, Any] | None
) -> tuple[Variant, VariableValues]:
    """A query inside a transaction as it is compiled, off the event loop if it has to be, and its values."""
    documents = context.services.documents
    with _told():
        operation = documents.known(text, None) or in_thread(lambda: documents.operation(text, None))
        values = _values(operation, variables)
        variant = operation.known(values, access)
        if isinstance(variant, Variation):
            variation = variant
            variant = in_thread(lambda: operation.compiled(variation))
    return variant, values


def _values(operation: Operation, variables: Mapping[str, Any] | None) -> VariableValues:
    values = operation.variables(shown(dict(variables or {})))
    if not operation.is_query:
        raise InputError(
            sentence("plugin code can only run queries; write with the session of a hook or of an operation")
        )
    return values


@contextmanager
def _told() -> Iterator[None]:
    """Says what is refused as plugin code is told."""
    try:
        yield
    except Refused as refused:
        raise InputError(_messages(refused.errors)) from None


def _messages(errors: Sequence[GraphQLError]) -> str:
    return "; ".join(error.message for error in errors)


def _check_planned(asked: RootField) -> None:
    if not asked.is_planned and asked.typename is None:
        raise InputError(sentence("{asked}: {message}", asked=asked.name, message=_ONLY_THE_CATALOG))


def _ask_root_now(context: RequestContext, fetch: FetchJson, variant: Variant, asked: RootField, moment: Moment) -> Any:
    _check_planned(asked)
    asked.check()
    if asked.typename is not None:
        return orjson.loads(asked.typename)
    assert asked.plan is not None
    plan = asked.plan
    if not plan.gaps:
        try:
            values = plan.values(moment)
        except InputError:
            plan = without_misfits(variant, asked, moment)
        else:
            return Answer(fetch(plan.sql, values)).decoded()
    elif plan.misfits(moment):
        plan = without_misfits(variant, asked, moment)
    return run_now(steps(plan, moment), fetch, lambda plugin: context_outside(context, plugin))


def questions_in(context: RequestContext, fetch: FetchJson, access: Access = EVERYTHING) -> CatalogQueries:
    """How plugin code asks inside a transaction.

    Args:
        context: of the request.
        fetch: runs a statement in the transaction.
        access: hooks see everything, whoever asks, for rules hold for everyone; a query sees what its caller may.
    """
    catalog, most = context.services.catalog, context.settings.maximum_page_size

    def asked(text: str, variables: Mapping[str, Any] | None = None, *, as_of: date | None = None) -> Any:
        return ask_now(context, fetch, access, text, variables, as_of=as_of)

    def total(
        record: str, where: Mapping[str, Any] | None = None, *, as_of: date | None = None, **fields: Sequence[str]
    ) -> Figures:
        return FiguresQuery(catalog, record, fields).total(asked, where, as_of)

    def groups(
        record: str,
        by: Sequence[Mapping[str, Any]],
        where: Mapping[str, Any] | None = None,
        *,
        as_of: date | None = None,
        **fields: Sequence[str],
    ) -> list[Figures]:
        figures = FiguresQuery(catalog, record, fields)
        return figures.groups(asked, by, where, as_of, most) if by else [figures.total(asked, where, as_of)]

    def pages(
        record: str,
        selection: str,
        where: Mapping[str, Any] | None = None,
        *,
        variables: Mapping[str, tuple[str, Any]] | None = None,
        as_of: date | None = None,
    ) -> Iterator[dict[str, Any]]:
        return FiguresQuery(catalog, record, {}).pages(asked, selection, where, variables or {}, as_of, most)

    def derive(
        record: str,
        fields: Mapping[str, str],
        derivation: Derivation,
        where: Mapping[str, Any] | None = None,
        *,
        by: Sequence[Mapping[str, Any]] = (),
        as_of: date | None = None,
    ) -> list[list[Any]]:
        text = FiguresQuery(catalog, record, {}).list_text(is_grouped=bool(by))
        given = {"where": where} | ({"by": list(by)} if by else {})
        compile_root = derived(catalog.records[record], fields, derivation)
        return _derive_now(context.on(as_of), fetch, access, text, given, compile_root)

    return CatalogQueries(asked, total, groups, pages, derive)


def _derive_now(
    context: RequestContext,
    fetch: FetchJson,
    access: Access,
    text: str,
    variables: Mapping[str, Any],
    compile_root: CompileRoot,
) -> list[list[Any]]:
    """The rows of a SELECT over the list that is the one root field of a query.

    Raises:
        InputError: the query has errors.
    """
    variant, values = _compiled_now(context, access, text, variables)
    (asked,) = variant.asked.values()
    asked.check()
    plan = in_thread(lambda: variant.plan(asked.key, compile_root))
    found = fetch(plan.sql, plan.values(moment_of(context, values)))
    return [] if found is None else orjson.loads(found)


def context_outside(context: RequestContext, plugin: str, *, is_limited: bool = False) -> Context:
    """The context of a plugin's Python field or async function: queries that are awaited, but no session.

    Args:
        context: who asks.
        plugin: whose function it is.
        is_limited: whether its queries may not ask for more than a request may.
    """
    services = context.services

    def unavailable(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("there is no transaction here: do this in an operation or in a hook that has a session")

    async def asked(text: str, variables: Mapping[str, Any] | None = None, *, as_of: date | None = None) -> Any:
        return await ask(context, text, variables, as_of=as_of, is_limited=is_limited)

    async def total(
        record: str, where: Mapping[str, Any] | None = None, *, as_of: date | None = None, **fields: Sequence[str]
    ) -> Figures:
        figures = FiguresQuery(services.catalog, record, fields)
        return figures.totals_in(await asked(figures.total_text(), {"where": where}, as_of=as_of))

    return Context(
        open_session=lambda: None,  # type: ignore[arg-type,return-value]  # said in its documentation
        actor=plugin_actor(plugin),
        settings=services.host.settings[plugin],
        clock=context.clock,
        reporting_currency=services.settings.reporting_currency,
        plausibility=services.settings.plausibility,
        log=logger(services.host.named(plugin)),
        publish=unavailable,
        publish_each=unavailable,
        facet=unavailable,
        facets=unavailable,
        rows=unavailable,
        insert_rows=unavailable,
        change_rows=unavailable,
        lock=unavailable,
        sign=partial(services.sign, plugin),
        open_catalog=lambda: CatalogQueries(asked, total, unavailable, unavailable, unavailable),
    )
