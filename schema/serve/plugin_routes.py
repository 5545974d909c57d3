"""Routes of plugins: below `/plugins/<name>/`, with access decided here, and errors answered as GraphQL's are."""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core.base.actors import LOCAL, PUBLIC, Actor
from core.base.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    PluginError,
    Reject,
    UnauthenticatedError,
    UnavailableError,
)
from core.base.sentences import sentence
from core.host.contract import Plugin
from core.host.host import PluginHost, attributed
from core.host.routes import PluginRoute
from schema.request.context import RequestContext
from schema.request.outreach import context_of_async
from schema.serve.bad_request import BadRequest
from schema.serve.callers import REALM
from schema.serve.http import Endpoint
from schema.serve.negotiation import PLAIN_JSON
from schema.serve.observation import RequestRecord
from schema.serve.presentation import failed_response, refused_response, unavailable

HOOK = "register_routes"

#: Parts of letters, digits and a few signs, or names in braces; a part of points alone would lead elsewhere.
_PATH = re.compile(r"(?:/(?!\.+(?:/|$))(?:[\w.~-]|\{[a-z_]\w*(?::path)?\})*)+", re.ASCII)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

#: The statuses by which a public route says that what was sent proves nothing.
_PROVES_NOTHING = frozenset({401, 403, 404})
_STATUSES: Sequence[tuple[type[InputError], int]] = ((NotFoundError, 404), (ForbiddenError, 403), (ConflictError, 409))

Hurry = Callable[..., Awaitable[None]]


def plugin_routes(host: PluginHost, endpoint: Endpoint, hurry: Hurry, permissions: Collection[str]) -> Iterator[Route]:
    """Yields the routes of all plugins.

    Args:
        host: of the plugins.
        endpoint: knows who asks.
        hurry: has a job run sooner.
        permissions: that are declared.

    Raises:
        PluginError: a declaration is not possible; the message names the plugin and the remedy.
    """
    for plugin, routes in host.register(HOOK):
        taken: set[tuple[str, str]] = set()
        for route in routes:
            _check(plugin, route, permissions, taken)
            taken.update((route.path, method) for method in route.methods)
            path = f"/plugins/{plugin.name}{route.path}"
            yield Route(path, _RouteEndpoint(plugin, route, endpoint, hurry), methods=list(route.methods))


def _check(plugin: Plugin, route: Any, permissions: Collection[str], taken: Collection[tuple[str, str]]) -> None:
    if not isinstance(route, PluginRoute):
        raise PluginError(plugin.name, HOOK, f"{route!r} is not a guanxi.PluginRoute")
    problem = None
    if not _PATH.fullmatch(route.path):
        problem = "cannot be reached; write it as in /links/{link}"
    elif unknown := sorted(set(route.methods) - set(_METHODS)):
        problem = f"there is no method {unknown[0]!r}; available: {', '.join(_METHODS)}"
    elif not inspect.iscoroutinefunction(route.answer):
        problem = f"{route.answer!r} is not an async function; write `async def`"
    elif route.public and route.permission:
        problem = "is public and needs a permission; leave one of them out"
    elif route.permission is not None and route.permission not in permissions:
        problem = f"needs the permission {route.permission!r}; declare it in register_permissions"
    elif any((route.path, method) in taken for method in route.methods):
        problem = "there are two of that path; let one of them answer"
    if problem:
        raise PluginError(plugin.name, f"route {route.path}", problem)


class _RouteEndpoint:
    """Answers one route of a plugin; not a function, so that Starlette passes it the request as it comes."""

    def __init__(self, plugin: Plugin, route: PluginRoute, endpoint: Endpoint, hurry: Hurry) -> None:
        self._plugin = plugin
        self._route = route
        self._endpoint = endpoint
        self._hurry = hurry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        record = RequestRecord(self._endpoint.language(headers))
        try:
            response = await self._answer(scope, headers, receive)
        except ClientDisconnect:
            return
        except UnavailableError as fault:
            await unavailable(fault, record, PLAIN_JSON).send(send)
        except BadRequest as bad:
            await refused_response(bad, PLAIN_JSON, record).send(send)
        except Exception:
            await failed_response(f"{scope['method']} of plugin {self._plugin.name!r}", record).send(send)
        else:
            await response(scope, receive, send)

    async def _answer(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> Response:
        """The response of the plugin.

        Raises:
            BadRequest: it is refused.
            UnavailableError: something cannot be reached.
        """
        if self._endpoint.refusal:
            raise UnavailableError(self._endpoint.refusal)
        if self._route.public:
            return await self._answer_anybody(scope, headers, receive)
        caller = await self._endpoint.callers.caller(scope, headers)
        if caller is PUBLIC:
            message = sentence("this needs authentication; send `Authorization: Bearer` and an API key or a token")
            raise BadRequest(401, message, UnauthenticatedError.code, {"www-authenticate": REALM})
        async with self._endpoint.callers.counted(caller):
            return await self._run(scope, receive, caller)

    async def _answer_anybody(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> Response:
        callers = self._endpoint.callers
        callers.check_failures(scope, headers)
        try:
            return await self._run(scope, receive, None)
        except BadRequest as bad:
            if bad.status in _PROVES_NOTHING:
                callers.note_failure(scope, headers, bad.message)
            raise

    async def _run(self, scope: Scope, receive: Receive, caller: Actor | None) -> Response:
        """What the plugin answers. It asks the catalog as its caller; on a public route it sees everything."""
        context = RequestContext(self._endpoint.services, actor=caller or LOCAL)
        ctx = context_of_async(context, self._plugin.name, self._hurry)
        if caller is not None:
            ctx = replace(ctx, actor=caller)
        try:
            if caller is not None:
                context.access.demand(self._route.permission)
            with attributed(self._plugin, HOOK, InputError, BadRequest, UnavailableError, ClientDisconnect):
                answer = await self._route.answer(ctx, Request(scope, receive))
                if not isinstance(answer, Response):
                    raise TypeError(f"{self._route.path} returned {answer!r}, which is not a Starlette Response")
                return answer
        except Reject as reject:
            first = reject.errors[0]
            raise BadRequest(400, first.message, first.code) from None
        except InputError as error:
            status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 400)
            raise BadRequest(status, error.message, error.code) from None
