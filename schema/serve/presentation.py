"""Results and errors as clients see them."""

import logging
from typing import Any

import orjson
from graphql import GraphQLError

from core.base.errors import GuanxiError, PluginError
from schema.request.context import RequestContext
from schema.request.operations import OperationResult

_log = logging.getLogger("guanxi.http")


def body_of(result: OperationResult, context: RequestContext, budget: int | None = None) -> bytes:
    """The body of the response to an operation that was executed; with its cost, if the budget is to be said."""
    said = b""
    if budget is not None:
        said = b',"extensions":{"cost":{"requested":%d,"budget":%d}}' % (result.cost, budget)
    if not result.errors:
        return b'{"data":%s%s}' % (result.data, said)
    errors = orjson.dumps([presented(error, context) for error in result.errors])
    return b'{"errors":%s,"data":%s%s}' % (errors, result.data, said)


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
