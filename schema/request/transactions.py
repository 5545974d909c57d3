"""Transactions of requests: work on a unit, committed once, and announced."""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from core.base.ids import new_id
from core.db.database import Done
from core.db.transaction import DatabaseTransaction, Rows, SqlStatement
from core.unit.unit import Unit
from schema.request.context import RequestContext
from schema.request.questions import questions_in

T = TypeVar("T")


def _nothing(answer: Any) -> Sequence[SqlStatement]:
    return ()


async def write(context: RequestContext, work: Callable[[Unit], T], *, dry: bool = False) -> T:
    """Runs work in a transaction of its own, off the event loop; dry, everything is rolled back at the end.

    Raises:
        PluginError, InputError: as the work does; nothing is written then.
    """
    return (await write_and_read(context, work, dry=dry))[0]


async def write_and_read(
    context: RequestContext,
    work: Callable[[Unit], T],
    reads: Callable[[T], Sequence[SqlStatement]] = _nothing,
    *,
    dry: bool = False,
    is_brief: bool = False,
) -> tuple[T, Sequence[Rows] | None]:
    """The same, and reads together with the commit what it wrote.

    Args:
        context: of the request.
        work: what is done.
        reads: gives the statements that read, knowing the result of the work.
        dry: everything is rolled back at the end.
        is_brief: it changes hardly more than one record, and no plugin's hooks may block on it.

    Returns:
        the result, and the rows of each statement; None if they were lost although the work was committed.
    """
    database = context.services.database
    run = database.briefly if is_brief else database.in_thread
    return await run(lambda: write_now(context, work, reads, dry=dry))


def write_now(
    context: RequestContext,
    work: Callable[[Unit], T],
    reads: Callable[[T], Sequence[SqlStatement]] = _nothing,
    *,
    dry: bool = False,
    is_endless: bool = False,
) -> tuple[T, Sequence[Rows] | None]:
    """The same in this thread; where it is endless, its statements may take as long as they need."""
    services = context.services
    # One for all tries, so that a second one is refused where the first was committed after all.
    batch_id = new_id("evb")
    is_news = False
    sent: DatabaseTransaction | None = None
    unit: Unit | None = None

    def in_transaction(transaction: DatabaseTransaction) -> Done[T]:
        nonlocal sent, unit
        sent = transaction
        unit = Unit(
            transaction,
            host=services.host,
            settings=services.settings,
            clock=context.clock,
            actor=context.actor,
            permit=context.permit,
            ask=lambda fetch: questions_in(context, fetch),
            sign=services.sign,
            estates=services.catalog.estates,
            belongings=services.catalog.belongings,
            request_id=context.request_id,
            batch_id=batch_id,
            may_look_again=unit is None or unit.may_look_again,
        )
        answer = work(unit)
        if dry and not unit.discards:
            # What the database refuses is reported by a dry run too.
            unit.flush()
            transaction.send()
        if dry or unit.discards:
            return Done(answer, discards=True)
        nonlocal is_news
        is_news = unit.finish()
        return Done(answer, reads(answer), unit.log.proof)

    written = services.database.writing(in_transaction, is_endless=is_endless)
    context.statements += 0 if sent is None else sent.statements
    if is_news:
        services.announce()
    return written
