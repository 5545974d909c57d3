"""Compiling off the event loop: reading documents, coercing many values, making statements.

All of it is Python, of which one thread runs at a time, and the event loop comes in between every few milliseconds. One
thread does it, so that what many ask at once is compiled one after the other, each thing once: who comes second finds
it made.
"""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from graphql import GraphQLError

from core.base.sentences import sentence
from schema.request.documents import Documents
from schema.request.limits import LIMIT_EXCEEDED
from schema.request.operations import Operation, Variant, Variation
from schema.request.refusal import Refused

T = TypeVar("T")


class Compiling:
    """The one thread of an app that compiles."""

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """The result of work that compiles something.

        Raises:
            Refused: what it compiles is nested too deeply.
        """
        if self._limiter is None:
            # A limiter belongs to an event loop, and there is one once something is compiled.
            self._limiter = anyio.CapacityLimiter(1)
        return await anyio.to_thread.run_sync(_guarded, work, limiter=self._limiter)

    async def operation(self, documents: Documents, text: str, name: str | None) -> Operation:
        """The operation of a document that is to be run, which is not known yet.

        Raises:
            Refused: as `Documents.operation`.
        """
        return await self.run(lambda: documents.operation(text, name))

    async def variant(self, operation: Operation, variation: Variation, items: int | None = None) -> Variant:
        """An operation compiled for variables of one shape and one access, which is not known yet.

        Args:
            operation: which one.
            variation: what it is compiled for.
            items: how many rows or ids a client gave, whose requests may not cost too much; plugins' may.

        Raises:
            Refused: it costs too much.
        """

        def compiled() -> Variant:
            if items is not None:
                operation.check_cost(operation.cost(variation.opened).of(items))
            return operation.compiled(variation)

        return await self.run(compiled)


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except RecursionError:
        said = sentence("the query is nested too deeply; split it into several")
        raise Refused([GraphQLError(said, extensions={"code": LIMIT_EXCEEDED, "limit": "nesting"})]) from None
