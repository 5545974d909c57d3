"""What texts are found by, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.search.terms import asked_terms, lacking, misspelt, number_terms, terms_of, whole, words


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
    assert words(text) == found


def test_chinese_is_found_by_pairs_of_characters_and_by_how_it_is_read_from_any_syllable_on():
    terms = terms_of("北京长城")
    assert {"北", "北京", "京长", "长城"} <= terms
    assert {"beijingchangcheng", "changcheng", "bjcc", "cc"} <= terms
    assert set(asked_terms("北京长")) <= terms
    assert not set(asked_terms("京北")) <= terms


def test_a_number_is_found_by_its_end():
    terms = number_terms("+86 10 5555 0100")
    assert {"861055550100", "55550100", "0100"} <= terms
    assert "100" not in terms


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
    assert terms_of(word) & set(misspelt(typed))


@given(st.text())
def test_any_text_is_found_by_its_own_words_and_terms_have_no_blank(text):
    terms = terms_of(text)
    for word in words(text):
        assert set(asked_terms(word)) <= terms
    assert not any(letter.isspace() for term in (*terms, whole(text)) for letter in term)


def test_short_words_and_numbers_are_not_misspelt():
    assert list(lacking("ab")) == list(lacking("12345")) == []
    assert misspelt("ab") == ["ab"]
