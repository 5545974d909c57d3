"""Spans for OpenTelemetry where it is installed (the extra `telemetry`); else nothing is done, and nothing imported."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

try:
    from opentelemetry import propagate, trace
except ImportError:
    _tracer: Any = None
else:
    _tracer = trace.get_tracer("guanxi")

#: Whether there are spans at all.
IS_ON = _tracer is not None
_NOTHING: AbstractContextManager[Any] = nullcontext()


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """A span while something is done, below the one that is open.

    Args:
        name: of what is done; one of few.
        attributes: no value that a client sent.
    """
    return _tracer.start_as_current_span(name, attributes=attributes) if IS_ON else _NOTHING


def request_span(headers: Mapping[bytes, str]) -> AbstractContextManager[Any]:
    """The span of a request, below the one its headers name."""
    if not IS_ON:
        return _NOTHING
    carrier = {name.decode("latin-1"): value for name, value in headers.items()}
    return _tracer.start_as_current_span("request", context=propagate.extract(carrier), kind=trace.SpanKind.SERVER)  # type: ignore[no-any-return]


def describe(**attributes: str | int) -> None:
    """Says more about the span that is open."""
    if IS_ON:
        trace.get_current_span().set_attributes(attributes)
