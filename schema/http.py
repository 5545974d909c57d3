"""GraphQL over HTTP: one endpoint that takes JSON, answers JSON, and says with status and code what was wrong.

Follows the GraphQL-over-HTTP draft: `application/graphql-response+json` where the client asks for it, else
`application/json`; a mutation only by POST; nothing but JSON is read, so that no foreign page can forge a request.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, OperationType, get_operation_ast
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from core.errors import GuanxiError, PluginError
from schema.context import RequestContext, Services
from schema.graphiql import page

_log = logging.getLogger("guanxi.http")

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"


class BadRequest(Exception):  # noqa: N818  (an HTTP status with its message)
    """The request is no GraphQL request."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a request asks."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None
    by_get: bool


class Endpoint:
    """The ASGI application that answers GraphQL requests of one app."""

    def __init__(self, services: Callable[[], Services]) -> None:
        self._get_services = services

    @property
    def _services(self) -> Services:
        return self._get_services()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        accepted = _accepted(request.headers.get("accept", "*/*"))
        if request.method == "GET" and accepted == "text/html" and "query" not in request.query_params:
            return HTMLResponse(page())
        media_type = GRAPHQL_JSON if accepted == GRAPHQL_JSON else PLAIN_JSON
        try:
            asked = await self._read(request)
        except BadRequest as bad:
            body = {"errors": [{"message": str(bad), "extensions": {"code": "BAD_REQUEST"}}]}
            return _response(body, bad.status, media_type, bad.headers)
        if accepted is None:
            body = {"errors": [{"message": f"accept: this endpoint answers {GRAPHQL_JSON} or {PLAIN_JSON}"}]}
            return _response(body, 406, PLAIN_JSON)
        return await self._answer(asked, media_type, request.headers.get("x-request-id"))

    async def _read(self, request: Request) -> GraphQLRequest:
        if request.method == "GET":
            given: Any = dict(request.query_params)
            for name in ("variables", "extensions"):
                if name in given:
                    given[name] = _json(given[name].encode(), name)
        elif request.method == "POST":
            content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if content_type != PLAIN_JSON:
                raise BadRequest(415, f"content-type: {content_type or 'none'} is not read; send {PLAIN_JSON}")
            given = _json(await self._body(request), "the body")
        else:
            raise BadRequest(405, f"{request.method} is not possible; use POST", {"Allow": "GET, POST"})
        return _checked(given, by_get=request.method == "GET")

    async def _body(self, request: Request) -> bytes:
        largest = self._services.settings.maximum_body_bytes
        if int(request.headers.get("content-length") or 0) > largest:
            raise BadRequest(413, f"the body is larger than {largest} bytes; send it in parts")
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > largest:
                raise BadRequest(413, f"the body is larger than {largest} bytes; send it in parts")
            parts.append(part)
        return b"".join(parts)

    async def _answer(self, asked: GraphQLRequest, media_type: str, request_id: str | None) -> Response:
        context = RequestContext(self._services, request_id=request_id)
        engine = self._services.engine
        document = engine.document(asked.query)
        if isinstance(document, list):
            return self._refused(document, context, media_type)
        operation = get_operation_ast(document, asked.operation_name)
        if operation is None:
            problem = (
                f"operationName: there is no operation {asked.operation_name!r}"
                if asked.operation_name
                else ("operationName: the document has several operations; name one")
            )
            return self._refused([GraphQLError(problem)], context, media_type)
        if asked.by_get and operation.operation is not OperationType.QUERY:
            body = {"errors": [{"message": "only queries are possible by GET; use POST"}]}
            return _response(body, 405, media_type, {"Allow": "POST"})
        result = await engine.execute(context, document, asked.variables, asked.operation_name)
        if result.data is None and result.errors and all(not error.path for error in result.errors):
            return self._refused(result.errors, context, media_type)
        return _response(self._body_of(result, context), 200, media_type)

    def _refused(self, errors: Sequence[GraphQLError], context: RequestContext, media_type: str) -> Response:
        """The answer to a request that was not executed at all."""
        body = {"errors": [presented(error, context.request_id, refused=True) for error in errors]}
        return _response(body, 400 if media_type == GRAPHQL_JSON else 200, media_type)

    def _body_of(self, result: ExecutionResult, context: RequestContext) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if result.errors:
            body["errors"] = [presented(error, context.request_id) for error in result.errors]
        body["data"] = result.data
        return body


def presented(error: GraphQLError, request_id: str, *, refused: bool = False) -> dict[str, Any]:
    """An error as clients see it: what they can mend in full, what they cannot without any internal text."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    shown: dict[str, Any] = {"message": error.message}
    extensions: dict[str, Any] = dict(error.extensions or {})
    if isinstance(cause, PluginError):
        _log.error("request %s: %s", request_id, cause.message, exc_info=cause)
        shown["message"] = (
            f"plugin {cause.plugin!r} failed; nothing was written. The server's log has request {request_id}"
        )
        extensions |= {"code": cause.code, "plugin": cause.plugin}
    elif isinstance(cause, GuanxiError):
        extensions.setdefault("code", cause.code)
    elif cause is not None and not isinstance(cause, GraphQLError) and "plugin" not in extensions:
        _log.error("request %s failed", request_id, exc_info=cause)
        shown["message"] = f"something went wrong on the server; its log has request {request_id}"
        extensions["code"] = "INTERNAL_SERVER_ERROR"
    elif refused:
        is_syntax = error.message.startswith("Syntax Error")
        extensions.setdefault("code", "GRAPHQL_PARSE_FAILED" if is_syntax else "GRAPHQL_VALIDATION_FAILED")
    else:
        extensions.setdefault("code", "BAD_USER_INPUT")
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        shown["path"] = error.path
    shown["extensions"] = extensions
    return shown


def _accepted(header: str) -> str | None:
    """The media type to answer with, among those a client accepts; None if it accepts none of ours."""
    ranked = []
    for place, part in enumerate(header.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = _number(next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1"))
        if quality > 0:
            ranked.append((-quality, place, name))
    for _, _, name in sorted(ranked):
        if name in (GRAPHQL_JSON, PLAIN_JSON, "text/html"):
            return name
        if name in ("*/*", "application/*"):
            return PLAIN_JSON
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _json(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(400, f"{what} is no JSON") from None


def _checked(given: Any, *, by_get: bool) -> GraphQLRequest:
    if not isinstance(given, dict):
        raise BadRequest(400, "send one JSON object with query, variables and operationName")
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(query, str):
        raise BadRequest(400, "query: a text is needed")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, "variables: an object is needed")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "operationName: a text is needed")
    if given.get("extensions") is not None and not isinstance(given["extensions"], dict):
        raise BadRequest(400, "extensions: an object is needed")
    return GraphQLRequest(query, variables or {}, name or None, by_get)


def _response(
    body: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(body), status, headers, f"{media_type}; charset=utf-8")
