"""Forms of text: what is an e-mail address, a telephone number, a link, and which texts mean the same."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import InputError
from core.base.text import fold
from core.records.checks import is_visible
from core.records.forms import EMAIL, LINK, PHONE


def is_taken(form, text):
    try:
        form.check(text, "CN")
    except InputError:
        return False
    return True


@pytest.mark.parametrize("form", [EMAIL, PHONE, LINK])
def test_a_refusal_names_the_text_and_how_to_write_it(form):
    with pytest.raises(InputError, match=r"'no such thing' is not an? .*; write it .*"):
        form.check("no such thing", "CN")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ana@Example.com", "ana@example.com"),
        ("ana+news@sub.example.co.uk", "ana+news@sub.example.co.uk"),
        ("ana@xn--mller-kva.de", "ana@müller.de"),
        ("ana@müller.de", "ana@müller.de"),
        ("ÄNNE@müller.de", "änne@müller.de"),
    ],
)
def test_two_spellings_of_an_address_have_one_key(text, key):
    assert is_taken(EMAIL, text)
    assert EMAIL.key(text, "CN") == key


@pytest.mark.parametrize(
    "text", ["x@y..de", ".x@y.de", "x.@y.de", "x@y", "x y@z.de", "x@-y.de", "a@b@c.de", "@y.de", "x@y.de\n", "x@y_z.de"]
)
def test_what_is_no_address_is_refused_and_compared_as_text(text):
    assert not is_taken(EMAIL, text)
    assert EMAIL.key(text, "CN") == fold(text)


_PART = st.text(alphabet="aZ09_+-.", min_size=1, max_size=70)


@given(st.builds("{}@{}".format, _PART, st.text(alphabet="aZ09-.", min_size=1, max_size=80)))
def test_plain_addresses_are_judged_as_the_library_judges_them(text):
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
        known = fold(found.normalized) if "." in found.domain else None
    except EmailNotValidError:
        known = None
    assert is_taken(EMAIL, text) == (known is not None)
    assert EMAIL.key(text, "CN") == (known or fold(text))


@pytest.mark.parametrize(
    ("text", "region", "key"),
    [
        ("+49 (221) 123-45", "CN", "+4922112345"),
        ("0221 / 123 45", "DE", "+4922112345"),
        ("010 1234 5678", "CN", "+861012345678"),
        ("+８６ １０ １２３４ ５６７８", "DE", "+861012345678"),
        ("+1 415 555 0100 ext. 7", "CN", "+14155550100x7"),
        ("call me", "CN", "call me"),
        ("12", "CN", "12"),
    ],
)
def test_two_spellings_of_a_number_have_one_key(text, region, key):
    assert PHONE.key(text, region) == key


@pytest.mark.parametrize("text", ["call me", "12", "+", "+999 12345678", "1" * 30])
def test_what_is_no_number_is_refused(text):
    assert not is_taken(PHONE, text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "HTTP://example.com/a?b=c#d",
        "example.com",
        "www.example.com/path?next=http://other.example",
        "example.com:8080/x",
        "mailto:ana@example.com",
        "mailto:ana@example.com?subject=hello",
    ],
)
def test_links_are_of_the_web_or_of_mail(text):
    assert is_taken(LINK, text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript:alert(1).com",
        "javascript:1.2:3",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "\\\\evil.example",
        "https://",
        "http://[::1",
        "mailto:nobody",
        "just words",
        "word",
    ],
)
def test_whatever_else_a_page_might_run_or_open_is_no_link(text):
    assert not is_taken(LINK, text)


@given(st.text(max_size=20), st.sampled_from(["javascript", "data", "vbscript", "blob", "file"]))
def test_no_text_with_another_scheme_is_a_link(rest, scheme):
    assert not is_taken(LINK, f"{scheme}:{rest}")


@pytest.mark.parametrize("text", ["\u200b", "\u3164\u115f", "\u2060 \ufeff", "\u202e", "\ufe0f", "\u2800"])
def test_a_text_of_which_nothing_is_drawn_is_not_visible(text):
    assert not is_visible(text)


@pytest.mark.parametrize("text", ["a", " .", "张", "é", "🙂", "\u200bx", "٣"])
def test_a_text_with_one_character_that_is_drawn_is_visible(text):
    assert is_visible(text)
