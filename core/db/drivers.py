"""The connections of a database that write: one for each transaction, kept for the next one, broken off at the end."""

import asyncio
import time
from collections.abc import Callable

from core.base.errors import UnavailableError
from core.db.health import Health
from core.db.strands import in_thread
from core.db.transaction import Driver

_LOOKING_SECONDS = 0.05


class Drivers:
    """Connections that write to one database.

    Attributes:
        connect: makes one; whoever calls it closes it.
    """

    def __init__(self, connect: Callable[[], Driver], most_idle: int, health: Health) -> None:
        """Connects to nothing yet.

        Args:
            connect: makes one, while the thread waits.
            most_idle: the most that are kept.
            health: of the database.
        """
        self.connect: Callable[[], Driver] = lambda: in_thread(connect)
        self._most_idle = most_idle
        self._health = health
        self._idle: list[Driver] = []
        self._in_use: set[Driver] = set()

    def take(self) -> Driver:
        """A connection that nobody else uses until it is given back.

        Raises:
            UnavailableError: the database is closed.
        """
        if self._health.refusal:
            raise UnavailableError(self._health.refusal)
        driver = self._kept() or self.connect()
        self._in_use.add(driver)
        return driver

    def _kept(self) -> Driver | None:
        while self._idle:
            driver = self._idle.pop()
            driver.refusal = ""
            if not driver.is_stale:
                return driver
            driver.close()
        return None

    def give_back(self, driver: Driver) -> None:
        """Keeps a connection for the next one, or closes it where it is of no more use."""
        self._in_use.discard(driver)
        if driver.is_open and not driver.prepared.are_too_many and len(self._idle) < self._most_idle:
            self._idle.append(driver)
        else:
            driver.close()

    async def break_off(self, why: str, seconds: float) -> None:
        """Breaks off all that is under way, none of which can be committed any more, and then accepts other work.

        Args:
            why: what is said of it.
            seconds: for how long to wait until it has ended; code that hangs may not even notice.
        """
        await asyncio.to_thread(self._interrupt, why)
        until = time.monotonic() + seconds
        while any(driver.refusal for driver in list(self._in_use)) and time.monotonic() < until:
            await asyncio.sleep(_LOOKING_SECONDS)
        self._health.refusal = ""

    def _interrupt(self, why: str) -> None:
        self._health.refusal = why
        for driver in list(self._in_use):
            driver.refusal = why
            driver.interrupt()

    def close(self) -> None:
        """Closes those that nobody uses."""
        while self._idle:
            self._idle.pop().close()
