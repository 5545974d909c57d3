"""Public operations: what needs no key, next to what does; and how often."""

from typing import Any

import orjson
import pytest
import strawberry

from guanxi import Context, Input, Payload, Plugin, Ref, hookimpl, mutation, query
from guanxi.records import Customer
from tests.keys import KEPT, create_key

JSON = {"content-type": "application/json"}


@strawberry.input
class GreetInput(Input):
    """A greeting."""

    text: str = strawberry.field(description="The greeting.")


@strawberry.type
class GreetPayload(Payload):
    """What became of it."""

    actor: str | None = strawberry.field(default=None, description="Who greeted.")


@query(public=True)
def opening_hours(ctx: Context) -> str:
    """When somebody is there."""
    return "9 to 5"


@query(public=True)
def best_customer(ctx: Context) -> Ref[Customer]:
    """One that nobody may see without a key."""
    return ctx.session.connection().exec_driver_sql("SELECT id FROM customer").scalar_one()


@query
def secret_hours(ctx: Context) -> str:
    """When nobody is there."""
    return "at night"


@mutation(public=True, as_plugin=True)
def greet(ctx: Context, input: GreetInput) -> GreetPayload:
    """Greets."""
    return GreetPayload(actor=ctx.actor.id)


class Door(Plugin):
    name, version, api = "door", "1.0", ">=1,<2"

    @hookimpl
    def register_operations(self):
        return [opening_hours, best_customer, secret_hours, greet]


@pytest.fixture
def closed(crm, clock):
    """A client without a key, of a server that asks for one."""
    client = crm(Door, clock=clock, public_requests_per_minute=10)
    client.key = create_key(client)["secret"]
    clock.moment += KEPT
    return client


def asked(client, text: str, address: str = "127.0.0.1", **more: Any):
    status, headers, body = client.post(orjson.dumps({"query": text, **more}), JSON, address=address)
    return status, headers, orjson.loads(body)


def test_public_operations_need_no_key(closed):
    assert asked(closed, "query Q { __typename openingHours }")[2]["data"] == {
        "__typename": "Query",
        "openingHours": "9 to 5",
    }
    answer = asked(closed, 'mutation { greet(input: {text: "hi"}) { actor userErrors { code } } }')[2]
    assert answer["data"] == {"greet": {"actor": "plugin:door", "userErrors": []}}


def test_from_anywhere(closed):
    assert asked(closed, "{ openingHours }", "203.0.113.9")[0] == 200


OTHERS = {
    "another operation": "{ secretHours }",
    "a record": "{ customers { totalCount } }",
    "both": "{ openingHours customers { totalCount } }",
    "under its name": "{ openingHours: secretHours }",
    "in a fragment": "{ ...F } fragment F on Query { secretHours }",
    "in an inline fragment": "{ ... { secretHours } }",
    "next to another of the document": "query A { openingHours } query B { secretHours }",
    "the schema": "{ __schema { types { name } } }",
    "a type": '{ __type(name: "Customer") { name } }',
    "the viewer": "{ viewer { actor } }",
    "a query's name as a mutation": "mutation { openingHours }",
    "what does not exist": "{ customerz }",
    "an unused fragment that tells of the schema": "{ openingHours } fragment F on Customer { nam }",
    "no GraphQL": "{",
}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_answered_and_nothing_of_the_schema_is_told(closed, name):
    status, headers, answer = asked(closed, OTHERS[name], operationName="A" if "query A" in OTHERS[name] else None)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="guanxi"')
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED" and "data" not in answer
    assert not [word for word in ("Customer", "Did you", "customers", "secret") if word in error["message"]]


def test_what_is_wrong_with_a_public_operation_is_told(closed):
    answer = asked(closed, "mutation { greet(input: {}) { actor } }")[2]
    assert "text" in answer["errors"][0]["message"]


def test_records_behind_a_public_operation_are_not_shown(closed):
    closed.bearing(closed.key).create("Customer", name="Secret & Sons")
    status, _, answer = asked(closed, "{ bestCustomer { name } }")
    assert status == 200 and "Secret" not in str(answer)


def test_with_a_key_they_are_like_any_other(closed):
    assert closed.bearing(closed.key).query("{ openingHours customers { totalCount } }")["openingHours"] == "9 to 5"


def test_a_wrong_key_is_refused_there_too(closed):
    assert asked(closed.bearing("gx_wrong"), "{ openingHours }")[0] == 401


def test_requests_without_a_key_are_limited_for_each_address(closed):
    for _ in range(10):
        assert asked(closed, "{ openingHours }")[0] == 200
    status, headers, answer = asked(closed, "{ openingHours }")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_REQUESTS")
    assert 1 <= int(headers["retry-after"]) <= 60
    assert asked(closed, "{ openingHours }", "203.0.113.9")[0] == 200
    assert closed.bearing(closed.key).query("{ openingHours }")


def test_what_is_refused_counts_as_well(closed):
    for _ in range(10):
        assert asked(closed, "{ secretHours }")[0] == 401
    assert asked(closed, "{ secretHours }")[0] == 429


def test_a_network_of_version_6_is_one_address(closed):
    for number in range(10):
        assert asked(closed, "{ openingHours }", f"2001:db8::{number}")[0] == 200
    assert asked(closed, "{ openingHours }", "2001:db8::ffff")[0] == 429
    assert asked(closed, "{ openingHours }", "2001:db8:0:1::1")[0] == 200


def test_behind_a_trusted_proxy_the_client_is_limited(crm, clock):
    client = crm(Door, clock=clock, public_requests_per_minute=1, trusted_proxies=["10.0.0.0/8"])
    create_key(client)
    clock.moment += KEPT

    def status(forwarded, address="10.0.0.1"):
        headers = {**JSON, "x-forwarded-for": forwarded}
        return client.post(orjson.dumps({"query": "{ openingHours }"}), headers, address=address)[0]

    assert [status("203.0.113.1"), status("203.0.113.2"), status("203.0.113.1")] == [200, 200, 429]
    assert [status("203.0.113.3", "198.51.100.1"), status("203.0.113.4", "198.51.100.1")] == [200, 429]


def test_a_large_body_takes_a_key(closed):
    text = '{"query": "{ openingHours }", "extensions": {"x": "' + "x" * 65_536 + '"}}'
    assert closed.post(text.encode(), JSON)[0] == 413
    assert closed.bearing(closed.key).post(text.encode(), JSON)[0] == 200


def test_answering_a_survey_is_public(crm, clock):
    from plugins.satisfaction_surveys import SatisfactionSurveys

    client = crm(SatisfactionSurveys, clock=clock)
    create_key(client)
    clock.moment += KEPT
    text = 'mutation { answerSurvey(input: {token: "unknown", answers: []}) { accepted userErrors { code } } }'
    status, _, answer = asked(client, text)
    assert status == 200
    assert answer["data"]["answerSurvey"] == {"accepted": False, "userErrors": [{"code": "TOKEN_INVALID"}]}
    assert asked(client, '{ surveyForm(token: "unknown") { title } }')[2]["data"] == {"surveyForm": None}
