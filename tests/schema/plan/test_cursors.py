"""Cursors: one that was not made by the list it is handed to is refused, and never reaches the database."""

import json
import math

import pytest
from sqlalchemy import Integer, Numeric, cast, func

from guanxi import Field, Plugin, hookimpl
from tests import data

REFUSED = (
    "this cursor belongs to another list, order or filter; use it with the arguments it came from, or start without it"
)
HEAD = 12

#: A list for each kind of key: its order, and values that the first key cannot have.
LISTS = {
    "text": ("customers", "[{name: ASC}]", [None, True, 1, 1.5, [], {}, "a\0b", "\ud800"]),
    "choice": ("customers", "[{status: DESC}]", [None, True, 1.5, "active", "SOMETHING", "", []]),
    "whole": ("customers", "[{employeeCount: ASC}]", [True, 1.5, 1e300, 2**63, -(2**70), "1", [1], {}]),
    "moment": (
        "customers",
        "[{createdAt: DESC}]",
        [None, True, 1750000000, "2025-06-15", "2025-06-15T12:00:00.000", "2025-13-01T00:00:00Z", "x", []],
    ),
    "boolean": ("customers", "[{isStale: ASC}]", [None, 0, 1, "true", []]),
    "date": ("opportunities", "[{openedOn: ASC}]", [True, 20250615, "2025-02-30", "15.6.2025", "", [], {}]),
    "money": ("opportunities", "[{expectedAmount: DESC}]", [True, "10.00", 10.5, 2**64, []]),
    "small": ("customers", "[{small: ASC}]", [True, 1.5, 2**63, "1", []]),
    "number": ("customers", "[{odd: ASC}]", [True, "1.5", math.inf, -math.inf, math.nan, 2**64, []]),
    "untyped": ("customers", "[{bare: ASC}]", [True, "a\0b", math.nan, 2**64, [], {}]),
}


class Odd(Plugin):
    """Orders by expressions of other types than columns have."""

    name, version, api = "odd", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.small", lambda row: cast(row.employee_count, Integer), "A small number.", int)
        yield Field("Customer.odd", lambda row: cast(row.employee_count, Numeric), "A number.", int)
        yield Field("Customer.bare", lambda row: func.abs(row.employee_count), "A bare number.", int)


@pytest.fixture(scope="module")
def sales(module_crm):
    client = module_crm(Odd)
    data.fill(client)
    return client


def page(client, cursor, records, order, *, argument="after", where="{}"):
    """The answer of a list from a cursor on."""
    size = "first: 2" if argument == "after" else "last: 2"
    return client.execute(
        f"""query ($cursor: String) {{
            {records}({size}, {argument}: $cursor, orderBy: {order}, where: {where}) {{
                nodes {{ id }} pageInfo {{ endCursor startCursor }} }}
            stages {{ key }} }}""",
        cursor=cursor,
    )


def cursor_of(client, records, order, **more):
    return page(client, None, records, order, **more)["data"][records]["pageInfo"]["endCursor"]


def values_of(cursor):
    return json.loads(bytes.fromhex(cursor[HEAD:]))


def forged(cursor, carried):
    """The cursor with other key values."""
    return cursor[:HEAD] + json.dumps(carried).encode().hex()


def refused(answer, argument="after"):
    """Whether the answer is the error of a cursor, and nothing else."""
    found = [(error["message"], error["extensions"]) for error in answer.get("errors", [])]
    return found == [(f"{argument}: {REFUSED}", {"code": "BAD_USER_INPUT"})]


@pytest.mark.parametrize("kind", LISTS)
def test_a_cursor_goes_on_after_its_row(sales, kind):
    records, order, _ = LISTS[kind]
    whole = sales.query(f"{{ {records}(orderBy: {order}) {{ nodes {{ id }} }} }}")[records]["nodes"]
    found, cursor = [], None
    while nodes := (answer := page(sales, cursor, records, order)["data"][records])["nodes"]:
        found += nodes
        cursor = answer["pageInfo"]["endCursor"]
    assert found == whole


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("argument", ["after", "before"])
def test_a_value_that_its_key_cannot_have_is_refused(sales, kind, argument):
    records, order, wrong = LISTS[kind]
    cursor = cursor_of(sales, records, order)
    _, id = values_of(cursor)
    for value in wrong:
        answer = page(sales, forged(cursor, [value, id]), records, order, argument=argument)
        assert refused(answer, argument), (value, answer)
    for value in (None, 1, [], "\0"):
        answer = page(sales, forged(cursor, [values_of(cursor)[0], value]), records, order, argument=argument)
        assert refused(answer, argument), (value, answer)


def test_a_number_of_more_bits_than_its_column_is_a_place_in_the_list(sales):
    cursor = cursor_of(sales, "customers", "[{small: ASC}]")
    first = page(sales, None, "customers", "[{small: ASC}]")["data"]["customers"]["nodes"]
    answer = page(sales, forged(cursor, [-(2**62), ""]), "customers", "[{small: ASC}]")
    assert answer["data"]["customers"]["nodes"] == first


def test_a_moment_out_of_all_time_is_refused(sales):
    cursor = cursor_of(sales, "customers", "[{createdAt: ASC}]")
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z"):
        assert refused(page(sales, forged(cursor, [moment, values_of(cursor)[1]]), "customers", "[{createdAt: ASC}]"))


def test_missing_and_surplus_values_are_refused(sales):
    cursor = cursor_of(sales, "customers", "[{employeeCount: ASC}]")
    first, id = values_of(cursor)
    for carried in ([], [first], [id], [first, id, id], {}, {"0": first, "1": id}, id, first, None):
        assert refused(page(sales, forged(cursor, carried), "customers", "[{employeeCount: ASC}]")), carried


def test_what_is_no_cursor_at_all_is_refused(sales):
    cursor = cursor_of(sales, "customers", "[{name: ASC}]")
    head = cursor[:HEAD]
    deep = ("[" * 100_000).encode().hex()
    for junk in ("", "x", "héllo wörld", "0" * 12, head, head + "zz", head + "0", head + "ff", head + deep, cursor * 2):
        assert refused(page(sales, junk, "customers", "[{name: ASC}]")), junk[:40]
    for length in range(len(cursor)):
        assert refused(page(sales, cursor[:length], "customers", "[{name: ASC}]")), length


@pytest.mark.parametrize("kind", LISTS)
def test_a_cursor_with_one_letter_changed_is_refused_or_is_another_place_in_the_list(sales, kind):
    records, order, _ = LISTS[kind]
    cursor = cursor_of(sales, records, order)
    for place, letter in enumerate(cursor):
        for other in ("0" if letter == "f" else "f", "0123456789abcdef"[int(letter, 16) ^ 1]):
            answer = page(sales, cursor[:place] + other + cursor[place + 1 :], records, order)
            if place < HEAD or "errors" in answer:
                assert refused(answer), (place, other, answer)
            else:
                assert len(answer["data"][records]["nodes"]) <= 2


def test_a_cursor_of_another_list_order_or_filter_is_refused(sales):
    cursor = cursor_of(sales, "customers", "[{name: ASC}]")
    assert not page(sales, cursor, "customers", "[{name: ASC}]").get("errors")
    assert refused(page(sales, cursor, "contacts", "[{name: ASC}]"))
    assert refused(page(sales, cursor, "customers", "[{name: DESC}]"))
    assert refused(page(sales, cursor, "customers", "[{name: ASC_NULLS_FIRST}]"))
    assert refused(page(sales, cursor, "customers", "[{industry: ASC}]"))
    assert refused(page(sales, cursor, "customers", "[{name: ASC}]", where='{name: {eq: "Zoo"}}'))
    filtered = cursor_of(sales, "customers", "[{name: ASC}]", where='{name: {ne: "Zoo"}}')
    assert refused(page(sales, filtered, "customers", "[{name: ASC}]", where='{name: {ne: "Beta"}}'))
    assert not page(sales, filtered, "customers", "[{name: ASC}]", where='{name: {ne: "Zoo"}}').get("errors")


def test_a_cursor_of_another_installation_is_refused(sales, crm):
    cursor = cursor_of(sales, "customers", "[{name: ASC}]")
    assert refused(page(crm(), cursor, "customers", "[{name: ASC}]"))


def test_a_bad_cursor_of_a_list_in_a_list_leaves_the_rest_alone(sales):
    answer = sales.execute(
        """query ($cursor: String) { customers(first: 2, orderBy: [{name: ASC}]) {
            nodes { name contacts(after: $cursor) { nodes { name } } } } }""",
        cursor="junk",
    )
    assert [node["name"] for node in answer["data"]["customers"]["nodes"]] == ["alpha", "Beta"]
    assert [node["contacts"] for node in answer["data"]["customers"]["nodes"]] == [None, None]
    assert {error["message"] for error in answer["errors"]} == {f"after: {REFUSED}"}
    assert answer["errors"][0]["path"][:2] == ["customers", "nodes"]
