"""Whatever is sent is answered: never by a status of 500 or above, never as a fault of the server."""

import string

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
    parse,
    type_from_ast,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as made

JSON = {"content-type": "application/json"}
_SETTINGS = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_LEAVES = made.one_of(
    made.none(),
    made.booleans(),
    made.integers(-(2**63), 2**64 - 1),
    made.floats(allow_nan=False),
    made.text(made.characters(exclude_categories=["Cs"]), max_size=20),
    made.sampled_from(["ASC", "0001-01-01", "9999-12-31T23:59:59Z", "1e999", "NaN", "cus_", "\0", "-0"]),
)
#: Names that mean something to the schema, so that values get further than the first check.
_NAMES = made.one_of(
    made.sampled_from(["and", "or", "not", "name", "id", "eq", "in", "isNull", "contacts", "some", "none", "owner"]),
    made.sampled_from(["annualRevenue", "createdAt", "gte", "contactsAggregate", "count", "sum", "where", "status"]),
    made.text(string.ascii_letters, max_size=4),
)
VALUES = made.recursive(
    _LEAVES, lambda inner: made.one_of(made.lists(inner, max_size=4), made.dictionaries(_NAMES, inner, max_size=3))
)
#: Documents whose variables are called a, b and so on.
DOCUMENTS = [
    "query ($a: CustomerWhere, $b: [CustomerOrder!], $c: Int) { customers(where: $a, orderBy: $b, first: $c) { nodes { id } } }",
    "query ($a: [CustomerGroupKey!]!, $b: CustomerHaving) { customersGroupBy(by: $a, having: $b) { aggregate { count } } }",
    "query ($a: OpportunityWhere, $b: [OpportunityOrder!]) { opportunities(where: $a, orderBy: $b) { totalCount nodes { id } } }",
    "query ($a: String, $b: Int, $c: String) { customers(after: $a, last: $b, before: $c) { nodes { id } } }",
    "query ($a: ID!, $b: [ID!]!, $c: Boolean = true) { node(id: $a) { id } nodes(ids: $b) { id @include(if: $c) } }",
    "query ($a: ID, $b: ExternalIdInput) { customer(id: $a, externalId: $b) { id } }",
    "mutation ($a: CreateCustomerInput!) { createCustomer(input: $a) { userErrors { code } } }",
    "mutation ($a: CreateOpportunityInput!) { createOpportunity(input: $a) { userErrors { code } } }",
    "mutation ($a: UpsertCustomersInput!) { upsertCustomers(input: $a) { created } }",
    "mutation ($a: LogInteractionInput!) { logInteraction(input: $a) { userErrors { code } } }",
    "query ($a: Boolean) { __schema { types { name fields(includeDeprecated: $a) { name } } } }",
]
_PLAIN = {
    "Int": made.integers(-(2**31), 2**31 - 1),
    "Boolean": made.booleans(),
    "Date": made.dates().map(str),
    "DateTime": made.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "Decimal": made.decimals(allow_nan=False, allow_infinity=False, places=2).map(lambda number: f"{number:f}"),
    "CurrencyCode": made.sampled_from(["CNY", "EUR", "JPY", "XXX"]),
}


@made.composite
def _fitting(draw, kind, depth=4):
    """A value of an input type, now and then one that is none."""
    if draw(made.integers(0, 24)) == 0:
        return draw(VALUES)
    if isinstance(kind, GraphQLNonNull):
        return draw(_fitting(kind.of_type, depth))
    if isinstance(kind, GraphQLList):
        return draw(made.lists(_fitting(kind.of_type, depth - 1), max_size=2 if depth > 0 else 0))
    if isinstance(kind, GraphQLEnumType):
        return draw(made.sampled_from(sorted(kind.values)))
    if not isinstance(kind, GraphQLInputObjectType):
        return draw(_PLAIN.get(kind.name, _LEAVES))
    required = [name for name, field in kind.fields.items() if is_required_input_field(field)]
    names = sorted(kind.fields) if depth > 0 else required
    most = 1 if kind.is_one_of else 3
    chosen = draw(made.lists(made.sampled_from(names), max_size=most, unique=True)) if names else []
    return {name: draw(_fitting(kind.fields[name].type, depth - 1)) for name in dict.fromkeys([*required, *chosen])}


#: Pieces of documents, in any order.
PIECES = made.lists(
    made.sampled_from(
        [
            "{",
            "}",
            "(",
            ")",
            "query",
            "mutation",
            "fragment F on Customer",
            "...F",
            "... on",
            "customers",
            "id",
            "$a",
            ":",
            "@include(if:",
            "1",
            '"x"',
            '"""',
            "[",
            "]",
            "=",
            "first",
            "where",
            "nodes",
            "\\u0000",
            "#",
            "\n",
            "é",
            "&",
            "...",
        ]
    ),
    max_size=25,
).map(" ".join)


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm()


def check(client, body, headers=JSON, method="POST", query=""):
    status, _, answer = client.post(body, headers, method, query)
    assert status < 500
    assert b"INTERNAL_SERVER_ERROR" not in answer
    assert b"PLUGIN_ERROR" not in answer
    if status == 200:
        orjson.loads(answer)


@_SETTINGS
@given(VALUES)
def test_any_json_is_answered_as_a_body(client, value):
    check(client, orjson.dumps(value))


@_SETTINGS
@given(made.binary(max_size=60))
def test_any_bytes_are_answered_as_a_body_and_as_an_address(client, given):
    check(client, given)
    check(client, b"", {}, "GET", given.decode("latin-1").replace("\0", ""))


@_SETTINGS
@given(made.dictionaries(made.sampled_from(["query", "variables", "operationName", "extensions"]), VALUES))
def test_any_members_of_a_request_are_answered(client, request_):
    check(client, orjson.dumps(request_))
    check(client, orjson.dumps({"query": "{ __typename }", **request_}))


@_SETTINGS
@given(made.data())
def test_any_variables_are_answered(client, data):
    schema = client.app.assembled.graphql
    text = data.draw(made.sampled_from(DOCUMENTS))
    definitions = parse(text).definitions[0].variable_definitions
    variables = {
        definition.variable.name.value: data.draw(_fitting(type_from_ast(schema, definition.type)))
        for definition in definitions
    }
    check(client, orjson.dumps({"query": text, "variables": variables}))


@_SETTINGS
@given(PIECES, VALUES)
def test_any_document_is_answered(client, text, value):
    check(client, orjson.dumps({"query": text, "variables": {"a": value}}))
