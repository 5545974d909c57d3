"""The journal: what was done for good and must outlive the restore of a backup from before it.

That is that somebody's personal data was erased, and that an API key was revoked. Both are in the audit list; the
journal repeats them outside the database, by ids alone, so that it says nothing about anybody.
"""

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, select

from core.access.audit import AuditAction, AuditEntry
from core.base.errors import ConfigurationError
from core.db.types import timestamp_text

_ACTIONS = (AuditAction.ERASED, AuditAction.KEY_REVOKED)
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class LastingAct:
    """What was done for good.

    Attributes:
        id: of its entry in the audit list.
        action: `ERASED` or `KEY_REVOKED`.
        subject: id of the contact or customer, or of the key.
        at: when, in ISO 8601.
    """

    id: str
    action: str
    subject: str
    at: str


def acts_in(connection: Connection) -> list[LastingAct]:
    """The lasting acts in the audit list of a database, in order; none where it has no such list yet."""
    table = AuditEntry.__table__
    if not inspect(connection).has_table(table.name):
        return []
    query = select(table.c.id, table.c.action, table.c.subject_id, table.c.created_at)
    rows = connection.execute(query.where(table.c.action.in_(_ACTIONS)).order_by(table.c.created_at, table.c.id))
    return [LastingAct(id, action.value, subject or "", timestamp_text(at)) for id, action, subject, at in rows]


def acts_of(path: Path) -> list[LastingAct]:
    """The lasting acts in a journal.

    Raises:
        ConfigurationError: it cannot be read; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(LastingAct(**json.loads(line)))
        except (ValueError, TypeError):
            raise ConfigurationError(
                f"{path}, line {number}: this is not an entry of a journal; remove the line if it was broken off"
            ) from None
    return found


def note(path: Path, acts: Iterable[LastingAct]) -> None:
    """Adds acts to a journal that are not in it yet, and brings it to the disk; several processes may do so at once.

    Raises:
        ConfigurationError: it cannot be written or read.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _PRIVATE)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        if os.name == "posix":
            import fcntl

            # Elsewhere one process serves a database.
            fcntl.flock(file, fcntl.LOCK_EX)
        known = {act.id for act in acts_of(path)}
        new = missing(acts, known)
        if new:
            file.write("".join(f"{json.dumps(asdict(act))}\n" for act in new))
            file.flush()
            os.fsync(file.fileno())


def missing(acts: Iterable[LastingAct], known: Collection[str]) -> list[LastingAct]:
    """Those of the acts whose ids are not known, each once, in the order in which they were done."""
    found = {act.id: act for act in acts if act.id not in known}
    return sorted(found.values(), key=lambda act: (act.at, act.id))
