"""GraphQL over HTTP: one endpoint that takes and returns JSON, and reports errors by status and code.

Follows the GraphQL-over-HTTP draft: `application/graphql-response+json` where the client asks for it, else
`application/json`; a mutation only by POST; nothing but JSON is read, so that no foreign page can forge a request.
It speaks ASGI itself: between the socket and a plan that is kept, nothing is done that a request does not need.
"""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import FieldNode, FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, parse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from core.access.authentication import AskPlugins
from core.access.keys import start_of
from core.base.actors import LOCAL, PUBLIC, Actor
from core.base.errors import GuanxiError, InputError, PluginError, UnauthenticatedError, UnavailableError
from core.base.settings import Settings
from schema.request.context import RequestContext
from schema.request.documents import OperationResult, Refused
from schema.request.identification import identity_by_plugins
from schema.serve.bad_request import BadRequest, Headers
from schema.serve.engine import Engine
from schema.serve.graphiql import page
from schema.serve.guard import Guard
from schema.serve.introspection import Introspection, KeptAnswer
from schema.sql.selections import TYPENAME

_log = logging.getLogger("guanxi.http")

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
HTML = "text/html"

#: Where code in the same process, such as the test kit, says who asks; no HTTP request can.
ACTOR = "guanxi.actor"

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
#: So long, in seconds, is to be waited where what proves who asks cannot be reached.
_UNAVAILABLE = {"retry-after": "60"}
_REALM = 'Bearer realm="guanxi"'


@dataclass(frozen=True, slots=True)
class Response:
    """The response."""

    body: bytes
    status: int = 200
    media_type: str = PLAIN_JSON
    headers: Headers | None = None

    async def send(self, send: Send) -> None:
        """Sends it."""
        headers = []
        if self.status != 304:
            headers.append((b"content-type", b"%s; charset=utf-8" % self.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(self.body)))
        for name, value in (self.headers or {}).items():
            headers.append((name.encode(), value.encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a request asks for."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None
    by_get: bool


class Endpoint:
    """The ASGI application that answers GraphQL requests of one app."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings, *, trusts_loopback: bool) -> None:
        """Prepares it.

        Args:
            engine: gives what executes GraphQL.
            settings: of the app.
            trusts_loopback: answer programs of this machine as the local operator, although there are keys.
        """
        self._get_engine = engine
        self._settings = settings
        self._guard = Guard(settings)
        self._trusts_loopback = trusts_loopback
        self._introspection = Introspection()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            response = await self._respond(scope, headers, receive)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            error = {"message": "something went wrong on the server", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            response = Response(orjson.dumps({"errors": [error]}), 500)
        await response.send(send)

    async def _respond(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> Response:
        accepted = _accepted(headers.get(b"accept", "*/*"))
        media_type = GRAPHQL_JSON if accepted == GRAPHQL_JSON else PLAIN_JSON
        try:
            if scope["method"] == "GET":
                given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
                if accepted == HTML and "query" not in given:
                    return Response(page().encode(), media_type=HTML)
                caller = await self._caller(scope, headers)
                asked = _asked_by_get(given)
            else:
                caller = await self._caller(scope, headers)
                asked = await self._asked_by_post(scope["method"], headers, receive, caller)
            if accepted is None:
                raise BadRequest(406, f"accept: this endpoint returns {GRAPHQL_JSON} or {PLAIN_JSON}", None)
            return await self._answer(asked, media_type, headers, caller)
        except BadRequest as bad:
            error: dict[str, Any] = {"message": str(bad)}
            if bad.code:
                error["extensions"] = {"code": bad.code}
            return Response(orjson.dumps({"errors": [error]}), bad.status, media_type, bad.headers)

    async def _caller(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor:
        """Who sends a request: whom it proves, else the local operator, else nobody in particular.

        Raises:
            BadRequest: it proves nothing, or may not be answered without a proof.
        """
        if ACTOR in scope:
            known: Actor = scope[ACTOR]
            return known
        authentication = self._get_engine().services.authentication
        authorization = headers.get(b"authorization")
        if authorization is None and authentication.is_known_to_be_open:
            return self._local(scope, headers)
        if authorization is not None and (kept := authentication.known(authorization)) is not None:
            return kept
        try:
            actor = await authentication.actor(authorization, self._ask_plugins(scope, headers))
            if actor is not None:
                return actor
            is_public = await authentication.is_configured() and not self._trusts_loopback
        except UnauthenticatedError as error:
            self._note_refusal(scope, headers, error.message.partition(";")[0])
            challenge = {"www-authenticate": f'{_REALM}, error="invalid_token"'}
            raise BadRequest(401, error.message, error.code, challenge) from None
        except UnavailableError as error:
            raise BadRequest(503, error.message, error.code, _UNAVAILABLE) from None
        except Exception:
            _log.exception("who sends a request cannot be found out")
            message = "who sends this cannot be found out now; try again in a minute"
            raise BadRequest(503, message, UnavailableError.code, _UNAVAILABLE) from None
        if not is_public:
            return self._local(scope, headers)
        try:
            self._guard.check_rate(self._guard.address_of(scope, headers))
        except BadRequest as refusal:
            self._note_refusal(scope, headers, str(refusal).partition(";")[0])
            raise
        return PUBLIC

    def _local(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor:
        """The local operator, if a request comes from a program of this machine.

        Raises:
            BadRequest: it may come from elsewhere.
        """
        try:
            self._guard.check_local(scope, headers)
        except BadRequest as refusal:
            self._note_refusal(scope, headers, str(refusal).partition(";")[0])
            raise
        return LOCAL

    def _ask_plugins(self, scope: Scope, headers: Mapping[bytes, str]) -> AskPlugins | None:
        """What asks the plugins who sends a request; None where none knows a way."""
        services = self._get_engine().services
        if not services.host.implementations("actor"):
            return None
        given = {name.decode("latin-1"): value for name, value in headers.items()}
        return lambda: identity_by_plugins(services, given, self._guard.address_of(scope, headers))

    def _note_refusal(self, scope: Scope, headers: Mapping[bytes, str], why: str) -> None:
        """Has a refused request counted in the audit list, by how its key begins and where it came from."""
        start = start_of(headers.get(b"authorization", "").partition(" ")[2].strip())
        by = f" ({start})" if start else ""
        address = self._guard.address_of(scope, headers)
        self._get_engine().services.authentication.keepsakes.refused(f"{why[:200]}{by}, from {address or 'a socket'}")

    async def _asked_by_post(
        self, method: str, headers: Mapping[bytes, str], receive: Receive, caller: Actor
    ) -> GraphQLRequest:
        if method != "POST":
            raise BadRequest(405, f"{method} is not allowed; use POST", headers={"allow": "GET, POST"})
        content_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if content_type != PLAIN_JSON:
            raise BadRequest(415, f"content-type: {content_type or 'none'} is not supported; send {PLAIN_JSON}")
        settings = self._settings
        largest = settings.maximum_public_body_bytes if caller is PUBLIC else settings.maximum_body_bytes
        return _checked(_json(await _body(receive, headers.get(b"content-length"), largest), "the body"), by_get=False)

    async def _answer(
        self, asked: GraphQLRequest, media_type: str, headers: Mapping[bytes, str], caller: Actor
    ) -> Response:
        engine = self._get_engine()
        context = RequestContext(engine.services, actor=caller, request_id=_request_id(headers))
        if caller is PUBLIC and not _is_public(asked.query, engine):
            message = "this needs authentication; send `Authorization: Bearer` and an API key or a token"
            raise BadRequest(401, message, UnauthenticatedError.code, {"www-authenticate": _REALM})
        try:
            operation = engine.services.documents.operation(asked.query, asked.operation_name)
            if asked.by_get and not operation.is_query:
                raise BadRequest(405, "only queries are allowed by GET; use POST", None, {"allow": "POST"})
            if operation.is_introspection:
                # Where an argument has a value it may not have, graphql-core's executor says so.
                with suppress(GraphQLError):
                    kept = await self._introspection.answer(operation, operation.variables(asked.variables))
                    return _kept_response(kept, media_type, headers)
            result = await engine.answer(context, operation, asked.variables)
        except Refused as refused:
            errors = [presented(error, context, refused=True) for error in refused.errors]
            status = 400 if media_type == GRAPHQL_JSON else 200
            return Response(orjson.dumps({"errors": errors}), status, media_type)
        except InputError as error:
            result = OperationResult(b"null", [GraphQLError(error.message, original_error=error)])
        return Response(_body_of(result, context), media_type=media_type)


def _is_public(text: str, engine: Engine) -> bool:
    """Whether a document has nothing but public operations, as far as its form tells; nothing else is looked at.

    What is wrong with another is not said, for it would tell of the schema.
    """
    try:
        document = parse(text, max_tokens=engine.services.settings.maximum_tokens, no_location=True)
    except GraphQLError:
        return False
    for part in document.definitions:
        if isinstance(part, FragmentDefinitionNode) or not isinstance(part, OperationDefinitionNode):
            return False
        allowed = {TYPENAME, *engine.assemble().public.get(part.operation.value, ())}
        for selected in part.selection_set.selections:
            if not isinstance(selected, FieldNode) or selected.name.value not in allowed:
                return False
    return True


def _request_id(headers: Mapping[bytes, str]) -> str | None:
    """The id that a client gives its request, if it is one that logs can hold."""
    given = headers.get(b"x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else None


def _kept_response(kept: KeptAnswer, media_type: str, headers: Mapping[bytes, str]) -> Response:
    """An answer about the schema: compressed if the client accepts that, and not sent if it has it already."""
    packs = _takes_gzip(headers.get(b"accept-encoding", ""))
    etag = f'"{kept.digest}-gzip"' if packs else f'"{kept.digest}"'
    # Callers may get different answers, so no cache in between may keep one for all.
    sent = {"etag": etag, "cache-control": "private", "vary": "Accept, Accept-Encoding"}
    known = {tag.strip().removeprefix("W/") for tag in headers.get(b"if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(b"", 304, media_type, sent)
    if packs:
        return Response(kept.packed, media_type=media_type, headers=sent | {"content-encoding": "gzip"})
    return Response(kept.body, media_type=media_type, headers=sent)


@lru_cache(256)
def _takes_gzip(header: str) -> bool:
    """Whether a client takes a compressed answer."""
    found = {}
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        found[name] = _number(quality) > 0
    return found.get("gzip", found.get("*", False))


def _body_of(result: OperationResult, context: RequestContext) -> bytes:
    if not result.errors:
        return b'{"data":%s}' % result.data
    errors = orjson.dumps([presented(error, context) for error in result.errors])
    return b'{"errors":%s,"data":%s}' % (errors, result.data)


def presented(error: GraphQLError, context: RequestContext, *, refused: bool = False) -> dict[str, Any]:
    """An error as clients see it: what they can fix in full, what they cannot without any internal text."""
    message, extensions = _said(error, context, refused)
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        shown["path"] = error.path
    shown["extensions"] = extensions
    return shown


def _said(error: GraphQLError, context: RequestContext, refused: bool) -> tuple[str, dict[str, Any]]:
    """The message and the extensions of an error."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    extensions: dict[str, Any] = dict(error.extensions or {})
    if isinstance(cause, PluginError):
        _log.error("request %s: %s", context.request_id, cause.message, exc_info=cause)
        said = f"plugin {cause.plugin!r} failed; nothing was changed. The server's log has request {context.request_id}"
        return said, extensions | {"code": cause.code, "plugin": cause.plugin}
    if isinstance(cause, GuanxiError):
        plugin = getattr(cause, "plugin", None)
        return error.message, {"code": cause.code, **({"plugin": plugin} if plugin else {}), **extensions}
    if cause is not None and not isinstance(cause, GraphQLError):
        _log.error("request %s failed", context.request_id, exc_info=cause)
        said = f"something went wrong on the server; its log has request {context.request_id}"
        return said, extensions | {"code": "INTERNAL_SERVER_ERROR"}
    code = "BAD_USER_INPUT"
    if refused:
        code = "GRAPHQL_PARSE_FAILED" if error.message.startswith("Syntax Error") else "GRAPHQL_VALIDATION_FAILED"
    return error.message, {"code": code, **extensions}


@lru_cache(256)
def _accepted(header: str) -> str | None:
    """The media type to answer with, among those a client accepts; None if it accepts none of ours."""
    ranked = []
    for place, part in enumerate(header.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = _number(next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1"))
        if quality > 0:
            ranked.append((-quality, place, name))
    for _, _, name in sorted(ranked):
        if name in (GRAPHQL_JSON, PLAIN_JSON, HTML):
            return name
        if name in ("*/*", "application/*"):
            return PLAIN_JSON
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


async def _body(receive: Receive, length: str | None, largest: int) -> bytes:
    """The body of a request.

    Raises:
        BadRequest: it is larger than allowed.
        ClientDisconnect: the client went away before it was sent.
    """
    if length is not None and length.isdigit() and int(length) > largest:
        raise _too_large(largest)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise _too_large(largest)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _too_large(largest: int) -> BadRequest:
    return BadRequest(413, f"the body is larger than {largest} bytes; send it in parts")


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(400, f"{what} is not JSON") from None


def _asked_by_get(given: dict[str, Any]) -> GraphQLRequest:
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode(), name)
    return _checked(given, by_get=True)


def _checked(given: Any, *, by_get: bool) -> GraphQLRequest:
    if not isinstance(given, dict):
        raise BadRequest(400, "send one JSON object with query, variables and operationName")
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(query, str):
        raise BadRequest(400, "query: a string is required")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "variables: an object is required")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "operationName: a string is required")
    if given.get("extensions") is not None and not isinstance(given["extensions"], dict):
        raise BadRequest(400, "extensions: an object is required")
    return GraphQLRequest(query, variables or {}, name or None, by_get)
