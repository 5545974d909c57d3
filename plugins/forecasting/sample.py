"""Sample data: categories that owners submit, targets of the teams, and snapshots of the last months."""

import random
from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import col, select

from guanxi import Context
from guanxi.records import Team
from guanxi.vocabulary import DateGrain, Outcome
from plugins.forecasting.models import OpportunityForecast, SalesTarget
from plugins.forecasting.past.history import reconcile
from plugins.forecasting.past.snapshots import take_snapshot
from plugins.forecasting.shared.vocabulary import ForecastCategory, SnapshotKind

_QUARTERS, _MONTHS = 5, 6
_OPEN = """{
  opportunities(
    where: {outcome: {eq: OPEN}}, orderBy: [{name: ASC}, {expectedAmount: ASC}, {openedOn: ASC}], first: 1000
  ) {
    nodes { id winProbability }
  }
}"""


def fill_sample(ctx: Context, chance: random.Random) -> None:
    """Submits categories for owners, sets targets for teams, and takes snapshots of the ends of the last months."""
    _submit(ctx, chance)
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


def _submit(ctx: Context, chance: random.Random) -> None:
    """Owners commit to half of what is likely, and hope for some of the rest."""
    found = ctx.query(_OPEN)["opportunities"]["nodes"]
    files = ctx.facets(OpportunityForecast, [deal["id"] for deal in found])
    for deal in found:
        likely, luck = Decimal(deal["winProbability"]) >= 50, chance.random()
        if likely and luck < 0.5:
            files[deal["id"]].category = ForecastCategory.COMMIT
        elif luck < 0.6:
            files[deal["id"]].category = ForecastCategory.BEST_CASE


def _set_targets(ctx: Context, chance: random.Random) -> None:
    """Each team's target is a little above or below what it wins per quarter."""
    start = ctx.calendar.first_of(ctx.clock.today(), DateGrain.QUARTER)
    starts = [start]
    while len(starts) < _QUARTERS:
        starts.append(ctx.calendar.first_of(starts[-1] - timedelta(days=1), DateGrain.QUARTER))
    wanted = {"outcome": {"eq": Outcome.WON}, "closedOn": {"gte": starts[-1]}}
    by = [{"owner": {"team": {"id": True}}}]
    won = {
        group.keys["owner"]["team"]["id"]: group.sum["expectedAmount"]
        for group in ctx.groups("Opportunity", by, wanted, sum=["expectedAmount"])
    }
    for team in ctx.session.exec(select(Team).order_by(col(Team.name))).all():
        usual = float(won.get(team.id, Decimal(0))) / (_QUARTERS - 1)
        for first in starts:
            value = Decimal(round(max(usual, 100_000) * chance.uniform(0.8, 1.3), -4))
            ctx.session.add(SalesTarget(grain=DateGrain.QUARTER, period_start=first, team_id=team.id, value=value))
