"""Validation says what graphql-core's own says, which asks every rule about every node."""

import pytest
from graphql import parse, validate

from schema.request.validation import problems

DOCUMENTS = {
    "valid": "query ($id: ID!) { customer(id: $id) { id name owner { name } } }",
    "unknown fields": "{ customers { nodes { naem owner { nmae } } } wrong }",
    "unknown argument": "{ customers(fist: 3) { totalCount } }",
    "wrong values": '{ customers(first: "x", where: {name: {eq: 3}, nothing: 1}) { totalCount } }',
    "variables": "query ($a: Int, $a: Int, $b: Nothing, $c: Customer) { customers(first: $d) { totalCount } }",
    "unused": "query ($a: Int) { __typename } fragment F on Customer { id }",
    "fragments": "{ ...A ...C } fragment A on Query { ...B } fragment B on Query { ...A } fragment B on Query { id }",
    "types of fragments": "{ customers { nodes { ... on Contact { id } ...F } } } fragment F on Int { id }",
    "conflict": "{ customers { nodes { name: id name } } }",
    "leaves": "{ customers { nodes { id { x } owner } } }",
    "directives": "query @skip(if: true) { customers @include @nothing { totalCount @skip(if: 1) @skip(if: true) } }",
    "operations": "{ __typename } query A { __typename } query A { __typename }",
    "repeated": '{ customers(first: 1, first: 2, where: {name: {eq: "a", eq: "b"}}) { totalCount } }',
    "many": "{ " + " ".join(f"a{number}: nothing{number}" for number in range(9)) + " }",
    "types": "type A { b: C } query { __typename }",
    "mutation": "mutation { createCustomer(input: {}) { customer { id } } }",
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_same_is_wrong_in_the_same_order(shared_schema, text):
    document = parse(text)
    found = [(error.message, error.locations) for error in problems(shared_schema, document)]
    assert found == [(error.message, error.locations) for error in validate(shared_schema, document, max_errors=5)]
    assert bool(found) == (text != DOCUMENTS["valid"])


@pytest.fixture(scope="module")
def shared_schema(module_crm):
    return module_crm().app.assembled.graphql
