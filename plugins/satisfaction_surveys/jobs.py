"""What time brings about: reminders and rounds fall due, invitations expire, surveys end, policies change."""

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
        "Closes surveys after their last day, forgets tokens whose time is over, announces unanswered invitations.",
    )
    yield Job(
        "survey_reminders",
        timedelta(hours=1),
        _remind,
        "Announces reminders and rounds that fall due, to whoever sends them.",
    )
    yield Job(
        "survey_results",
        timedelta(days=1),
        _refresh,
        "Works out again the results of customers that came of another policy.",
    )


def _expire(ctx: Context) -> str:
    closed, expired = close_past(ctx), expire(ctx)
    return f"{closed} surveys closed, {expired} invitations expired"


def _remind(ctx: Context) -> str:
    reminders, rounds = announce_reminders(ctx), announce_rounds(ctx)
    return f"{reminders} reminders due, {rounds} rounds due"


def _refresh(ctx: Context) -> str:
    return f"{refresh_outdated(ctx)} customers"
