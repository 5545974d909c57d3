"""Faults of the database itself: which errors of a driver mean that it cannot be used now, and what is said of them.

It is asked in one place for each way to the database: where the drivers' errors leave it.
"""

import sqlite3
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.base.errors import GuanxiError, PluginError, SlowStatementError, UnavailableError

UNREACHABLE = "the database cannot be reached now; try again in a moment"
BUSY = "the database is busy with other work; try again in a moment"
_FULL = "the database has no room for more now; nothing was written, so try again later"
_READ_ONLY = "the database accepts no changes now; nothing was written, so try again later"
FAILING = "the database cannot read or write its files now; try again later"

#: By the first byte of an extended code.
_ON_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_PROTOCOL: BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_IOERR: FAILING,
    sqlite3.SQLITE_CANTOPEN: UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: FAILING,
    sqlite3.SQLITE_NOTADB: FAILING,
}
#: By SQLSTATE: read-only transaction, disk full, lock not available.
_ON_POSTGRESQL = {"25006": _READ_ONLY, "53100": _FULL, "55P03": BUSY}
#: By the class of a SQLSTATE: connection, authorization, unknown database, resources, intervention, system.
_CLASSES = {"08": UNREACHABLE, "28": UNREACHABLE, "3D": UNREACHABLE, "53": BUSY, "57": UNREACHABLE, "58": FAILING}
_CANCELLED = "57014"
_DRIVERS = ("psycopg", "asyncpg")
#: What the drivers raise themselves where they have lost the server, or cannot reach it.
_LOST = ("OperationalError", "InterfaceError", "InternalClientError", "ConnectionTimeout")


def fault_of(error: BaseException) -> GuanxiError | None:
    """What a driver's error means to whoever asked; None where the database is not at fault.

    Args:
        error: the driver's, SQLAlchemy's around it, or that of a plugin's code that met it.
    """
    if isinstance(error, PluginError) and error.__cause__ is not None:
        return fault_of(error.__cause__)
    if isinstance(error, (SlowStatementError, UnavailableError)):
        return error
    if isinstance(error, PoolTimeoutError):
        return UnavailableError(BUSY)
    cause: Any = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            # What is broken off with the whole database says so itself.
            return SlowStatementError()
        said = _ON_SQLITE.get(code)
        return None if said is None else UnavailableError(said)
    if type(cause).__module__.partition(".")[0] not in _DRIVERS:
        return None
    state = getattr(cause, "sqlstate", None)
    if state == _CANCELLED:
        return SlowStatementError()
    if state is None:
        return UnavailableError(UNREACHABLE) if type(cause).__name__ in _LOST else None
    said = _ON_POSTGRESQL.get(state) or _CLASSES.get(state[:2])
    return None if said is None else UnavailableError(said)


def refuse_write(error: Exception) -> None:
    """Takes a write in a transaction that only reads for what it is: a fault of the code, and none of the database.

    Raises:
        RuntimeError: it was one, and no plugin's; a plugin's error has it as its cause.
    """
    fault = fault_of(error)
    if fault is None or fault.message != _READ_ONLY:
        return
    meant = RuntimeError("what only reads has tried to write; make it a mutation")
    if not isinstance(error, PluginError):
        raise meant from error
    error.__cause__ = meant


def lost(cause: BaseException) -> UnavailableError:
    """The fault of a database that cannot be reached, of which the network tells."""
    error = UnavailableError(UNREACHABLE)
    error.__cause__ = cause
    return error
