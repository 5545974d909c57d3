"""Selections deeper than an old SQLite parses in one statement: read in batches, never a statement per row."""

from typing import Any

import pytest

from guanxi import Field, Plugin, hookimpl
from guanxi.testing import Client
from plugins.forecasting import Forecasting
from tests import data


class Shouts(Plugin):
    """A Python field that is asked at every depth."""

    name, version, api = "shouts", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        def shout(ctx, rows):
            return [row["name"].upper() for row in rows]

        yield Field("Customer.shout", python=shout, needs=["name"], type=str, description="Its name, loudly.")


@pytest.fixture(scope="module")
def sales(module_crm):
    client = module_crm(Shouts, maximum_depth=40, maximum_cost=10**18)
    data.fill(client)
    return client


@pytest.fixture
def statements(sales, monkeypatch):
    """The statements that were run."""
    run = []
    reader = sales.app.services.reader
    fetch = reader.fetch

    async def noted(sql, values):
        run.append(sql)
        return await fetch(sql, values)

    monkeypatch.setattr(reader, "fetch", noted)
    return run


def deep(levels: int, first: int = 3, extra: str = "") -> str:
    """Customers with their opportunities with their customers, and so on; `extra` is asked of every customer."""
    text = "name"
    for level in range(levels):
        text = (
            f"name {extra} opportunities(first: {first}, orderBy: [{{name: ASC}}]) "
            f"{{ totalCount edges {{ node {{ name customer {{ {text} }} owner {{ name team {{ region }} }} }} }} }}"
            f" contacts(first: 2, orderBy: [{{name: DESC}}]) {{ nodes {{ name email l{level}: __typename }} }}"
        )
    return f"{{ customers(first: {first}, orderBy: [{{name: ASC}}]) {{ nodes {{ {text} }} }} }}"


def below(client: Client, levels: int, first: int, extra: str) -> dict[str, dict]:
    """The same, glued from answers of one level each."""
    shallow = client.query(deep(1, first, extra).replace(f"first: {first}", "first: 100", 1))["customers"]["nodes"]
    by_name = {}
    for customer in shallow:
        by_name.setdefault(customer["name"], customer)

    def glued(name: str, depth: int) -> dict:
        if depth == 0:
            return {"name": name}
        found = by_name[name]
        edges = [
            {
                "node": edge["node"]
                | {"customer": edge["node"]["customer"] and glued(edge["node"]["customer"]["name"], depth - 1)}
            }
            for edge in found["opportunities"]["edges"]
        ]
        contacts = [
            {key if key[0] != "l" else f"l{depth - 1}": value for key, value in contact.items()}
            for contact in found["contacts"]["nodes"]
        ]
        return found | {"opportunities": found["opportunities"] | {"edges": edges}, "contacts": {"nodes": contacts}}

    return [glued(customer["name"], levels) for customer in shallow[:first]]


@pytest.mark.parametrize("levels", [2, 3, 4, 5])
@pytest.mark.parametrize("extra", ["", "shout"], ids=["plain", "python"])
def test_a_deep_answer_is_what_shallow_ones_glued_together_are(sales, levels, extra):
    answer = sales.query(deep(levels, 5, extra))["customers"]["nodes"]
    assert answer == below(sales, levels, 5, extra)


def test_statements_grow_with_depth_never_with_rows(sales, statements):
    counts = {}
    for levels in (1, 2, 3, 4, 5):
        for first in (1, 12):
            statements.clear()
            sales.query(deep(levels, first))
            counts[levels, first] = len(statements)
    assert all(counts[levels, 1] == counts[levels, 12] for levels in (1, 2, 3, 4, 5))
    assert counts[1, 12] == 1
    assert counts[5, 12] <= 9
    if sales.app.database.dialect == "postgresql":
        assert set(counts.values()) == {1}


def test_an_error_in_the_depth_stands_at_its_place(sales):
    text = deep(5, 2).replace(
        "contacts(first: 2, orderBy: [{name: DESC}]) { nodes { name email l0",
        "contacts(first: $n) { nodes { name email l0",
    )
    answer = sales.execute("query ($n: Int)" + text, n=-1)
    assert answer["errors"]
    for error in answer["errors"]:
        assert error["path"][-1] == "contacts"
        value = answer["data"]
        for step in error["path"]:
            value = value[step]
        assert value is None
    assert sales.query("query ($n: Int)" + text, n=2)["customers"]["nodes"]


def test_what_joins_more_tables_than_one_statement_may_is_read_in_several(sales):
    parts = " ".join(
        f"a{n}: owner {{ team {{ name }} manager {{ team {{ name }} }} b{n}: customersAggregate {{ count }} }}"
        for n in range(90)
    )
    answer = sales.execute(f"{{ customers(first: 1) {{ nodes {{ {parts} }} }} }}")
    assert "errors" not in answer


_CHAIN = 10


@pytest.fixture(scope="module")
def chain(module_crm):
    """Ten customers, each the parent of the next, and each with an opportunity; the first two customers' ids."""
    client = module_crm(Forecasting, maximum_cost=10**18)
    stage = client.query(
        'mutation { createStage(input: {key: "open", name: "Open", position: 9, winProbability: "0.5"}) '
        "{ stage { id } userErrors { message } } }"
    )["createStage"]["stage"]
    parent, ids = None, []
    for number in range(_CHAIN):
        made = client.query(
            "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } userErrors { message } } }",
            input={"name": f"C{number}", "parentId": parent},
        )["createCustomer"]
        parent = made["customer"]["id"]
        ids.append(parent)
        answer = client.query(
            "mutation ($input: CreateOpportunityInput!) "
            "{ createOpportunity(input: $input) { opportunity { id } userErrors { message } } }",
            input={
                "name": f"O{number}",
                "customerId": parent,
                "stageId": stage["id"],
                "expectedAmount": {"amount": f"{number + 1}00", "currency": "CNY"},
            },
        )
        assert answer["createOpportunity"]["opportunity"], answer
    return client, ids


_AMOUNT = "name weightedAmount { amount reportingAmount } expectedAmount { amount }"


def lists(levels: int, items: str, inside: str) -> str:
    """Subsidiaries of subsidiaries, and so on."""
    text = inside
    for _ in range(levels):
        text = f"name subsidiaries {{ {items.replace('_', text)} }}"
    return text


def names(value: Any) -> list[str]:
    """All names of an answer, from the outside in."""
    if isinstance(value, dict):
        return [name for key, item in value.items() for name in ([item] if key == "name" else names(item))]
    return [name for item in value for name in names(item)] if isinstance(value, list) else []


EDGES, NODES = "edges { cursor node { _ } }", "nodes { _ }"

#: The deepest of each form that the limits of queries allow: what is asked, and how many customers it leads to.
DEEPEST = {
    "edges": (
        "{ customers(where: {parentId: {isNull: true}}) { " + EDGES.replace("_", lists(5, EDGES, "name")) + " } }",
        6,
    ),
    "nodes": (
        "{ customers(where: {parentId: {isNull: true}}) { " + NODES.replace("_", lists(8, NODES, "name")) + " } }",
        9,
    ),
    "node of edges": ("{ node(id: $first) { ... on Customer { " + lists(5, EDGES, "name") + " } } }", 6),
    "nodes of nodes": ("{ nodes(ids: [$first]) { ... on Customer { " + lists(8, NODES, "name") + " } } }", 9),
    "amounts": (
        "{ node(id: $first) { ... on Customer { "
        + lists(4, EDGES, f"name opportunities {{ {EDGES.replace('_', _AMOUNT)} }}")
        + " } } }",
        6,
    ),
    "payload": (
        'mutation ($first: ID!) { updateCustomer(input: {id: $first, name: "C0"}) { customer { '
        + lists(4, EDGES, f"name opportunities {{ {EDGES.replace('_', _AMOUNT)} }}")
        + " } userErrors { message } } }",
        6,
    ),
}


@pytest.mark.parametrize("form", DEEPEST)
def test_what_the_limits_allow_is_answered(chain, form):
    client, ids = chain
    text, expected = DEEPEST[form]
    if "mutation" not in text and "$first" in text:
        text = "query ($first: ID!) " + text
    answer = client.execute(text, **({"first": ids[0]} if "$first" in text else {}))
    assert "errors" not in answer
    found = names(answer["data"])
    wanted = [f"C{number}" for number in range(expected)]
    if form in ("amounts", "payload"):
        wanted[-1] = f"O{expected - 2}"
    assert found == wanted


def test_a_chain_of_single_records_as_long_as_the_limits_allow_is_answered(chain):
    client, ids = chain
    text = "query ($last: ID!) { customer(id: $last) { " + "name parent { " * 9 + "name" + " }" * 9 + " } }"
    assert names(client.query(text, last=ids[-1])) == [f"C{number}" for number in range(_CHAIN - 1, -1, -1)]


def test_lists_of_lists_with_a_derived_amount_cost_one_statement(chain, monkeypatch):
    client, ids = chain
    run = []
    reader = client.app.services.reader
    fetch = reader.fetch

    async def noted(sql, values):
        run.append(sql)
        return await fetch(sql, values)

    monkeypatch.setattr(reader, "fetch", noted)
    text = f"query ($first: ID!) {{ node(id: $first) {{ ... on Customer {{ {lists(1, EDGES, f'name opportunities {{ {EDGES} }}')} }} }} }}"
    client.query(text.replace("_", _AMOUNT), first=ids[0])
    assert len(run) == 1


def test_a_derived_amount_is_the_same_at_every_depth(chain):
    client, ids = chain
    shallow = client.query('{ opportunities(where: {name: {eq: "O3"}}) { nodes { ' + _AMOUNT + " } } }")
    text = (
        "query ($first: ID!) { node(id: $first) { ... on Customer { "
        + lists(3, EDGES, f"opportunities {{ nodes {{ {_AMOUNT} }} }}")
        + " } } }"
    )
    value = client.query(text, first=ids[0])["node"]
    for _ in range(3):
        value = value["subsidiaries"]["edges"][0]["node"]
    assert value["opportunities"]["nodes"] == shallow["opportunities"]["nodes"]
    assert shallow["opportunities"]["nodes"][0]["weightedAmount"] is not None


def test_pages_from_the_end_keep_their_order_where_values_are_worked_out_apart(chain):
    client, _ = chain
    found = client.query(
        "{ opportunities(last: 4, orderBy: [{name: ASC}]) { nodes { name weightedAmount { amount } } } }"
    )
    assert [node["name"] for node in found["opportunities"]["nodes"]] == ["O6", "O7", "O8", "O9"]
