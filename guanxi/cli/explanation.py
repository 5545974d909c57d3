"""What a query costs: the statements it runs, their values, the indexes they use and the time they take."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.base.errors import InputError
from guanxi.app import App
from schema.read.reader import Reader, Steps
from schema.request.refusal import Refused

_RUNS = 5


@dataclass(frozen=True, slots=True)
class Explained:
    """One statement of a query.

    Attributes:
        sql: as the driver gets it.
        values: of its parameters, in order.
        steps: the engine's query plan.
        seconds: it takes, the median of several runs.
    """

    sql: str
    values: Sequence[Any]
    steps: Steps
    seconds: float


class _Watched:
    """A reader that records the statements it runs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self.open, self.fits, self.explain, self.close = reader.open, reader.fits, reader.explain, reader.close
        self.pool = reader.pool

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value, as the reader returns it."""
        self.asked.append((sql, values))
        return await self._reader.fetch(sql, values)


async def explain(app: App, text: str, variables: Mapping[str, Any]) -> list[Explained]:
    """Runs a query on a running app and explains its statements.

    Raises:
        InputError: it is not a query, or has errors; the message has them all.
    """
    services = app.services
    reader = services.reader
    watched = services.reader = _Watched(reader)
    try:
        operation = services.documents.operation(text, None)
        if not operation.is_query:
            raise InputError("only queries are explained; a mutation would have to be run")
        result = await app.engine.answer(app.context(), operation, variables)
    except Refused as refused:
        raise InputError("; ".join(error.message for error in refused.errors)) from None
    finally:
        services.reader = reader
    if result.errors:
        raise InputError("; ".join(error.message for error in result.errors))
    return [
        Explained(sql, values, await reader.explain(sql, values), await _seconds(reader, sql, values))
        for sql, values in watched.asked
    ]


async def _seconds(reader: Reader, sql: str, values: Sequence[Any]) -> float:
    taken = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        await reader.fetch(sql, values)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
