"""WebSockets to an app inside its event loop, without a network."""

import asyncio
import json
from contextlib import asynccontextmanager

from schema.serve.callers import ACTOR
from schema.serve.live.websocket import PROTOCOL


class Socket:
    """One connection, as its client has it."""

    def __init__(self, app, headers, subprotocols, actor):
        self._incoming, self._outgoing = asyncio.Queue(), asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        scope = {
            "type": "websocket",
            "path": "/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()],
            "client": ("127.0.0.1", 50000),
            "subprotocols": subprotocols,
        }
        if actor is not None:
            scope[ACTOR] = actor
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self._incoming.get, self._sent))

    async def _sent(self, message):
        await self.reads.wait()
        self._outgoing.put_nowait(message)

    def say(self, type, **given):
        """Sends a message."""
        self.send(json.dumps({"type": type, **given}))

    def send(self, text):
        """Sends a text."""
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def subscribe(self, key, query, **variables):
        """Begins an operation."""
        self.say("subscribe", id=key, payload={"query": query, "variables": variables})

    async def hear(self):
        """The next message, or the code with which the connection was closed."""
        async with asyncio.timeout(20):
            message = await self._outgoing.get()
        return message.get("code") if message["type"] == "websocket.close" else json.loads(message["text"])

    async def data(self):
        """The data of the next result."""
        said = await self.hear()
        assert said["type"] == "next", said
        return said["payload"]["data"]

    async def settle(self):
        """Waits until all that was said has been done; returns the data it heard meanwhile."""
        self.say("ping")
        found = []
        while (said := await self.hear())["type"] != "pong":
            found.append(said["payload"]["data"])
        return found


@asynccontextmanager
async def socket(app, *, actor=None, headers=None, subprotocols=(PROTOCOL,), init=True, credential=None):
    """A connection that is accepted, and acknowledged unless it is not to be initialised."""
    made = Socket(app, headers or {}, list(subprotocols), actor)
    try:
        async with asyncio.timeout(20):
            first = await made._outgoing.get()
        assert first["type"] == "websocket.accept", first
        if init:
            made.say("connection_init", payload={"authorization": f"Bearer {credential}"} if credential else {})
            assert await made.hear() == {"type": "connection_ack"}
        yield made
    finally:
        made.reads.set()
        made._incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await made.task
