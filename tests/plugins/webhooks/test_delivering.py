"""What webhooks deliver: signed, what they ask for, in order for each record, as their owners may see it."""

import json
import threading
from collections import Counter

import pytest
from sqlalchemy import update

from core.background.backlog import PluginCursor
from guanxi import GuanxiError
from plugins.webhooks.courier import JOB
from tests.plugins.webhooks.receiving import World

QUERY = "query ($id: ID!) { customer(id: $id) { name owner { name } } }"


def test_a_webhook_is_told_what_it_asks_for_and_nothing_else(world):
    ada = world.user()
    world.client.create("Customer", name="Before")
    world.hook(
        ada,
        eventTypes=["CUSTOMER_CREATED", "CUSTOMER_UPDATED", "CUSTOMER_DELETED"],
        recordTypes=["Customer"],
        changedFields=["name", "ownerId"],
        condition={"name": {"startsWith": "Acme"}},
        query=QUERY,
    )
    acme = world.client.create("Customer", name="Acme", ownerId=ada)["id"]
    other = world.client.create("Customer", name="Other")["id"]
    world.client.create("Product", name="Acme")
    text = "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { code } } }"
    world.client.query(text, input={"id": acme, "website": "https://example.com"})
    world.rename("Customer", acme, "Acme Two")
    assert world.deliver() == "2 delivered, 0 failed, 1 skipped"
    first, second = world.receiver.bodies()
    assert (first["type"], first["recordId"], second["type"]) == ("CUSTOMER_CREATED", acme, "CUSTOMER_UPDATED")
    # What is read is how it is when it is delivered.
    assert first["data"] == second["data"] == {"customer": {"name": "Acme Two", "owner": {"name": "Ada"}}}
    assert {"id", "recordType", "occurredAt", "recordedAt", "sequence"} < first.keys()
    assert world.states() == [
        ("CUSTOMER_CREATED", "DELIVERED", 1, None),
        ("CUSTOMER_CREATED", "SKIPPED", 1, "the condition does not hold"),
        ("CUSTOMER_UPDATED", "DELIVERED", 1, None),
    ]
    # Whoever heard of a record hears that it is gone, whatever it was last.
    delete = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { userErrors { code } } }"
    world.client.query(delete, id=acme)
    world.deliver()
    assert (world.receiver.told()[2:], world.receiver.bodies()[2]["data"]) == (
        [("CUSTOMER_DELETED", acme)],
        {"customer": None},
    )
    assert other not in json.dumps(world.receiver.bodies())


def test_a_query_may_ask_for_what_changed_of_any_record(world):
    query = """query ($id: ID!, $event: ID!) { record: node(id: $id) { ... on Product { name } }
        event: node(id: $event) { ... on Event { changes { field current } } } }"""
    world.hook(world.user(), eventTypes=["PRODUCT_CREATED"], query=query)
    world.client.create("Product", name="Lift")
    world.deliver()
    assert world.receiver.bodies()[0]["data"] == {
        "record": {"name": "Lift"},
        "event": {"changes": [{"field": "name", "current": "Lift"}]},
    }


def test_the_events_of_a_record_wait_for_each_other_and_for_no_other(world):
    world.hook(world.user(), eventTypes=["CUSTOMER_CREATED", "CUSTOMER_UPDATED"])
    bad, good = (world.client.create("Customer", name=name)["id"] for name in ("Bad", "Good"))
    for name in ("Two", "Three"):
        world.rename("Customer", bad, f"Bad {name}")
        world.rename("Customer", good, f"Good {name}")
    world.receiver.answer = lambda received: 500 if bad.encode() in received.body else 204
    assert world.deliver() == "3 delivered, 1 failed, 0 skipped"
    assert [id for _, id in world.receiver.told()].count(bad) == 1
    # Nothing is due before the pause is over, and then the job runs by itself.
    planned = world.client.run(world.client.app.jobs.planned())
    (due_at,) = [one.row.due_at for one in planned if one.job.name == JOB]
    assert 15 < (due_at - world.clock.now()).total_seconds() < 25
    world.receiver.reset()
    assert world.deliver() == "0 delivered, 0 failed, 0 skipped"
    world.wait(80)
    assert world.deliver() == "3 delivered, 0 failed, 0 skipped"
    assert world.receiver.told() == [("CUSTOMER_CREATED", bad), *[("CUSTOMER_UPDATED", bad)] * 2]
    sequences = [one["sequence"] for one in world.receiver.bodies()]
    assert sequences == sorted(sequences)
    assert [state for state in world.states() if state[2] == 2] == [("CUSTOMER_CREATED", "DELIVERED", 2, None)]


def test_several_records_are_under_way_at_once_but_each_only_once(crm, clock, receiver):
    world = World(crm, clock, receiver, at_once=2)
    world.hook(world.user(), eventTypes=["CUSTOMER_CREATED", "CUSTOMER_UPDATED"])
    for name in ("One", "Two"):
        world.rename("Customer", world.client.create("Customer", name=name)["id"], f"{name} again")
    both, under_way, most = threading.Barrier(2, timeout=10), Counter(), Counter()

    def answer(received):
        id = json.loads(received.body)["recordId"]
        under_way[id] += 1
        most[id] = max(most[id], under_way[id])
        # The first of each record meet here, so they are under way together.
        if len(world.receiver.received) <= 2:
            both.wait()
        under_way[id] -= 1
        return 204

    receiver.answer = answer
    assert world.deliver() == "4 delivered, 0 failed, 0 skipped"
    assert set(most.values()) == {1}


def test_a_receiver_that_does_not_answer_is_left_and_tried_again(crm, clock, receiver):
    world = World(crm, clock, receiver, timeout_seconds=1)
    world.hook(world.user(), eventTypes=["CUSTOMER_CREATED"])
    world.client.create("Customer", name="One")
    released = threading.Event()
    receiver.answer = lambda received: released.wait(60) and 204
    # Where the app has begun by itself, this ends before that attempt does.
    world.deliver()
    while not world.log()[0]["attempts"]:
        world.deliver()
    assert world.states() == [("CUSTOMER_CREATED", "PENDING", 1, "there was no response within 1 seconds")]
    released.set()
    receiver.answer = lambda received: 204
    world.wait(60)
    while world.log()[0]["attempts"] == 1:
        world.deliver()
    assert world.states() == [("CUSTOMER_CREATED", "DELIVERED", 2, None)]


def test_another_server_goes_on_where_one_died(crm, clock, receiver, monkeypatch):
    world = World(crm, clock, receiver)
    world.hook(world.user(), eventTypes=["CUSTOMER_CREATED"])
    first = world.client.create("Customer", name="First")["id"]
    world.client.deliver()
    with monkeypatch.context() as dying:
        # It dies between the receiver's answer and writing that down.
        dying.setattr("plugins.webhooks.courier.settle", lambda ctx, attempts: attempts and 1 / 0)
        with pytest.raises(GuanxiError, match="division by zero"):
            world.client.run_job(JOB)
    assert len(receiver.received) == 1
    again = World(crm, clock, receiver, url=world.client.app.settings.database_url)
    second = again.client.create("Customer", name="Second")["id"]
    assert again.deliver() == "2 delivered, 0 failed, 0 skipped"
    # What was perhaps received is sent again, by the same id; nothing is left out.
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert (ids[0] in ids[1:], len(ids), len(set(ids))) == (True, 3, 2)
    assert sorted(id for _, id in receiver.told()) == [first, first, second]
    # Nor is anything entered twice, if its events are heard twice.
    database = again.client.app.database
    again.client.run(database.in_session(lambda session: session.execute(update(PluginCursor).values(sequence=0))))
    again.client.deliver()
    assert len(again.log()) == 2
    assert again.client.run(again.client.app.delivery.states())["webhooks"].backlog == 0


def test_what_fails_for_too_long_is_given_up_and_can_be_delivered_again(crm, clock, receiver):
    world = World(crm, clock, receiver, retry_hours=1, longest_retry_seconds=3600)
    hook, _ = world.hook(world.user(), eventTypes=["CUSTOMER_CREATED", "CUSTOMER_UPDATED"])
    id = world.client.create("Customer", name="One")["id"]
    world.rename("Customer", id, "Two")
    receiver.answer = lambda received: (302, {"location": receiver.url(path="/elsewhere")})
    for _ in range(8):
        world.deliver()
        world.wait(1800)
        receiver.answer = lambda received: 500 if b"CREATED" in received.body else 204
        if len(receiver.received) == 1:
            # It was not followed.
            assert world.states()[0][3] == "redirects are not followed; change the url"
    created, updated = world.log()
    assert (created["status"], created["responseStatus"], created["problem"]) == (
        "FAILED",
        500,
        "the receiver answered 500",
    )
    assert (updated["status"], {one.path for one in receiver.received}) == ("DELIVERED", {"/hook"})
    tries = len(receiver.received)
    receiver.reset()
    payload = world.change("redeliverWebhookDeliveries", "deliveries { id status }", webhookId=hook)
    assert payload["deliveries"] == [{"id": created["id"], "status": "PENDING"}]
    world.deliver()
    assert [one.headers["webhook-id"] for one in receiver.received] == [created["id"]]
    assert world.log()[0]["attempts"] == tries
    # The delivered one as well, if it is named.
    payload = world.change("redeliverWebhookDeliveries", "deliveries { id }", ids=[updated["id"]])
    world.deliver()
    assert receiver.told() == [("CUSTOMER_CREATED", id), ("CUSTOMER_UPDATED", id)]
    assert world.change("redeliverWebhookDeliveries", ids=["whd_none"])["userErrors"] == [
        {"code": "NOT_FOUND", "field": ["ids"]}
    ]
    world.wait(40 * 86_400)
    assert world.client.run_job("webhook_log") == "2 deliveries removed"


def test_a_webhook_that_fails_is_slowed_down_and_then_paused_and_goes_on_when_it_is_enabled(crm, clock, receiver):
    world = World(crm, clock, receiver, pause_after_failures=7)
    hook, _ = world.hook(world.user(), eventTypes=["CUSTOMER_CREATED"])
    ids = [world.client.create("Customer", name=f"Customer {number}")["id"] for number in range(9)]
    receiver.answer = lambda received: 503
    tries = []
    for _ in range(7):
        world.deliver()
        tries.append(len(receiver.received))
        receiver.received.clear()
        world.wait(3600)
    # Once it is taken to be down, no more than are under way, and then one at a time tries it.
    assert tries == [9, 9, 9, 9, 8, 1, 1]
    found = world.webhook(hook)
    assert (found["status"], found["failures"], found["pausedBecause"]) == ("PAUSED", 7, "7 failures in a row")
    (event,) = world.client.query("{ events(types: [WEBHOOK_PAUSED]) { nodes { entityId data } } }")["events"]["nodes"]
    assert event == {"entityId": hook, "data": {"reason": "7 failures in a row"}}
    # Only a ping gets through now, tried once.
    ping = world.change("testWebhook", "delivery { id status }", id=hook)["delivery"]
    receiver.answer = lambda received: 204
    assert world.deliver() == "1 delivered, 0 failed, 0 skipped"
    assert receiver.told() == [("PING", hook)]
    assert world.log()[0]["id"] == ping["id"]
    receiver.reset()
    world.change("updateWebhook", "webhook { id }", id=hook, status="ENABLED")
    assert world.deliver() == "9 delivered, 0 failed, 0 skipped"
    assert {id for _, id in receiver.told()} == {*ids}
    # A receiver that wants no more is asked no more.
    world.client.create("Customer", name="Last")
    receiver.answer = lambda received: 410
    world.deliver()
    assert world.webhook(hook)["pausedBecause"] == "the receiver answered 410: it wants no more"
    world.change("deleteWebhook", id=hook)
    assert world.log() == []


def test_the_owner_s_rights_hold_when_it_is_delivered(world):
    owner = world.user("Bob", "ACCOUNT_MANAGER")
    role = world.client.create("Role", role="ACCOUNT_MANAGER", permissions=[])["id"]
    text = "mutation ($input: UpdateRoleInput!) { updateRole(input: $input) { userErrors { code message } } }"

    def may(*permissions):
        answer = world.client.query(text, input={"id": role, "permissions": list(permissions)})
        assert answer["updateRole"]["userErrors"] == []

    asked = {
        "eventTypes": ["CONTACT_CREATED", "CONTACT_UPDATED"],
        "recordTypes": ["Contact"],
        "query": "query ($id: ID!) { contact(id: $id) { name email } }",
    }
    # What he could never be sent is refused at once, in the field that asks for it.
    for permissions, query, field in (
        (("Contact.read:own", "personal"), asked["query"], "ownerId"),
        (("Customer.read", "webhooks.manage"), asked["query"], "recordTypes"),
        (("Contact.read:own", "webhooks.manage"), "{ customers { nodes { name } } }", "query"),
    ):
        may(*permissions)
        (error,) = world.asked({"ownerId": owner}, **{**asked, "query": query})["userErrors"]
        assert (error["code"], error["field"], owner in error["message"]) == ("FORBIDDEN", [field], True), error
    hook, _ = world.hook(owner, **asked)
    customers = [world.client.create("Customer", name="C", ownerId=one)["id"] for one in (owner, None)]
    own, _ = (
        world.client.create("Contact", name="Cleo", email="cleo@example.com", customerId=one)["id"] for one in customers
    )
    world.deliver()
    # What belongs to others is not there for him, and without the permission nobody is sent personal data.
    (_, status, _, refused), skipped = world.states()
    assert (status, "personal" in refused, world.receiver.received) == ("PENDING", True, [])
    assert skipped[1:] == ("SKIPPED", 1, "the owner may not see the record, or not any longer")
    may("Contact.read:own", "webhooks.manage", "personal")
    world.wait(90)
    world.deliver()
    assert world.receiver.bodies()[0]["data"] == {"contact": {"name": "Cleo", "email": "cleo@example.com"}}
    # Who may no longer manage webhooks, or is no longer there, delivers nothing.
    may("Contact.read:own", "personal")
    world.rename("Contact", own, "Cleo Two")
    world.deliver()
    assert "you may not see any" in world.webhook(hook)["pausedBecause"]
    refused = world.change("updateWebhook", id=hook, status="ENABLED")
    assert refused["userErrors"] == [{"code": "FORBIDDEN", "field": ["ownerId"]}]
    assert world.change("updateWebhook", id=hook, description="Bob's")["userErrors"] == []
    may("Contact.read:own", "webhooks.manage", "personal")
    world.change("updateWebhook", id=hook, status="ENABLED")
    retire = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { userErrors { code } } }"
    world.client.query(retire, input={"id": owner, "isActive": False})
    world.deliver()
    found = world.webhook(hook)
    assert (found["status"], "there is no active user" in found["pausedBecause"]) == ("PAUSED", True)
    assert len(world.receiver.received) == 1
    # An administrator takes it over, and nothing was lost.
    world.change("updateWebhook", id=hook, status="ENABLED", ownerId=world.user())
    world.deliver()
    assert world.receiver.told()[1:] == [("CONTACT_UPDATED", own)]
