"""How many requests an actor may send: counted in the database, for all servers together, and leased in blocks.

A request takes from the block that its server has leased, so it costs no statement; the next block is leased meanwhile.
At most one block per server is taken beyond what is allowed.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Insert, case, delete, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from core.base.clock import Clock
from core.base.errors import RateLimitedError, UnavailableError
from core.base.sentences import sentence
from core.db.database import Database
from core.db.engines import POSTGRESQL
from core.records.columns import column
from core.records.record import Table

_log = logging.getLogger("guanxi.access")

#: A minute's requests are leased in so many blocks.
_BLOCKS = 20
#: So many actors are remembered, those that asked last.
_MOST_ACTORS = 10_000
#: Counts of minutes that are over are dropped when so many blocks have been leased.
_LEASES_PER_CLEANING = 500


class RequestCount(Table):
    """The requests that the servers have leased for one actor in the present minute."""

    name: str = column("Of the limit and the actor.", primary_key=True, exact=True)
    requests: int = column("How many are leased.")
    until: datetime = column("When the minute is over.", index=True)


class _DatabaseStorage(Storage):
    """Counts in the database, as the library of limits keeps them."""

    STORAGE_SCHEME = None

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__()
        self._database = database
        self._clock = clock
        self._leases = 0
        #: When the minutes are over that were counted in last.
        self._ends: dict[str, float] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return Exception

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._clock.now()
        until = now + timedelta(seconds=expiry)
        insert = postgresql.insert if self._database.dialect == POSTGRESQL else sqlite.insert
        known = RequestCount.__table__.c
        is_over = known.until <= now
        afresh = {"requests": amount, "until": literal(until, known.until.type)}
        going_on = {"requests": known.requests + amount, "until": known.until}
        counted: Insert = (
            insert(RequestCount.__table__)
            .values(name=key, **afresh)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={name: case((is_over, afresh[name]), else_=going_on[name]) for name in afresh},
            )
            .returning(known.requests, known.until)
        )
        self._leases += 1

        def write(session: Session) -> tuple[int, datetime]:
            if self._leases % _LEASES_PER_CLEANING == 0:
                session.execute(delete(RequestCount).where(col(RequestCount.until) <= now))
            requests, ends = session.execute(counted).one()
            return requests, ends

        requests, ends = self._database.retrying(write)
        self._ends[key] = ends.timestamp()
        if len(self._ends) > _MOST_ACTORS:
            self._ends.clear()
            self._ends[key] = ends.timestamp()
        return requests

    def get(self, key: str) -> int:
        found = self._database.retrying(lambda session: session.get(RequestCount, key))
        return 0 if found is None or found.until <= self._clock.now() else found.requests

    def get_expiry(self, key: str) -> float:
        return self._ends.get(key, self._clock.now().timestamp())

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        self._database.retrying(lambda session: session.execute(delete(RequestCount)))
        return None

    def clear(self, key: str) -> None:
        one = delete(RequestCount).where(col(RequestCount.name) == key)
        self._database.retrying(lambda session: session.execute(one))


@dataclass(slots=True)
class _Share:
    """What this server has of an actor's allowance.

    Attributes:
        left: requests of the blocks leased; negative for those let through while the first is on its way.
        until: when the minute of the blocks is over.
        refused_until: no more are to be had before.
        running: requests under way.
        lease: what leases the next block.
    """

    left: int = 0
    until: float = 0.0
    refused_until: float = 0.0
    running: int = 0
    lease: "asyncio.Task[None] | None" = field(default=None)


@dataclass(frozen=True, slots=True)
class Remainder:
    """What an actor has left, as far as this server knows.

    Attributes:
        limit: requests per minute.
        left: at least so many more are leased here.
        seconds: until the minute is over.
    """

    limit: int
    left: int
    seconds: int


class Allowances:
    """The allowances of all actors, as one server has them."""

    def __init__(self, database: Database, clock: Clock, per_minute: int, at_once: int) -> None:
        """Prepares it.

        Args:
            database: in which all servers count.
            clock: the source of time.
            per_minute: requests that one actor may send, rounded down to whole blocks.
            at_once: requests that one actor may have under way on this server.
        """
        self._database = database
        self._clock = clock
        self.block = max(1, per_minute // _BLOCKS)
        self._item = RateLimitItemPerMinute(per_minute // self.block * self.block)
        self._storage = _DatabaseStorage(database, clock)
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._at_once = at_once
        self._shares: OrderedDict[str, _Share] = OrderedDict()

    async def take(self, actor: str) -> Remainder:
        """Takes one request of an actor's allowance; `give_back` is called when it is answered.

        Raises:
            RateLimitedError: it has none left, or has as many under way as it may.
        """
        share = self._share(actor)
        if share.running >= self._at_once:
            raise RateLimitedError(
                sentence(
                    "{running} requests of yours are under way; wait for them to be answered", running=share.running
                ),
                1,
            )
        now = self._clock.now().timestamp()
        if share.until <= now and share.lease is None:
            share.left = 0
        if share.left <= -self.block and share.lease is not None:
            # As much as may be taken on credit is taken.
            await asyncio.shield(share.lease)
        if now < share.refused_until and share.left <= 0:
            wait = ceil(share.refused_until - now)
            raise RateLimitedError(
                sentence(
                    "more than {amount} requests within a minute; wait {wait} s", amount=self._item.amount, wait=wait
                ),
                wait,
            )
        share.left -= 1
        share.running += 1
        if share.left <= self.block // 2 and share.lease is None and now >= share.refused_until:
            share.lease = asyncio.create_task(self._lease(actor, share))
        seconds = max(0, int(share.until - now)) if share.until > now else 60
        return Remainder(self._item.amount, max(0, share.left), seconds)

    def give_back(self, actor: str) -> None:
        """Notes that a request is answered."""
        share = self._shares.get(actor)
        if share is not None and share.running:
            share.running -= 1

    async def stop(self) -> None:
        """Waits for blocks that are being leased."""
        leases = [share.lease for share in self._shares.values() if share.lease is not None]
        if leases:
            await asyncio.wait(leases)

    def _share(self, actor: str) -> _Share:
        share = self._shares.get(actor)
        if share is None:
            share = self._shares[actor] = _Share()
            if len(self._shares) > _MOST_ACTORS:
                self._shares.popitem(last=False)
        self._shares.move_to_end(actor)
        return share

    async def _lease(self, actor: str, share: _Share) -> None:
        """Leases a block, which pays for what was taken on credit first."""
        try:
            has_more, until = await self._database.in_thread(lambda: self._hit(actor))
            share.until = until
            if has_more:
                share.left += self.block
            else:
                share.refused_until = until
        except UnavailableError:
            # The database's own log tells of it, once.
            share.left = 0
        except Exception:
            # Whether requests are answered does not depend on whether they can be counted.
            _log.exception("the requests of %s cannot be counted", actor)
            share.left = 0
        finally:
            share.lease = None

    def _hit(self, actor: str) -> tuple[bool, float]:
        has_more = self._limiter.hit(self._item, actor, cost=self.block)
        return has_more, self._storage.get_expiry(self._item.key_for(actor))
