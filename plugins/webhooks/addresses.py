"""Which addresses webhooks may be sent to: none of the operator's own network, unless it is excepted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from guanxi import GuanxiError, sentence
from plugins.webhooks.settings import WebhookSettings

Address = IPv4Address | IPv6Address

#: Networks of IPv6 addresses that carry an IPv4 address in their last four bytes.
_CARRYING = tuple(IPv6Network(one) for one in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
#: All others that lead anywhere outside are of this one.
_HANDED_OUT = IPv6Network("2000::/3")
#: What Python takes for public, or did in some version: networks of special use, and an address of Azure's own.
_SPECIAL = tuple(
    ip_network(one)
    for one in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "2001::/23", "3fff::/20")
)
_PORTS = {"http": 80, "https": 443}


class RefusedAddressError(GuanxiError):
    """A webhook may not be sent there."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook is sent.

    Attributes:
        host: name or address, in lower case and ASCII.
        port: number.
    """

    host: str
    port: int


def target_of(url: str, settings: WebhookSettings) -> Target:
    """Where a URL leads, as far as that is known without asking for the address of its host.

    Raises:
        RefusedAddressError: a webhook may not have it; the message says why and what to do.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip(".").encode("idna").decode(), parts.port
    except ValueError:
        raise RefusedAddressError(sentence("it is not a URL; write it as https://example.com/hook")) from None
    if not url.isprintable() or " " in url or not host:
        raise RefusedAddressError(sentence("it is not a URL; write it as https://example.com/hook"))
    if parts.scheme == "http" and not settings.allow_http:
        raise RefusedAddressError(sentence("http can be read by others; use https, or set ALLOW_HTTP"))
    if parts.scheme not in _PORTS:
        raise RefusedAddressError(sentence("it must begin with https://"))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise RefusedAddressError(sentence("names, passwords and fragments are not possible; leave them out"))
    target = Target(host, port or _PORTS[parts.scheme])
    if is_address(host):
        choose([host], target, settings)
    elif not settings.exceptions:
        # Else it depends on the address that the name turns out to have.
        _check_port(target, settings)
    return target


def is_address(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def choose(found: Iterable[str], target: Target, settings: WebhookSettings) -> Sequence[str]:
    """The addresses of a host that may be connected to, in the order in which they were found.

    Raises:
        RefusedAddressError: none of them may.
    """
    addresses = list(dict.fromkeys(ip_address(one.partition("%")[0]) for one in found))
    excepted = [one for one in addresses if _is_excepted(one, target.host, settings)]
    if excepted:
        return [str(one) for one in excepted]
    public = [str(one) for one in addresses if is_public(one)]
    if not public:
        problem = sentence(
            "{host} is internal; use a public address, or have it listed in EXCEPTIONS", host=target.host
        )
        raise RefusedAddressError(problem)
    _check_port(target, settings)
    return public


def is_public(address: Address) -> bool:
    """Whether an address is of the internet, and so is every address it carries."""
    if isinstance(address, IPv6Address):
        if inner := carried(address):
            return all(is_public(one) for one in inner)
        if address not in _HANDED_OUT:
            return False
    is_special = any(address in network for network in _SPECIAL)
    return address.is_global and not (address.is_multicast or is_special)


def carried(address: IPv6Address) -> Sequence[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, translated (NAT64), by 6to4 or by Teredo."""
    found = [address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _CARRYING):
        found.append(IPv4Address(address.packed[-4:]))
    return [one for one in found if one is not None]


def _is_excepted(address: Address, host: str, settings: WebhookSettings) -> bool:
    if host in settings.exceptions:
        return True
    ways = [address, *(carried(address) if isinstance(address, IPv6Address) else ())]
    networks = [ip_network(one) for one in settings.exceptions if "/" in one or is_address(one)]
    return any(way in network for way in ways for network in networks)


def _check_port(target: Target, settings: WebhookSettings) -> None:
    if settings.ports and target.port not in settings.ports:
        raise RefusedAddressError(
            sentence(
                "port {port} is not allowed; use one of {known}, or have it listed in PORTS",
                port=target.port,
                known=settings.ports,
            )
        )
