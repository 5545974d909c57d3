"""Actors: who does something. Until access control is built, everybody is the local operator."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is recorded as the author of a change.

    Attributes:
        id: a user's id, or a name such as `local`, `import` or `plugin:value_tiering`.
    """

    id: str


LOCAL = Actor("local")


def plugin_actor(name: str) -> Actor:
    """The actor under which a plugin's own work is recorded."""
    return Actor(f"plugin:{name}")
