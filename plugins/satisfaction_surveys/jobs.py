"""Jobs of satisfaction surveys: due reminders and rounds, expired invitations, ended surveys, changed policies."""

from collections.abc import Iterator
from datetime import timedelta

from guanxi import Context, Job
from plugins.satisfaction_surveys.invitations import announce_reminders, announce_rounds, expire
from plugins.satisfaction_surveys.results import refresh_outdated
from plugins.satisfaction_surveys.surveys import close_past


def jobs() -> Iterator[Job]:
    """Every job of the plugin."""
    yield Job(
        "survey_expiry",
        timedelta(hours=1),
        _expire,
        "Closes surveys after their last day, deletes expired tokens, announces unanswered invitations.",
        at_start_of_day=True,
    )
    yield Job(
        "survey_reminders",
        timedelta(hours=1),
        _remind,
        "Announces reminders and rounds that fall due, for whatever sends them.",
    )
    yield Job(
        "survey_results",
        timedelta(days=1),
        _refresh,
        "Recomputes the results of customers that are based on another policy.",
    )


def _expire(ctx: Context) -> str:
    closed, expired = close_past(ctx), expire(ctx)
    return f"{closed} surveys closed, {expired} invitations expired"


def _remind(ctx: Context) -> str:
    reminders, rounds = announce_reminders(ctx), announce_rounds(ctx)
    return f"{reminders} reminders due, {rounds} rounds due"


def _refresh(ctx: Context) -> str:
    return f"{refresh_outdated(ctx)} customers"
