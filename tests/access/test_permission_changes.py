"""Who changed what somebody may do is in the event log and in the audit list."""

import pytest

from tests.access.house import House

UPDATE = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { requestId userErrors { message } } }"
LIST = """query ($id: ID!, $subject: String!) {
  auditEntries(where: {subjectId: {eq: $subject}, action: {eq: PERMISSIONS_CHANGED}}, orderBy: [{id: ASC}]) {
    nodes { createdBy detail requestId } }
  events(entity: $id) { nodes { type actor requestId changes { field previous current } } } }"""


@pytest.fixture(scope="module")
def house(module_crm):
    return House(module_crm())


def listed(house, id):
    return house.asks("adm").query(LIST, id=id, subject=id)


@pytest.mark.parametrize(
    ("field", "value"), [("role", "PARTNER"), ("region", "West"), ("isActive", False), ("teamId", None)]
)
def test_who_changed_what_a_user_may_do_is_listed(house, field, value):
    id = house.client.create("User", name="Uma", role="GRID_MANAGER", teamId=house.team)["id"]
    requests = [
        house.asks("adm").query(UPDATE, input={"id": id, **change})["updateUser"]["requestId"]
        for change in ({"name": "Una"}, {field: value})
    ]
    found = listed(house, id)
    made, changed = found["auditEntries"]["nodes"]
    assert {"role", "teamId"} <= set(made["detail"].split(", "))
    assert changed == {"createdBy": house.adm, "detail": field, "requestId": requests[1]}
    last = found["events"]["nodes"][-1]
    assert (last["type"], last["actor"], last["requestId"]) == ("USER_UPDATED", house.adm, requests[1])
    ((name, current),) = [(change["field"], change["current"]) for change in last["changes"]]
    assert (name, current) == (field, value)


def test_changes_of_a_role_are_listed_from_its_making_to_its_end(house):
    asked = house.asks("adm")
    make = 'mutation { createRole(input: {role: PARTNER, permissions: ["*.read:own"]}) { role { id } } }'
    id = asked.query(make)["createRole"]["role"]["id"]
    change = 'mutation ($id: ID!) { updateRole(input: {id: $id, permissions: ["*.read:all"]}) { userErrors { code } } }'
    asked.query(change, id=id)
    asked.query("mutation ($id: ID!) { deleteRole(input: {id: $id}) { userErrors { code } } }", id=id)
    found = listed(house, id)
    assert [node["createdBy"] for node in found["auditEntries"]["nodes"]] == [house.adm] * 3
    assert [node["detail"] for node in found["auditEntries"]["nodes"]] == ["permissions, role", "permissions", None]
    (changed,) = [event for event in found["events"]["nodes"] if event["type"] == "ROLE_UPDATED"]
    assert changed["changes"] == [{"field": "permissions", "previous": ["*.read:own"], "current": ["*.read:all"]}]


def test_only_administrators_read_the_list(house):
    (error,) = house.asks("lea").execute("{ auditEntries { totalCount } }")["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
