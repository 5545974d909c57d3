"""Selections deeper than an old SQLite parses in one statement: read in batches, never a statement per row."""

import pytest

from guanxi import Field, Plugin, hookimpl
from guanxi.testing import Client
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
    client = module_crm(Shouts, maximum_depth=40)
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
