"""Interactions and tasks (K12, O27, O30)."""

from datetime import UTC, datetime

import pytest

from core.base.ids import new_id
from guanxi import FixedClock
from tests.writes import changed, done, made, read, refusal

NOW = "2025-06-15T12:00:00.000Z"


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(clock=FixedClock(datetime(2025, 6, 15, 12, tzinfo=UTC)))


def talked(client, customer: str, at: str) -> str:
    return made(client, "Interaction", customerId=customer, channel="VISIT", summary="Visited.", occurredAt=at)["id"]


def logged(client, ask: str = "id", **given) -> dict:
    return client.query(
        f"""mutation ($input: LogInteractionInput!) {{ logInteraction(input: $input) {{
            interaction {{ {ask} }} task {{ id subject assigneeId customerId contactId opportunityId interactionId
                dueOn remindAt status }} userErrors {{ code message field }} }} }}""",
        input={"channel": "PHONE", "summary": "Called.", **given},
    )["logInteraction"]


def last_contact(client, customer: str) -> str | None:
    found = read(client, "Customer", customer, "lastInteractionAt")
    assert found is not None
    return found["lastInteractionAt"]


# K12


def test_k12_a_customer_knows_its_latest_interaction(client):
    customer = made(client, "Customer", name="Acme")["id"]
    assert last_contact(client, customer) is None
    later = talked(client, customer, "2025-06-05T10:00:00Z")
    talked(client, customer, "2025-06-01T10:00:00Z")
    assert last_contact(client, customer) == "2025-06-05T10:00:00.000Z"
    done(client, "delete", "Interaction", later)
    assert last_contact(client, customer) == "2025-06-01T10:00:00.000Z"
    done(client, "restore", "Interaction", later)
    assert last_contact(client, customer) == "2025-06-05T10:00:00.000Z"
    done(client, "destroy", "Interaction", later)
    assert last_contact(client, customer) == "2025-06-01T10:00:00.000Z"


def test_k12_an_interaction_that_passes_to_another_customer_counts_there(client):
    one, other = (made(client, "Customer", name=name)["id"] for name in ("One", "Other"))
    id = talked(client, one, "2025-06-05T10:00:00Z")
    changed(client, "Interaction", id, customerId=other)
    assert last_contact(client, one) is None
    assert last_contact(client, other) == "2025-06-05T10:00:00.000Z"


def test_k12_interactions_come_newest_first(client):
    customer = made(client, "Customer", name="Acme")["id"]
    for day in (3, 9, 6):
        talked(client, customer, f"2025-06-0{day}T10:00:00Z")
    found = client.query(
        "query ($id: ID!) { interactions(where: {customer: {id: {eq: $id}}}) { nodes { occurredAt } } }", id=customer
    )
    assert [node["occurredAt"][8:10] for node in found["interactions"]["nodes"]] == ["09", "06", "03"]


def test_k12_without_a_moment_it_took_place_now(client):
    assert logged(client, "occurredAt direction")["interaction"] == {"occurredAt": NOW, "direction": "OUTBOUND"}
    id = made(client, "Interaction", channel="PHONE", summary="Called.")["id"]
    assert refusal(client, "update", "Interaction", id=id, occurredAt=None)["code"] == "REQUIRED"


def test_k12_what_was_said_is_not_empty(client):
    assert logged(client, summary=" ")["userErrors"][0] == {
        "code": "INVALID",
        "field": ["summary"],
        "message": "summary: it must not be empty; give a text",
    }


def test_k12_the_customer_is_that_of_the_opportunity_else_of_the_contact_unless_it_is_said(client):
    one, other, third = (made(client, "Customer", name=name)["id"] for name in ("One", "Other", "Third"))
    contact = made(client, "Contact", name="Con", customerId=one)["id"]
    deal = made(client, "Opportunity", name="Deal", customerId=other)["id"]
    rumour = made(client, "Opportunity", name="Rumour")["id"]
    ask = "customerId contactId opportunityId"
    assert logged(client, ask, contactId=contact)["interaction"]["customerId"] == one
    free = made(client, "Contact", name="Free")["id"]
    assert logged(client, ask, contactId=free, opportunityId=deal)["interaction"]["customerId"] == other
    assert logged(client, ask, contactId=contact, opportunityId=rumour)["interaction"]["customerId"] == one
    assert logged(client, ask, contactId=free, customerId=third)["interaction"]["customerId"] == third
    assert logged(client, ask)["interaction"]["customerId"] is None
    assert last_contact(client, one) == NOW


def test_k12_a_contact_of_a_deleted_customer_can_still_be_spoken_to(client):
    customer = made(client, "Customer", name="Gone")["id"]
    contact = made(client, "Contact", name="Con", customerId=customer)["id"]
    done(client, "delete", "Customer", customer)
    answer = logged(client, "customerId contactId", contactId=contact)
    assert answer["userErrors"] == []
    assert answer["interaction"] == {"customerId": None, "contactId": contact}


def test_o27_a_follow_up_task_belongs_to_who_took_part_and_to_what_it_was_about(client):
    user = made(client, "User", name="Ann")["id"]
    customer = made(client, "Customer", name="Acme")["id"]
    contact = made(client, "Contact", name="Con", customerId=customer)["id"]
    answer = logged(
        client,
        contactId=contact,
        userId=user,
        followUp={"subject": "Send the offer", "dueOn": "2025-06-20", "remindAt": "2025-06-19T08:00:00Z"},
    )
    task = answer["task"]
    del task["id"]
    assert task == {
        "subject": "Send the offer",
        "assigneeId": user,
        "customerId": customer,
        "contactId": contact,
        "opportunityId": None,
        "interactionId": answer["interaction"]["id"],
        "dueOn": "2025-06-20",
        "remindAt": "2025-06-19T08:00:00.000Z",
        "status": "OPEN",
    }


def test_o27_a_follow_up_that_cannot_be_leaves_no_interaction_behind(client):
    customer = made(client, "Customer", name="Acme")["id"]
    nobody = new_id("usr")
    answer = logged(client, customerId=customer, followUp={"subject": "Send it", "assigneeId": nobody})
    assert answer["interaction"] is answer["task"] is None
    assert answer["userErrors"] == [
        {
            "code": "NOT_FOUND",
            "field": ["followUp", "assigneeId"],
            "message": f"assigneeId: there is no user {nobody!r}; give the id of an existing one",
        }
    ]
    assert read(client, "Customer", customer, "interactions { totalCount } lastInteractionAt") == {
        "interactions": {"totalCount": 0},
        "lastInteractionAt": None,
    }


# O30


def completed(client, id: str, ask: str = "status completedAt outcome version", **given) -> dict:
    return client.query(
        f"""mutation ($input: CompleteTaskInput!) {{ completeTask(input: $input) {{
            task {{ {ask} }} userErrors {{ code message field }} }} }}""",
        input={"id": id, **given},
    )["completeTask"]


def test_o30_a_completed_task_knows_when_and_what_came_of_it(client):
    id = made(client, "Task", subject="Call")["id"]
    answer = completed(client, id, at="2025-06-14T09:00:00Z", outcome="Reached.")
    assert answer["task"] == {
        "status": "DONE",
        "completedAt": "2025-06-14T09:00:00.000Z",
        "outcome": "Reached.",
        "version": 2,
    }
    again = completed(client, id, at="2025-06-15T09:00:00Z")
    assert again["task"] == answer["task"]
    events = client.query("query ($id: ID!) { events(entity: $id) { nodes { type occurredAt } } }", id=id)["events"]
    assert [(event["type"], event["occurredAt"]) for event in events["nodes"]] == [
        ("TASK_CREATED", NOW),
        ("TASK_COMPLETED", "2025-06-14T09:00:00.000Z"),
        ("TASK_UPDATED", "2025-06-14T09:00:00.000Z"),
    ]


def test_o30_a_task_that_is_taken_up_again_is_not_completed(client):
    id = made(client, "Task", "id completedAt", subject="Call", status="DONE")["id"]
    assert read(client, "Task", id, "completedAt") == {"completedAt": NOW}
    assert changed(client, "Task", id, "status completedAt", status="IN_PROGRESS") == {
        "status": "IN_PROGRESS",
        "completedAt": None,
    }


def test_o30_a_task_that_is_not_there_cannot_be_completed(client):
    id = new_id("tsk")
    assert completed(client, id)["userErrors"] == [
        {"code": "NOT_FOUND", "field": ["id"], "message": f"id: there is no task {id!r}"}
    ]


@pytest.mark.parametrize(
    ("given", "overdue", "reminder"),
    [
        ({"dueOn": "2025-06-14"}, True, False),
        ({"dueOn": "2025-06-15"}, False, False),
        ({"dueOn": "2025-06-14", "status": "DONE"}, False, False),
        ({"dueOn": "2025-06-14", "status": "CANCELLED"}, False, False),
        ({"remindAt": "2025-06-15T12:00:00Z"}, False, True),
        ({"remindAt": "2025-06-15T12:00:01Z"}, False, False),
        ({"remindAt": "2025-06-15T12:00:00Z", "status": "DONE"}, False, False),
        ({}, False, False),
    ],
)
def test_o27_o30_overdue_and_reminder_are_fields_and_filters(client, given, overdue, reminder):
    id = made(client, "Task", subject="Call", **given)["id"]
    assert read(client, "Task", id, "isOverdue isReminderDue") == {"isOverdue": overdue, "isReminderDue": reminder}
    found = client.query(
        """query ($id: ID!, $overdue: Boolean!, $reminder: Boolean!) { tasks(where: {id: {eq: $id},
            isOverdue: {eq: $overdue}, isReminderDue: {eq: $reminder}}) { totalCount } }""",
        id=id,
        overdue=overdue,
        reminder=reminder,
    )
    assert found["tasks"]["totalCount"] == 1


def test_o30_a_team_of_10_tasks_with_6_done_and_1_overdue_is_at_60_percent(client):
    team = made(client, "Team", name="North")["id"]
    ann, bo = (made(client, "User", name=name, teamId=team)["id"] for name in ("Ann", "Bo"))
    for number in range(10):
        given = {"status": "DONE", "dueOn": "2025-06-01"} if number < 6 else {}
        if number == 6:
            given = {"dueOn": "2025-06-14"}
        made(client, "Task", subject=f"Task {number}", assigneeId=ann if number % 2 else bo, **given)
    made(client, "Task", subject="Cancelled", assigneeId=ann, status="CANCELLED", dueOn="2025-06-01")
    done(client, "delete", "Task", made(client, "Task", subject="Deleted", assigneeId=ann)["id"])
    made(client, "Task", subject="Somebody else's")
    gone = made(client, "User", name="Gone", teamId=team)["id"]
    made(client, "Task", subject="Of a member who is deleted", assigneeId=gone)
    done(client, "delete", "User", gone)
    assert read(client, "Team", team, "taskCount tasksDone tasksOverdue taskCompletion") == {
        "taskCount": 10,
        "tasksDone": 6,
        "tasksOverdue": 1,
        "taskCompletion": "60.00",
    }
    idle = made(client, "Team", name="Idle")["id"]
    assert read(client, "Team", idle, "taskCount taskCompletion") == {"taskCount": 0, "taskCompletion": None}
    found = client.query(
        'query ($id: ID!) { teams(where: {id: {eq: $id}, taskCompletion: {gte: "60"}}) { totalCount } }', id=team
    )
    assert found["teams"]["totalCount"] == 1
