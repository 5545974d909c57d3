"""HTTP as uvicorn speaks it, with each response sent in one piece."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, but the head of a response and its body, which it writes separately, are sent together."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins a connection."""
        super().connection_made(GatheringTransport(transport, self.loop))  # type: ignore[arg-type]  # it acts as one


class GatheringTransport:
    """A transport that sends two pieces together where they are written in one turn of the event loop.

    A piece that is sent alone wakes the client once more, and is a call of the system: a tenth of a short answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._first: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """Sends a piece with the one before it, or else at the end of this turn."""
        if self._first is None:
            self._first = piece
            self._loop.call_soon(self._send)
        else:
            first, self._first = self._first, None
            self._transport.write(first + piece)

    def close(self) -> None:
        """Closes it once all is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._first is not None:
            first, self._first = self._first, None
            self._transport.write(first)
