"""What a request asks for, read from its body or its address.

Parsing JSON holds up everything else for as long as it takes, in whatever thread. So a body is refused by its length,
and a long one by how many values it has, before it is parsed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from core.base.sentences import sentence, term
from schema.serve.bad_request import BadRequest
from schema.serve.deadlines import Deadline
from schema.serve.negotiation import PLAIN_JSON


# Not frozen: one is made for each request, and to freeze it takes longer than to make it.
@dataclass(slots=True)
class GraphQLRequest:
    """What a request asks for.

    Attributes:
        query: the text of its document; None where it is asked for by its id alone.
        document_id: of its document, among those of the server's file; None if it has none.
        variables: their values.
        operation_name: which operation of the document is run.
        by_get: whether it came by GET.
        wants_cost: whether the answer is to have what it cost, by `"extensions": {"cost": true}`.
    """

    query: str | None
    document_id: str | None
    variables: Mapping[str, Any]
    operation_name: str | None
    by_get: bool
    wants_cost: bool


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may be.

    Attributes:
        bytes: its length.
        values: how many members of objects and items of lists it has.
        containers: how many objects and lists.
        deadline: until when the client has to have sent it.
    """

    bytes: int
    values: int
    containers: int
    deadline: Deadline


def asked_by_get(query: bytes) -> GraphQLRequest:
    """What a request asks for by its address; `query` is the part behind the question mark.

    Raises:
        BadRequest: it is not a GraphQL request.
    """
    given: dict[str, Any] = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _json(given[name].encode(), sentence("{parameter}: this is not JSON", parameter=name))
    return _checked(given, by_get=True)


async def asked_by_post(headers: Mapping[bytes, str], receive: Receive, limits: BodyLimits) -> GraphQLRequest:
    """What a request asks for in its body.

    Raises:
        BadRequest: it is not a GraphQL request, too large, or comes too slowly.
        ClientDisconnect: the client went away before it was sent.
    """
    return asked_in(await json_by_post(headers, receive, limits))


async def json_by_post(headers: Mapping[bytes, str], receive: Receive, limits: BodyLimits) -> Any:
    """What a request has in its body, which is JSON.

    Raises:
        BadRequest: it is not, is too large, or comes too slowly.
        ClientDisconnect: the client went away before it was sent.
    """
    content_type = headers.get(b"content-type", "")
    if content_type != PLAIN_JSON:
        content_type = content_type.partition(";")[0].strip().lower()
        if content_type != PLAIN_JSON:
            raise BadRequest(
                415,
                sentence(
                    "content-type: {value} is not supported; send {json}", value=content_type or "none", json=PLAIN_JSON
                ),
            )
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > limits.bytes:
        raise _too_large(limits.bytes)
    try:
        body = await limits.deadline.keep(_body(receive, limits.bytes))
    except TimeoutError:
        said = sentence(
            "the body did not come within {seconds:g} s; send it faster, or in parts", seconds=limits.deadline.seconds
        )
        raise BadRequest(408, said, headers=_CLOSE) from None
    return parsed(body, limits)


def parsed(body: bytes, limits: BodyLimits) -> Any:
    """What a body of JSON has in it.

    Raises:
        BadRequest: it is not JSON, or too large.
    """
    if len(body) > limits.containers:
        if len(body) > limits.bytes:
            raise _too_large(limits.bytes)
        _check_parts(body, limits)
    return _json(body, _NOT_JSON)


def asked_in(given: Any) -> GraphQLRequest:
    """What is asked for by a JSON object.

    Raises:
        BadRequest: it is not a GraphQL request.
    """
    return _checked(given, by_get=False)


def _check_parts(body: bytes, limits: BodyLimits) -> None:
    """Refuses a body of too many parts. Commas and brackets in texts count too, of which there are few.

    Raises:
        BadRequest: it is.
    """
    for what, most, marks in (
        (term("values"), limits.values, b","),
        (term("objects and lists"), limits.containers, b"{["),
    ):
        if sum(body.count(mark) for mark in marks) > most:
            raise BadRequest(
                413,
                sentence("the body has more than {most} {what}; send it in parts", most=most, what=what),
                headers=_CLOSE,
            )


#: The rest of a body that is not read to its end is not taken for the next request.
_CLOSE = {"connection": "close"}


async def _body(receive: Receive, largest: int) -> bytes:
    """The body of a request.

    Raises:
        BadRequest: it is larger than allowed.
        ClientDisconnect: the client went away before it was sent.
    """
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
        if not message.get("more_body"):
            # Most come in one part.
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


def _too_large(largest: int) -> BadRequest:
    return BadRequest(
        413, sentence("the body is larger than {largest} bytes; send it in parts", largest=largest), headers=_CLOSE
    )


# Made once: every request would make it again.
_NOT_JSON = sentence("the body is not JSON")


def _json(text: bytes, problem: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequest(400, problem) from None


def _checked(given: Any, *, by_get: bool) -> GraphQLRequest:
    if not isinstance(given, dict):
        raise BadRequest(400, sentence("send one JSON object with query, variables and operationName"))
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    document_id, extensions = given.get("documentId"), given.get("extensions")
    if document_id is not None and not isinstance(document_id, str):
        raise BadRequest(400, sentence("documentId: a string is required"))
    if not isinstance(query, str) and (query is not None or document_id is None):
        raise BadRequest(400, sentence("query: a string is required"))
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest(400, sentence("variables: an object is required"))
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, sentence("operationName: a string is required"))
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest(400, sentence("extensions: an object is required"))
    wants_cost = extensions is not None and extensions.get("cost") is True
    return GraphQLRequest(query, document_id, variables or {}, name or None, by_get, wants_cost)
