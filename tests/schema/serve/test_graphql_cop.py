"""What graphql-cop looks for in a GraphQL server, written anew: what is refused, and what is open by policy."""

import json
from urllib.parse import quote, urlencode

import orjson
import pytest

JSON = {"content-type": "application/json"}
TYPENAME = "query cop { __typename }"


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm()


def post(client, body, headers=JSON):
    """Status and answer."""
    status, _, answer = client.post(body if isinstance(body, bytes) else orjson.dumps(body), headers)
    return status, orjson.loads(answer)


def get(client, headers=None, **parameters):
    status, said, answer = client.post(b"", headers or {}, "GET", urlencode(parameters, quote_via=quote))
    return status, said, answer


def refused(answer):
    """Whether there is nothing but errors, each with a code."""
    return "data" not in answer and all(error["extensions"]["code"] for error in answer["errors"])


# Denial of service


@pytest.mark.parametrize("count", [201, 1001])
def test_alias_overloading_is_refused(client, count):
    aliases = " ".join(f"alias{number}: totalCount" for number in range(count))
    assert refused(post(client, {"query": f"query cop {{ customers {{ {aliases} }} }}"})[1])
    aliases = " ".join(f"alias{number}: __typename" for number in range(101))
    assert refused(post(client, {"query": f"query cop {{ {aliases} }}"})[1])


def test_an_array_of_requests_is_refused(client):
    status, answer = post(client, [{"query": TYPENAME}] * 10)
    assert status == 400
    assert refused(answer)


@pytest.mark.parametrize("count", [10, 1000])
def test_directive_overloading_is_refused_with_few_errors(client, count):
    answer = post(client, {"query": f"query cop {{ __typename {'@aa' * count} }}"})[1]
    assert refused(answer)
    assert len(answer["errors"]) <= 6


def test_circular_introspection_is_refused(client):
    nested = "name"
    for _ in range(12):
        nested = f"fields {{ name type {{ {nested} }} }}"
    answer = post(client, {"query": f"query cop {{ __schema {{ types {{ {nested} }} }} }}"})[1]
    assert refused(answer)
    assert answer["errors"][0]["extensions"]["limit"] == "maximum_depth"


def test_field_duplication_is_refused(client):
    answer = post(client, {"query": f"query cop {{ {'__typename ' * 500} }}"})[1]
    assert refused(answer)


# Forged requests


def test_a_mutation_by_get_is_refused(client):
    status, headers, _ = get(client, query='mutation cop { createCustomer(input: {name: "A"}) { customer { id } } }')
    assert status == 405
    assert headers["allow"] == "POST"
    assert client.query("{ customers { totalCount } }") == {"customers": {"totalCount": 0}}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_a_form_that_a_page_may_send_unasked_is_refused(client, kind):
    status, answer = post(client, urlencode({"query": TYPENAME}).encode(), {"content-type": kind})
    assert status == 415
    assert refused(answer)


def test_a_query_by_get_is_answered_by_policy_but_not_to_pages_of_other_sites(client):
    """GET is part of GraphQL over HTTP: what it reads, a page of another site can neither ask for nor see."""
    assert get(client, query=TYPENAME)[0] == 200
    assert get(client, {"origin": "https://evil.example"}, query=TYPENAME)[0] == 403


# What is told


def test_no_trace_is_told(client):
    answer = post(client, {"query": TYPENAME, "extensions": {"tracing": True}})[1]
    assert "tracing" not in json.dumps(answer)
    assert answer == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "body",
    [
        {"query": "qwerty cop { abc }"},
        {"query": 'query cop { customers(first: "x") { totalCount } }'},
        {"query": "query ($n: Int) { customers(first: $n) { totalCount } }", "variables": {"n": {}}},
        {"query": 'query { customer(id: "x") { id } }', "operationName": "nothing"},
        {"query": None},
        b"{",
    ],
    ids=range(6),
)
def test_errors_are_handled_and_tell_nothing_of_the_inside(client, body):
    status, answer = post(client, body)
    assert status < 500
    said = json.dumps(answer).lower()
    for inside in ("traceback", "exception", 'file "', ".py", "sqlalchemy", "graphql-core", "stacktrace"):
        assert inside not in said


def test_introspection_is_open_by_policy(client):
    """Code generators and GraphiQL need it; it tells no record, and depends on the schema alone."""
    assert "data" in post(client, {"query": "query cop { __schema { types { name } } }"})[1]


def test_suggestions_are_made_by_policy(client):
    """Who may ask for the schema may be told what a misspelt field is called."""
    answer = post(client, {"query": "query cop { customer { nam } }"})[1]
    assert "Did you mean" in answer["errors"][0]["message"]


def test_graphiql_is_shown_by_policy(client):
    """It is a page that sends what its user may send; it has no rights of its own."""
    status, headers, page = get(client, {"accept": "text/html"})
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b"graphiql" in page.lower()
