"""Normal forms, scores with their reasons, and keys that survive a typing mistake."""

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugins.duplicates import forms
from plugins.duplicates.index import hashes
from plugins.duplicates.rules import Profile, keys, verdict


def company(name, **given):
    return Profile([name], is_person=False, **given)


def person(name, **given):
    return Profile([name], is_person=True, **given)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller & Söhne GmbH & Co. KG", "MULLER SOHNE AG"),
        ("北京华为技术有限公司", "Beijing Huawei Jishu Co., Ltd."),
        ("株式会社 Toyota", "Toyota Inc"),
        ("ООО Газпром", "OOO Gazprom"),
        ("Société Générale S. A.", "societe generale"),
        ("PT Telkom Indonesia Tbk", "Telkom Indonesia"),
    ],
)
def test_names_of_companies_have_one_normal_form(one, other):
    assert "".join(forms.company_words(one)) == "".join(forms.company_words(other))


def test_a_legal_form_alone_is_a_name():
    assert forms.company_words("AG") == ("ag",)
    assert forms.company_words("有限公司") == ("youxiangongsi",)


def test_people_are_compared_in_any_order_and_script():
    assert verdict(person("张伟"), person("Wei Zhang")).evidence[0].weight == 5.0
    assert forms.person_words("Dr. Anne-Marie Ø'Hara") == ("anne", "marie", "o", "hara")


def test_numbers_addresses_and_sites_are_compared_by_what_they_mean():
    assert forms.phone_ending("+49 (40) 123 456-78") == forms.phone_ending("040/12345678") == "12345678"
    assert forms.domain_of("Info@Acme.example") == forms.site_of("https://www.acme.example/de") == "acme.example"
    assert forms.domain_of("somebody@gmail.com") is None
    assert forms.street_words("Hauptstr. 5") == forms.street_words("Hauptstraße 5")
    assert verdict(person("A", street="Zum Hafen 12"), person("A", street="Zumhafen 12")).evidence[1].weight > 3


def test_a_score_says_what_speaks_for_it_and_what_against():
    found = verdict(
        company("Acme Ltd", website="acme.example", city="Leeds"),
        company("Acme GmbH", emails=["a@acme.example"], city="Lyon"),
    )
    assert (found.score, found.matched_on) == (99, ["name", "website"])
    assert [one.field for one in found.evidence if one.weight < 0] == ["city"]


def test_what_tells_records_apart_counts():
    assert verdict(company("Fonds 1 AG"), company("Fonds 2 AG")).score < 20
    alike = {"born_on": date(1980, 5, 4)}
    assert verdict(person("Ann Lee", **alike), person("Ann Lee", **alike)).score > 95
    assert verdict(person("Ann Lee", **alike), person("Ann Lee", born_on=date(1951, 12, 30))).score < 10
    assert verdict(person("Ann Lee"), person("Ann Lee")).score < 50
    there = {"city": "Canton", "region": "Georgia", "postal_code": "30114"}
    assert verdict(person("Subscriber 123", **there), person("Subscriber 123", **there)).score > 80
    assert verdict(person("Subscriber 123", **there), person("Subscriber 124", **there)).score < 10
    assert verdict(person("Ann Lee", customer="a"), person("Ann Lee", customer="a")).score > 90


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna Berg", "Paul Holm"),
        ("Anna Berg", "Paul Bergh"),
        ("Anna Papadopoulou", "Nina Papadopoulou"),
        ("王伟", "王芳"),
        ("李明", "李平"),
    ],
)
def test_those_who_live_or_work_together_are_not_one(one, other):
    home = {"street": "Hauptstr. 5", "postal_code": "20095", "city": "Hamburg", "region": "Hamburg"}
    office = {**home, "customer": "a", "phones": ["40123456"]}
    for together in (home, office):
        assert verdict(person(one, **together), person(other, **together)).score < 50
        found = verdict(person(one, **together), person(f"Dr. {one}", **together))
        assert (found.score, found.matched_on[0]) == (99, "name")
    moved = {"street": "Ring 1", "postal_code": "04103", "city": "Leipzig"}
    assert verdict(person(one, **home), person(one, **moved)).score < 50


def test_one_mistake_leaves_a_key():
    name = "Nordwind Maschinenbau"
    for place in range(len(name)):
        for other in (name[:place] + name[place + 1 :], f"{name[:place]}x{name[place:]}"):
            assert keys(company(name)) & keys(company(other)), other


#: Latin, Greek and Cyrillic letters and what is between them, and Chinese of every day.
TEXTS = st.text(st.characters(max_codepoint=0x4FF) | st.sampled_from("北京华为公司有限"), max_size=40)


@given(TEXTS, TEXTS)
@example("0", "000")
@example("Anna Berg", "B A")
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_normal_form_that_stays_and_a_score_that_is_mutual(one, other):
    for normal in (forms.company_words, forms.person_words, forms.street_words):
        assert all(normal(one))
        once = " ".join(normal(one))
        assert forms.latin(once) == once.split()
    for kind in (company, person):
        assert hashes(kind(one)) == hashes(kind(one))
        assert verdict(kind(one), kind(other)).score == verdict(kind(other), kind(one)).score
