"""Connections to receivers: to an address that was found to be allowed, and to no other."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore

from guanxi import GuanxiError
from plugins.webhooks.addresses import Target, choose, target_of
from plugins.webhooks.settings import WebhookSettings

#: A connection that is not used ends after so many seconds.
_IDLE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The response of a receiver, whose body is of no interest.

    Attributes:
        status: of HTTP.
        retry_after: seconds after which the receiver wants to be tried again, if it says so.
    """

    status: int
    retry_after: int | None = None


class _Pinned(httpcore.AnyIOBackend):
    """Connects to the very address that was checked, so that a name cannot mean another one a moment later."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror:
            raise httpcore.ConnectError(f"the address of {host} is not known") from None
        *others, last = choose([str(one[4][0]) for one in found], Target(host, port), self._settings)
        for address in others:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await super().connect_tcp(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("webhooks are sent by TCP only")


@lru_cache(1)
def _trust() -> ssl.SSLContext:
    """Whose certificates are accepted: those of public authorities, and what this machine trusts besides."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


class UnreachableError(GuanxiError):
    """A receiver does not answer."""


class Connections:
    """Sends to receivers. httpcore follows no redirects, and heeds no proxies of the environment."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trust(),
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Pinned(settings),
        )

    async def __aenter__(self) -> "Connections":
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._pool.__aexit__(*error)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Sends a body and reads the response, up to the limit.

        Raises:
            RefusedAddressError: it may not be sent there.
            UnreachableError: it cannot be reached, or does not answer as HTTP has it.
        """
        target = target_of(url, self._settings)
        parts = urlsplit(url)
        where = httpcore.URL(
            scheme=parts.scheme,
            host=target.host,
            port=parts.port,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        )
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with self._pool.stream("POST", where, headers=sent, content=body) as response:
                left = self._settings.maximum_response_bytes
                async for part in response.aiter_stream():
                    left -= len(part)
                    if left < 0:
                        break
                after = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
                return Reply(response.status, int(after) if after.isdigit() and len(after) < 10 else None)
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise UnreachableError(f"{target.host} cannot be reached: {error or type(error).__name__}") from error
