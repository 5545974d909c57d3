"""Our side of the relationship: users and the teams they work in (G8, K24)."""

from core.base.sentences import template
from core.records.columns import column, reference
from core.records.forms import EMAIL, NAME, PERSON_NAME, TIME_ZONE
from core.records.record import Record
from core.records.uniqueness import one_living
from core.records.vocabulary import UserRole


class Team(Record, prefix="tem"):
    """People who work together, such as a sales team under its manager."""

    __owned__ = False
    __search__ = ("name",)

    name: str = column("Name of the team.", max_length=200, index=True, form=NAME)
    region: str | None = column("Region it works in.", default=None, max_length=100, index=True, shared=True)
    description: str | None = column("Purpose of the team.", default=None, max_length=2000, long=True)
    parent_id: str | None = reference(
        "Team",
        "The team it is part of.",
        inverse="subteams",
        inverse_description="Teams that are part of it.",
        default=None,
        on_destroy="SET NULL",
    )


class User(Record, prefix="usr"):
    """A member of staff or a partner: owns customers and opportunities, does tasks."""

    __owned__ = False
    __search__ = ("name", "email")

    # Colleagues are known by name to everybody.
    name: str = column("Full name.", max_length=200, index=True, form=PERSON_NAME, personal=True, permission=None)
    email: str | None = column("E-mail address.", default=None, max_length=320, index=True, form=EMAIL, personal=True)
    role: UserRole | None = column(
        "Role, which decides what the user may see and do; a user without one may do nothing.", default=None, index=True
    )
    region: str | None = column("Region the person works in.", default=None, max_length=100, index=True, shared=True)
    branch: str | None = column("Branch the person belongs to.", default=None, max_length=100, index=True, shared=True)
    # G3
    is_urban_branch: bool | None = column("Whether that branch is urban.", default=None)
    time_zone: str | None = column(
        "Time zone in which the person's days begin, such as Europe/Berlin: what is due and overdue is reckoned by it; "
        "that of the business if not set.",
        default=None,
        max_length=64,
        form=TIME_ZONE,
        exact=True,
    )
    is_active: bool = column("Whether the person still works here.", default=True)
    team_id: str | None = reference(
        Team,
        "The team the person belongs to.",
        inverse="members",
        inverse_description="People who belong to the team.",
        default=None,
        on_destroy="SET NULL",
    )
    manager_id: str | None = reference(
        "User",
        "The person's superior.",
        inverse="reports",
        inverse_description="People who report to this person.",
        default=None,
        on_destroy="SET NULL",
    )
    is_old_twin: bool | None = column(
        "True where it shared its e-mail address with an older user before only one could have it.",
        default=None,
        internal=True,
    )


one_living(
    User, "email", message=template("{twin} is the user with this address already; give another, or change that one")
)
