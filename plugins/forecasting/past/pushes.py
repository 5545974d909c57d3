"""Counts how often an opportunity's close date was pushed to a later period."""

from functools import partial

from guanxi import Action, Changes, Context
from plugins.forecasting.models import OpportunityForecast
from plugins.forecasting.shared.settings import ForecastingSettings

PUSHED = "OPPORTUNITY_PUSHED"


def count_pushes(ctx: Context, changes: Changes) -> None:
    """Records the close dates that these changes move."""
    settings: ForecastingSettings = ctx.settings
    moved = {
        change.record.id: change
        for change in changes.of("Opportunity", Action.UPDATED)
        if change.before.get("expected_close_date") is not None and change.after.get("expected_close_date") is not None
    }
    if not moved:
        return
    first_of = partial(ctx.calendar.first_of, grain=settings.push_grain)
    for id, known in ctx.facets(OpportunityForecast, moved.keys()).items():
        change = moved[id]
        before, after = change.before["expected_close_date"], change.after["expected_close_date"]
        if known.first_expected_close_date is None:
            known.first_expected_close_date = before
        if first_of(after) > first_of(before):
            known.push_count += 1
            known.last_pushed_at = change.occurred_at or change.record.updated_at
            ctx.publish(PUSHED, change.record, previous=before, current=after, count=known.push_count)
    ctx.session.flush()
