"""Jobs: the end of tiers set by hand, and what is worked out for all customers at once."""

from datetime import timedelta

from guanxi import Context, Job
from plugins.value_tiering.models import Comparison
from plugins.value_tiering.ranking.tiering import expire_overrides
from plugins.value_tiering.resources.reliance import judge_reliance
from plugins.value_tiering.revenue.ranks import rank_by_revenue


def jobs() -> list[Job]:
    """Every job of the plugin."""
    return [
        Job(
            "expire_value_tiers",
            timedelta(minutes=5),
            expire_overrides,
            "Restores the tier by rank where one set by hand has expired.",
            locks=(),
            # A tier set by hand is in force until the job has run. Were it worked out by each request instead, none of
            # what depends on it could be found by an index, and its end would be read before it is announced.
            at_start_of_day=True,
        ),
        Job(
            "compare_customers",
            timedelta(days=1),
            compare_customers,
            "Ranks customers by the revenue of twelve months, and compares what resources they get with the plan.",
        ),
    ]


def compare_customers(ctx: Context) -> str:
    """Works out what depends on all customers and on the day (T6, T10, T16); returns what it found."""
    ranked, relied = rank_by_revenue(ctx), judge_reliance(ctx)
    ctx.session.merge(Comparison(id=1, computed_at=ctx.clock.now()))
    return f"{ranked} customers ranked by revenue, {relied} get more than planned"
