"""GraphQL over server-sent events: the distinct connections mode of the protocol `graphql-sse`, one request each."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import orjson
from starlette.types import Receive, Send

from core.base.actors import Actor
from core.base.languages import Language
from schema.serve.live.groups import Ending, Subscription
from schema.serve.live.outbox import Outbox
from schema.serve.live.subscriptions import Subscriptions
from schema.serve.response import PROTECTION_HEADERS

#: So often proxies and clients see that the connection is alive.
_KEEP_ALIVE_SECONDS = 12.0
_KEEP_ALIVE = b":\n\n"
#: Has proxies pass on each event as it comes.
_UNBUFFERED = (b"x-accel-buffering", b"no")
_COMPLETE = b"event: complete\ndata:\n\n"


def next_event(payload: bytes) -> tuple[bytes, ...]:
    """One result as an event, in parts."""
    return b"event: next\ndata: ", payload, b"\n\n"


def finished(payload: bytes) -> bytes:
    """The whole stream of an operation that has one result."""
    return b"".join((*next_event(payload), _COMPLETE))


class EventStream:
    """A response that goes on for as long as its one subscription does."""

    status = 200

    def __init__(
        self,
        actor: Actor,
        language: Language,
        verify: Callable[[], Coroutine[Any, Any, Actor]],
        receive: Receive,
    ) -> None:
        """Prepares it.

        Args:
            actor: who asks.
            language: that its messages are said in.
            verify: finds out who it is now.
            receive: of the request, whose body has been read.
        """
        self.actor = actor
        self.language = language
        self.headers: Mapping[str, str] = {}
        self._verify = verify
        self._receive = receive
        self._is_over = asyncio.Event()
        self._last = _COMPLETE
        self._outbox = Outbox(self._write, self._cut)

    def serving(self, subscriptions: Subscriptions, subscription: Subscription) -> "EventStream":
        """Itself, about to serve a subscription that is prepared."""
        self._subscriptions, self._subscription = subscriptions, subscription
        return self

    async def send(self, send: Send) -> None:
        """Sends everything, until the subscription ends or the client is gone."""
        self._send = send
        headers = [*PROTECTION_HEADERS, (b"content-type", b"text/event-stream; charset=utf-8"), _UNBUFFERED]
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        watching: asyncio.Task[None] | None = None
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            watching = asyncio.create_task(self._watch())
            beginning = asyncio.create_task(self._begin())
            while not self._is_over.is_set():
                self._outbox.put(_KEEP_ALIVE)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_KEEP_ALIVE_SECONDS):
                        await self._is_over.wait()
            beginning.cancel()
            await self._outbox.part(self._finish())
        finally:
            self._subscriptions.end_all(self)
            if watching is not None:
                watching.cancel()

    async def _begin(self) -> None:
        try:
            await self._subscriptions.begin(self._subscription)
        except Exception as error:
            self.fail("", self._subscription.group.question.shown(error, self.language))

    async def _watch(self) -> None:
        """Ends it once nobody reads any more."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._outbox.close()
        self._is_over.set()

    async def _write(self, parcel: bytes) -> None:
        await self._send({"type": "http.response.body", "body": parcel, "more_body": True})

    async def _finish(self) -> None:
        await self._send({"type": "http.response.body", "body": self._last, "more_body": False})

    def _cut(self) -> None:
        # Without an event that says it is complete, so that clients come back.
        self._last = b""
        self._is_over.set()

    async def verify(self) -> Actor:
        """Who asks, now.

        Raises:
            BadRequest: what proved it no longer does, or that cannot be found out now.
        """
        return await self._verify()

    def deliver(self, key: str, payload: bytes) -> None:
        """Sends one result."""
        self._outbox.put(*next_event(payload))

    async def has_room(self) -> bool:
        """Waits until more may be delivered; whether anybody is still there."""
        await self._outbox.room()
        return self._outbox.is_open

    def fail(self, key: str, error: Mapping[str, Any]) -> None:
        """Sends an error, and ends."""
        self.deliver(key, orjson.dumps({"errors": [error]}))
        self._is_over.set()

    def close(self, ending: Ending, why: str) -> None:
        """Ends; with an error unless the server stops."""
        if ending is not Ending.STOPPING:
            self.deliver(
                "",
                orjson.dumps({"errors": [{"message": self.language.said(why), "extensions": {"code": ending.value}}]}),
            )
        self._is_over.set()
