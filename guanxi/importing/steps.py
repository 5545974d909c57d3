"""Steps of opportunities that a source tells one by one: which of them the log has, and which come too late."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from core.crm.opportunities import Opportunity, StageTransition
from core.log import attachments
from core.unit.unit import Unit
from guanxi.importing.mapping import Item

_Key = tuple[str, str]


class StepLog:
    """The logged steps of opportunities.

    Args:
        unit: of work.
        items: rows that say at which moment an opportunity entered a stage or a status.
    """

    def __init__(self, unit: Unit, items: Iterable[Item]) -> None:
        keys = {_key(item) for item in items if item.at is not None}
        known = attachments.records_by_external_id(unit.transaction, Opportunity.__name__, keys) if keys else {}
        self._ids: Mapping[_Key, str] = known
        self._steps: dict[str, list[StageTransition]] = {id: [] for id in known.values()}
        wanted = select(StageTransition).where(col(StageTransition.opportunity_id).in_(sorted(self._steps)))
        unit.flush()
        for step in unit.session.exec(wanted.order_by(col(StageTransition.moved_at), col(StageTransition.id))):
            self._steps[step.opportunity_id].append(step)

    def known(self, item: Item, given: Mapping[str, Any]) -> str | None:
        """The opportunity, if it was at the moment what a row says; None if the log does not say so."""
        steps, at = self._of(item), item.at
        place = 0 if at is None else bisect_right(steps, at, key=_moment)
        if not place:
            return None
        state = steps[place - 1]
        asked = given.get("stageId", state.to_stage_id), given.get("status", state.to_status)
        return state.opportunity_id if asked == (state.to_stage_id, state.to_status) else None

    def problem(self, item: Item) -> str | None:
        """Why a step that the log does not have cannot be added; None if it can."""
        steps, at = self._of(item), item.at
        if at is None or not steps or at >= steps[-1].moved_at:
            return None
        last = steps[-1]
        return (
            f"at: {at:%Y-%m-%d %H:%M} is before the latest step of the opportunity, of {last.moved_at:%Y-%m-%d %H:%M} "
            f"to {last.to_status}, and the log shows something else for it; import steps in order, and before the "
            "opportunity as it is now"
        )

    def _of(self, item: Item) -> Sequence[StageTransition]:
        return self._steps.get(self._ids.get(_key(item), ""), ())


def _key(item: Item) -> _Key:
    first = item.given["externalIds"][0]
    return first["system"], first["value"]


def _moment(step: StageTransition) -> datetime:
    return step.moved_at
