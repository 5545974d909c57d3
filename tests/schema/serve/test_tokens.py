"""Signed tokens: whom they prove, and every way in which they prove nothing."""

import base64
import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from guanxi import ConfigurationError, load_settings
from tests.keys import AUDIENCE, ISSUER, KEPT, administrator, pem_of, private_key, token

WHO = "{ viewer { actor } }"
LINK = """mutation ($input: LinkIdentityInput!) { linkIdentity(input: $input) {
    userIdentity { id issuer subject user { id } } userErrors { code message field } } }"""
KEY, STRANGERS = private_key(), private_key()


def asked(client):
    """Status, code and message of an answer."""
    status, _, body = client.post(orjson.dumps({"query": WHO}), {"content-type": "application/json"})
    answer = orjson.loads(body)
    (error,) = answer.get("errors") or [{"extensions": {"code": None}, "message": ""}]
    return status, error["extensions"]["code"], error["message"]


def issuer(**more):
    return {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": "RS", **more}


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "issuer.pem"
    path.write_bytes(pem_of(KEY))
    return path


@pytest.fixture
def client(crm, clock, key_file):
    """A client of a server that knows the issuer, which knows Ann."""
    return crm(clock=clock, issuers={"company": issuer(key_file=str(key_file))})


@pytest.fixture
def admin(client):
    return administrator(client)


def linked(admin):
    """Ann, who is known to the issuer as `ann`."""
    id = admin.create("User", name="Ann", role="ACCOUNT_MANAGER", email="ann@example.com")["id"]
    link = admin.query(LINK, input={"issuer": ISSUER, "subject": "ann", "userId": id})["linkIdentity"]
    assert link["userErrors"] == [] and link["userIdentity"]["user"]["id"] == id
    return id


@pytest.fixture
def ann(admin):
    return linked(admin)


def who(client, text):
    return client.bearing(text).query(WHO)["viewer"]["actor"]


def test_a_token_proves_the_user_its_subject_is_linked_to(client, ann):
    assert who(client, token(KEY)) == ann


def test_with_an_issuer_nobody_is_local(client):
    assert asked(client)[:2] == (401, "UNAUTHENTICATED")


def forged_with_public_key(key_file):
    """A token signed by the public key as if it were a secret: what confuses verifiers of both families."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 60}]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = hmac.new(key_file.read_bytes(), text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


REFUSED = {
    "another's signature": lambda: token(STRANGERS),
    "no signature": lambda: token(None, algorithm="none"),
    "a cut signature": lambda: token(KEY)[:-4],
    "another algorithm": lambda: token("s" * 32, algorithm="HS256"),
    "another family": lambda: token(KEY, algorithm="PS256"),
    "its own key by address": lambda: token(STRANGERS, headers={"jku": "https://evil.example/keys"}),
    "its own certificate": lambda: token(STRANGERS, headers={"x5u": "https://evil.example/c", "x5c": ["MIIB"]}),
    "its own key": lambda: token(STRANGERS, headers={"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}),
    "a critical extension": lambda: token(KEY, headers={"crit": ["unknown"], "unknown": 1}),
    "another issuer": lambda: token(KEY, iss="https://evil.example"),
    "no issuer": lambda: token(KEY, without=["iss"]),
    "an issuer that is a number": lambda: "..".join(["eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOjV9", ""])[:-1],
    "another audience": lambda: token(KEY, aud="other"),
    "no audience": lambda: token(KEY, without=["aud"]),
    "expired": lambda: token(KEY, exp=time.time() - 31),
    "no expiry": lambda: token(KEY, without=["exp"]),
    "not yet valid": lambda: token(KEY, nbf=time.time() + 60),
    "no subject": lambda: token(KEY, without=["sub"]),
    "an empty subject": lambda: token(KEY, ""),
    "an unknown subject": lambda: token(KEY, "bob"),
    "a subject with NUL": lambda: token(KEY, "a\0nn"),
    "too long": lambda: token(KEY, more="x" * 20_000),
    "no token": lambda: "nonsense",
    "two parts": lambda: "a.b",
    "nested deeply": lambda: base64.urlsafe_b64encode(b"[" * 5000).decode() + "..",
}


@pytest.fixture(scope="module")
def refusing(module_crm, key_file):
    """A client of a server that knows the issuer and its subject `ann`, for all tokens that are refused; and Ann."""
    refusing = module_crm(issuers={"company": issuer(key_file=str(key_file))}, failed_authentications_per_minute=1000)
    return refusing, linked(administrator(refusing))


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_that_proves_nothing_is_refused(refusing, name):
    client, ann = refusing
    status, code, message = asked(client.bearing(REFUSED[name]()))
    assert (status, code) == (401, "UNAUTHENTICATED")
    assert ";" in message
    assert not [inner for inner in ("jwt", "Error", "Traceback", ann) if inner in message]


def test_a_public_key_is_no_secret(client, ann, key_file):
    assert asked(client.bearing(forged_with_public_key(key_file)))[0] == 401


def test_clocks_may_be_apart_by_the_leeway(client, ann):
    assert who(client, token(KEY, exp=time.time() - 20)) == ann
    assert who(client, token(KEY, nbf=time.time() + 20)) == ann


@pytest.mark.parametrize("change", ["deleteUser(input: {id: $id})", "updateUser(input: {id: $id, isActive: false})"])
def test_deleted_and_inactive_users_are_refused_after_five_seconds(client, admin, ann, clock, change):
    bearer = client.bearing(token(KEY))
    assert asked(bearer)[0] == 200
    admin.query(f"mutation ($id: ID!) {{ {change} {{ userErrors {{ code }} }} }}", id=ann)
    clock.moment += KEPT
    assert asked(bearer)[:2] == (401, "UNAUTHENTICATED")


def test_a_link_that_is_removed_no_longer_proves_anybody(client, admin, ann, clock):
    id = admin.query("{ userIdentities { nodes { id } } }")["userIdentities"]["nodes"][0]["id"]
    removed = admin.query(
        "mutation ($id: ID!) { unlinkIdentity(input: {id: $id}) { deletedId userIdentity { id } userErrors { code } } }",
        id=id,
    )
    assert removed["unlinkIdentity"] == {"deletedId": id, "userIdentity": {"id": id}, "userErrors": []}
    clock.moment += KEPT
    assert asked(client.bearing(token(KEY)))[0] == 401


def test_a_subject_is_one_user(admin, ann):
    again = admin.query(LINK, input={"issuer": ISSUER, "subject": "ann", "userId": ann})["linkIdentity"]
    assert [error["code"] for error in again["userErrors"]] == ["TAKEN"]


# By e-mail

MAIL = {"email": "Bea@example.com", "email_verified": True}


def test_who_signs_in_first_is_found_by_a_verified_address_and_known_from_then_on(client, admin, clock):
    bea = admin.create("User", name="Bea", email="bea@example.com")["id"]
    assert who(client, token(KEY, "b-1", **MAIL)) == bea
    admin.query(
        'mutation ($id: ID!) { updateUser(input: {id: $id, email: "new@example.com"}) { warnings { code } } }', id=bea
    )
    clock.moment += KEPT
    assert who(client, token(KEY, "b-1")) == bea
    noted = admin.query("{ auditEntries(where: {action: {eq: IDENTITY_LINKED}}) { nodes { subjectId createdBy } } }")
    assert noted["auditEntries"]["nodes"] == [{"subjectId": bea, "createdBy": bea}]


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "bea@example.com"},
        {**MAIL, "email_verified": False},
        {**MAIL, "email_verified": "true"},
        {"email_verified": True},
    ],
)
def test_an_address_that_is_not_verified_counts_for_nothing(client, admin, claims):
    admin.create("User", name="Bea", email="bea@example.com")
    assert asked(client.bearing(token(KEY, "b-1", **claims)))[0] == 401


def test_an_address_of_two_users_or_of_one_who_left_counts_for_nothing(client, admin):
    bea = admin.create("User", name="Bea", email="bea@example.com", isActive=False)["id"]
    assert asked(client.bearing(token(KEY, "b-1", **MAIL)))[0] == 401
    admin.query("mutation ($id: ID!) { deleteUser(input: {id: $id}) { warnings { code } } }", id=bea)
    assert asked(client.bearing(token(KEY, "b-2", **MAIL)))[0] == 401


def test_an_address_that_was_given_to_somebody_else_does_not_give_them_the_user(client, admin):
    admin.create("User", name="Bea", email="bea@example.com")
    assert asked(client.bearing(token(KEY, "b-1", **MAIL)))[0] == 200
    assert asked(client.bearing(token(KEY, "b-2", **MAIL)))[0] == 401


def test_an_issuer_may_be_kept_from_linking_by_address(crm, clock, key_file):
    client = crm(clock=clock, issuers={"company": issuer(key_file=str(key_file), link_by_email=False)})
    administrator(client).create("User", name="Bea", email="bea@example.com")
    assert asked(client.bearing(token(KEY, "b-1", **MAIL)))[0] == 401


def test_two_sign_ins_at_once_make_one_link(client, admin):
    import asyncio

    from guanxi.testing import _request

    bea = admin.create("User", name="Bea", email="bea@example.com")["id"]

    async def both():
        body = orjson.dumps({"query": WHO})
        bearers = [f"Bearer {token(KEY, 'b-1', jti=str(number), **MAIL)}" for number in range(6)]
        headers = [{"content-type": "application/json", "authorization": bearer} for bearer in bearers]
        return await asyncio.gather(*(_request(client.app, "POST", body, one, "") for one in headers))

    answers = client.run(both())
    assert {orjson.loads(body)["data"]["viewer"]["actor"] for _, _, body in answers} == {bea}
    assert admin.query("{ userIdentities { totalCount } }")["userIdentities"]["totalCount"] == 1


# Key sets


class Publisher:
    """An issuer's address with its public keys."""

    def __init__(self):
        self.keys = {}
        self.fetched = 0
        self.fails = False

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.fetched += 1
                self.send_response(500 if outer.fails else 200)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": [*outer.keys.values()]}).encode())

            def log_message(self, *args):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/keys"

    def publish(self, id, key, **more):
        algorithm = (
            jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
        )
        self.keys[id] = {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": id, **more}


@pytest.fixture
def published():
    with Publisher() as publisher:
        publisher.publish("one", KEY)
        yield publisher


@pytest.fixture
def by_address(crm, clock, published):
    client = crm(clock=clock, issuers={"company": issuer(jwks_url=published.url)})
    admin = administrator(client)
    id = admin.create("User", name="Ann")["id"]
    admin.query(LINK, input={"issuer": ISSUER, "subject": "ann", "userId": id})
    return client


def by(id, key=KEY, **more):
    return token(key, headers={"kid": id}, **more)


def test_keys_are_fetched_once_and_verify_all_tokens(by_address, published):
    for number in range(3):
        assert asked(by_address.bearing(by("one", jti=str(number))))[0] == 200
    assert published.fetched == 1


def test_an_unknown_key_has_them_fetched_again_at_most_once_a_minute(by_address, published, clock):
    assert asked(by_address.bearing(by("one")))[0] == 200
    published.publish("two", STRANGERS)
    assert asked(by_address.bearing(by("two", STRANGERS)))[0] == 401
    assert published.fetched == 1
    clock.moment += timedelta(minutes=1)
    for number in range(5):
        assert asked(by_address.bearing(by("two", STRANGERS, jti=str(number))))[0] == 200
        assert asked(by_address.bearing(by(f"unknown{number}")))[0] == 401
    assert published.fetched == 2


def test_a_key_that_is_withdrawn_is_no_longer_accepted(by_address, published, clock):
    published.publish("two", STRANGERS)
    assert asked(by_address.bearing(by("one")))[0] == 200
    del published.keys["one"]
    clock.moment += timedelta(minutes=10)
    assert asked(by_address.bearing(by("one")))[0] == 401


def test_where_keys_cannot_be_fetched_nobody_is_told_to_be_unknown(by_address, published, clock):
    published.fails = True
    status, code, message = asked(by_address.bearing(by("one")))
    assert (status, code) == (503, "UNAVAILABLE")
    assert "try again" in message and "127.0.0.1" not in message
    assert asked(by_address.bearing(by("one")))[0] == 503
    assert published.fetched == 1
    published.fails = False
    clock.moment += timedelta(minutes=1)
    assert asked(by_address.bearing(by("one")))[0] == 200


def test_known_keys_go_on_where_the_address_fails_for_a_while(by_address, published, clock):
    assert asked(by_address.bearing(by("one")))[0] == 200
    published.fails = True
    clock.moment += timedelta(minutes=10)
    assert asked(by_address.bearing(by("one")))[0] == 200
    assert published.fetched == 2


def test_keys_of_another_type_or_use_verify_nothing(by_address, published):
    published.keys["oct"] = {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode()}
    published.publish("enc", STRANGERS, use="enc")
    assert asked(by_address.bearing(by("oct", "s" * 32, algorithm="HS256")))[0] == 401
    assert asked(by_address.bearing(by("enc", STRANGERS)))[0] == 401


@pytest.mark.parametrize(
    ("family", "algorithm", "key"),
    [("ES", "ES256", ec.generate_private_key(ec.SECP256R1())), ("PS", "PS384", KEY)],
)
def test_other_families(crm, clock, published, family, algorithm, key):
    published.publish("other", key)
    client = crm(clock=clock, issuers={"company": issuer(jwks_url=published.url, algorithms=family)})
    admin = administrator(client)
    id = admin.create("User", name="Ann")["id"]
    admin.query(LINK, input={"issuer": ISSUER, "subject": "ann", "userId": id})
    assert asked(client.bearing(by("other", key, algorithm=algorithm)))[0] == 200
    assert asked(client.bearing(by("one")))[0] == 401


# Settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give either key_file or jwks_url"),
        ({"jwks_url": "http://sign-in.example/keys"}, "give an https address; http only on this machine"),
        ({"jwks_url": "file:///etc/passwd"}, "give an https address"),
        ({"algorithms": "none", "jwks_url": "https://x.example/k"}, "GUANXI_ISSUERS__COMPANY__ALGORITHMS='none'"),
        ({"algorithms": "HS", "jwks_url": "https://x.example/k"}, "HS is verified by a secret; give it as key_file"),
        ({"jwks_url": "https://x.example/k", "jku": "yes"}, "GUANXI_ISSUERS__COMPANY__JKU"),
    ],
)
def test_settings_of_an_issuer_that_cannot_be_are_refused(given, said):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(issuers={"company": issuer(**given)})
    assert said in caught.value.message


def test_settings_come_from_the_environment(monkeypatch):
    for name, value in {
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "ALGORITHMS": "ES",
        "JWKS_URL": "https://x.example/k",
    }.items():
        monkeypatch.setenv(f"GUANXI_ISSUERS__COMPANY__{name}", value)
    assert load_settings().issuers["company"].algorithms == "ES"


@pytest.mark.parametrize(
    ("algorithms", "content", "said"),
    [
        ("RS", b"nonsense", "holds no key for RS"),
        ("ES", pem_of(KEY), "holds no key for ES"),
        ("RS", pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "below"),
        ("HS", b"short", "below"),
        ("HS", pem_of(KEY), "holds a public key; HS takes a secret"),
        ("RS", None, "cannot be read"),
    ],
)
def test_a_key_file_that_cannot_be_used_stops_the_start(crm, tmp_path, algorithms, content, said):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        crm(issuers={"company": issuer(algorithms=algorithms, key_file=str(path))})
    assert said in caught.value.message and "GUANXI_ISSUERS__COMPANY__KEY_FILE" in caught.value.message


def test_a_secret_may_be_shared_where_settings_say_so(crm, clock, tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"s" * 32 + b"\n")
    client = crm(clock=clock, issuers={"company": issuer(algorithms="HS", key_file=str(path))})
    admin = administrator(client)
    id = admin.create("User", name="Ann")["id"]
    admin.query(LINK, input={"issuer": ISSUER, "subject": "ann", "userId": id})
    assert who(client, token("s" * 32, algorithm="HS256")) == id
