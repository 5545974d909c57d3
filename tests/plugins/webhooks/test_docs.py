"""The page on webhooks: followed from top to bottom, with a receiver that verifies as it shows."""

import json
import re

from plugins.webhooks.settings import WebhookSettings
from tests.snippets import ROOT, snippets

PAGE = "docs/webhooks.md"
TEXT = (ROOT / PAGE).read_text()


def test_the_page_is_followed_and_what_arrives_is_verified_as_it_shows(world, receiver):
    create, rotate, look, again = snippets(PAGE, "graphql")
    (verify,) = snippets(PAGE, "python")
    (shown,) = snippets(PAGE, "json")
    names = {}
    exec(verify, names)
    is_genuine = names["is_genuine"]
    client, ada = world.client, world.client.acting_as(world.user())
    made = ada.query(create.replace("https://example.com/hook", receiver.url()))["createWebhook"]
    assert made["userErrors"] == []
    hook, secret = made["webhook"]["id"], made["secret"]
    world.wait(1)
    client.create("Customer", name="Acme", status="ACTIVE")
    world.deliver()
    (received,) = receiver.received
    sent = {name: received.headers[name] for name in received.headers}
    now = world.clock.now().timestamp()
    assert is_genuine(secret, sent, received.body, now)
    assert not is_genuine(secret, sent, received.body, now + 301)
    assert not is_genuine(secret, sent, received.body + b" ", now)
    assert json.loads(received.body).keys() == json.loads(shown).keys()
    rotated = ada.query(rotate, id=hook)["rotateWebhookSecret"]["secret"]
    receiver.answer = lambda received: 500
    client.create("Customer", name="Beta", status="ACTIVE")
    world.deliver()
    last = receiver.received[-1]
    assert is_genuine(secret, last.headers, last.body, now) and is_genuine(rotated, last.headers, last.body, now)
    webhook = ada.query(look, id=hook)["webhook"]
    assert (webhook["status"], webhook["failures"]) == ("ENABLED", 1)
    assert [one["responseStatus"] for one in webhook["deliveries"]["nodes"]] == [500]
    answer = ada.query(again, id=hook)
    assert answer["testWebhook"]["delivery"]["status"] == "PENDING"
    assert answer["redeliverWebhookDeliveries"] == {"deliveries": [], "userErrors": []}


def test_the_settings_that_it_names_are_there():
    names = {name.upper() for name in WebhookSettings.model_fields}
    named = set(re.findall(r"`(?:GUANXI_PLUGINS__WEBHOOKS__)?([A-Z]+(?:_[A-Z]+)+|EXCEPTIONS)\b", TEXT)) - {
        "WEBHOOK_PAUSED"
    }
    assert named <= names, named - names
