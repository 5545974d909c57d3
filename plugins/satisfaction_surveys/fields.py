"""The fields satisfaction surveys add: results of customers, derived values of responses, states of surveys."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, and_, case, exists, func, literal, null, or_, type_coerce

from guanxi import Field, Money, MoneyExpression, Row
from guanxi.sql import Expression, add_days, rounded_ratio, whole
from plugins.satisfaction_surveys import rules
from plugins.satisfaction_surveys.models import (
    ContactSurveys,
    CustomerResult,
    SurveyInvitation,
    SurveyResponse,
    step_column,
)
from plugins.satisfaction_surveys.past import results_then
from plugins.satisfaction_surveys.rules import ResponseScores
from plugins.satisfaction_surveys.settings import SatisfactionSettings
from plugins.satisfaction_surveys.vocabulary import (
    ActionStatus,
    InvitationStatus,
    NpsCategory,
    ResponseSource,
    SatisfactionLevel,
    SatisfactionMeasure,
    SurveyPlanElement,
    SurveyStatus,
    SurveyStep,
)

#: Column of a customer's result by each measure, with its trend alongside; and its API name.
RESULT_COLUMNS: Mapping[SatisfactionMeasure, str] = {
    SatisfactionMeasure.GAP: "gap",
    SatisfactionMeasure.RATING: "rating",
    SatisfactionMeasure.RATE: "rate",
    SatisfactionMeasure.NPS: "nps",
    SatisfactionMeasure.NPS_SCORE: "nps_score",
    SatisfactionMeasure.CSAT: "csat",
    SatisfactionMeasure.CES: "ces",
    SatisfactionMeasure.PERCEIVED_VALUE: "perceived_value",
}
_NAMES: Mapping[SatisfactionMeasure, str] = {
    SatisfactionMeasure.GAP: "satisfactionGap",
    SatisfactionMeasure.RATING: "satisfactionRating",
    SatisfactionMeasure.RATE: "satisfactionRate",
    SatisfactionMeasure.NPS: "nps",
    SatisfactionMeasure.NPS_SCORE: "npsScore",
    SatisfactionMeasure.CSAT: "csat",
    SatisfactionMeasure.CES: "ces",
    SatisfactionMeasure.PERCEIVED_VALUE: "perceivedValue",
}


def fields(settings: SatisfactionSettings, currency: str) -> Iterator[Field]:
    """Yields every field that is not a column of the plugin's own records."""
    yield from _customer_fields(settings)
    yield from _response_fields(settings, currency)
    yield from _survey_fields(settings)
    yield from _invitation_fields(settings)
    yield Field(
        "Contact.lastSurveyInvitationOn", ContactSurveys.invited_on, "When the person was last invited to a survey."
    )
    yield Field("ImprovementAction.isOverdue", _is_overdue, "Whether it is past its due date and not done.", bool)


# Customers


def _customer_fields(settings: SatisfactionSettings) -> Iterator[Field]:
    for measure, column in RESULT_COLUMNS.items():
        name = _NAMES[measure]
        yield Field(
            f"Customer.{name}",
            getattr(CustomerResult, column),
            f"Latest result. {measure.description}",
            history=results_then(measure, settings),
        )
        yield Field(
            f"Customer.{name}Trend",
            getattr(CustomerResult, f"{column}_trend"),
            f"Change of {name} from its value before the last day with answers; null without an earlier value.",
        )
    yield Field("Customer.satisfactionLevel", CustomerResult.level, "Satisfaction level by the sign of the latest gap.")
    yield Field(
        "Customer.npsCategory",
        CustomerResult.nps_category,
        "NPS category by the latest likelihood to recommend; with several respondents, by their mean.",
    )
    yield Field("Customer.lastSurveyAnswerOn", CustomerResult.answered_on, "Day of its latest answer to a survey.")
    yield Field(
        "Customer.surveyRespondentCount",
        CustomerResult.respondents,
        "Number of its respondents who have ever answered.",
    )
    yield Field(
        "Customer.lastSurveyInvitationOn",
        CustomerResult.invited_on,
        "When any of its respondents was last invited to a survey.",
    )
    yield Field(
        "Customer.isSurveyDue",
        lambda row: _is_survey_due(row, settings),
        "Whether it was neither invited nor heard within the interval of regular surveys.",
        bool,
    )
    yield Field(
        "Customer.satisfactionPolicyVersion",
        CustomerResult.policy_version,
        "Identifies the policy its results are based on.",
    )


def _is_survey_due(row: Row, settings: SatisfactionSettings) -> Expression:
    facet = row.facet(CustomerResult)
    since = add_days(row.as_of, literal(-settings.cadence_days))
    return and_(
        or_(facet.invited_on.is_(None), facet.invited_on <= since),
        or_(facet.answered_on.is_(None), facet.answered_on <= since),
    )


# Responses


def scores(columns: Any) -> ResponseScores:
    """The scores of a response, from its columns."""
    return ResponseScores(
        actual=whole(columns.actual_rating),
        expected=whole(columns.expected_rating),
        nps=columns.nps_score * 100,
        csat=columns.csat_score * 100,
        ces=columns.ces_score * 100,
        benefit=whole(columns.perceived_benefit),
        cost=whole(columns.perceived_cost),
    )


def _response_fields(settings: SatisfactionSettings, currency: str) -> Iterator[Field]:
    def measure(name: SatisfactionMeasure) -> Any:
        return lambda row: rules.measures(scores(row), settings)[name]

    def derived(name: str, of: SatisfactionMeasure, description: str) -> Field:
        return Field(f"SurveyResponse.{name}", measure(of), description, Decimal)

    yield derived("satisfactionGap", SatisfactionMeasure.GAP, "Actual minus expected rating.")
    yield Field(
        "SurveyResponse.satisfactionLevel",
        lambda row: rules.satisfaction_level(measure(SatisfactionMeasure.GAP)(row)),
        "Satisfaction level by the sign of the gap.",
        SatisfactionLevel,
    )
    yield Field(
        "SurveyResponse.isSatisfied",
        lambda row: measure(SatisfactionMeasure.RATE)(row) > 0,
        "Whether it counts as satisfied by policy; null if unknown.",
        bool,
    )
    yield derived("satisfiedPercent", SatisfactionMeasure.RATE, "100 if satisfied, else 0: its average is the rate.")
    yield Field(
        "SurveyResponse.npsCategory",
        lambda row: rules.nps_category(scores(row).nps),
        "Promoter, passive or detractor.",
        NpsCategory,
    )
    yield derived(
        "npsPoints",
        SatisfactionMeasure.NPS,
        "100 for a promoter, 0 for a passive, -100 for a detractor: its average is the net promoter score.",
    )
    yield derived("csatPoints", SatisfactionMeasure.CSAT, "100 for a top mark, else 0: its average is CSAT in percent.")
    yield derived(
        "perceivedValue", SatisfactionMeasure.PERCEIVED_VALUE, "Perceived benefit minus cost, or their ratio."
    )

    def value(row: Row) -> MoneyExpression:
        minor = _customer_value(row)
        return MoneyExpression(minor, literal(currency), minor)

    yield Field(
        "SurveyResponse.customerValue",
        value,
        "Its part of the customer's current value, shared evenly by a customer's responses to one survey: weights a "
        "rate by value. Null without value tiering, or without a positive value.",
        Money,
    )


def _customer_value(row: Row) -> Expression:
    customer = row.to("customer")
    current: MoneyExpression = customer.other("Customer.currentValue", Money)
    peers = customer.over(
        SurveyResponse,
        "customer_id",
        lambda response: func.count(),
        lambda response: response.survey_id == row.survey_id,
    )
    part = rounded_ratio(current.reporting, func.nullif(peers, 0))
    return type_coerce(case((current.reporting > 0, part), else_=null()), BigInteger)


# Surveys


def _plan(row: Row) -> dict[SurveyPlanElement, Expression]:
    return {
        SurveyPlanElement.PURPOSE: row.purpose.is_not(None),
        SurveyPlanElement.CONTENT: row.content.is_not(None),
        SurveyPlanElement.METHOD: row.method.is_not(None),
        SurveyPlanElement.QUALITY_MONITORING: row.quality_monitoring.is_not(None),
        SurveyPlanElement.BUDGET: row.budget.minor.is_not(None),
        SurveyPlanElement.SCHEDULE: row.schedule.is_not(None),
        SurveyPlanElement.STAFFING: row.staffing.is_not(None),
        SurveyPlanElement.REMARKS: row.remarks.is_not(None),
    }


def _steps(row: Row) -> dict[SurveyStep, Expression]:
    return {step: row.column(step_column(step)) for step in SurveyStep}


def _survey_fields(settings: SatisfactionSettings) -> Iterator[Field]:
    yield Field(
        "Survey.planGaps",
        lambda row: rules.plan_gaps(_plan(row)),
        "Elements missing from the plan.",
        list[SurveyPlanElement],
    )
    yield Field(
        "Survey.planCompleteness",
        lambda row: rules.plan_completeness(_plan(row)),
        "Share of the plan's eight elements that are filled in, in percent.",
        int,
    )
    yield Field(
        "Survey.currentStep",
        lambda row: rules.current_step(_steps(row)),
        "The first of the six steps that is not done.",
        SurveyStep,
    )
    yield Field(
        "Survey.nextRoundOn",
        lambda row: _next_round_on(row, settings),
        "Date of its next round, if it is regular and open.",
        date,
    )
    yield Field(
        "Survey.isRoundDue",
        lambda row: _next_round_on(row, settings) <= row.as_of,
        "Whether the next round is due; null without one.",
        bool,
    )
    yield Field("Survey.invitationCount", _invitations, "Number of respondents invited.", int)
    yield Field("Survey.responseCount", _responses, "Number of responses.", int)
    yield Field(
        "Survey.responseRate",
        lambda row: rules.share(_responses(row, _answers_an_invitation), _invitations(row)),
        "Responses to invitations in percent of invitations; null without invitations.",
        Decimal,
    )
    for measure, name in _NAMES.items():
        yield Field(
            f"Survey.{name}",
            _mean(measure, settings),
            f"Mean over its respondents, each by the latest answer. {measure.description}",
            Decimal,
        )
    yield Field(
        "Survey.isTargetMet",
        lambda row: _is_target_met(row, settings),
        "Whether satisfactionRate reaches the target; null where there is no rate.",
        bool,
    )


def _next_round_on(row: Row, settings: SatisfactionSettings) -> Expression:
    cadence = func.coalesce(row.cadence_days, settings.cadence_days)
    due = rules.next_round_on(row.last_round_on, cadence)
    return case((and_(row.is_regular, row.status == SurveyStatus.OPEN.value), due), else_=null())


def _invitations(row: Row) -> Expression:
    return row.over(SurveyInvitation, "survey_id", lambda invitation: func.count())


def _responses(row: Row, where: Any = None) -> Expression:
    return row.over(SurveyResponse, "survey_id", lambda response: func.count(), where)


def _answers_an_invitation(response: Row) -> Expression:
    by_token = response.column("source") == ResponseSource.INVITATION.value
    return or_(by_token, response.invitation_id.is_not(None))


def _mean(measure: SatisfactionMeasure, settings: SatisfactionSettings) -> Any:
    def value(response: Row) -> Expression:
        found = rules.measures(scores(response), settings)[measure]
        return rounded_ratio(func.sum(found).cast(BigInteger), func.nullif(func.count(found), 0))

    return lambda row: row.over(SurveyResponse, "survey_id", value, _is_latest_by(measure, settings))


def _is_latest_by(measure: SatisfactionMeasure, settings: SatisfactionSettings) -> Any:
    """Whether no later response of the same person to the survey shows a measure: a person counts once (S3).

    Of an anonymous survey each response is by a person of its own.
    """

    def is_latest(response: Row) -> Expression:
        later = SurveyResponse.__table__.alias()
        c = later.c
        after = and_(
            # Not by its index, which leads to all responses of the survey for each of them.
            func.coalesce(c.survey_id, "") == response.survey_id,
            c.deleted_at.is_(None),
            rules.measures(scores(c), settings)[measure].is_not(None),
            or_(
                c.answered_on > response.answered_on,
                and_(c.answered_on == response.answered_on, c.id > response.id),
            ),
        )
        # Apart, so that each is found by an index or a hash.
        of_contact = exists().where(c.contact_id == response.contact_id, after)
        of_customer = exists().where(
            c.customer_id == response.customer_id, c.contact_id.is_(None), response.contact_id.is_(None), after
        )
        return and_(~of_contact, ~of_customer)

    return is_latest


def _is_target_met(row: Row, settings: SatisfactionSettings) -> Expression:
    def value(response: Row) -> Expression:
        satisfied = rules.measures(scores(response), settings)[SatisfactionMeasure.RATE]
        respondents = func.count(satisfied)
        reached = rules.reaches(func.count().filter(satisfied > 0), respondents, int(settings.target_percent * 100))
        return case((respondents == 0, null()), else_=reached)

    return row.over(SurveyResponse, "survey_id", value, _is_latest_by(SatisfactionMeasure.RATE, settings))


# Invitations and improvement


def _status(row: Row) -> Expression:
    return rules.invitation_status(row.answered_at, row.expires_at, row.now)


def _invitation_fields(settings: SatisfactionSettings) -> Iterator[Field]:
    yield Field("SurveyInvitation.status", _status, "Its status.", InvitationStatus)
    yield Field(
        "SurveyInvitation.isReminderDue",
        lambda row: and_(
            row.to("survey").status == SurveyStatus.OPEN.value,
            rules.is_reminder_due(
                _status(row),
                row.sent_at,
                row.reminders,
                row.as_of,
                settings.reminder_after_days,
                settings.reminders_at_most,
            ),
        ),
        "Whether it is still pending and a reminder is due.",
        bool,
    )


def _is_overdue(row: Row) -> Expression:
    waiting = row.status.in_([ActionStatus.OPEN.value, ActionStatus.IN_PROGRESS.value])
    return and_(waiting, row.due_on.is_not(None), row.due_on < row.as_of)
