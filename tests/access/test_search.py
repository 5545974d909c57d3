"""Search finds what its caller may see, by what its caller may see of it."""

import pytest

ASK = "query ($text: String!) { search(text: $text, first: 100) { node { id } } }"


def found(house, who, text):
    return {hit["node"]["id"] for hit in house.asks(who).query(ASK, text=text)["search"]}


@pytest.mark.parametrize("who", ["ann", "lea", "eve", "sal", "par", "adm"])
def test_what_is_found_is_what_a_list_shows(house, who):
    shown = house.asks(who).query("{ customers { nodes { id } } }")["customers"]["nodes"]
    assert found(house, "nil", "co") == set()
    assert found(house, who, "co") & {*house.customers.values()} == {node["id"] for node in shown}


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
