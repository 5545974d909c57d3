"""How large a request may be: each limit refuses what is over it, also where fragments bring it there."""

import asyncio

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
        maximum_root_fields=4,
        maximum_fragments=3,
        maximum_conditions=6,
        maximum_values=30,
        maximum_batch_size=5,
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


@pytest.mark.parametrize(
    ("within", "over", "said"),
    [
        ("__typename " * 4, "__typename " * 5, "5 root fields; at most 4 are allowed"),
        (
            "... on Query { " + "__typename " * 4 + "}",
            "...F } fragment F on Query { " + "__typename " * 5,
            "5 root fields",
        ),
    ],
    ids=["in the operation", "in a fragment"],
)
def test_so_are_too_many_root_fields(client, within, over, said):
    assert refusal(client, f"{{ {within} }}") is None
    assert said in refusal(client, f"{{ {over} }}")


def test_so_are_too_many_fragments(client):
    def asked(count):
        spreads = " ".join(f"...F{number}" for number in range(count))
        return f"{{ {spreads} }} " + " ".join(
            f"fragment F{number} on Query {{ __typename }}" for number in range(count)
        )

    assert refusal(client, asked(3)) is None
    assert "4 fragments; at most 3 are allowed" in refusal(client, asked(4))
    assert "circle" in refusal(client, "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")


#: A filter as a literal and as a variable, and how many members its objects have.
FILTERS = {
    3: ('{or: [{name: {eq: "a"}}]}', {"or": [{"name": {"eq": "a"}}]}),
    6: (
        '{name: {eq: "a"}, not: {city: {eq: "b", ne: "c"}}}',
        {"name": {"eq": "a"}, "not": {"city": {"eq": "b", "ne": "c"}}},
    ),
    7: (
        '{or: [{name: {eq: "a"}}, {name: {eq: "b"}}, {name: {eq: "c"}}]}',
        {"or": [{"name": {"eq": "a"}}, {"name": {"eq": "b"}}, {"name": {"eq": "c"}}]},
    ),
}
BY_VARIABLE = "query ($where: CustomerWhere) { customers(where: $where) { totalCount } }"


@pytest.mark.parametrize("count", FILTERS)
def test_conditions_count_in_literals_and_in_variables_alike(client, count):
    literal, value = FILTERS[count]
    for answer in (
        client.execute(f"{{ customers(where: {literal}) {{ totalCount }} }}"),
        client.execute(BY_VARIABLE, where=value),
        client.execute(BY_VARIABLE.replace("CustomerWhere", f"CustomerWhere = {literal}")),
    ):
        errors = answer.get("errors")
        assert errors is None if count <= 6 else f"{count} conditions; at most 6 are allowed" in errors[0]["message"]


def test_a_variable_counts_wherever_it_stands_as_do_the_parts_of_a_list(client):
    twice = "query ($where: CustomerWhere!) { a: customers(where: $where) { totalCount } b: customersAggregate(where: {and: [$where]}) { count } }"
    assert "errors" not in client.execute(twice, where={"name": {"eq": "a"}})
    # Three for each place, and one for the `and` around it.
    assert "7 conditions" in client.execute(twice, where=FILTERS[3][1])["errors"][0]["message"]
    parts = "query ($name: TextFilter) { customers(where: {or: [{name: $name}, {name: $name}]}) { totalCount } }"
    assert "errors" not in client.execute(parts, name={"eq": "a"})
    assert "7 conditions" in client.execute(parts, name={"eq": "a", "ne": "b"})["errors"][0]["message"]


def test_a_long_list_of_values_is_refused(client):
    assert "errors" not in client.execute(BY_VARIABLE, where={"name": {"in": ["x"] * 28}})
    assert (
        "31 values; at most 30 are allowed"
        in client.execute(BY_VARIABLE, where={"name": {"in": ["x"] * 29}})["errors"][0]["message"]
    )


def test_a_filter_that_is_nested_too_deeply_is_refused(client):
    text = 'query ($w: CustomerWhere!) { customers(where: {owner: {name: {eq: "x"}}, and: [$w]}) { totalCount } }'
    where = {}
    for _ in range(27):
        where = [where]
    assert (
        "31 levels in a value; at most 30 are allowed" in client.execute(text, w={"and": where})["errors"][0]["message"]
    )


def upserting(*names):
    """A mutation that writes rows several times."""
    declared = " ".join(f"${name}: [CustomerUpsertItem!]!" for name in names)
    fields = " ".join(f"{name}: upsertCustomers(input: {{items: ${name}}}) {{ created }}" for name in names)
    return f"mutation ({declared}) {{ {fields} }}"


def test_rows_count_over_all_mutations_of_a_request_and_nothing_is_written_of_too_many(client):
    def rows(*numbers):
        return [{"externalIds": [{"system": "x", "value": str(number)}], "name": f"Row {number}"} for number in numbers]

    count = client.query("{ customers { totalCount } }")
    said = "6 rows; at most 5 are allowed. Send them in several requests"
    for answer in (
        client.execute(upserting("a"), a=rows(*range(6))),
        client.execute(upserting("a", "b"), a=rows(1, 2, 3), b=rows(4, 5, 6)),
        client.execute(
            "mutation ($input: UpsertCustomersInput!) { upsertCustomers(input: $input) { created } }",
            input={"items": rows(*range(6))},
        ),
        client.execute("mutation { upsertCustomers(input: {items: [" + '{name: "A"} ' * 6 + "]}) { created } }"),
    ):
        assert said in answer["errors"][0]["message"]
        assert answer["errors"][0]["extensions"]["limit"] == "maximum_batch_size"
    assert client.query("{ customers { totalCount } }") == count
    # A row may have lists of its own.
    assert client.query(upserting("a", "b"), a=rows(1, 2), b=rows(3, 4, 5))["b"] == {"created": 3}


def test_a_body_that_never_comes_is_not_waited_for(module_crm):
    app = module_crm(body_deadline_ms=100).app
    sent = []

    async def slow_sender():
        async def receive():
            if not received:
                received.append(True)
                return {"type": "http.request", "body": b"{", "more_body": True}
            await asyncio.Event().wait()
            return None

        async def send(message):
            sent.append(message)

        received = []
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
        await app({**scope, "client": ("127.0.0.1", 1)}, receive, send)

    asyncio.run(slow_sender())
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b"the body did not come within 0.1 s; send it faster, or in parts" in sent[1]["body"]


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
