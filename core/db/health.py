"""The health of a database: whether it can be used, as its last use showed, and what is said where it cannot."""

import logging
import time
from threading import Lock
from typing import NoReturn

from core.base.errors import GuanxiError, UnavailableError, told
from core.db.conflicts import Conflict, conflict_of
from core.db.faults import UNREACHABLE, fault_of

_log = logging.getLogger("guanxi.database")

#: So often, in seconds, is the same fault logged.
_PAUSE_SECONDS = 30.0


class Health:
    """Whether one database can be used.

    Attributes:
        refusal: why nothing is done on it any more; empty while it may be used.
        is_lost: it could not be reached when it was last tried.
        is_at_fault: it could not be used when it was last tried.
    """

    def __init__(self) -> None:
        self.refusal = ""
        self.is_lost = False
        self.is_at_fault = False
        self._faults = _FaultLog()

    def note_use(self) -> None:
        """Notes that it was used with success."""
        self.is_lost = False
        if self.is_at_fault:
            self.is_at_fault = False
            self._faults.note_return()

    def raise_meaning(self, error: Exception) -> NoReturn:
        """Raises what a driver's error means to whoever asked, or the error itself where the database is not at fault.

        Raises:
            UnavailableError: it cannot be used now.
            SlowStatementError: a statement took too long.
        """
        if isinstance(error, UnavailableError):
            if error.__cause__ is not None:
                self.is_at_fault = self.is_lost = True
                self._faults.note(error, error.__cause__)
            raise error
        is_lost = conflict_of(error) is Conflict.LOST
        fault = fault_of(error)
        if fault is None and is_lost:
            fault = UnavailableError(UNREACHABLE)
        if fault is None:
            raise error
        if self.refusal:
            # What was under way when it was closed was broken off.
            raise UnavailableError(self.refusal) from error
        if isinstance(fault, UnavailableError):
            self.is_at_fault = True
            self.is_lost = self.is_lost or fault.message == UNREACHABLE
            self._faults.note(fault, error)
        raise fault from error


class _FaultLog:
    """Tells the log of faults: of each kind now and then, however many requests meet it."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}
        self._lock = Lock()

    def note(self, fault: GuanxiError, cause: BaseException) -> None:
        """Notes a fault, with what the driver said."""
        now = time.monotonic()
        with self._lock:
            if now - self._noted.get(fault.message, -_PAUSE_SECONDS) < _PAUSE_SECONDS:
                return
            self._noted[fault.message] = now
        _log.error("%s (%s)", fault.message.partition(";")[0], told(cause))

    def note_return(self) -> None:
        """Notes that the database is used again, if a fault was noted."""
        with self._lock:
            noted = bool(self._noted)
            self._noted.clear()
        if noted:
            _log.warning("the database is used again")
