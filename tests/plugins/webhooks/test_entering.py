"""What is refused where a webhook is entered, and whose rights it gets."""

import pytest

from tests.plugins.webhooks.receiving import CREATE, World


@pytest.fixture(scope="module")
def entered(module_crm, server):
    from datetime import UTC, datetime

    from guanxi import FixedClock

    world = World(module_crm, FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)), server)
    return world, world.user()


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"url": "https://8.8.8.8:25"}, "url", "port 25"),
        ({"url": "https://10.0.0.1"}, "url", "is internal"),
        ({"recordTypes": ["Custmer"]}, "recordTypes", "Custmer"),
        ({"changedFields": ["name"]}, "recordTypes", "say which records"),
        ({"recordTypes": ["Customer"], "changedFields": ["nme"]}, "changedFields", "Customer has no field 'nme'"),
        ({"recordTypes": ["Customer"], "changedFields": ["name } x"]}, "changedFields", "has no field"),
        ({"condition": {"name": {"eq": "x"}}}, "recordTypes", "the one type"),
        ({"recordTypes": ["Customer"], "condition": ["name"]}, "condition", "is not an object"),
        ({"recordTypes": ["Customer"], "condition": {"nme": {"eq": "x"}}}, "condition", "nme"),
        ({"query": "{ customers { nodes { nme } } }"}, "query", "nme"),
        ({"query": "query ($id: ID!, $other: Int!) { customer(id: $id) { id } }"}, "query", "other"),
        ({"query": "mutation { deleteCustomer(input: {id: \"x\"}) { userErrors { code } } }"}, "query", "only run queries"),
        ({"query": "{ viewer { permissions } }"}, "query", "catalog only"),
        ({"query": "{ customer(id:"}, "query", "Syntax Error"),
    ],
)  # fmt: skip
def test_what_could_not_deliver_is_refused(entered, given, field, message):
    world, ada = entered
    payload = world.asked({"ownerId": ada}, **given)
    (error,) = payload["userErrors"]
    assert (payload["webhook"], error["field"], message in error["message"]) == (None, [field], True), error


def test_no_webhook_is_entered_where_they_are_switched_off(crm, clock, receiver):
    world = World(crm, clock, receiver, enabled=False)
    (error,) = world.asked({"ownerId": world.user()})["userErrors"]
    assert (error["code"], "ENABLED=true" in error["message"]) == ("NOT_POSSIBLE", True)


def test_a_webhook_is_nobody_s_who_is_not_there(entered):
    world, ada = entered
    gone = world.user("Gone")
    world.change("updateUser", id=gone, isActive=False)
    for owner in (gone, "usr_01h455vb4pex5vsknk084sn02q", ""):
        (error,) = world.asked({"ownerId": owner})["userErrors"]
        assert (error["code"], error["field"]) == ("NOT_FOUND", ["ownerId"])
    webhook = world.asked({"ownerId": ada})["webhook"]["id"]
    update = "mutation ($input: UpdateWebhookInput!) { it: updateWebhook(input: $input) { userErrors { code field } } }"
    answer = world.client.query(update, input={"id": webhook, "ownerId": gone})["it"]
    assert answer["userErrors"] == [{"code": "NOT_FOUND", "field": ["ownerId"]}]


def test_a_field_that_is_given_empty_is_given(entered):
    world, ada = entered
    webhook = world.asked({"ownerId": ada})["webhook"]["id"]
    assert world.change("updateWebhook", id=webhook, url="")["userErrors"] == [{"code": "INVALID", "field": ["url"]}]
    answer = world.change("redeliverWebhookDeliveries", webhookId="")
    assert answer["userErrors"] == [{"code": "NOT_FOUND", "field": ["webhookId"]}]


def test_whoever_enters_or_changes_a_webhook_owns_it(entered):
    world, ada = entered
    mine = world.client.acting_as(ada)
    webhook = world.asked({}, mine)["webhook"]
    assert (webhook["ownerId"], webhook["status"]) == (ada, "ENABLED")
    # The local operator is nobody in particular, and changes it without taking it over.
    assert [error["field"] for error in world.asked({})["userErrors"]] == [["ownerId"]]
    world.change("updateWebhook", id=webhook["id"], description="Ours")
    # Somebody who may manage webhooks and sees less than its owner cannot have what the owner sees sent elsewhere.
    bob = world.user("Bob", "ACCOUNT_MANAGER")
    limited = world.client.acting_as(bob, ["Customer.read:own", "webhooks.manage"])
    update = """mutation ($id: ID!, $owner: ID) { updateWebhook(input: {id: $id, url: "https://example.com/bob",
        ownerId: $owner}) { webhook { ownerId description url } userErrors { code } } }"""
    refused = limited.query(update, id=webhook["id"], owner=ada)["updateWebhook"]
    assert refused == {"webhook": None, "userErrors": [{"code": "FORBIDDEN"}]}
    changed = limited.query(update, id=webhook["id"])["updateWebhook"]["webhook"]
    assert changed == {"ownerId": bob, "description": "Ours", "url": "https://example.com/bob"}
    # Others see and do nothing.
    outsider = world.client.acting_as(bob, ["*.read:all", "*.change:all"])
    for text in (
        "{ webhooks { nodes { id } } }",
        "{ webhookDeliveries { nodes { id } } }",
        CREATE.replace("$input: CreateWebhookInput!", "")
        .replace("()", "")
        .replace("$input", '{url: "https://example.com"}'),
    ):
        assert outsider.execute(text)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    key = world.client.query(
        'mutation { createApiKey(input: {name: "k", role: ADMINISTRATOR, scopes: ["webhooks.manage"]}) { secret } }'
    )["createApiKey"]["secret"]
    assert world.asked({}, world.client.bearing(key))["userErrors"][0]["field"] == ["ownerId"]
