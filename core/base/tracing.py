"""Spans for OpenTelemetry where it is installed (the extra `telemetry`) and set up; else nothing is done."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

try:
    from opentelemetry import propagate, trace
except ImportError:
    trace = None  # type: ignore[assignment]

_NOTHING: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None


def begin() -> None:
    """Makes spans from now on if the process has somebody who takes them; without, they would only cost time."""
    global _tracer
    if trace is not None and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        _tracer = trace.get_tracer("guanxi")


def is_on() -> bool:
    """Whether spans are made."""
    return _tracer is not None


def span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """A span while something is done, below the one that is open.

    Args:
        name: of what is done; one of few.
        attributes: no value that a client sent.
    """
    return _NOTHING if _tracer is None else _tracer.start_as_current_span(name, attributes=attributes)


def request_span(headers: Mapping[bytes, str]) -> AbstractContextManager[Any]:
    """The span of a request, below the one its headers name."""
    if _tracer is None:
        return _NOTHING
    carrier = {name.decode("latin-1"): value for name, value in headers.items()}
    parent = propagate.extract(carrier)
    return _tracer.start_as_current_span("request", context=parent, kind=trace.SpanKind.SERVER)  # type: ignore[no-any-return]


def describe(**attributes: str | int) -> None:
    """Describes the span that is open."""
    if _tracer is not None:
        trace.get_current_span().set_attributes(attributes)
