"""Pages glued together are the whole list, from either end, with ties and nulls, also while other records change."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import data
from tests.oracle.conditions import DIRECTIONS, Conditions
from tests.oracle.literals import Variables, Word
from tests.oracle.plugin import Probing
from tests.oracle.walks import Walk

#: Given examples share what fixtures made; engines differ too much in speed for a deadline.
relaxed = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

seeds = st.integers(0, 2**32)


def whole(oracle, walk):
    """The ids of the list as the oracle has it."""
    return replace(walk, size=1000, backward=False).glued(lambda text, given: oracle_answer(oracle, text, given))


def oracle_answer(oracle, text, given):
    result = oracle.execute(text, given)
    assert not result.errors, result.errors
    return {"data": result.data}


@settings(relaxed, max_examples=80)
@given(seed=seeds, size=st.integers(1, 9), backward=st.booleans(), below=st.booleans(), filtered=st.booleans())
def test_pages_glued_are_the_whole_list(world, path, seed, size, backward, below, filtered):
    oracle, random = world.oracle, Random(seed)
    shapes = [shape for shape in oracle.shapes.values() if not shape.is_plain_list]
    shape = random.choice([shape for shape in shapes if shape.to_many]) if below else random.choice(shapes)
    under, name = None, shape.plural
    if below:
        name = random.choice(list(shape.to_many))
        parent = max(
            oracle.records.lists[shape.name], key=lambda row: (row.is_living, len(oracle.records.below(row, name)))
        )
        under = f'{shape.singular}(id: "{parent["id"]}")'
        shape = oracle.shapes[shape.to_many[name][0]]
    conditions = Conditions(oracle.schema, oracle.records, random, Variables(random, 0))
    arguments = {"orderBy": conditions.order(shape)}
    if filtered:
        arguments["where"] = conditions.where(shape, 1)
    walk = Walk(name, arguments, size, backward, under)
    assert walk.glued(path) == whole(oracle, walk)


KEYS = [
    ["name"],
    ["industry"],
    ["employeeCount"],
    ["annualRevenue"],
    ["status"],
    ["doNotContact"],
    ["points"],
    ["mood"],
    ["shout"],
    ["profileCompleteness"],
    ["updatedAt"],
    ["owner", "name"],
    ["owner", "team", "region"],
]


def values(random):
    """New values for a customer, few of each, so that they tie."""
    amount = random.choice([None, "1", "2.50", "1000"])
    return {
        "name": random.choice(["a", "A", "Ä", "b"]),
        "industry": random.choice([None, "x", "X", "y"]),
        "employeeCount": random.choice([None, 0, 5]),
        "annualRevenue": None if amount is None else {"amount": amount},
        "status": random.choice(["PROSPECT", "ACTIVE"]),
        "doNotContact": random.random() < 0.5,
        "mood": random.choice([None, "SUNNY", "RAINY"]),
        "ownerExternalId": random.choice([None, data.key("u1"), data.key("u2"), data.key("u3")]),
    }


@pytest.fixture(scope="module")
def changing(module_crm):
    """An app whose customers come and go."""
    client = module_crm(Probing)
    data.upsert(client, "teams", data.TEAMS)
    data.upsert(client, "users", data.USERS)
    random = Random(1)
    for some in range(2):
        items = [values(random) | {"externalIds": [data.key(f"c{some}-{number}")]} for number in range(12)]
        data.upsert(client, "customers", items)
    return client


def change(client, random, living, touched):
    """Inserts, changes, deletes or restores a customer."""
    few = ["insert"] if len(living) < 24 else ["delete"]
    kind = random.choice(["change", "change", "restore", *few])
    gone = sorted(touched - living)
    id = random.choice(gone if kind == "restore" and gone else sorted(living))
    if kind == "insert":
        text, given = "createCustomer(input: $input) { customer { id } }", values(random)
    elif kind == "change":
        text, given = "updateCustomer(input: $input) { customer { id } }", {"id": id, **values(random)}
    else:
        kind = "restore" if id in gone else "delete"
        text, given = f"{kind}Customer(input: $input) {{ userErrors {{ message }} }}", {"id": id}
    payload = client.query(f"mutation ($input: {_input(text)}!) {{ done: {text} }}", input=given)["done"]
    touched.add(id if "customer" not in payload else payload["customer"]["id"])
    if kind == "delete":
        living.discard(id)
    else:
        living.add(id if kind == "restore" else payload["customer"]["id"])


def _input(text):
    operation = text.partition("(")[0]
    return (
        "TargetInput"
        if operation.startswith(("delete", "restore")) and operation != "deleteCustomer"
        else operation[:1].upper() + operation[1:] + "Input"
    )


@settings(relaxed, max_examples=25)
@given(
    order=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(DIRECTIONS)), min_size=1, max_size=3),
    size=st.integers(2, 8),
    backward=st.booleans(),
    seed=seeds,
)
def test_pages_hold_what_is_not_touched_exactly_once_while_others_change(changing, order, size, backward, seed):
    random = Random(seed)
    keys = []
    for way, direction in order:
        key = Word(direction)
        for step in reversed(way):
            key = {step: key}
        keys.append(key)
    walk = Walk("customers", {"orderBy": keys}, size, backward)

    def ask(text, given):
        return changing.execute(text, **given)

    before = replace(walk, size=1000, backward=False).glued(ask)
    living, touched = set(before), set()

    def between():
        for _ in range(random.choice([0, 0, 1, 2])):
            change(changing, random, living, touched)

    found = walk.glued(ask, between)
    assert [id for id in found if id not in touched] == [id for id in before if id not in touched]
