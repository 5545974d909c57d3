"""The fields forecasting adds to the core's records, all of them SQL; those of its own are in `record_fields`."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, and_, case, exists, func, literal, null, or_, select

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.records import Opportunity, OpportunityContact, Stage, StageTransition, Transaction
from guanxi.sql import Expression, day_of, days_between
from guanxi.vocabulary import Outcome
from plugins.forecasting.models import OpportunityForecast
from plugins.forecasting.shared import rules
from plugins.forecasting.shared.policy import cohort_start, horizon
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import ForecastCategory, InvalidReason, ProbabilitySource


def fields(settings: ForecastingSettings, currency: str) -> Iterator[Field]:
    """Every field on the core's records."""
    yield from _standing_fields(settings)
    yield from _push_fields()
    yield from _probability_fields(settings)
    yield from _revenue_fields(currency)
    yield Field(
        "StageTransition.isFirstEntry",
        _is_first_entry,
        "Whether the opportunity entered the stage for the first time.",
        bool,
    )
    yield Field(
        "StageTransition.hasPassed",
        _has_passed,
        "Whether the opportunity entered a later stage afterwards, that is, passed the stage.",
        bool,
    )


def _outcome(row: Row) -> Expression:
    return row.other("Opportunity.outcome", str)  # type: ignore[no-any-return]  # a typed expression of the catalog


def _arisen(row: Row) -> Expression:
    return rules.originated_on(row.opened_on, day_of(row.created_at))


def _lacks(row: Row) -> dict[InvalidReason, Expression]:
    persons = row.over(
        OpportunityContact,
        "opportunity_id",
        lambda part: func.count(),
        lambda part: part.buying_role == rules.KEY_PERSON,
    )
    return rules.lacks(row.need_kind, persons, row.has_budget, row.accepts_price, row.recognises_value)


def _new_customer(row: Row) -> Expression:
    first_order = row.to("customer").other("Customer.firstTransactionOn", date)
    return rules.wins_new_customer(row.is_new_customer, row.customer_id.is_not(None), first_order, _arisen(row))


def _standing_fields(settings: ForecastingSettings) -> Iterator[Field]:
    def fresh(row: Row) -> Expression:
        start = row.bind(lambda now: cohort_start(settings, now.date()), date)
        end = row.bind(lambda now: horizon(now.date()), date)
        return rules.is_fresh(row.status, _arisen(row), row.expected_close_date, start, end)

    def category(row: Row) -> Expression:
        return rules.forecast_category(
            _outcome(row),
            row.facet(OpportunityForecast).category,
            row.other("Opportunity.winProbability", Decimal),
            settings.best_case_from_percent,
            settings.commit_from_percent,
        )

    yield Field("Opportunity.originatedOn", _arisen, "Day it originated, else the day it was created.", date)
    yield Field(
        "Opportunity.isFresh",
        fresh,
        "Whether it is fresh: followed, originated recently, and expected to close by the end of next month.",
        bool,
    )
    yield Field(
        "Opportunity.isValid",
        lambda row: rules.is_valid(_lacks(row)),
        "Whether it is valid: it has a need, a key person, and a budget with price and value accepted.",
        bool,
    )
    yield Field(
        "Opportunity.invalidReasons",
        lambda row: rules.invalid_reasons(_lacks(row)),
        "What is missing for it to be valid.",
        list[InvalidReason],
    )
    yield Field(
        "Opportunity.isCloseOverdue",
        lambda row: rules.is_close_overdue(_outcome(row), row.expected_close_date, row.as_of),
        "Whether it is open past its expected close date.",
        bool,
    )
    yield Field(
        "Opportunity.winsNewCustomer",
        _new_customer,
        "Whether it is about a new customer: as stated, else if the customer had not bought before it originated.",
        bool,
    )
    yield Field(
        "Opportunity.cycleDays",
        lambda row: rules.cycle_days(_outcome(row), _arisen(row), row.closed_on),
        "Days from origin to decision; null while it is open, and where it was decided before it arose.",
        int,
    )
    yield Field("Opportunity.forecastCategory", category, "Forecast category.", ForecastCategory)
    yield Field(
        "Opportunity.forecastCategoryOverride",
        OpportunityForecast.category,
        "Forecast category set by its owner; null to derive it from the win probability.",
        writable=True,
    )
    yield Field(
        "User.freshOpportunityCount",
        lambda row: row.over(Opportunity, "owner_id", lambda one: func.count(), fresh),
        "Number of fresh opportunities the person owns.",
        int,
    )


def _push_fields() -> Iterator[Field]:
    def first_date(row: Row) -> Expression:
        return func.coalesce(row.facet(OpportunityForecast).first_expected_close_date, row.expected_close_date)

    yield Field(
        "Opportunity.pushCount",
        lambda row: func.coalesce(row.facet(OpportunityForecast).push_count, 0),
        "Number of times its close date moved to a later month, or another period by policy.",
        int,
    )
    yield Field("Opportunity.firstExpectedCloseDate", first_date, "Its expected close date before any push.", date)
    yield Field(
        "Opportunity.pushedDays",
        lambda row: days_between(row.expected_close_date, first_date(row)),
        "Total days by which its close date has moved; negative if it moved earlier.",
        int,
    )
    yield Field("Opportunity.lastPushedAt", OpportunityForecast.last_pushed_at, "When its close date was last pushed.")


def _probability_fields(settings: ForecastingSettings) -> Iterator[Field]:
    def modelled(row: Row) -> Expression:
        if not settings.use_model:
            return null().cast(OpportunityForecast.__table__.c.model_probability.type)
        facet = row.facet(OpportunityForecast)
        return case((_outcome(row) == Outcome.OPEN.value, facet.model_probability), else_=null())

    yield Field(
        "Opportunity.modelWinProbability",
        modelled,
        "Win probability predicted by the model in use, in percent; null without one and once it is decided.",
        Decimal,
    )
    yield Field(
        "Opportunity.modelReasons",
        OpportunityForecast.model_reasons,
        "Properties that raise and lower the prediction most, in words.",
    )
    yield Field("Opportunity.modelScoredAt", OpportunityForecast.scored_at, "When it was predicted.")
    yield Field(
        "Opportunity.winProbabilitySource",
        lambda row: rules.probability_source(_outcome(row), row.win_probability_override, modelled(row)),
        "Source of its win probability: the first available of outcome, override, model and stage.",
        ProbabilitySource,
    )


def _revenue_fields(currency: str) -> Iterator[Field]:
    def money(minor: Expression) -> MoneyExpression:
        return MoneyExpression(minor, literal(currency), minor)

    def actual(sale: Row) -> Expression:
        return func.sum(sale.actual_amount.reporting).cast(BigInteger)

    def weighted(deal: Row) -> Expression:
        return func.sum(deal.other("Opportunity.weightedAmount", Money).reporting).cast(BigInteger)

    yield Field(
        "Opportunity.actualRevenue",
        lambda row: money(row.over(Transaction, "opportunity_id", actual)),
        "Discounted actual amount of its transactions; null without any.",
        Money,
    )
    yield Field(
        "Customer.weightedPipeline",
        lambda row: money(
            row.over(Opportunity, "customer_id", weighted, lambda deal: _outcome(deal) == Outcome.OPEN.value)
        ),
        "Expected amount of its open opportunities weighted by win probability; null without any.",
        Money,
    )
    yield Field(
        "Opportunity.contribution",
        lambda row: money(row.over(Transaction, "opportunity_id", actual, _contributes)),
        "Part of it that came from a new customer in the month after the win; null without any.",
        Money,
    )
    yield Field(
        "Transaction.isContribution",
        _contributes,
        "Whether it is revenue from a new customer in the calendar month after its opportunity was won.",
        bool,
    )


def _contributes(sale: Row) -> Expression:
    opportunity = sale.to("opportunity")
    return rules.is_contribution(sale.occurred_on, day_of(opportunity.won_at), _new_customer(opportunity))


def _entries() -> tuple[Any, Any]:
    """Another table of transitions and the condition that one of them entered a stage."""
    other = StageTransition.__table__.alias("other_transition")
    return other, other.c.from_stage_id.is_distinct_from(other.c.to_stage_id)


def _is_first_entry(row: Row) -> Expression:
    other, entered = _entries()
    earlier = or_(other.c.moved_at < row.moved_at, and_(other.c.moved_at == row.moved_at, other.c.id < row.id))
    again = exists(
        select(1).where(
            other.c.opportunity_id == row.opportunity_id, other.c.to_stage_id == row.to_stage_id, entered, earlier
        )
    )
    return case((and_(row.from_stage_id.is_distinct_from(row.to_stage_id), ~again), True), else_=False)


def _has_passed(row: Row) -> Expression:
    other, entered = _entries()
    stage = Stage.__table__.alias("other_stage")
    later = or_(other.c.moved_at > row.moved_at, and_(other.c.moved_at == row.moved_at, other.c.id > row.id))
    further = stage.c.position > row.to("toStage").position
    passed = exists(
        select(1)
        .select_from(other.join(stage, stage.c.id == other.c.to_stage_id))
        .where(other.c.opportunity_id == row.opportunity_id, entered, later, further)
    )
    return case((passed, True), else_=False)
