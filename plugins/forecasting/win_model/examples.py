"""Examples a model learns from and predicts: opportunities as known at moments while they were open."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, func, select

from guanxi import Context
from guanxi.calendar import Calendar
from guanxi.records import Customer, Opportunity, OpportunityContact, Product, Stage, Transaction
from guanxi.rules import outcome
from guanxi.sql import day_of
from guanxi.vocabulary import Outcome
from plugins.forecasting.models import OpportunityForecast, PipelineState
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.win_model.model import LOGARITHM, Properties

#: An opportunity is observed when something changes, and this often in between, up to so many times.
_LOOK_EVERY, _MOST_LOOKS = timedelta(days=30), 12
_AGES = ((30, "under 30 days"), (60, "30 to 60 days"), (90, "60 to 90 days"), (180, "90 to 180 days"))
_WAITS = ((0, "overdue"), (30, "within 30 days"), (90, "within 90 days"))

deals = Opportunity.__table__.c
states = PipelineState.__table__.c


@dataclass(frozen=True, slots=True)
class Look:
    """An opportunity at one moment, with what its stage presets, if that is known."""

    properties: Properties
    preset: float | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decided opportunity, and its properties while it was open."""

    id: str
    won: bool
    on: date
    looks: Sequence[Look]


def _facts() -> Select[Any]:
    """Returns the timeless facts of every opportunity."""
    first_order = (
        select(func.min(Transaction.__table__.c.occurred_on))
        .where(Transaction.__table__.c.customer_id == deals.customer_id, Transaction.__table__.c.deleted_at.is_(None))
        .scalar_subquery()
    )
    arisen = rules.originated_on(deals.opened_on, day_of(deals.created_at))
    return (
        select(
            deals.id,
            deals.closed_on,
            arisen.label("originated_on"),
            outcome(deals.status, deals.lost_at).label("outcome"),
            # Models that were trained know it by this name.
            deals.lead_source.label("source"),
            deals.category,
            deals.directness,
            deals.horizon,
            deals.region,
            Customer.__table__.c.industry,
            Product.__table__.c.name.label("product"),
            rules.wins_new_customer(deals.is_new_customer, deals.customer_id.is_not(None), first_order, arisen).label(
                "is_new"
            ),
        )
        .select_from(
            Opportunity.__table__.outerjoin(Customer.__table__, Customer.__table__.c.id == deals.customer_id).outerjoin(
                Product.__table__, Product.__table__.c.id == deals.product_id
            )
        )
        .where(deals.deleted_at.is_(None))
    )


def decided(ctx: Context) -> list[Decided]:
    """Returns every decided opportunity, by the day of the decision, with its properties before."""
    settings: ForecastingSettings = ctx.settings
    became = outcome(deals.status, deals.lost_at)
    facts = {row["id"]: row for row in ctx.session.execute(_facts().where(became != Outcome.OPEN.value)).mappings()}
    spans = _open_spans(ctx)
    found = []
    for id, row in facts.items():
        looks = list(_looks(row, spans[id], settings, ctx.calendar)) if row["closed_on"] is not None else []
        if looks:
            found.append(Decided(id, row["outcome"] == Outcome.WON, row["closed_on"], looks))
    return sorted(found, key=lambda one: (one.on, one.id))


def _open_spans(ctx: Context) -> dict[str, list[Mapping[Any, Any]]]:
    """Returns the states over time of each decided opportunity, while it was open."""
    became = outcome(deals.status, deals.lost_at)
    rows = ctx.session.execute(
        select(
            states.opportunity_id,
            states.valid_from,
            states.valid_until,
            states.expected_amount_reporting,
            states.expected_close_date,
            states.is_valid,
            states.is_inferred,
            Stage.__table__.c.key.label("stage"),
            Stage.__table__.c.win_probability.label("preset"),
        )
        .select_from(
            PipelineState.__table__.join(Opportunity.__table__, deals.id == states.opportunity_id).outerjoin(
                Stage.__table__, Stage.__table__.c.id == states.stage_id
            )
        )
        .where(states.superseded_at.is_(None), states.outcome == Outcome.OPEN, became != Outcome.OPEN.value)
        .order_by(states.opportunity_id, states.valid_from)
    )
    found: dict[str, list[Mapping[Any, Any]]] = defaultdict(list)
    for row in rows.mappings():
        found[row["opportunity_id"]].append(row)
    return found


def _looks(
    facts: Mapping[Any, Any], spans: Sequence[Mapping[Any, Any]], settings: ForecastingSettings, calendar: Calendar
) -> Iterator[Look]:
    first_of = partial(calendar.first_of, grain=settings.push_grain)
    pushes, due, count = 0, None, 0
    for span in spans:
        # Of history entered late only the end is known: amounts and dates of the end would tell the answer.
        known = {} if span["is_inferred"] else span
        if (after := known.get("expected_close_date")) is not None:
            pushes += due is not None and first_of(after) > first_of(due)
            due = after
        moment = span["valid_from"]
        while moment < (span["valid_until"] or moment + _LOOK_EVERY) and count < _MOST_LOOKS:
            count += 1
            preset = None if span["preset"] is None else float(span["preset"]) / 100
            yield Look(_properties(facts, known, span["stage"], pushes, calendar.day_of(moment)), preset)
            moment += _LOOK_EVERY


def _properties(
    facts: Mapping[Any, Any], known: Mapping[Any, Any], stage: str | None, pushes: int, day: date
) -> Properties:
    """Returns the properties of an opportunity.

    Args:
        facts: timeless ones.
        known: amount, close date and validity of the moment, as far as they are known.
        stage: key of its stage.
        pushes: how often its close date was pushed by then.
        day: of the observation.
    """
    amount, due = known.get("expected_amount_reporting"), known.get("expected_close_date")
    age = (day - facts["originated_on"]).days
    numbers = {LOGARITHM: math.log10(amount) if amount else None, "pushes": float(min(pushes, 5))}
    choices = {
        "stage": stage,
        "age": _band(age, _AGES, "over 180 days"),
        "close": "without a date" if due is None else _band((due - day).days, _WAITS, "beyond 90 days"),
        "valid": _said(known.get("is_valid")),
        "new customer": _said(facts["is_new"]),
        **{name: None if facts[name] is None else str(facts[name]) for name in _PLAIN},
    }
    if "expected_close_date" not in known:
        choices["close"] = None
    return Properties(numbers, choices)


_PLAIN = ("source", "category", "directness", "horizon", "region", "industry", "product")


def _band(days: int, bands: Sequence[tuple[int, str]], otherwise: str) -> str:
    return next((name for limit, name in bands if days < limit), otherwise)


def _said(answer: Any) -> str | None:
    return None if answer is None else "yes" if answer else "no"


def open_opportunities() -> Select[Any]:
    """Builds the query for what the properties of open opportunities are made from."""
    persons = (
        select(func.count())
        .where(
            OpportunityContact.__table__.c.opportunity_id == deals.id,
            OpportunityContact.__table__.c.deleted_at.is_(None),
            OpportunityContact.__table__.c.buying_role == rules.KEY_PERSON,
        )
        .scalar_subquery()
    )
    lacking = rules.lacks(deals.need_kind, persons, deals.has_budget, deals.accepts_price, deals.recognises_value)
    forecast = OpportunityForecast.__table__
    return (
        _facts()
        .add_columns(
            deals.expected_amount_reporting,
            deals.expected_close_date,
            rules.is_valid(lacking).label("is_valid"),
            func.coalesce(forecast.c.push_count, 0).label("pushes"),
            Stage.__table__.c.key.label("stage"),
        )
        .join(Stage.__table__, Stage.__table__.c.id == deals.stage_id)
        .outerjoin(forecast, forecast.c.record_id == deals.id)
        .where(outcome(deals.status, deals.lost_at) == Outcome.OPEN.value)
    )


def open_now(ctx: Context, ids: Collection[str] | None = None) -> dict[str, Properties]:
    """Returns the present properties of open opportunities: these, or all."""
    wanted = open_opportunities()
    if ids is not None:
        wanted = wanted.where(deals.id.in_(ids))
    rows = ctx.session.execute(wanted).mappings()
    return {row["id"]: _properties(row, row, row["stage"], row["pushes"], ctx.clock.today()) for row in rows}
