"""Warnings that only what is written shows: `before_commit` returns them, on every path; errors are raised."""

import pytest

from guanxi import Facet, Field, Plugin, Reject, UserError, hookimpl
from tests import data
from tests.writes import changed, made, payload, upserted


class Length(Facet, of="Customer", plugin="lengths"):
    letters: int = 0


class Lengths(Plugin):
    """Warns of long names once they are written, refuses very long ones, and returns an error where that is wrong."""

    name, version, api = "lengths", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.letters", Length.letters, "Letters of its name.")

    @hookimpl
    def before_commit(self, ctx, changes):
        for change in changes.of("Customer"):
            one = change.record
            ctx.facet(Length, one.id).letters = len(one.name)
            (found,) = ctx.query(
                "query ($id: ID!) { customers(where: {id: {eq: $id}}) { nodes { name } } }", {"id": one.id}
            )["customers"]["nodes"]
            if len(found["name"]) > 20:
                raise Reject(UserError("TOO_LONG", "name: too long", ("name",), one))
            if len(found["name"]) > 10:
                yield UserError("LONG", "name: long", ("name",), one, warning=found["name"] != "Wrong wrong")


@pytest.fixture
def client(crm):
    return crm(Lengths)


def told(answer):
    return [(error["code"], error["field"], error["plugin"]) for error in answer["warnings"]]


def test_warnings_of_before_commit_reach_the_row_they_name(client):
    id = made(client, "Customer", name="Short")["id"]
    long = payload(client, "update", "Customer", id=id, name="Rather long name")
    assert told(long) == [("LONG", ["name"], "lengths")]
    assert told(payload(client, "update", "Customer", id=id, name="Rather long names", dryRun=True)) == told(long)
    rows = [{"externalIds": [data.key(name)], "name": name} for name in ("Brief", "Not so brief", "x" * 21)]
    done = upserted(client, "customers", rows)
    assert [(row["status"], told(row)) for row in done["results"]] == [
        ("CREATED", []),
        ("CREATED", told(long)),
        ("FAILED", []),
    ]
    assert changed(client, "Customer", id, "letters", name="Short again") == {"letters": 11}


def test_an_error_that_is_returned_is_the_plugin_s_fault(client):
    answer = client.execute('mutation { createCustomer(input: {name: "Wrong wrong"}) { userErrors { code } } }')
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["plugin"]) == ("PLUGIN_ERROR", "lengths")
    assert client.query("{ customersAggregate { count } }") == {"customersAggregate": {"count": 0}}
