"""Subscriptions: who is told what, by which protocol, and when no longer."""

import asyncio
import json
import signal

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

from core.base.actors import Actor, ActorKind, Reach
from schema.serve.live import outbox, websocket
from schema.serve.live.id_set import IdSet
from tests.guanxi.cli.test_serve_command import ask, serving
from tests.keys import administrator, create_key
from tests.operating import executed
from tests.snippets import snippets
from tests.sockets import socket

CREATE = "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } userErrors { message } } }"
RENAME = """mutation ($id: ID!, $name: String!) { updateCustomer(input: {id: $id, name: $name}) {
    userErrors { message } } }"""
CHANGES = """subscription ($where: CustomerWhere, $after: String) {
    customersChanged(where: $where, after: $after) { change recordId cursor record { name } } }"""
EVENTS = """subscription (
    $after: String, $types: [EventType!], $entityTypes: [String!], $entity: ID, $about: ID
  ) {
    events(after: $after, types: $types, entityTypes: $entityTypes, entity: $entity, about: $about) {
        cursor node { type entityId } } }"""
(CURL,) = snippets("docs/live.md", "sh")
BEGINS_WITH_A = {"name": {"startsWith": "A"}}


async def created(app, name):
    made = (await executed(app, CREATE, {"name": name}))["createCustomer"]["customer"]["id"]
    # Who subscribes from now on is not told of it.
    await app.publisher.publish()
    return made


async def renamed(app, id, name):
    await executed(app, RENAME, {"id": id, "name": name})


async def changes(heard, number):
    """Some changes that are heard, in short."""
    found = [(await heard.data())["customersChanged"] for _ in range(number)]
    return [(one["change"], one["recordId"], one["record"] and one["record"]["name"]) for one in found]


def test_a_subscriber_hears_what_enters_changes_and_leaves_its_filter(crm):
    client = crm()

    async def live(app):
        ann = await created(app, "Ann")
        async with socket(app) as heard:
            heard.subscribe("1", CHANGES, where=BEGINS_WITH_A)
            await heard.settle()
            bea = await created(app, "Bea")
            await renamed(app, ann, "Anna")
            assert await changes(heard, 1) == [("CHANGED", ann, "Anna")]
            await renamed(app, bea, "Abby")
            assert await changes(heard, 1) == [("ENTERED", bea, "Abby")]
            await renamed(app, ann, "Hanna")
            assert await changes(heard, 1) == [("LEFT", ann, None)]
            await executed(app, "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedId } }", {"id": bea})
            assert await changes(heard, 1) == [("LEFT", bea, None)]
            heard.say("complete", id="1")
            await created(app, "Abel")
            heard.subscribe("2", "{ customers { totalCount } }")
            assert (await heard.data()) == {"customers": {"totalCount": 2}}

    client.run(live(client.app))


def test_who_asks_the_same_shares_one_statement(crm, monkeypatch):
    client = crm()
    reader = client.app.services.reader
    plain, asked = type(reader).fetch, []

    async def counted(self, sql, values):
        if "FROM event_batch" not in sql:
            asked.append(sql)
        return await plain(self, sql, values)

    async def live(app):
        ann = await created(app, "Ann")
        async with socket(app) as one, socket(app) as two:
            for key, where in enumerate([None, BEGINS_WITH_A, {"name": {"startsWith": "B"}}] * 3):
                for heard in (one, two):
                    heard.subscribe(str(key), CHANGES, where=where)
                    heard.subscribe(f"contacts {key}", "subscription { contactsChanged { recordId } }")
            await one.settle()
            await two.settle()
            assert len(app.subscriptions.groups) == 4
            # Its statements are those of the groups of its type, whoever is in them.
            monkeypatch.setattr(type(reader), "fetch", counted)
            await renamed(app, ann, "Anna")
            for heard in (one, two):
                assert len(await changes(heard, 6)) == 6
        assert len(asked) == 3
        assert app.subscriptions.count == len(app.subscriptions.groups) == 0

    client.run(live(client.app))


def test_the_events_about_a_record_are_those_of_what_refers_to_it_too(crm):
    client = crm()

    async def live(app):
        ann, bea = await created(app, "Ann"), await created(app, "Bea")
        add = 'mutation ($of: ID!) { createContact(input: {customerId: $of, name: "Carl"}) { contact { id } } }'
        async with socket(app) as heard:
            heard.subscribe("1", EVENTS, about=ann)
            heard.subscribe("2", EVENTS, about=bea, types=["CUSTOMER_UPDATED"])
            await heard.settle()
            contacts = []
            for customer in (bea, ann):
                contacts.append((await executed(app, add, {"of": customer}))["createContact"]["contact"]["id"])
                await renamed(app, customer, "New name")
            said = [await heard.hear() for _ in range(3)]
            told = [(one["id"], one["payload"]["data"]["events"]["node"]["entityId"]) for one in said]
            assert sorted(told, key=lambda one: one[0]) == [("1", contacts[1]), ("1", ann), ("2", bea)]

    client.run(live(client.app))


def test_events_and_changes_are_resumed_by_cursor(crm):
    client = crm()

    async def live(app):
        ann, bea = await created(app, "Ann"), await created(app, "Bea")
        async with socket(app) as heard:
            heard.subscribe("1", EVENTS, entity=ann)
            heard.subscribe("2", CHANGES, where=BEGINS_WITH_A)
            await heard.settle()
            await renamed(app, ann, "Anna")
            said = [await heard.hear(), await heard.hear()]
            event, change = (one["payload"]["data"] for one in sorted(said, key=lambda one: one["id"]))
        await renamed(app, bea, "Abby")
        await renamed(app, ann, "Hanna")
        carl = await created(app, "Adam")
        await app.publisher.publish()
        async with socket(app) as heard:
            heard.subscribe("1", EVENTS, after=event["events"]["cursor"], types=["CUSTOMER_UPDATED"])
            missed = await heard.settle()
            assert [one["events"]["node"]["entityId"] for one in missed] == [bea, ann]
            heard.subscribe("3", EVENTS, after=event["events"]["cursor"], entityTypes=["Customer", "Team"], entity=bea)
            assert [one["events"]["node"]["entityId"] for one in await heard.settle()] == [bea]
            heard.subscribe("4", EVENTS, after=event["events"]["cursor"], entityTypes=["Team"])
            assert await heard.settle() == []
            heard.subscribe("6", EVENTS, after=event["events"]["cursor"], entityTypes=["Customer"])
            assert [one["events"]["node"]["entityId"] for one in await heard.settle()] == [bea, ann, carl]
            heard.say("complete", id="6")
            heard.subscribe("5", EVENTS, entityTypes=["Nope"])
            assert "there is no record 'Nope'" in (await heard.hear())["payload"][0]["message"]
            heard.say("complete", id="3")
            heard.subscribe("2", CHANGES, where=BEGINS_WITH_A, after=change["customersChanged"]["cursor"])
            assert await changes(heard, 3) == [("CHANGED", bea, "Abby"), ("LEFT", ann, None), ("ENTERED", carl, "Adam")]
            heard.say("complete", id="1")
            await renamed(app, carl, "Ada")
            assert await changes(heard, 1) == [("CHANGED", carl, "Ada")]
        cursor = event["events"]["cursor"]
        listed = await executed(
            app, "query ($after: String) { events(after: $after) { nodes { entityId } } }", {"after": cursor}
        )
        assert [node["entityId"] for node in listed["events"]["nodes"]][:2] == [bea, ann]

    client.run(live(client.app))


def test_rows_and_permissions_hold_and_lost_scope_ends_a_subscription(crm):
    client = crm()
    user = client.create("User", name="Uma", email="uma@example.com")["id"]
    own = frozenset({"Customer.read:own", "Customer.create:own", "Customer.change:own"})
    uma = Actor(user, ActorKind.USER, permissions=own, reach=Reach(own=(user,)))

    async def live(app):
        hidden = await created(app, "Hidden")
        async with socket(app, actor=uma) as heard:
            heard.subscribe("1", CHANGES)
            heard.subscribe("2", EVENTS)
            heard.subscribe("3", "subscription { contactsChanged { recordId } }")
            assert (await heard.hear())["payload"][0]["extensions"]["code"] == "FORBIDDEN"
            give = "mutation ($id: ID!, $to: ID) { updateCustomer(input: {id: $id, ownerId: $to}) { userErrors { message } } }"
            await executed(app, give, {"id": hidden, "to": user})
            said = {one["id"]: one["payload"]["data"] for one in [await heard.hear(), await heard.hear()]}
            assert said["1"]["customersChanged"]["change"] == "ENTERED"
            assert said["2"]["events"]["node"]["type"] == "CUSTOMER_UPDATED"
            (subscriber,) = app.subscriptions.subscribers
            narrowed = Actor(user, ActorKind.USER, permissions=own - {"Customer.read:own"} | {"Team.read:all"})

            async def verify():
                return narrowed

            subscriber.verify = verify
            await app.subscriptions.verify()
            ended = [await heard.hear(), await heard.hear()]
            assert [one["type"] for one in ended] == ["error", "error"]
            assert {one["payload"][0]["extensions"]["code"] for one in ended} == {"FORBIDDEN"}
            assert app.subscriptions.count == 0

    client.run(live(client.app))


def test_a_revoked_key_ends_its_connection(crm):
    client = crm(subscriptions_at_once=2)
    boss = administrator(client)
    key = create_key(boss)

    async def begin(app, heard):
        for name in ("1", "2", "3"):
            heard.subscribe(name, CHANGES)
        said = await heard.hear()
        assert said["id"] == "3" and said["payload"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"

    async def live(app):
        async with socket(app, credential=key["secret"]) as heard, socket(app, init=False) as stranger:
            stranger.say("connection_init", payload={"authorization": "Bearer nothing"})
            assert await stranger.hear() == 4403
            await begin(app, heard)
            revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { message } } }"
            assert (await executed(app, revoke, {"id": key["id"]}))["revokeApiKey"]["userErrors"] == []
            # As it is done every four seconds.
            await app.subscriptions.verify()
            assert await heard.hear() == 4401

    client.run(live(client.app))


def test_what_breaks_the_protocol_is_closed_with_its_code(crm, monkeypatch):
    client = crm()

    async def code(app, *texts, **options):
        async with socket(app, **options) as heard:
            for text in texts:
                heard.send(text if isinstance(text, str) else json.dumps(text))
            while isinstance(said := await heard.hear(), dict):
                assert said["type"] in ("next", "pong", "complete")
            return said

    async def live(app):
        subscribe = {"type": "subscribe", "id": "1", "payload": {"query": CHANGES}}
        assert await code(app, "{") == 4400
        assert await code(app, {"type": "start"}) == 4400
        assert await code(app, {**subscribe, "payload": {}}) == 4400
        assert await code(app, subscribe, init=False) == 4401
        assert await code(app, subprotocols=["graphql-ws"], init=False) == 4406
        assert await code(app, subscribe, {"type": "ping"}, subscribe) == 4409
        assert await code(app, {"type": "connection_init"}) == 4429
        monkeypatch.setattr(websocket, "_INIT_SECONDS", 0.01)
        assert await code(app, init=False) == 4408
        with pytest.raises(AssertionError, match="websocket"):
            await code(app, headers={"origin": "https://elsewhere.example"})

    client.run(live(client.app))


def test_a_slow_reader_is_cut_and_resumes(crm, monkeypatch):
    monkeypatch.setattr(outbox, "_MOST_PARCELS", 5)
    client = crm()

    async def live(app):
        async with socket(app) as quick, socket(app) as slow:
            for heard in (quick, slow):
                heard.subscribe("1", EVENTS, types=["CUSTOMER_CREATED"])
                await heard.settle()
            slow.reads.clear()
            ids = []
            for number in range(9):
                ids.append(await created(app, f"Customer {number}"))
                assert (await quick.data())["events"]["node"]["entityId"] == ids[-1]
            slow.reads.set()
            told = []
            while isinstance(said := await slow.hear(), dict):
                told.append(said["payload"]["data"]["events"])
            assert said == 1013
            assert len(told) < 6
        async with socket(app) as again:
            again.subscribe("1", EVENTS, types=["CUSTOMER_CREATED"], after=told[-1]["cursor"])
            missed = [(await again.data())["events"]["node"]["entityId"] for _ in ids[len(told) :]]
        assert [one["node"]["entityId"] for one in told] + missed == ids

    client.run(live(client.app))


def test_a_set_of_ids_is_a_set_of_ids():
    ids = [f"cus_{number}" for number in range(5000)]
    found = IdSet(ids[:3000])
    for id in ids[1000:2000]:
        found.discard(id)
    for id in ids[2500:]:
        found.add(id)
    found.discard("cus_none")
    assert [id for id in ids if id in found] == ids[:1000] + ids[2000:]


def test_what_the_page_shows_begins(crm):
    client = crm()

    async def live(app):
        async with socket(app) as heard:
            for number, asked in enumerate(snippets("docs/live.md", "graphql")):
                heard.subscribe(str(number), asked)
            assert await heard.settle() == []
            assert app.subscriptions.count == number + 1

    client.run(live(client.app))


def test_what_another_process_writes_is_heard(crm, databases):
    url = databases.fresh()
    client, other = crm(url=url), crm(url=url)

    async def live(app):
        async with socket(app) as heard:
            heard.subscribe("1", CHANGES)
            await heard.settle()
            ann = await asyncio.to_thread(other.create, "Customer", name="Ann")
            assert await changes(heard, 1) == [("ENTERED", ann["id"], "Ann")]

    client.run(live(client.app))


def test_clients_of_the_protocols_hear_and_are_told_when_the_server_stops(databases):
    create = 'mutation { createCustomer(input: {name: "Ann"}) { userErrors { message } } }'
    asked = gql(CHANGES)
    asked.variable_values = {"where": BEGINS_WITH_A}
    with serving(databases.installed()) as (process, address):

        async def live():
            protocol = WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL
            transport = WebsocketsTransport(address.replace("http", "ws"), subprotocols=[protocol])
            async with asyncio.timeout(60), Client(transport=transport) as session:
                heard = session.subscribe(asked)
                first = asyncio.ensure_future(anext(heard))
                connection = transport.adapter.websocket
                stream = await asyncio.create_subprocess_shell(
                    CURL.replace("http://127.0.0.1:8000/graphql", address), stdout=asyncio.subprocess.PIPE
                )
                assert await stream.stdout.readline() == b":\n"
                # It was asked later on the same connection.
                assert await session.execute(gql("{ customers { totalCount } }")) == {"customers": {"totalCount": 0}}
                await asyncio.to_thread(ask, address, create)
                assert (await first)["customersChanged"]["record"] == {"name": "Ann"}
                lines = [await stream.stdout.readline() for _ in range(3)]
                assert lines[1:] == [
                    b"event: next\n",
                    b'data: {"data":{"customersChanged":{"record":{"name":"Ann"}}}}\n',
                ]
                process.send_signal(signal.SIGTERM)
                with pytest.raises(TransportError):
                    await anext(heard)
                assert (await stream.stdout.read()).split() == [b"event:", b"complete", b"data:"]
                assert await stream.wait() == 0
                assert connection.close_code == 1001

        asyncio.run(live())
        assert process.wait(20) == 0
