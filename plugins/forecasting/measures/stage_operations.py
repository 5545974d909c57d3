"""The queries on stages: rates of cohorts against presets, and a target by stage."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from guanxi import Context, Money, Ref, query
from guanxi.records import Stage
from guanxi.vocabulary import Outcome
from plugins.forecasting.measures import stages
from plugins.forecasting.shared.arguments import By, Opportunities, OpportunityKeys
from plugins.forecasting.shared.reports import money


@strawberry.type
class StageRate:
    """A cohort that entered a stage in a period, each opportunity once."""

    stage: Ref[Stage] = strawberry.field(description="The stage.")
    keys: OpportunityKeys | None = strawberry.field(description="The group's keys; null without `by`.")
    entered: int = strawberry.field(description="Number that entered it for the first time in the period.")
    passed: int = strawberry.field(description="Number of them that have entered a later stage since.")
    pass_rate: Decimal | None = strawberry.field(
        description="Pass rate: passed in percent of entered; null for the last stage, and if none entered."
    )
    preset_pass_rate: Decimal | None = strawberry.field(description="Preset pass rate of the stage.")
    pass_rate_difference: Decimal | None = strawberry.field(
        description="Pass rate minus the preset one, in percentage points."
    )
    won: int = strawberry.field(description="Number of them won since.")
    lost: int = strawberry.field(description="Number of them lost since.")
    open: int = strawberry.field(description="Number of them still open.")
    win_rate_of_decided: Decimal | None = strawberry.field(description="Win rate: won in percent of won and lost.")
    win_rate_of_all: Decimal | None = strawberry.field(description="Win rate: won in percent of entered.")
    preset_win_rate: Decimal | None = strawberry.field(description="Preset win rate of the stage.")
    win_rate_difference: Decimal | None = strawberry.field(
        description="Win rate of decided ones minus the preset one, in percentage points."
    )


@strawberry.type
class StageNeed:
    """What one stage has and needs for a target."""

    stage: Ref[Stage] = strawberry.field(description="The stage.")
    amount: Money = strawberry.field(
        description="Amount open in it that is expected to close by the end of the target's period."
    )
    weighted_amount: Money = strawberry.field(description="Their expected amount weighted by win probability.")
    win_rate: Decimal = strawberry.field(
        description="Win rate from this stage in percent: the preset, else the win probability."
    )
    needed: Money | None = strawberry.field(
        description="Amount it would need to close the target's gap alone, at that rate."
    )
    coverage: Decimal | None = strawberry.field(description="Amount in percent of the amount needed.")


@query
def stage_rates(
    ctx: Context,
    first_day: Annotated[date, strawberry.argument(description="First day of the period.")],
    last_day: Annotated[date, strawberry.argument(description="Last day of the period.")],
    by: Annotated[By, strawberry.argument(description="Rates per group of these keys, as they are now.")] = None,
    where: Opportunities = None,
) -> list[StageRate]:
    """Measures pass and win rates of each stage, for the cohort that entered it in a period.

    Rule O6.
    """
    return [_shown(rate) for rate in stages.stage_rates(ctx, first_day, last_day, by or (), where)]


@query
def target_by_stage(
    ctx: Context, target_id: Annotated[strawberry.ID, strawberry.argument(description="The target.")]
) -> list[StageNeed]:
    """Divides a target of won amount by stage: what each holds, and what it would need.

    Rule F10.
    """
    return [
        StageNeed(
            stage=need.stage,
            amount=money(ctx, need.amount),
            weighted_amount=money(ctx, need.weighted),
            win_rate=need.win_rate,
            needed=None if need.needed is None else money(ctx, need.needed),
            coverage=need.coverage,
        )
        for need in stages.target_by_stage(ctx, target_id)
    ]


def _shown(rate: stages.CohortRate) -> StageRate:
    return StageRate(
        stage=rate.stage,
        keys=rate.keys or None,
        entered=rate.entered,
        passed=rate.passed,
        pass_rate=rate.pass_rate,
        preset_pass_rate=rate.preset_pass_rate,
        pass_rate_difference=_difference(rate.pass_rate, rate.preset_pass_rate),
        won=rate.outcomes[Outcome.WON],
        lost=rate.outcomes[Outcome.LOST],
        open=rate.outcomes[Outcome.OPEN],
        win_rate_of_decided=rate.win_rate_of_decided,
        win_rate_of_all=rate.win_rate_of_all,
        preset_win_rate=rate.preset_win_rate,
        win_rate_difference=_difference(rate.win_rate_of_decided, rate.preset_win_rate),
    )


def _difference(measured: Decimal | None, preset: Decimal | None) -> Decimal | None:
    return None if measured is None or preset is None else measured - preset
