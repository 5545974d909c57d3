"""Numbers of batches: without gaps, in the order of each record's changes, never one before a number already read.

The engines differ because their commits do. SQLite has one writer: a batch gets the next number in the transaction that
writes it, which a rollback takes back, and numbers appear in the order of commits. On PostgreSQL writers commit side by
side, and to number there would make them commit one after another. A batch only takes a position from a sequence, in
the last statement of its transaction. All locks are held by then, so of two transactions that change one record the
later one has the later position. After the commit a publisher numbers what has none, in the order of positions. The
counter's row lets one publisher at a time do so, and whoever waited for it reads what the one before has committed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlmodel import Session

from core.db.database import SQLITE
from core.db.transaction import Statement
from core.log.events import EventBatch, EventCounter
from core.records.rows import rows_of

_LAST = select(EventCounter.__table__.c.last).scalar_subquery()


def batch_statements(engine: str, batch: Mapping[str, Any]) -> Sequence[Statement]:
    """The statements that write a batch, the last of its transaction."""
    inserted = rows_of(EventBatch, engine).insertion([batch])
    if engine != SQLITE:
        return (inserted,)
    sql = inserted.sql.replace(") VALUES (", ", sequence) VALUES (").removesuffix(")")
    numbered = f"{sql}, (SELECT last FROM event_counter))"
    return Statement("UPDATE event_counter SET last = last + 1"), Statement(numbered, inserted.values)


def number_batches(session: Session) -> bool:
    """Numbers what has been committed without a number, on PostgreSQL; returns whether there was anything.

    Call it in a transaction of its own, at READ COMMITTED: each statement must see what was committed before it.
    """
    batch, counter = EventBatch.__table__.c, EventCounter.__table__.c
    unnumbered = batch.sequence.is_(None)
    if not session.scalar(select(select(batch.id).where(unnumbered).exists())):
        return False
    # Waits rather than skips: the snapshot of another publisher may be older than the commit this is called for.
    session.execute(select(counter.last).with_for_update())
    place = func.row_number().over(order_by=batch.position).label("place")
    waiting = select(batch.id, place).where(unnumbered).cte("waiting")
    numbering = update(EventBatch.__table__).where(batch.id == waiting.c.id).values(sequence=_LAST + waiting.c.place)
    numbered = numbering.returning(batch.sequence).cte("numbered")
    count = select(func.count()).select_from(numbered).scalar_subquery()
    session.execute(update(EventCounter.__table__).values(last=counter.last + count))
    return True
