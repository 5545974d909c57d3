"""Actors: who does something, with which permissions, and whose records are theirs."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """Kind of actor."""

    USER = "USER"
    INTEGRATION = "INTEGRATION"
    PLUGIN = "PLUGIN"
    IMPORT = "IMPORT"
    LOCAL = "LOCAL"
    PUBLIC = "PUBLIC"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose records are an actor's own, its team's and its region's.

    Attributes:
        own: the user itself; empty where the actor is nobody.
        team: users of its team and of the teams below, itself included.
        teams: those teams.
        region: users of its region and of its team, itself included.
        regions: its region, folded; empty where it has none.
    """

    own: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and who is recorded as the author of a change.

    Attributes:
        id: a user's or key's id, or a name such as `local`, `import` or `plugin:value_tiering`.
        kind: what it is.
        role: key of its role, if it has one.
        permissions: what it may do, as `core.access.permissions` reads it; None for everything.
        narrowed_to: what an API key leaves of that; None for all of it.
        reach: whose records are its own.
        time_zone: in which its days begin, where it is another than that of the business.
    """

    id: str
    kind: ActorKind = ActorKind.LOCAL
    role: str | None = None
    permissions: frozenset[str] | None = None
    narrowed_to: frozenset[str] | None = None
    reach: Reach = Reach()
    time_zone: str | None = None

    @property
    def user_id(self) -> str | None:
        """The user it acts for, if any."""
        return next(iter(self.reach.own), None)


LOCAL = Actor("local")
#: Nobody in particular: who answers a survey by its token. It may do what is declared public, and nothing else.
PUBLIC = Actor("public", ActorKind.PUBLIC, permissions=frozenset())
IMPORT = Actor("import", ActorKind.IMPORT)


def plugin_actor(name: str) -> Actor:
    """The actor under which a plugin's own work is recorded."""
    return Actor(f"plugin:{name}", ActorKind.PLUGIN)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has proved who they are, as those know them who say so.

    Attributes:
        subject: the person, by a name that never becomes another's.
        email: the person's address, only if it is verified; by it a user is found who signs in for the first time.
        issuer: who says so; for plugins the host sets it.
    """

    subject: str
    email: str | None = None
    issuer: str = ""
