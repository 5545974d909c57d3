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


@pytest.mark.parametrize("few", [0, 2000])
def test_among_many_and_among_few_records_the_same_are_found(house, monkeypatch, few):
    monkeypatch.setattr(search, "_FEW", few)
    # A document for each, because the plan of one is kept.
    ask = f"query ($text: String!) {{ search(text: $text, first: {90 + bool(few)}) {{ match node {{ id }} }} }}"
    for who, text in (("ann", "ann"), ("lea", "co"), ("lea", "bob dael"), ("eve", "eve con"), ("par", "Par & Co")):
        hits = house.asks(who).query(ask, text=text)["search"]
        assert {hit["node"]["id"] for hit in hits} == found(house, who, text)
        assert hits == house.asks(who).query(ask, text=text, types=None)["search"]
        assert hits


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
