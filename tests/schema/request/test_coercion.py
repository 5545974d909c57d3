"""Coercion of variables: what is prepared gives what graphql-core gives, or leaves it to graphql-core."""

from typing import Any

import pytest
from graphql import Undefined, build_schema, parse
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, get_variable_values

from schema.request.coercion import Coercion, coerced_variables

SCHEMA = build_schema("""
  enum Size { SMALL LARGE }
  input Money { amount: Float!, currency: String = "CNY" }
  input Key @oneOf { id: ID, name: String }
  input Item {
    name: String!
    count: Int = 3
    price: Money
    tags: [String!] = ["new"]
    sizes: [[Size]]
    key: Key
    is_old: Boolean
  }
  input Where { and: [Where!], name: String }
  type Query { it: Int }
""")

ITEMS = [
    {"name": "a"},
    {"tags": ["x", "y"], "name": "a", "count": 1},
    {"name": "a", "price": {"amount": 1}, "count": None, "sizes": [["SMALL", None], None]},
    {"name": "a", "key": {"id": 7}, "is_old": True},
    {"name": "a", "key": {"name": "b"}},
    {"name": "a", "tags": "x"},
    {"name": "a", "sizes": "SMALL"},
    {},
    {"name": None},
    {"name": 1},
    {"name": "a", "count": 1.5},
    {"name": "a", "count": 2**31},
    {"name": "a", "count": True},
    {"name": "a", "price": {"currency": "EUR"}},
    {"name": "a", "price": {"amount": None}},
    {"name": "a", "price": {"amount": "1"}},
    {"name": "a", "price": []},
    {"name": "a", "tags": ["x", None]},
    {"name": "a", "sizes": [["MEDIUM"]]},
    {"name": "a", "key": {}},
    {"name": "a", "key": {"id": 1, "name": "b"}},
    {"name": "a", "key": {"id": None}},
    {"name": "a", "other": 1},
    {"name": "a", "is_old": "yes"},
    "a",
    ["a"],
    None,
]


def signatures(declared: str) -> tuple[Any, Any]:
    definitions: Any = parse(f"query ({declared}) {{ it }}").definitions
    nodes = definitions[0].variable_definitions
    return nodes, [get_variable_signature(SCHEMA, node) for node in nodes]


def ordered(value: Any) -> Any:
    """A value in which the order of fields counts."""
    if isinstance(value, dict):
        return [(name, ordered(item)) for name, item in value.items()]
    return [ordered(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("declared", ["$value: Item", "$value: Item!", "$value: [Item]", "$value: [Item!]!"])
@pytest.mark.parametrize("item", ITEMS, ids=repr)
def test_values_are_those_of_graphql_core(declared: str, item: Any) -> None:
    nodes, found = signatures(declared)
    values = {"value": [item, {"name": "b"}] if "[" in declared else item}
    theirs, ours = get_variable_values(SCHEMA, nodes, values), coerced_variables(Coercion().prepare(found), values)
    if isinstance(theirs, VariableValues):
        # What is not a list or an object where one is declared may be left to graphql-core.
        assert ours is None or ordered(ours.coerced) == ordered(theirs.coerced)
        assert ours is None or ours.sources["value"].value == theirs.sources["value"].value
    else:
        assert ours is None


@pytest.mark.parametrize("item", ITEMS[:5], ids=repr)
def test_items_of_a_list_are_not_left_to_graphql_core(item: Any) -> None:
    _, found = signatures("$value: [Item!]!")
    assert coerced_variables(Coercion().prepare(found), {"value": [item] * 3}) is not None


@pytest.mark.parametrize(
    "declared",
    ["$value: Item = null", '$value: Item = {name: "a"}', "$value: Int = 3", "$value: [Item!]", "$value: Item!"],
)
def test_left_out_variables_have_their_defaults(declared: str) -> None:
    nodes, found = signatures(declared)
    theirs, ours = get_variable_values(SCHEMA, nodes, {}), coerced_variables(Coercion().prepare(found), {})
    if isinstance(theirs, VariableValues):
        assert ours is not None
        assert (ours.coerced, list(ours.sources)) == (theirs.coerced, list(theirs.sources))
    else:
        assert ours is None


def test_a_default_is_made_anew_for_each_request() -> None:
    prepared = Coercion().prepare(signatures('$value: Item = {name: "a"}')[1])
    one, other = coerced_variables(prepared, {}), coerced_variables(prepared, {})
    assert one is not None
    assert other is not None
    assert one.coerced == other.coerced
    assert one.coerced["value"] is not other.coerced["value"]


@pytest.mark.parametrize(
    "where",
    [
        {"name": "a"},
        {"and": []},
        {"and": [{"name": "a"}, {"and": [{"name": "b", "and": None}]}]},
        {"and": [{"name": "a"}, None]},
        {"and": [{"and": [{"name": 1}]}]},
        {"and": {"name": "a"}},
    ],
    ids=repr,
)
def test_types_that_contain_themselves_are_coerced_alike(where: Any) -> None:
    nodes, found = signatures("$value: Where")
    values = {"value": where}
    theirs, ours = get_variable_values(SCHEMA, nodes, values), coerced_variables(Coercion().prepare(found), values)
    is_one_for_a_list = isinstance(where["and"], dict) if "and" in where else False
    if isinstance(theirs, VariableValues) and not is_one_for_a_list:
        assert ours is not None
        assert ordered(ours.coerced) == ordered(theirs.coerced)
    else:
        assert ours is None


def test_many_sets_of_given_fields_are_coerced_alike() -> None:
    nodes, found = signatures("$value: Item")
    coercion = Coercion()
    optional = {"count": 1, "price": {"amount": 1.0}, "tags": [], "sizes": [], "key": {"id": "1"}, "is_old": False}
    names = list(optional)
    for number in range(2 * 2 ** len(names)):
        chosen = {name: optional[name] for place, name in enumerate(names) if number >> place & 1}
        item = {"name": "a", **chosen} if number < 2 ** len(names) else {**dict(reversed(chosen.items())), "name": "a"}
        theirs, ours = (
            get_variable_values(SCHEMA, nodes, {"value": item}),
            coerced_variables(coercion.prepare(found), {"value": item}),
        )
        assert isinstance(theirs, VariableValues)
        assert ours is not None
        assert ordered(ours.coerced) == ordered(theirs.coerced)
        assert Undefined not in ours.coerced.values()
