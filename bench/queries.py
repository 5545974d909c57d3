"""The queries of the comparisons, as each contestant spells them; the answers must be the same data."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

GUANXI, POSTGRAPHILE, STRAWCHEMY = "guanxi", "postgraphile", "strawchemy"

#: Of what an id consists after its prefix; the load puts another number there each time.
ANY_ID = "@ID@"
#: A number that was never there before.
NEW = "@N@"


def _nodes(connection: Any) -> list[Any]:
    nodes: list[Any] = connection if isinstance(connection, list) else connection["nodes"]
    return nodes


def _only(data: Any) -> Any:
    return next(iter(data.values()))


def _row(node: Any) -> Any:
    # What other programs make of a wide integer is a text.
    return node | {"employeeCount": int(node["employeeCount"])}


def _rows(dialect: str, data: Any) -> Any:
    return [_row(node) for node in _nodes(_only(data))]


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        name: in addresses and results.
        title: in tables.
        texts: GraphQL by dialect; who has none is not asked.
        rows: the answer's data as plain rows, by dialect.
        variables: of every request.
        pages: whether it goes on from the cursor of row 9,990, as variable `after`.
    """

    name: str
    title: str
    texts: Mapping[str, str]
    rows: Callable[[str, Any], Any] = _rows
    variables: Mapping[str, str] = field(default_factory=dict)
    pages: bool = False

    def body(self, dialect: str, cursor: str | None) -> dict[str, Any]:
        """What is posted."""
        more = {"after": cursor} if self.pages else {}
        return {"query": " ".join(self.texts[dialect].split()), "variables": {**self.variables, **more}}


_FIELDS = "id name industry region employeeCount"
_BY_NAME = "orderBy: [{name: ASC}]"
_BY_NAME_THERE = "orderBy: [NAME_FOLDED_ASC, ID_ASC]"
#: Strawchemy's lists are plain, and its pages begin at a number.
_BY_NAME_PLAIN = "orderBy: [{nameFolded: ASC}, {id: ASC}]"

POINT = Query(
    "point",
    "point read",
    {
        GUANXI: f"query ($id: ID!) {{ customer(id: $id) {{ {_FIELDS} }} }}",
        POSTGRAPHILE: f"query ($id: String!) {{ customerById(id: $id) {{ {_FIELDS} }} }}",
        STRAWCHEMY: f"query ($id: String!) {{ customer(id: $id) {{ {_FIELDS} }} }}",
    },
    lambda dialect, data: _row(_only(data)),
    {"id": f"cus_{ANY_ID}"},
)

LIST = Query(
    "list",
    "list of 50",
    {
        GUANXI: f"{{ customers(first: 50, {_BY_NAME}) {{ nodes {{ {_FIELDS} }} }} }}",
        POSTGRAPHILE: f"{{ allCustomers(first: 50, {_BY_NAME_THERE}) {{ nodes {{ {_FIELDS} }} }} }}",
        STRAWCHEMY: f"{{ customers(limit: 50, {_BY_NAME_PLAIN}) {{ {_FIELDS} }} }}",
    },
)

_BELOW = """contacts(first: 3) { nodes { id name attitude
  opportunityRoles(first: 5) { nodes { id buyingRole opportunity { id name } } } } }"""
_BELOW_THERE = """contactsByCustomerId(first: 3, orderBy: ID_ASC) { nodes { id name attitude
  opportunityContactsByContactId(first: 5, orderBy: ID_ASC) { nodes { id buyingRole
    opportunityByOpportunityId { id name } } } } }"""
_BELOW_PLAIN = """contacts(limit: 3, orderBy: [{id: ASC}]) { id name attitude
  opportunityRoles(limit: 5, orderBy: [{id: ASC}]) { id buyingRole opportunity { id name } } }"""


def _nested_rows(more: Iterable[str] = ()) -> Callable[[str, Any], Any]:
    def rows(dialect: str, data: Any) -> Any:
        there = dialect == POSTGRAPHILE
        contacts = "contactsByCustomerId" if there else "contacts"
        roles = "opportunityContactsByContactId" if there else "opportunityRoles"
        opportunity = "opportunityByOpportunityId" if there else "opportunity"

        def contact_row(contact: Any) -> Any:
            below = [[role["id"], role["buyingRole"], *role[opportunity].values()] for role in _nodes(contact[roles])]
            return [contact["id"], contact["name"], contact["attitude"], below]

        return [
            [*(customer[name] for name in ("id", "name", *more)), *map(contact_row, _nodes(customer[contacts]))]
            for customer in _nodes(_only(data))
        ]

    return rows


NESTED = Query(
    "nested",
    "50 × 3 × 5",
    {
        GUANXI: f"{{ customers(first: 50, {_BY_NAME}) {{ nodes {{ id name {_BELOW} }} }} }}",
        POSTGRAPHILE: f"{{ allCustomers(first: 50, {_BY_NAME_THERE}) {{ nodes {{ id name {_BELOW_THERE} }} }} }}",
        STRAWCHEMY: f"{{ customers(limit: 50, {_BY_NAME_PLAIN}) {{ id name {_BELOW_PLAIN} }} }}",
    },
    _nested_rows(),
)

_TIERED = "where: {valueTier: {in: [IMPORTANT, MAIN]}}, orderBy: [{currentValue: DESC}]"

PLUGIN = Query(
    "plugin",
    "50 × 3 × 5 by plugin fields",
    {GUANXI: f"{{ customers(first: 50, {_TIERED}) {{ nodes {{ id name valueTier valueRank {_BELOW} }} }} }}"},
    _nested_rows(["valueTier", "valueRank"]),
)

MIXED = Query(
    "mixed",
    "the same with a Python field",
    {GUANXI: f"{{ customers(first: 50, {_TIERED}) {{ nodes {{ id name valueTier valueRank label {_BELOW} }} }} }}"},
    _nested_rows(["valueTier", "valueRank", "label"]),
)

PAGE_ONE = Query("page-1", "page 1", {GUANXI: f"{{ customers(first: 10, {_BY_NAME}) {{ nodes {{ {_FIELDS} }} }} }}"})

PAGE = Query(
    "page-1000",
    "page 1,000",
    {
        GUANXI: (
            f"query ($after: String) {{ customers(first: 10, after: $after, {_BY_NAME}) {{ nodes {{ {_FIELDS} }} }} }}"
        ),
        POSTGRAPHILE: (
            f"query ($after: Cursor) {{ allCustomers(first: 10, after: $after, {_BY_NAME_THERE}) "
            f"{{ nodes {{ {_FIELDS} }} }} }}"
        ),
        STRAWCHEMY: f"{{ customers(limit: 10, offset: 9990, {_BY_NAME_PLAIN}) {{ {_FIELDS} }} }}",
    },
    pages=True,
)
#: Asked ten times over to get the cursor of row 9,990.
CURSOR = {
    GUANXI: (
        f"query ($after: String) {{ customers(first: 999, after: $after, {_BY_NAME}) {{ pageInfo {{ endCursor }} }} }}"
    ),
    POSTGRAPHILE: (
        f"query ($after: Cursor) {{ allCustomers(first: 999, after: $after, {_BY_NAME_THERE}) "
        "{ pageInfo { endCursor } } }"
    ),
}

GROUP = Query(
    "group",
    "groupBy with sums",
    {
        GUANXI: """{ opportunitiesGroupBy(by: [{stage: {key: true}}]) { keys { stage { key } }
            aggregate { count sum { expectedAmount { total { amount } } } } } }""",
    },
    lambda dialect, data: data["opportunitiesGroupBy"],
)

#: Some 20 ms of work for the database.
AGGREGATE = Query(
    "aggregate",
    "sums by three keys",
    {
        GUANXI: """{ customersGroupBy(by: [{industry: true}, {region: true}, {owner: {name: true}}]) {
            keys { industry region owner { name } }
            aggregate { count sum { annualRevenue { total { amount } } } } } }""",
    },
    lambda dialect, data: data["customersGroupBy"],
)

FIRST_SEEN = Query(
    "first-seen",
    "first-seen document",
    {
        GUANXI: f"{{ a{NEW}: customers(first: 5, {_BY_NAME}) {{ nodes {{ {_FIELDS} }} }} }}",
        STRAWCHEMY: f"{{ a{NEW}: customers(limit: 5, {_BY_NAME_PLAIN}) {{ {_FIELDS} }} }}",
    },
)

#: Whose statement is long.
FIRST_SEEN_NESTED = Query(
    "first-seen-nested",
    "first-seen nested document",
    {GUANXI: f"{{ a{NEW}: customers(first: 2, {_BY_NAME}) {{ nodes {{ id name {_BELOW} }} }} }}"},
)

READS = [POINT, LIST, NESTED, PLUGIN, MIXED, PAGE, GROUP, FIRST_SEEN]
