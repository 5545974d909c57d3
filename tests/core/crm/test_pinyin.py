"""Chinese names: read as they are spoken, sorted as dictionaries sort them."""

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.base.pinyin import pinyin_key
from core.base.text import fold
from core.db.database import Database
from tests.writes import changed, made


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("北京", "bei3北 jing1京"),
        ("重庆", "chong2重 qing4庆"),
        ("Beijing 北京 GmbH", "beijing bei3北 jing1京 gmbh"),
        ("Ångström", "angstrom"),
        ("İzmir", "izmir"),
        ("ＡＢＣ", "abc"),
        ("", ""),
    ],
)
def test_chinese_sorts_by_syllable_tone_and_character(name, key):
    assert pinyin_key(name) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [("曾国藩", "zeng1曾 guo2国 fan1藩"), ("单田芳", "shan4单 tian2田 fang1芳"), ("长孙无忌", "zhang3长")],
)
def test_surnames_are_read_as_surnames(name, key):
    assert pinyin_key(name, is_person=True).startswith(key)


@given(st.text())
def test_any_text_has_a_key_and_case_and_width_do_not_change_it(given):
    assert pinyin_key(given) == pinyin_key(fold(given))


NAMES = ["安徽", "Anders", "重庆", "Zürich", "章子怡", "张伟", "张三", "北京", "Österreich"]
SORTED = ["安徽", "Anders", "北京", "重庆", "Österreich", "张三", "张伟", "章子怡", "Zürich"]


def test_names_sort_by_pinyin_page_by_page(crm):
    client = crm()
    for name in NAMES:
        made(client, "Customer", name=name)
    asked = """query ($after: String) {
      customers(first: 4, after: $after, orderBy: [{namePinyin: ASC}]) { nodes { name } pageInfo { endCursor } } }"""
    found, after = [], None
    while page := (answer := client.query(asked, after=after)["customers"])["nodes"]:
        found += [node["name"] for node in page]
        after = answer["pageInfo"]["endCursor"]
    assert found == SORTED


def test_a_name_is_found_by_how_it_is_read_and_follows_what_it_is_changed_to(crm):
    client = crm()
    customer = made(client, "Customer", name="House")
    contact = made(client, "Contact", name="曾国藩", customerId=customer["id"])
    asked = "query ($read: String!) { contacts(where: {namePinyin: {startsWith: $read}}) { nodes { id } } }"
    assert client.query(asked, read="zeng")["contacts"]["nodes"] == [{"id": contact["id"]}]
    changed(client, "Contact", contact["id"], name="李四")
    assert client.query(asked, read="zeng")["contacts"]["nodes"] == []
    assert client.query(asked, read="li3")["contacts"]["nodes"] == [{"id": contact["id"]}]


def test_names_from_before_there_were_keys_get_theirs_at_the_next_start(crm):
    url = crm.databases.fresh()
    client = crm(url=url)
    id = made(client, "Customer", name="北京")["id"]
    with closing(Database(url)) as database, database.engine.begin() as connection:
        connection.execute(text("UPDATE customer SET name_pinyin = ''"))
        connection.execute(text("DELETE FROM installation WHERE name = 'core keys'"))
    asked = "query ($id: ID!) { customer(id: $id) { namePinyin } }"
    assert crm(url=url).query(asked, id=id)["customer"]["namePinyin"] == "bei3北 jing1京"
