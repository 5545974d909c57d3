"""How opportunities pass the stages: pass and win rates of a cohort against presets, and targets by stage (O6, F10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from guanxi import Context, InputError, sentence
from guanxi.vocabulary import Outcome
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.reports import (
    Point,
    ReportKey,
    WhereInput,
    every,
    is_open,
    mark,
    moment_range,
    of_opportunity,
    under,
)
from plugins.forecasting.shared.vocabulary import SalesMetric


@dataclass(slots=True)
class CohortRate:
    """A cohort that entered a stage in a period: each opportunity once, when it came there first.

    Attributes:
        stage: id of the stage.
        is_last: no stage follows, so that nothing can pass.
        keys: of its group.
        entered: how many.
        passed: how many of them entered a later stage since.
        outcomes: how many of them are open, won and lost now.
        preset_pass_rate, preset_win_rate: what is expected of the stage, in percent.
    """

    stage: str
    is_last: bool
    keys: dict[str, Any]
    preset_pass_rate: Decimal | None
    preset_win_rate: Decimal | None
    entered: int = 0
    passed: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))

    @property
    def pass_rate(self) -> Decimal | None:
        """Passed in percent of entered (O6)."""
        return None if self.is_last else rules.percent(self.passed, self.entered)

    @property
    def win_rate_of_decided(self) -> Decimal | None:
        """Won in percent of won and lost (O6)."""
        return rules.percent(self.outcomes[Outcome.WON], self.outcomes[Outcome.WON] + self.outcomes[Outcome.LOST])

    @property
    def win_rate_of_all(self) -> Decimal | None:
        """Won in percent of all, open ones too (O6)."""
        return rules.percent(self.outcomes[Outcome.WON], self.entered)


_STAGES = "{ stages { id presetPassRate presetWinRate } }"


def stage_rates(
    ctx: Context, first: date, last: date, by: Sequence[ReportKey], where: WhereInput | None
) -> list[CohortRate]:
    """The rates of each stage, in the order of stages and groups.

    Args:
        ctx: in one transaction.
        first, last: days between which the cohorts entered.
        by: keys of opportunities.
        where: which opportunities.

    Raises:
        InputError: the days are the wrong way round.
    """
    if last < first:
        raise InputError(
            sentence("lastDay: {last} is before firstDay, {first}; give a later one", last=last, first=first)
        )
    # Of an opportunity that was deleted its moves are left, and no outcome.
    there = of_opportunity({"outcome": {"isNull": False}}, where)
    cohort = every({"isFirstEntry": {"eq": True}}, moment_range(ctx.calendar, "movedAt", first, last), there)
    keys = [{"toStageId": True}, {"hasPassed": True}, *under("opportunity", [{"outcome": True}, *by])]
    stages = ctx.query(_STAGES)["stages"]
    rates = {} if by else {mark({}): _unentered(stages, {})}
    for group in ctx.groups("StageTransition", keys, cohort):
        outcome = Outcome(group.keys["opportunity"]["outcome"])
        told = {name: value for name, value in group.keys["opportunity"].items() if name != "outcome"}
        rate = rates.setdefault(mark(told), _unentered(stages, told)).get(group.keys["toStageId"])
        if rate is None:
            continue
        rate.entered += group.count
        rate.passed += group.count * group.keys["hasPassed"]
        rate.outcomes[outcome] += group.count
    return [rate for place in sorted(rates) for rate in rates[place].values()]


def _unentered(stages: Sequence[Mapping[str, Any]], keys: dict[str, Any]) -> dict[str, CohortRate]:
    """Every stage in order, entered by nothing."""
    return {
        stage["id"]: CohortRate(
            stage["id"],
            stage is stages[-1],
            keys,
            _number(stage["presetPassRate"]),
            _number(stage["presetWinRate"]),
        )
        for stage in stages
    }


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


# A target by stage


@dataclass(frozen=True, slots=True)
class TargetNeed:
    """What a stage holds towards a target, and what it would need to close the gap alone.

    Attributes:
        stage: id of the stage.
        amount, weighted: what is open in it and expected to close by the end of the target's period.
        win_rate: share expected to be won from here, in percent: the preset, else the win probability.
        needed: the gap by that rate; None where nothing is won from here.
    """

    stage: str
    amount: Decimal
    weighted: Decimal
    win_rate: Decimal
    needed: Decimal | None

    @property
    def coverage(self) -> Decimal | None:
        """The amount in percent of the amount needed."""
        return None if self.needed is None else rules.percent(self.amount, self.needed)


_TARGET = """query ($id: ID!) { salesTarget(id: $id) {
    metric periodEnd gap userId teamId region } stages { id presetWinRate winProbability wins } }"""


def target_by_stage(ctx: Context, target_id: str) -> list[TargetNeed]:
    """A target of won amount, divided by the stages before winning (F10).

    Raises:
        InputError: there is no such target, or it is of another metric.
    """
    answer = ctx.query(_TARGET, {"id": target_id})
    target = answer["salesTarget"]
    if target is None:
        raise InputError(
            sentence("targetId: there is no target {target_id!r}; see the query salesTargets", target_id=target_id)
        )
    if target["metric"] != SalesMetric.WON_AMOUNT:
        raise InputError(
            sentence(
                "targetId: {target_id} is of {target}; only a target of WON_AMOUNT can be divided by stage",
                target_id=target_id,
                target=target["metric"],
            )
        )
    wanted = every(
        Point(ctx.clock.now()).where(),
        is_open(),
        {"expectedCloseDate": {"lte": date.fromisoformat(target["periodEnd"])}},
        of_opportunity(_scope(target)),
    )
    groups = ctx.groups("PipelineState", [{"stageId": True}], wanted, sum=["expectedAmount", "weightedAmount"])
    held = {group.keys["stageId"]: group.sum for group in groups}
    nothing = {"expectedAmount": Decimal(0), "weightedAmount": Decimal(0)}
    needs = []
    for stage in answer["stages"]:
        if not stage["wins"]:
            rate, sums = Decimal(stage["presetWinRate"] or stage["winProbability"]), held.get(stage["id"], nothing)
            needed = rules.needed(Decimal(target["gap"]), rate)
            needs.append(TargetNeed(stage["id"], sums["expectedAmount"], sums["weightedAmount"], rate, needed))
    return needs


def _scope(target: Mapping[str, Any]) -> WhereInput:
    """The opportunities that a target counts."""
    return every(
        target["userId"] and {"ownerId": {"eq": target["userId"]}},
        target["teamId"] and {"owner": {"teamId": {"eq": target["teamId"]}}},
        target["region"] and {"region": {"eq": target["region"]}},
    )
