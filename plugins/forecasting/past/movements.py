"""From one pipeline to a later one: what each opportunity does to the sum, so that all of it always adds up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from guanxi.vocabulary import Outcome
from plugins.forecasting.shared.vocabulary import BridgeStep


@dataclass(frozen=True, slots=True)
class Position:
    """The state of an opportunity at one moment.

    Attributes:
        outcome: open, won or lost.
        amount: in minor units; nothing where it was not known.
        closing_on: when it was expected to close.
    """

    outcome: Outcome
    amount: int
    closing_on: date | None


def is_counted(position: Position | None, closing_by: date | None) -> bool:
    """Whether a pipeline holds it: open, and expected to close by a day if one is named."""
    return position is not None and position.outcome is Outcome.OPEN and _in_sight(position, closing_by)


def movements(
    before: Position | None, after: Position | None, closing_by: date | None
) -> Iterator[tuple[BridgeStep, int]]:
    """The steps an opportunity took from one pipeline to the other.

    Their sum is what it is worth to the second minus what it was worth to the first. One that was won on the way comes
    in and goes out, though neither pipeline holds it; likewise one that originated and was lost. An amount that changed
    shows apart from what else happened, but of what was lost, pushed out or deleted, the amount before counts.

    Args:
        before, after: what it was at each end; None if it was not there.
        closing_by: the pipeline holds what is expected to close by this day; all that is open without it.
    """
    was, is_ = is_counted(before, closing_by), is_counted(after, closing_by)
    if not was and not is_ and not _passed(before, after, closing_by):
        return
    value = before.amount if was and before is not None else 0
    if not was:
        entry, value = _entry(before, after)
        yield entry, value
    if after is not None and (is_ or after.outcome is Outcome.WON) and after.amount != value:
        yield (BridgeStep.INCREASED if after.amount > value else BridgeStep.DECREASED), after.amount - value
        value = after.amount
    if not is_:
        yield _exit(after), -value


def _in_sight(position: Position, closing_by: date | None) -> bool:
    return closing_by is None or (position.closing_on is not None and position.closing_on <= closing_by)


def _passed(before: Position | None, after: Position | None, closing_by: date | None) -> bool:
    """Whether an opportunity that neither pipeline holds went through it."""
    if after is None or after.outcome is Outcome.OPEN:
        return False
    if after.outcome is Outcome.WON:
        return before is None or before.outcome is not Outcome.WON
    return before is None and _in_sight(after, closing_by)


def _entry(before: Position | None, after: Position | None) -> tuple[BridgeStep, int]:
    if before is not None and before.outcome is Outcome.OPEN:
        return BridgeStep.PULLED_IN, before.amount
    amount = 0 if after is None else after.amount
    return (BridgeStep.NEW if before is None else BridgeStep.REOPENED), amount


def _exit(after: Position | None) -> BridgeStep:
    if after is None:
        return BridgeStep.REMOVED
    return {
        Outcome.WON: BridgeStep.WON,
        Outcome.LOST: BridgeStep.LOST,
        Outcome.OPEN: BridgeStep.PUSHED_OUT,
    }[after.outcome]
