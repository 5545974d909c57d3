"""Requests to the endpoint of an app inside one process, without a network."""

from collections.abc import Mapping
from typing import Any

from core.base.actors import Actor
from guanxi import App
from schema.serve.callers import ACTOR


async def post(
    app: App, body: bytes, headers: Mapping[str, str] | None = None, actor: Actor | None = None
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of the answer.

    Args:
        app: that is asked.
        body: what is posted.
        headers: besides those of its type and length.
        actor: who asks; by default whom the app takes it to be.

    Raises:
        RuntimeError: it is neither an answer nor the word that the client has it already.
    """
    given = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "root_path": "",
        "query_string": b"",
        # A program of this machine.
        "client": ("127.0.0.1", 50000),
        "headers": [(b"host", b"localhost"), *((name.encode(), value.encode()) for name, value in given.items())],
    }
    if actor is not None:
        scope[ACTOR] = actor
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
