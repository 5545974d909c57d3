"""The ladder of stages as a whole: one stage per position, win probabilities that rise, a stage that wins (O1, X3)."""

from collections.abc import Iterator, Sequence, Set
from typing import Any

from core.base.errors import UserError
from core.base.sentences import sentence
from core.crm.opportunities import Stage
from core.crm.rules import ladder_doubts, winning_problem
from core.crm.settlement import Settlement, problem
from core.log.changes import Change
from core.log.events import Action
from core.records.record import Record

#: What the place of a stage in the ladder follows from.
_WRITING = (Action.CREATED, Action.UPDATED)
_STEERING = frozenset({"position", "win_probability", "wins"})


def steers(kind: type[Record], action: Action, names: Set[str]) -> bool:
    """Whether the ladder of stages may become another."""
    return kind is Stage and (action is Action.RESTORED or (action in _WRITING and not names.isdisjoint(_STEERING)))


def ladder_problems(settlement: Settlement, changes: Sequence[Change]) -> Iterator[UserError]:
    """What is wrong with, or doubtful about, the ladder that changes of stages would make."""
    touched = [change for change in changes if steers(type(change.record), change.action, change.after.keys())]
    if not touched:
        return
    changed: dict[str, Any] = {change.record.id: change.record for change in changes}
    ladder: list[Any] = [stage for stage in settlement.stages() if stage.id not in changed]
    ladder += [stage for stage in changed.values() if isinstance(stage, Stage) and stage.deleted_at is None]
    ladder.sort(key=lambda stage: stage.position)
    for change in touched:
        stage: Any = change.record
        twin = next((other for other in ladder if other.position == stage.position and other.id != stage.id), None)
        if twin is not None:
            free = ladder[-1].position + 1
            message = sentence(
                "{position} is the position of stage {key} already; give another, such as {free}",
                position=stage.position,
                key=twin.key,
                free=free,
            )
            yield problem(change, "ALREADY_EXISTS", "position", message)
        elif fault := winning_problem(wins=stage.wins, win_probability=stage.win_probability):
            yield problem(change, "INVALID", "win_probability", fault)
        else:
            place = ladder.index(stage)
            before = ladder[place - 1] if place else None
            after = ladder[place + 1] if place + 1 < len(ladder) else None
            for field, doubt in ladder_doubts(
                win_probability=stage.win_probability,
                before=None if before is None else before.win_probability,
                after=None if after is None else after.win_probability,
                has_winning=any(other.wins for other in ladder),
            ):
                yield settlement.doubt(change, field, doubt)
