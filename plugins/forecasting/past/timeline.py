"""Writing an opportunity's history: what is known stays, new changes are added, late ones correct it.

Each span says what was so from one moment to another in the business. A change that is recorded when it happens ends
the latest span and begins another. One that is recorded later, with an earlier moment, replaces the spans it concerns;
those it replaces are kept as superseded, so that what was known at any time can still be reconstructed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """The state of an opportunity between two moments.

    Attributes:
        since, until: the moments in the business; without end while it is so.
        values: what it was, by column.
        id: of the row that holds it; None while there is none.
        is_inferred: it follows from dates of history that was entered later.
    """

    since: datetime
    until: datetime | None
    values: Values
    id: str = ""
    is_inferred: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """The rows to write.

    Attributes:
        ended: rows that end at a moment.
        superseded: rows that no longer count.
        added: new spans.
    """

    ended: list[tuple[str, datetime]] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    added: list[Span] = field(default_factory=list)


def begin(
    values: Values, arisen: datetime, unknown: Values, steps: Sequence[tuple[datetime, Values, bool]]
) -> Revision:
    """The past of an opportunity that has none yet, from its transitions.

    Args:
        values: what it is now.
        arisen: when it originated.
        unknown: what it was before its first step, if that step decided it.
        steps: moment of each transition, what it led to, and whether that was open; in order.
    """
    spans: list[Span] = []
    if not steps or (arisen < steps[0][0] and steps[0][2]):
        spans.append(Span(arisen, None, values, is_inferred=bool(steps)))
    elif arisen < steps[0][0]:
        spans.append(Span(arisen, None, {**values, **unknown}, is_inferred=True))
    spans += [Span(at, None, {**values, **led_to}, is_inferred=True) for at, led_to, _ in steps]
    spans[-1] = replace(spans[-1], values=values, is_inferred=False)
    return Revision(
        added=[
            replace(span, until=following.since)
            for span, following in zip(spans, [*spans[1:], spans[-1]], strict=True)
            if span.since < following.since
        ]
        + [spans[-1]]
    )


def revise(known: Sequence[Span], values: Values, at: datetime, now: datetime) -> Revision:
    """Plans what to write when an opportunity has changed.

    Args:
        known: its spans in order, at least one; superseded ones left out.
        values: what it is now.
        at: when that happened in the business.
        now: when it is recorded.
    """
    last = known[-1]
    if last.until is not None:
        return Revision(added=[Span(max(at, last.until), None, values)])
    changed = {name: value for name, value in values.items() if last.values[name] != value}
    if not changed:
        return Revision()
    if last.since < at and at >= now:
        return Revision(ended=[(last.id, at)], added=[Span(at, None, values)])
    revision = Revision()
    for span in known:
        if span.until is None or span.until > at:
            revision.superseded.append(span.id)
            if span.since < at:
                revision.added.append(replace(span, until=at))
            revision.added.append(replace(span, since=max(span.since, at), values={**span.values, **changed}))
    return revision


def end(known: Sequence[Span], at: datetime) -> Revision:
    """Plans what to write when an opportunity is deleted."""
    last = known[-1]
    return Revision(ended=[(last.id, at)]) if last.until is None else Revision()
