"""What forecasting relies on: opportunities whose past it keeps, and targets of which there is one each (F10, G11)."""

from collections.abc import Iterator
from typing import Any

from guanxi import Action, Changes
from plugins.forecasting.validation import mark


def keys_of(changes: Changes) -> Iterator[tuple[str, ...]]:
    """The opportunities and targets of these changes; everything, where a stage changes what its deals are."""
    if any("win_probability" in change.after for change in changes.of("Stage", Action.UPDATED)):
        yield ()
    deals = {change.record.id for change in changes.of("Opportunity")}
    yield from (("opportunity", id) for id in deals | changes.ids("OpportunityContact", "opportunity_id"))
    for change in changes.of("SalesTarget", Action.CREATED, Action.UPDATED, Action.RESTORED):
        target: Any = change.record
        yield ("target", *(str(part) for part in mark(target)))
