"""What users of different roles may see, change and refer to (G8)."""

import pytest

from tests.access.house import UPDATE

SEEN = {
    "ann": ["ann", "bob"],
    "lea": ["ann", "bob"],
    "dan": ["ann", "bob", "eve"],
    "eve": ["eve"],
    "sal": ["ann", "bob", "eve", "par"],
    "par": ["par"],
    "adm": ["ann", "bob", "eve", "par"],
}


@pytest.mark.parametrize("who", SEEN)
def test_a_role_sees_its_rows_and_what_hangs_on_them(house, who):
    assert house.names(who) == SEEN[who]
    assert house.names(who, "{ contacts { nodes { name } } }", "contacts") == SEEN[who]
    assert house.names(who, "{ opportunities { nodes { name } } }", "opportunities") == SEEN[who]
    asked = house.asks(who)
    assert asked.query("{ customers { totalCount } }")["customers"]["totalCount"] == len(SEEN[who])
    for name, id in house.customers.items():
        found = asked.query("query ($id: ID!) { node(id: $id) { id } customer(id: $id) { id } }", id=id)
        expected = {"id": id} if name in SEEN[who] else None
        assert found == {"node": expected, "customer": expected}


def test_who_has_no_role_sees_nothing(house):
    (error,) = house.asks("nil").execute("{ customers { totalCount } }")["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


def test_members_of_an_account_team_see_the_customer(house):
    member = house.client.create("AccountTeamMember", customerId=house.customers["ann"], userId=house.eve)
    assert house.names("eve") == ["ann", "eve"]
    house.destroy("AccountTeamMember", member["id"])
    assert house.names("eve") == ["eve"]


def test_a_partner_sees_no_personal_data_credit_or_value(house):
    asked = house.asks("par")
    answer = asked.execute("{ contacts { nodes { name email } } }")
    assert answer["data"]["contacts"]["nodes"] == [{"name": "par contact", "email": None}]
    assert answer["errors"][0]["message"].startswith("Contact.email: needs the permission personal")
    for field in ("creditScore", "valueTier"):
        text = f"{{ customers(where: {{{field}: {{isNull: true}}}}) {{ totalCount }} }}"
        (error,) = asked.execute(text)["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
    (error,) = asked.execute("{ receivables { totalCount } }")["errors"]
    assert error["message"].startswith("Receivable: you may not see any")


def test_writes_outside_a_role_are_refused_and_change_nothing(house):
    ann = house.asks("ann")
    answer = ann.query(UPDATE, id=house.customers["bob"], name="Mine")["updateCustomer"]
    assert answer["userErrors"][0]["code"] == "FORBIDDEN"
    assert answer["customer"] is None
    answer = ann.query(UPDATE, id=house.customers["eve"], name="Mine")["updateCustomer"]
    message = f"id: there is no customer '{house.customers['eve']}'"
    assert answer["userErrors"] == [{"code": "NOT_FOUND", "message": message, "field": ["id"]}]
    answer = ann.query(UPDATE, id=house.customers["ann"], name="ann & Sons")["updateCustomer"]
    assert answer["customer"] == {"name": "ann & Sons"}
    assert house.names("adm") == ["ann", "bob", "eve", "par"]


def test_a_reference_to_what_one_may_not_see_is_a_reference_to_nothing(house):
    text = """mutation ($customer: ID!) { createOpportunity(input: {name: "ann new", customerId: $customer}) {
      opportunity { id } userErrors { code field } } }"""
    refused = house.asks("ann").query(text, customer=house.customers["eve"])["createOpportunity"]
    assert refused == {"opportunity": None, "userErrors": [{"code": "NOT_FOUND", "field": ["customerId"]}]}
    made = house.asks("ann").query(text, customer=house.customers["ann"])["createOpportunity"]
    assert made["userErrors"] == []
    house.destroy("Opportunity", made["opportunity"]["id"])


def test_what_one_creates_is_ones_own(house):
    text = """mutation ($owner: ID!) { createCustomer(input: {name: "new one", ownerId: $owner}) {
      customer { id } userErrors { code } } }"""
    refused = house.asks("ann").query(text, owner=house.eve)["createCustomer"]
    assert refused == {"customer": None, "userErrors": [{"code": "FORBIDDEN"}]}
    text = (
        'mutation { createCustomer(input: {name: "new one"}) { customer { id owner { name } } userErrors { code } } }'
    )
    made = house.asks("ann").query(text)["createCustomer"]["customer"]
    assert made["owner"] == {"name": "Ann"}
    destroy = "mutation ($id: ID!) { destroyCustomer(input: {id: $id}) { userErrors { code } } }"
    (error,) = house.asks("ann").execute(destroy, id=made["id"])["errors"]
    assert "needs the permission Customer.destroy" in error["message"]
    assert house.asks("adm").query(destroy, id=made["id"])["destroyCustomer"]["userErrors"] == []


def test_what_is_refused_is_named_by_its_field_and_by_what_was_to_be_done(house):
    confirm = (
        """mutation ($id: ID!) { placeCreditHold(input: {customerId: $id, reason: "x"}) { userErrors { message } } }"""
    )
    house.client.create("Role", role="REGIONAL_SALES", permissions=["*.read:team", "override", "*.delete:own"])
    clerk = house.client.acting_as(house.user("Cle", "REGIONAL_SALES", house.team, "North"))
    (error,) = clerk.query(confirm, id=house.customers["eve"])["placeCreditHold"]["userErrors"]
    assert error["message"].startswith(f"customerId: there is no customer '{house.customers['eve']}'")
    (error,) = clerk.execute(confirm, id=house.customers["ann"])["errors"]
    assert error["message"].startswith(f"customerId: you may not change customer '{house.customers['ann']}'")
    restore = "mutation ($id: ID!) { restoreCustomer(input: {id: $id}) { userErrors { message } } }"
    gone = house.client.create("Customer", name="gone", ownerId=house.ann)["id"]
    house.client.query(restore.replace("restore", "delete"), id=gone)
    (error,) = clerk.query(restore, id=gone)["restoreCustomer"]["userErrors"]
    assert error["message"] == f"id: you may not restore customer '{gone}'"
    house.destroy("Customer", gone)
    (error,) = house.asks("sal").execute(restore, id=house.customers["ann"])["errors"]
    assert error["message"] == (
        "this needs the permission Customer.delete (to delete and restore), which you do not have"
    )


def test_reference_data_is_the_administrators(house):
    text = 'mutation { createTeam(input: {name: "Mine"}) { team { id } userErrors { code } } }'
    (error,) = house.asks("dan").execute(text)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    house.destroy("Team", house.asks("adm").query(text)["createTeam"]["team"]["id"])


def test_a_page_knows_what_would_be_refused(house):
    text = "{ customers { nodes { name can { update delete restore destroy move } } } }"
    found = {node["name"].split()[0]: node["can"] for node in house.asks("ann").query(text)["customers"]["nodes"]}
    own = {"update": True, "delete": True, "restore": False, "destroy": False, "move": False}
    assert found == {"ann": own, "bob": dict.fromkeys(own, False)}
    assert all(node["can"]["destroy"] for node in house.asks("adm").query(text)["customers"]["nodes"])
    viewer = house.asks("ann").query("{ viewer { actor user { name } role permissions } }")["viewer"]
    assert viewer["user"] == {"name": "Ann"}
    assert viewer["role"] == "ACCOUNT_MANAGER"
    assert {"*.read:team", "*.change:own", "personal", "credit", "value"} <= set(viewer["permissions"])


ROLE = """mutation ($role: UserRole!, $permissions: [String!]!) {
  createRole(input: {role: $role, permissions: $permissions}) { role { id } userErrors { code message field } } }"""


def test_roles_are_data(house):
    asked = {"role": "ACCOUNT_MANAGER", "permissions": ["*.read:own", "Contact.read:none"]}
    (error,) = house.asks("ann").execute(ROLE, **asked)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    made = house.asks("adm").query(ROLE, **asked)["createRole"]["role"]
    try:
        assert house.names("ann") == ["ann"]
        assert house.asks("ann").execute("{ contacts { totalCount } }")["errors"]
        nested = house.asks("ann").execute("{ customers { nodes { name contacts { totalCount } } } }")
        assert nested["data"]["customers"]["nodes"][0]["contacts"] is None
    finally:
        house.destroy("Role", made["id"])


@pytest.mark.parametrize("wrong", ["Custmer.read", "*.fly", "personel", "Customer.read:nowhere", "no such"])
def test_a_permission_that_means_nothing_is_refused(house, wrong):
    (error,) = house.client.query(ROLE, role="PARTNER", permissions=[wrong])["createRole"]["userErrors"]
    assert error["field"] == ["permissions"]
    assert repr(wrong) in error["message"]


def test_the_feed_has_what_one_sees_and_says_what_entered_and_left(house):
    text = "query ($id: ID!) { events(entity: $id, first: 100) { nodes { scopeChange changes { field } requestId } } }"
    change = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
      requestId userErrors { code } } }"""
    names = ("ann", "lea", "dan", "eve", "par", "adm")

    def said(whose, **input):
        """How an update changed who sees its record, by those who see its event; what changed is hidden of what left."""
        given = {"id": house.customers[whose], **input}
        request = house.client.query(change, input=given)["updateCustomer"]["requestId"]
        found = {}
        for name in names:
            nodes = house.asks(name).query(text, id=given["id"])["events"]["nodes"]
            for event in (node for node in nodes if node["requestId"] == request):
                assert bool(event["changes"]) == (event["scopeChange"] != "LEFT")
                found[name] = event["scopeChange"]
        return found

    assert house.asks("ann").query(text, id=house.customers["eve"])["events"]["nodes"] == []
    # Ann and Lea see their team's, Dan those of his region besides, Eve those of her team, partners their own.
    assert said("bob", ownerId=house.eve) == {
        "ann": "LEFT",
        "lea": "LEFT",
        "dan": None,
        "eve": "ENTERED",
        "adm": None,
    }
    assert said("bob", ownerId=house.bob) == {
        "ann": "ENTERED",
        "lea": "ENTERED",
        "dan": None,
        "eve": "LEFT",
        "adm": None,
    }
    assert said("bob", ownerId=house.ann) == {"ann": None, "lea": None, "dan": None, "adm": None}
    said("bob", ownerId=house.bob)
    # By the region alone, whatever its case.
    assert said("par", region="north") == {"dan": "ENTERED", "par": None, "adm": None}
    assert said("par", region="NORTH", industry="Steel") == {"dan": None, "par": None, "adm": None}
    assert said("par", region="East") == {"dan": "LEFT", "par": None, "adm": None}
    assert said("par", teamId=house.other_team) == {
        "dan": "ENTERED",
        "eve": "ENTERED",
        "par": None,
        "adm": None,
    }
    assert said("par", teamId=None, region=None) == {"dan": "LEFT", "eve": "LEFT", "par": None, "adm": None}
    # Who sees it all the same, as a member of its account team, sees what changed.
    member = house.client.create("AccountTeamMember", customerId=house.customers["bob"], userId=house.par)
    assert said("bob", ownerId=house.par)["par"] is None
    assert said("bob", ownerId=house.bob)["par"] is None
    house.destroy("AccountTeamMember", member["id"])


def test_what_is_not_to_be_seen_is_left_out_of_the_feed(house):
    change = """mutation ($id: ID!) { updateContact(input: {id: $id, email: "new@example.com", seniority: EXECUTIVE}) {
      userErrors { code } } }"""
    house.client.query(change, id=house.contacts["par"])
    text = "query ($id: ID!) { events(entity: $id, types: [CONTACT_UPDATED]) { nodes { changes { field } } } }"

    def fields(who):
        events = house.asks(who).query(text, id=house.contacts["par"])["events"]["nodes"]
        return [change["field"] for event in events for change in event["changes"]]

    assert fields("par") == ["seniority"]
    assert fields("adm") == ["email", "seniority"]


def test_keys_of_requests_belong_to_who_sends_them(house):
    text = """mutation ($name: String!) { createCustomer(input: {name: $name, idempotencyKey: "one"}) {
      customer { id } userErrors { code } } }"""

    def made(who):
        return house.asks(who).query(text, name="Same")["createCustomer"]["customer"]["id"]

    first = [made("ann"), made("eve")]
    assert [made("ann"), made("eve")] == first
    assert len(set(first)) == 2
    for id in first:
        house.destroy("Customer", id)


def test_what_a_relation_leads_to_is_limited_by_what_it_is_part_of(house):
    ids = house.opportunities
    tasks = [
        house.client.create("Task", subject=f"{name} task", assigneeId=house.ann, opportunityId=ids[name])["id"]
        for name in ("bob", "eve")
    ]
    seen = "{ tasks { nodes { subject opportunity { name } } } }"
    found = {task["subject"]: task["opportunity"] for task in house.asks("ann").query(seen)["tasks"]["nodes"]}
    assert found == {"bob task": {"name": "bob deal"}, "eve task": None}
    for id in tasks:
        house.destroy("Task", id)


@pytest.mark.parametrize("permissions", [["credit", "Customer.read:own"], ["credit", "*.read", "Receivable.read:none"]])
def test_a_permission_of_its_own_widens_no_scope_of_what_belongs_to_somebody(house, permissions):
    made = house.client.query(ROLE, role="GRID_MANAGER", permissions=permissions)["createRole"]["role"]
    grid = house.user("Gri", "GRID_MANAGER", None, None)
    try:
        (error,) = house.client.acting_as(grid).execute("{ receivables { totalCount } }")["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
    finally:
        house.destroy("User", grid)
        house.destroy("Role", made["id"])
