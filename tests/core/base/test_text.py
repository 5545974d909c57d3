"""Text: folding agrees between Python and both engines; names in their several spellings."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, literal_column, select
from sqlalchemy import text as sql_text

from core.base.text import camel, fold, pascal, plural, snake, with_article, words
from core.db.sql import folded
from core.db.types import Text

#: Every character Python knows but for the uniform blocks of ideographs, syllables and private use.
LETTERS = [
    chr(point)
    for point in range(1, 0x20000)
    if not (0x3400 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7A3 or 0xD800 <= point <= 0xF8FF)
    and unicodedata.category(chr(point)) != "Cn"
] + list("㐀一鿿가힣豈\U00020000\U0002f800\U000e0001\U0010fffd")


ROWS = {
    "sqlite": "(SELECT key AS place, value AS text FROM json_each(:texts)) AS given",
    "postgresql": "json_array_elements_text(CAST(:texts AS json)) WITH ORDINALITY AS given(text, place)",
}


def fold_in_sql(connection, texts: list[str]) -> list[str]:
    rows = sql_text(ROWS[connection.dialect.name]).bindparams(texts=json.dumps(texts))
    query = select(folded(literal_column("given.text", Text()))).select_from(rows)
    return list(connection.scalars(query.order_by(literal_column("given.place"))))


def test_python_and_sql_fold_every_character_alike(connection):
    # PostgreSQL may know a younger Unicode than Python, or an older one; what both know they fold alike.
    assert len(LETTERS) > 30_000
    found = zip(LETTERS, fold_in_sql(connection, LETTERS), strict=True)
    differing = [text for text, sql in found if sql != fold(text)]
    if connection.dialect.name == "postgresql":
        differing = [text for text in differing if connection.scalar(select(func.unicode_assigned(text)))]
    assert differing == []


@given(st.lists(st.text(st.sampled_from(LETTERS), max_size=12), min_size=1, max_size=20))
def test_python_and_sql_fold_texts_alike(connection, texts):
    assert fold_in_sql(connection, texts) == [fold(text) for text in texts]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÉMILE", "émile"),
        ("STRASSE", "straße"),
        ("ＧＵＡＮＸＩ", "guanxi"),
        ("ΟΔΟΣ", "οδος"),
        ("e\u0301", "\u00e9"),
        ("ﬁbre", "FIBRE"),
        ("关系", "关系"),
    ],
)
def test_texts_that_differ_in_case_or_width_are_one(connection, one, other):
    assert fold(one) == fold(other)
    assert fold_in_sql(connection, [one]) == fold_in_sql(connection, [other]) == [fold(one)]


def test_texts_that_differ_in_accents_are_two():
    assert fold("Emile") != fold("Émile")


@given(st.text())
def test_a_folded_text_has_no_case_left(text):
    assert fold(text).casefold() == fold(text)


@pytest.mark.parametrize(
    ("name", "in_snake", "in_camel", "in_words"),
    [
        ("StageTransition", "stage_transition", "StageTransition", "stage transition"),
        ("stageTransition", "stage_transition", "stageTransition", "stage transition"),
        ("expected_amount", "expected_amount", "expectedAmount", "expected amount"),
        ("SWOTAnalysis", "swot_analysis", "SWOTAnalysis", "swot analysis"),
        ("name", "name", "name", "name"),
    ],
)
def test_spellings_of_a_name(name, in_snake, in_camel, in_words):
    assert (snake(name), camel(name), words(name)) == (in_snake, in_camel, in_words)
    assert pascal(name) == in_camel[:1].upper() + in_camel[1:]


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("Customer", "Customers"),
        ("Opportunity", "Opportunities"),
        ("Survey", "Surveys"),
        ("Address", "Addresses"),
        ("Tax", "Taxes"),
        ("Branch", "Branches"),
    ],
)
def test_plurals(one, many):
    assert plural(one) == many


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("customer", "a customer"),
        ("opportunity", "an opportunity"),
        ("exchange rate", "an exchange rate"),
        ("user", "a user"),
    ],
)
def test_nouns_with_their_article(noun, said):
    assert with_article(noun) == said
