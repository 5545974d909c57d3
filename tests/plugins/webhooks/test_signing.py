"""Signatures and the secrets behind them: shown once, replaced with an overlap, encrypted where there are keys."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlmodel import select

from guanxi import GuanxiError, PluginError, create_app, load_settings
from plugins.webhooks import Webhooks
from plugins.webhooks.models import WebhookSecret
from plugins.webhooks.signing import new_secret, opened, sealed, signed
from tests.plugins.webhooks.receiving import CREATE, World


def signs(secret, received):
    """Whether a secret has signed what was received, by the rules of Standard Webhooks."""
    headers = received.headers
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), received.body])
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return expected in headers["webhook-signature"].split(" ")


def test_a_signature_is_that_of_the_standard():
    # The example of the Standard Webhooks specification.
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_stored_as_the_keys_say():
    secret = new_secret()
    first, second = (SecretStr(Fernet.generate_key().decode()) for _ in range(2))
    assert opened(sealed(secret, []), [first]) == secret
    kept = sealed(secret, [first])
    assert secret.removeprefix("whsec_") not in kept
    # A new key encrypts from then on, and the old one still decrypts.
    assert opened(kept, [second, first]) == secret
    for keys in ([], [second]):
        with pytest.raises(GuanxiError, match="decrypts the secret"):
            opened(kept, keys)
    with pytest.raises(PluginError, match="is not a Fernet key") as refused:
        create_app(load_settings(plugins={"webhooks": {"encryption_keys": ["tooshort"]}}), [Webhooks])
    assert "tooshort" not in refused.value.message


def test_a_secret_is_replaced_while_both_sign_and_shown_nowhere_else(crm, clock, receiver, caplog):
    caplog.set_level("DEBUG")
    world = World(crm, clock, receiver, encryption_keys=[Fernet.generate_key().decode()])
    ada = world.user()
    given = {"url": receiver.url(), "ownerId": ada, "eventTypes": ["CUSTOMER_CREATED"], "idempotencyKey": "once"}
    one, again = (world.client.query(CREATE, input=given)["createWebhook"] for _ in range(2))
    hook, first = one["webhook"]["id"], one["secret"]
    assert (again["webhook"]["id"], again["secret"]) == (hook, None)
    assert world.asked({"ownerId": ada, "dryRun": True})["secret"] is None

    def sent():
        world.wait(1)
        world.client.create("Customer", name="Acme")
        world.deliver()
        return receiver.received[-1]

    assert signs(first, sent())
    second = world.change("rotateWebhookSecret", "secret", id=hook, overlapHours=2)["secret"]
    received = sent()
    assert signs(first, received) and signs(second, received)
    assert not signs(second, received._replace(body=received.body + b" "))
    assert int(received.headers["webhook-timestamp"]) == int(clock.now().timestamp())
    # Two at most sign: the one before the last rotation ends with the next.
    third = world.change("rotateWebhookSecret", "secret", id=hook)["secret"]
    received = sent()
    assert [signs(secret, received) for secret in (first, second, third)] == [False, True, True]
    world.wait(25 * 3600)
    received = sent()
    assert [signs(secret, received) for secret in (first, second, third)] == [False, False, True]
    world.client.run_job("webhook_log")
    text = json.dumps(world.client.query("{ events(first: 500) { nodes { type data changes { field current } } } }"))
    kept = world.client.run(
        world.client.app.database.in_session(lambda session: [row.kept for row in session.exec(select(WebhookSecret))])
    )
    assert len(kept) == 1 and "WEBHOOK_CREATED" in text
    for secret in (first, second, third):
        bare = secret.removeprefix("whsec_")
        assert not [where for where in (text, caplog.text, *kept) if bare in where]
