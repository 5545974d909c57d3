"""Operations on the pipeline's history: as it was on a day, snapshots, and the bridge between two moments."""

from collections.abc import Mapping
from datetime import date as Date  # noqa: N812  (an argument is named date)
from datetime import datetime
from typing import Annotated, Any

import strawberry

from guanxi import Context, Input, Money, Named, Payload, Ref, mutation, query, sentence
from guanxi.records import Opportunity
from plugins.forecasting.models import COMPANY, PipelineSnapshot
from plugins.forecasting.past import bridge as bridges
from plugins.forecasting.past.snapshots import pipeline, point_of, take_snapshot
from plugins.forecasting.shared.arguments import By, Opportunities, OpportunityKeys
from plugins.forecasting.shared.reports import money, refuse
from plugins.forecasting.shared.vocabulary import BridgeStep, SnapshotKind

_MOST_MOVES = 100


@strawberry.type
class PipelineGroup:
    """Opportunities that were open at a moment and share their keys."""

    keys: Annotated[Mapping[str, Any], Named("PipelineStateGroupKeys")] | None = strawberry.field(
        description="The keys; null without `by`."
    )
    count: int = strawberry.field(description="Number of opportunities.")
    amount: Money = strawberry.field(description="Their expected amount.")
    weighted_amount: Money = strawberry.field(description="Their expected amount weighted by win probability.")


@strawberry.type
class PastPipeline:
    """The open pipeline at a moment."""

    as_of: datetime = strawberry.field(description="The business moment.")
    known_at: datetime | None = strawberry.field(
        description="It includes only what was recorded by then; null for all that is known today."
    )
    groups: list[PipelineGroup] = strawberry.field(description="Groups by the keys; a single group without `by`.")


@strawberry.input
class PipelinePointInput:
    """A moment of the pipeline: the end of a day, or a snapshot's; now by default."""

    day: Date | None = strawberry.field(name="date", default=None, description="The end of this day, as known today.")
    snapshot_id: strawberry.ID | None = strawberry.field(
        default=None, description="A snapshot: its moment, as known then."
    )


@strawberry.type
class PipelineMove:
    """One opportunity's part in a step."""

    opportunity: Ref[Opportunity] | None = strawberry.field(description="The opportunity, also one that was deleted.")
    amount: Money = strawberry.field(description="Amount it adds to the pipeline; negative if it reduces it.")


@strawberry.type
class PipelineStep:
    """One step of a bridge."""

    step: BridgeStep = strawberry.field(description="What happened.")
    count: int = strawberry.field(description="Number of opportunities that took it.")
    amount: Money = strawberry.field(description="Amount it adds to the pipeline; negative if it reduces it.")
    moves: list[PipelineMove] = strawberry.field(
        description=f"The opportunities, largest movement first; at most {_MOST_MOVES}."
    )


@strawberry.type
class PipelineBridge:
    """The steps from one pipeline to another: opening and steps add up exactly to closing."""

    keys: OpportunityKeys | None = strawberry.field(description="The keys; null without `by`.")
    opening_count: int = strawberry.field(description="Number of opportunities in the first pipeline.")
    opening: Money = strawberry.field(description="Their expected amount.")
    steps: list[PipelineStep] = strawberry.field(description="All steps, including those that no opportunity took.")
    closing_count: int = strawberry.field(description="Number of opportunities in the second pipeline.")
    closing: Money = strawberry.field(description="Their expected amount.")


@strawberry.input
class TakePipelineSnapshotInput(Input):
    """A moment of the pipeline to save."""

    name: str | None = strawberry.field(default=None, description="Name or purpose of the snapshot.")
    as_of: Date | None = strawberry.field(
        default=None, description="The end of this day, as known now; the present moment by default."
    )


@strawberry.type
class TakePipelineSnapshotPayload(Payload):
    """The result."""

    snapshot: Ref[PipelineSnapshot] | None = strawberry.field(description="The snapshot; null if it was refused.")


@query
def pipeline_as_of(
    ctx: Context,
    date: Annotated[Date | None, strawberry.argument(description="The day; now by default.")] = None,
    snapshot_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="A snapshot instead of the day.")
    ] = None,
    by: Annotated[
        list[Annotated[Mapping[str, Any], Named("PipelineStateGroupKey")]] | None,
        strawberry.argument(description="Keys to group by, as they were then."),
    ] = None,
    where: Annotated[
        Annotated[Mapping[str, Any], Named("PipelineStateWhere")] | None,
        strawberry.argument(description="Only states that match this condition."),
    ] = None,
) -> PastPipeline:
    """Returns the open pipeline at the end of a past business day or in a snapshot, by any keys."""
    found = pipeline(ctx, point_of(ctx, date, snapshot_id), by or (), where)
    groups = [
        PipelineGroup(
            keys=group.keys or None,
            count=group.count,
            amount=money(ctx, group.sum["expectedAmount"]),
            weighted_amount=money(ctx, group.sum["weightedAmount"]),
        )
        for group in found.groups
    ]
    return PastPipeline(as_of=found.point.moment, known_at=found.point.known_at, groups=groups)


@query
def pipeline_bridge(
    ctx: Context,
    opening: Annotated[PipelinePointInput, strawberry.argument(description="The first moment.")],
    closing: Annotated[
        PipelinePointInput | None, strawberry.argument(description="The second moment; now by default.")
    ] = None,
    closing_by: Annotated[
        Date | None,
        strawberry.argument(description="Only opportunities expected to close by this day are in the pipeline."),
    ] = None,
    by: Annotated[By, strawberry.argument(description="One bridge per group of these keys, as they are now.")] = None,
    where: Opportunities = None,
) -> list[PipelineBridge]:
    """Explains the change between two pipelines: new, reopened, pulled in, larger, smaller, pushed out, won, lost,
    removed. It always adds up exactly.
    """
    first, last = (
        point_of(ctx, given.day, given.snapshot_id, name)
        for name, given in (("opening", opening), ("closing", closing or PipelinePointInput()))
    )
    return [
        PipelineBridge(
            keys=made.keys or None,
            opening_count=made.opening_count,
            opening=money(ctx, made.opening),
            steps=[_step(ctx, span) for span in made.spans.values()],
            closing_count=made.closing_count,
            closing=money(ctx, made.closing),
        )
        for made in bridges.build(ctx, first, last, closing_by, by or (), where)
    ]


def _step(ctx: Context, span: bridges.StepMoves) -> PipelineStep:
    most = sorted(span.moves, key=lambda move: (-abs(move.amount), move.opportunity))[:_MOST_MOVES]
    return PipelineStep(
        step=span.step,
        count=len(span.moves),
        amount=money(ctx, span.amount),
        moves=[PipelineMove(opportunity=move.opportunity, amount=money(ctx, move.amount)) for move in most],
    )


@mutation(locks=lambda input: (), permission=COMPANY)
def take_pipeline_snapshot(ctx: Context, input: TakePipelineSnapshotInput) -> TakePipelineSnapshotPayload:
    """Saves a moment of the pipeline for later reference. It copies nothing."""
    as_of, today, name = input.as_of, ctx.clock.today(), (input.name or "").strip()
    if as_of is not None and as_of > today:
        raise refuse(
            "INVALID",
            "asOf",
            sentence("{as_of} is in the future; give {today} or an earlier day", as_of=as_of, today=today),
        )
    if len(name) > 200:
        raise refuse("INVALID", "name", sentence("has {count} characters; at most 200 are possible", count=len(name)))
    return TakePipelineSnapshotPayload(snapshot=take_snapshot(ctx, SnapshotKind.BY_HAND, name or None, as_of))
