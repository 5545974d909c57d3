"""What authentication writes down, apart from the requests it is about: last uses of keys, and refused requests."""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

from sqlmodel import Session, col, update

from core.access.audit import AuditAction, drop_refusals, entry
from core.access.keys import ApiKey
from core.base.actors import PUBLIC
from core.base.clock import Clock
from core.db.database import Database, Done
from core.db.transaction import DatabaseTransaction

_log = logging.getLogger("guanxi.access")

#: A key's last use is written no more often.
_USE_PAUSE = timedelta(minutes=1)
#: After news, so long is waited for more of it.
_PAUSE_SECONDS = 60.0
#: At most this many refusals are counted separately per write; the rest are counted together.
_MOST_REFUSALS = 20
_OTHERS = "more of them, of several kinds"


class Keepsakes:
    """What one app has to write down."""

    def __init__(self, database: Database, clock: Clock, kept_days: int) -> None:
        """Prepares it.

        Args:
            database: to write it to.
            clock: the source of time.
            kept_days: for how many days refusals are kept.
        """
        self._database = database
        self._clock = clock
        self._kept = timedelta(days=kept_days)
        self._used: dict[str, datetime] = {}
        self._refused: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def used(self, key: ApiKey) -> None:
        """Notes that a key was used."""
        now = self._clock.now()
        if key.last_used_at is None or now - key.last_used_at >= _USE_PAUSE:
            self._used[key.id] = now
            self._news.set()

    def refused(self, what: str) -> None:
        """Notes that a request was refused.

        Args:
            what: why, by which credential and from which address, without a secret.
        """
        known = what in self._refused or len(self._refused) < _MOST_REFUSALS
        self._refused[what if known else _OTHERS] += 1
        self._news.set()

    def start(self) -> None:
        """From now on writes down what there is, until `stop`."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops after a last writing."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self.write()

    async def write(self) -> None:
        """Writes down what there is."""
        used, self._used = self._used, {}
        refused, self._refused = self._refused, Counter()
        if not used and not refused:
            return

        def work(transaction: DatabaseTransaction) -> Done[None]:
            now = self._clock.now()
            for what, number in refused.items():
                entry(transaction, PUBLIC.id, now, AuditAction.REFUSED, detail=what, number=number)
            if refused:
                drop_refusals(transaction.session, now - self._kept)
            _store_uses(transaction.session, used)
            return Done(None)

        try:
            await self._database.in_thread(lambda: self._database.writing(work))
        except Exception:
            # What is lost is a count and a moment; nobody is to be refused for it.
            _log.exception("uses of keys and refusals cannot be written down")

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_PAUSE_SECONDS)
            self._news.clear()
            await self.write()


def _store_uses(session: Session, used: dict[str, datetime]) -> None:
    for id, moment in sorted(used.items()):
        session.execute(update(ApiKey).where(col(ApiKey.id) == id).values(last_used_at=moment))
