"""What is answered without a key: programs of this machine, as the local operator, and nobody by way of them."""

from datetime import timedelta

import orjson
import pytest

from tests.keys import KEPT, create_key

WRITE = 'mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }'
READ = "{ customers { totalCount } }"
JSON = {"content-type": "application/json"}
#: What a browser sends along from a page of another site.
CROSS_SITE = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}


@pytest.fixture
def client(crm, clock):
    return crm(clock=clock)


def asked(client, headers, query=READ, address="127.0.0.1"):
    """Status, code and message of an answer."""
    status, _, body = client.post(orjson.dumps({"query": query}), {**JSON, **headers}, address=address)
    (error,) = orjson.loads(body).get("errors") or [{"extensions": {"code": None}, "message": ""}]
    return status, error["extensions"]["code"], error["message"]


FOREIGN = {
    "a name that a page was given for the address": {"host": "evil.example"},
    "the same with the port": {"host": "evil.example:8000"},
    "a name that begins like ours": {"host": "localhost.evil.example"},
    "no name": {"host": ""},
    "another machine's address": {"host": "192.168.1.7:8000"},
    "a page of another site": CROSS_SITE,
    "a page of another site that says no more": {"origin": "https://evil.example"},
    "a page of another port": {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
    "a page without an origin": {"origin": "null"},
    "an image of another site": {"sec-fetch-site": "cross-site"},
    "an image of another port": {"sec-fetch-site": "same-site"},
    "a proxy": {"x-forwarded-for": "203.0.113.9"},
    "a proxy that says so by the standard": {"forwarded": "for=203.0.113.9"},
    "a proxy that says for which name": {"x-forwarded-host": "crm.example"},
    "a proxy that says it is local": {"x-forwarded-for": "127.0.0.1"},
}


@pytest.mark.parametrize("query", [READ, WRITE], ids=["query", "mutation"])
@pytest.mark.parametrize("name", FOREIGN)
def test_what_comes_from_elsewhere_is_refused_and_nothing_is_written(client, name, query):
    status, code, message = asked(client, FOREIGN[name], query)
    assert (status, code) == (403, "FORBIDDEN")
    assert "guanxi keys create" in message
    assert client.query(READ)["customers"]["totalCount"] == 0


def test_a_query_by_address_is_guarded_likewise(client):
    for headers in (CROSS_SITE, {"host": "evil.example"}):
        assert client.post(b"", headers, "GET", "query={customers{totalCount}}")[0] == 403
    assert client.post(b"", {}, "GET", "query={customers{totalCount}}")[0] == 200


OWN = {
    "a program": {},
    "by address": {"host": "127.0.0.1:8000"},
    "by address of version 6": {"host": "[::1]:8000"},
    "by name with port": {"host": "LOCALHOST:8000"},
    "its own page": {"host": "localhost:8000", "origin": "http://localhost:8000", "sec-fetch-site": "same-origin"},
    "the address line of a browser": {"sec-fetch-site": "none"},
}


@pytest.mark.parametrize("name", OWN)
def test_what_is_of_this_machine_is_the_local_operator(client, name):
    assert asked(client, OWN[name], WRITE)[0] == 200
    assert client.query(READ)["customers"]["totalCount"] == 1


@pytest.mark.parametrize("address", ["192.168.1.7", "203.0.113.9", "2001:db8::1", "", "::ffff:203.0.113.9"])
def test_another_machine_is_refused_even_if_the_server_was_made_to_listen_to_it(client, address):
    assert asked(client, {}, WRITE, address)[:2] == (403, "FORBIDDEN")


@pytest.mark.parametrize("address", ["127.0.0.9", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(client, address):
    assert asked(client, {}, WRITE, address)[0] == 200


def test_further_names_and_origins_are_a_setting(crm):
    client = crm(allowed_hosts=["crm.local"], allowed_origins=["http://localhost:5173/"])
    assert asked(client, {"host": "crm.local:8000"})[0] == 200
    assert asked(client, {"origin": "http://localhost:5173", "sec-fetch-site": "same-site"})[0] == 200
    assert asked(client, {"origin": "http://localhost:5174"})[0] == 403
    assert asked(client, {"host": "other.local"})[0] == 403


def test_a_trusted_proxy_says_for_whom_it_asks(crm):
    client = crm(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
    assert asked(client, {"x-forwarded-for": "127.0.0.1"})[0] == 403, "that is itself a proxy: nobody is named"
    assert asked(client, {"x-forwarded-for": "::1"})[0] == 200
    assert asked(client, {"x-forwarded-for": "203.0.113.9"})[0] == 403
    assert asked(client, {"x-forwarded-for": "::1, 203.0.113.9"})[0] == 403, "only what the proxy itself saw counts"
    assert asked(client, {"x-forwarded-for": "203.0.113.9, ::1, 10.0.0.7"})[0] == 200
    assert asked(client, {"x-forwarded-for": "nonsense"})[0] == 403
    assert asked(client, {})[0] == 403, "a proxy that does not say for whom may ask for anybody"


def test_with_a_key_the_way_makes_no_difference(client, clock):
    bearer = client.bearing(create_key(client)["secret"])
    clock.moment += KEPT
    for headers in FOREIGN.values():
        assert asked(bearer, headers)[0] == 200
        assert asked(client, headers)[0] == 401
    assert asked(bearer, {}, address="203.0.113.9")[0] == 200


def test_a_cookie_is_no_credential(client, clock):
    secret = create_key(client)["secret"]
    clock.moment += KEPT
    assert asked(client, {"cookie": f"guanxi={secret}; authorization=Bearer {secret}"})[0] == 401


def test_the_page_of_the_console_is_no_secret(client, clock):
    create_key(client)
    clock.moment += KEPT
    status, headers, body = client.post(b"", {"accept": "text/html", **CROSS_SITE}, "GET")
    assert status == 200 and headers["content-type"].startswith("text/html") and b"graphiql" in body.lower()


@pytest.mark.parametrize(("given", "kept"), [("req-7.a:b_c", True), ("x" * 129, False), ("a b", False), ("", False)])
def test_a_client_names_its_request_by_what_logs_can_hold(client, given, kept):
    asked(client, {"x-request-id": given}, WRITE)
    (batch,) = client.run(client.app.database.in_session(_request_ids))
    assert (batch == given) is kept and batch


def _request_ids(session):
    from sqlalchemy import text

    return session.execute(text("SELECT request_id FROM event_batch")).scalars().all()


# Refusals in the audit list

REFUSALS = "{ auditEntries(where: {action: {eq: REFUSED}}) { nodes { detail number createdBy } } }"


def test_refusals_are_counted_in_the_audit_list(client, clock):
    key = create_key(client)
    clock.moment += KEPT
    wrong = client.bearing(key["secret"][:-1] + "x")
    almost = client.bearing(key["secret"][:-64] + "0" * 64)
    for _ in range(3):
        asked(almost, {}, address="203.0.113.9")
    asked(wrong, {})
    client.run(client.app.authentication.keepsakes.write())
    found = client.bearing(key["secret"]).query(REFUSALS)["auditEntries"]["nodes"]
    said = "the API key is unknown, expired or revoked"
    assert {(one["detail"], one["number"]) for one in found} == {
        (f"{said} ({key['start']}), from 203.0.113.9", 3),
        (f"{said}, from 127.0.0.1", 1),
    }
    assert {one["createdBy"] for one in found} == {"public"}


def test_pages_of_other_sites_are_in_the_audit_list(client):
    asked(client, CROSS_SITE, WRITE)
    client.run(client.app.authentication.keepsakes.write())
    (found,) = client.query(REFUSALS)["auditEntries"]["nodes"]
    assert found["detail"] == "origin: pages of https://evil.example may not ask this server, from 127.0.0.1"


def test_however_many_are_refused_the_list_grows_by_a_few(client, clock):
    for number in range(500):
        asked(client, {"origin": f"https://{number}.example"})
    client.run(client.app.authentication.keepsakes.write())
    found = client.query(REFUSALS)["auditEntries"]["nodes"]
    assert len(found) == 21
    assert sum(one["number"] for one in found) == 500
    clock.moment += timedelta(days=31)
    asked(client, CROSS_SITE)
    client.run(client.app.authentication.keepsakes.write())
    assert len(client.query(REFUSALS)["auditEntries"]["nodes"]) == 1


def test_the_audit_list_names_who_did_what_about_whom_and_by_which_request(client):
    body = orjson.dumps(
        {"query": 'mutation { createApiKey(input: {name: "K", role: PARTNER}) { apiKey { id start } } }'}
    )
    _, _, answer = client.post(body, {**JSON, "x-request-id": "req-1"})
    key = orjson.loads(answer)["data"]["createApiKey"]["apiKey"]
    entries = client.query(
        "{ auditEntries { nodes { action createdAt createdBy subjectId detail requestId number } } }"
    )
    assert entries["auditEntries"]["nodes"] == [
        {
            "action": "KEY_CREATED",
            "createdAt": "2025-06-15T12:00:00.000Z",
            "createdBy": "local",
            "subjectId": key["id"],
            "detail": f"{key['start']}, role PARTNER",
            "requestId": "req-1",
            "number": 1,
        }
    ]
