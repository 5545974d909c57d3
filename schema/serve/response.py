"""A response by HTTP."""

from dataclasses import dataclass
from types import MappingProxyType

from starlette.types import Send

from schema.serve.bad_request import Headers
from schema.serve.negotiation import PLAIN_JSON


@dataclass(frozen=True, slots=True)
class Response:
    """The response."""

    body: bytes
    status: int = 200
    media_type: str = PLAIN_JSON
    headers: Headers = MappingProxyType({})

    async def send(self, send: Send) -> None:
        """Sends it."""
        headers = []
        if self.status != 304:
            headers.append((b"content-type", b"%s; charset=utf-8" % self.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(self.body)))
        for name, value in self.headers.items():
            headers.append((name.encode(), value.encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
