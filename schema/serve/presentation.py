"""Results and errors as clients see them."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from graphql import GraphQLError

from core.access.permissions import INTROSPECT
from core.base.errors import GuanxiError, OutcomeUnknownError, PluginError, UnavailableError
from core.base.languages import Language
from core.base.sentences import sentence
from core.db.faults import fault_of
from schema.request.context import RequestContext
from schema.request.operations import OperationResult
from schema.serve.bad_request import BadRequest
from schema.serve.negotiation import PLAIN_JSON
from schema.serve.observation import RequestRecord
from schema.serve.response import Response

#: What graphql-core adds about names that are nearly right.
_SUGGESTION = re.compile(r" Did you mean .*\?$", re.DOTALL)

_log = logging.getLogger("guanxi.http")


def response_to(
    result: OperationResult,
    context: RequestContext,
    record: RequestRecord,
    media_type: str,
    headers: Mapping[str, str],
    budget: int | None = None,
) -> Response:
    """The response to an operation that was executed.

    Args:
        result: of the operation.
        context: of the request.
        record: where the codes of its errors are noted.
        media_type: of the response.
        headers: that it has in any case.
        budget: of costs, if it is to be said.
    """
    said = b""
    if budget is not None:
        said = b',"extensions":{"cost":{"requested":%d,"budget":%d}}' % (result.cost, budget)
    if not result.errors:
        return Response(b'{"data":%s%s}' % (result.data, said), media_type=media_type, headers=headers)
    shown = [presented(error, context) for error in result.errors]
    record.codes = [one["extensions"]["code"] for one in shown]
    body = b'{"errors":%s,"data":%s%s}' % (orjson.dumps(shown), result.data, said)
    fault = next((found for error in result.errors if (found := _fault_of_root(error)) is not None), None)
    if fault is None:
        return Response(body, media_type=media_type, headers=headers)
    return Response(body, 503, media_type, {**headers, **_when_to_repeat(fault, record)})


def unavailable(fault: UnavailableError, record: RequestRecord, media_type: str) -> Response:
    """The response to a request that could not be executed at all, because something cannot be reached."""
    record.codes = [fault.code]
    error = {"message": record.language.said(fault.message), "extensions": {"code": fault.code}}
    headers = {} if isinstance(fault, OutcomeUnknownError) else {"retry-after": str(fault.seconds)}
    return Response(orjson.dumps({"errors": [error]}), 503, media_type, headers | said_in(record.language))


def refused_response(bad: BadRequest, media_type: str, record: RequestRecord) -> Response:
    """The response to a request that is not answered."""
    record.codes = [bad.code]
    error = {"message": record.language.said(bad.message), "extensions": {"code": bad.code}}
    headers = {**bad.headers, **said_in(record.language)}
    return Response(orjson.dumps({"errors": [error]}), bad.status, media_type, headers)


def failed_response(what: str, record: RequestRecord) -> Response:
    """The response where something went wrong; called where that is caught."""
    _log.exception("%s failed", what)
    message = record.language.said(sentence("something went wrong on the server"))
    error = {"message": message, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    record.codes = ["INTERNAL_SERVER_ERROR"]
    return Response(orjson.dumps({"errors": [error]}), 500, headers=said_in(record.language))


def response_with_errors(
    errors: Sequence[Mapping[str, Any]], record: RequestRecord, media_type: str = PLAIN_JSON, status: int = 400
) -> Response:
    """The response to a request that is refused before it is executed."""
    record.codes = [error["extensions"]["code"] for error in errors]
    return Response(orjson.dumps({"errors": errors}), status, media_type, said_in(record.language))


def said_in(language: Language) -> dict[str, str]:
    """What caches are told of an answer: the language of its messages, and what it depends on."""
    return {"content-language": language.tag, "vary": "Accept, Accept-Language"}


def _fault_of_root(error: GraphQLError) -> UnavailableError | None:
    """What could not be reached for a root field; in a field below, it takes nothing from the others."""
    cause = _cause(error)
    return cause if isinstance(cause, UnavailableError) and len(error.path or ()) <= 1 else None


def _when_to_repeat(fault: UnavailableError, record: RequestRecord) -> Mapping[str, str]:
    """When to send a request again; nothing of one that may have written something."""
    operation = record.operation
    is_safe = operation is not None and (operation.is_query or len(operation.root_fields) == 1)
    return {"retry-after": str(fault.seconds)} if is_safe and not isinstance(fault, OutcomeUnknownError) else {}


def presented(error: GraphQLError, context: RequestContext, *, refused: bool = False) -> dict[str, Any]:
    """An error as clients see it: what they can fix in full, what they cannot without any internal text."""
    message, extensions = _said(error, context, refused)
    message = context.language.said(message)
    if not context.access.has(INTROSPECT):
        message = _SUGGESTION.sub("", message)
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        shown["path"] = error.path
    shown["extensions"] = extensions
    return shown


def _cause(error: GraphQLError) -> Exception | None:
    """What an error was made of."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return fault_of(cause) or cause if cause is not None else None


def _said(error: GraphQLError, context: RequestContext, refused: bool) -> tuple[str, dict[str, Any]]:
    """The message and the extensions of an error."""
    cause = _cause(error)
    extensions: dict[str, Any] = dict(error.extensions or {})
    if isinstance(cause, PluginError):
        _log.error("request %s: %s", context.request_id, cause.message, exc_info=cause)
        said = sentence(
            "plugin {plugin!r} failed; nothing was changed. The server's log has request {request}",
            plugin=cause.plugin,
            request=context.request_id,
        )
        return said, extensions | {"code": cause.code, "plugin": cause.plugin}
    if isinstance(cause, GuanxiError):
        plugin = getattr(cause, "plugin", None)
        # A driver's own words, or a plugin's that met them, are nothing for clients; and a message keeps its parts.
        is_own = isinstance(cause, UnavailableError) or cause.message == error.message
        message = cause.message if is_own else error.message
        return message, {"code": cause.code, **({"plugin": plugin} if plugin else {}), **extensions}
    if cause is not None and not isinstance(cause, GraphQLError):
        _log.error("request %s failed", context.request_id, exc_info=cause)
        said = sentence("something went wrong on the server; its log has request {request}", request=context.request_id)
        return said, extensions | {"code": "INTERNAL_SERVER_ERROR"}
    code = "BAD_USER_INPUT"
    if refused:
        code = "GRAPHQL_PARSE_FAILED" if error.message.startswith("Syntax Error") else "GRAPHQL_VALIDATION_FAILED"
    return error.message, {"code": code, **extensions}
