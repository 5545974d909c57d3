"""The queries of the comparisons, as each contestant spells them; the answers must be the same data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

CUSTOMER = "cus_" + "4242".rjust(26, "0")


@dataclass(frozen=True)
class Query:
    """One query: GraphQL text a contestant kind, and how its answer is read as plain rows."""

    name: str
    texts: Mapping[str, str]
    rows: Callable[[str, Any], Any] = field(default=lambda kind, data: data)
    postgraphile: bool = True


def _nodes(connection: Any) -> list[Any]:
    nodes: list[Any] = connection["nodes"]
    return nodes


_FIELDS = "id name industry region employeeCount"

POINT = Query(
    "point",
    {
        "guanxi": f'{{ customer(id: "{CUSTOMER}") {{ {_FIELDS} }} }}',
        "postgraphile": f'{{ customerById(id: "{CUSTOMER}") {{ {_FIELDS} }} }}',
    },
    lambda kind, data: next(iter(data.values())),
)

LIST = Query(
    "list",
    {
        "guanxi": f"{{ customers(first: 50, orderBy: [{{name: ASC}}]) {{ nodes {{ {_FIELDS} }} }} }}",
        "postgraphile": (
            f"{{ allCustomers(first: 50, orderBy: [NAME_FOLDED_ASC, ID_ASC]) {{ nodes {{ {_FIELDS} }} }} }}"
        ),
    },
    lambda kind, data: _nodes(next(iter(data.values()))),
)


def _nested_rows(kind: str, data: Any) -> Any:
    contacts, roles = ("contactsByCustomerId", "opportunityContactsByContactId")
    if kind != "postgraphile":
        contacts, roles = "contacts", "opportunityRoles"
    opportunity = "opportunityByOpportunityId" if kind == "postgraphile" else "opportunity"
    return [
        [
            customer["name"],
            [
                [
                    contact["name"],
                    contact["attitude"],
                    [[role["buyingRole"], role[opportunity]["name"]] for role in _nodes(contact[roles])],
                ]
                for contact in _nodes(customer[contacts])
            ],
        ]
        for customer in _nodes(next(iter(data.values())))
    ]


NESTED = Query(
    "nested",
    {
        "guanxi": """{ customers(first: 50, orderBy: [{name: ASC}]) { nodes { id name
            contacts(first: 3) { nodes { id name attitude
              opportunityRoles(first: 5) { nodes { id buyingRole opportunity { id name } } } } } } } }""",
        "postgraphile": """{ allCustomers(first: 50, orderBy: [NAME_FOLDED_ASC, ID_ASC]) { nodes { id name
            contactsByCustomerId(first: 3, orderBy: ID_ASC) { nodes { id name attitude
              opportunityContactsByContactId(first: 5, orderBy: ID_ASC) { nodes { id buyingRole
                opportunityByOpportunityId { id name } } } } } } } }""",
    },
    _nested_rows,
)

_TIERED = "where: {valueTier: {in: [IMPORTANT, MAIN]}}, orderBy: [{currentValue: DESC}]"

PLUGIN = Query(
    "plugin",
    {"guanxi": f"{{ customers(first: 50, {_TIERED}) {{ nodes {{ id name valueTier valueRank }} }} }}"},
    lambda kind, data: _nodes(next(iter(data.values()))),
    postgraphile=False,
)

MIXED = Query(
    "mixed",
    {"guanxi": f"{{ customers(first: 50, {_TIERED}) {{ nodes {{ id name valueTier valueRank label }} }} }}"},
    lambda kind, data: _nodes(next(iter(data.values()))),
    postgraphile=False,
)

PAGE = Query(
    "page 1,000",
    {
        "guanxi": f'{{ customers(first: 10, after: "%s", orderBy: [{{name: ASC}}]) {{ nodes {{ {_FIELDS} }} }} }}',
        "postgraphile": (
            '{ allCustomers(first: 10, after: "%s", orderBy: [NAME_FOLDED_ASC, ID_ASC]) '
            f"{{ nodes {{ {_FIELDS} }} }} }}"
        ),
    },
    lambda kind, data: _nodes(next(iter(data.values()))),
)
#: Asked once to get the cursor that PAGE goes on from: that of row 9,990.
PAGE_CURSOR = {
    "guanxi": """query ($after: String) { customers(first: 999, after: $after, orderBy: [{name: ASC}]) {
        pageInfo { endCursor } } }""",
    "postgraphile": """query ($after: Cursor) {
        allCustomers(first: 999, after: $after, orderBy: [NAME_FOLDED_ASC, ID_ASC]) { pageInfo { endCursor } } }""",
}

GROUP = Query(
    "groupBy",
    {
        "guanxi": """{ opportunitiesGroupBy(by: [{stage: {key: true}}]) { keys { stage { key } }
            aggregate { count sum { expectedAmount { total { amount } } } } } }""",
    },
    lambda kind, data: data["opportunitiesGroupBy"],
    postgraphile=False,
)

FIRST_SEEN = Query(
    "first seen", {"guanxi": f"{{ a%d: customers(first: 5) {{ nodes {{ {_FIELDS} }} }} }}"}, postgraphile=False
)

READS = [POINT, LIST, NESTED, PLUGIN, MIXED, PAGE, GROUP]
