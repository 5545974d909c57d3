"""Transactions of requests: work on a unit, committed once; the publisher hears of it."""

from collections.abc import Callable
from typing import Any, TypeVar

from core.unit.unit import Unit
from schema.request.context import RequestContext
from schema.request.questions import questions_in

T = TypeVar("T")


class _RolledBack(Exception):  # noqa: N818  (control flow: the transaction is rolled back, its answer kept)
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


async def write(context: RequestContext, work: Callable[[Unit], T], *, dry: bool = False) -> T:
    """Runs work in a transaction of its own, off the event loop; dry, everything is rolled back at the end.

    Raises:
        PluginError, InputError: as the work does; nothing is written then.
    """
    return await context.services.database.in_thread(lambda: write_now(context, work, dry=dry))


def write_now(context: RequestContext, work: Callable[[Unit], T], *, dry: bool = False) -> T:
    """The same in this thread."""
    services = context.services
    logged = False

    def in_session(session: Any) -> T:
        nonlocal logged
        unit = Unit(
            session,
            host=services.host,
            settings=services.settings,
            clock=services.clock,
            actor=context.actor,
            ask=lambda session: questions_in(context, session),
            request_id=context.request_id,
        )
        answer = work(unit)
        logged = unit.finish()
        if dry:
            raise _RolledBack(answer)
        return answer

    try:
        answer = services.database.retrying(in_session)
    except _RolledBack as tried:
        found: T = tried.answer
        return found
    if logged:
        services.announce()
    return answer
