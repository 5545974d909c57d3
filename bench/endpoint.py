"""Requests to the endpoint of an app inside one process, without a network."""

from collections.abc import Mapping
from typing import Any

from guanxi import App


async def post(app: App, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of the answer.

    Raises:
        RuntimeError: it is neither an answer nor the word that the client has it already.
    """
    given = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, end = sent
    if start["status"] not in (200, 304):
        raise RuntimeError(f"answered with status {start['status']}")
    return end["body"], {name.decode(): value.decode() for name, value in start["headers"]}
