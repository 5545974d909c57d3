"""GraphQL over WebSocket: the protocol `graphql-transport-ws`, any number of operations on one connection."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
from starlette.types import Message, Receive, Scope, Send

from core.base.actors import PUBLIC, Actor
from core.base.languages import ENGLISH, Language
from core.base.sentences import sentence
from schema.serve.bad_request import BadRequest
from schema.serve.callers import Callers
from schema.serve.live.groups import Ending
from schema.serve.live.outbox import Outbox
from schema.serve.live.subscriptions import Subscriptions
from schema.serve.parameters import BodyLimits, GraphQLRequest, asked_in, parsed

PROTOCOL = "graphql-transport-ws"

#: How long a client may take to say who it is.
_INIT_SECONDS = 10.0
#: An operation is waited for so long before the next message is read, so that most begin in the order they came in.
_ORDER_SECONDS = 1.0
_LONGEST_REASON = 120

GOING_AWAY, TRY_AGAIN_LATER = 1001, 1013
BAD_MESSAGE, UNAUTHORIZED, FORBIDDEN, WRONG_PROTOCOL = 4400, 4401, 4403, 4406
INIT_TIMEOUT, SUBSCRIBER_EXISTS, TOO_MANY_INITS = 4408, 4409, 4429
_CODES = {Ending.STOPPING: GOING_AWAY, Ending.UNAUTHENTICATED: UNAUTHORIZED, Ending.SLOW: TRY_AGAIN_LATER}


class Operations(Protocol):
    """What answers operations that come by other ways than one request each."""

    callers: Callers
    subscriptions: Subscriptions
    refusal: str

    def limits(self, caller: Actor | None) -> BodyLimits:
        """What a message may be."""
        ...

    def language(self, headers: Mapping[bytes, str]) -> Language:
        """The language that a client reads."""
        ...

    async def begin(self, subscriber: Any, key: str, asked: GraphQLRequest) -> bytes | None:
        """The whole answer to an operation as JSON; None if it is a subscription, which has begun."""
        ...


class _Close(Exception):  # noqa: N818  (control flow inside this module)
    """The connection is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class WebSocket:
    """One connection.

    Attributes:
        actor: who it is, once it has said so.
        language: that its messages are said in.
    """

    actor: Actor
    language: Language = ENGLISH

    def __init__(self, operations: Operations, scope: Scope, receive: Receive, send: Send) -> None:
        self._operations = operations
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._outbox = Outbox(self._write, lambda: self.close(Ending.SLOW, "too much waits to be read; resume"))
        self._is_acknowledged = False
        self._closing: _Close | None = None
        self._is_closing = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serves it until it is closed."""
        await self._receive()
        try:
            self._operations.callers.check_page(self._headers)
        except BadRequest:
            # Before it is accepted, to close is to answer 403.
            await self._send({"type": "websocket.close", "code": FORBIDDEN})
            return
        speaks = PROTOCOL in self._scope.get("subprotocols", ())
        await self._send({"type": "websocket.accept", "subprotocol": PROTOCOL if speaks else None})
        try:
            if not speaks:
                raise _Close(WRONG_PROTOCOL, "Subprotocol not acceptable")
            await self._converse()
        except _Close as close:
            message = {"type": "websocket.close", "code": close.code, "reason": _reason(close)}
            await self._outbox.part(self._send(message))
        finally:
            self._operations.subscriptions.end_all(self)
            for task in self._running.values():
                task.cancel()

    async def _converse(self) -> None:
        """Reads messages until the client goes away, or is to.

        Raises:
            _Close: it is.
        """
        closing = asyncio.ensure_future(self._is_closing.wait())
        try:
            try:
                async with asyncio.timeout(_INIT_SECONDS):
                    while not self._is_acknowledged and await self._take_next(closing):
                        pass
            except TimeoutError:
                raise _Close(INIT_TIMEOUT, "Connection initialisation timeout") from None
            while await self._take_next(closing):
                pass
        finally:
            closing.cancel()

    async def _take_next(self, closing: "asyncio.Future[Any]") -> bool:
        """Reads a message and does what it says; whether there may be another.

        Raises:
            _Close: the connection is to be closed.
        """
        reading = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait((reading, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not reading.done():
                reading.cancel()
        if self._closing is not None:
            raise self._closing
        message: Message = reading.result()
        if message["type"] == "websocket.disconnect":
            self._outbox.close()
            return False
        given = self._parsed(message)
        take = self._takers().get(given.get("type"))
        if take is None:
            raise _Close(BAD_MESSAGE, "Invalid message")
        await take(given)
        return True

    def _parsed(self, message: Message) -> Mapping[str, Any]:
        text = message.get("text")
        if text is None:
            raise _Close(BAD_MESSAGE, "Invalid message: send text")
        limits = self._operations.limits(self.actor if self._is_acknowledged else None)
        try:
            given = parsed(text.encode("utf-8", "surrogatepass"), limits)
        except BadRequest as bad:
            raise _Close(BAD_MESSAGE, f"Invalid message: {bad}") from None
        if not isinstance(given, dict):
            raise _Close(BAD_MESSAGE, "Invalid message")
        return given

    # What clients say

    def _takers(self) -> Mapping[Any, Callable[[Mapping[str, Any]], Awaitable[None]]]:
        return {
            "connection_init": self._init,
            "ping": self._ping,
            "pong": self._pong,
            "subscribe": self._subscribe,
            "complete": self._complete,
        }

    async def _init(self, given: Mapping[str, Any]) -> None:
        if self._is_acknowledged:
            raise _Close(TOO_MANY_INITS, "Too many initialisation requests")
        payload = given.get("payload") or {}
        if not isinstance(payload, dict):
            raise _Close(BAD_MESSAGE, "Invalid message: payload must be an object")
        # Pages cannot send headers with a WebSocket, so what they would say may come with its first message.
        credential = next((value for name, value in payload.items() if name.lower() == "authorization"), None)
        if isinstance(credential, str):
            self._headers[b"authorization"] = credential
        asked = next((value for name, value in payload.items() if name.lower() == "accept-language"), None)
        if isinstance(asked, str):
            self._headers[b"accept-language"] = asked
        self.language = self._operations.language(self._headers)
        try:
            self.actor = await self.verify()
        except BadRequest as refusal:
            raise _Close(TRY_AGAIN_LATER if refusal.status in (429, 503) else FORBIDDEN, str(refusal)) from None
        self._is_acknowledged = True
        self._operations.subscriptions.welcome(self)
        self._outbox.put(b'{"type":"connection_ack"}')

    async def _ping(self, given: Mapping[str, Any]) -> None:
        payload = given.get("payload")
        self._outbox.put(orjson.dumps({"type": "pong"} | ({} if payload is None else {"payload": payload})))

    async def _pong(self, given: Mapping[str, Any]) -> None:
        pass

    async def _subscribe(self, given: Mapping[str, Any]) -> None:
        if not self._is_acknowledged:
            raise _Close(UNAUTHORIZED, "Unauthorized")
        key = given.get("id")
        if not isinstance(key, str) or not key:
            raise _Close(BAD_MESSAGE, "Invalid message: id must be a string")
        try:
            asked = asked_in(given.get("payload"))
        except BadRequest as bad:
            raise _Close(BAD_MESSAGE, f"Invalid message: {bad}") from None
        if key in self._running or self._operations.subscriptions.has(self, key):
            raise _Close(SUBSCRIBER_EXISTS, f"Subscriber for {key} already exists")
        task = self._running[key] = asyncio.create_task(self._run(key, asked))
        task.add_done_callback(lambda done: self._forget(key, task))
        await asyncio.wait([task], timeout=_ORDER_SECONDS)

    def _forget(self, key: str, task: "asyncio.Task[None]") -> None:
        if self._running.get(key) is task:
            del self._running[key]

    async def _complete(self, given: Mapping[str, Any]) -> None:
        key = given.get("id")
        if isinstance(key, str):
            task = self._running.pop(key, None)
            if task is not None:
                task.cancel()
            self._operations.subscriptions.end(self, key)

    async def _run(self, key: str, asked: GraphQLRequest) -> None:
        """Answers one operation."""
        answer = await self._operations.begin(self, key, asked)
        if answer is None or self._running.get(key) is not asyncio.current_task():
            return
        result = orjson.loads(answer)
        if "data" in result:
            self.deliver(key, answer)
            self._outbox.put(orjson.dumps({"id": key, "type": "complete"}))
        else:
            self._outbox.put(orjson.dumps({"id": key, "type": "error", "payload": result["errors"]}))

    # What it is told

    async def verify(self) -> Actor:
        """Who it is now.

        Raises:
            BadRequest: what proved it no longer does, or that cannot be found out now.
        """
        actor = await self._operations.callers.caller(self._scope, self._headers)
        if actor is PUBLIC:
            raise BadRequest(
                401, sentence("this needs authentication; send an API key or a token with connection_init")
            )
        return actor

    def deliver(self, key: str, payload: bytes) -> None:
        """Sends one result of an operation."""
        self._outbox.put(b'{"id":', orjson.dumps(key), b',"type":"next","payload":', payload, b"}")

    async def has_room(self) -> bool:
        """Waits until more may be delivered; whether the client is still there."""
        await self._outbox.room()
        return self._outbox.is_open

    def fail(self, key: str, error: Mapping[str, Any]) -> None:
        """Ends an operation with an error."""
        self._outbox.put(orjson.dumps({"id": key, "type": "error", "payload": [error]}))

    def close(self, ending: Ending, why: str) -> None:
        """Has the connection closed."""
        if self._closing is None:
            self._closing = _Close(_CODES[ending], why)
            self._is_closing.set()

    async def _write(self, parcel: bytes) -> None:
        await self._send({"type": "websocket.send", "text": parcel.decode()})


def _reason(close: _Close) -> str:
    """Why, as long as a closing frame may be."""
    return str(close).encode()[:_LONGEST_REASON].decode(errors="ignore")
