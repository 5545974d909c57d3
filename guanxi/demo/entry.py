"""Entering the sample into a database, by the same path as the upsert mutations."""

import contextlib
import random
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core.base.actors import Actor
from core.host.contract import Plugin
from core.host.host import attributed
from core.records.installation import Installation
from core.unit.phases import own_work
from core.unit.unit import Unit
from guanxi.app import App
from guanxi.demo.sample import SEED, Sample
from schema.request.transactions import write
from schema.write.drafting import Drafting
from schema.write.matching import EXTERNAL_ID, Asked

ACTOR = Actor("demo")
_CHUNK = 250

Progress = Callable[[str, int, int], None]


def is_whole(path: Path) -> bool:
    """Whether a database file holds the whole sample, which one that was broken off does not."""
    if not path.exists():
        return False
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute("SELECT 1 FROM installation WHERE name = 'demo'").fetchone()
        except sqlite3.DatabaseError:
            return False
    return found is not None


async def fill(app: App, progress: Progress) -> None:
    """Enters the sample.

    Args:
        app: a running app on an empty database.
        progress: called with what is entered, how many of how many rows.
    """
    today = app.services.clock.today()
    sample = Sample(random.Random(SEED), today)  # noqa: S311  (made-up data, no secrets)
    for plural, rows in sample.records():
        await _enter(app, plural, rows, progress)
    for step, moves in enumerate(sample.moves()):
        await _write(app, "Opportunity", moves, f"stage moves {step + 1}", progress)
    await _sample_plugins(app, progress)

    def mark(session: Any) -> None:
        session.merge(Installation(name="demo", value=today.isoformat()))

    await app.database.in_thread(lambda: app.database.retrying(mark))


async def _sample_plugins(app: App, progress: Progress) -> None:
    """Lets each plugin enter its own, in a transaction each and with a seed of its own."""
    hooks = list(app.host.implementations("sample_data"))
    for done, (plugin, hook) in enumerate(hooks, 1):
        await write(app.context(ACTOR), partial(_sample_plugin, plugin, hook))
        progress("plugins", done, len(hooks))


def _sample_plugin(plugin: Plugin, hook: Callable[..., None], unit: Unit) -> None:
    chance = random.Random(f"{SEED}:{plugin.name}")  # noqa: S311  (made-up data, no secrets)
    with attributed(plugin, "sample_data"), own_work(unit, plugin):
        hook(ctx=unit.context(plugin), chance=chance)


async def _enter(app: App, record: str, rows: Sequence[dict[str, Any]], progress: Progress) -> None:
    asked = [Asked(None, row, EXTERNAL_ID) for row in rows]
    name = app.catalog.records[record].plural
    await _write(app, record, asked, name, progress)


async def _write(app: App, record: str, asked: Sequence[Asked], name: str, progress: Progress) -> None:
    drafting = Drafting(app.catalog, app.catalog.records[record])
    for start in range(0, len(asked), _CHUNK):
        part = asked[start : start + _CHUNK]
        outcomes = await write(app.context(ACTOR), partial(drafting.write, asked=part))
        refused = [error for outcome in outcomes for error in outcome.errors]
        assert not refused, refused[0]
        progress(name, start + len(part), len(asked))
