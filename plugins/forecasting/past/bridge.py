"""The bridge from the pipeline of one moment to that of a later one, opportunity by opportunity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from guanxi import Context, InputError, sentence
from guanxi.calendar import Calendar
from guanxi.vocabulary import Outcome
from plugins.forecasting.past.movements import Position, is_counted, movements
from plugins.forecasting.shared.reports import (
    Point,
    ReportKey,
    WhereInput,
    every,
    grain_of,
    is_open,
    mark,
    path_of,
    places,
    selected,
    value_at,
)
from plugins.forecasting.shared.vocabulary import BridgeStep


@dataclass(frozen=True, slots=True)
class Move:
    """One opportunity's part in a step: what it adds to the pipeline, or removes from it."""

    opportunity: str
    amount: Decimal


@dataclass(slots=True)
class StepMoves:
    """One step of a bridge, all opportunities together."""

    step: BridgeStep
    moves: list[Move] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        """Amount it adds to the pipeline; negative if it reduces it."""
        return sum((move.amount for move in self.moves), Decimal(0))


@dataclass(slots=True)
class Bridge:
    """A pipeline, what happened to it, and what it was then; opening and steps sum to closing."""

    keys: dict[str, Any]
    opening_count: int = 0
    opening: Decimal = Decimal(0)
    closing_count: int = 0
    closing: Decimal = Decimal(0)
    spans: dict[BridgeStep, StepMoves] = field(default_factory=lambda: {step: StepMoves(step) for step in BridgeStep})


def build(
    ctx: Context,
    opening: Point,
    closing: Point,
    closing_by: date | None,
    by: Sequence[ReportKey],
    where: WhereInput | None,
) -> list[Bridge]:
    """A bridge for each group of opportunities, or one of all.

    Args:
        ctx: in one transaction.
        opening, closing: the two moments.
        closing_by: only what is expected to close by this day is in the pipeline.
        by: keys of opportunities as they are now.
        where: which opportunities; deleted ones are included, because they were in the pipeline.

    Raises:
        InputError: the closing moment is before the opening one.
    """
    if closing.moment < opening.moment:
        raise InputError(sentence("closing: is before `opening`; give a later day or snapshot"))
    bridges: dict[str, Bridge] = {} if by else {mark({}): Bridge({})}
    either = [_counted(opening, closing_by), _counted(closing, closing_by), _changed(opening, closing)]
    wanted = {"deletedAt": {}, **every(where, {"pipelineStates": {"some": {"or": either}}})}
    ends = {"opening": ("PipelineStateWhere!", opening.where()), "closing": ("PipelineStateWhere!", closing.where())}
    for node in ctx.pages("Opportunity", _selection(by), wanted, variables=ends):
        keys = _keys(ctx.calendar, by, node)
        bridge = bridges.setdefault(mark(keys), Bridge(keys))
        before, after = (_position(node[end]["nodes"], places(ctx)) for end in ("opening", "closing"))
        _add(bridge, node["id"], before, after, closing_by, places(ctx))
    return [bridges[key] for key in sorted(bridges)]


def _counted(point: Point, closing_by: date | None) -> WhereInput:
    soon = None if closing_by is None else {"expectedCloseDate": {"lte": closing_by}}
    return every(point.where(), is_open(), soon)


def _changed(opening: Point, closing: Point) -> WhereInput:
    """A state that began between the two moments."""
    return every(closing.known(), {"validFrom": {"gt": opening.moment, "lte": closing.moment}})


def _selection(by: Sequence[ReportKey]) -> str:
    """The selection for each opportunity: its keys, and its state at either end."""
    ends = " ".join(
        f"{name}: pipelineStates(first: 1, where: ${name}) "
        "{ nodes { outcome expectedCloseDate expectedAmount { reportingAmount } } }"
        for name in ("opening", "closing")
    )
    return f"id {' '.join(selected(key) for key in by)} {ends}"


def _keys(calendar: Calendar, by: Sequence[ReportKey], node: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an opportunity, dates by the first day of their period."""
    keys: dict[str, Any] = {}
    for key in by:
        *way, name = path_of(key)
        grain, value = grain_of(key), value_at(node, (*way, name))
        if grain is not None and value is not None:
            day = date.fromisoformat(value) if len(value) == 10 else calendar.day_of(datetime.fromisoformat(value))
            value = calendar.first_of(day, grain).isoformat()
        place = keys
        for step in way:
            place = place.setdefault(step, {})
        place[name] = value
    return keys


def _position(nodes: Sequence[Mapping[str, Any]], places: int) -> Position | None:
    if not nodes:
        return None
    (node,) = nodes
    amount, closing_on = node["expectedAmount"], node["expectedCloseDate"]
    return Position(
        Outcome(node["outcome"]),
        0 if amount is None else int(Decimal(amount["reportingAmount"]).scaleb(places)),
        None if closing_on is None else date.fromisoformat(closing_on),
    )


def _add(
    bridge: Bridge, id: str, before: Position | None, after: Position | None, closing_by: date | None, places: int
) -> None:
    if before is not None and is_counted(before, closing_by):
        bridge.opening_count += 1
        bridge.opening += Decimal(before.amount).scaleb(-places)
    if after is not None and is_counted(after, closing_by):
        bridge.closing_count += 1
        bridge.closing += Decimal(after.amount).scaleb(-places)
    for step, amount in movements(before, after, closing_by):
        bridge.spans[step].moves.append(Move(id, Decimal(amount).scaleb(-places)))
