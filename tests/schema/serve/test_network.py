"""What an API needs to stand on a network: limits per key, persisted documents, who may ask about the schema, headers."""

import hashlib
import json

import orjson
import pytest

from core.base.errors import ConfigurationError
from tests.keys import administrator, create_key

JSON = {"content-type": "application/json"}
READ = "{ customers { totalCount } }"
SCHEMA = "{ __schema { queryType { name } } }"


def posted(client, body, key=None, **headers):
    """Status, headers and answer of a request."""
    given = {**JSON, **headers, **({"authorization": f"Bearer {key}"} if key else {})}
    status, received, answer = client.post(orjson.dumps(body), given)
    return status, received, orjson.loads(answer) if answer else None


def codes(answer):
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


# Limits per key


def test_a_key_sends_so_many_requests_a_minute_and_is_told_how_many_are_left(crm, clock):
    client = crm(clock=clock, requests_per_minute=40)
    key = create_key(client)["secret"]
    statuses, told = [], []
    for _ in range(50):
        status, headers, answer = posted(client, {"query": READ}, key)
        statuses.append(status)
        told.append(headers)
    passed = statuses.count(200)
    assert 40 <= passed <= 42
    assert statuses[passed:] == [429] * (50 - passed)
    assert told[0]["ratelimit-policy"] == '"requests";q=40;w=60'
    assert told[5]["ratelimit"].startswith('"requests";r=')
    assert told[-1]["retry-after"] == "60"
    assert codes(answer) == ["TOO_MANY_REQUESTS"]
    # Another key has its own, and so has the same one in the next minute.
    assert posted(client, {"query": READ}, create_key(administrator(client))["secret"])[0] == 200
    clock.moment = clock.moment.replace(minute=2)
    assert posted(client, {"query": READ}, key)[0] == 200


def test_the_local_operator_is_not_limited(crm):
    client = crm(requests_per_minute=1)
    for _ in range(5):
        status, headers, _ = posted(client, {"query": READ})
        assert status == 200
        assert "ratelimit" not in headers


# Persisted documents


def persisted(tmp_path, documents):
    path = tmp_path / "documents.json"
    path.write_text(json.dumps(documents))
    return path


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_document_of_the_file_is_asked_for_by_its_hash_or_its_name(crm, tmp_path):
    file = persisted(
        tmp_path, {sha256(READ): READ, "Named": "query Named($n: Int) { customers(first: $n) { totalCount } }"}
    )
    client = crm(documents_file=file)
    for asked in (
        {"documentId": f"sha256:{sha256(READ)}"},
        {"documentId": sha256(READ).upper()},
        {"documentId": "Named", "variables": {"n": 1}},
        {"documentId": sha256(READ), "query": READ},
        {"query": "{ customers(first: 2) { totalCount } }"},
    ):
        assert posted(client, asked)[2] == {"data": {"customers": {"totalCount": 0}}}, asked
    by_get = f"documentId=sha256:{sha256(READ)}"
    assert client.post(b"", {}, "GET", by_get)[0] == 200


def test_a_document_that_is_not_there_is_refused_with_a_code(crm, tmp_path):
    client = crm(documents_file=persisted(tmp_path, {"Named": READ}))
    status, _, answer = posted(client, {"documentId": "sha256:" + "0" * 64})
    assert (status, codes(answer)) == (400, ["DOCUMENT_NOT_FOUND"])
    assert answer["errors"][0]["message"].endswith("is known to this server; send its text as query")
    assert posted(client, {"documentId": "Named", "query": SCHEMA})[0] == 400
    assert posted(client, {"documentId": 7})[0] == 400
    assert posted(client, {})[0] == 400


def test_with_nothing_but_the_file_every_other_document_is_refused(crm, tmp_path):
    client = crm(documents_file=persisted(tmp_path, {sha256(READ): READ}), documents_only=True)
    assert posted(client, {"documentId": sha256(READ)})[0] == 200
    assert posted(client, {"query": READ})[0] == 200
    status, _, answer = posted(client, {"query": "{ customers(first: 2) { totalCount } }"})
    assert (status, codes(answer)) == (403, ["FORBIDDEN"])
    assert posted(client, {"query": SCHEMA})[0] == 403


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "must be an object from ids to texts"),
        ("{", "is not JSON"),
        (json.dumps({"0" * 64: READ}), "is not the SHA-256 of its text; build it anew"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(crm, tmp_path, content, said):
    path = tmp_path / "documents.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="GUANXI_DOCUMENTS_FILE=.*" + said):
        crm(documents_file=path)


def test_nothing_but_a_file_that_is_not_named_stops_the_start(crm):
    with pytest.raises(ConfigurationError, match="name the file"):
        crm(documents_only=True)


# Who may ask about the schema


def test_who_lacks_the_permission_is_told_nothing_of_the_schema(crm):
    client = crm()
    partner = create_key(client, "PARTNER")["secret"]
    other = create_key(administrator(client), "ACCOUNT_MANAGER")["secret"]
    for query in (SCHEMA, '{ viewer { actor } ...on Query { __type(name: "Customer") { name } } }'):
        status, _, answer = posted(client, {"query": query}, partner)
        assert (status, codes(answer)) == (200, ["FORBIDDEN"])
        assert "introspect" in answer["errors"][0]["message"]
        assert "errors" not in posted(client, {"query": query}, other)[2]
    misspelt = {"query": "{ custmers { totalCount } }"}
    assert "Did you mean 'customers'" in posted(client, misspelt, other)[2]["errors"][0]["message"]
    said = posted(client, misspelt, partner)[2]["errors"][0]["message"]
    assert said == "Cannot query field 'custmers' on type 'Query'."


# What browsers are told


@pytest.mark.parametrize(
    ("method", "query", "headers"),
    [
        ("POST", "", JSON),
        ("GET", "", {"accept": "text/html"}),
        ("GET", "query={customers{totalCount}}", {}),
        ("DELETE", "", {}),
    ],
)
def test_every_response_is_protected(crm, method, query, headers):
    _, received, _ = crm().post(orjson.dumps({"query": READ}), headers, method, query)
    assert received["x-content-type-options"] == "nosniff"
    assert received["x-frame-options"] == "DENY"
    assert received["referrer-policy"] == "no-referrer"
    assert received["cache-control"] == "no-store"
    assert "default-src 'none'" in received["content-security-policy"]
    assert "frame-ancestors 'none'" in received["content-security-policy"]


def test_graphiql_runs_what_its_page_has_and_its_source_and_can_be_switched_off(crm):
    status, headers, body = crm().post(b"", {"accept": "text/html"}, "GET")
    policy = headers["content-security-policy"]
    assert status == 200
    assert "script-src 'sha256-" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert body.count(b"<script") == policy.count("'sha256-") + policy.count(".js") == 5
    status, headers, body = crm(graphiql=False).post(b"", {"accept": "text/html"}, "GET")
    assert status == 400
    assert b"<script" not in body


def test_pages_of_listed_origins_read_the_answers_and_no_others(crm):
    client = crm(allowed_origins=["https://app.example"])
    key = create_key(client)["secret"]
    preflight = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    status, headers, _ = client.post(b"", {"origin": "https://app.example", **preflight}, "OPTIONS")
    assert status == 200
    assert headers["access-control-allow-origin"] == "https://app.example"
    status, headers, _ = posted(client, {"query": READ}, key, origin="https://app.example")
    assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert "access-control-allow-credentials" not in headers
    assert client.post(b"", {"origin": "https://evil.example", **preflight}, "OPTIONS")[0] == 400
    assert "access-control-allow-origin" not in posted(client, {"query": READ}, key, origin="https://evil.example")[1]
