"""Random operations by random users of houses that have nothing to do with each other: nothing leads from one to another.

Each house has a region, a team, users of every role that is limited to them, and records. Whatever its users send, no
answer may have a word of another house, nothing of another house may change, and nothing may fail inside.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from core.access.permissions import DEFAULTS, Right, RowScope, scopes
from core.records.vocabulary import UserRole
from guanxi.testing import Client
from schema.catalog.catalog import Catalog

#: Words that stand in every text of a house, and nowhere else.
HOUSES = ("quarzberg", "wolkenstein", "nebelhorn")
#: Roles whose permissions end where their house does.
ROLES = [
    role
    for role in UserRole
    if not {RowScope.ALL} & {*scopes(DEFAULTS[role], "Customer", Right.READ, is_owned=True)}
    and role is not UserRole.PARTNER
]
_IDS = re.compile(rb'"([a-z]{3,12}_[0-9a-z]{26})"')
#: Of each root field so many documents are sent again, and how often one of them is.
_KEPT = 3
_REPEATED = 0.95
_PARENTS = ("customer", "contact", "opportunity")
#: What these fields refer to, if not to what they are named after.
_REFERS = {
    "parent": "Customer", "reportsTo": "Contact", "replaces": "Customer", "assignee": "User", "owner": "User",
    "user": "User", "manager": "User", "record": "Customer", "entity": "Customer", "winner": "Customer",
}  # fmt: skip


class LeakError(AssertionError):
    """Something led from one house to another, or failed inside."""


@dataclass
class House:
    """One house: its word, its region, its users, and the ids of its records by type.

    Everybody knows the regions, teams and names of colleagues, so the word is not in them.
    """

    word: str
    region: str
    users: Sequence[Client]
    ids: dict[str, list[str]] = field(default_factory=dict)


class Operations:
    """Random operations on one app."""

    def __init__(self, client: Client, seed: int) -> None:
        self._client = client
        self._random = Random(seed)
        self._schema = client.app.assembled.graphql
        self._prefixes = {
            record.model.__prefix__: record.name  # type: ignore[attr-defined]  # records alone have one
            for record in self.catalog.records.values()
            if record.has_attachments
        }
        self._shared: dict[str, list[str]] = {"Stage": self._stages(), "Product": [self._made("Product", name="Thing")]}
        self._houses = [self._house(word) for word in HOUSES]
        self._documents: dict[str, list[_Document]] = {}
        self.statuses: dict[str, int] = {}

    @property
    def random(self) -> Random:
        """What chance there is."""
        return self._random

    @property
    def catalog(self) -> Catalog:
        """The records of the app."""
        return self._client.app.catalog

    # The world

    def _made(self, record: str, **given: Any) -> str:
        id: str = self._client.create(record, **given)["id"]
        return id

    def _stages(self) -> list[str]:
        return [stage["id"] for stage in self._client.query("{ stages { id } }")["stages"]]

    def _house(self, word: str) -> House:
        region = f"Region {HOUSES.index(word)}"
        team = self._made("Team", name=f"Team of {region}", region=region)
        users = [
            self._made("User", name=f"User {number}", role=role.value, teamId=team, region=region)
            for number, role in enumerate(ROLES)
        ]
        house = House(word, region, [self._client.acting_as(id) for id in users], {"User": users, "Team": [team]})
        for number, owner in enumerate(users):
            customer = self._made("Customer", name=f"{word} {number}", ownerId=owner, region=region, teamId=team)
            contact = self._made("Contact", name=f"{word} contact {number}", customerId=customer)
            deal = self._made(
                "Opportunity", name=f"{word} deal {number}", customerId=customer, expectedAmount={"amount": "100"}
            )
            for record, id in (("Customer", customer), ("Contact", contact), ("Opportunity", deal)):
                house.ids.setdefault(record, []).append(id)
            house.ids.setdefault("Task", []).append(self._made("Task", subject=word, customerId=customer))
        return house

    # One operation

    def step(self) -> None:
        """Sends one operation and looks at its answer.

        Raises:
            LeakError: the answer has a word of another house, or something failed inside.
        """
        random = self._random
        house = random.choice(self._houses)
        is_write = random.random() < 0.6
        root: Any = self._schema.mutation_type if is_write else self._schema.query_type
        name = random.choice(sorted(root.fields))
        document = self._document(name, root.fields[name], "mutation" if is_write else "query")
        values = _Values(self, house, name)
        variables = {f"v{number}": values.value(*given, 3) for number, given in enumerate(document.arguments)}
        body = orjson.dumps({"query": document.text, "variables": variables})
        status, _, answer = random.choice(house.users).post(body, {"content-type": "application/json"})
        self._check(house, document.text, variables, status, answer)

    def _document(self, name: str, definition: Any, kind: str) -> "_Document":
        """One that asks for a root field: a new one, or, as clients do, mostly one that was sent before."""
        known = self._documents.setdefault(name, [])
        if len(known) == _KEPT and self._random.random() < _REPEATED:
            return self._random.choice(known)
        document = _Document.of(self._random, name, definition, kind)
        known.append(document)
        del known[:-_KEPT]
        return document

    def _check(self, house: House, text: str, variables: Any, status: int, answer: bytes) -> None:
        said = f"{text}\n{variables}\n{status} {answer[:2000]!r}"
        codes = [error.get("extensions", {}).get("code") for error in orjson.loads(answer).get("errors", ())]
        for code in codes or ["answered"]:
            self.statuses[code] = self.statuses.get(code, 0) + 1
        if status >= 500 or {"INTERNAL_SERVER_ERROR", "PLUGIN_ERROR"} & {*codes}:
            raise LeakError(f"it failed inside: {said}")
        if b"too deep or too wide for the database engine" in answer:
            raise LeakError(f"it is within the limits, and the engine does not take it: {said}")
        # What a caller sends may be said back to it.
        asked = orjson.dumps([text, variables])
        for other in self._houses:
            if other is not house and other.word.encode() in answer and other.word.encode() not in asked:
                raise LeakError(f"a word of another house was answered: {said}")
        for id in {found.decode() for found in _IDS.findall(answer)}:
            record = self._prefixes.get(id.partition("_")[0])
            known = house.ids.setdefault(record, []) if record else []
            if record and not self._is_known(record, id) and len(known) < 500:
                known.append(id)

    def _is_known(self, record: str, id: str) -> bool:
        return id in self._shared.get(record, ()) or any(id in house.ids.get(record, ()) for house in self._houses)

    # The whole

    def check_world(self) -> int:
        """Looks at all that belongs to a house; gives how many records that are.

        Raises:
            LeakError: somebody of another house has changed one, or it refers to one of another house.
        """
        homes = {id: house.word for house in self._houses for id in house.ids["User"]}
        count = 0
        for record in self.catalog.records.values():
            if record.name not in self.catalog.ownerships or not record.has_attachments:
                continue
            links = [name for name, link in record.to_one.items() if link.target.lower() in _PARENTS]
            parents = " ".join(f"{name} {{ id createdBy }}" for name in links)
            for row in self._all(record.plural, f"id createdBy updatedBy {parents}"):
                count += 1
                authors = {row["createdBy"], row["updatedBy"], *(row[name]["createdBy"] for name in links if row[name])}
                words = {homes[author] for author in authors if author in homes}
                if len(words) > 1:
                    raise LeakError(f"{record.name} {row} has authors of {words}")
        return count

    def _all(self, plural: str, selection: str) -> Iterator[Mapping[str, Any]]:
        after = None
        while True:
            text = f"query ($after: String) {{ found: {plural}(first: 500, after: $after) {{ nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
            page = self._client.query(text, after=after)["found"]
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    # Values

    def id_of(self, house: House, record: str | None) -> str:
        """An id of a type: mostly of a house's own, now and then of another's or of none."""
        random = self._random
        # One may give away what one owns; users, teams and regions of other houses are left out for that reason.
        is_own = record in ("User", "Team") or random.random() < 0.6
        where = house if is_own else random.choice(self._houses)
        known = self._shared.get(record or "", []) or where.ids.get(record or "", [])
        if not known or random.random() < 0.03:
            every = [id for ids in house.ids.values() for id in ids]
            return random.choice([*every[:50], "cus_00000000000000000000000000", "nonsense", ""])
        return random.choice(known)


class _Document:
    """A document of one root field, of which what is selected and which arguments are given are drawn."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.text = ""
        #: Name and type of each; their values are the variables `v0`, `v1` and so on.
        self.arguments: list[tuple[str, Any]] = []

    @classmethod
    def of(cls, random: Random, name: str, definition: Any, kind: str) -> Self:
        made = cls(random)
        asked = made._field(name, definition, 2)
        declared = ", ".join(f"$v{number}: {type_}" for number, (_, type_) in enumerate(made.arguments))
        made.text = f"{kind} {f'({declared})' if declared else ''} {{ {asked} }}"
        return made

    def _field(self, name: str, definition: Any, depth: int, key: str = "") -> str:
        given = []
        for argument, kind in definition.args.items():
            # As it was at a moment, little of a record is known: most of what is selected by chance would be refused.
            if argument == "asOf":
                continue
            if is_required_argument(kind) or self._random.random() < (0.5 if depth == 2 else 0.1):
                given.append(f"{argument}: $v{len(self.arguments)}")
                self.arguments.append((argument, kind.type))
        arguments = f"({', '.join(given)})" if given else ""
        return f"{key}{name}{arguments}{self._selection(get_named_type(definition.type), depth)}"

    def _selection(self, kind: Any, depth: int) -> str:
        if is_leaf_type(kind):
            return ""
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return " { __typename }"
        leaves = [name for name, one in kind.fields.items() if is_leaf_type(get_named_type(one.type)) and not one.args]
        others = [name for name in kind.fields if name not in leaves]
        wrapped = kind.name.endswith(("Connection", "Payload", "Edge"))
        chosen = self._random.sample(leaves, min(len(leaves), 6))
        if depth > 0 or wrapped:
            chosen += self._random.sample(others, min(len(others), 4 if wrapped else 2))
        parts = [
            self._field(name, kind.fields[name], depth if wrapped else depth - 1, f"k{place}: ")
            for place, name in enumerate(dict.fromkeys(chosen))
        ]
        return f" {{ {' '.join(parts) or '__typename'} }}"


class _Values:
    """Draws the values of one root field's arguments."""

    def __init__(self, operations: Operations, house: House, name: str) -> None:
        self._operations = operations
        self._house = house
        self._random = operations.random
        found = re.match(r"(?:create|update|delete|restore|destroy|upsert|move|log)([A-Z]\w*)", name)
        self._record = found[1].removesuffix("s") if found else name[:1].upper() + name[1:].removesuffix("s")
        catalog = operations.catalog
        # What belongs to nobody, such as surveys, everybody sees.
        is_shared = self._record in catalog.records and self._record not in catalog.ownerships
        self._word = "common" if is_shared or "urvey" in name else house.word

    def value(self, name: str, kind: Any, depth: int) -> Any:
        random = self._random
        inner = get_nullable_type(kind)
        if not isinstance(kind, GraphQLNonNull) and random.random() < 0.05:
            return None
        if isinstance(inner, GraphQLList):
            return [self.value(name, inner.of_type, depth - 1) for _ in range(random.choice([0, 1, 1, 2]))]
        if isinstance(inner, GraphQLEnumType):
            return random.choice(list(inner.values))
        if isinstance(inner, GraphQLInputObjectType):
            return self._object(inner, depth)
        return self._scalar(name, inner.name)

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        random = self._random
        fields = kind.fields
        if kind.is_one_of:
            name = random.choice(list(fields))
            return {name: self.value(name, GraphQLNonNull(get_nullable_type(fields[name].type)), depth - 1)}
        wanted = [
            name
            for name, one in fields.items()
            if is_required_input_field(one) or (depth > 0 and random.random() < min(0.3, 4 / len(fields)))
        ]
        return {name: self.value(name, fields[name].type, depth - 1) for name in wanted}

    def _scalar(self, name: str, kind: str) -> Any:
        random, house = self._random, self._house
        if kind == "ID":
            stem = name.removesuffix("Ids").removesuffix("Id")
            record = _REFERS.get(stem, stem[:1].upper() + stem[1:]) if stem not in ("id", "") else self._record
            return self._operations.id_of(house, record)
        if name == "region":
            return house.region
        days = ["2024-02-29", "2025-06-15", "2026-12-31", "9999-12-31", "0001-01-01"]
        return {
            "String": lambda: f"{self._word} {random.randint(0, 50)}",
            "Int": lambda: random.choice([0, 1, 2, 5, 50, -1, 2**31 - 1]),
            "Float": lambda: random.choice([0.0, 1.5, -2.5]),
            "Boolean": lambda: random.random() < 0.5,
            "Decimal": lambda: random.choice(["0", "1", "12.5", "100", "-3", "99999999999999999999"]),
            "Date": lambda: random.choice(days),
            "DateTime": lambda: f"{random.choice(days)}T12:00:00Z",
            "CurrencyCode": lambda: "CNY",
            "JSON": lambda: {"note": self._word},
        }.get(kind, lambda: self._word)()
