"""What a request costs: the sizes of pages multiplied through, told to the client, and refused beyond the budget."""

import orjson
import pytest

JSON = {"content-type": "application/json"}

#: What is asked with which variables, and the most objects that the answer has.
COSTS = {
    "one record": ("{ customer(id: $id) { id name owner { name } } }", {}, 2),
    "no record": ("{ __typename }", {}, 0),
    "a count": ("{ customers(first: 1000) { totalCount } }", {}, 1),
    "a page": ("{ customers(first: 10) { nodes { id } } }", {}, 1 + 10),
    "a page of the default size": ("{ customers { nodes { id } } }", {}, 1 + 50),
    "a page with amounts": ("{ customers(first: 10) { nodes { annualRevenue { amount } } } }", {}, 1 + 10 * 2),
    "edges": ("{ customers(last: 10) { edges { cursor node { id } } pageInfo { endCursor } } }", {}, 1 + 10 * 2 + 1),
    "pages of pages": (
        "{ customers(first: 10) { nodes { contacts(first: 5) { nodes { id } } opportunities { totalCount } } } }",
        {},
        1 + 10 * (1 + (1 + 5) + 1),
    ),
    "a size by a variable": ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 7}, 1 + 7),
    "a variable that is left out": ("query ($n: Int) { customers(first: $n) { nodes { id } } }", {}, 1 + 50),
    "a variable with a default": ("query ($n: Int = 9) { customers(first: $n) { nodes { id } } }", {}, 1 + 9),
    "in fragments": (
        (
            "{ customers(first: 3) { ...F ...F } } fragment F on CustomerConnection { nodes { ...G } } "
            "fragment G on Customer { contacts(first: 2) { nodes { id } } }"
        ),
        {},
        1 + 2 * 3 * (1 + 1 + 2),
    ),
    "groups": ("{ customersGroupBy(by: [{industry: true}], first: 20) { keys { industry } } }", {}, 20 * 2),
    "records by their ids": ('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 3),
    "records by ids of a variable": ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a", "b"]}, 2),
}


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(maximum_cost=5000)


def cost(client, text, variables):
    """What is told of the cost of a request: in the header, and in the body."""
    if "$id)" in text:
        text = "query ($id: ID) " + text
    body = {"query": text, "variables": variables, "extensions": {"cost": True}}
    _, headers, answer = client.post(orjson.dumps(body), JSON)
    answer = orjson.loads(answer)
    return headers["graphql-cost"], answer["extensions"]["cost"]


@pytest.mark.parametrize("case", COSTS)
def test_a_request_costs_the_most_objects_that_its_answer_has(client, case):
    text, variables, expected = COSTS[case]
    header, said = cost(client, text, variables)
    assert said == {"requested": expected, "budget": 5000}
    assert header == f"requested={expected}, budget=5000"
    # So it does when its plan is kept.
    assert cost(client, text, variables) == (header, said)


def test_the_body_says_so_only_if_it_is_asked(client):
    assert client.execute("{ __typename }") == {"data": {"__typename": "Query"}}


def test_rows_that_are_written_cost_what_is_selected_of_each(client):
    text = (
        "mutation ($rows: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $rows}) "
        "{ results { customer { contacts(first: 2) { nodes { id } } } } } }"
    )
    rows = [{"externalIds": [{"system": "a", "value": str(number)}], "name": "A"} for number in range(7)]
    assert cost(client, text, {"rows": rows})[1]["requested"] == 1 + 7 * (1 + 1 + (1 + 2))


def test_what_costs_more_than_the_budget_is_refused_and_says_how_much(client):
    nested = "customers(first: $n) { nodes { contacts(first: 4) { nodes { id } } } }"
    text = f"query ($n: Int) {{ {nested} }}"
    assert "errors" not in client.execute(text, n=833)
    (error,) = client.execute(text, n=834)["errors"]
    assert error["message"] == (
        "the query has 5005 objects in its answer; at most 5000 are allowed. Ask for smaller pages or fewer lists"
    )
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "maximum_cost",
        "cost": {"requested": 5005, "budget": 5000},
    }


def test_by_default_a_thousand_records_with_lists_below_them_are_answered(module_crm):
    client = module_crm()
    lists = "contacts { nodes { id } } opportunities { nodes { id expectedAmount { amount } } } interactions { nodes { id } }"
    assert "errors" not in client.execute(f"{{ customers(first: 1000) {{ nodes {{ id name {lists} }} }} }}")
    for levels in (2, 3):
        text = "id"
        for _ in range(levels):
            text = f"subsidiaries {{ nodes {{ {text} }} }}"
        assert "errors" not in client.execute(f"{{ customers {{ nodes {{ {text} }} }} }}")
