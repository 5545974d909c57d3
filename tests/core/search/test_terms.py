"""What texts are found by, without a database."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.search.readings import MOST, SYLLABLES, meant
from core.search.terms import (
    asked_beginning,
    asked_mistake,
    asked_word,
    lacking,
    number_terms,
    terms_of,
    whole,
    whole_terms,
    words,
)


def has(terms, asked):
    """Whether a text of these terms has one of each group."""
    return all(
        any(any(each.startswith(term) for each in terms) if begun else term in terms for term, begun in group)
        for group in asked
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("O'Neill & Söhne GmbH", ["o", "neill", "sohne", "gmbh"]),
        ("info@x-y.de", ["info", "x", "y", "de"]),
        ("İSTANBUL ılık", ["istanbul", "ilik"]),
        ("北京A公司", ["北京", "a", "公司"]),
        ("Ærø Łódź", ["aero", "lodz"]),
        (" _ ! ", []),
    ],
)
def test_words_have_neither_case_nor_accents(text, found):
    assert [*words(text)] == found


def test_chinese_is_found_by_pairs_of_characters_and_by_how_it_is_read_from_any_syllable_on():
    terms = terms_of("北京长城")
    assert {"北", "北京", "京长", "长城"} <= terms
    assert {"|beijingchangcheng", "|changcheng", "|bjcc", "|cc"} <= terms
    assert has(terms, asked_word("北京长"))
    assert not has(terms, asked_word("京北"))
    assert has(terms, asked_beginning("changch"))
    assert has(terms, asked_mistake("changchengg"))


def test_all_readings_are_known():
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal

    read = {to_normal(one) for each in PINYIN_DICT.values() for one in each.split(",")}
    # Sounds of assent without a vowel, and one that is read e.
    assert read - SYLLABLES == {"hm", "hng", "m", "n", "ng", "ê"}


@given(st.text("北京长城上海吕氏企业张伟西安鄂尔多斯", min_size=2, max_size=4), st.data())
def test_a_reading_with_one_letter_more_less_other_or_two_exchanged_is_found(text, data):
    (read,) = (word[1:] for word in [max(terms_of(text) - {*text}, key=lambda term: (term[0] == "|", len(term)))])
    place = data.draw(st.integers(0, len(read) - 1))
    letter = data.draw(st.sampled_from("aegnqx"))
    typed = data.draw(
        st.sampled_from(
            [
                read[:place] + letter + read[place:],
                read[:place] + letter + read[place + 1 :],
                read[:place] + read[place : place + 2][::-1] + read[place + 2 :],
                read[:place] + read[place + 1 :],
            ]
        )
    )
    # Short words are not misspelt, and nothing tells of a syllable of one letter that is not there at all.
    assume(len(typed) >= 4 and not (len(typed) < len(read) and read[place] == "e"))
    assume(len(meant(typed)) < MOST)
    assert has(terms_of(text), asked_mistake(typed))


@pytest.mark.parametrize("typed", ["lushi", "lvshi", "lüshi", "lu", "lü"])
def test_a_syllable_with_u_umlaut_is_found_however_it_is_typed(typed):
    (word,) = words(typed)
    assert has(terms_of("吕氏企业"), asked_beginning(word))
    assert has(terms_of("战略"), asked_word("zhanlue"))
    assert has(terms_of("罗湖"), asked_word("luohu")) and has(terms_of("路桥"), asked_word("luqiao"))
    assert not has(terms_of("路桥"), asked_word("lvqiao"))


def test_a_number_is_found_by_its_end():
    terms = number_terms("+86 10 5555 0100")
    assert {"|861055550100", "|55550100", "|0100"} <= terms
    assert "|100" not in terms


letters = st.text("abcdefgh", min_size=4, max_size=9)


@given(letters, st.data())
def test_one_letter_more_less_other_or_two_exchanged_are_found(word, data):
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("xyz"))
    typed = data.draw(
        st.sampled_from(
            [
                word[:place] + letter + word[place:],
                word[:place] + letter + word[place + 1 :],
                word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
                *([word[:place] + word[place + 1 :]] if len(word) > 4 else []),
            ]
        )
    )
    assert has(terms_of(word), asked_mistake(typed))


@given(letters)
def test_a_word_is_found_by_each_of_its_beginnings(word):
    for end in range(2, len(word) + 1):
        assert has(terms_of(word), asked_beginning(word[:end]))


@given(st.text())
def test_any_text_is_found_by_its_own_words_and_terms_have_no_blank(text):
    terms = terms_of(text)
    for word in words(text):
        assert has(terms, asked_word(word))
    assert not any(letter.isspace() for term in terms | whole_terms(whole(text)) for letter in term)


def test_short_words_and_numbers_are_not_misspelt():
    assert list(lacking("ab")) == list(lacking("12345")) == []
    assert asked_mistake("ab") == asked_beginning("ab")
