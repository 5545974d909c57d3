"""What waits to be sent to one client. If too much does, the client is too slow, and is cut."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

#: So much may wait, besides what is on its way.
_MOST_PARCELS = 1000
_MOST_BYTES = 8_388_608
#: How long a client that is cut may take to read that it is.
_PARTING_SECONDS = 10.0

#: What is sent at once, in parts, so that those of many clients are one.
Parcel = tuple[bytes, ...]


class Outbox:
    """A bounded queue, sent by a task that there is only while something waits."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], overflow: Callable[[], None]) -> None:
        """Prepares it.

        Args:
            send: sends one parcel.
            overflow: called when too much waits, after which nothing is taken any more.
        """
        self._send = send
        self._overflow = overflow
        self._parcels: deque[Parcel] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self.is_open = True

    def put(self, *parcel: bytes) -> None:
        """Has a parcel sent after those that wait."""
        if not self.is_open:
            return
        size = sum(map(len, parcel))
        if self._parcels and (len(self._parcels) >= _MOST_PARCELS or self._bytes + size > _MOST_BYTES):
            self.close()
            self._overflow()
            return
        self._parcels.append(parcel)
        self._bytes += size
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._parcels:
                parcel = self._parcels.popleft()
                self._bytes -= sum(map(len, parcel))
                await self._send(b"".join(parcel))
        except Exception:
            # It is gone, or as good as gone; who reads from it finds out.
            self.close()
        finally:
            self._task = None

    def close(self) -> None:
        """Takes nothing any more, and forgets what waits."""
        self.is_open = False
        self._parcels.clear()
        self._bytes = 0

    async def room(self) -> None:
        """Waits while it is half full."""
        if len(self._parcels) > _MOST_PARCELS // 2 or self._bytes > _MOST_BYTES // 2:
            await self.sent()

    async def sent(self) -> None:
        """Waits until everything is sent, or cannot be."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def part(self, last: Awaitable[None]) -> None:
        """Sends what still waits, and something last; whoever does not read it is left in time."""
        with suppress(Exception):
            async with asyncio.timeout(_PARTING_SECONDS):
                await self.sent()
                await last
        self.close()
