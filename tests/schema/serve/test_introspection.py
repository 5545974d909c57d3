"""Introspection: the document of every tool is answered from memory, compressed; any other is limited as a query is."""

import asyncio
import gzip
import itertools
import json
from urllib.parse import quote

import pytest
from graphql import execute, get_introspection_query, parse

from guanxi.testing import _request, app_with
from plugins.value_tiering import ValueTiering
from schema.serve import introspection
from tests.shares import share

FLAGS = (
    "descriptions",
    "specified_by_url",
    "directive_is_repeatable",
    "schema_description",
    "input_value_deprecation",
    "experimental_directive_deprecation",
    "one_of",
)
JSON = {"content-type": "application/json"}
STANDARD = get_introspection_query()


@pytest.fixture(scope="module")
def client():
    with app_with(ValueTiering) as found:
        yield found


def post(client, query, headers=(), **more):
    return client.post(json.dumps({"query": query, **more}).encode(), JSON | dict(headers))


def expected(client, query, variables=None):
    """What graphql-core's executor makes of a query."""
    return execute(client.app.assembled.graphql, parse(query), variable_values=variables).data


def test_the_standard_document_is_answered_as_by_the_executor_and_compressed_where_that_is_accepted(client):
    whole = {"data": expected(client, STANDARD)}
    status, headers, body = post(client, STANDARD, {"accept-encoding": "br, gzip"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert json.loads(gzip.decompress(body)) == whole
    assert len(body) < len(gzip.decompress(body)) / 8
    for header in ({}, {"accept-encoding": "gzip;q=0, *"}, {"accept-encoding": "br"}):
        status, headers, body = post(client, STANDARD, header)
        assert status == 200
        assert "content-encoding" not in headers
        assert json.loads(body) == whole
    assert "content-encoding" in post(client, STANDARD, {"accept-encoding": "*"})[1]


def test_by_get_as_by_post(client):
    packed = {"accept-encoding": "gzip"}
    posted = post(client, STANDARD, packed)
    got = client.post(b"", packed, "GET", f"query={quote(STANDARD)}")
    assert got == posted
    assert client.post(b"", packed | {"if-none-match": got[1]["etag"]}, "GET", f"query={quote(STANDARD)}")[0] == 304


def test_a_client_that_has_the_answer_is_sent_none(client):
    _, headers, body = post(client, STANDARD, {"accept-encoding": "gzip"})
    assert headers["cache-control"] == "private"
    assert headers["vary"] == "Accept, Accept-Encoding"
    tag = headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, again, nothing = post(client, STANDARD, {"accept-encoding": "gzip", "if-none-match": known})
        assert (status, nothing, again["etag"], again["cache-control"]) == (304, b"", tag, "private")
    # Another encoding is another answer.
    status, plain, body = post(client, STANDARD, {"if-none-match": tag})
    assert status == 200
    assert plain["etag"] != tag
    assert json.loads(body)["data"]["__schema"]


def test_layout_and_name_make_no_other_answer(client):
    tag = post(client, STANDARD)[1]["etag"]
    renamed = " ".join(STANDARD.replace("query IntrospectionQuery", "query Mine").split())
    assert post(client, renamed, operationName="Mine")[1]["etag"] == tag
    assert post(client, STANDARD.replace("query IntrospectionQuery", ""))[1]["etag"] == tag
    assert post(client, get_introspection_query(descriptions=False))[1]["etag"] != tag


@pytest.fixture
def worked(monkeypatch):
    """The documents whose answers were worked out."""
    found = []
    work = introspection._packed
    monkeypatch.setattr(introspection, "_packed", lambda document: found.append(document) or work(document))
    return found


def test_the_answer_is_worked_out_once_for_all_who_wait(worked):
    body = json.dumps({"query": STANDARD}).encode()

    async def at_once(app):
        gone = asyncio.create_task(_request(app, "POST", body, JSON, ""))
        others = [asyncio.create_task(_request(app, "POST", body, JSON, "")) for _ in range(4)]
        await asyncio.sleep(0)
        gone.cancel()
        return await asyncio.gather(*others)

    with app_with() as client:
        answers = client.run(at_once(client.app))
        assert {status for status, _, _ in answers} == {200}
        assert len(worked) == 1
        post(client, STANDARD)
        assert len(worked) == 1


def test_every_form_of_the_standard_document_is_answered_whatever_the_limits():
    forms = {
        get_introspection_query(**dict(zip(FLAGS, flags, strict=True)))
        for flags in itertools.product([False, True], repeat=len(FLAGS))
    }
    assert len(forms) == 96
    with app_with(maximum_depth=3, maximum_fields=5, maximum_directives=0) as client:
        tags = set()
        for form in share(sorted(forms), 4):
            # Other tools write the parts in another order.
            swapped = form.replace("kind\n  name\n  ofType", "name\n  kind\n  ofType")
            status, headers, _ = post(
                client, swapped.replace("IntrospectionQuery", "Mine"), {"accept-encoding": "gzip"}
            )
            assert status == 200, form
            tags.add(headers.get("etag"))
        assert len(tags) >= 16
        for other in (
            STANDARD.replace("descriptions", "").replace("enumValues(includeDeprecated: true)", "enumValues"),
            STANDARD.replace("mutationType { name kind }", "mutationType { name kind description }"),
            STANDARD.replace("name kind }", "name kind @skip(if: false) }"),
            STANDARD.replace("__schema {", "again: __schema { types { name } } __schema {"),
        ):
            assert other != STANDARD
            answer = json.loads(post(client, other)[2])
            assert "are allowed" in answer["errors"][0]["message"], other
        assert (
            "levels of selection"
            in client.execute("{ __schema { types { fields { name } } } }")["errors"][0]["message"]
        )


OTHERS = {
    "one type": '{ __type(name: "Customer") { name fields { name args { name defaultValue } type { kind ofType { name } } } } }',
    "none": '{ __type(name: "Nobody") { name } }',
    "aliases": '{ a: __schema { queryType { n: name } } b: __type(name: "TextFilter") { inputFields { name defaultValue } } __typename }',
    "fragments": "{ ...S } fragment S on Query { __schema { directives { name locations isRepeatable args { ...A } } } } fragment A on __InputValue { __typename name }",
    "inline": "{ ... on Query { __schema { types { ... on __Type { name enumValues(includeDeprecated: true) { name } } } } } }",
    "skipped": '{ __type(name: "Node") { name @skip(if: true) possibleTypes { name } kind @include(if: true) } }',
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_introspection_is_answered_as_by_the_executor(client, name):
    query = OTHERS[name]
    for _ in range(2):
        status, headers, body = post(client, query)
        assert (status, json.loads(body)) == (200, {"data": expected(client, query)})
        assert headers["etag"]


def test_variables_are_part_of_what_is_asked(client):
    query = "query ($name: String!, $deep: Boolean = false) { __type(name: $name) { name kind @include(if: $deep) } }"
    for variables in ({"name": "Customer"}, {"name": "Contact"}, {"name": "Customer", "deep": True}):
        body = json.loads(post(client, query, variables=variables)[2])
        assert body == {"data": expected(client, query, variables)}
    assert json.loads(post(client, query)[2])["errors"]


def test_one_of_is_told_of_every_type(client):
    query = '{ order: __type(name: "CustomerOrder") { isOneOf } where: __type(name: "CustomerWhere") { isOneOf fields: inputFields { type { isOneOf } } } kind: __type(name: "Direction") { isOneOf } }'
    answer = client.query(query)
    assert answer["order"] == {"isOneOf": True}
    assert answer["where"]["isOneOf"] is False
    assert {field["type"]["isOneOf"] for field in answer["where"]["fields"]} == {None, False}
    assert answer["kind"] == {"isOneOf": None}
    # The same beside something that is not an introspection, which graphql-core answers.
    assert client.query(query[:-1] + " viewer { actor } }")["kind"] == {"isOneOf": None}


def test_an_answer_that_would_be_too_large_is_refused(client, monkeypatch):
    monkeypatch.setattr(introspection, "_LARGEST", 1000)
    answer = client.execute("{ __schema { types { name kind } } }")
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == "the answer would be larger than 1000 bytes; ask about fewer types at once"
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_what_is_asked_least_recently_is_kept_no_longer(worked, monkeypatch):
    monkeypatch.setattr(introspection, "_MOST_KEPT", 2)
    with app_with() as client:
        for name in ("Task", "User", "Task", "Team", "Task", "User"):
            client.query(f'{{ __type(name: "{name}") {{ kind }} }}')
    assert len(worked) == 4


def test_apps_of_other_plugins_are_answered_otherwise(client):
    with app_with() as plain:
        assert post(plain, STANDARD)[1]["etag"] != post(client, STANDARD)[1]["etag"]
        assert "valueTier" not in post(plain, STANDARD)[2].decode()
    assert "valueTier" in post(client, STANDARD)[2].decode()


def test_the_schema_says_what_it_is_and_what_a_client_has_to_know(client):
    found = client.query("{ __schema { description } }")["__schema"]["description"]
    for word in ("node(id)", "Relay", "currency", "userErrors", "idempotencyKey", "extensions.code"):
        assert word in found
    assert client.app.sdl.startswith('"""\nA CRM: ')


def test_an_argument_that_may_not_be_null_is_refused_as_by_the_executor(client):
    query = 'query ($n: String = "Money") { __type(name: $n) { name } }'
    status, _, body = post(client, query, variables={"n": None})
    assert status == 200
    assert "invalid value" in json.loads(body)["errors"][0]["message"]
