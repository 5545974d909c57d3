"""What a server answers to those who watch it: whether it lives, whether it is ready, and its figures."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from core.base.errors import GuanxiError, SlowStatementError, UnavailableError
from core.db.engines import SQLITE
from core.migrations.runner import MigrationSet, pending
from guanxi.metrics import FOLDER, SharedFolder, WatchedApp, added, own_figures, shared_figures
from schema.serve.bad_request import BadRequest

#: How long, in seconds, the database may take until it counts as not reached.
_PATIENCE_SECONDS = 2.0
#: So long is kept that the migrations are current, in seconds.
_KEPT_SECONDS = 10.0


class _App(WatchedApp, Protocol):
    """What is asked of an app besides its figures."""

    lost_file: asyncio.Event

    @property
    def is_stopping(self) -> bool: ...

    @property
    def migrations(self) -> list[MigrationSet]: ...

    async def check_monitor(self, scope: Scope) -> None: ...


class Monitoring:
    """The pages for those who watch an app."""

    def __init__(self, app: _App) -> None:
        self._app = app
        self._current_until = 0.0
        folder = os.environ.get(FOLDER)
        #: Where the figures of all server processes are, if there are several.
        self.folder = SharedFolder(Path(folder)) if folder else None

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """Where they are."""
        return [
            Route("/healthz", self._alive),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]

    async def _alive(self, request: Request) -> Response:
        """The process answers; asks nobody else, so that no fault of the database gets it restarted."""
        if self._app.lost_file.is_set():
            return _said("the database file is gone", 503)
        return _said("alive")

    async def _ready(self, request: Request) -> Response:
        """Requests can be answered: the database is there and up to date, and the server is not about to stop."""
        problem = await self._problem()
        return _said(problem or "ready", 503 if problem else 200)

    async def _problem(self) -> str:
        """What keeps requests from being answered, in words that tell nothing of how."""
        if self._app.is_stopping:
            return "stopping"
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._app.services.reader.fetch("SELECT '1'", ())
                return "" if await self._is_current() else "migrations are pending"
        except (TimeoutError, UnavailableError, SlowStatementError, DBAPIError):
            return "the database cannot be reached"
        except GuanxiError:
            return "the migrations of the database are not those of this version"

    async def _is_current(self) -> bool:
        """Whether the database has all migrations. On SQLite a server brings it up to date when it starts."""
        if self._app.database.dialect != SQLITE and time.monotonic() >= self._current_until:
            if await self._app.database.lookers.run(self._pending):
                return False
            self._current_until = time.monotonic() + _KEPT_SECONDS
        return True

    def _pending(self) -> list[str]:
        return pending(self._app.database, self._app.migrations)

    async def _metrics(self, request: Request) -> Response:
        """The figures, for programs of this machine, and for whoever has the permission to watch."""
        # Where no metrics are read, what writes them down is not imported.
        from prometheus_client.exposition import choose_encoder

        from guanxi.prometheus import registry_of

        try:
            await self._app.check_monitor(request.scope)
        except BadRequest as refused:
            return PlainTextResponse(f"{refused}\n", refused.status, dict(refused.headers))
        own = [own_figures(self._app), *(self.folder.others() if self.folder else ())]
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        figures = added(own) | await shared_figures(self._app)
        return Response(encode(registry_of(figures)), media_type=None, headers={"content-type": media_type})


def _said(text: str, status: int = 200) -> Response:
    return PlainTextResponse(f"{text}\n", status, {"cache-control": "no-store"})
