"""Which requests are answered without a key: by their way here, for it is all that is known of them.

A page in a browser can send requests to the machine it is looked at on, and a proxy in front makes strangers look
local. So a request counts as the local operator's only if nothing in it says that it comes from elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil
from time import time
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from core.base.errors import RateLimitedError
from core.base.sentences import sentence
from core.base.settings import Settings
from schema.serve.bad_request import BadRequest

_REMEDY = sentence("or create an API key (guanxi keys create) and send it")

Address = IPv4Address | IPv6Address


class AddressLimit:
    """How often one address may do something in a minute, as one server counts it."""

    def __init__(self, per_minute: int, message: Callable[[int, int], str]) -> None:
        """Prepares it.

        Args:
            per_minute: how often.
            message: makes what is answered beyond it, of that number and of the seconds to wait.
        """
        self._limit = RateLimitItemPerMinute(per_minute)
        self._message = message
        self._limiter: MovingWindowRateLimiter | None = None

    def hit(self, address: str) -> None:
        """Counts once.

        Raises:
            BadRequest: it is to wait.
        """
        if self._limiter is None:
            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        if not self._limiter.hit(self._limit, _network(address)):
            raise self._refusal(self._limiter, address)

    def check(self, address: str) -> None:
        """Looks whether it may, without counting.

        Raises:
            BadRequest: it is to wait.
        """
        if self._limiter is not None and not self._limiter.test(self._limit, _network(address)):
            raise self._refusal(self._limiter, address)

    def _refusal(self, limiter: MovingWindowRateLimiter, address: str) -> BadRequest:
        ends = limiter.get_window_stats(self._limit, _network(address)).reset_time
        wait = max(1, ceil(ends - time()))
        message = self._message(self._limit.amount, wait)
        return BadRequest(429, message, RateLimitedError.code, {"retry-after": str(wait)})


class Guard:
    """What an app asks of requests that carry no key."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = {"localhost", *map(str.lower, settings.allowed_hosts)}
        self._origins = {origin.rstrip("/").lower() for origin in settings.allowed_origins}
        self._proxies: Sequence[IPv4Network | IPv6Network] = settings.trusted_proxies
        self._is_own = lru_cache(256)(self._is_own_name)
        #: What an address may send without a key, and how often with what proves nothing.
        self.public = AddressLimit(
            settings.public_requests_per_minute,
            lambda most, seconds: sentence(
                "more than {most} requests a minute without a key; wait {seconds} s, or send one",
                most=most,
                seconds=seconds,
            ),
        )
        self.failures = AddressLimit(
            settings.failed_authentications_per_minute,
            lambda most, seconds: sentence(
                "more than {most} requests a minute with a key or token that proves nothing; wait {seconds} s, or send "
                "the right one",
                most=most,
                seconds=seconds,
            ),
        )

    # Where a request comes from

    def address_of(self, scope: Scope, headers: Mapping[bytes, str]) -> str:
        """The address of the client: the other end, or whom a trusted proxy names."""
        peer = _peer(scope)
        return (self._named(headers) if self._is_proxy(_address(peer)) else None) or peer

    def _named(self, headers: Mapping[bytes, str]) -> str | None:
        """Whom proxies name: the last address that is not itself a trusted proxy's."""
        for named in reversed(headers.get(b"x-forwarded-for", "").split(",")):
            address = _address(named.strip())
            if not self._is_proxy(address):
                return None if address is None else str(address)
        return None

    def _is_proxy(self, address: Address | None) -> bool:
        return bool(self._proxies) and address is not None and any(address in network for network in self._proxies)

    # As the local operator

    def check_local(self, scope: Scope, headers: Mapping[bytes, str]) -> None:
        """Refuses what does not come from a program of this machine.

        Raises:
            BadRequest: it may come from elsewhere.
        """
        host = headers.get(b"host", "")
        if not self._is_own(host):
            raise _forbidden(
                sentence(
                    "host: {host} is not a name of this server; list it in GUANXI_ALLOWED_HOSTS, {remedy}",
                    host=_host_of(host) or "none",
                    remedy=_REMEDY,
                )
            )
        self.check_page(headers)
        came_from: str | None = _peer(scope)
        if self._proxies and self._is_proxy(_address(_peer(scope))):
            # Of a proxy that does not say for whom it asks, anybody may be behind.
            came_from = self._named(headers)
        elif b"forwarded" in b" ".join(headers):
            raise _forbidden(
                sentence(
                    "forwarded: requests that a proxy passes on are not answered without authentication; name the "
                    "proxy in GUANXI_TRUSTED_PROXIES, {remedy}",
                    remedy=_REMEDY,
                )
            )
        if not _is_loopback(came_from or ""):
            raise _forbidden(
                sentence(
                    "without authentication only programs of this machine are answered; create an API key (guanxi keys "
                    "create) and send it"
                )
            )

    def _is_own_name(self, header: str) -> bool:
        """Whether a Host header names this server, rather than what a page was given its address for."""
        host = _host_of(header)
        return host in self._hosts or _is_loopback(host)

    def check_page(self, headers: Mapping[bytes, str]) -> None:
        """Refuses what a page of another origin sends.

        Raises:
            BadRequest: it comes from there.
        """
        origin = headers.get(b"origin")
        if origin is not None:
            host = headers.get(b"host", "").lower()
            if origin.lower() not in (f"http://{host}", f"https://{host}", *self._origins):
                raise _forbidden(
                    sentence(
                        "origin: pages of {origin} may not ask this server; list it in GUANXI_ALLOWED_ORIGINS, "
                        "{remedy}",
                        origin=origin,
                        remedy=_REMEDY,
                    )
                )
        elif headers.get(b"sec-fetch-site", "none") not in ("same-origin", "none"):
            raise _forbidden(
                sentence(
                    "sec-fetch-site: pages of other sites may not ask this server; create an API key (guanxi keys "
                    "create) and send it"
                )
            )


def _forbidden(message: str) -> BadRequest:
    return BadRequest(403, message, "FORBIDDEN")


def _peer(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else ""


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


# The same few come again and again, and to read one takes longer than everything else here.
@lru_cache(1024)
def _is_loopback(text: str) -> bool:
    address = _address(text)
    return address is not None and address.is_loopback


def _host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    name = header.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _network(address: str) -> str:
    """What one client has to itself: of IPv6 a whole network."""
    known = _address(address)
    return str(ip_network((known, 64), strict=False)) if isinstance(known, IPv6Address) else address
