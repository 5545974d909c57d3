"""Requests made to hold up or bring down a server are refused by what they ask for, before work is done on them."""

import orjson
import pytest

from schema.plan.planner import Planner
from schema.request import documents, operations
from tests.attacks.attacks import LIMIT, attacks

JSON = {"content-type": "application/json"}
ATTACKS = {attack.name: attack for attack in attacks()}
READ = "{ customers(first: 1) { nodes { id } } }"


@pytest.fixture(scope="module")
def client(module_crm):
    client = module_crm()
    client.query(READ)
    return client


@pytest.fixture
def work(monkeypatch):
    """What is done for a request: steps each of which may take long for what is small."""
    done = []

    def noted(step, place, name):
        original = getattr(place, name)

        def called(*args, **kwargs):
            done.append(step)
            return original(*args, **kwargs)

        monkeypatch.setattr(place, name, called)

    noted("validate", documents, "problems")
    noted("coerce", operations, "coerced_variables")
    noted("coerce", operations, "get_variable_values")
    noted("compile", Planner, "plan")
    return done


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_it_is_refused_before_anything_is_done_that_it_would_make_expensive(client, work, attack):
    body = attack.body()
    status, _, answer = client.post(body, JSON)
    (error, *_) = orjson.loads(answer).get("errors") or [{}]
    assert status < 500
    said = error.get("extensions", {})
    assert (said.get("code"), said.get("limit")) == (attack.code, attack.limit), error
    if attack.code == LIMIT:
        assert "compile" not in work
        if attack.limit != "maximum_cost":
            assert "coerce" not in work
            # The text of what is asked with values that are too large may be valid.
            assert "validate" not in work or orjson.loads(body)["variables"]
    work.clear()
    assert "errors" not in client.execute(READ)
    assert "compile" not in work


def test_what_is_refused_says_by_which_limit_and_how_much_it_asked_for(client):
    error = client.execute("{ " + "__typename " * 101 + "}")["errors"][0]
    assert error["message"] == "the query has 101 root fields; at most 100 are allowed. Split it into several queries"
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "maximum_root_fields"}
