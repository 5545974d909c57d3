"""How large a request may be: each limit refuses what is over it, also where fragments bring it there."""

import pytest

from guanxi.testing import Client


@pytest.fixture(scope="module")
def client(module_crm) -> Client:
    return module_crm(
        maximum_tokens=120,
        maximum_depth=4,
        maximum_fields=12,
        maximum_aliases=5,
        maximum_directives=3,
        maximum_page_size=7,
        default_page_size=7,
        maximum_body_bytes=4000,
    )


def refusal(client, query):
    """Why a query is refused; None where it is answered."""
    errors = client.execute(query).get("errors")
    return errors and errors[0]["message"]


DEEP = "nodes { owner { team { name } } }"
WIDE = " ".join(f"f{number}: name" for number in range(3))
ALIASED = " ".join(f"a{number}: totalCount" for number in range(3))
DIRECTED = "totalCount @include(if: true) t: totalCount @skip(if: false)"
MANY = " ".join(["nodes { id name status industry }", "pageInfo { startCursor endCursor hasNextPage }"])

#: A selection of customers that is within the limits; twice the same of which is not, and how that is refused.
OVER = {
    "levels of selection": ("nodes { name }", DEEP, "the query has 5 levels of selection; at most 4 are allowed"),
    "fields": ("totalCount", MANY + " edges { cursor } totalCount " + MANY, "fields; at most 12 are allowed"),
    "aliases": (ALIASED, ALIASED + " b: totalCount c: totalCount d: totalCount", "6 aliases; at most 5 are allowed"),
    "directives": (
        DIRECTED,
        DIRECTED + " ... @include(if: true) { __typename @skip(if: true) }",
        "4 directives; at most 3 are",
    ),
}


@pytest.mark.parametrize(("within", "over", "said"), OVER.values(), ids=OVER)
def test_what_is_over_a_limit_is_refused_and_what_is_within_is_answered(client, within, over, said):
    assert refusal(client, f"{{ customers {{ {within} }} }}") is None
    assert said in refusal(client, f"{{ customers {{ {over} }} }}")


@pytest.mark.parametrize(("within", "over", "said"), OVER.values(), ids=OVER)
def test_what_stands_in_a_fragment_counts_as_if_it_stood_there(client, within, over, said):
    for form in (
        "{{ customers {{ ...F }} }} fragment F on CustomerConnection {{ {0} }}",
        "{{ customers {{ ... on CustomerConnection {{ {0} }} }} }}",
        "{{ ...Q }} fragment Q on Query {{ customers {{ ...F }} }} fragment F on CustomerConnection {{ {0} }}",
    ):
        assert refusal(client, form.format(within)) is None
        assert said in refusal(client, form.format(over))


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("id name status industry", "fields; at most 12 are allowed"),
        ("a: id b: name", "6 aliases; at most 5 are allowed"),
        ("id @include(if: true) name @skip(if: false)", "directives; at most 3 are allowed"),
    ],
)
def test_a_fragment_counts_as_often_as_it_is_spread(client, selection, said):
    fragment = f"fragment F on Customer {{ {selection} }}"
    thrice = " ".join("... on CustomerConnection { nodes { ...F } }" for _ in range(3))
    assert refusal(client, f"{{ customers {{ nodes {{ ...F }} }} }} {fragment}") is None
    assert said in refusal(client, f"{{ customers {{ {thrice} }} }} {fragment}")


def test_a_document_of_too_many_tokens_is_refused_fragments_included(client):
    filler = " ".join(["totalCount"] * 100)
    assert "120 tokens" in refusal(client, f"{{ customers {{ {filler} {filler} }} }}")
    unused = f"{{ customers {{ ...F }} }} fragment F on CustomerConnection {{ {filler} {filler} }}"
    assert "120 tokens" in refusal(client, unused)


@pytest.mark.parametrize("asked", ["first: 8", "last: 8"])
def test_a_page_of_too_many_rows_is_refused_also_in_a_fragment(client, asked):
    assert "8 is outside 0 to 7" in refusal(client, f"{{ customers({asked}) {{ totalCount }} }}")
    fragment = f"fragment F on Customer {{ contacts({asked}) {{ totalCount }} }}"
    client.create("Customer", name="Ann")
    assert "8 is outside 0 to 7" in refusal(client, f"{{ customers {{ nodes {{ ...F }} }} }} {fragment}")


def test_a_body_of_too_many_bytes_is_not_read(client):
    headers = {"content-type": "application/json"}
    body = b'{"query": "{ __typename }"}'
    assert client.post(body.ljust(4000), headers)[0] == 200
    assert client.post(body.ljust(4001), headers)[0] == 413
