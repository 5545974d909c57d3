"""Search finds what its caller may see, by what its caller may see of it."""

import pytest

from schema.plan import search

ASK = "query ($text: String!) { search(text: $text, first: 100) { node { id } } }"


def found(house, who, text):
    return {hit["node"]["id"] for hit in house.asks(who).query(ASK, text=text)["search"]}


@pytest.mark.parametrize("who", ["ann", "lea", "eve", "sal", "par", "adm"])
def test_what_is_found_is_what_a_list_shows(house, who):
    shown = house.asks(who).query("{ customers { nodes { id } } }")["customers"]["nodes"]
    assert found(house, "nil", "co") == set()
    assert found(house, who, "co") & {*house.customers.values()} == {node["id"] for node in shown}


def test_the_same_are_found_whether_the_index_tells_whose_they_are_or_not(house, monkeypatch):
    asked = [("ann", "ann"), ("lea", "co"), ("lea", "bob dael"), ("dan", "co"), ("eve", "eve con"), ("par", "Par & Co")]
    by_owner = [found_in_order(house, who, text) for who, text in asked]
    monkeypatch.setattr(search, "_MOST_OWNERS", 0)
    assert by_owner == [found_in_order(house, who, text) for who, text in asked]
    assert all(by_owner)


def found_in_order(house, who, text):
    ask = "query ($text: String!) { search(text: $text, first: 100) { match node { id } } }"
    return [(hit["match"], hit["node"]["id"]) for hit in house.asks(who).query(ask, text=text)["search"]]


def test_who_may_not_see_personal_data_finds_nobody_by_it(house):
    key = "con"
    lacking = [who for who in ("ann", "lea", "eve", "sal", "par", "adm") if "personal" not in permissions(house, who)]
    assert lacking
    for who in ("adm", *lacking):
        by_address = {id for id in found(house, who, "ann@example.com") if id.startswith(key)}
        assert by_address == ({house.contacts["ann"]} if who == "adm" else set())
    # By its name, everybody who sees it finds it.
    assert house.contacts["ann"] in found(house, "adm", "ann contact")


def permissions(house, who):
    return house.asks(who).query("{ viewer { permissions } }")["viewer"]["permissions"]


def test_what_is_deleted_is_not_found_by_whom_it_belonged_to(house):
    id = house.client.create("Customer", name="Gone House", ownerId=house.ann)["id"]
    assert found(house, "ann", "gone house") == {id}
    text = "mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { deletedId } }"
    assert house.client.query(text, id=id)["deleteCustomer"] == {"deletedId": id}
    assert house.asks("ann").query(ASK, text="gone house")["search"] == []
