"""Every day, moment and whole number that an operation takes may be as extreme as its type allows.

The arguments are found in the schema, so that those of a new operation are tried too.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from core.base.actors import LOCAL
from core.host.host import discover
from guanxi.testing import Client
from tests import data
from tests.shares import is_due

EXTREMES: dict[str, list[Any]] = {
    "Date": ["0001-01-01", "9999-12-31", "1000-01-01", "2999-12-31"],
    "DateTime": [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2999-12-31T23:59:59.999Z",
    ],
    "Int": [2**31 - 1, -(2**31)],
}
_ORDINARY = {
    "String": "x1",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "Date": "2025-06-30",
    "DateTime": "2025-06-30T08:00:00Z",
    "Decimal": "10",
    "CurrencyCode": "CNY",
    "JSON": {},
}
#: After them nobody is answered without a key.
_ENDING = {"createApiKey", "rotateApiKey"}


@pytest.fixture(scope="module")
def sales(module_crm) -> Client:
    client = module_crm(*discover())
    data.fill(client)
    return Client(client.app, client._runner, actor=LOCAL)


@pytest.fixture(scope="module")
def ids(sales) -> dict[str, str]:
    """The id of a record of each type of which there is one."""
    found = {}
    for record in sales.app.catalog.records.values():
        if record.name != "Event":
            selected = "id" if record.plain_list else "nodes { id }"
            arguments = "" if record.plain_list else "(first: 1)"
            rows = sales.query(f"{{ {record.plural}{arguments} {{ {selected} }} }}")[record.plural]
            for row in (rows if record.plain_list else rows["nodes"])[:1]:
                found[record.name] = row["id"]
    return found


class Filling:
    """Makes arguments that are valid but for one value."""

    def __init__(self, ids: dict[str, str], field: str) -> None:
        self._ids = ids
        self._field = field

    def ordinary(self, kind: Any, name: str) -> Any:
        kind = get_nullable_type(kind)
        if is_list_type(kind):
            return [self.ordinary(kind.of_type, name)]
        if is_enum_type(kind):
            return next(iter(kind.values))
        if is_input_object_type(kind):
            required = {} if kind.is_one_of else kind.fields
            return {key: self.ordinary(f.type, key) for key, f in required.items() if is_required_input_field(f)}
        return self._id(name) if kind.name == "ID" else _ORDINARY[kind.name]

    def _id(self, name: str) -> str:
        """The id of a record that a name speaks of."""
        told = (self._field if name == "id" else name.removesuffix("Id")).lower()
        fitting = [record for record in self._ids if record.lower() in told]
        return self._ids[max(fitting, key=len)] if fitting else next(iter(self._ids.values()))

    def with_value(self, arguments: Any, path: tuple[str, ...], value: Any) -> dict[str, Any]:
        """Arguments with a value at a place."""
        given = {name: self.ordinary(one.type, name) for name, one in arguments.items() if is_required_argument(one)}
        place, kinds = given, {name: one.type for name, one in arguments.items()}
        for key in path[:-1]:
            inner = place.get(key) or self.ordinary(kinds[key], key)
            place[key] = inner
            place = inner[0] if isinstance(inner, list) else inner
            kinds = {name: one.type for name, one in get_named_type(kinds[key]).fields.items()}
        place[path[-1]] = [value] if is_list_type(get_nullable_type(kinds[path[-1]])) else value
        return given


def places(kind: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where in an argument there is a day, a moment or a number; filters only compare."""
    named = get_named_type(kind)
    if named.name in EXTREMES:
        yield path, named.name
    elif isinstance(named, GraphQLInputObjectType) and not named.name.endswith(("Where", "Having", "Filter")):
        for name, field in named.fields.items() if len(path) < 3 else ():
            yield from places(field.type, (*path, name))


def selection(kind: Any, levels: int) -> str:
    """All that can be selected without arguments, so many levels deep."""
    named = get_named_type(kind)
    if is_leaf_type(named):
        return ""
    parts = ["__typename"]
    for name, field in getattr(named, "fields", {}).items():
        is_leaf = is_leaf_type(get_named_type(field.type))
        if (is_leaf or levels > 1) and not any(map(is_required_argument, field.args.values())):
            parts.append(name + selection(field.type, levels - 1))
    return f" {{ {' '.join(parts[:40])} }}"


def asked(client: Client, root: str, name: str, field: Any, given: dict[str, Any]) -> str:
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    # To make the statements of what generated mutations return takes longest, and it is the same for all.
    is_generated = root == "mutation" and name in client.app.assembled.mutations
    selected = "{ userErrors { code } }" if is_generated else selection(field.type, 2)
    return f"{root} ({declared}) {{ {name}({passed}) {selected} }}"


def bad(answer: dict[str, Any]) -> list[str]:
    """What a client cannot do anything about."""
    codes = ("INTERNAL_SERVER_ERROR", "PLUGIN_ERROR", "UNAUTHENTICATED", "TOO_MANY_REQUESTS")
    return [error["message"] for error in answer.get("errors") or () if error["extensions"].get("code") in codes]


def test_no_extreme_value_makes_an_operation_fail(sales, ids, databases):
    """Each engine tries an eighth of the values of a place; with EXHAUSTIVE=1 all."""
    turn = int(databases.engine == "postgresql")
    schema = sales.app.assembled.graphql
    tried, failed = 0, []
    for root, kind in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name, field in kind.fields.items():
            for argument, one in field.args.items():
                for path, scalar in () if name in _ENDING else places(one.type, (argument,)):
                    for number, value in enumerate(EXTREMES[scalar]):
                        if not is_due(number + len(name) + 4 * turn, 8):
                            continue
                        given = Filling(ids, name).with_value(field.args, path, value)
                        tried += 1
                        failed += [
                            (name, path, value, said)
                            for said in bad(sales.execute(asked(sales, root, name, field, given), **given))
                        ]
    assert failed == []
    assert tried > 100
    # Nor does what was written of them stop what works with it later.
    for job in sales.app._design.jobs:
        sales.run_job(job)


def test_days_beyond_what_can_be_reckoned_with_are_refused_and_filters_compare_with_any(sales):
    answer = sales.query(
        'mutation { createTask(input: {subject: "A", dueOn: "9999-12-31"}) { userErrors { code message field } } }'
    )
    assert answer["createTask"]["userErrors"] == [
        {
            "code": "INVALID",
            "message": "dueOn: 9999-12-31 is outside 1000-01-01 to 2999-12-31; leave it out if it means without end",
            "field": ["dueOn"],
        }
    ]
    for operator in ("lt", "gte", "eq"):
        for day in (date.min, date.max):
            sales.query(f'{{ tasks(where: {{dueOn: {{{operator}: "{day}"}}}}) {{ totalCount }} }}')
        sales.query(f'{{ tasks(where: {{createdAt: {{{operator}: "9999-12-31T23:59:59.999Z"}}}}) {{ totalCount }} }}')


#: What no database stores, what none expects, and what is longer than anything.
TEXTS = ["a\0b", "'; DROP TABLE customer; --\u202e\U0010ffff%_\\", "x" * 300_000]


def test_no_text_makes_an_operation_fail(sales, databases):
    """Each engine tries a quarter; with EXHAUSTIVE=1 all."""
    turn = int(databases.engine == "postgresql")
    schema = sales.app.assembled.graphql
    failed = []
    for root, kind in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name, field in kind.fields.items():
            # Generated mutations check texts by one and the same rule.
            is_alike = name in sales.app.assembled.mutations and not name.endswith("Customer")
            if is_alike or name in _ENDING:
                continue
            paths = [(argument,) for argument in field.args if argument != "input"]
            if "input" in field.args:
                inputs = get_named_type(field.args["input"].type).fields
                paths += [("input", member) for member in inputs if member != "items"]
            for path in paths:
                for number, text in enumerate(TEXTS if named_at(field, path) in ("String", "ID") else ()):
                    if not is_due(number + len(name) + 2 * turn, 4):
                        continue
                    given = Filling({"Customer": text}, name).with_value(field.args, path, text)
                    failed += [
                        (name, path, said)
                        for said in bad(sales.execute(asked(sales, root, name, field, given), **given))
                    ]
    assert failed == []


def named_at(field: Any, path: tuple[str, ...]) -> str:
    """The name of the type of an argument, or of a member of the input."""
    argument = get_named_type(field.args[path[0]].type)
    return str(argument.name if len(path) == 1 else get_named_type(argument.fields[path[1]].type).name)


def test_a_lone_half_of_a_character_is_no_text(sales):
    headers = {"content-type": "application/json"}
    for body in (
        b'{"query": "query ($id: ID) { customer(id: $id) { id } }", "variables": {"id": "\\ud800"}}',
        orjson.dumps({"query": '{ customer(id: "\\uD800") { id } }'}),
        orjson.dumps({"query": '{ customer(id: "\\u{D800}") { id } }'}),
        b'{"query": "{ customer(id: \\"\xed\xa0\x80\\") { id } }"}',
    ):
        status, _, answer = sales.post(body, headers)
        assert status in (200, 400)
        assert b"errors" in answer
    query = "query={customer(id:%22%ED%A0%80%22){id}}"
    assert sales.post(b"", {}, "GET", query)[0] == 200
