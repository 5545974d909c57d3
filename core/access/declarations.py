"""What plugins declare about access: permissions of their own, and scopes of rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.records.fields import Row
from core.records.vocabulary import UserRole


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that fields, records or operations of a plugin need.

    Attributes:
        name: in snake case, perhaps with a dot, such as `credit` or `credit.evaluate`.
        description: what it allows, in one sentence.
        roles: those that have it unless somebody decides otherwise; administrators always do.
        events: types of events that are shown only to those who have it.
        grants: permissions about records that come with it, such as `Survey.change`.
    """

    name: str
    description: str
    roles: Collection[UserRole] = ()
    events: Sequence[str] = ()
    grants: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RowRule:
    """A scope of rows besides own, team, region and all, to be used like them: `Opportunity.read:loyalty.members`.

    Attributes:
        name: the plugin's name, a dot and a name of its own.
        description: which rows, in one sentence.
        rows: by name of a record, from a row to the condition under which it is in scope. `row.actor` is the caller.
    """

    name: str
    description: str
    rows: Mapping[str, Callable[[Row], Any]]
