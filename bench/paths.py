"""Paths: what a cached request passes through on its way: statements, round trips, files, moves from file to file."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import anyio

from bench.data import FIRST_PARTY
from bench.databases import Folder
from bench.endpoint import post
from bench.loads import writable
from bench.machine import stamp
from bench.mutations import IDS, MUTATIONS, filled
from bench.queries import GUANXI, POINT
from core.db.threads import Threads
from guanxi import App, Plugin, create_app, load_settings

_ROOT = Path(__file__).parent.parent
_OURS = tuple(f"{_ROOT / name}/" for name in ("core", "schema", "guanxi", "plugins"))
_WARM_REQUESTS = 20


def measure_paths(folder: Folder, engine: str) -> dict[str, Any]:
    """What a read and each mutation pass through, with all first-party plugins and with none."""
    found: dict[str, Any] = {}
    with folder.engine(engine) as databases:
        for name, plugins in (("four plugins", FIRST_PARTY), ("no plugin", ())):
            found[name] = anyio.run(measured, writable(databases), plugins)
        versions = {"PostgreSQL" if databases.process else "SQLite": databases.version}
    return {**stamp(**versions), "engine": engine, "paths": found}


async def measured(url: str, plugins: Sequence[type[Plugin]]) -> dict[str, dict[str, int]]:
    """The figures of each request."""
    app = create_app(load_settings(database_url=url), plugins)
    app.migrate()
    bodies = {POINT.title: POINT.body(GUANXI, None), **{one.title: one.body(GUANXI) for one in MUTATIONS}}
    async with app.running():
        return {title: await _measured(app, json.dumps(body)) for title, body in bodies.items()}


async def _measured(app: App, template: str) -> dict[str, int]:
    """The figures of a request after some of the same document."""
    for number in range(1, _WARM_REQUESTS):
        await post(app, _filled(template, number))
    trips: list[int] = []
    is_committed = False

    def note(process: int, statements: Sequence[Any]) -> None:
        nonlocal is_committed
        # What comes after the commit is the work of others, who number its events.
        if not is_committed:
            trips.append(len(statements))
            is_committed = any(statement.sql == "COMMIT" for statement in statements)

    # What numbers the events of the requests before would be counted too.
    while app.publisher.is_behind:
        await anyio.sleep(0.01)
    silent, app.database.on_trip = app.database.on_trip, note
    await post(app, _filled(template, _WARM_REQUESTS))
    app.database.on_trip = silent
    # Threads of a pool cannot be looked into from here; without them the same functions are called.
    with patch.object(Threads, "run", _at_once), _watched() as watch:
        await post(app, _filled(template, _WARM_REQUESTS + 1))
    return {
        "statements": sum(trips),
        "round trips": len(trips),
        "files": len(watch.files),
        "moves": watch.moves,
        "calls": watch.calls,
    }


def _filled(template: str, number: int) -> bytes:
    """A body that asks for the record after those of the requests before it, always at the first stage."""
    return filled(template, 2 * IDS * number, number).encode()


async def _at_once(threads: Threads, work: Callable[[], Any], *, is_brief: bool = False) -> Any:
    return work()


class _Watch:
    """Calls of functions of the project.

    Attributes:
        files: that took part.
        moves: how often a function of one file called one of another.
        calls: in all.
    """

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.moves = 0
        self.calls = 0
        self._stack: list[str] = []

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        """Notes a call or a return."""
        file = frame.f_code.co_filename
        if event not in ("call", "return") or not file.startswith(_OURS):
            return
        if event == "return":
            if self._stack:
                self._stack.pop()
            return
        self.calls += 1
        self.files.add(file)
        if self._stack and self._stack[-1] != file:
            self.moves += 1
        self._stack.append(file)


@contextmanager
def _watched() -> Iterator[_Watch]:
    watch = _Watch()
    sys.setprofile(watch.note)
    try:
        yield watch
    finally:
        sys.setprofile(None)
