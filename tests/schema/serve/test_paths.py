"""Plans alone and the executor with plans: whatever is asked, both answer the same, to the byte and the status."""

import asyncio
import json

import orjson
import pytest

from guanxi import Facet, Field, Permission, Plugin, hookimpl
from schema.catalog.access import Access
from schema.serve.engine import Engine
from tests import data


class Marks(Facet, of="Customer", plugin="marked"):
    mark: int | None = None


class Marked(Plugin):
    """Fields of every kind that can go wrong."""

    name, version, api = "marked", "1.0", ">=1,<2"

    @hookimpl
    def register_permissions(self):
        yield Permission("marks", "See marks.")

    @hookimpl
    def register_fields(self):
        yield Field("Customer.mark", Marks.mark, "A mark.", writable=True)
        yield Field("Customer.secretMark", Marks.mark, "A mark for few.", permission="marks")
        yield Field("Customer.label", python=label, needs=["name"], type=str, description="A label.")
        yield Field("Customer.partly", python=partly, needs=["name"], type=str, description="Fails for some.")
        yield Field("Customer.broken", python=broken, type=str, description="Fails for all.")
        yield Field("Customer.endless", python=endless, type=str, description="Takes too long.")
        yield Field("Customer.fromSecret", python=label, needs=["secretMark", "name"], type=str, description="Of few.")


def label(ctx, rows):
    return [row["name"].upper() for row in rows]


def partly(ctx, rows):
    return [ValueError("inside") if row["name"] == "Zoo" else row["name"] for row in rows]


def broken(ctx, rows):
    raise ValueError("inside")


async def endless(ctx, rows):
    await asyncio.Event().wait()


def access(actor):
    return Access("few", frozenset({"marks"}), {"Contact": lambda row: row.seniority == "EXECUTIVE"})


@pytest.fixture(scope="module")
def sales(module_crm):
    client = module_crm(Marked, python_field_deadline_ms=50, maximum_depth=14, maximum_aliases=20)
    data.fill(client)
    client.app.services.access = access
    return client


@pytest.fixture
def both(sales, monkeypatch):
    """Sends a request on both paths; gives the answer, known to be the same, and whether plans alone gave it."""

    def ask(body, headers=None, method="POST", query=""):
        by_plans = Engine._by_plans
        taken = []

        async def noted(*args):
            found = await by_plans(*args)
            taken.append(found is not None)
            return found

        async def never(*args):
            return None

        headers = {"content-type": "application/json", "x-request-id": "req_1", **(headers or {})}
        answers = []
        # Twice, so that the second is served from what is kept.
        for path in (noted, noted, never):
            monkeypatch.setattr(Engine, "_by_plans", path)
            status, sent, answer = sales.post(body, headers, method, query)
            assert int(sent.pop("content-length")) == len(answer)
            answers.append((status, sent, orjson.loads(answer), list(orjson.loads(answer))))
        assert answers[0] == answers[1] == answers[2]
        return answers[0][0], answers[0][2], bool(taken) and all(taken)

    return ask


def asked(text, variables=None, **more):
    return orjson.dumps({"query": text, "variables": variables, **more})


PLANNED = {
    "list": "{ customers(first: 3, orderBy: [{name: ASC}]) { nodes { id name annualRevenue { amount currency } } } }",
    "alias": "{ one: customers(first: 1) { n: nodes { a: name b: name } } two: customers(first: 2) { totalCount } }",
    "named fragment": "query { customers { nodes { ...F } } } fragment F on Customer { name owner { ...U } } fragment U on User { name }",
    "inline fragment": "{ customers(first: 2) { nodes { ... on Customer { name } ... { status } } } }",
    "interface": "{ nodes(ids: []) { id __typename ... on Customer { name } } }",
    "typename": "{ __typename customers(first: 1) { __typename edges { __typename node { __typename } } } }",
    "skip": "{ customers(first: 1) { totalCount @skip(if: true) nodes @include(if: true) { name @include(if: false) id } } }",
    "nothing there": '{ customer(id: "cus_01h455vb4pex5vsknk084sn02q") { name } }',
    "aggregate": "{ customersAggregate { count sum { annualRevenue { total { amount } } } } }",
    "group by": "{ customersGroupBy(by: [{industry: true}]) { keys { industry } aggregate { count } } }",
    "python field": "{ customers(first: 3, orderBy: [{name: ASC}]) { nodes { label owner { name } } } }",
    "failing python field": "{ customers { edges { cursor node { partly label broken } } totalCount } }",
    "slow python field": "{ customers(first: 1) { nodes { endless name } } }",
    "forbidden field": "{ customers(first: 2) { nodes { name s: secretMark fromSecret } } }",
    "forbidden filter": "{ customers(where: {secretMark: {eq: 1}}) { totalCount } }",
    "forbidden order below": "{ customers(first: 1) { nodes { name owner { ownedCustomers(orderBy: [{secretMark: ASC}]) { totalCount } } } } }",
    "limited rows": "{ contactsAggregate { count } customers { nodes { contacts { totalCount nodes { seniority } } contactsAggregate { count } } } }",
    "bad first": "{ customers(first: -1) { totalCount } }",
    "bad first below": "{ customers(first: 2, orderBy: [{name: ASC}]) { nodes { name contacts(first: 5000) { totalCount nodes { id } } opportunities(first: 1) { totalCount } } } }",
    "bad cursor": '{ customers(after: "nonsense") { nodes { name } } }',
    "bad id": '{ node(id: "nonsense") { id } }',
    "two of which one fails": "{ good: customers(first: 1) { totalCount } bad: customers(first: -1) { totalCount } }",
    "two of which one may be null": '{ bad: node(id: "x") { id } good: customers(first: 1) { totalCount } }',
}


@pytest.mark.parametrize("text", PLANNED.values(), ids=PLANNED)
def test_what_plans_answer_the_executor_answers_alike(both, text):
    status, answer, planned = both(asked(text))
    assert status == 200
    assert planned or len(answer.get("errors", ())) == 1
    assert "inside" not in str(answer)


VARIABLES = [
    ("query ($n: Int = 2) { customers(first: $n) { nodes { name } } }", {}),
    ("query ($n: Int = 2) { customers(first: $n) { nodes { name } } }", {"n": 1}),
    ("query ($n: Int = 2) { customers(first: $n) { nodes { name } } }", {"n": None}),
    ("query ($n: Int!) { customers(first: $n) { nodes { name } } }", {}),
    ("query ($n: Int!) { customers(first: $n) { nodes { name } } }", {"n": "two"}),
    ("query ($n: Int) { customers(first: 1) { nodes { contacts(first: $n) { totalCount } name } } }", {"n": -3}),
    ("query ($w: CustomerWhere) { customers(where: $w) { totalCount } }", {"w": {"name": {"contains": "ET"}}}),
    ("query ($w: CustomerWhere) { customers(where: $w) { totalCount } }", {"w": {"nam": {"contains": "ET"}}}),
    ("query ($w: CustomerWhere) { customers(where: $w) { totalCount } }", {"w": {"name": {"contains": "a\0"}}}),
    ("query ($with: Boolean!) { customers(first: 1) { totalCount @include(if: $with) nodes { id } } }", {"with": True}),
    (
        "query ($with: Boolean!) { customers(first: 1) { totalCount @include(if: $with) nodes { id } } }",
        {"with": False},
    ),
    ("query ($o: [CustomerOrder!]) { customers(orderBy: $o) { nodes { name } } }", {"o": [{"name": "DESC"}]}),
    ("query ($o: [CustomerOrder!]) { customers(orderBy: $o) { nodes { name } } }", {"o": {"name": "ASC"}}),
    ("query ($o: [CustomerOrder!]) { customers(orderBy: $o) { nodes { name } } }", {"o": [{}]}),
    (
        "query ($o: [CustomerOrder!]) { customers(orderBy: $o) { nodes { name } } }",
        {"o": [{"name": "ASC", "id": "ASC"}]},
    ),
    ("query ($d: Direction) { customers(orderBy: [{name: $d}]) { nodes { name } } }", {"d": "DESC"}),
    ("query ($d: Direction) { customers(orderBy: [{name: $d}]) { nodes { name } } }", {"d": None}),
    ("query ($d: Direction) { customers(orderBy: [{name: $d}]) { nodes { name } } }", {}),
    ("query ($d: Direction) { customers { nodes { name contacts(orderBy: [{name: $d}]) { totalCount } } } }", {}),
    ("query ($i: [ID!] = []) { nodes(ids: $i) { id } }", {"i": None}),
    ("query ($r: Decimal) { customers(where: {annualRevenue: {gt: $r}}) { totalCount } }", {"r": "9" * 20}),
    ("query ($a: String) { customers(first: 1, after: $a) { nodes { name } } }", {"a": "x", "unused": 1}),
]


@pytest.mark.parametrize(("text", "variables"), VARIABLES)
def test_variables_mean_the_same_on_both_paths(both, text, variables):
    status, answer, _ = both(asked(text, variables))
    assert status == 200
    assert "INTERNAL" not in str(answer)


OTHERS = {
    "what plans do not answer": "{ plugins { name } customers(first: 1) { totalCount } }",
    "syntax error": "{ customers { ",
    "unknown field": "{ customers { nodes { naem } } }",
    "wrong argument": '{ customers(first: "x") { totalCount } }',
    "no key": "{ customers(orderBy: [{}]) { totalCount } }",
    "two keys": "{ customers(orderBy: [{name: ASC, id: ASC}]) { totalCount } }",
    "no such operation": "query A { customers { totalCount } }",
    "too deep": "{ customers { nodes " + "{ owner { ownedCustomers { nodes " * 6 + "{ id }" + " } } }" * 6 + " } }",
    "too many aliases": "{ " + " ".join(f"a{n}: customers {{ totalCount }}" for n in range(21)) + " }",
    "introspection": "{ __schema { queryType { name } } }",
    "subscription": "subscription { x }",
    "empty": "",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_what_is_left_to_others_is_the_same_on_both_paths(both, text):
    name = "B" if text.startswith("query A") else None
    status, answer, planned = both(asked(text, operationName=name))
    assert status == 200
    assert not planned
    assert all(error["extensions"]["code"] for error in answer.get("errors", ()))


def test_the_operation_is_chosen_by_its_name(both):
    text = "query A { customers { totalCount } } query B { contacts { totalCount } }"
    assert list(both(asked(text, operationName="B"))[1]["data"]) == ["contacts"]
    assert "several operations" in both(asked(text))[1]["errors"][0]["message"]


HTTP = {
    "no JSON": (b"{", {}, "POST", "", 400),
    "no object": (b"[]", {}, "POST", "", 400),
    "no query": (b"{}", {}, "POST", "", 400),
    "a form": (b"query=1", {"content-type": "application/x-www-form-urlencoded"}, "POST", "", 415),
    "plain text": (asked("{ customers { totalCount } }"), {"content-type": "text/plain"}, "POST", "", 415),
    "charset": (
        asked("{ customers { totalCount } }"),
        {"content-type": "Application/JSON; charset=utf-8"},
        "POST",
        "",
        200,
    ),
    "bad variables": (asked("{ __typename }", [1]), {}, "POST", "", 400),
    "bad name": (asked("{ __typename }", operationName=3), {}, "POST", "", 400),
    "too large": (b" " * 2000, {"content-length": "99999999999"}, "POST", "", 413),
    "put": (b"{}", {}, "PUT", "", 405),
    "get": (b"", {}, "GET", "query=%7B+customers+%7B+totalCount+%7D+%7D", 200),
    "get a mutation": (
        b"",
        {},
        "GET",
        "query=mutation%7BdeleteCustomer(input:%7Bid:%22cus_x%22%7D)%7BuserErrors%7Bcode%7D%7D%7D",
        405,
    ),
    "graphql json": (
        asked("{ customers { totalCount } }"),
        {"accept": "application/graphql-response+json"},
        "POST",
        "",
        200,
    ),
    "refused in graphql json": (asked("{ x }"), {"accept": "application/graphql-response+json"}, "POST", "", 400),
    "nothing of ours": (asked("{ __typename }"), {"accept": "image/png"}, "POST", "", 406),
}


@pytest.mark.parametrize(("body", "headers", "method", "query", "expected"), HTTP.values(), ids=HTTP)
def test_http_is_the_same_on_both_paths(both, body, headers, method, query, expected):
    status, answer, _ = both(body, headers, method, query)
    assert status == expected
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert (status == 200) == (not codes)


def test_what_is_kept_serves_other_values(sales):
    text = "query ($n: Int, $name: String) { customers(first: $n, where: {name: {eq: $name}}) { nodes { name } } }"
    assert sales.query(text, n=2, name="Gamma")["customers"]["nodes"] == [{"name": "Gamma"}]
    assert len(sales.query(text, n=5, name="zoo")["customers"]["nodes"]) == 2
    assert len(sales.query(text, n=1, name="zoo")["customers"]["nodes"]) == 1
    assert "-1 is outside" in sales.execute(text, n=-1, name="zoo")["errors"][0]["message"]
    assert sales.query(text, n=1, name="nobody")["customers"]["nodes"] == []


def test_an_error_below_stands_at_its_own_place_and_spares_its_siblings(sales):
    text = PLANNED["bad first below"]
    answer = sales.execute(text)
    nodes = answer["data"]["customers"]["nodes"]
    assert [node["contacts"] for node in nodes] == [None, None]
    assert all(node["name"] and node["opportunities"] for node in nodes)
    assert [error["path"] for error in answer["errors"]] == [["customers", "nodes", n, "contacts"] for n in (0, 1)]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert "5000" in answer["errors"][0]["message"]


def test_a_cursor_below_that_is_wrong_by_a_variable_is_an_error_at_its_own_place(sales):
    text = "query ($a: String) { customers(first: 1) { nodes { name contacts(after: $a) { totalCount } } } }"
    assert sales.query(text, a=None)["customers"]["nodes"][0]["contacts"] is not None
    answer = sales.execute(text, a="nonsense")
    assert answer["data"]["customers"]["nodes"][0]["contacts"] is None
    assert answer["data"]["customers"]["nodes"][0]["name"]
    assert [error["path"] for error in answer["errors"]] == [["customers", "nodes", 0, "contacts"]]


def test_a_slow_field_says_whose_it_is(sales):
    (error,) = sales.execute(PLANNED["slow python field"])["errors"]
    assert error["path"] == ["customers", "nodes", 0, "endless"]
    assert error["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "marked"}
    assert "took too long" in error["message"]


def test_answers_are_utf8(sales):
    answer = sales.post(
        asked('{ customers(where: {name: {eq: "Émile"}}) { nodes { name } } }'), {"content-type": "application/json"}
    )[2]
    assert json.loads(answer.decode())["data"]["customers"]["nodes"] == [{"name": "Émile"}]
