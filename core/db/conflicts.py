"""Conflicts between transactions at once: which errors mean one, and how work is repeated until it goes through."""

import random
import sqlite3
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, TypeVar

from core.base.errors import ConflictError, PluginError
from core.base.sentences import sentence
from core.db.strands import sleep

T = TypeVar("T")

#: Serialization failure, deadlock, lock not available.
_YIELDED = {"40001", "40P01", "55P03"}
#: Unique, exclusion and foreign key violations: what a look had found otherwise before a rival committed.
_TAKEN = {"23505", "23P01", "23503"}
_TAKEN_ON_SQLITE = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY"}
#: The classes of states in which a connection is lost: its own errors, the server going away.
_LOST_CLASS = "08"
_LOST = {"57P01", "57P02", "57P03"}
#: What Citus reports at the commit where a worker gave way, or was lost.
_CITUS_COMMIT = "could not commit transaction for shard"

#: How often a key found taken is looked for again; the look then finds who has it.
_LOOKS = 3
_SHORTEST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0

_chance = random.SystemRandom()


class OutdatedError(Exception):
    """What a transaction has read was changed meanwhile, so that it is to be repeated."""


class Conflict(Enum):
    """What an error of the database says about a transaction."""

    #: It gave way to another.
    YIELDED = auto()
    #: Another has taken a key it needs, or a record it refers to is gone.
    TAKEN = auto()
    #: Its connection was lost, or it is not known whether it was committed.
    LOST = auto()


def conflict_of(error: BaseException) -> Conflict | None:
    """What an error says about its transaction; None where repeating it would not help."""
    if isinstance(error, PluginError) and error.__cause__ is not None:
        # The same would meet the core's own statements.
        return conflict_of(error.__cause__)
    if isinstance(error, OutdatedError):
        return Conflict.YIELDED
    cause: Any = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.IntegrityError):
        return Conflict.TAKEN if cause.sqlite_errorname in _TAKEN_ON_SQLITE else None
    state = getattr(cause, "sqlstate", None) or ""
    if not state and type(cause).__module__.startswith("psycopg") and type(cause).__name__ == "OperationalError":
        # The driver's own error: the server closed the connection, or cannot be reached.
        return Conflict.LOST
    if state in _YIELDED:
        return Conflict.YIELDED
    if state in _TAKEN:
        return Conflict.TAKEN
    if state.startswith(_LOST_CLASS) or state in _LOST or getattr(error, "connection_invalidated", False):
        return Conflict.LOST
    return Conflict.LOST if state == "XX000" and _CITUS_COMMIT in str(cause) else None


def repeated(attempt: Callable[[], T], seconds: float, seconds_lost: float | None = None) -> T:
    """The result of an attempt that is repeated while others are in its way.

    Pauses are random and grow, so that those who met once do not meet again.

    Args:
        attempt: a whole transaction; it leaves nothing behind where it fails.
        seconds: for how long.
        seconds_lost: for how long while the database cannot be reached; by default as long.

    Raises:
        ConflictError: others were in its way for so long.
        Exception: as the attempt does, where repeating it would not help.
    """
    began = time.monotonic()
    tries = looks = 0
    while True:
        try:
            return attempt()
        except Exception as error:
            conflict = conflict_of(error)
            looks += conflict is Conflict.TAKEN
            if conflict is None or looks >= _LOOKS:
                raise
            tries += 1
            pause = _chance.uniform(0, min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2**tries))
            most = seconds_lost if conflict is Conflict.LOST and seconds_lost is not None else seconds
            if time.monotonic() + pause >= began + most:
                if conflict is Conflict.YIELDED:
                    raise ConflictError(
                        sentence(
                            "others were changing the same records all the time; nothing was written, so try again"
                        )
                    ) from error
                raise
        sleep(pause)
