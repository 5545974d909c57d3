"""Sample data: what owners say, targets, pushes, submissions with calls, snapshots, forecasts, and a win model."""

import random
from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from guanxi import Context
from guanxi.records import Opportunity, Team, User
from guanxi.vocabulary import DateGrain, Outcome
from plugins.forecasting.models import ForecastSubmission, OpportunityForecast, SalesTarget
from plugins.forecasting.outlook.submissions import Period, adjust, roll_up, submit
from plugins.forecasting.past.history import reconcile
from plugins.forecasting.past.snapshots import take_snapshot
from plugins.forecasting.shared.vocabulary import ForecastCategory, ModelStatus, SnapshotKind
from plugins.forecasting.win_model.scoring import forget
from plugins.forecasting.win_model.storage import obstacle, train_anew

_QUARTERS, _MONTHS = 5, 6
#: Shares of opportunities whose probability is set by hand, of those that are pushed, of people who submit.
_SURE, _PUSHED, _SUBMITTING = 0.06, 0.15, 0.8
_OPEN = """{
  opportunities(
    where: {outcome: {eq: OPEN}}, orderBy: [{name: ASC}, {expectedAmount: ASC}, {openedOn: ASC}], first: 1000
  ) {
    nodes { id winProbability }
  }
}"""


def fill_sample(ctx: Context, chance: random.Random) -> None:
    """Lets owners set categories and probabilities, push and submit; sets targets; keeps the past; trains a model."""
    _judge(ctx, chance)
    _push(ctx, chance)
    _set_targets(ctx, chance)
    ctx.session.flush()
    reconcile(ctx)
    end = ctx.clock.today().replace(day=1) - timedelta(days=1)
    ends: list[date] = []
    for _ in range(_MONTHS):
        ends.insert(0, end)
        end = end.replace(day=1) - timedelta(days=1)
    for day in ends:
        take_snapshot(ctx, SnapshotKind.SCHEDULED, f"End of {day:%B %Y}", day)
    _submit(ctx, chance)
    if obstacle(ctx) is None:
        _show_model(ctx)


def _show_model(ctx: Context) -> None:
    """Trains a model to look at. It is not in use, so that what the sample says does not depend on an extra."""
    train_anew(ctx).status = ModelStatus.RETIRED
    forget(ctx)
    reconcile(ctx)


def _judge(ctx: Context, chance: random.Random) -> None:
    """Owners commit to half of what is likely, hope for some of the rest, and set a few probabilities themselves."""
    found = ctx.query(_OPEN)["opportunities"]["nodes"]
    files = ctx.facets(OpportunityForecast, [deal["id"] for deal in found])
    for deal in found:
        likely, luck = Decimal(deal["winProbability"]) >= 50, chance.random()
        if likely and luck < 0.5:
            files[deal["id"]].category = ForecastCategory.COMMIT
        elif luck < 0.6:
            files[deal["id"]].category = ForecastCategory.BEST_CASE
    ids = [deal["id"] for deal in found if chance.random() < _SURE]
    for opportunity in ctx.session.exec(_of(ids)):
        opportunity.win_probability_override = Decimal(chance.choice((5, 20, 40, 60, 80, 95)))


def _of(ids: list[str]) -> SelectOfScalar[Opportunity]:
    order = Opportunity.__table__.c
    return (
        select(Opportunity)
        .where(col(Opportunity.id).in_(ids))
        .order_by(order.name, order.expected_amount_minor, order.opened_on)
    )


def _push(ctx: Context, chance: random.Random) -> None:
    """Some of what is open is put off by a month or two."""
    dated = {"outcome": {"eq": Outcome.OPEN}, "expectedCloseDate": {"isNull": False}}
    ids = [node["id"] for node in ctx.pages("Opportunity", "id", dated)]
    for opportunity in ctx.session.exec(_of(ids)):
        if opportunity.expected_close_date and chance.random() < _PUSHED:
            opportunity.expected_close_date += timedelta(days=chance.randint(20, 60))


def _submit(ctx: Context, chance: random.Random) -> None:
    """Most owners submit the running month with a call of their own; managers roll up, and adjust what they doubt."""
    period = Period(ctx.calendar, DateGrain.MONTH, ctx.clock.today().replace(day=1))
    people = list(ctx.session.exec(select(User).order_by(col(User.name), col(User.id))))
    ctx.session.flush()
    for person in people:
        if person.manager_id is not None and chance.random() < _SUBMITTING:
            _submit_for(ctx, person.id, period, chance)
    for person in people:
        if person.manager_id is None:
            submission = _submit_for(ctx, person.id, period, chance)
            wanted = {"submissionId": {"eq": submission.id}, "category": {"eq": ForecastCategory.COMMIT}}
            for line in ctx.pages("ForecastLine", "id amount { amount }", wanted):
                doubted = Decimal(round(Decimal(line["amount"]["amount"]) * 9 / 10, -3))
                adjust(ctx, line["id"], doubted, "Two of these commits depend on one budget.")


def _submit_for(ctx: Context, person: str, period: Period, chance: random.Random) -> ForecastSubmission:
    likely = roll_up(ctx, person, period).cumulative()[ForecastCategory.COMMIT]
    call = Decimal(round(float(likely) * chance.uniform(0.8, 1.2), -3))
    return submit(ctx, person, period, None, call)


def _set_targets(ctx: Context, chance: random.Random) -> None:
    """Each team's target is a little above or below what it wins per quarter."""
    start = ctx.calendar.first_of(ctx.clock.today(), DateGrain.QUARTER)
    starts = [start]
    while len(starts) < _QUARTERS:
        starts.append(ctx.calendar.first_of(starts[-1] - timedelta(days=1), DateGrain.QUARTER))
    wanted = {"outcome": {"eq": Outcome.WON}, "closedOn": {"gte": starts[-1]}}
    by = [{"owner": {"team": {"recordId": True}}}]
    won = {
        group.keys["owner"]["team"]["recordId"]: group.sum["expectedAmount"]
        for group in ctx.groups("Opportunity", by, wanted, sum=["expectedAmount"])
    }
    for team in ctx.session.exec(select(Team).order_by(col(Team.name))).all():
        usual = float(won.get(team.id, Decimal(0))) / (_QUARTERS - 1)
        for first in starts:
            value = Decimal(round(max(usual, 100_000) * chance.uniform(0.8, 1.3), -4))
            ctx.session.add(SalesTarget(grain=DateGrain.QUARTER, period_start=first, team_id=team.id, value=value))
            if first == starts[0]:
                _share_target(ctx, team, first, value)


def _share_target(ctx: Context, team: Team, first: date, value: Decimal) -> None:
    """Divides the target of a team among its people."""
    people = ctx.session.exec(select(User.id).where(col(User.team_id) == team.id).order_by(col(User.name))).all()
    for user_id in people:
        share = round(value / len(people), -3)
        ctx.session.add(SalesTarget(grain=DateGrain.QUARTER, period_start=first, user_id=user_id, value=share))
