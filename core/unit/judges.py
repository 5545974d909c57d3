"""Who in the core judges changes, each asked only where it may have something to say."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from core.base.errors import UserError
from core.crm.ladder import ladder_problems, steers
from core.crm.uniqueness import may_be_twin, twin_problems
from core.log.changes import Changes, Touched
from core.log.events import Action
from core.records.record import Record, record_named
from core.unit.affiliation import affiliation_problems, separates, separation_warnings, ties
from core.unit.belongings import gives_key, taken_keys
from core.unit.references import dangling, refers
from core.unit.unit import Unit


@dataclass(frozen=True, slots=True)
class Judge:
    """One that judges changes.

    Attributes:
        concerns: whether it looks at what an action does to a type of record, by the names of what changes.
        problems: what is wrong with changes.
    """

    concerns: Callable[[type[Record], Action, Set[str]], bool]
    problems: Callable[[Unit, Changes], Iterable[UserError]]


#: They compare changes with other records, which others may change meanwhile.
_COMPARING = (
    Judge(refers, lambda unit, changes: dangling(unit.transaction, changes, unit.settlement.pending)),
    Judge(gives_key, lambda unit, changes: taken_keys(unit.transaction, changes)),
    Judge(
        may_be_twin,
        lambda unit, changes: twin_problems(unit.transaction, changes, unit.settlement.pending, unit.held.region),
    ),
    Judge(ties, lambda unit, changes: affiliation_problems(unit.transaction, changes, unit.settlement.pending)),
)
#: They judge changes that go with all other records.
_JUDGING = (
    Judge(steers, lambda unit, changes: ladder_problems(unit.settlement, changes)),
    Judge(separates, lambda unit, changes: separation_warnings(unit.transaction, changes, unit.host.names)),
)


def contradictions(unit: Unit, changes: Changes) -> list[UserError]:
    """Errors of changes that do not go with other records."""
    return _problems(_COMPARING, unit, changes)


def doubts(unit: Unit, changes: Changes) -> list[UserError]:
    """What else the core finds wrong with changes, or doubtful."""
    return _problems(_JUDGING, unit, changes)


def _problems(judges: Sequence[Judge], unit: Unit, changes: Changes) -> list[UserError]:
    return [problem for judge in _concerned(judges, changes.touched) for problem in judge.problems(unit, changes)]


@lru_cache(1000)
def _concerned(judges: Sequence[Judge], touched: Touched) -> Sequence[Judge]:
    return [
        judge
        for judge in judges
        if any(judge.concerns(record_named(entity), action, names) for entity, action, names in touched)
    ]
