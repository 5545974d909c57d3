"""What one request carries through the schema: who asks, what time it is, and the services that answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any, Protocol, TypeVar

from graphql.execution.values import VariableValues
from sqlmodel import Session

from core.base.actors import LOCAL, Actor, plugin_actor
from core.base.clock import Clock, FixedClock
from core.base.errors import InputError, Reject
from core.base.ids import new_id
from core.base.settings import Settings
from core.db.database import Database
from core.host.contract import Context
from core.host.host import PluginHost, attributed, logger
from core.log.event_log import number_batches
from core.unit.idempotency import once
from core.unit.unit import Unit
from schema.catalog.access import GetAccess
from schema.catalog.catalog import Catalog
from schema.plan.plan import Answer, Plan
from schema.read.reader import Reader
from schema.request.documents import Asked, Documents, Operation, Result, Variant
from schema.request.done import Done, plain, remembered
from schema.sql.binds import Moment

T = TypeVar("T")


class Engine(Protocol):
    """What requests use of the engine that executes them."""

    reader: Reader

    @property
    def documents(self) -> Documents:
        """The documents it was asked."""
        ...

    @property
    def mutations(self) -> Mapping[str, Any]:
        """What answers the generated mutations."""
        ...

    async def answer(self, context: "RequestContext", operation: Operation, given: Mapping[str, Any]) -> Result:
        """Executes an operation with the variables given."""
        ...

    def moment(self, context: "RequestContext", values: VariableValues) -> Moment:
        """What the values of a request's statements are read from."""
        ...

    async def read(self, context: "RequestContext", variant: Variant, asked: Asked, moment: Moment) -> Answer:
        """What the plan of a root field gives."""
        ...

    async def run(self, context: "RequestContext", plan: Plan, moment: Moment) -> Answer:
        """What a plan gives."""
        ...

    async def ask(self, context: "RequestContext", text: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of a query, for async plugin code."""
        ...

    def ask_now(
        self, context: "RequestContext", session: Session, text: str, variables: Mapping[str, Any] | None = None
    ) -> Any:
        """The data of a query inside a transaction, whose rows it sees."""
        ...


@dataclass(slots=True)
class Services:
    """What all requests of an app share."""

    settings: Settings
    catalog: Catalog
    database: Database
    host: PluginHost
    clock: Clock
    access: GetAccess
    announce: Callable[[], None] = lambda: None
    engine: Engine = field(init=False)


class _DryRun(Exception):  # noqa: N818  (control flow: the transaction is rolled back, its answer kept)
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


class RequestContext:
    """One request. Strawberry resolvers of plugins get it as `info.context`."""

    def __init__(self, services: Services, *, actor: Actor = LOCAL, request_id: str | None = None) -> None:
        self.services = services
        self.actor = actor
        self.access = services.access(actor)
        self.clock = services.clock
        self.now: datetime = self.clock.now()
        self._request_id = request_id

    @property
    def request_id(self) -> str:
        """The id it is known by in logs and events."""
        if self._request_id is None:
            self._request_id = new_id("req")
        return self._request_id

    @property
    def settings(self) -> Settings:
        """The app's settings."""
        return self.services.settings

    async def write(self, work: Callable[[Unit], T], *, dry: bool = False) -> T:
        """Runs work in a transaction of its own, off the event loop; dry, everything is rolled back in the end.

        Raises:
            PluginError, InputError: as the work does; nothing is written then.
        """
        services = self.services
        answer = await services.database.in_thread(lambda: self.write_now(work, dry=dry))
        services.announce()
        return answer

    def write_now(self, work: Callable[[Unit], T], *, dry: bool = False) -> T:
        """The same in this thread."""
        database = self.services.database
        logged = False

        def in_session(session: Any) -> T:
            nonlocal logged
            unit = self._unit(session)
            answer = work(unit)
            logged = unit.finish()
            if dry:
                raise _DryRun(answer)
            return answer

        try:
            answer = database.retrying(in_session)
        except _DryRun as tried:
            found: T = tried.answer
            return found
        if logged:
            database.retrying(number_batches)
        return answer

    def _unit(self, session: Any) -> Unit:
        services = self.services
        return Unit(
            session,
            host=services.host,
            settings=services.settings,
            clock=services.clock,
            actor=self.actor,
            ask=self._ask_in,
            request_id=self.request_id,
        )

    async def transact(
        self,
        plugin: str,
        work: Callable[[Context], T],
        *,
        dry: bool = False,
        as_plugin: bool = False,
    ) -> T:
        """Runs a plugin's work in a transaction, with the context its hooks get. For operations of plugins.

        Args:
            plugin: its name.
            work: does it and gives the answer.
            dry: everything is rolled back in the end.
            as_plugin: recorded as the plugin's work, whoever asks: for what anybody may do, such as answer by a token.

        Raises:
            InputError, Reject: as the work does; nothing is written then.
            PluginError: the work failed; nothing is written then.
        """
        found = self.services.host.named(plugin)

        def in_transaction(unit: Unit) -> T:
            with attributed(found, "operation", InputError), unit.own_work(found):
                return work(unit.context(found))

        return await self._writer(plugin, as_plugin=as_plugin).write(in_transaction, dry=dry)

    async def perform(
        self,
        plugin: str,
        operation: str,
        input: Any,
        work: Callable[[Context], Any],
        *,
        dry: bool = False,
        as_plugin: bool = False,
    ) -> Done:
        """Does what the input of a plugin's mutation asks, and gives what its payload is made of.

        Args:
            plugin: its name.
            operation: the mutation's.
            input: what is asked, a Strawberry input. With an `idempotency_key` it is done once for each key; the answer
                must then be JSON.
            work: does it and gives the answer; what it refuses it raises as `Reject`.
            dry: everything is rolled back in the end.
            as_plugin: as for `transact`.

        Raises:
            InputError: as the work does; nothing is written then.
            PluginError: the work failed; nothing is written then.
            ConflictError: the key was used for something else.
        """
        found = self.services.host.named(plugin)
        given = plain(input)
        key = given.pop("idempotency_key", None)

        def in_transaction(unit: Unit) -> Done:
            def done() -> Done:
                with attributed(found, operation, InputError), unit.own_work(found) as warnings:
                    answer = work(unit.context(found))
                return Done(answer, (), warnings)

            if key is None or dry:
                return done()
            return once(unit.session, key, operation, given, unit.now, done, Done.kept, remembered)

        try:
            return await self._writer(plugin, as_plugin=as_plugin).write(in_transaction, dry=dry)
        except Reject as reject:
            return Done(None, reject.errors)

    def _writer(self, plugin: str, *, as_plugin: bool) -> "RequestContext":
        """In whose name an operation writes."""
        return self._as(plugin_actor(plugin)) if as_plugin else self

    async def read(self, plugin: str, work: Callable[[Context], T]) -> T:
        """Runs a plugin's work on one state of the data, beside those who write. For operations of plugins.

        Args:
            plugin: its name.
            work: gives the answer; it gets a context whose session and `query` only read.

        Raises:
            InputError: as the work does.
            PluginError: the work failed.
        """
        found = self.services.host.named(plugin)

        def in_session(session: Session) -> T:
            context = replace(self.outside(plugin), session=session, actor=self.actor, query=self._ask_in(session))
            with attributed(found, "operation", InputError):
                return work(context)

        return await self.services.database.in_reading_session(in_session)

    def _as(self, actor: Actor) -> "RequestContext":
        return RequestContext(self.services, actor=actor, request_id=self.request_id)

    def _on(self, day: date) -> "RequestContext":
        """The same request, asked at the end of another day."""
        context = self._as(self.actor)
        context.clock = FixedClock(datetime.combine(day, time.max, UTC))
        context.now = context.clock.now()
        return context

    def _ask_in(self, session: Session) -> Callable[..., Any]:
        """How hooks and operations ask inside a transaction."""

        def ask(text: str, variables: Mapping[str, Any] | None = None, *, as_of: date | None = None) -> Any:
            context = self if as_of is None else self._on(as_of)
            return self.services.engine.ask_now(context, session, text, variables)

        return ask

    async def query(self, text: str, variables: Mapping[str, Any] | None = None, *, as_of: date | None = None) -> Any:
        """The data of a query, asked in the name of this request. For operations of plugins.

        Args:
            text: of the query.
            variables: its variables; they may be Python values, such as dates and `Money`.
            as_of: the day at whose end it is asked, for fields that depend on the day; today without it.

        Raises:
            InputError: the query has errors; the message has them all.
        """
        context = self if as_of is None else self._on(as_of)
        return await self.services.engine.ask(context, text, variables)

    def outside(self, plugin: str) -> Context:
        """The context of a plugin's Python field or async function: queries, but no session."""
        services = self.services
        found = services.host.named(plugin)

        def unavailable(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("there is no transaction here: write in an operation or in a hook that has a session")

        return Context(
            session=None,  # type: ignore[arg-type]  # said in its documentation
            actor=plugin_actor(plugin),
            settings=services.host.settings[plugin],
            clock=self.clock,
            reporting_currency=services.settings.reporting_currency,
            log=logger(found),
            publish=unavailable,
            publish_each=unavailable,
            facet=unavailable,
            facets=unavailable,
            query=self.query,
        )
