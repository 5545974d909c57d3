"""The composition root: one call makes an app from settings and plugins. Nothing is shared between apps."""

import asyncio
import gc
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cached_property, lru_cache, partial
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access.allowances import Allowances
from core.access.authentication import Authentication
from core.background.delivery import Delivery
from core.background.jobs import Jobs
from core.background.publisher import Publisher
from core.base import tracing
from core.base.actors import LOCAL, Actor, plugin_actor
from core.base.clock import BusinessClock, Clock, SystemClock
from core.base.errors import ConfigurationError, InputError, PluginError, UnavailableError, told
from core.base.languages import Language, languages
from core.base.settings import Settings, load_settings
from core.db.database import Database
from core.host.contract import Context, Plugin
from core.host.distributions import refuse_strangers
from core.host.folders import folder_of
from core.host.host import REMEDY, PluginHost, PluginSource, discover, logger
from core.log.changes import shown
from core.migrations.runner import MigrationSet, migrate, sets_of
from core.records.rows import dialect_of
from core.unit.phases import own_work
from core.unit.unit import Unit
from guanxi.design import Design, design
from guanxi.metrics import own_figures
from guanxi.monitoring import Monitoring
from guanxi.page.serving import routes as page_routes
from guanxi.preparation import note_lasting, prepare, secret_in
from guanxi.stopping import Stopping
from schema.catalog.access import GetAccess
from schema.plan.planner import Planner
from schema.read.drivers import reader_of
from schema.request.compiling import Compiling
from schema.request.context import RequestContext, Services
from schema.request.documents import Documents
from schema.request.limits import Limits
from schema.request.outreach import context_of_async
from schema.request.permits import PermitPlans
from schema.request.refusal import Refused
from schema.request.transactions import write_now
from schema.serve.assembly import Assembled
from schema.serve.engine import Engine
from schema.serve.http import STOPPING, Endpoint
from schema.serve.live.subscriptions import Subscriptions
from schema.serve.observation import Observation
from schema.serve.plugin_routes import plugin_routes
from schema.serve.reference.serving import SchemaReference
from schema.serve.response import protected
from schema.serve.sessions import Sessions

#: So often, in seconds, is looked whether the database file is still there.
_FILE_SECONDS = 1.0

_log = logging.getLogger("guanxi.app")


class App:
    """An ASGI application: the CRM with its plugins on one database.

    Attributes:
        settings: its settings.
        catalog: its records and fields.
        host: its plugins.
        database: where everything is stored.
    """

    def __init__(
        self,
        settings: Settings,
        design: Design,
        clock: Clock,
        access: GetAccess | None = None,
        *,
        trusts_loopback: bool = False,
    ) -> None:
        self.settings = settings
        self.host = design.host
        self.catalog = design.catalog
        self._design = design
        self.database = Database(
            settings.database_url,
            patience=settings.write_deadline_ms / 1000,
            queue_patience=settings.queue_deadline_ms / 1000,
            statement_seconds=settings.statement_timeout_ms / 1000,
            synchronous=settings.sqlite_synchronous,
            calendar=settings.calendar,
        )
        self._clock = BusinessClock(clock, settings.calendar)
        self._access = access or design.control.of
        self._engine: Engine | None = None
        self._publisher: Publisher | None = None
        self._delivery: Delivery | None = None
        self._jobs: Jobs | None = None
        self._endpoint = Endpoint(lambda: self.engine, settings, trusts_loopback=trusts_loopback)
        self._authentication: Authentication | None = None
        #: Set once the database file was replaced or deleted.
        self.lost_file = asyncio.Event()
        #: What did not end in time when it stopped, and may still be under way.
        self.left_behind: Sequence[str] = ()
        self._watching: list[asyncio.Task[None]] = []
        self._monitoring = Monitoring(self)
        page = page_routes() if settings.page else [Route("/", _to_graphql)]
        reference = SchemaReference(self._endpoint, lambda: self.engine, graphiql=settings.graphiql)
        schema = [Route(path, reference, methods=["GET"]) for path in ("/graphql/schema", "/graphql/schema/{name}")]
        routes = [*page, *schema, Route("/session", Sessions(self._endpoint)), *self._monitoring.routes]
        permissions = design.control.names
        routes += plugin_routes(self.host, self._endpoint, lambda *given: self.jobs.hurry(*given), permissions)
        self._starlette = Starlette(routes=routes, lifespan=lambda app: self._lifespan())
        self._answering = (
            _shared_with(self._route, settings.allowed_origins) if settings.allowed_origins else self._route
        )

    @property
    def assembled(self) -> Assembled:
        """Its GraphQL schema, made when it is first asked for.

        Raises:
            PluginError: an operation of a plugin does not fit.
        """
        return self._design.assemble()

    @property
    def sdl(self) -> str:
        """The schema in schema definition language, sorted."""
        return self.assembled.sdl()

    @cached_property
    def languages(self) -> Mapping[str, Language]:
        """The languages that its messages are said in, by tag, English first."""
        folders = [folder_of(plugin, "translations") for plugin in self.host.plugins]
        return languages([folder for folder in folders if folder is not None])

    @property
    def migrations(self) -> list[MigrationSet]:
        """The migrations of the core and of the plugins."""
        return sets_of(self.host)

    def migrate(self, done: Callable[[str], None] = lambda step: None) -> None:
        """Brings the database up to date.

        Raises:
            PluginError, ConfigurationError: a revision failed and was rolled back.
        """
        migrate(self.database, self.migrations, done)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as an ASGI application; the lifespan starts and stops it."""
        if scope["type"] == "http":
            await self._answering(scope, receive, send)
        elif scope["type"] == "websocket" and _path(scope) == "/graphql":
            await self._endpoint.connect(scope, receive, send)
        else:
            await self._starlette(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        if _path(scope) == "/graphql":
            await self._endpoint(scope, receive, send)
        else:
            await self._starlette(scope, receive, protected(send))

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        async with running_alone(self, serving=True):
            self.jobs.start()
            yield

    @property
    def services(self) -> Services:
        """What requests share; available while it runs."""
        return self.engine.services

    @property
    def engine(self) -> Engine:
        """What answers GraphQL; there once it runs."""
        if self._engine is None:
            raise RuntimeError("the app is not running; use `async with app.running()` or serve it")
        return self._engine

    def context(self, actor: Actor = LOCAL, request_id: str | None = None) -> RequestContext:
        """A context for work outside HTTP."""
        return RequestContext(self.services, actor=actor, request_id=request_id)

    async def ask(self, text: str, variables: Mapping[str, Any] | None = None, actor: Actor = LOCAL) -> Any:
        """The data of a query or mutation that a program of this process asks, not by HTTP.

        Args:
            text: of the operation.
            variables: its variables; they may be Python values, such as dates and `Money`.
            actor: who asks; the local operator by default.

        Raises:
            InputError: it has errors; the message has them all.
        """
        try:
            operation = self.services.documents.operation(text, None)
            result = await self.engine.answer(self.context(actor), operation, shown(dict(variables or {})))
        except Refused as refused:
            raise InputError("; ".join(error.message for error in refused.errors)) from None
        if result.errors:
            raise InputError("; ".join(error.message for error in result.errors))
        return orjson.loads(result.data)

    @property
    def publisher(self) -> Publisher:
        """What numbers the events of committed transactions."""
        if self._publisher is None:
            raise RuntimeError("the app is not running; use `async with app.running()` or serve it")
        return self._publisher

    @property
    def authentication(self) -> Authentication:
        """Who sends its requests."""
        if self._authentication is None:
            raise RuntimeError("the app is not running; use `async with app.running()` or serve it")
        return self._authentication

    @property
    def delivery(self) -> Delivery:
        """The delivery of events to after-commit hooks."""
        if self._delivery is None:
            raise RuntimeError("the app is not running; use `async with app.running()` or serve it")
        return self._delivery

    @property
    def jobs(self) -> Jobs:
        """The jobs of its plugins; a server runs them `in_background`."""
        if self._jobs is None:
            raise RuntimeError("the app is not running; use `async with app.running()` or serve it")
        return self._jobs

    @asynccontextmanager
    async def running(self, *, serving: bool = False) -> AsyncIterator["App"]:
        """Runs it: database checked, plugins started, events delivered; at the end everything is closed.

        Args:
            serving: make the GraphQL schema first rather than with the first query, so that what is wrong with an
                operation is reported before anything starts.

        Raises:
            ConfigurationError: the database cannot be used; the message says what to run.
            PluginError: a plugin does not start.
        """
        tracing.begin()
        # It may have run, and stopped, before.
        self._endpoint.refusal = ""
        try:
            by_plugins = bool(self.host.implementations("actor"))
            authentication = Authentication(self.database, self.settings, self._clock, by_plugins=by_plugins)
            if serving:
                self._design.assemble()
            parts = (self.database, self.migrations, self.settings, self.host, self.catalog.belongings)
            await self.database.in_thread(lambda: prepare(*parts))
        except (ConfigurationError, PluginError):
            # What was looked at in it may have left connections open.
            self.database.close()
            raise
        self._authentication = authentication
        secret = await self.database.in_thread(lambda: self.database.retrying(secret_in))
        reader = reader_of(
            self.database, self.settings.statement_timeout_ms / 1000, self.settings.queue_deadline_ms / 1000
        )
        await reader.open()
        publisher = self._publisher = Publisher(self.database, self._announce)
        planner = Planner(self.catalog, dialect_of(self.database.dialect, self.settings.calendar), reader.fits)
        services = Services(
            self.settings,
            self.catalog,
            self.database,
            self.host,
            self._clock,
            self._access,
            authentication,
            lru_cache(1)(lambda: Documents(self.assembled.graphql, planner, Limits.of(self.settings))),
            Compiling(),
            reader,
            self._design.control,
            PermitPlans(planner),
            secret,
            publisher.wake,
            partial(note_lasting, self.database, self.settings),
            Allowances(self.database, self._clock, self.settings.requests_per_minute, self.settings.requests_at_once),
            self.languages,
        )
        self._engine = Engine(services, self._design.assemble)
        self._delivery = Delivery(
            self.database, publisher, self.host, self.settings, self._clock, self._transact, self._outside
        )
        self._jobs = Jobs(self.database, self._design.jobs, self._clock, self._transact, self._outside)
        started: list[Plugin] = []
        try:
            await publisher.start()
            authentication.keepsakes.start()
            await self._start_all(started)
            await self._delivery.start()
            self._watching = [asyncio.ensure_future(self._watch_file())]
            if self._monitoring.folder is not None:
                self._watching.append(asyncio.ensure_future(self._monitoring.folder.keep(self)))
            yield self
        finally:
            await self._stop(started)

    def _announce(self) -> None:
        """Passes on that events have new numbers."""
        self.delivery.announce()
        self.subscriptions.announce()

    # Stopping

    async def _stop(self, started: Sequence[Plugin]) -> None:
        """Stops everything, last started first, within the time there is; nothing is left out because another hangs."""
        self._endpoint.refusal = self._endpoint.refusal or STOPPING
        stopping = Stopping(self.settings.shutdown_deadline_ms / 1000 / 2)
        for task in self._watching:
            task.cancel()
        if self._monitoring.folder is not None:
            self._monitoring.folder.write(own_figures(self))
        await stopping.step("subscriptions", self.subscriptions.stop())
        await stopping.step("the job that runs", self.jobs.stop())
        await stopping.step("delivery", self.delivery.stop())
        for plugin, hook in self._shutdown_hooks(started):
            await stopping.step(f"hook shutdown of plugin {plugin.name!r}", self._shut_down(plugin, hook))
        if not self.database.health.refusal:
            if stopping.left:
                # What still holds rows is broken off, so that they can be released.
                await stopping.step(
                    "what is under way", self.database.drivers.break_off(STOPPING, stopping.remaining / 4), 0.5
                )
            await stopping.step("the plugins' cursors", self.delivery.let_go(), 0.5)
            await stopping.step("the leases of jobs", self.jobs.let_go(), 0.6)
            await stopping.step("the counts of requests", self.services.allowances.stop())
            await stopping.step("uses of keys and refusals", self.authentication.keepsakes.stop())
            await stopping.step("the numbers of events", self.publisher.stop())
        await stopping.step("connections that read", self.services.reader.close(), 1)
        self.left_behind = stopping.left
        if not self.left_behind:
            self.database.close()

    async def _watch_file(self) -> None:
        """Stops answering once the database file was replaced or deleted."""
        while self.database.file_is_there and not self.database.health.refusal:
            await asyncio.sleep(_FILE_SECONDS)
        with suppress(UnavailableError):
            self.database.check_file()
        self._endpoint.refusal = self.database.health.refusal
        self.lost_file.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it answers nothing any more."""
        return bool(self._endpoint.refusal)

    async def check_monitor(self, scope: Scope) -> None:
        """Refuses who may not read its figures.

        Raises:
            BadRequest: the sender of the request may not.
        """
        await self._endpoint.callers.check_monitor(
            scope, {name: value.decode("latin-1") for name, value in scope["headers"]}
        )

    @property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions of its clients."""
        return self._endpoint.subscriptions

    @property
    def observation(self) -> Observation:
        """What is known of its requests."""
        return self._endpoint.observation

    # Starting

    def _transact(self, plugin: Plugin, work: Callable[[Unit], None]) -> None:
        write_now(self.context(plugin_actor(plugin.name)), work, is_endless=True)

    def _outside(self, plugin: str) -> Context:
        """The context of an async hook or job, as of now."""
        return context_of_async(self.context(), plugin, self.jobs.hurry)

    async def _start_all(self, started: list[Plugin]) -> None:
        """Starts the plugins in order; notes those that are to be shut down."""
        hooks = dict(self.host.implementations("startup"))
        for plugin in self.host.plugins:
            if plugin in hooks:
                try:
                    await self._call(plugin, hooks[plugin], "startup")
                except Exception as error:
                    raise PluginError(plugin.name, "startup", f"{told(error)}. {REMEDY}") from error
            started.append(plugin)

    async def purge_elsewhere(self, plugin: Plugin) -> None:
        """Has a plugin remove what it keeps elsewhere than in the database, by its hook `purge`.

        Raises:
            PluginError: the hook failed.
        """
        hook = dict(self.host.implementations("purge")).get(plugin)
        if hook is not None:
            try:
                await self._call(plugin, hook, "purge")
            except Exception as error:
                raise PluginError(plugin.name, "purge", f"{told(error)}. Nothing was purged") from error

    def _shutdown_hooks(self, started: Sequence[Plugin]) -> Iterator[tuple[Plugin, Callable[..., Any]]]:
        """The hooks of plugins that were started, the last first."""
        hooks = dict(self.host.implementations("shutdown"))
        for plugin in reversed(started):
            if plugin in hooks:
                yield plugin, hooks[plugin]

    async def _shut_down(self, plugin: Plugin, hook: Callable[..., Any]) -> None:
        try:
            await self._call(plugin, hook, "shutdown")
        except UnavailableError as error:
            logger(plugin).warning("hook shutdown: %s", error.message)
        except Exception:
            logger(plugin).exception("hook shutdown failed")

    async def _call(self, plugin: Plugin, hook: Callable[..., Any], name: str) -> None:
        """Runs a lifespan hook: sync with a session of its own, async without."""
        if inspect.iscoroutinefunction(getattr(plugin, name)):
            await hook(ctx=self._outside(plugin.name))
            return

        def work(unit: Unit) -> None:
            with own_work(unit, plugin):
                hook(ctx=unit.context(plugin))

        await self.database.in_thread(lambda: self._transact(plugin, work))


@asynccontextmanager
async def running_alone(app: App, *, serving: bool = False) -> AsyncIterator[App]:
    """Runs the one app of a process, until it ends: garbage is collected rarely, and never looked for in the schema.

    To look through it would hold up every request now and then, and takes a third of the time of bulk writes. Nor is
    it looked through once before: what little garbage there is by then stays.

    Args:
        app: which one.
        serving: as `App.running`.

    Raises:
        ConfigurationError, PluginError: as `App.running`.
    """
    async with app.running(serving=serving):
        gc.freeze()
        gc.set_threshold(20_000, 10, 5)
        gc.enable()
        yield app


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _shared_with(answering: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Lets pages of other origins read the answers, if there are any."""
    if not origins:
        return answering
    return CORSMiddleware(
        answering,
        allow_origins=[origin.rstrip("/") for origin in origins],
        allow_methods=["GET", "POST", "PUT"],
        allow_headers=["authorization", "content-type", "x-request-id"],
        expose_headers=["graphql-cost", "ratelimit", "ratelimit-policy", "retry-after"],
        max_age=600,
    )


async def _to_graphql(request: Any) -> RedirectResponse:
    return RedirectResponse("/graphql")


def installed_migrations(settings: Settings) -> tuple[Database, list[MigrationSet]]:
    """The database, and the migrations of the core and the installed plugins: all that migrating needs.

    Raises:
        ConfigurationError: the settings cannot be used, or another distribution has packages of the same names.
        PluginError: a plugin does not fit.
    """
    refuse_strangers()
    return Database(settings.database_url), sets_of(PluginHost(discover(), settings))


def create_app(
    settings: Settings | None = None,
    plugins: Iterable[PluginSource] | None = None,
    clock: Clock | None = None,
    access: GetAccess | None = None,
    *,
    trusts_loopback: bool = False,
) -> App:
    """Makes an app.

    Args:
        settings: by default those of the environment.
        plugins: classes or instances; by default all that are installed, and none if it is empty.
        clock: the source of time.
        access: returns what an actor may see and do, in place of its permissions.
        trusts_loopback: answer programs of this machine as the local operator even where there are keys, for a demo.

    Raises:
        ConfigurationError: the settings cannot be used, or another distribution has packages of the same names.
        PluginError: a plugin does not fit.
    """
    refuse_strangers()
    settings = settings if settings is not None else load_settings()
    made = design(settings, discover() if plugins is None else plugins)
    return App(settings, made, clock or SystemClock(), access, trusts_loopback=trusts_loopback)
