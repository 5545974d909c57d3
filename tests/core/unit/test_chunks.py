"""Batches that are written in several chunks of one transaction, and chunks that are repeated."""

from typing import ClassVar

from sqlmodel import select

from guanxi import Plugin, Reject, UserError, hookimpl
from guanxi.records import Customer
from tests.data import key, upsert


class Counting(Plugin):
    name, version, api = "counting", "1.0", ">=1,<2"

    @hookimpl
    def before_commit(self, ctx, changes):
        for record in changes.created("Customer"):
            if record.parent_id is not None:
                ctx.session.get(Customer, record.parent_id).description = f"parent of {record.name}"


def test_a_hook_may_change_what_an_earlier_chunk_of_the_transaction_wrote(crm):
    client = crm(Counting)
    # The second refers to the first, so it is written in a chunk after it.
    upsert(
        client,
        "customers",
        [
            {"externalIds": [key("c1")], "name": "Group"},
            {"externalIds": [key("c2")], "name": "Branch", "parentExternalId": key("c1")},
        ],
    )
    found = client.query(
        """{ customer(externalId: {system: "test", value: "c1"}) { description version }
            events(types: [CUSTOMER_UPDATED]) { nodes { changes { field current } } } }"""
    )
    assert found["customer"] == {"description": "parent of Branch", "version": 2}
    assert found["events"]["nodes"] == [{"changes": [{"field": "description", "current": "parent of Branch"}]}]


class Announcing(Plugin):
    name, version, api = "announcing", "1.0", ">=1,<2"
    events: ClassVar = {"CUSTOMER_WELCOMED": "A customer was greeted."}

    @hookimpl
    def before_commit(self, ctx, changes):
        ids = [record.id for record in changes.created("Customer")]
        ctx.publish_each("CUSTOMER_WELCOMED", Customer, select(Customer.id).where(Customer.id.in_(ids)))


class Refusing(Plugin):
    name, version, api = "refusing", "1.0", ">=1,<2"
    after = ("announcing",)

    @hookimpl
    def before_commit(self, ctx, changes):
        bad = [record for record in changes.created("Customer") if record.name == "Bad"]
        if bad:
            raise Reject(*(UserError("NO", "name: is bad", ("name",), record) for record in bad))


def test_what_a_refused_chunk_announced_by_a_statement_is_forgotten_with_it(crm):
    client = crm(Announcing, Refusing)
    answer = client.query(
        """mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) { created failed } }""",
        items=[{"externalIds": [key(f"c{n}")], "name": name} for n, name in enumerate(["Good", "Bad"])],
    )["upsertCustomers"]
    assert answer == {"created": 1, "failed": 1}
    found = client.query("{ events(types: [CUSTOMER_WELCOMED]) { totalCount } customers { nodes { name } } }")
    assert found == {"events": {"totalCount": 1}, "customers": {"nodes": [{"name": "Good"}]}}
