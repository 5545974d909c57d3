"""Leases: which process works on something now, and until when no other may begin it."""

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, or_

from core.base.ids import new_id


class Leased(Protocol):
    """A row that one process works on at a time.

    Attributes:
        holder: the process that works on it now.
        held_until: until when no other begins, unless that process releases it earlier or renews its lease.
    """

    holder: str | None
    held_until: datetime | None


class Leaseholder:
    """One process that takes leases on rows and releases them."""

    def __init__(self) -> None:
        self.id = new_id("hld")

    def holds(self, row: Leased) -> bool:
        """Whether this process works on a row."""
        return row.holder == self.id

    def may_take(self, row: Leased, now: datetime) -> bool:
        """Whether no other process works on a row."""
        return self.holds(row) or row.held_until is None or row.held_until <= now

    def take(self, row: Leased, until: datetime) -> None:
        """Begins to work on a row, or renews the lease."""
        row.holder, row.held_until = self.id, until

    def release(self, row: Leased) -> None:
        """Releases a row."""
        row.holder = row.held_until = None


def is_free(table: Any, now: datetime) -> ColumnElement[bool]:
    """The condition on a table of leased rows that nobody works on one."""
    return or_(table.held_until.is_(None), table.held_until <= now)
