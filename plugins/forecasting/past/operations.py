"""Operations on the pipeline's past: as it was on a day, snapshots, and the bridge between two of them."""

from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from guanxi import Operations
from plugins.forecasting.past import bridge as bridges
from plugins.forecasting.past.snapshots import pipeline, point_of, take_snapshot
from plugins.forecasting.shared.operations import ASKED, KEY, money, read, refuse, write
from plugins.forecasting.shared.reports import Asking
from plugins.forecasting.shared.vocabulary import BridgeStep, SnapshotKind

_MOST_MOVES = 100


def pipeline_operations(plugin: str, types: Any) -> Operations:
    """Queries and mutations of the pipeline's past."""
    types.enum(BridgeStep)

    @strawberry.type(description="Opportunities that were open at a moment and share their keys.")
    class PipelineGroup:
        keys: types.PipelineStateGroupKeys | None = strawberry.field(description="The keys; null without `by`.")
        count: int = strawberry.field(description="How many there were.")
        amount: types.Money = strawberry.field(description="Their expected amount.")
        weighted_amount: types.Money = strawberry.field(description="The same, each by its win probability (F9).")

    @strawberry.type(description="The open pipeline at a moment.")
    class PastPipeline:
        as_of: datetime = strawberry.field(description="The moment in the business.")
        known_at: datetime | None = strawberry.field(
            description="Only what was recorded by then is in it; null for all that is known today."
        )
        groups: list[PipelineGroup] = strawberry.field(description="By the keys, or all in one without `by`.")

    @strawberry.input(description="A moment of the pipeline: the end of a day, or a snapshot's; now without either.")
    class PipelinePointInput:
        day: date | None = strawberry.field(
            name="date", default=strawberry.UNSET, description="The end of this day, by all that is known today."
        )
        snapshot_id: strawberry.ID | None = strawberry.field(
            default=strawberry.UNSET, description="A snapshot: its moment, by what was known then."
        )

    @strawberry.type(description="One opportunity's part in a step.")
    class PipelineMove:
        opportunity: types.Opportunity | None = strawberry.field(
            description="The opportunity, also one that was deleted."
        )
        amount: types.Money = strawberry.field(description="What it adds to the pipeline, or takes away.")

    @strawberry.type(description="One step of a bridge.")
    class PipelineStep:
        step: BridgeStep = strawberry.field(description="What happened.")
        count: int = strawberry.field(description="How many opportunities took it.")
        amount: types.Money = strawberry.field(description="What it adds to the pipeline, or takes away.")
        moves: list[PipelineMove] = strawberry.field(
            description=f"The opportunities, those that move most first; {_MOST_MOVES} at most."
        )

    @strawberry.type(description="What led from one pipeline to another: opening and steps sum exactly to closing.")
    class PipelineBridge:
        keys: types.OpportunityGroupKeys | None = strawberry.field(description="The keys; null without `by`.")
        opening_count: int = strawberry.field(description="Opportunities in the first pipeline.")
        opening: types.Money = strawberry.field(description="Their expected amount.")
        steps: list[PipelineStep] = strawberry.field(description="All steps, also those that nothing took.")
        closing_count: int = strawberry.field(description="Opportunities in the second pipeline.")
        closing: types.Money = strawberry.field(description="Their expected amount.")

    @strawberry.input(description="A moment of the pipeline to keep.")
    class TakePipelineSnapshotInput:
        name: str | None = strawberry.field(default=strawberry.UNSET, description="What it is taken for.")
        as_of: date | None = strawberry.field(
            default=strawberry.UNSET, description="The end of this day, as it is known now; this moment without it."
        )
        idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=KEY)

    @strawberry.type(description="What became of it.")
    class TakePipelineSnapshotPayload:
        snapshot: types.PipelineSnapshot | None = strawberry.field(description="The snapshot; null if it was refused.")
        user_errors: list[types.UserError] = strawberry.field(description="What has to be mended.")
        warnings: list[types.UserError] = strawberry.field(description="What policy only warns about.")

    @strawberry.type
    class Query:
        @strawberry.field(
            description="The open pipeline as it was at the end of a past business day or in a snapshot, by any keys."
        )
        async def pipeline_as_of(
            self,
            info: strawberry.Info,
            date: Annotated[date | None, strawberry.argument(description="The day; now without it.")] = None,
            snapshot_id: Annotated[
                strawberry.ID | None, strawberry.argument(description="A snapshot instead of the day.")
            ] = None,
            by: Annotated[
                list[types.PipelineStateGroupKey] | None, strawberry.argument(description="Keys, as they were then.")
            ] = None,
            where: Annotated[
                types.PipelineStateWhere | None, strawberry.argument(description="Only states that meet this.")
            ] = None,
        ) -> PastPipeline:
            def work(asking: Asking) -> PastPipeline:
                found = pipeline(asking, point_of(asking.ctx, date, snapshot_id), by or (), where)
                groups = [
                    PipelineGroup(
                        keys=group.keys or None,
                        count=group.count,
                        amount=money(group.sums["expectedAmount"], asking),
                        weighted_amount=money(group.sums["weightedAmount"], asking),
                    )
                    for group in found.groups
                ]
                return PastPipeline(as_of=found.point.moment, known_at=found.point.known_at, groups=groups)

            return await read(info.context, plugin, work)

        @strawberry.field(
            description="What led from one pipeline to a later one: new, reopened, pulled in, larger, smaller, pushed "
            "out, won, lost, removed. It always sums exactly."
        )
        async def pipeline_bridge(
            self,
            info: strawberry.Info,
            opening: Annotated[PipelinePointInput, strawberry.argument(description="The first moment.")],
            closing: Annotated[
                PipelinePointInput | None, strawberry.argument(description="The second moment; now without it.")
            ] = None,
            closing_by: Annotated[
                date | None,
                strawberry.argument(description="Only what is expected to close by this day is in the pipeline."),
            ] = None,
            by: Annotated[
                list[types.OpportunityGroupKey] | None,
                strawberry.argument(description="A bridge for each of these keys, as they are now."),
            ] = None,
            where: Annotated[
                types.OpportunityWhere | None, strawberry.argument(description="Only opportunities that meet this.")
            ] = None,
        ) -> list[PipelineBridge]:
            def work(asking: Asking) -> list[PipelineBridge]:
                first, last = (
                    point_of(asking.ctx, (given and given.day) or None, (given and given.snapshot_id) or None, name)
                    for name, given in (("opening", opening), ("closing", closing))
                )
                return [shown(asking, made) for made in bridges.build(asking, first, last, closing_by, by or (), where)]

            def shown(asking: Asking, made: bridges.Bridge) -> PipelineBridge:
                return PipelineBridge(
                    keys=made.keys or None,
                    opening_count=made.opening_count,
                    opening=money(made.opening, asking),
                    steps=[step(asking, span) for span in made.spans.values()],
                    closing_count=made.closing_count,
                    closing=money(made.closing, asking),
                )

            def step(asking: Asking, span: bridges.Span) -> PipelineStep:
                most = sorted(span.moves, key=lambda move: (-abs(move.amount), move.opportunity))[:_MOST_MOVES]
                return PipelineStep(
                    step=span.step,
                    count=len(span.moves),
                    amount=money(span.amount, asking),
                    moves=[
                        PipelineMove(opportunity=move.opportunity, amount=money(move.amount, asking)) for move in most
                    ],
                )

            return await read(info.context, plugin, work)

    @strawberry.type
    class Mutation:
        @strawberry.mutation(description="Keeps a moment of the pipeline to come back to. It copies nothing.")
        async def take_pipeline_snapshot(
            self, info: strawberry.Info, input: Annotated[TakePipelineSnapshotInput, ASKED]
        ) -> TakePipelineSnapshotPayload:
            def work(asking: Asking) -> dict[str, Any]:
                as_of, today = input.as_of or None, asking.ctx.clock.today()
                if as_of is not None and as_of > today:
                    raise refuse("INVALID", "asOf", f"{as_of} lies ahead; give {today} or an earlier day")
                name = (input.name or "").strip()
                if len(name) > 200:
                    raise refuse("INVALID", "name", f"has {len(name)} characters; at most 200 are possible")
                return {"snapshot": take_snapshot(asking, SnapshotKind.BY_HAND, name or None, as_of).id}

            done = await write(info.context, plugin, "takePipelineSnapshot", input, work)
            return TakePipelineSnapshotPayload(**{"snapshot": None, **done})

    return Operations(Query, Mutation)
