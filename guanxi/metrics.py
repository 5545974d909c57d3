"""What an app is doing, in figures.

Every label has few values, none of which a client or a customer chose. Several server processes of one command put
their figures into files of one folder, from which whichever is asked adds them up.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
from sqlmodel import Session, func, select

from core.background.backlog import PluginCursor, delivery_states
from core.background.jobs import Jobs
from core.db.database import Database
from core.log.events import EventBatch
from schema.request.context import Services
from schema.serve.observation import Observation

#: Names the folder of the figures of the server processes of one command.
FOLDER = "_GUANXI_FIGURES"
_WRITING_SECONDS = 2.0

#: FigureValues by their labels: a number, or the counts of a histogram and last its sum.
FigureValues = dict[tuple[str, ...], Any]


class WatchedApp(Protocol):
    """What is asked of an app that is watched."""

    database: Database

    @property
    def services(self) -> Services:
        """What its requests share."""
        ...

    @property
    def jobs(self) -> Jobs:
        """The jobs of its plugins."""
        ...

    @property
    def observation(self) -> Observation:
        """What is known of its requests."""
        ...


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: without the prefix of all.
        text: what it says.
        labels: what its values are told apart by.
        kind: counter, gauge or histogram.
    """

    name: str
    text: str
    labels: Sequence[str] = ()
    kind: str = "counter"


#: Figures of each process; those of several are added up.
OWN = (
    Figure("requests", "Requests answered.", ("kind", "status", "code")),
    Figure("request_duration_seconds", "How long requests took.", ("kind",), "histogram"),
    Figure("statements", "SQL statements sent for requests.", ("kind",)),
    Figure("documents", "Operations looked up in the cache of compiled ones.", ("result",)),
    Figure("job_runs", "Runs of jobs that ended.", ("job", "outcome")),
    Figure("documents_kept", "Operations kept compiled.", (), "gauge"),
    Figure("connections_busy", "Connections to the database that are in use.", ("pool",), "gauge"),
    Figure("connections_waiting", "Requests that wait for a connection to the database.", ("pool",), "gauge"),
    Figure("processes", "Server processes of this command.", (), "gauge"),
)
#: Figures of the database, which are the same for all processes.
SHARED = (
    Figure("event_batches", "Transactions whose events are published."),
    Figure("delivery_backlog", "Published transactions that a plugin is still to be told of.", ("plugin",), "gauge"),
    Figure("delivery_set_aside", "Transactions set aside because a plugin failed on them.", ("plugin",), "gauge"),
    Figure("database_up", "Whether the database can be read.", (), "gauge"),
)


def own_figures(app: WatchedApp) -> dict[str, FigureValues]:
    """The figures of this process."""
    seen = app.observation
    hits, misses, kept = app.services.documents.figures
    pools = {"read": app.services.reader.pool, "write": app.database.writers, "lookup": app.database.lookers}
    return {
        "requests": {
            (kind, status, code): count
            for kind, figures in seen.kinds.items()
            for status, code, count in figures.requests()
        },
        "request_duration_seconds": {
            (kind,): [*figures.counts, figures.seconds] for kind, figures in seen.kinds.items()
        },
        "statements": {(kind,): figures.statements for kind, figures in seen.kinds.items()},
        "documents": {("hit",): hits, ("miss",): misses},
        "job_runs": {(job, outcome): count for (job, outcome), count in app.jobs.ended.items()},
        "documents_kept": {(): kept},
        "connections_busy": {(name,): pool.busy for name, pool in pools.items()},
        "connections_waiting": {(name,): pool.waiting for name, pool in pools.items()},
        "processes": {(): 1},
    }


async def shared_figures(app: WatchedApp) -> dict[str, FigureValues]:
    """The figures of the database; where it cannot be read, only that."""
    try:
        return await app.database.in_reading_session(_shared) | {"database_up": {(): 1}}
    except Exception:
        # Whatever keeps it from being read, this is where it is seen.
        return {"database_up": {(): 0}}


def _shared(session: Session) -> dict[str, FigureValues]:
    last = session.exec(select(func.max(EventBatch.sequence))).one() or 0
    states = delivery_states(session, session.exec(select(PluginCursor.plugin)).all())
    return {
        "event_batches": {(): last},
        "delivery_backlog": {(plugin,): state.backlog for plugin, state in states.items()},
        "delivery_set_aside": {(plugin,): state.set_aside for plugin, state in states.items()},
    }


class SharedFolder:
    """Where the server processes of one command keep their figures."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def keep(self, app: WatchedApp) -> None:
        """Writes the figures of this process down now and then."""
        while True:
            self.write(own_figures(app))
            await asyncio.sleep(_WRITING_SECONDS)

    def write(self, figures: Mapping[str, FigureValues]) -> None:
        """Writes the figures of this process down."""
        told = {name: [[*labels, value] for labels, value in values.items()] for name, values in figures.items()}
        new = self._path / f"{os.getpid()}.new"
        with suppress(OSError):  # Figures are not worth a failure.
            new.write_bytes(orjson.dumps(told))
            new.replace(new.with_suffix(".json"))

    def others(self) -> Iterator[dict[str, FigureValues]]:
        """The figures of the other processes; of those that have ended, what they have counted."""
        gauges = {figure.name for figure in OWN if figure.kind == "gauge"}
        for path in self._path.glob("*.json"):
            if path.stem == str(os.getpid()):
                continue
            told = orjson.loads(path.read_bytes())
            is_alive = Path(f"/proc/{path.stem}").exists() if Path("/proc/self").exists() else True
            yield {
                name: {tuple(labels): value for *labels, value in rows}
                for name, rows in told.items()
                if is_alive or name not in gauges
            }


def added(several: Iterable[Mapping[str, FigureValues]]) -> dict[str, FigureValues]:
    """The figures of several processes together."""
    found: dict[str, FigureValues] = {}
    for figures in several:
        for name, values in figures.items():
            sums = found.setdefault(name, {})
            for labels, value in values.items():
                before = sums.get(labels)
                if before is None:
                    sums[labels] = value
                elif isinstance(value, list):
                    sums[labels] = [one + other for one, other in zip(before, value, strict=True)]
                else:
                    sums[labels] = before + value
    return found
