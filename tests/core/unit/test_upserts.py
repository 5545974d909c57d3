"""Upserts: an outcome per row, matches, rows that follow from each other, dry runs, idempotency keys, large batches."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from core.base.ids import new_id
from guanxi import Plugin, UserError, hookimpl
from guanxi.testing import QueryError
from tests.writes import changed, done, made, payload, read, upserted


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(maximum_batch_size=2_000)


def key(id: str) -> dict[str, str]:
    return {"system": "erp", "value": id}


def statuses(answer: dict) -> list[str]:
    return [result["status"] for result in answer["results"]]


def errors(answer: dict) -> list[list[str]]:
    return [[error["code"] for error in result["userErrors"]] for result in answer["results"]]


def counts(answer: dict) -> dict[str, int]:
    return {name: answer[name] for name in ("created", "updated", "unchanged", "failed")}


def customers(client, **where) -> int:
    return client.query("query ($w: CustomerWhere) { customers(where: $w) { totalCount } }", w=where)["customers"][
        "totalCount"
    ]


# Outcomes


def test_each_row_has_its_outcome_and_a_refused_one_leaves_the_others(client):
    made(client, "Customer", name="Known", city="Lyon", externalIds=[key("o1")])
    rows = [
        {"externalIds": [key("o1")], "name": "Known", "city": "Nice"},
        {"externalIds": [key("o2")], "name": ""},
        {"externalIds": [key("o3")], "name": "New"},
        {"externalIds": [key("o1")], "city": "Nice"},
        {"externalIds": [key("o4")], "name": "Orphan", "ownerId": new_id("usr")},
        {"externalIds": [key("o5")]},
    ]
    answer = upserted(client, "customers", rows, "name city version")
    assert statuses(answer) == ["UPDATED", "FAILED", "CREATED", "UNCHANGED", "FAILED", "FAILED"]
    assert [result["index"] for result in answer["results"]] == [0, 1, 2, 3, 4, 5]
    assert errors(answer) == [[], ["INVALID"], [], [], ["NOT_FOUND"], ["REQUIRED"]]
    assert answer["results"][1]["userErrors"][0]["field"] == ["name"]
    assert counts(answer) == {"created": 1, "updated": 1, "unchanged": 1, "failed": 3}
    assert [result["record"] for result in answer["results"]] == [
        {"name": "Known", "city": "Nice", "version": 2},
        None,
        {"name": "New", "city": None, "version": 1},
        {"name": "Known", "city": "Nice", "version": 2},
        None,
        None,
    ]
    assert customers(client, externalIds={"has": {"system": "erp", "values": ["o2", "o4", "o5"]}}) == 0


def test_many_rows_hold_what_each_was_given_and_what_all_have_in_common(client):
    spellings = ['"quoted"', "back\\slash", "{a,b}", "NULL", "null", "'; --", "Müller 李", "plain"]
    given = [
        {
            "externalIds": [key(f"same{number} {spellings[number % 8]}")],
            "name": f"{spellings[number % 8]} {number}",
            "city": "Same",
            "industry": None if number % 3 else spellings[number % 8],
            "employeeCount": number,
            "annualRevenue": {"amount": f"{number}.50", "currency": "CNY"},
            "needs": ["same"] if number else ["other", '"'],
        }
        for number in range(60)
    ]
    fields = "name city industry employeeCount annualRevenue { amount currency } needs doNotContact status"
    rest = {"doNotContact": False, "status": "PROSPECT"}
    answer = upserted(client, "customers", given, fields)
    assert statuses(answer) == ["CREATED"] * 60
    wanted = [{name: value for name, value in row.items() if name != "externalIds"} | rest for row in given]
    assert [result["record"] for result in answer["results"]] == wanted
    changed_rows = [{"externalIds": row["externalIds"], "region": "All", "city": None, "needs": []} for row in given]
    answer = upserted(client, "customers", changed_rows, fields + " region")
    assert statuses(answer) == ["UPDATED"] * 60
    common = {"region": "All", "city": None, "needs": []}
    assert [result["record"] for result in answer["results"]] == [row | common for row in wanted]
    assert statuses(upserted(client, "customers", changed_rows)) == ["UNCHANGED"] * 60


def test_no_rows_are_no_work(client):
    assert counts(upserted(client, "customers", [])) == {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}


def test_what_is_left_out_of_a_row_stays(client):
    id = made(client, "Customer", name="Kept", city="Lyon", tags=["vip"], externalIds=[key("kept")])["id"]
    upserted(client, "customers", [{"externalIds": [key("kept")], "region": "South"}])
    assert read(client, "Customer", id, "name city region tags") == {
        "name": "Kept",
        "city": "Lyon",
        "region": "South",
        "tags": ["vip"],
    }


# Matches


def test_rows_find_their_records_by_id_external_id_or_a_text_field(client):
    id = made(client, "Customer", name="Ärger & Söhne", number="N-17", email="a@example.com", externalIds=[key("m1")])[
        "id"
    ]
    for match, row in (
        ("ID", {"id": id}),
        ("EXTERNAL_ID", {"externalIds": [key("m1")]}),
        ("NAME", {"name": "ÄRGER & söhne"}),
        ("NUMBER", {"number": "n-17"}),
        ("EMAIL", {"email": "A@Example.com"}),
    ):
        answer = upserted(client, "customers", [{**row, "city": match}], matchBy=match)
        assert statuses(answer) == ["UPDATED"]
        assert read(client, "Customer", id, "city") == {"city": match}
    made(client, "Product", name="Fibre", code="F-1")
    answer = upserted(client, "products", [{"code": "f-1", "name": "Fibre 2"}], "name", matchBy="CODE")
    assert answer["results"][0]["record"] == {"name": "Fibre 2"}


def test_by_default_rows_are_matched_by_external_id(client):
    made(client, "Customer", name="Same name")
    answer = upserted(client, "customers", [{"name": "Same name", "externalIds": [key("default")]}])
    assert statuses(answer) == ["CREATED"]


def test_a_row_without_what_it_is_matched_by_is_refused(client):
    for match, field in (("EXTERNAL_ID", "externalIds"), ("NUMBER", "number")):
        answer = upserted(client, "customers", [{"name": "Unknown"}], matchBy=match)
        (error,) = answer["results"][0]["userErrors"]
        assert (error["code"], error["field"]) == ("REQUIRED", [field])
        assert error["message"] == f"{field}: rows are matched by it, so every row needs it"
    assert statuses(upserted(client, "customers", [{"name": "New"}], matchBy="ID")) == ["CREATED"]


def test_a_row_that_matches_several_records_is_refused(client):
    ids = sorted(made(client, "Customer", name="Twin", externalIds=[key(f"twin{n}")])["id"] for n in (1, 2))
    (error,) = upserted(client, "customers", [{"name": "twin", "city": "X"}], matchBy="NAME")["results"][0][
        "userErrors"
    ]
    assert (error["code"], error["field"]) == ("AMBIGUOUS", ["name"])
    assert error["message"] == f"name: 2 records match: {ids[0]}, {ids[1]}; match by id"
    both = upserted(client, "customers", [{"externalIds": [key("twin1"), {"system": "x", "value": "1"}]}])
    assert statuses(both) == ["UPDATED"]
    changed(client, "Customer", ids[1], externalIds=[{"system": "shop", "value": "s"}])
    rows = [{"externalIds": [key("twin1"), {"system": "shop", "value": "s"}], "city": "X"}]
    assert errors(upserted(client, "customers", rows)) == [["AMBIGUOUS"]]


def test_rows_find_their_records_by_what_only_one_may_have(client):
    def rates(*rows):
        items = [{"currency": currency, "validFrom": day, "rate": rate} for currency, day, rate in rows]
        return upserted(client, "exchangeRates", items, "id version rate", matchBy="CURRENCY_AND_VALID_FROM")

    first = rates(("CHF", "2024-01-01", "1.05"), ("CHF", "2024-02-01", "1.06"), ("SEK", "2024-01-01", "0.09"))
    assert statuses(first) == ["CREATED"] * 3
    again = rates(
        ("SEK", "2024-02-01", "0.08"),
        ("CHF", "2024-02-01", "1.07"),
        ("CHF", "2024-02-01", "1.07"),
        ("SEK", "2024-02-01", "0.07"),
        ("SEK", "2024-01-01", "0.09"),
    )
    assert statuses(again) == ["CREATED", "UPDATED", "UNCHANGED", "UPDATED", "UNCHANGED"]
    assert again["results"][1]["record"]["id"] == first["results"][1]["record"]["id"]
    assert again["results"][0]["record"] == again["results"][3]["record"]
    assert statuses(rates(("CHF", "2024-02-01", "1.07"), ("SEK", "2024-02-01", "0.07"))) == ["UNCHANGED"] * 2
    done(client, "delete", "ExchangeRate", first["results"][0]["record"]["id"])
    assert statuses(rates(("CHF", "2024-01-01", "1.05"))) == ["CREATED"]


def test_references_of_a_key_are_given_by_id_or_by_external_id(client):
    customer = made(client, "Customer", name="Manned", externalIds=[key("manned")])["id"]
    user = made(client, "User", name="Ann", email="ann@manned.example", externalIds=[key("ann")])["id"]
    by_id, by_key = {"customerId": customer}, {"customerExternalId": key("manned")}
    rows = [
        {**by_key, "userId": user, "role": "SALES"},
        {**by_id, "userExternalId": key("ann"), "role": "SUPPORT"},
        {**by_key, "userExternalId": key("ann"), "role": "SUPPORT"},
        {"customerExternalId": key("nobody"), "userId": user, "role": "SALES"},
        {"customerId": customer, "role": "SALES"},
        {"id": new_id("cmb"), **by_id, "userId": user},
    ]
    answer = upserted(client, "accountTeamMembers", rows, matchBy="CUSTOMER_AND_USER")
    assert statuses(answer) == ["CREATED", "UPDATED", "UNCHANGED", "FAILED", "FAILED", "FAILED"]
    assert errors(answer)[3:] == [["NOT_FOUND"], ["REQUIRED"], ["INVALID"]]
    (missing,) = answer["results"][4]["userErrors"]
    assert (missing["field"], missing["message"]) == (
        ["userId"],
        "userId: rows are matched by customerId, userId together, so every row needs it; give it, or match otherwise",
    )
    assert "by customerId, userId, not" in answer["results"][5]["userErrors"][0]["message"]


def test_two_at_once_do_not_both_create_what_only_one_may_have(crm, databases):
    url = databases.fresh()
    clients = [crm(url=url) for _ in range(4)]
    customer = made(clients[0], "Customer", name="Wanted", externalIds=[key("wanted")])["id"]
    users = [made(clients[0], "User", name=f"U{n}", email=f"u{n}@x.example")["id"] for n in range(10)]
    barrier = Barrier(len(clients))

    def send(place):
        named = {"customerId": customer} if place % 2 else {"customerExternalId": key("wanted")}
        rows = [{**named, "userId": user, "role": "SALES"} for user in (users if place < 2 else users[::-1])]
        barrier.wait()
        return upserted(clients[place], "accountTeamMembers", rows, matchBy="CUSTOMER_AND_USER")

    with ThreadPoolExecutor(len(clients)) as threads:
        answers = list(threads.map(send, range(len(clients))))
    assert [answer["failed"] for answer in answers] == [0] * len(clients)
    assert sum(answer["created"] for answer in answers) == len(users)


def test_deleted_records_are_not_matched_but_by_id_and_then_refused(client):
    id = made(client, "Customer", name="Gone", number="G-1", externalIds=[key("gone")])["id"]
    done(client, "delete", "Customer", id)
    answer = upserted(client, "customers", [{"id": id, "city": "X"}], matchBy="ID")
    assert errors(answer) == [["DELETED"]]
    by_number = upserted(client, "customers", [{"number": "G-1", "name": "Back"}], matchBy="NUMBER")
    by_key = upserted(client, "customers", [{"externalIds": [key("gone")], "name": "Back"}])
    assert statuses(by_number) == statuses(by_key) == ["CREATED"]


def test_an_id_that_goes_with_another_match_is_checked_too(client):
    known = made(client, "Customer", name="Known", externalIds=[key("i1")])["id"]
    other = made(client, "Customer", name="Other")["id"]
    chosen = new_id("cus")
    rows = [
        {"externalIds": [key("i1")], "id": known, "city": "X"},
        {"externalIds": [key("i1")], "id": other, "city": "X"},
        {"externalIds": [key("i2")], "id": other, "name": "X"},
        {"externalIds": [key("i3")], "id": "nonsense", "name": "X"},
        {"externalIds": [key("i4")], "id": new_id("con"), "name": "X"},
        {"externalIds": [key("i5")], "id": chosen, "name": "X"},
    ]
    answer = upserted(client, "customers", rows)
    assert errors(answer) == [[], ["INVALID"], ["ALREADY_EXISTS"], ["INVALID"], ["INVALID"], []]
    assert answer["results"][1]["userErrors"][0]["message"] == (
        f"id: the row matches {known} by externalIds, not {other}; leave id out, or match by id"
    )
    assert answer["results"][5]["record"] == {"id": chosen}


# Rows of one request


def test_of_two_rows_that_mean_one_record_the_second_sees_what_the_first_did(client):
    rows = [
        {"externalIds": [key("d1")], "name": "First"},
        {"externalIds": [key("d1")], "name": "Second"},
        {"externalIds": [key("d1")], "name": "Second"},
    ]
    answer = upserted(client, "customers", rows, "id name version")
    assert statuses(answer) == ["CREATED", "UPDATED", "UNCHANGED"]
    assert len({result["record"]["id"] for result in answer["results"]}) == 1
    by_name = [{"name": "Straße", "city": "A"}, {"name": "STRASSE", "city": "B"}]
    assert statuses(upserted(client, "customers", by_name, matchBy="NAME")) == ["CREATED", "UPDATED"]
    id = new_id("cus")
    by_id = [{"id": id, "name": "A"}, {"id": id, "name": "B"}]
    assert statuses(upserted(client, "customers", by_id, matchBy="ID")) == ["CREATED", "UPDATED"]


def test_rows_may_refer_to_earlier_rows_of_the_request(client):
    rows = [
        {"externalIds": [key("h0")], "name": "Holding"},
        {"externalIds": [key("h1")], "name": "Daughter", "parentExternalId": key("h0")},
        {"externalIds": [key("h2")], "name": "Granddaughter", "parentExternalId": key("h1")},
        {"externalIds": [key("h3")], "name": "Too early", "parentExternalId": key("h4")},
        {"externalIds": [key("h4")], "name": "Late"},
        {"externalIds": [key("h5")], "name": ""},
        {"externalIds": [key("h6")], "name": "Of a refused one", "parentExternalId": key("h5")},
    ]
    answer = upserted(client, "customers", rows, "name parent { name }")
    assert statuses(answer) == ["CREATED", "CREATED", "CREATED", "FAILED", "CREATED", "FAILED", "FAILED"]
    assert answer["results"][2]["record"]["parent"] == {"name": "Daughter"}
    assert answer["results"][3]["userErrors"][0]["message"] == (
        "parentExternalId: no customer has the external id 'h4' of 'erp'; create it first"
    )


def test_rows_may_refer_to_earlier_rows_by_chosen_id(client):
    top, below = new_id("tem"), new_id("tem")
    rows = [{"id": top, "name": "Top"}, {"id": below, "name": "Below", "parentId": top}]
    answer = upserted(client, "teams", rows, "name parent { name }", matchBy="ID")
    assert [result["record"]["parent"] for result in answer["results"]] == [None, {"name": "Top"}]


# Dry runs


def test_a_dry_run_tells_what_would_happen_and_writes_nothing_not_even_events(client):
    known = made(client, "Customer", name="Known", externalIds=[key("dry1")])["id"]
    before = client.query("{ customersAggregate { count } events(first: 1000) { nodes { id } } }")
    rows = [
        {"externalIds": [key("dry1")], "name": "Changed"},
        {"externalIds": [key("dry2")], "name": "New"},
        {"externalIds": [key("dry3")], "name": ""},
        {"externalIds": [key("dry2")], "name": "New"},
    ]
    answer = upserted(client, "customers", rows, "id name", dryRun=True)
    assert statuses(answer) == ["UPDATED", "CREATED", "FAILED", "UNCHANGED"]
    assert [result["record"] for result in answer["results"]] == [{"id": known, "name": "Known"}, None, None, None]
    assert client.query("{ customersAggregate { count } events(first: 1000) { nodes { id } } }") == before
    assert statuses(upserted(client, "customers", rows)) == ["UPDATED", "CREATED", "FAILED", "UNCHANGED"]


def test_a_dry_run_does_not_use_up_its_idempotency_key(client):
    rows = [{"externalIds": [key("dk")], "name": "New"}]
    for dry in (True, True, False):
        assert statuses(upserted(client, "customers", rows, dryRun=dry, idempotencyKey="dry-then-real")) == ["CREATED"]
    assert statuses(upserted(client, "customers", rows, idempotencyKey="dry-then-real")) == ["CREATED"]
    assert customers(client, externalIds={"has": {"system": "erp", "values": ["dk"]}}) == 1


# Idempotency


def test_the_same_request_with_the_same_key_is_answered_as_before_and_writes_nothing(client):
    rows = [{"externalIds": [key("k1")], "name": "Once"}, {"externalIds": [key("k2")], "name": ""}]
    first = upserted(client, "customers", rows, "id", idempotencyKey="upsert-1")
    before = client.query("{ events(first: 1000) { nodes { id } } }")
    changed(client, "Customer", first["results"][0]["record"]["id"], name="Changed since")
    again = upserted(client, "customers", rows, "id", idempotencyKey="upsert-1")
    assert again == first
    after = client.query("{ events(first: 1000) { nodes { id } } }")
    assert len(after["events"]["nodes"]) == len(before["events"]["nodes"]) + 1


def test_single_mutations_take_keys_too(client):
    one = payload(client, "create", "Customer", name="Keyed", idempotencyKey="create-1")
    two = payload(client, "create", "Customer", name="Keyed", idempotencyKey="create-1")
    assert one == two
    id = one["record"]["id"]
    for _ in range(2):
        assert payload(
            client, "update", "Customer", id=id, city="Lyon", expectedVersion=1, idempotencyKey="update-1"
        ) == {
            "record": {"id": id, "version": 2},
            "userErrors": [],
            "warnings": [],
        }
    for _ in range(2):
        assert payload(client, "delete", "Customer", id=id, idempotencyKey="delete-1")["userErrors"] == []
    assert len(client.query("query ($id: ID!) { events(entity: $id) { nodes { id } } }", id=id)["events"]["nodes"]) == 3


def test_a_key_stands_for_one_request(client):
    payload(client, "create", "Customer", name="Keyed", idempotencyKey="one-request")
    for action, given in (("create", {"name": "Not written"}), ("delete", {"id": new_id("cus")})):
        with pytest.raises(QueryError, match="idempotencyKey: 'one-request' was used for another request on") as caught:
            payload(client, action, "Customer", **given, idempotencyKey="one-request")
        assert caught.value.errors[0]["extensions"]["code"] == "CONFLICT"
    assert customers(client, name={"eq": "Not written"}) == 0


def test_a_request_that_was_refused_may_be_mended_and_sent_again_with_its_key(client):
    for name, status in (("", None), ("Fixed", 1)):
        answer = payload(client, "create", "Customer", name=name, idempotencyKey="fixed")
        assert (answer["record"] or {}).get("version") == status


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("bad", ["", " ", "k" * 256, "a\0b"])
def test_a_key_that_cannot_be_kept_is_refused(client, bad, dry):
    with pytest.raises(QueryError, match="idempotencyKey: give 1 to 255 characters") as caught:
        payload(client, "create", "Customer", name="X", idempotencyKey=bad, dryRun=dry)
    assert caught.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_of_rivals_with_the_same_key_one_writes_and_all_get_its_answer(crm, databases):
    url = databases.fresh()
    clients = [crm(url=url) for _ in range(4)]
    for round in range(5):
        barrier = Barrier(len(clients))

        def send(client, barrier=barrier, round=round):
            barrier.wait()
            rows = [{"externalIds": [key(f"rival{round}-{n}")], "name": f"Rival {n}"} for n in range(20)]
            return upserted(client, "customers", rows, idempotencyKey=f"rivals-{round}")

        with ThreadPoolExecutor(len(clients)) as threads:
            answers = list(threads.map(send, clients))
        assert all(answer == answers[0] for answer in answers)
        assert counts(answers[0])["created"] == 20
    assert customers(clients[0]) == 100


# Large batches


def test_a_batch_larger_than_the_limit_is_refused_as_a_whole(client):
    before = customers(client)
    with pytest.raises(QueryError, match=r"2001 rows; at most 2000 are allowed. Send them in several requests"):
        upserted(client, "customers", [{"externalIds": [key(f"l{n}")], "name": "L"} for n in range(2_001)])
    assert customers(client) == before


def test_1200_rows_go_through_in_several_chunks(client):
    def rows(city: str) -> list[dict]:
        return [
            {
                "externalIds": [key(f"big{n}")],
                "name": f"Big {n}" if n % 400 else "",
                "city": city,
                "tags": [f"t{n % 7}"],
            }
            for n in range(1_200)
        ]

    answer = upserted(client, "customers", rows("A"), "name")
    assert counts(answer) == {"created": 1_197, "updated": 0, "unchanged": 0, "failed": 3}
    assert [result["index"] for result in answer["results"]] == list(range(1_200))
    assert [result["index"] for result in answer["results"] if result["status"] == "FAILED"] == [0, 400, 800]
    assert all(result["record"] == {"name": f"Big {n}"} for n, result in enumerate(answer["results"]) if n % 400)
    assert counts(upserted(client, "customers", rows("A"))) == {
        "created": 0,
        "updated": 0,
        "unchanged": 1_197,
        "failed": 3,
    }
    assert counts(upserted(client, "customers", rows("B"))) == {
        "created": 0,
        "updated": 1_197,
        "unchanged": 0,
        "failed": 3,
    }
    assert customers(client, tags={"has": "t3"}, name={"startsWith": "big "}) == 171
    done_in = client.query("""{ events(first: 1000, types: [CUSTOMER_CREATED]) { nodes { sequence } } }""")["events"][
        "nodes"
    ]
    assert len({event["sequence"] for event in done_in[-500:]}) == 1


# Rows a hook refuses


class Picky(Plugin):
    name, version, api = "picky", "1.0", ">=1,<2"

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes.of("Customer"):
            if change.record.city == "warned":
                yield UserError("CITY", "that city is far", ("city",), change.record, warning=True)
            if change.record.city == "refused":
                yield UserError("CITY", "no such city", ("city",), change.record)
        if any(change.record.city == "unnamed" for change in changes.of("Customer")):
            yield UserError("CITY", "somebody has no city")


def test_rows_that_a_plugin_refuses_leave_the_others_whether_it_names_them_or_not(crm):
    client = crm(Picky)
    cities = ["fine", "refused", "warned", "unnamed", "fine", "unnamed", "refused"]
    rows = [{"externalIds": [key(f"p{n}")], "name": f"P{n}", "city": city} for n, city in enumerate(cities)]
    answer = upserted(client, "customers", rows)
    assert statuses(answer) == ["CREATED", "FAILED", "CREATED", "FAILED", "CREATED", "FAILED", "FAILED"]
    assert [[error["message"] for error in result["userErrors"]] for result in answer["results"]] == [
        [],
        ["no such city"],
        [],
        ["somebody has no city"],
        [],
        ["somebody has no city"],
        ["no such city"],
    ]
    assert [warning["message"] for warning in answer["results"][2]["warnings"]] == ["that city is far"]
    assert answer["results"][1]["userErrors"][0]["plugin"] == "picky"
    assert customers(client) == 3


class Pickier(Picky):
    name = "pickier"

    @hookimpl
    def validate(self, ctx, changes):
        for change in changes.of("Customer"):
            if change.record.city == "refused":
                yield UserError("CITY", "no such city", ("city",), change.record)
                yield UserError("CITY", "and so the whole is wrong")


def test_a_row_beside_one_that_is_refused_by_name_is_not_blamed_for_what_is_refused_without(crm):
    rows = [{"externalIds": [key(city)], "name": "Q", "city": city} for city in ("refused", "fine")]
    assert statuses(upserted(crm(Pickier), "customers", rows)) == ["FAILED", "CREATED"]


# All or nothing


def test_all_or_nothing_writes_no_row_where_one_is_refused(client):
    known = made(client, "Customer", "id version", name="Settled", city="Lyon", externalIds=[key("a1")])
    same = made(client, "Customer", "id version", name="Same", externalIds=[key("a2")])["id"]
    rows = [
        {"externalIds": [key("a1")], "city": "Nice"},
        {"externalIds": [key("a2")], "name": "Same"},
        {"externalIds": [key("a3")], "name": "Hopeful"},
        {"externalIds": [key("a4")], "name": ""},
    ]
    before = client.query("{ events(first: 1000) { edges { cursor } } }")
    answer = upserted(client, "customers", rows, "id city", allOrNothing=True, idempotencyKey="all-1")
    assert statuses(answer) == ["ROLLED_BACK", "UNCHANGED", "ROLLED_BACK", "FAILED"]
    assert errors(answer) == [[], [], [], ["INVALID"]]
    assert counts(answer) == {"created": 0, "updated": 0, "unchanged": 1, "failed": 1}
    records = [result["record"] for result in answer["results"]]
    assert records == [{"id": known["id"], "city": "Lyon"}, {"id": same, "city": None}, None, None]
    assert read(client, "Customer", known["id"], "version city") == {"version": known["version"], "city": "Lyon"}
    assert customers(client, name={"eq": "Hopeful"}) == 0
    assert client.query("{ events(first: 1000) { edges { cursor } } }") == before
    # Nothing was written, so the same request may be sent again once it is fixed.
    rows[3]["name"] = "Fixed"
    answer = upserted(client, "customers", rows, "city", allOrNothing=True, idempotencyKey="all-1")
    assert statuses(answer) == ["UPDATED", "UNCHANGED", "CREATED", "CREATED"]
    assert upserted(client, "customers", rows, "city", allOrNothing=True, idempotencyKey="all-1") == answer


def test_all_or_nothing_undoes_chunks_that_were_written_before_the_row_that_is_refused(client):
    rows = [{"externalIds": [key(f"bulk{number}")], "name": f"Bulk {number}"} for number in range(1_200)]
    rows[1_100]["name"] = ""
    answer = upserted(client, "customers", rows, allOrNothing=True)
    assert {status: statuses(answer).count(status) for status in statuses(answer)} == {
        "ROLLED_BACK": 1_199,
        "FAILED": 1,
    }
    assert customers(client, name={"startsWith": "Bulk "}) == 0


def test_all_or_nothing_with_a_plugin_that_refuses(crm):
    client = crm(Picky)
    rows = [{"externalIds": [key(city)], "name": city, "city": city} for city in ("fine", "refused")]
    answer = upserted(client, "customers", rows, allOrNothing=True)
    assert statuses(answer) == ["ROLLED_BACK", "FAILED"]
    assert customers(client) == 0


def test_a_dry_run_of_all_or_nothing_says_what_would_happen(client):
    rows = [{"externalIds": [key("whole1")], "name": "Dry"}, {"externalIds": [key("whole2")], "name": ""}]
    assert statuses(upserted(client, "customers", rows, allOrNothing=True, dryRun=True)) == ["ROLLED_BACK", "FAILED"]
    assert statuses(upserted(client, "customers", rows[:1], allOrNothing=True, dryRun=True)) == ["CREATED"]
