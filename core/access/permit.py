"""What a caller may write, as the unit of work asks it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from typing import Any

from core.access.permissions import Right
from core.base.errors import UserError
from core.db.transaction import Rows, SqlStatement

#: Runs a statement in a transaction.
FetchRows = Callable[[SqlStatement], Rows]


class Permit(ABC):
    """What one caller may write and refer to, found out inside the transaction that writes.

    Attributes:
        is_limited: whether there is anything that it may not do.
    """

    is_limited: bool

    @abstractmethod
    def has(self, permission: str | None) -> bool:
        """Whether it has a permission that is about no record."""

    @abstractmethod
    def may(self, record: str, right: Right) -> bool:
        """Whether it may do something with records of a type at all."""

    @abstractmethod
    def is_scoped(self, record: str, right: Right) -> bool:
        """Whether it may do that with some rows of a record only."""

    @abstractmethod
    def allowed(self, fetch: FetchRows, record: str, right: Right, ids: Collection[str]) -> Collection[str]:
        """Those of some records with which it may do something, as a transaction sees them."""

    @abstractmethod
    def concealed(self, fetch: FetchRows, errors: Iterable[UserError], given: Any) -> list[UserError]:
        """Errors as it may read them: without records and reasons that it may not see, but for ids it has given."""
