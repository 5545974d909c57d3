"""A response by HTTP."""

from dataclasses import dataclass, field
from functools import lru_cache

from starlette.types import Message, Send

from schema.serve.bad_request import Headers
from schema.serve.negotiation import PLAIN_JSON

#: What browsers are told with every response: to take it for what it says it is, to show it in no frame, to run nothing
#: of it, to keep it nowhere and to name the page it came from to nobody.
_PROTECTION: Headers = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
PROTECTION_HEADERS = [(name.encode(), value.encode()) for name, value in _PROTECTION.items()]


# The same few come again and again.
@lru_cache(1024)
def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode(), value.encode()


def protected(send: Send) -> Send:
    """Sends responses with what browsers are told with every one, unless they say otherwise themselves."""

    async def send_protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(one for one in PROTECTION_HEADERS if one[0] not in known)]
        await send(message)

    return send_protected


# Not frozen: one is made for each request, and to freeze it takes longer than to make it.
@dataclass(slots=True)
class Response:
    """The response."""

    body: bytes
    status: int = 200
    media_type: str = PLAIN_JSON
    headers: Headers = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """Sends it."""
        if self.headers.keys().isdisjoint(_PROTECTION):
            headers = PROTECTION_HEADERS.copy()
        else:
            headers = [
                (name.encode(), value.encode()) for name, value in _PROTECTION.items() if name not in self.headers
            ]
        if self.status not in (204, 304):
            headers.append(_encoded("content-type", f"{self.media_type}; charset=utf-8"))
            headers.append((b"content-length", b"%d" % len(self.body)))
        for name, value in self.headers.items():
            headers.append(_encoded(name, value))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
