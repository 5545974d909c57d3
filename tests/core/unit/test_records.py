"""Records through the API: made, changed, deleted, restored and destroyed, with what hangs on them."""

import pytest
from sqlalchemy.orm import make_transient_to_detached

from core.base.ids import new_id
from core.crm.customers import Contact
from tests.writes import changed, done, made, payload, read, refusal, upserted


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm()


def key(id: str) -> dict[str, str]:
    return {"system": "erp", "value": id}


# Creation


def test_a_new_record_is_at_version_1_with_its_author_and_its_defaults(client):
    customer = made(
        client,
        "Customer",
        "id version createdBy updatedBy createdAt updatedAt kind status accountRelation doNotContact needs owner { id }",
        name="Acme",
    )
    assert customer["id"].startswith("cus_")
    assert customer["version"] == 1
    assert customer["createdBy"] == customer["updatedBy"] == "local"
    assert customer["createdAt"] == customer["updatedAt"]
    assert (customer["kind"], customer["status"], customer["accountRelation"]) == ("COMPANY", "PROSPECT", "UNSPECIFIED")
    assert (customer["doNotContact"], customer["needs"], customer["owner"]) == (False, [], None)


def test_a_client_may_choose_the_id(client):
    id = new_id("cus")
    assert made(client, "Customer", id=id, name="Chosen")["id"] == id
    assert refusal(client, "create", "Customer", id=id, name="Again") == {
        "code": "ALREADY_EXISTS",
        "field": ["id"],
        "message": f"id: customer {id!r} exists already; update it, or leave id out",
    }


def test_a_chosen_id_of_a_deleted_record_is_taken_too(client):
    id = made(client, "Customer", name="Gone")["id"]
    done(client, "delete", "Customer", id)
    assert refusal(client, "create", "Customer", id=id, name="Again")["code"] == "ALREADY_EXISTS"


@pytest.mark.parametrize("id", ["con_01h455vb4pex5vsknk084sn02q", "7", "", "cus_1"])
def test_a_chosen_id_has_the_form_of_its_type(client, id):
    assert refusal(client, "create", "Customer", id=id, name="X") == {
        "code": "INVALID",
        "field": ["id"],
        "message": f"id: {id!r} is not an id of a customer; they look like cus_01h455vb4pex5vsknk084sn02q",
    }


# Change


def test_absent_is_not_null(client):
    id = made(client, "Customer", name="Acme", city="Lyon", industry="Chemicals", needs=["gas"], employeeCount=7)["id"]
    kept = changed(client, "Customer", id, "city industry needs employeeCount name", name="Acme 2")
    assert kept == {"name": "Acme 2", "city": "Lyon", "industry": "Chemicals", "needs": ["gas"], "employeeCount": 7}
    emptied = changed(
        client,
        "Customer",
        id,
        "name city industry needs employeeCount",
        city=None,
        industry=None,
        needs=None,
        employeeCount=None,
    )
    assert emptied == {"name": "Acme 2", "city": None, "industry": None, "needs": [], "employeeCount": None}


def test_what_must_have_a_value_cannot_be_emptied(client):
    id = made(client, "Customer", name="Acme")["id"]
    for field in ("name", "kind", "doNotContact"):
        assert refusal(client, "update", "Customer", id=id, **{field: None}) == {
            "code": "REQUIRED",
            "field": [field],
            "message": f"{field}: null is not allowed; give a value, or leave it out",
        }


def test_a_change_raises_the_version_by_one_and_no_change_leaves_all_as_it_is(client):
    first = made(client, "Customer", "id version updatedAt", name="Acme", tags=["vip"], annualRevenue={"amount": "1"})
    id = first["id"]
    assert changed(client, "Customer", id, name="Acme 2")["version"] == 2
    same = changed(client, "Customer", id, "version", name="Acme 2", tags=["vip"], annualRevenue={"amount": "1.00"})
    assert same["version"] == 2


def test_the_expected_version_keeps_one_from_undoing_what_another_did(client):
    id = made(client, "Customer", name="Acme")["id"]
    assert changed(client, "Customer", id, expectedVersion=1, name="Acme 2")["version"] == 2
    error = refusal(client, "update", "Customer", id=id, expectedVersion=1, name="Acme 3")
    assert (error["code"], error["field"]) == ("CONFLICT", ["expectedVersion"])
    assert "is at version 2, not 1" in error["message"]
    assert "read it again" in error["message"]
    for action in ("delete", "destroy"):
        assert refusal(client, action, "Customer", id=id, expectedVersion=1)["code"] == "CONFLICT"
    changed(client, "Customer", id, name="Acme 2", city="Bonn", tags=["vip"])
    changed(client, "Customer", id, city="Köln")
    text = """mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) {
      customer { id version city } userErrors { code params } } }"""
    answer = client.query(text, input={"id": id, "expectedVersion": 2, "city": "Kiel"})["updateCustomer"]
    assert answer["customer"] == {"id": id, "version": 4, "city": "Köln"}
    params = answer["userErrors"][0]["params"]
    assert (params["id"], params["version"], params["expected"]) == (id, 4, 2)
    assert params["changes"] == [
        {"field": "city", "previous": None, "current": "Köln"},
        {"field": "tags", "previous": [], "current": ["vip"]},
    ]
    assert read(client, "Customer", id, "name version") == {"name": "Acme 2", "version": 4}


def test_a_record_that_is_not_there_cannot_be_changed(client):
    id = new_id("opp")
    for action in ("update", "delete", "restore", "destroy"):
        assert refusal(client, action, "Opportunity", id=id) == {
            "code": "NOT_FOUND",
            "field": ["id"],
            "message": f"id: there is no opportunity {id!r}",
        }


# Deletion, restoration, destruction


def test_a_deleted_record_is_gone_from_every_list_until_it_is_restored(client):
    id = made(client, "Customer", name="Sleeper", externalIds=[key("sleeper")])["id"]
    contact = made(client, "Contact", name="Dora", customerId=id)["id"]
    assert done(client, "delete", "Customer", id)["record"]["id"] == id
    assert read(client, "Customer", id, "id") is None
    assert read(client, "Contact", contact, "customerId customer { id }") == {"customerId": id, "customer": None}
    found = client.query(
        """{ byKey: customer(externalId: {system: "erp", value: "sleeper"}) { id }
             living: customers(where: {name: {eq: "sleeper"}}) { totalCount }
             deleted: customers(where: {name: {eq: "sleeper"}, deletedAt: {isNull: false}}) { nodes { id version } } }"""
    )
    assert found == {
        "byKey": None,
        "living": {"totalCount": 0},
        "deleted": {"nodes": [{"id": id, "version": 2}]},
    }
    assert refusal(client, "update", "Customer", id=id, name="X") == {
        "code": "DELETED",
        "field": ["id"],
        "message": f"id: customer {id!r} is deleted; restore it first",
    }
    assert refusal(client, "delete", "Customer", id=id)["code"] == "DELETED"
    assert done(client, "restore", "Customer", id)["record"] == {"id": id, "version": 3}
    assert read(client, "Customer", id, "name externalIds { system value }") == {
        "name": "Sleeper",
        "externalIds": [key("sleeper")],
    }


def test_a_living_record_cannot_be_restored(client):
    id = made(client, "Customer", name="Awake")["id"]
    assert refusal(client, "restore", "Customer", id=id) == {
        "code": "NOT_DELETED",
        "field": ["id"],
        "message": f"id: customer {id!r} is not deleted",
    }


def test_deletion_frees_external_ids_and_restoration_is_refused_while_they_are_taken(client):
    first = made(client, "Customer", name="First", externalIds=[key("shared")])["id"]
    done(client, "delete", "Customer", first)
    second = made(client, "Customer", name="Second", externalIds=[key("shared")])["id"]
    error = refusal(client, "restore", "Customer", id=first)
    assert error == {
        "code": "EXTERNAL_ID_TAKEN",
        "field": ["externalIds"],
        "message": f"externalIds: 'shared' of 'erp' belongs to {second}; change or delete that record first",
    }
    done(client, "delete", "Customer", second)
    done(client, "restore", "Customer", first)
    assert client.query('{ customer(externalId: {system: "erp", value: "shared"}) { id } }')["customer"] == {
        "id": first
    }
    assert refusal(client, "restore", "Customer", id=second)["code"] == "EXTERNAL_ID_TAKEN"


def test_what_others_cannot_do_without_is_not_destroyed(client):
    id = made(client, "Customer", name="Buyer")["id"]
    sale = {"customerId": id, "occurredOn": "2025-06-01", "actualAmount": {"amount": "1"}}
    first = made(client, "Transaction", **sale)["id"]
    assert refusal(client, "destroy", "Customer", id=id) == {
        "code": "REFERRED_TO",
        "field": None,
        "message": f"1 transaction refers to {id}; destroy it first, or delete this record instead, which keeps both",
    }
    second = made(client, "Transaction", **sale)["id"]
    assert refusal(client, "destroy", "Customer", id=id)["message"].startswith(
        f"2 transactions refer to {id}; destroy them"
    )
    done(client, "delete", "Transaction", first)
    assert refusal(client, "destroy", "Customer", id=id)["code"] == "REFERRED_TO"
    for sold in (first, second):
        done(client, "destroy", "Transaction", sold)
    assert done(client, "destroy", "Customer", id)["record"]["id"] == id
    assert refusal(client, "restore", "Customer", id=id)["code"] == "NOT_FOUND"


def test_destruction_takes_with_it_what_belongs_to_the_record_and_lets_the_rest_go(client):
    user = made(client, "User", name="Ann")["id"]
    id = made(client, "Customer", name="Doomed", tags=["x"], externalIds=[key("doomed")], ownerId=user)["id"]
    member = made(client, "AccountTeamMember", customerId=id, userId=user, externalIds=[key("member")], tags=["m"])[
        "id"
    ]
    contact = made(client, "Contact", name="Con", customerId=id)["id"]
    opportunity = made(client, "Opportunity", name="Opp", customerId=id)["id"]
    made(client, "Interaction", customerId=id, channel="PHONE", summary="Called.")
    assert refusal(client, "destroy", "Customer", id=id)["message"] == (
        "the customer has 1 open opportunity; decide on them, or delete it first, which asks what becomes of them"
    )
    changed(client, "Opportunity", opportunity, "id", status="LOST", lossReason="PRICE", lossSummary="Too dear")
    done(client, "destroy", "Customer", id)
    assert read(client, "AccountTeamMember", member, "id") is None
    assert read(client, "Contact", contact, "name customerId") == {"name": "Con", "customerId": None}
    assert read(client, "Opportunity", opportunity, "name customerId") == {"name": "Opp", "customerId": None}
    # The keys of what went are free again.
    again = made(client, "Customer", name="Reborn", externalIds=[key("doomed")])["id"]
    answer = upserted(
        client, "accountTeamMembers", [{"customerId": again, "userId": user, "externalIds": [key("member")]}]
    )
    assert [result["status"] for result in answer["results"]] == ["CREATED"]


def test_what_destruction_does_to_other_records_is_in_the_log_too(client):
    user = made(client, "User", name="Ann")["id"]
    id = made(client, "Opportunity", name="Doomed")["id"]
    member = made(client, "OpportunityMember", opportunityId=id, userId=user)["id"]
    task = made(client, "Task", subject="Call", opportunityId=id)["id"]
    done(client, "destroy", "Opportunity", id)

    def last(id: str) -> dict:
        ask = "query ($id: ID!) { events(entity: $id) { nodes { type changes { field previous current } } } }"
        return client.query(ask, id=id)["events"]["nodes"][-1]

    assert last(id) == {"type": "OPPORTUNITY_DESTROYED", "changes": []}
    # Whose it was, so that those who saw it hear that it left.
    owners = [
        {"field": "opportunityId", "previous": id, "current": None},
        {"field": "userId", "previous": user, "current": None},
    ]
    assert last(member) == {"type": "OPPORTUNITY_MEMBER_DESTROYED", "changes": owners}
    loss = {"field": "opportunityId", "previous": id, "current": None}
    assert last(task) == {"type": "TASK_UPDATED", "changes": [loss]}
    assert read(client, "Task", task, "version opportunityId") == {"version": 2, "opportunityId": None}


def test_a_stage_that_is_in_use_is_neither_deleted_nor_destroyed(client):
    stage = made(client, "Stage", key="X", name="Extra", position=7, winProbability="95")["id"]
    id = made(client, "Opportunity", name="In it", stageId=stage)["id"]
    assert refusal(client, "delete", "Stage", id=stage) == {
        "code": "REFERRED_TO",
        "field": None,
        "message": "1 opportunity is in stage X; move it to another stage first",
    }
    assert refusal(client, "destroy", "Stage", id=stage)["code"] == "REFERRED_TO"
    changed(client, "Opportunity", id, stageId="stg_00000000000000000000000001")
    done(client, "delete", "Stage", stage)


# References


def test_references_to_what_is_not_there_are_refused(client):
    gone = made(client, "User", name="Gone")["id"]
    done(client, "delete", "User", gone)
    for id in (new_id("usr"), gone):
        assert refusal(client, "create", "Customer", name="X", ownerId=id) == {
            "code": "NOT_FOUND",
            "field": ["ownerId"],
            "message": f"ownerId: there is no user {id!r}; give the id of an existing one",
        }


def test_a_reference_that_was_there_before_its_record_was_deleted_does_not_stand_in_the_way(client):
    owner = made(client, "User", name="Leaving")["id"]
    id = made(client, "Customer", name="Orphan", ownerId=owner)["id"]
    done(client, "delete", "User", owner)
    assert changed(client, "Customer", id, "name ownerId owner { id }", name="Orphan 2", ownerId=owner) == {
        "name": "Orphan 2",
        "ownerId": owner,
        "owner": None,
    }


def test_a_reference_takes_ids_of_its_type_only(client):
    contact = made(client, "Contact", name="Con")["id"]
    assert refusal(client, "create", "Customer", name="X", ownerId=contact) == {
        "code": "INVALID",
        "field": ["ownerId"],
        "message": f"ownerId: {contact!r} is not an id of a user; they look like usr_01h455vb4pex5vsknk084sn02q",
    }


def test_references_by_external_id(client):
    owner = made(client, "User", name="Ann", externalIds=[key("ann")])["id"]
    id = made(client, "Customer", name="Acme", ownerExternalId=key("ann"))["id"]
    assert read(client, "Customer", id, "ownerId")["ownerId"] == owner
    assert refusal(client, "update", "Customer", id=id, ownerExternalId=key("nobody")) == {
        "code": "NOT_FOUND",
        "field": ["ownerExternalId"],
        "message": "ownerExternalId: no user has the external id 'nobody' of 'erp'; create it first",
    }
    both = refusal(client, "update", "Customer", id=id, ownerId=owner, ownerExternalId=key("ann"))
    assert both["message"] == "ownerExternalId: give either ownerId or ownerExternalId"
    assert changed(client, "Customer", id, "ownerId", ownerExternalId=None) == {"ownerId": None}


def test_a_required_reference_may_come_by_external_id_and_is_asked_for_once(client):
    made(client, "Customer", name="Buyer", externalIds=[key("buyer")])
    sale = {"occurredOn": "2025-06-01", "actualAmount": {"amount": "1"}}
    made(client, "Transaction", customerExternalId=key("buyer"), **sale)
    assert refusal(client, "create", "Transaction", **sale) == {
        "code": "REQUIRED",
        "field": ["customerId"],
        "message": "customerId: a new transaction needs it; give a value",
    }
    assert refusal(client, "create", "Transaction", customerExternalId=key("none"), **sale)["code"] == "NOT_FOUND"
    id = made(client, "Transaction", customerExternalId=key("buyer"), **sale)["id"]
    assert refusal(client, "update", "Transaction", id=id, customerExternalId=None)["code"] == "REQUIRED"


# Constraints


@pytest.mark.parametrize(
    ("record", "field", "value", "said"),
    [
        ("Customer", "name", "x" * 301, "has 301 characters; at most 300 are possible"),
        ("Customer", "name", "", "it must not be empty; give a text"),
        ("Customer", "name", " \t\u3000", "it must not be empty; give a text"),
        ("Customer", "city", "", "it must not be empty; give null, or a text"),
        ("Customer", "name", "a\0b", "the character NUL (U+0000) is not possible; leave it out"),
        ("Customer", "description", "a\0b", "the character NUL (U+0000) is not possible; leave it out"),
        ("Customer", "needs", ["fine", "a\0b"], "the character NUL (U+0000) is not possible; leave it out"),
        ("Customer", "needs", ["fine", ""], "it must not be empty; give a text"),
        ("Customer", "needs", ["x"] * 1001, "1001 items are too many; at most 1000 are possible"),
        ("Customer", "email", "not an address", "write it like name@example.com"),
        ("Customer", "email", "a@b@c.de", "write it like name@example.com"),
        (
            "Customer",
            "phone",
            "call me",
            "is not a telephone number in CN; write it with its country code, such as +86 10 1234 5678",
        ),
        ("Customer", "employeeCount", -1, "-1 is too small; the minimum is 0"),
        ("Customer", "foundedYear", 999, "999 is too small; the minimum is 1000"),
        ("Customer", "foundedYear", 10000, "10000 is too large; the maximum is 9999"),
        ("Opportunity", "winProbabilityOverride", "100.01", "100.01 is too large; the maximum is 100"),
        ("Opportunity", "winProbabilityOverride", "-0.01", "-0.01 is too small; the minimum is 0"),
        ("Opportunity", "winProbabilityOverride", "33.333", "33.333 has more than 2 decimal places; round it"),
        ("ExchangeRate", "rate", "0", "0 is too small; the minimum is 0.00000001"),
        ("ExchangeRate", "rate", "0.000000001", "0.000000001 has more than 8 decimal places; round it"),
        ("ExchangeRate", "rate", "12345678901234567890", "12345678901234567890 is larger than this system can store"),
        ("ExchangeRate", "rate", "99999999999", "99999999999 is larger than this system can store"),
        ("Transaction", "quantity", "99999999999999999999.9999", "is larger than this system can store"),
        ("Transaction", "quantity", "1000000000000000", "is larger than this system can store"),
        ("Customer", "annualRevenue", {"amount": "0.001"}, "more than the 2 decimal places of CNY"),
        ("Customer", "annualRevenue", {"amount": "1.5", "currency": "JPY"}, "more than the 0 decimal places of JPY"),
        ("Customer", "annualRevenue", {"amount": "1000000000001"}, "larger than this system can store"),
        ("Customer", "tags", ["a\0b"], "the character NUL (U+0000) is not possible; leave it out"),
        ("Customer", "tags", ["x" * 101], "has 101 characters; at most 100 are possible"),
        ("Customer", "tags", [f"t{n}" for n in range(101)], "101 tags are too many; at most 100 are possible"),
        ("Customer", "externalIds", [{"system": "a\0", "value": "1"}], "the character NUL (U+0000) is not possible"),
        (
            "Customer",
            "externalIds",
            [{"system": "a", "value": "1" * 256}],
            "has 256 characters; at most 255 are possible",
        ),
        ("Customer", "externalIds", [{"system": "a" * 65, "value": "1"}], "has 65 characters; at most 64 are possible"),
        ("Customer", "externalIds", [{"system": "", "value": "1"}], "it must not be empty"),
        ("Customer", "externalIds", [{"system": "a", "value": " "}], "it must not be empty"),
        (
            "Customer",
            "externalIds",
            [{"system": "a", "value": "1"}, {"system": "a", "value": "2"}],
            "two ids of 'a'; a record has one per system",
        ),
    ],
)
def test_input_that_a_field_does_not_take_is_refused_by_name_and_value(client, record, field, value, said):
    needed = {
        "Customer": {"name": "Acme"},
        "Opportunity": {"name": "Deal"},
        "ExchangeRate": {"currency": "USD", "rate": "1", "validFrom": "2000-01-01"},
        "Transaction": {"occurredOn": "2025-06-01", "actualAmount": {"amount": "1"}},
    }[record]
    if record == "Transaction":
        needed["customerId"] = made(client, "Customer", name="Buyer")["id"]
    error = refusal(client, "create", record, **{**needed, field: value})
    assert error["code"] == "INVALID"
    assert error["field"] == [field]
    assert error["message"].startswith(f"{field}: ")
    assert said in error["message"]


def test_values_at_the_limits_are_taken(client):
    customer = made(
        client,
        "Customer",
        "name employeeCount foundedYear annualRevenue { amount } totalAssets { amount } tags",
        name="界" * 300,
        employeeCount=2**31 - 1,
        foundedYear=1000,
        annualRevenue={"amount": "1000000000000.00"},
        totalAssets={"amount": "0"},
        tags=["界" * 100],
    )
    assert customer == {
        "name": "界" * 300,
        "employeeCount": 2**31 - 1,
        "foundedYear": 1000,
        "annualRevenue": {"amount": "1000000000000.00"},
        "totalAssets": {"amount": "0.00"},
        "tags": ["界" * 100],
    }
    assert made(client, "ExchangeRate", "rate", currency="USD", rate="99999.99999999", validFrom="1900-01-01") == {
        "rate": "99999.99999999"
    }


def test_all_that_is_wrong_is_said_at_once(client):
    answer = payload(client, "create", "Customer", name="", email="x", employeeCount=-1)
    assert [error["field"] for error in answer["userErrors"]] == [["name"], ["email"], ["employeeCount"]]


def test_moments_long_ago_keep_their_order_and_form(client):
    moments = [
        "1000-01-02T00:00:00.000Z",
        "1582-10-10T23:59:59.999Z",
        "1970-01-01T00:00:00.000Z",
        "2025-01-31T00:00:00.000Z",
    ]
    customer = made(client, "Customer", name="Eternal")["id"]
    for at in reversed(moments):
        found = made(
            client, "Interaction", "occurredAt", customerId=customer, channel="VISIT", summary="s", occurredAt=at
        )
        assert found == {"occurredAt": at}
    listed = client.query(
        """query ($id: ID!) { interactions(where: {customer: {id: {eq: $id}}}, orderBy: [{occurredAt: ASC}]) {
            nodes { occurredAt } } }""",
        id=customer,
    )
    assert [node["occurredAt"] for node in listed["interactions"]["nodes"]] == moments


def test_a_moment_is_kept_in_utc_to_the_millisecond(client):
    found = made(
        client, "Interaction", "occurredAt", channel="VISIT", summary="s", occurredAt="2025-06-10T01:30:00.123456+08:00"
    )
    assert found == {"occurredAt": "2025-06-09T17:30:00.123Z"}


# Tags and external ids


def test_tags_are_replaced_and_kept_as_written_each_once_whatever_its_case(client):
    id = made(client, "Customer", name="Acme", tags=[" vip ", "Big", "VIP", "", "big"])["id"]
    assert read(client, "Customer", id, "tags") == {"tags": ["Big", "vip"]}
    assert changed(client, "Customer", id, "tags", name="Acme 2") == {"tags": ["Big", "vip"]}
    assert changed(client, "Customer", id, "tags version", tags=["new"]) == {"tags": ["new"], "version": 3}
    assert changed(client, "Customer", id, "tags version", tags=["new"]) == {"tags": ["new"], "version": 3}
    assert changed(client, "Customer", id, "tags", tags=None) == {"tags": []}


def test_external_ids_are_replaced_on_update_and_kept_on_upsert(client):
    id = made(client, "Customer", name="Acme", externalIds=[key("k1"), {"system": "shop", "value": "s1"}])["id"]
    ask = "externalIds { system value }"
    answer = upserted(
        client, "customers", [{"externalIds": [key("k1"), {"system": "tax", "value": "t1"}], "name": "Acme"}], ask
    )
    assert answer["results"][0]["record"]["externalIds"] == [
        key("k1"),
        {"system": "shop", "value": "s1"},
        {"system": "tax", "value": "t1"},
    ]
    assert changed(client, "Customer", id, ask, externalIds=[{"system": "shop", "value": "s2"}]) == {
        "externalIds": [{"system": "shop", "value": "s2"}]
    }
    assert changed(client, "Customer", id, ask, externalIds=None) == {"externalIds": []}


def test_an_external_id_belongs_to_one_living_record_of_a_type(client):
    owner = made(client, "Customer", name="Owner", externalIds=[key("mine")])["id"]
    assert refusal(client, "create", "Customer", name="Rival", externalIds=[key("mine")]) == {
        "code": "EXTERNAL_ID_TAKEN",
        "field": ["externalIds"],
        "message": f"externalIds: 'mine' of 'erp' belongs to {owner}; leave it out, or change that record first",
    }
    made(client, "Contact", name="Another type", externalIds=[key("mine")])
    changed(client, "Customer", owner, externalIds=[key("other")])
    made(client, "Customer", name="Heir", externalIds=[key("mine")])


# Cycles


@pytest.mark.parametrize(
    ("record", "field"),
    [("Customer", "parentId"), ("Contact", "reportsToId"), ("User", "managerId"), ("Team", "parentId")],
)
def test_k6_a_chain_never_leads_back_to_where_it_began(client, record, field):
    top = made(client, record, name="Top")["id"]
    middle = made(client, record, name="Middle", **{field: top})["id"]
    bottom = made(client, record, name="Bottom", **{field: middle})["id"]
    error = refusal(client, "update", record, id=top, **{field: bottom})
    assert (error["code"], error["field"]) == ("CYCLE", [field])
    assert f"{top} → {bottom} → {middle} → {top}" in error["message"]
    assert refusal(client, "update", record, id=top, **{field: top})["code"] == "CYCLE"
    changed(client, record, bottom, **{field: top})


def test_k6_no_cycle_comes_about_within_one_upsert(client):
    ids = [new_id("con") for _ in range(3)]
    rows = [
        {"id": id, "name": f"C{n}", "reportsToId": above}
        for n, (id, above) in enumerate(zip(ids, [None, *ids[:2]], strict=True))
    ]
    answer = upserted(client, "contacts", [*rows, {"id": ids[0], "reportsToId": ids[2]}], matchBy="ID")
    assert [result["status"] for result in answer["results"]] == ["CREATED", "CREATED", "CREATED", "FAILED"]
    assert answer["results"][3]["userErrors"][0]["code"] == "CYCLE"
    swap = [{"id": ids[0], "reportsToId": ids[1]}, {"id": ids[1], "reportsToId": None}]
    again = upserted(client, "contacts", swap, matchBy="ID")
    assert [result["status"] for result in again["results"]] == ["FAILED", "UPDATED"]


def test_a_row_shows_its_key_and_no_values():
    contact = Contact(id="con_1", name="Ann")
    assert repr(contact) == "<Contact not stored>"
    make_transient_to_detached(contact)
    assert repr(contact) == "<Contact con_1>"


def test_deletion_and_destruction_name_what_is_gone(client):
    id = made(client, "Product", name="Gone")["id"]
    ask = "mutation ($id: ID!) {{ {0}Product(input: {{id: $id{1}}}) {{ deletedId product {{ id }} userErrors {{ code }} }} }}"

    def answered(action, more=""):
        return client.query(ask.format(action, more), id=id)[f"{action}Product"]

    assert answered("delete", ", dryRun: true") == {"deletedId": id, "product": {"id": id}, "userErrors": []}
    assert answered("delete") == {"deletedId": id, "product": {"id": id}, "userErrors": []}
    assert answered("delete") == {"deletedId": None, "product": None, "userErrors": [{"code": "DELETED"}]}
    assert answered("restore") == {"deletedId": None, "product": {"id": id}, "userErrors": []}
    assert answered("destroy") == {"deletedId": id, "product": {"id": id}, "userErrors": []}


def test_what_is_removed_is_answered_as_it_was(client):
    id, heir = made(client, "Customer", name="Was", tags=["vip"])["id"], made(client, "Customer", name="Heir")["id"]
    made(client, "Contact", name="Eve", customerId=id)
    made(client, "Opportunity", name="Deal", customerId=id)
    shown = "customer { name version deletedAt tags contacts { nodes { name } } opportunities { nodes { name } } }"
    was = {"name": "Was", "version": 1, "deletedAt": None, "tags": ["vip"], "contacts": {"nodes": [{"name": "Eve"}]}}
    fate = f'openOpportunities: MOVE, moveOpportunitiesTo: "{heir}"'
    deleted = client.query(f'mutation {{ it: deleteCustomer(input: {{id: "{id}", {fate}}}) {{ deletedId {shown} }} }}')
    assert deleted["it"] == {"deletedId": id, "customer": {**was, "opportunities": {"nodes": [{"name": "Deal"}]}}}
    destroyed = client.query(f'mutation {{ it: destroyCustomer(input: {{id: "{id}"}}) {{ deletedId {shown} }} }}')
    known = destroyed["it"]["customer"]
    assert (destroyed["it"]["deletedId"], known["version"], known["deletedAt"] is None) == (id, 2, False)
    assert (known["tags"], known["contacts"]) == (["vip"], was["contacts"])
    assert read(client, "Customer", id, "id") is None


def test_messages_name_what_is_wrong_and_claim_no_more(crm):
    client = crm()
    id = client.create("Customer", name="Acme")["id"]

    def refused(**input):
        text = "mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { userErrors { message } } }"
        return [
            error["message"] for error in client.query(text, input={"id": id, **input})["updateCustomer"]["userErrors"]
        ]

    # Nobody has changed it, so nobody is said to have.
    assert refused(expectedVersion=99, name="Other") == [
        f"expectedVersion: customer '{id}' is at version 1, and never was at 99; read it again and repeat the change"
    ]
    assert refused(externalIds=[{"system": "erp", "value": " "}]) == [
        "externalIds: value: it must not be empty; give a text"
    ]
