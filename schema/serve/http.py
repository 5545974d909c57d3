"""GraphQL over HTTP: one endpoint that takes and returns JSON, and reports errors by status and code.

Follows the GraphQL-over-HTTP draft: `application/graphql-response+json` where the client asks for it, else
`application/json`; a mutation only by POST; nothing but JSON is read, so that no foreign page can forge a request.
It speaks ASGI itself: between the socket and a plan that is kept, nothing is done that a request does not need.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import GraphQLError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from core.base.actors import LOCAL, Actor
from core.base.errors import GuanxiError, InputError, PluginError
from schema.request.context import RequestContext
from schema.request.documents import OperationResult, Refused
from schema.serve.engine import Engine
from schema.serve.graphiql import page
from schema.serve.introspection import Introspection, KeptAnswer

_log = logging.getLogger("guanxi.http")

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
HTML = "text/html"

Headers = Mapping[str, str]

#: Where code in the same process, such as the test kit, says who asks; no HTTP request can.
ACTOR = "guanxi.actor"


class BadRequest(Exception):  # noqa: N818  (an HTTP status with its message)
    """The request is not a GraphQL request."""

    def __init__(self, status: int, message: str, code: str | None = "BAD_REQUEST", headers: Headers | None = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


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

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._get_engine = engine
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
                asked = _asked_by_get(given)
            else:
                asked = await self._asked_by_post(scope["method"], headers, receive)
            if accepted is None:
                raise BadRequest(406, f"accept: this endpoint returns {GRAPHQL_JSON} or {PLAIN_JSON}", None)
            return await self._answer(asked, media_type, headers, scope.get(ACTOR, LOCAL))
        except BadRequest as bad:
            error: dict[str, Any] = {"message": str(bad)}
            if bad.code:
                error["extensions"] = {"code": bad.code}
            return Response(orjson.dumps({"errors": [error]}), bad.status, media_type, bad.headers)

    async def _asked_by_post(self, method: str, headers: Mapping[bytes, str], receive: Receive) -> GraphQLRequest:
        if method != "POST":
            raise BadRequest(405, f"{method} is not allowed; use POST", headers={"allow": "GET, POST"})
        content_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        if content_type != PLAIN_JSON:
            raise BadRequest(415, f"content-type: {content_type or 'none'} is not supported; send {PLAIN_JSON}")
        largest = self._get_engine().services.settings.maximum_body_bytes
        return _checked(_json(await _body(receive, headers.get(b"content-length"), largest), "the body"), by_get=False)

    async def _answer(
        self, asked: GraphQLRequest, media_type: str, headers: Mapping[bytes, str], actor: Actor
    ) -> Response:
        engine = self._get_engine()
        context = RequestContext(engine.services, actor=actor, request_id=headers.get(b"x-request-id"))
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
