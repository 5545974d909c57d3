"""What a database remembers of the migrations run on it, beyond their revisions."""

from packaging.version import InvalidVersion, Version
from sqlalchemy import Connection, delete, insert, select

from core.records.installation import Installation
from core.records.text_keys import KEYS

#: The fingerprint of the tables that were last found to be in the database as declared.
TABLES = "tables"
#: The version of the core or plugin that last changed its tables.
RELEASE = "release"

_INSTALLATION = Installation.__table__


def facts_of(name: str) -> list[str]:
    """The names under which the facts about a set are kept; no other fact has a blank in its name."""
    return [f"{name} {fact}" for fact in (TABLES, RELEASE, KEYS)]


def kept(connection: Connection, name: str, fact: str) -> str | None:
    """A fact about the set of that name; None if it is not known."""
    return connection.scalar(select(_INSTALLATION.c.value).where(_INSTALLATION.c.name == f"{name} {fact}"))


def keep(connection: Connection, name: str, fact: str, value: str) -> None:
    """Keeps a fact in place of the one before."""
    connection.execute(delete(_INSTALLATION).where(_INSTALLATION.c.name == f"{name} {fact}"))
    connection.execute(insert(_INSTALLATION).values(name=f"{name} {fact}", value=value))


def is_later(release: str, than: str) -> bool:
    """Whether a version is later than another; what cannot be compared is not."""
    try:
        return Version(release) > Version(than)
    except InvalidVersion:
        return False
