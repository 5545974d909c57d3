"""The pipeline's past: one row for each thing an opportunity was, written when it changes and only then."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, and_, bindparam, func, null, or_, select

from guanxi import Action, Changes, Context
from guanxi.records import Opportunity, OpportunityContact, Stage, StageTransition
from guanxi.rules import outcome, win_probability
from guanxi.sql import Expression, Prepared, PreparedQuestion, day_of, is_listed, new_stem
from guanxi.vocabulary import OpportunityStatus, Outcome
from plugins.forecasting.models import OpportunityForecast, PipelineState
from plugins.forecasting.past.timeline import Revision, Span, Values, begin, end, revise
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import ForecastCategory

_BATCH = 500

opportunities = Opportunity.__table__.c
forecasts = OpportunityForecast.__table__.c
stages = Stage.__table__.c
states = PipelineState.__table__.c

#: What was so before a first step that decided an opportunity: that it was open, and no more.
_UNKNOWN: Values = {
    "status": OpportunityStatus.FOLLOWING,
    "outcome": Outcome.OPEN,
    "stage_id": None,
    "win_probability": None,
    "forecast_category": ForecastCategory.PIPELINE,
}


#: Before all that has happened.
_EVER = datetime(1000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """When an opportunity changed.

    Attributes:
        at: in the business. None where nobody said so: what is entered on the day the opportunity was entered has been
            so since it arose, anything else is so from now on.
        now: by the clock.
        is_new: it has no past yet.
    """

    at: datetime | None
    now: datetime
    is_new: bool = False


def keep(ctx: Context, changes: Changes) -> None:
    """Writes what changes of opportunities, their key persons or their stages make of the pipeline."""
    if touched := _touched(ctx, changes):
        write(ctx, touched)
    if any("win_probability" in change.after for change in changes.of("Stage")):
        reconcile(ctx)


def keep_questions(ctx: Context, changes: Changes) -> Iterator[PreparedQuestion]:
    """What `keep` will ask."""
    if touched := _touched(ctx, changes):
        yield _present_of(ctx.settings).asked(**_asked(touched))


def _touched(ctx: Context, changes: Changes) -> dict[str, Timing]:
    """The opportunities whose past changes may concern."""
    if not changes:
        return {}
    recorded = changes[0].record.updated_at
    touched = dict.fromkeys(changes.ids("OpportunityContact", "opportunity_id"), Timing(recorded, recorded))
    for role in changes.created("OpportunityContact"):
        since = None if role.since is None else min(ctx.calendar.start_of(role.since), recorded)
        touched[role.opportunity_id] = Timing(since, recorded)
    for change in changes.of("Opportunity"):
        is_new = change.action is Action.CREATED
        touched[change.record.id] = Timing(change.occurred_at or recorded, recorded, is_new)
    return touched


def reconcile(ctx: Context) -> int:
    """Brings the history up to date where a change was not reported, as with opportunities that existed before.

    Returns for how many. It is done by who holds all keys, so that nobody writes the same rows meanwhile.
    """
    now = ctx.clock.now()
    settings: ForecastingSettings = ctx.settings
    ids = list(ctx.session.scalars(_stale(settings)))
    for start in range(0, len(ids), _BATCH):
        write(ctx, dict.fromkeys(ids[start : start + _BATCH], Timing(now, now)))
    return len(ids)


def _stale(settings: ForecastingSettings) -> Select[Any]:
    """The ids of opportunities whose latest row differs from their present state."""
    now = present(settings).subquery()
    latest = and_(
        states.opportunity_id == opportunities.id, states.superseded_at.is_(None), states.valid_until.is_(None)
    )
    differs = or_(states.id.is_(None), *(now.c[name].is_distinct_from(states[name]) for name in _columns()))
    living = opportunities.deleted_at.is_(None)
    return (
        select(opportunities.id)
        .select_from(
            Opportunity.__table__.join(now, now.c.id == opportunities.id).outerjoin(PipelineState.__table__, latest)
        )
        .where(or_(and_(living, differs), and_(~living, states.id.is_not(None))))
        .order_by(opportunities.id)
    )


def _columns() -> Sequence[str]:
    return (
        "status",
        "outcome",
        "stage_id",
        "owner_id",
        "expected_amount_minor",
        "expected_amount_currency",
        "expected_amount_reporting",
        "expected_close_date",
        "win_probability",
        "forecast_category",
        "is_valid",
    )


def present(settings: ForecastingSettings) -> Select[Any]:
    """The present state of every opportunity, by column; deleted ones included."""
    persons = (
        select(func.count())
        .where(
            OpportunityContact.__table__.c.opportunity_id == opportunities.id,
            OpportunityContact.__table__.c.deleted_at.is_(None),
            OpportunityContact.__table__.c.buying_role == rules.KEY_PERSON,
        )
        .scalar_subquery()
    )
    lacking = rules.lacks(
        opportunities.need_kind,
        persons,
        opportunities.has_budget,
        opportunities.accepts_price,
        opportunities.recognises_value,
    )
    became = outcome(opportunities.status, opportunities.lost_at)
    return select(
        opportunities.id,
        opportunities.deleted_at,
        rules.originated_on(opportunities.opened_on, day_of(opportunities.created_at)).label("originated_on"),
        day_of(opportunities.created_at).label("entered_on"),
        opportunities.status,
        opportunities.stage_id,
        opportunities.owner_id,
        opportunities.expected_amount_minor,
        opportunities.expected_amount_currency,
        opportunities.expected_amount_reporting,
        opportunities.expected_close_date,
        rules.is_valid(lacking).label("is_valid"),
        *_judged(settings, became),
    ).select_from(
        Opportunity.__table__.join(Stage.__table__, stages.id == opportunities.stage_id).outerjoin(
            OpportunityForecast.__table__, forecasts.record_id == opportunities.id
        )
    )


def _judged(settings: ForecastingSettings, became: Expression) -> Iterator[Any]:
    """Outcome, win probability and category in a stage."""
    modelled = forecasts.model_probability if settings.use_model else null().cast(BigInteger)
    probability = win_probability(became, opportunities.win_probability_override, modelled, stages.win_probability)
    category = rules.forecast_category(
        became, forecasts.category, probability, settings.best_case_from_percent, settings.commit_from_percent
    )
    yield became.label("outcome")
    yield probability.label("win_probability")
    yield category.label("forecast_category")


def write(ctx: Context, touched: Mapping[str, Timing]) -> None:
    """Writes what these opportunities have become."""
    rows, known = _present_and_known(ctx, touched)
    steps = _steps(ctx, rows.keys() - known.keys())
    revisions = []
    for id, moment in touched.items():
        if (row := rows.get(id)) is None:
            continue
        at = moment.now if moment.at is None else moment.at
        if row["deleted_at"] is not None:
            revision = end(known[id], at) if id in known else Revision()
        elif id in known:
            if moment.at is None and row["entered_on"] == ctx.calendar.day_of(moment.now):
                at = ctx.calendar.start_of(row["originated_on"])
            revision = revise(known[id], _values(row), at, moment.now)
        else:
            revision = begin(_values(row), ctx.calendar.start_of(row["originated_on"]), _UNKNOWN, steps[id])
        revisions.append((id, moment.now, revision))
    _store(ctx, revisions)


@lru_cache(20)
def _present_of(settings: ForecastingSettings) -> Prepared:
    """The present state of these opportunities, once with each span of theirs that does not end before a moment."""
    now = present(settings).subquery("now")
    spans = and_(
        states.opportunity_id == now.c.id,
        # Once more, because PostgreSQL would compare each opportunity with every span while a first run makes them all.
        is_listed(states.opportunity_id, "ids"),
        states.superseded_at.is_(None),
        or_(states.valid_until.is_(None), states.valid_until > bindparam("since", None, states.valid_until.type)),
    )
    return Prepared(
        select(now, *_span_columns())
        .select_from(now.outerjoin(PipelineState.__table__, spans))
        .where(is_listed(now.c.id, "ids"))
        .order_by(now.c.id, states.valid_from, states.id)
    )


def _span_columns() -> Iterator[Any]:
    yield states.id.label("span_id")
    yield from (states.valid_from, states.valid_until, states.is_inferred)
    yield from (states[name].label(f"span_{name}") for name in _columns())


_SPANS = Prepared(
    select(states.opportunity_id.label("id"), *_span_columns())
    .where(is_listed(states.opportunity_id, "ids"), states.superseded_at.is_(None))
    .order_by(states.valid_from, states.id)
)


def _present_and_known(
    ctx: Context, touched: Mapping[str, Timing]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[Span]]]:
    """What opportunities are, and the spans of those that have some, in order, as far as a change may concern them."""
    found = ctx.rows(_present_of(ctx.settings), **_asked(touched))
    known = _spans([row for row in found if row["span_id"] is not None])
    # Of one that was deleted before, only the end of its last span counts.
    if rest := [id for id, moment in touched.items() if id not in known and not moment.is_new]:
        known |= _spans(ctx.rows(_SPANS, ids=rest))
    return {row["id"]: row for row in found}, known


def _asked(touched: Mapping[str, Timing]) -> dict[str, Any]:
    return {"ids": touched, "since": min(_EVER if moment.at is None else moment.at for moment in touched.values())}


def _spans(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = defaultdict(list)
    for row in rows:
        values = _values({name: row[f"span_{name}"] for name in _columns()})
        span = Span(row["valid_from"], row["valid_until"], values, row["span_id"], row["is_inferred"])
        found[row["id"]].append(span)
    return found


def _values(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The columns of a state as Python knows them."""
    found = {name: row[name] for name in _columns() if name in row}
    readers: Mapping[str, Callable[[Any], Any]] = {
        "outcome": Outcome,
        "forecast_category": ForecastCategory,
        "is_valid": bool,
        "win_probability": _hundredths,
    }
    return found | {name: read(found[name]) for name, read in readers.items() if found.get(name) is not None}


def _hundredths(value: Decimal | int) -> Decimal:
    """A probability, which a table gives as a decimal and an expression as hundredths."""
    return value if isinstance(value, Decimal) else Decimal(value).scaleb(-2)


@lru_cache(20)
def _steps_of(settings: ForecastingSettings) -> Prepared:
    """The transitions of these opportunities, with what each led to."""
    step = StageTransition.__table__.c
    became = outcome(step.to_status, opportunities.lost_at)
    return Prepared(
        select(
            step.opportunity_id,
            step.moved_at,
            step.to_status.label("status"),
            step.to_stage_id.label("stage_id"),
            *_judged(settings, became),
        )
        .select_from(
            StageTransition.__table__.join(Opportunity.__table__, opportunities.id == step.opportunity_id)
            .join(Stage.__table__, stages.id == step.to_stage_id)
            .outerjoin(OpportunityForecast.__table__, forecasts.record_id == opportunities.id)
        )
        .where(is_listed(step.opportunity_id, "ids"))
        .order_by(step.moved_at, step.id)
    )


def _steps(ctx: Context, ids: Collection[str]) -> dict[str, list[tuple[datetime, Values, bool]]]:
    """The transitions of these opportunities: when, what each led to, and whether that was open."""
    found: dict[str, list[tuple[datetime, Values, bool]]] = defaultdict(list)
    if not ids:
        return found
    for row in ctx.rows(_steps_of(ctx.settings), ids=ids):
        values = _values(row)
        found[row["opportunity_id"]].append((row["moved_at"], values, values["outcome"] is Outcome.OPEN))
    return found


def _store(ctx: Context, revisions: Sequence[tuple[str, datetime, Revision]]) -> None:
    actor, stem = ctx.actor.id, new_stem(PipelineState.__prefix__)
    ended = [{"id": id, "valid_until": at} for _, _, revision in revisions for id, at in revision.ended]
    superseded = [{"id": id, "superseded_at": now} for _, now, revision in revisions for id in revision.superseded]
    added = [
        {
            "opportunity_id": id,
            "valid_from": span.since,
            "valid_until": span.until,
            "recorded_at": now,
            "superseded_at": None,
            "is_inferred": span.is_inferred,
            **span.values,
            "version": 1,
            "created_at": now,
            "created_by": actor,
            "updated_at": now,
            "updated_by": actor,
        }
        for id, now, revision in revisions
        for span in revision.added
    ]
    ctx.change_rows(PipelineState, ended)
    ctx.change_rows(PipelineState, superseded)
    ctx.insert_rows(PipelineState, [{**row, "id": f"{stem}{number:06d}"} for number, row in enumerate(added)])
