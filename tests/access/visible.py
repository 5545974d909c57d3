"""Which rows a caller sees, worked out in Python from the documented rules, and the callers that are tried.

A record belongs to the user it names as owner, user or assignee, to the members of its team, and to whom the record
belongs that it is part of. What belongs to users of one's team, or names that team, is the team's; what belongs to
users of one's region, or names the region, is the region's, but for the region of a person's address. Everything else
is reference data, which everybody sees.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from tests.oracle.filters import fold
from tests.oracle.records import Records, Row
from tests.oracle.shapes import Shape

#: Of each record: the references to users, and those to what it is part of.
USERS: Mapping[str, tuple[str, ...]] = {
    "Customer": ("ownerId",),
    "AccountTeamMember": ("userId",),
    "Contact": ("ownerId",),
    "Opportunity": ("ownerId",),
    "OpportunityMember": ("userId",),
    "Interaction": ("userId",),
    "Task": ("assigneeId",),
    "Inspection": ("userId",),
}
PARENTS: Mapping[str, tuple[str, ...]] = {
    "Customer": (),
    "AccountTeamMember": ("customerId",),
    "Contact": ("customerId",),
    "Opportunity": ("customerId",),
    "OpportunityMember": ("opportunityId",),
    "OpportunityContact": ("opportunityId",),
    "StageTransition": ("opportunityId",),
    "Transaction": ("customerId",),
    "Interaction": ("customerId", "opportunityId"),
    "Task": ("customerId", "opportunityId"),
    "Inspection": ("customerId",),
    "TierChange": ("customerId",),
    "Receivable": ("customerId", "opportunityId"),
}
#: Whose users share a record, and by which reference.
MEMBERS: Mapping[str, tuple[str, str]] = {
    "Customer": ("AccountTeamMember", "customerId"),
    "Opportunity": ("OpportunityMember", "opportunityId"),
}
_SCOPES = ("none", "own", "team", "region", "all")


@dataclass(frozen=True)
class Caller:
    """A user with permissions.

    Attributes:
        user: the user's id.
        scopes: by record, the scopes in which it is read.
    """

    user: str
    scopes: Mapping[str, tuple[str, ...]]

    @property
    def permissions(self) -> frozenset[str]:
        """As a role has them."""
        grants = {f"{record}.read:{scope}" for record, scopes in self.scopes.items() for scope in scopes}
        return frozenset({*grants, "personal", "value", "credit"})

    def scopes_of(self, record: str) -> Collection[str]:
        """The scopes in which it reads a record that belongs to somebody."""
        named = self.scopes.get(record, self.scopes.get("*", ()))
        return [scope for scope in named if scope != "none"]


def make_caller(records: Records, random: Random) -> Caller:
    """A random caller among the active users."""
    users = [row for row in records.lists["User"] if row.is_living and row["isActive"]]
    scopes = {"*": (random.choice(_SCOPES[1:]),)}
    for record in PARENTS:
        if random.random() < 0.25:
            scopes[record] = tuple(random.sample(_SCOPES, random.choice([1, 1, 2])))
    return Caller(random.choice(users)["id"], scopes)


class Visible:
    """What one caller sees of some records."""

    def __init__(self, records: Records, caller: Caller) -> None:
        self._records = records
        self._caller = caller
        me = records.by_id[caller.user]
        self._teams = set(self._below(me["teamId"]))
        living = [row for row in records.lists["User"] if row.is_living]
        team = {row["id"] for row in living if row["teamId"] in self._teams} | {me["id"]}
        self._region = _folded(me["region"])
        region = {row["id"] for row in living if self._region and _folded(row["region"]) == self._region}
        self._users = {"own": {me["id"]}, "team": team, "region": team | region}

    def rows(self) -> Iterator[Row]:
        """The rows that are there for the caller."""
        return (row for rows in self._records.lists.values() for row in rows if self._is_seen(row))

    def _is_seen(self, row: Row) -> bool:
        if row.type not in PARENTS:
            return True
        return any(scope == "all" or self._belongs(row, scope) for scope in self._caller.scopes_of(row.type))

    def _below(self, team: str | None) -> Iterator[str]:
        row = self._records.living(team)
        if row is not None:
            seen = [row["id"]]
            for id in seen:
                under = (each for each in self._records.lists["Team"] if each.is_living and each["parentId"] == id)
                seen += [each["id"] for each in under if each["id"] not in seen]
            yield from seen

    def _belongs(self, row: Row, scope: str) -> bool:
        users = self._users[scope]
        if any(row[name] in users for name in USERS.get(row.type, ())):
            return True
        if scope != "own" and row.type in USERS and row.values.get("teamId") in self._teams:
            return True
        region = None if row.type == "Contact" else row.values.get("region")
        if scope == "region" and self._region and _folded(region) == self._region:
            return True
        if row.type in MEMBERS:
            record, name = MEMBERS[row.type]
            members = (each for each in self._records.lists[record] if each.is_living and each[name] == row["id"])
            if any(each["userId"] in users for each in members):
                return True
        parents = (self._records.by_id.get(row[name]) for name in PARENTS[row.type] if row[name] is not None)
        return any(parent is not None and self._belongs(parent, scope) for parent in parents)


def _folded(text: str | None) -> str | None:
    return None if text is None else fold(text)


def without(shapes: Mapping[str, Shape], hidden: Collection[str]) -> dict[str, Shape]:
    """The shapes of records, as if some were not there."""
    return {
        name: replace(
            shape,
            to_one={way: target for way, target in shape.to_one.items() if target not in hidden},
            to_many={way: many for way, many in shape.to_many.items() if many[0] not in hidden},
        )
        for name, shape in shapes.items()
        if name not in hidden
    }
