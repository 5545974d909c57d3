"""Values of arguments: those that graphql-core would find, and its errors."""

from typing import Any

import pytest
from graphql import GraphQLError, GraphQLField, build_schema, parse
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from schema.sql.arguments import argument_values

SCHEMA = build_schema("""
  scalar Json
  enum Size { SMALL LARGE }
  input Money { amount: Float!, currency: String = "CNY" }
  input Key @oneOf { id: ID, name: String, key: Key }
  input Where {
    and: [Where!]
    name: String
    count: Int = 3
    price: Money
    tags: [String!] = ["new"]
    sizes: [[Size]]
    key: Key
    json: Json
  }
  type Query { it(where: Where, first: Int! = 50, by: [Key!], sizes: [Size], json: Json, name: String): Int }
""")

LITERALS = [
    "",
    "(where: {})",
    '(where: {name: "a", count: 4}, first: 3)',
    '(where: {sizes: [[SMALL, null], null], name: "a"})',
    '(where: {and: [{name: "a"}, {and: [{price: {amount: 1}}]}], count: null})',
    '(where: {and: {name: "a"}, tags: "x", sizes: LARGE})',
    "(where: {key: {id: 7}}, by: [{name: $text}, {key: {id: $number}}])",
    "(by: {id: 1})",
    "(by: [])",
    "(where: {name: $text, count: $number, json: {a: [$text]}}, json: [1, {b: null}])",
    "(where: {name: $absent, count: $absentNumber}, name: $absent)",
    "(sizes: [SMALL, $absentSize])",
    "(where: {tags: [$absent]})",
    "(where: {tags: [null]})",
    "(where: {price: {currency: $text}})",
    "(where: {price: {amount: null}})",
    "(where: {price: {amount: $absentFloat}})",
    "(where: {key: {}})",
    '(where: {key: {id: 1, name: "b"}})',
    "(where: {key: {id: null}})",
    "(by: [{name: $absent}])",
    "(by: [{name: $null}])",
    "(where: {name: 1})",
    "(where: {other: 1})",
    "(where: {other: $absent})",
    "(where: [1])",
    "(sizes: [MEDIUM])",
    "(first: null)",
    "(where: $where)",
]
DECLARED = (
    "($text: String, $number: Int, $null: String, $where: Where, "
    "$absent: String, $absentNumber: Int, $absentSize: Size, $absentFloat: Float)"
)
GIVEN = {"text": "t", "number": 5, "null": None, "where": {"name": "w"}}


def found(values: Any, node: Any, variables: VariableValues) -> Any:
    """The values in the order of their names, or what is wrong with them."""
    assert SCHEMA.query_type is not None
    field: GraphQLField = SCHEMA.query_type.fields["it"]
    try:
        return in_order(values(field, node, variables))
    except GraphQLError as error:
        return error.message


def in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, in_order(item)) for name, item in value.items()]
    return [in_order(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("literals", LITERALS, ids=repr)
def test_arguments_are_those_of_graphql_core(literals: str) -> None:
    operation: Any = parse(f"query {DECLARED} {{ it{literals} }}").definitions[0]
    variables = get_variable_values(SCHEMA, operation.variable_definitions, GIVEN)
    assert isinstance(variables, VariableValues)
    (node,) = operation.selection_set.selections
    theirs = found(get_argument_values, node, variables)
    assert found(argument_values, node, variables) == theirs
