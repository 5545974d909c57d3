"""How an app stops: step by step, none of them longer than there is time, so that the last ones come to pass."""

import asyncio
import logging
import time
from collections.abc import Awaitable

from core.base.errors import told

_log = logging.getLogger("guanxi.server")


class Stopping:
    """The time an app has to stop.

    Attributes:
        left: what did not end in time, and may still be under way.
    """

    def __init__(self, seconds: float) -> None:
        """Begins now.

        Args:
            seconds: for all steps together.
        """
        self._until = time.monotonic() + seconds
        self.left: list[str] = []

    @property
    def remaining(self) -> float:
        """Seconds that remain."""
        return max(self._until - time.monotonic(), 0)

    async def step(self, name: str, work: Awaitable[object], share: float = 0.3) -> None:
        """Waits for a step, for a share of the time that remains; what fails is logged, and the rest still done.

        Args:
            name: of the step, for the log.
            work: what it does.
            share: of the time.
        """
        task = asyncio.ensure_future(work)
        await asyncio.wait([task], timeout=self.remaining * share)
        if not task.done():
            self.left.append(name)
            _log.warning("%s did not end in time; stopping without it", name)
            task.add_done_callback(_ignored)
        elif (error := task.exception()) is not None:
            _log.warning("%s failed while stopping: %s", name, told(error))


def _ignored(task: "asyncio.Future[object]") -> None:
    if not task.cancelled():
        task.exception()
