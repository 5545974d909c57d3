"""Lists of events: where they begin, which of them they show, how they are followed, and timelines of records."""

import pytest

from tests.writes import changed, made

PAGE = """query ($after: String, $types: [EventType!], $about: ID) {
  events(first: 9, after: $after, types: $types, about: $about) {
    nodes { type entityId actorName changes { field previous current } } pageInfo { endCursor hasNextPage } } }"""


@pytest.fixture
def client(crm):
    return crm()


def test_the_log_is_followed_from_now_whatever_is_filtered(client):
    customer = made(client, "Customer", name="Harbour Mills")
    now = client.query("{ events(last: 0) { nodes { id } pageInfo { endCursor } } }")["events"]
    assert now["nodes"] == []
    cursor = now["pageInfo"]["endCursor"]

    def page(after=cursor, **given):
        return client.query(PAGE, after=after, **given)["events"]

    assert page()["nodes"] == []
    assert page()["pageInfo"] == {"endCursor": cursor, "hasNextPage": False}
    changed(client, "Customer", customer["id"], name="Harbour Mill")
    made(client, "Team", name="North")
    (event,) = page(types=["CUSTOMER_UPDATED"])["nodes"]
    assert event["actorName"] == "local"
    assert {"field": "name", "previous": "Harbour Mills", "current": "Harbour Mill"} in event["changes"]
    after = page(types=["CUSTOMER_UPDATED"])["pageInfo"]["endCursor"]
    assert [event["type"] for event in page(after)["nodes"]] == ["TEAM_CREATED"]
    assert page(after, types=["CUSTOMER_UPDATED"]) == {
        "nodes": [],
        "pageInfo": {"endCursor": after, "hasNextPage": False},
    }


def test_a_page_of_the_newest_is_read_from_either_end(client):
    for name in "abc":
        made(client, "Team", name=name)
    text = """query ($before: String, $after: String) {
      last: events(last: 2, before: $before, entityTypes: ["Team"]) { nodes { id } pageInfo { startCursor } }
      first: events(first: 2, after: $after, newestFirst: true, entityTypes: ["Team"]) {
        nodes { id } pageInfo { endCursor startCursor } }
    }"""
    found = client.query(text)
    assert found["last"]["nodes"] == found["first"]["nodes"][::-1]
    assert found["last"]["pageInfo"]["startCursor"] == found["first"]["pageInfo"]["endCursor"]
    cursor = found["first"]["pageInfo"]["endCursor"]
    older = client.query(text, before=cursor, after=cursor)
    assert older["last"]["nodes"] == older["first"]["nodes"]
    assert len(older["last"]["nodes"]) == 1
    newer = "query ($before: String) { events(last: 5, before: $before, newestFirst: true) { nodes { type } } }"
    start = found["first"]["pageInfo"]["startCursor"]
    assert client.query(newer, before=start)["events"]["nodes"] == []
    (error,) = client.execute('{ events(entityTypes: ["Teams"]) { nodes { id } } }')["errors"]
    assert error["message"].startswith("entityTypes: there is no record 'Teams'")


def test_a_timeline_has_what_hangs_on_a_record(client):
    customer, other = (made(client, "Customer", name=name)["id"] for name in ("Mills", "Docks"))
    contact = made(client, "Contact", name="Ann Reed", customerId=customer)["id"]
    opportunity = made(client, "Opportunity", name="Cranes", customerId=customer)["id"]
    key_person = made(client, "OpportunityContact", opportunityId=opportunity, contactId=contact)["id"]
    for customer_id in (customer, other):
        made(client, "Task", subject="Call", customerId=customer_id)
    changed(client, "Contact", contact, name="Ann Read")
    text = """query ($id: ID!) {
      events(about: $id, first: 100) { nodes { id entityId } totalCount }
      customer(id: $id) { timeline(last: 1) { nodes { type entityId } } name
        whole: timeline(first: 100) { nodes { id entityId } } } }"""
    found = client.query(text, id=customer)
    ids = {event["entityId"] for event in found["events"]["nodes"]}
    assert {customer, contact, opportunity, key_person} < ids
    assert other not in ids
    assert found["customer"]["whole"]["nodes"] == found["events"]["nodes"]
    assert found["customer"]["timeline"]["nodes"] == [{"type": "CONTACT_UPDATED", "entityId": contact}]
    tasks = client.query(PAGE, types=["TASK_CREATED"], about=customer)["events"]["nodes"]
    assert len(tasks) == 1
