"""Reading from PostgreSQL: on a pool of asyncpg connections, or on psycopg's connection of a running transaction."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import psycopg

from core.db.database import Database
from core.db.faults import lost
from core.db.postgresql import CONNECTING_SECONDS, GRACE_SECONDS
from core.db.prepared import PreparedStatements
from schema.read.pool import Pool
from schema.read.reader import PREPARED_STATEMENTS, Steps

_INDEX = re.compile(r"Index (?:Only )?Scan (?:Backward )?(?:using|on) (\S+)")


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # it has no types
    """A connection that does not keep more prepared than it may."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._prepared = PreparedStatements()

    async def value(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The value of a statement, or None where no row came back."""
        if self._prepared.are_too_many:
            self._prepared.clear()
            # In public there is only `reload_schema_state`, after which it would ask for types again, too.
            self._drop_local_statement_cache()
        self._prepared.note(sql)
        found: bytes | None = await self.fetchval(sql, *values)
        return found


class PostgresReader:
    """PostgreSQL: a pool of asyncpg connections; statements give JSON as the bytes that are sent on."""

    def __init__(self, database: Database, timeout: float, patience: float, size: int = 8) -> None:
        self._database = database
        self._dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._timeout = timeout
        self.pool = Pool(self._connect, size, patience)

    async def open(self) -> None:
        """Checks that it can connect."""
        await self.pool.use(lambda connection: connection.fetchval("SELECT 1"))

    async def _connect(self) -> Any:
        return await asyncpg.connect(
            self._dsn,
            connection_class=_Connection,
            timeout=CONNECTING_SECONDS,
            # The server cancels what takes too long; where it does not even do that, it is gone.
            command_timeout=self._timeout + GRACE_SECONDS,
            statement_cache_size=PREPARED_STATEMENTS,
            # Long statements are those that gain most.
            max_cacheable_statement_size=0,
            server_settings={
                "jit": "off",
                "statement_timeout": str(int(self._timeout * 1000)),
                "default_transaction_read_only": "on",
            },
        )

    async def fetch(self, sql: str, values: Sequence[Any]) -> bytes | None:
        """The JSON value of a statement."""
        found: bytes | None = await self._used(lambda connection: connection.value(sql, values))
        return found

    async def _used(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """The result of work on a connection of its own.

        Raises:
            SlowStatementError, UnavailableError: as `Reader.fetch`.
        """
        try:
            found = await self.pool.use(work)
        except (OSError, TimeoutError) as error:
            self._database.health.raise_meaning(lost(error))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self._database.health.raise_meaning(error)
        if self._database.health.is_lost:
            self._database.health.note_use()
        return found

    def fits(self, sql: str) -> bool:
        """Every statement that is within the limits of queries."""
        return True

    async def explain(self, sql: str, values: Sequence[Any]) -> Steps:
        """The engine's query plan for a statement, which it runs to find out."""
        options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF"
        rows = await self._used(lambda connection: connection.fetch(f"EXPLAIN ({options}) {sql}", *values))
        return Steps.of([row[0] for row in rows], _INDEX)

    async def close(self) -> None:
        """Closes the pool."""
        await self.pool.close()


def fetch(driver: Any, sql: str, values: Sequence[Any]) -> bytes | None:
    """The JSON value of a statement on a psycopg connection, in whose transaction it is run."""
    with psycopg.RawCursor(driver) as cursor:
        row = cursor.execute(sql, values, binary=True).fetchone()
    return None if row is None else row[0]
