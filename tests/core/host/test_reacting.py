"""Which changes the hooks of a plugin are called for."""

import pytest

from guanxi import Action, Plugin, hookimpl

HOOKS = ["lock_keys", "validate", "questions", "before_commit"]
#: Where a session is in use, questions are asked as they come up.
JUDGING = ["lock_keys", "validate", "before_commit"]


class Choosy(Plugin):
    """Looks at customers, but not at updates of where they are."""

    name, version, api = "choosy", "1.0", ">=1,<2"
    reacts_to = ("Customer",)

    def __init__(self):
        self.called, self.asked = [], []

    def reacts(self, entity, action, names):
        self.asked.append((entity, action, names))
        return action is not Action.UPDATED or not names <= {"city", "country"}

    @hookimpl
    def lock_keys(self, changes):
        self.called.append("lock_keys")
        return []

    @hookimpl
    def validate(self, ctx, changes):
        self.called.append("validate")

    @hookimpl
    def questions(self, ctx, changes):
        self.called.append("questions")

    @hookimpl
    def before_commit(self, ctx, changes):
        self.called.append("before_commit")


@pytest.fixture
def choosy():
    return Choosy()


@pytest.fixture
def client(crm, choosy):
    return crm(choosy)


def updated(client, id, **fields):
    answer = client.query(
        "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code } } }",
        input={"id": id, **fields},
    )
    assert answer == {"updateCustomer": {"userErrors": []}}


def test_updates_that_change_nothing_else_are_left_out(client, choosy):
    ann = client.create("Customer", name="Ann")["id"]
    assert choosy.called == HOOKS
    choosy.called.clear()
    updated(client, ann, city="Riga")
    updated(client, ann, city="Oslo", country="NO")
    assert choosy.called == []
    # It is asked once for each set of names.
    updated(client, ann, city="Lund")
    assert choosy.asked.count(("Customer", Action.UPDATED, {"city"})) == 1
    updated(client, ann, city="Bern", name="Anna")
    assert choosy.called == HOOKS


def test_in_a_batch_one_that_counts_is_enough(client, choosy):
    ids = [client.create("Customer", name=name)["id"] for name in ("Ann", "Bob")]

    def upserted(city, *names):
        choosy.called.clear()
        items = [{"id": id, "name": name, "city": city} for id, name in zip(ids, names, strict=True)]
        answer = client.query(
            "mutation ($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { results { status } } }",
            input={"matchBy": "ID", "items": items},
        )
        assert answer == {"upsertCustomers": {"results": [{"status": "UPDATED"}] * 2}}

    upserted("Riga", "Ann", "Bob")
    assert choosy.called == []
    upserted("Oslo", "Ann", "Rob")
    assert choosy.called == HOOKS


def test_deletions_always_count(client, choosy):
    ann = client.create("Customer", name="Ann")["id"]
    choosy.called.clear()
    client.query("mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { userErrors { code } } }", id=ann)
    assert choosy.called == JUDGING


class Mover(Plugin):
    """Renames whoever moves."""

    name, version, api = "mover", "1.0", ">=1,<2"
    before = ("choosy",)

    @hookimpl
    def before_commit(self, ctx, changes):
        for change in changes.of("Customer", Action.UPDATED):
            change.record.name = f"{change.record.name} of {change.record.city}"


def test_what_a_plugin_before_it_changes_counts(crm, choosy):
    client = crm(choosy, Mover())
    ann = client.create("Customer", name="Ann")["id"]
    choosy.called.clear()
    updated(client, ann, city="Riga")
    assert choosy.called == ["before_commit"]
    assert client.query("{ customers { nodes { name } } }") == {"customers": {"nodes": [{"name": "Ann of Riga"}]}}


class Broken(Plugin):
    """Cannot say what it looks at."""

    name, version, api = "broken", "1.0", ">=1,<2"
    is_broken = False

    def reacts(self, entity, action, names):
        if self.is_broken:
            raise LookupError("lost")
        return True

    @hookimpl
    def validate(self, ctx, changes):
        """Finds nothing wrong."""


def test_where_it_fails_nothing_is_changed(crm):
    plugin = Broken()
    client = crm(plugin)
    ann = client.create("Customer", name="Ann")["id"]
    plugin.is_broken = True
    answer = client.execute(
        'mutation ($id: ID!) { updateCustomer(input: {id: $id, city: "Riga"}) { userErrors { code } } }', id=ann
    )
    assert answer["errors"][0]["extensions"]["code"] == "PLUGIN_ERROR"
    assert client.query("{ customers { nodes { city } } }") == {"customers": {"nodes": [{"city": None}]}}
