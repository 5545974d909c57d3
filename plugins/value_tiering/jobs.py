"""Jobs: the end of tiers set by hand, and what is worked out for all customers at once."""

from datetime import timedelta

from guanxi import Context, Job
from plugins.value_tiering.ranking.tiering import expire_overrides
from plugins.value_tiering.resources.reliance import judge_reliance
from plugins.value_tiering.revenue.ranks import rank_by_revenue


def jobs() -> list[Job]:
    """Every job of the plugin."""
    return [
        Job(
            "expire_value_tiers",
            # Often, because a tier set by hand is in force until the job has run on the day after its last one.
            timedelta(minutes=5),
            expire_overrides,
            "Restores the tier by rank where one set by hand has expired.",
            locks=(),
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
    return f"{ranked} customers ranked by revenue, {relied} get more than planned"
