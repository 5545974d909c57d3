"""Routes of plugins: what they answer by HTTP besides GraphQL, below `/plugins/<name>/`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PluginRoute:
    """A path below `/plugins/<name>`, and what answers there.

    Attributes:
        path: begins with a slash; `{name}` stands for a part that `request.path_params` has.
        answer: an async function of `ctx` and Starlette's `Request` that returns a Starlette `Response`.
        methods: of HTTP; GET has HEAD with it.
        permission: what the caller needs, besides proving who it is.
        public: anybody is answered: what is sent must prove enough, such as a signed link. An address that sends too
            much that proves nothing, so that `answer` refuses it with 401, 403 or 404, has to wait.
    """

    path: str
    answer: Callable[..., Awaitable[Any]]
    methods: Sequence[str] = ("GET",)
    permission: str | None = None
    public: bool = False
