"""Numbers of batches: without gaps, in the order of each record's changes, never one before a number already read.

The engines differ because their commits do. SQLite has one writer: a batch gets the next number in the transaction that
writes it, which a rollback takes back, and numbers appear in the order of commits. On PostgreSQL writers commit side by
side, and to number there would make them commit one after another. A batch only takes a position from a sequence, in
the last statement of its transaction. All locks are held by then, so of two transactions that change one record the
later one has the later position. After the commit a publisher numbers what has none, in the order of positions. The
counter's row lets one publisher at a time do so, and whoever waited for it reads what the one before has committed.
With its commit every server that listens hears of the new numbers.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from core.db.database import Done
from core.db.engines import SQLITE
from core.db.transaction import DatabaseTransaction, SqlStatement, mark
from core.log.events import EventBatch
from core.records.rows import rows_of


def batch_statements(engine: str, batch: Mapping[str, Any]) -> Sequence[SqlStatement]:
    """The statements that write a batch, the last of its transaction."""
    inserted = rows_of(EventBatch, engine).insertion([batch])
    if engine != SQLITE:
        return (inserted,)
    return SqlStatement("UPDATE event_counter SET last = last + 1"), SqlStatement(
        _numbered(tuple(batch)), inserted.values
    )


@lru_cache(10)
def _numbered(names: tuple[str, ...]) -> str:
    """What inserts a batch with the number that the counter has."""
    places = ", ".join(mark(SQLITE, number) for number in range(1, len(names) + 1))
    return f"INSERT INTO event_batch ({', '.join(names)}, sequence) SELECT {places}, last FROM event_counter"


#: What listens for new numbers on PostgreSQL listens to this.
CHANNEL = "guanxi_events"

#: Waits rather than skips: the snapshot of another publisher may be older than the commit this is called for.
_HOLD = SqlStatement("SELECT last FROM event_counter FOR UPDATE")
# A statement of its own, so that it sees what was committed before the counter was held.
_NUMBER = SqlStatement(
    """WITH waiting AS (
        SELECT id, row_number() OVER (ORDER BY position) AS place FROM event_batch WHERE sequence IS NULL
    ), numbered AS (
        UPDATE event_batch SET sequence = event_counter.last + waiting.place FROM waiting, event_counter
        WHERE event_batch.id = waiting.id RETURNING 1
    ), counted AS (
        SELECT count(*) AS number FROM numbered
    )
    UPDATE event_counter SET last = last + number FROM counted WHERE number > 0 RETURNING number"""
)
# A statement of its own: Citus refuses it where a table is changed, and where one is read calls it on that table's node
# where nobody listens. Who hears of nothing new only looks once more.
_TELL = SqlStatement(f"SELECT pg_notify('{CHANNEL}', '')")


def number_batches(transaction: DatabaseTransaction) -> Done[None]:
    """Numbers what has been committed without a number, on PostgreSQL; its first rows are empty if there was nothing.

    Call it in a transaction of its own, at READ COMMITTED: each statement must see what was committed before it.
    """
    transaction.put(_HOLD)
    return Done(None, (_NUMBER, _TELL))
