"""Serves the page: `/`, and under `/page/` the files it loads. None of them is secret; the data comes by /graphql."""

import asyncio
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import orjson
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from schema.serve.negotiation import HTML, PLAIN_JSON
from schema.serve.packed import Packed
from schema.serve.response import Response

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    ".html": HTML,
    ".js": "text/javascript",
    ".json": PLAIN_JSON,
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
_INDEX = "index.html"
#: The library that draws charts, out of its own package.
_CHARTS = "plotly.js"

#: The page runs its own scripts alone and asks nobody but this server. Charts write styles into their elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Browsers ask each time whether a file is still the same, so that after an upgrade no old file meets new ones.
_SENT = {"content-security-policy": _POLICY, "cache-control": "no-cache"}


def routes() -> list[BaseRoute]:
    """Where the page and its files are."""
    methods = ["GET"]
    return [Route("/", _File(_INDEX), methods=methods), Route("/page/{name}", _File(), methods=methods)]


class _File:
    """The ASGI application that answers with a file: always the same, or the one that the path names."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await _response(self._name or scope["path_params"]["name"], dict(scope["headers"]))
        await response.send(send)


async def _response(name: str, headers: dict[bytes, bytes]) -> Response:
    path = _path(name)
    if path is None:
        message = "there is no such file"
        if name == _CHARTS:
            message = "charts are drawn by plotly, which is not installed; pip install 'guanxi[page]'"
        return Response(orjson.dumps({"errors": [{"message": message}]}), 404, PLAIN_JSON)
    # The largest takes a third of a second to pack.
    packed = await asyncio.to_thread(_packed, path, path.stat().st_mtime_ns)
    asked = {key: value.decode("latin-1") for key, value in headers.items()}
    return packed.response(_MEDIA_TYPES[path.suffix], asked, _SENT)


def _path(name: str) -> Path | None:
    """The file of a name; None where there is none, or it is not for browsers."""
    if name == _CHARTS:
        # To import it would take longer than to start the server.
        spec = find_spec("plotly")
        places = spec.submodule_search_locations if spec is not None else None
        return Path(places[0]) / "package_data" / "plotly.min.js" if places else None
    return next((path for path in _FOLDER.iterdir() if path.name == name and path.suffix in _MEDIA_TYPES), None)


@lru_cache(64)
def _packed(path: Path, changed: int) -> Packed:
    """A file as it was when it last changed."""
    return Packed.of(path.read_bytes())
