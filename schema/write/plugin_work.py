"""Work of plugins: their operations, each in a transaction of its own or on one state of the data."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any

import strawberry
from sqlmodel import Session

from core.access.reach import active_user
from core.base.actors import plugin_actor
from core.base.errors import InputError, NotFoundError, Reject, UserError
from core.base.money import Money
from core.db.locks import Key
from core.db.transaction import Rows, SqlStatement
from core.host.contract import Context, Plugin
from core.host.host import attributed
from core.host.operations import SHOWN_ONCE, PluginOperation
from core.log.changes import shown
from core.log.merges import survivors, survivors_read
from core.records.record import Record
from core.unit.idempotency import check_key, once
from core.unit.phases import own_work
from core.unit.unit import Unit
from schema.catalog.access import EVERYTHING
from schema.read.drivers import fetch_in_transaction
from schema.request.context import RequestContext
from schema.request.questions import context_outside, questions_in
from schema.request.transactions import write_and_read
from schema.types.operation_types import Input, Payload
from schema.types.plugin_operations import PayloadShape
from schema.write.named_records import NamedRecords, check_operation
from schema.write.payloads import PayloadReading


@dataclass(frozen=True, slots=True)
class WorkDone:
    """The result of a plugin's work.

    Attributes:
        answer: with records by their ids and Strawberry's objects as dicts, so that it outlives its transaction.
        repeated: the answer to a repetition, as JSON.
        warnings: of the plugins.
    """

    answer: Any
    repeated: Any
    warnings: Sequence[UserError] = ()

    def kept(self) -> dict[str, Any]:
        """It as JSON, for a repetition of the request."""
        return {"answer": self.repeated, "warnings": [warning.kept() for warning in self.warnings]}


def _work_done(plugin: Plugin, answer: Any, warnings: Sequence[UserError], currency: str) -> WorkDone:
    own: Sequence[UserError] = ()
    if isinstance(answer, Payload):
        if answer.user_errors:
            raise Reject(*answer.user_errors)
        own = [replace(warning, plugin=warning.plugin or plugin.name) for warning in answer.warnings]
        answer = replace(answer, warnings=[])
    return WorkDone(_plain(answer, currency), shown(_plain(answer, currency, repeated=True)), [*own, *warnings])


def _remembered(kept: Mapping[str, Any]) -> WorkDone:
    warnings = [UserError.restored(warning, warning=True) for warning in kept["warnings"]]
    return WorkDone(kept["answer"], kept["answer"], warnings)


async def transact(
    context: RequestContext,
    plugin: Plugin,
    work: Callable[[Context, Any], Any],
    *,
    keys: Callable[[Any], Iterable[Key]],
    named: NamedRecords,
    place: str = "operation",
    once_for: Callable[[Unit, Callable[[], WorkDone]], WorkDone] = lambda unit, work: work(),
    reads: Callable[[WorkDone], Sequence[SqlStatement]] = lambda done: (),
    dry: bool = False,
) -> tuple[WorkDone, Sequence[Rows] | None]:
    """Runs a plugin's work in a transaction, with the context its hooks get, and reads together with its commit.

    Args:
        context: of the request.
        plugin: whose work.
        work: does what it is given, with the ids of merged records led on, and returns the answer.
        keys: gives the keys of the plugin that it holds from the beginning, by what it is given.
        named: the records it is about, which the caller must be allowed to change.
        place: its name in errors.
        once_for: decides whether it is done, or was done before.
        reads: gives the statements that read, knowing the result.
        dry: everything is rolled back at the end.

    Returns:
        the result, and the rows of each statement; None if they were lost although the work was committed.

    Raises:
        InputError, Reject: as the work does; nothing is written then.
        PluginError: the work failed; nothing is written then.
    """

    def in_transaction(unit: Unit) -> WorkDone:
        def acting_as(user_id: str) -> Context:
            other = context.by(active_user(unit.transaction, user_id))
            return replace(ctx, actor=other.actor, open_catalog=partial(questions_in, other, unit.fetch, other.access))

        ctx = replace(unit.context(plugin), acting_as=acting_as)
        if context.access is not EVERYTHING:
            ctx = replace(ctx, open_catalog=partial(questions_in, context, unit.fetch, context.access))

        named.hold(unit.transaction)
        about = named.led(survivors(unit.transaction, named.merging))

        def done() -> WorkDone:
            with (
                attributed(plugin, place, InputError),
                own_work(unit, plugin, keys(about.given), is_asked=True) as warnings,
            ):
                answer = work(ctx, about.given)
            return _work_done(plugin, answer, concealed(warnings), context.settings.reporting_currency)

        def concealed(said: Sequence[UserError]) -> list[UserError]:
            return unit.permit.concealed(unit.transaction.rows, said, about.given)

        about.check(unit.permit, unit.transaction.rows)
        try:
            return once_for(unit, done)
        except Reject as reject:
            raise Reject(*concealed(reject.errors)) from None

    return await write_and_read(context, in_transaction, reads, dry=dry)


def perform(
    context: RequestContext,
    plugin: Plugin,
    operation: PluginOperation,
    given: Input,
    payload: PayloadShape,
    reading: PayloadReading,
) -> Awaitable[Mapping[str, Any]]:
    """Does what a mutation's input asks for, and returns its payload, of which the records are read by then.

    What has to be looked through of a large input is looked through before anything is awaited, in any thread.

    Raises:
        InputError: as the mutation does; nothing is written then.
        PluginError: it failed; nothing is written then.
        ConflictError: its idempotency key was used for something else.
    """
    named = check_operation(context, operation, given)
    key, dry = given.idempotency_key, given.dry_run
    asked = _plain(given, context.settings.reporting_currency)
    del asked["idempotency_key"]

    def once_for(unit: Unit, work: Callable[[], WorkDone]) -> WorkDone:
        if key is None or key is strawberry.UNSET:
            return work()
        if dry:
            check_key(key)
            return work()
        return once(
            unit.transaction, context.actor.id, key, operation.name, asked, unit.now, work, WorkDone.kept, _remembered
        )

    writer = context.by(plugin_actor(plugin.name)) if operation.as_plugin else context

    def made(done: WorkDone) -> Mapping[str, Any]:
        return payload.made(done.answer, done.warnings, context.request_id)

    async def performed() -> Mapping[str, Any]:
        rows: Sequence[Rows] | None = None
        try:
            done, rows = await transact(
                writer,
                plugin,
                lambda ctx, given: payload.checked(ctx.session, operation.function(ctx, given)),
                named=named,
                place=operation.name,
                once_for=once_for,
                reads=lambda done: reading.statements(made(done)),
                dry=dry,
                keys=operation.locks,
            )
            answer = made(done)
        except Reject as reject:
            answer = payload.refused(reject.errors, context.request_id)
        except NotFoundError as error:
            answer = payload.refused([named.not_found(error)], context.request_id)
        await reading.read(answer, rows)
        return answer

    return performed()


async def look(
    context: RequestContext, plugin: Plugin, operation: PluginOperation, arguments: Mapping[str, Any]
) -> Any:
    """The result of a query on one state of the data, alongside writers.

    Raises:
        InputError, Reject: as the query does.
        PluginError: it failed.
    """
    # What Strawberry says of the request is not input.
    infos = {name: value for name, value in arguments.items() if isinstance(value, strawberry.Info)}
    named = check_operation(context, operation, {name: arguments[name] for name in arguments.keys() - infos.keys()})

    def in_session(session: Session) -> Any:
        fetch = partial(fetch_in_transaction, session.connection())

        def open_session() -> Session:
            named.check_session()
            return session

        ctx = replace(
            context_outside(context, plugin.name),
            open_session=open_session,
            rows=lambda query, **values: query.through(open_session(), values),
            actor=context.actor,
            open_catalog=partial(questions_in, context, fetch, context.access),
        )
        about = named.led(survivors_read(session, named.merging))
        about.check(context.permit, lambda statement: [(fetch(statement.sql, statement.values),)])
        with attributed(plugin, operation.name, InputError):
            return _plain(operation.function(ctx, **about.given, **infos), context.settings.reporting_currency)

    return await context.services.database.in_reading_session(in_session)


def _plain(value: Any, currency: str, *, repeated: bool = False) -> Any:
    """A value with records by their ids and Strawberry's objects as dicts.

    Args:
        value: of an operation.
        currency: the reporting currency; of amounts in others plugins know no rate.
        repeated: without what is shown once.
    """
    if isinstance(value, Record):
        return value.id
    if isinstance(value, Money):
        reporting = {"reportingAmount": value.amount} if value.currency == currency else {}
        return {"amount": value.amount, "currency": value.currency, **reporting}
    if isinstance(value, list | tuple):
        return [_plain(item, currency, repeated=repeated) for item in value]
    if is_dataclass(value) and hasattr(value, "__strawberry_definition__"):
        return {
            field.name: None
            if repeated and field.metadata.items() >= SHOWN_ONCE.items()
            else _plain(getattr(value, field.name), currency, repeated=repeated)
            for field in fields(value)
        }
    return None if value is strawberry.UNSET else value
