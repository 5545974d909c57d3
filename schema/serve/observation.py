"""What is known of the requests of one process: figures for all of them, and a line of the log for each.

It lies on the way of every request, so it adds to plain numbers, which are put into words where somebody asks for them.
"""

import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from core.base import tracing
from core.base.languages import ENGLISH, Language
from schema.request.context import RequestContext
from schema.request.operations import Operation

_log = logging.getLogger("guanxi.request")

#: Upper bounds of what is counted together, in seconds.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
#: Codes of errors that are counted by name; a plugin may think of others.
CODES = frozenset(
    {
        "BAD_REQUEST",
        "BAD_USER_INPUT",
        "CONFLICT",
        "DOCUMENT_NOT_FOUND",
        "ERASED",
        "FORBIDDEN",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "INTERNAL_SERVER_ERROR",
        "LIMIT_EXCEEDED",
        "NOT_FOUND",
        "OUTCOME_UNKNOWN",
        "PLUGIN_ERROR",
        "REJECTED",
        "TIMEOUT",
        "TOO_MANY_REQUESTS",
        "UNAUTHENTICATED",
        "UNAVAILABLE",
    }
)
_MOST_FIELDS = 10
_LONGEST_NAME = 100

#: What is neither a query nor a mutation: GraphiQL's page, and what was refused before it was read.
NO_OPERATION = "none"
KINDS = ("query", "mutation", "subscription", "introspection", NO_OPERATION)


class RequestRecord:
    """What is noted of one request while it is answered.

    Attributes:
        began: when, by the monotonic clock.
        context: of the request, once it is known who asks.
        operation: what it asks for, once it is read.
        codes: of the errors it is answered with.
        language: that its messages are said in.
    """

    __slots__ = ("began", "codes", "context", "language", "operation")

    def __init__(self, language: Language = ENGLISH) -> None:
        self.began = time.perf_counter()
        self.language = language
        self.context: RequestContext | None = None
        self.operation: Operation | None = None
        self.codes: Sequence[str] = ()

    @property
    def kind(self) -> str:
        """The kind of its operation."""
        return NO_OPERATION if self.operation is None else self.operation.kind


class KindFigures:
    """The figures of requests of one kind.

    Attributes:
        counts: how many took no longer than each bound, and longer than the one before; the last have no bound.
        seconds: how long all of them took.
        statements: how many statements they took.
        good: how many were answered without an error.
        others: how many were not, by status and code.
    """

    __slots__ = ("counts", "good", "others", "seconds", "statements")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.statements = self.good = 0
        self.others: Counter[tuple[int, str]] = Counter()

    def requests(self) -> Iterator[tuple[str, str, int]]:
        """Status, code and how many."""
        yield "200", "", self.good
        for (status, code), count in list(self.others.items()):
            yield str(status), code, count


class Observation:
    """The figures of one process.

    Attributes:
        kinds: by the kind of operation.
    """

    def __init__(self, slow_after: float) -> None:
        """Begins with nothing.

        Args:
            slow_after: requests that take longer, in seconds, are logged as slow.
        """
        self._slow_after = slow_after
        self.kinds = {kind: KindFigures() for kind in KINDS}

    def note(self, record: RequestRecord, status: int) -> None:
        """Notes a request that was answered."""
        seconds = time.perf_counter() - record.began
        operation, codes = record.operation, record.codes
        kind = NO_OPERATION if operation is None else operation.kind
        figures = self.kinds[kind]
        figures.counts[bisect_left(BOUNDS, seconds)] += 1
        figures.seconds += seconds
        if record.context is not None:
            figures.statements += record.context.statements
        if codes or status != 200:
            code = "" if not codes else codes[0] if codes[0] in CODES else "OTHER"
            figures.others[status, code] += 1
            level = logging.WARNING if status >= 500 or seconds > self._slow_after else logging.INFO
        else:
            figures.good += 1
            # Reads that went well are many, and say little.
            level = logging.INFO if kind == "mutation" else logging.DEBUG
            level = logging.WARNING if seconds > self._slow_after else level
        if _log.isEnabledFor(level):
            _log.log(level, "request", extra=_fields(record, kind, status, seconds))


def _fields(record: RequestRecord, kind: str, status: int, seconds: float) -> dict[str, object]:
    """What a line tells of a request: nothing that a client sent but the name and the root fields of its operation."""
    context, operation = record.context, record.operation
    found: dict[str, object] = {"kind": kind, "status": status, "ms": round(seconds * 1000, 1)}
    if record.codes:
        found["codes"] = sorted(set(record.codes))
    if context is not None:
        found |= {"request_id": context.request_id, "actor": context.actor.id, "statements": context.statements}
        if context.cost is not None:
            found["cost"] = context.cost
    if operation is not None:
        found["operation"] = (operation.name or "")[:_LONGEST_NAME]
        found["fields"] = operation.root_fields[:_MOST_FIELDS]
    return found


def trace_request(record: RequestRecord, status: int | None) -> None:
    """Describes the span of a request."""
    operation = record.operation
    described: dict[str, str | int] = {"graphql.operation.type": record.kind}
    if status is not None:
        described["http.response.status_code"] = status
    if operation is not None:
        described["graphql.operation.name"] = (operation.name or "")[:_LONGEST_NAME]
        described["guanxi.fields"] = ",".join(operation.root_fields[:_MOST_FIELDS])
    tracing.describe(**described)
