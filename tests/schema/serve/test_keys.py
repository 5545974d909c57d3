"""API keys: what they open, how they end, and that nothing but their owner ever has the secret."""

import re
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import text

from tests.keys import CREATE, KEPT, create_key

COUNT = "{ customers { totalCount } }"
JSON = {"content-type": "application/json"}


def asked(client, query=COUNT, headers=None):
    """Status, headers, and code of the first error of an answer."""
    status, sent, body = client.post(orjson.dumps({"query": query}), {**JSON, **(headers or {})})
    errors = orjson.loads(body).get("errors")
    return status, sent, errors[0]["extensions"]["code"] if errors else None


def status_of(client, query=COUNT, headers=None):
    return asked(client, query, headers)[0]


@pytest.fixture
def client(crm, clock):
    return crm(clock=clock)


@pytest.fixture
def closed(client, clock):
    """A client of a server with a key, of an administrator."""
    key = create_key(client)
    clock.moment += KEPT
    return client.bearing(key["secret"])


def test_without_any_key_programs_of_this_machine_are_the_local_operator(client):
    assert client.query("{ viewer { actor } }")["viewer"]["actor"] == "local"


def test_with_the_first_key_nobody_is_local_any_more(client, closed):
    status, headers, code = asked(client)
    assert (status, code) == (401, "UNAUTHENTICATED")
    assert headers["www-authenticate"] == 'Bearer realm="guanxi"'
    assert closed.query(COUNT)["customers"]["totalCount"] == 0


def test_revoking_the_last_key_opens_nothing(client, clock, closed):
    id = closed.query("{ apiKeys { nodes { id } } }")["apiKeys"]["nodes"][0]["id"]
    revoked = closed.query(
        "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { revokedAt } userErrors { code } } }", id=id
    )["revokeApiKey"]
    assert revoked["apiKey"]["revokedAt"] and revoked["userErrors"] == []
    clock.moment += KEPT
    assert status_of(closed) == status_of(client) == 401


def test_a_change_is_recorded_under_the_key(closed):
    made = closed.query(
        'mutation { createCustomer(input: {name: "Ann"}) { customer { id createdBy } userErrors { message } } }'
    )["createCustomer"]["customer"]
    key = closed.query("{ apiKeys { nodes { id } } }")["apiKeys"]["nodes"][0]["id"]
    assert made["createdBy"] == key
    assert closed.query("{ viewer { actor } }")["viewer"]["actor"] == key


def test_a_key_created_a_moment_ago_is_known_although_the_keys_were_just_read(closed):
    other = create_key(closed, name="Other")
    assert closed.bearing(other["secret"]).query(COUNT)


def test_a_revocation_holds_after_five_seconds(closed, clock):
    other = create_key(closed)
    bearer = closed.bearing(other["secret"])
    assert bearer.query(COUNT)
    closed.query("mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }", id=other["id"])
    clock.moment += KEPT
    status, headers, code = asked(bearer)
    assert (status, code) == (401, "UNAUTHENTICATED")
    assert headers["www-authenticate"] == 'Bearer realm="guanxi", error="invalid_token"'


def test_an_expired_key_is_refused_at_its_moment(closed, clock):
    expires = clock.now() + timedelta(seconds=2)
    bearer = closed.bearing(create_key(closed, expiresAt=expires)["secret"])
    assert bearer.query(COUNT)
    clock.moment = expires
    assert status_of(bearer) == 401


ROTATE = """mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) {
    apiKey { start overlapUntil } secret userErrors { code message } } }"""


def test_a_rotation_leaves_the_old_secret_valid_for_the_overlap(closed, clock):
    key = create_key(closed)
    rotated = closed.query(ROTATE, input={"id": key["id"], "overlapMinutes": 10})["rotateApiKey"]
    assert rotated["apiKey"]["start"] == key["start"]
    assert rotated["secret"] != key["secret"]
    clock.moment += KEPT
    for secret in (key["secret"], rotated["secret"]):
        assert closed.bearing(secret).query(COUNT)
    clock.moment += timedelta(minutes=10)
    assert status_of(closed.bearing(key["secret"])) == 401
    assert closed.bearing(rotated["secret"]).query(COUNT)


def test_a_new_secret_is_known_at_once(closed):
    key = create_key(closed)
    assert closed.bearing(key["secret"]).query(COUNT)
    rotated = closed.query(ROTATE, input={"id": key["id"]})["rotateApiKey"]
    assert closed.bearing(rotated["secret"]).query(COUNT)


def test_a_rotation_without_overlap_ends_the_old_secret(closed, clock):
    key = create_key(closed)
    rotated = closed.query(ROTATE, input={"id": key["id"], "overlapMinutes": 0})["rotateApiKey"]
    clock.moment += KEPT
    assert status_of(closed.bearing(key["secret"])) == 401
    assert closed.bearing(rotated["secret"]).query(COUNT)


def test_a_secret_is_256_bits_stored_as_a_hash_and_shown_once(closed, client, caplog):
    given = {"name": "Once", "role": "ADMINISTRATOR", "idempotencyKey": "k1"}
    first = closed.query(CREATE, input=given)["createApiKey"]
    again = closed.query(CREATE, input=given)["createApiKey"]
    assert re.fullmatch(r"gx_[0-9a-z]{10}_[0-9a-f]{64}", first["secret"])
    assert again == {**first, "secret": None}
    secret = first["secret"].rpartition("_")[2]
    with client.app.database.connection() as connection:
        tables = ["api_key", "audit_entry", "event", "event_batch", "idempotency_key", "installation"]
        stored = [str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables]
    assert first["apiKey"]["start"] in stored[0]
    assert not [table for table, rows in zip(tables, stored, strict=True) if secret in rows]
    assert secret not in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        lambda secret: secret[:-1] + ("0" if secret[-1] != "0" else "1"),
        lambda secret: secret.upper(),
        lambda secret: secret[:13],
        lambda secret: "gx_" + "0" * 10 + secret[13:],
        lambda secret: "",
    ],
    ids=["last digit", "capitals", "only how it begins", "another's beginning", "nothing"],
)
def test_what_is_almost_a_key_is_refused(closed, wrong):
    key = create_key(closed)
    assert asked(closed.bearing(wrong(key["secret"])))[::2] == (401, "UNAUTHENTICATED")


def test_credentials_come_by_bearer_alone(closed, client):
    secret = create_key(closed)["secret"]
    for headers in ({"x-api-key": secret}, {"cookie": f"authorization={secret}"}, {"authorization": f"Basic {secret}"}):
        assert status_of(client, headers=headers) == 401
    assert status_of(client, headers={"authorization": f"bearer {secret}"}) == 200


@pytest.mark.parametrize(
    ("input", "code", "field"),
    [
        ({"name": " "}, "INVALID", "name"),
        ({"scopes": ["Customer.fly"]}, "INVALID", "scopes"),
        ({"scopes": ["Unicorn.read"]}, "INVALID", "scopes"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID", "expiresAt"),
        ({"userId": "usr_01h455vb4pex5vsknk084sn02q"}, "NOT_FOUND", "userId"),
    ],
)
def test_what_is_wrong_with_a_new_key_is_said_and_nothing_is_written(client, input, code, field):
    answer = client.query(CREATE, input={"name": "Test", "role": "PARTNER", **input})["createApiKey"]
    assert answer["secret"] is None
    (error,) = answer["userErrors"]
    assert (error["code"], error["field"]) == (code, [field])
    assert client.query("{ apiKeys { totalCount } }")["apiKeys"]["totalCount"] == 0


def test_a_dry_run_writes_no_key_and_shows_no_secret(client):
    answer = client.query(CREATE, input={"name": "Test", "role": "PARTNER", "dryRun": True})["createApiKey"]
    assert answer == {"apiKey": None, "secret": None, "userErrors": []}
    assert client.query("{ apiKeys { totalCount } }")["apiKeys"]["totalCount"] == 0


def test_only_administrators_manage_keys(closed):
    partner = closed.bearing(create_key(closed, role="PARTNER")["secret"])
    answer = partner.execute(CREATE, input={"name": "Mine", "role": "ADMINISTRATOR"})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    narrowed = closed.bearing(create_key(closed, scopes=["*.read"])["secret"])
    answer = narrowed.execute(CREATE, input={"name": "Mine", "role": "ADMINISTRATOR"})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


def test_a_key_of_a_user_ends_with_the_user(closed, clock):
    ann = closed.create("User", name="Ann", role="ACCOUNT_MANAGER")["id"]
    bearer = closed.bearing(create_key(closed, role="ACCOUNT_MANAGER", userId=ann)["secret"])
    assert bearer.query(COUNT)
    closed.query(
        "mutation ($id: ID!) { updateUser(input: {id: $id, isActive: false}) { userErrors { code } } }", id=ann
    )
    clock.moment += KEPT
    assert status_of(bearer) == 401
    closed.query("mutation ($id: ID!) { destroyUser(input: {id: $id}) { userErrors { code } } }", id=ann)
    assert closed.query("{ apiKeys { totalCount } }")["apiKeys"]["totalCount"] == 1


def test_the_last_use_is_written_off_the_request_once_a_minute(closed, client, clock):
    last = "{ apiKeys { nodes { lastUsedAt } } }"
    keepsakes = client.app.authentication.keepsakes
    closed.query(COUNT)
    client.run(keepsakes.write())
    first = closed.query(last)["apiKeys"]["nodes"][0]["lastUsedAt"]
    assert first == "2025-06-15T12:00:05.001Z"
    clock.moment += timedelta(seconds=50)
    closed.query(COUNT)
    client.run(keepsakes.write())
    assert closed.query(last)["apiKeys"]["nodes"][0]["lastUsedAt"] == first
    clock.moment += timedelta(seconds=20)
    closed.query(COUNT)
    client.run(keepsakes.write())
    assert closed.query(last)["apiKeys"]["nodes"][0]["lastUsedAt"] > first


def test_a_known_key_costs_a_read_no_statement(closed, client, monkeypatch):
    closed.query(COUNT)
    # The first block of its requests is leased meanwhile.
    client.run(client.app.services.allowances.stop())
    trips = []
    monkeypatch.setattr(client.app.database, "on_trip", lambda process, statements: trips.append(statements))
    for _ in range(3):
        closed.query(COUNT)
    assert trips == []


def test_however_many_ask_with_unknown_keys_the_database_is_asked_once_for_all(closed, client, monkeypatch):
    import asyncio

    from guanxi.testing import _request

    trips = []
    closed.query(COUNT)
    client.run(client.app.services.allowances.stop())
    monkeypatch.setattr(client.app.database, "on_trip", lambda process, statements: trips.append(len(statements)))
    body = orjson.dumps({"query": COUNT})

    async def flood():
        keys = [f"gx_{number:010}_{'0' * 64}" for number in range(50)]
        answers = [_request(client.app, "POST", body, {**JSON, "authorization": f"Bearer {key}"}, "") for key in keys]
        return await asyncio.gather(*answers)

    # They come from one address, which fails too often.
    assert {status for status, _, _ in client.run(flood())} == {401, 429}
    # One transaction: what it reads, and its end.
    assert len(trips) <= 2


def test_an_address_that_keeps_sending_wrong_keys_is_to_wait_and_a_right_key_from_there_is_served(crm, clock):
    client = crm(clock=clock, failed_authentications_per_minute=3, trusted_proxies=["10.0.0.0/8"])
    right, wrong = client.bearing(create_key(client)["secret"]), client.bearing("gx_wrong")
    clock.moment += KEPT

    def status(client, address):
        headers = {**JSON, "x-forwarded-for": address}
        status, sent, _ = client.post(orjson.dumps({"query": COUNT}), headers, address="10.0.0.1")
        return status, int(sent.get("retry-after", 0))

    assert [status(wrong, "203.0.113.1")[0] for _ in range(3)] == [401] * 3
    refused, wait = status(wrong, "203.0.113.1")
    assert refused == 429
    assert 1 <= wait <= 60
    assert status(right, "203.0.113.1")[0] == 200
    assert status(wrong, "203.0.113.2")[0] == 401
