"""Bodies that stay the same: compressed once, and not sent to clients that have them already."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from schema.serve.bad_request import Headers
from schema.serve.negotiation import takes_gzip
from schema.serve.response import Response

_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Packed:
    """A body as it is kept.

    Attributes:
        packed: the body, in gzip's format.
        digest: of the body; bodies of one digest are the same.
    """

    packed: bytes
    digest: str

    @classmethod
    def of(cls, body: bytes) -> "Packed":
        """Packs a body."""
        # Without the time, so that all processes of a server pack alike.
        return cls(gzip.compress(body, _LEVEL, mtime=0), sha256(body).hexdigest()[:32])

    @property
    def body(self) -> bytes:
        """The body as it is."""
        return _unpacked(self.packed)

    def response(self, media_type: str, asked: Mapping[bytes, str], sent: Headers) -> Response:
        """A response with it: compressed if the client accepts that, and empty if it has it already.

        Args:
            media_type: of the body.
            asked: headers of the request.
            sent: headers of the response, of which `vary` names what else it depends on.
        """
        packs = takes_gzip(asked.get(b"accept-encoding", ""))
        etag = f'"{self.digest}-gzip"' if packs else f'"{self.digest}"'
        vary = ", ".join(filter(None, (sent.get("vary"), "Accept-Encoding")))
        sent = {"etag": etag, **sent, "vary": vary}
        known = {tag.strip().removeprefix("W/") for tag in asked.get(b"if-none-match", "").split(",")}
        if etag in known or "*" in known:
            return Response(b"", 304, media_type, sent)
        if packs:
            return Response(self.packed, media_type=media_type, headers=sent | {"content-encoding": "gzip"})
        return Response(self.body, media_type=media_type, headers=sent)


@lru_cache(1)
def _unpacked(packed: bytes) -> bytes:
    """A body, of which the last that was asked for so is at hand: few clients take no compressed answer."""
    return gzip.decompress(packed)
