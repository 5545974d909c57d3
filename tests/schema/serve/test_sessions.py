"""Sessions of browsers: what begins one, what a page has to send with its cookie, and everything that ends one."""

import time
from datetime import timedelta

import orjson
import pytest

from guanxi.testing import running
from tests.keys import AUDIENCE, ISSUER, KEPT, administrator, create_key, pem_of, private_key, token

COUNT = "{ customers { totalCount } }"
WHO = "{ viewer { actor user { id } permissions } }"
JSON = {"content-type": "application/json"}
KEY = private_key()


def sent(client, method, headers=None, body=b"", path="/session", **more):
    """Status, headers and body of an answer."""
    status, received, answer = client.post(body, {**JSON, **(headers or {})}, method, path=path, **more)
    return status, received, orjson.loads(answer) if answer else None


def logged_in(client, credential, **headers):
    """The headers of a page after a login, its cookie and its token; and the answer."""
    status, received, answer = sent(client, "POST", headers, orjson.dumps({"credential": credential}))
    assert status == 200, answer
    cookie = received["set-cookie"]
    return {"cookie": f"theme=dark; {cookie.partition(';')[0]}", "x-csrf-token": answer["csrfToken"]}, cookie, answer


def asked(client, headers, query=WHO):
    """Status and answer of a query."""
    status, _, answer = sent(client, "POST", headers, orjson.dumps({"query": query}), "/graphql")
    return status, answer


def code_of(answer):
    return answer["errors"][0]["extensions"]["code"]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "issuer.pem"
    path.write_bytes(pem_of(KEY))
    return path


@pytest.fixture
def client(crm, clock, key_file):
    """A client without a credential, of a server with an issuer."""
    company = {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": "RS", "key_file": str(key_file)}
    return crm(clock=clock, issuers={"company": company})


@pytest.fixture
def admin(client):
    return administrator(client)


def test_a_session_sees_what_its_key_sees_and_its_token_is_required(client, admin, clock):
    key = create_key(admin, "ACCOUNT_MANAGER")
    page, cookie, answer = logged_in(client, key["secret"])
    assert answer.keys() == {"csrfToken", "expiresAt"} and answer["expiresAt"] == "2025-06-16T00:00:00.000Z"
    _, *attributes = cookie.split("; ")
    assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"]
    assert key["secret"] not in cookie and answer["csrfToken"] not in cookie
    assert logged_in(client, key["secret"], origin="https://localhost")[1].endswith("; Secure")

    status, answer = asked(client, page)
    assert status == 200 and answer["data"] == client.bearing(key["secret"]).query(WHO)
    assert answer["data"]["viewer"]["actor"] == key["id"]
    without = {"cookie": page["cookie"]}
    for wrong in (without, {**without, "x-csrf-token": "0" * 64}):
        status, answer = asked(client, wrong)
        assert (status, code_of(answer)) == (403, "FORBIDDEN") and "x-csrf-token" in answer["errors"][0]["message"]
        assert sent(client, "DELETE", wrong)[0] == 403
    assert sent(client, "GET", without)[::2] == (200, {"csrfToken": page["x-csrf-token"]})
    # What says who asks in so many words needs no token, and counts.
    assert asked(client, {**without, "authorization": "Bearer nonsense"})[0] == 401
    other = create_key(admin)["secret"]
    assert asked(client, {**without, "authorization": f"Bearer {other}"})[1]["data"]["viewer"]["actor"] != key["id"]


def test_it_ends_with_its_key(client, admin, clock):
    ann = admin.create("User", name="Ann", role="ACCOUNT_MANAGER")["id"]
    ends = {
        "revoked": "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }",
        "rotated": "mutation ($id: ID!) { rotateApiKey(input: {id: $id, overlapMinutes: 10}) { userErrors { code } } }",
        "left alone": "query ($id: ID!) { customers(where: {id: {eq: $id}}) { totalCount } }",
    }
    pages = {}
    for name, change in ends.items():
        key = create_key(admin, "ACCOUNT_MANAGER", userId=ann)
        pages[name] = logged_in(client, key["secret"])[0]
        admin.query(change, id=key["id"])
    expires = clock.now() + timedelta(minutes=5)
    key = create_key(admin, expiresAt=expires)
    pages["expired"], cookie, answer = logged_in(client, key["secret"])
    assert "Max-Age=300;" in cookie and answer["expiresAt"] == "2025-06-15T12:05:00.000Z"

    def living():
        clock.moment += KEPT
        return {name for name, page in pages.items() if asked(client, page)[0] == 200}

    assert living() == {"rotated", "left alone", "expired"}
    clock.moment = expires
    assert living() == {"rotated", "left alone"}
    clock.moment += timedelta(minutes=5)
    assert living() == {"left alone"}
    admin.query("mutation ($id: ID!) { updateUser(input: {id: $id, isActive: false}) { userErrors { code } } }", id=ann)
    assert living() == set()
    status, _, answer = sent(client, "GET", pages["revoked"])
    assert (status, code_of(answer)) == (401, "UNAUTHENTICATED")


def test_it_ends_by_itself_and_by_logging_out_and_ended_ones_are_dropped(client, admin, clock):
    secret = create_key(admin)["secret"]
    first, second = (logged_in(client, secret)[0] for _ in range(2))
    status, received, _ = sent(client, "DELETE", first)
    assert status == 204 and received["set-cookie"].startswith("guanxi_session=; Path=/; Max-Age=0;")
    assert asked(client, first)[0] == 401 and asked(client, second)[0] == 200
    assert sent(client, "DELETE", first)[0] == sent(client, "DELETE")[0] == 204
    clock.moment += timedelta(hours=12)
    assert asked(client, second)[0] == 401
    # Who logs in again ends the session before.
    third, _, _ = logged_in(client, secret)
    fourth, _, _ = logged_in(client, secret, cookie=third["cookie"])
    assert asked(client, third)[0] == 401 and asked(client, fourth)[0] == 200
    with client.app.database.connection() as connection:
        (rows,) = connection.exec_driver_sql("SELECT count(*) FROM browser_session").one()
    assert rows == 1


def test_a_session_of_a_token_ends_with_it_and_with_the_link_to_its_user(client, admin, clock):
    ann = admin.create("User", name="Ann", role="ACCOUNT_MANAGER")["id"]
    given = {"issuer": ISSUER, "subject": "ann", "userId": ann}
    link = "mutation ($given: LinkIdentityInput!) { linkIdentity(input: $given) { userIdentity { id } } }"
    id = admin.query(link, given=given)["linkIdentity"]["userIdentity"]["id"]
    page, cookie, _ = logged_in(client, token(KEY, exp=time.time() + 600))
    seconds = int(cookie.partition("Max-Age=")[2].partition(";")[0])
    assert 600 <= seconds <= 630, "with the leeway of its issuer"
    assert asked(client, page)[1]["data"]["viewer"]["user"] == {"id": ann}
    start = clock.moment
    clock.moment = start + timedelta(seconds=seconds - 1)
    assert asked(client, page)[0] == 200
    clock.moment = start + timedelta(seconds=seconds + 1)
    assert asked(client, page)[0] == 401
    page = logged_in(client, token(KEY))[0]
    admin.query("mutation ($id: ID!) { unlinkIdentity(input: {id: $id}) { userErrors { code } } }", id=id)
    clock.moment += KEPT
    assert asked(client, page)[0] == 401


def test_every_server_of_a_database_knows_it_and_a_known_one_costs_no_statement(client, admin, monkeypatch):
    from guanxi.app import App

    page = logged_in(client, create_key(admin)["secret"])[0]
    app = client.app
    with running(App(app.settings, app._design, app._clock)) as other:
        assert asked(other, page)[0] == 200
        assert sent(other, "DELETE", page)[0] == 204
    page = logged_in(client, create_key(admin)["secret"])[0]
    asked(client, page)
    client.run(app.services.allowances.stop())
    trips = []
    monkeypatch.setattr(app.database, "on_trip", lambda process, statements: trips.append(statements))
    for _ in range(3):
        assert asked(client, page)[0] == 200
    # Nor does one that was never given out.
    assert asked(client, {**page, "cookie": "guanxi_session=guessed.0"})[0] == 401
    assert trips == []


def test_a_cookie_of_the_name_that_another_server_set_ends_no_session(client, admin):
    page = logged_in(client, create_key(admin)["secret"])[0]
    ours = page["cookie"].rpartition("; ")[2]
    for cookie in (f"guanxi_session=theirs; {ours}", f"{ours}; guanxi_session=theirs.0"):
        assert asked(client, {**page, "cookie": cookie})[0] == 200


def test_wrong_credentials_are_counted_and_audited(crm, clock):
    client = crm(clock=clock, failed_authentications_per_minute=2)
    admin = client.bearing(create_key(client)["secret"])
    clock.moment += KEPT
    wrong = orjson.dumps({"credential": f"gx_0123456789_{'0' * 64}"})
    answers = [sent(client, "POST", None, wrong) for _ in range(3)]
    assert [status for status, _, _ in answers] == [401, 401, 429]
    assert "the API key is unknown" in answers[0][2]["errors"][0]["message"]
    client.run(client.app.authentication.keepsakes.write())
    audit = "{ auditEntries(where: {action: {eq: REFUSED}}) { nodes { detail number } } }"
    assert "gx_0123456789" in admin.query(audit)["auditEntries"]["nodes"][0]["detail"]
    assert sent(client, "GET")[0] == 401
    for body in (b"{}", b"[]", b'{"credential": 1}', b"nonsense"):
        assert sent(client, "POST", None, body)[0] == 400
    assert sent(client, "POST", {"content-type": "text/plain"}, wrong)[0] == 415
    assert sent(client, "POST", {"origin": "https://evil.example"}, wrong)[0] == 403
    assert sent(client, "PUT")[:2][0] == 405


def test_an_open_server_needs_no_login_and_ignores_what_has_ended(crm, clock):
    client = crm(clock=clock)
    for headers in ({}, {"cookie": "guanxi_session=of-another.server"}):
        assert sent(client, "GET", headers)[::2] == (200, {"csrfToken": None})
        assert asked(client, headers)[1]["data"]["viewer"]["actor"] == "local"


def test_a_socket_takes_no_cookie_for_it_can_carry_no_token(client, admin):
    from tests.sockets import Socket

    async def code(headers):
        socket = Socket(client.app, headers, ["graphql-transport-ws"], None)
        await socket._outgoing.get()
        socket.say("connection_init")
        return await socket.hear()

    secret = create_key(admin)["secret"]
    page = logged_in(client, secret)[0]
    assert client.run(code(page)) == 4403
    assert client.run(code({"authorization": f"Bearer {secret}"}))["type"] == "connection_ack"
