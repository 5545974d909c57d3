"""The attacks: what is sent, and how it is refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

LIMIT = "LIMIT_EXCEEDED"
NOT_VALID = "GRAPHQL_VALIDATION_FAILED"
NOT_GRAPHQL = "GRAPHQL_PARSE_FAILED"
NO_REQUEST = "BAD_REQUEST"
INPUT = "BAD_USER_INPUT"

_FILTERED = "query ($where: CustomerWhere) { customers(where: $where, first: 1) { nodes { id } } }"


@dataclass(frozen=True)
class Attack:
    """One request.

    Attributes:
        name: of the attack.
        body: makes what is sent.
        code: by which it is refused; None where it is answered.
        limit: the limit that refuses it, if one does.
    """

    name: str
    body: Callable[[], bytes]
    code: str | None = LIMIT
    limit: str | None = None


def _asked(text: str, **variables: Any) -> bytes:
    return orjson.dumps({"query": text, "variables": variables})


def _filtered(where: str) -> bytes:
    """A question with a filter that is deeper than what writes JSON takes."""
    return b'{"query": "%s", "variables": {"where": %s}}' % (_FILTERED.encode(), where.encode())


def _nested(levels: int, wrap: Callable[[str], str], inside: str) -> str:
    for _ in range(levels):
        inside = wrap(inside)
    return inside


def _conditions(count: int) -> list[dict[str, Any]]:
    return [{"name": {"eq": f"n{number}"}} for number in range(count)]


def _literals(count: int) -> str:
    return " ".join(f'{{name: {{eq: "n{number}"}}}}' for number in range(count))


def _chain(length: int) -> str:
    links = " ".join(f"fragment F{number} on Customer {{ ...F{number + 1} }}" for number in range(length))
    return f"{{ customers {{ nodes {{ ...F0 }} }} }} {links} fragment F{length} on Customer {{ id }}"


def _doubling(levels: int) -> str:
    """Fragments each of which spreads the next twice."""
    links = " ".join(f"fragment F{n} on Customer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    return f"{{ customers {{ nodes {{ ...F0 }} }} }} {links} fragment F{levels} on Customer {{ id }}"


def _pages(levels: int) -> str:
    return _nested(levels, lambda below: f"nodes {{ subsidiaries(first: 1000) {{ {below} }} }}", "totalCount")


def _body(text: str) -> bytes:
    """A body that is JSON, except for being written as it is."""
    return b'{"query": "{ __typename }", "variables": ' + text.encode() + b"}"


def attacks() -> Iterator[Attack]:
    """All of them."""
    yield from _by_values()
    yield from _by_documents()
    yield from _by_pages()
    yield from _by_bodies()
    yield from _by_texts()


def _by_values() -> Iterator[Attack]:
    for count in (2_000, 50_000):
        yield Attack(
            f"{count} conditions in variables",
            lambda count=count: _asked(_FILTERED, where={"or": _conditions(count)}),
            LIMIT if count == 2_000 else NO_REQUEST,
            "maximum_conditions" if count == 2_000 else None,
        )
    for levels in (60, 300, 500):
        yield Attack(
            f"{levels} nested relation filters in variables",
            lambda levels=levels: _filtered('{"contacts": {"some": {"customer": ' * levels + "{}" + "}}}" * levels),
            LIMIT if levels < 500 else NO_REQUEST,
            "nesting" if levels < 500 else None,
        )
    for levels in (60, 500):
        yield Attack(
            f"{levels} nested negations in variables",
            lambda levels=levels: _filtered('{"not": ' * levels + "{}" + "}" * levels),
            limit="nesting",
        )
    yield Attack(
        "1,000 nested lists in variables",
        lambda: _filtered('{"and": ' + "[" * 1000 + "]" * 1000 + "}"),
        limit="nesting",
    )
    yield Attack(
        "10,000 nested lists in variables", lambda: _body('{"a": ' + "[" * 10_000 + "]" * 10_000 + "}"), NO_REQUEST
    )
    for count in (100_000, 1_000_000):
        yield Attack(
            f"a list of {count}",
            lambda count=count: _asked(_FILTERED, where={"name": {"in": ["x"] * count}}),
            LIMIT if count == 100_000 else NO_REQUEST,
            "maximum_values" if count == 100_000 else None,
        )
    yield Attack(
        "one filter in 100 places",
        lambda: _asked(
            "query ($where: CustomerWhere) { "
            + " ".join(f"a{n}: customers(where: $where) {{ totalCount }}" for n in range(100))
            + " }",
            where={"or": _conditions(400)},
        ),
        limit="maximum_conditions",
    )
    yield Attack(
        "500 kinds of order",
        lambda: _asked(
            "query ($order: [CustomerOrder!]) { customers(orderBy: $order) { totalCount } }",
            order=[{"owner": {"manager": {"name": "ASC"}}}] * 500,
        ),
        limit="maximum_conditions",
    )
    for plural in ("Customers", "Contacts"):
        yield Attack(
            f"20,000 rows of {plural.lower()}",
            lambda plural=plural: _asked(
                f"mutation ($rows: [{plural[:-1]}UpsertItem!]!) "
                f"{{ upsert{plural}(input: {{items: $rows}}) {{ created }} }}",
                rows=[{"externalIds": [{"system": "a", "value": str(n)}]} for n in range(20_000)],
            ),
            limit="maximum_batch_size",
        )
    yield Attack(
        "6,000 rows twice in one request",
        lambda: _asked(
            "mutation ($rows: [CustomerUpsertItem!]!) { a: upsertCustomers(input: {items: $rows}) { created } "
            "b: upsertCustomers(input: {items: $rows}) { created } }",
            rows=[{"externalIds": [{"system": "a", "value": str(n)}]} for n in range(6_000)],
        ),
        limit="maximum_batch_size",
    )


def _by_documents() -> Iterator[Attack]:
    yield Attack(
        "500 conditions as literals",
        lambda: _asked(f"{{ customers(where: {{or: [{_literals(501)}]}}) {{ totalCount }} }}"),
        limit="maximum_conditions",
    )
    for count in (2_000, 50_000):
        yield Attack(
            f"{count} conditions as literals",
            lambda count=count: _asked(f"{{ customers(where: {{or: [{_literals(count)}]}}) {{ totalCount }} }}"),
            LIMIT if count == 2_000 else NO_REQUEST,
            "maximum_tokens" if count == 2_000 else None,
        )
    for levels in (60, 500):
        yield Attack(
            f"{levels} nested relation filters as literals",
            lambda levels=levels: _asked(
                "{ customers(where: "
                + _nested(levels, lambda w: f"{{contacts: {{some: {{customer: {w}}}}}}}", '{name: {eq: "x"}}')
                + ") { totalCount } }"
            ),
            LIMIT if levels == 60 else NOT_GRAPHQL,
            "nesting" if levels == 60 else None,
        )
    for length in (600, 900, 5_000):
        yield Attack(
            f"a chain of {length} fragments",
            lambda length=length: _asked(_chain(length)),
            limit="maximum_fragments" if length == 600 else "maximum_tokens",
        )
    yield Attack("90 fragments, each twice in the one before", lambda: _asked(_doubling(90)), limit="maximum_fields")
    yield Attack(
        "fragments in a circle",
        lambda: _asked(
            "{ customers { nodes { ...A } } } fragment A on Customer { ...B } fragment B on Customer { ...A }"
        ),
        NOT_VALID,
    )
    yield Attack(
        "1,000 aliases",
        lambda: _asked("{ customers { " + " ".join(f"a{n}: totalCount" for n in range(1000)) + " } }"),
        limit="maximum_aliases",
    )
    yield Attack(
        "1,000 root fields",
        lambda: _asked("{ " + " ".join("__typename" for _ in range(1000)) + " }"),
        limit="maximum_root_fields",
    )
    for count in (500, 10_000):
        yield Attack(
            f"{count} directives",
            lambda count=count: _asked("{ customers { totalCount " + "@include(if: true) " * count + "} }"),
            limit="maximum_directives" if count == 500 else "maximum_tokens",
        )
    yield Attack(
        "one field 600 times in one place",
        lambda: _asked("{ customers { " + "nodes { id } " * 600 + "} }"),
        limit="comparisons",
    )
    yield Attack(
        "4,500 fields", lambda: _asked("{ customers { nodes { " + "id " * 4_500 + "} } }"), limit="maximum_fields"
    )
    yield Attack(
        "100 unknown fields and types",
        lambda: _asked(
            "{ "
            + " ".join(f"customerOpportunityForecastSubmission{n}" for n in range(50))
            + " "
            + " ".join(f"... on CustomerOpportunityForecastSubmission{n} {{ id }}" for n in range(50))
            + " }"
        ),
        NOT_VALID,
    )
    yield Attack(
        "an unknown field with a name of 100,000 characters", lambda: _asked("{ " + "a" * 100_000 + " }"), NOT_VALID
    )
    for levels in (60, 5_000):
        yield Attack(
            f"{levels} levels of selection",
            lambda levels=levels: _asked(
                "{ customers { nodes " + "{ parent " * levels + "{ id }" + " }" * levels + " } }"
            ),
            LIMIT if levels == 60 else NOT_GRAPHQL,
            "maximum_depth" if levels == 60 else None,
        )
    yield Attack(
        "introspection in a circle",
        lambda: _asked(
            "{ __schema { types { " + _nested(20, lambda below: f"fields {{ type {{ {below} }} }}", "name") + " } } }"
        ),
        limit="maximum_depth",
    )
    yield Attack(
        "a number of 7,000 digits",
        lambda: _asked("{ customers(first: " + "9" * 7_000 + ") { totalCount } }"),
        limit="digits",
    )


def _by_pages() -> Iterator[Attack]:
    yield Attack(
        "pages of 1,000 of pages of 1,000 of pages of 1,000",
        lambda: _asked(f"{{ customers(first: 1000) {{ {_pages(2)} }} }}".replace("totalCount", "nodes { id }")),
        limit="maximum_cost",
    )
    yield Attack(
        "the same by a variable",
        lambda: _asked(
            f"query ($n: Int) {{ customers(first: $n) {{ {_pages(2)} }} }}".replace("1000", "$n").replace(
                "totalCount", "nodes { id }"
            ),
            n=1000,
        ),
        limit="maximum_cost",
    )


def _by_bodies() -> Iterator[Attack]:
    yield Attack("a body of 20 MB", lambda: _asked("{ __typename }", a="a" * 20_000_000), NO_REQUEST)
    yield Attack("a body of 8 MB of commas", lambda: _body("[" + "[]," * 2_600_000 + "1]"), NO_REQUEST)
    yield Attack("a text of 8 MB", lambda: _asked("{ __typename }", a="a" * 8_000_000), None)
    yield Attack("a document of 8 MB", lambda: _asked("{ __typename " + "#" * 8_000_000), limit="characters")
    yield Attack("a document of 8 MB of fields", lambda: _asked("{ " + "id " * 2_500_000), limit="characters")
    yield Attack("100,000 comments", lambda: _asked("{ __typename " + "#\n" * 90_000), limit="maximum_tokens")
    yield Attack(
        "a body that is a list of requests",
        lambda: b"[" + b",".join([_asked("{ __typename }")] * 10) + b"]",
        NO_REQUEST,
    )
    yield Attack("a body that is no JSON", lambda: b"\xff\xfe{", NO_REQUEST)


def _by_texts() -> Iterator[Attack]:
    one = "query ($id: ID!) { customer(id: $id) { id } }"
    yield Attack("NUL in an id", lambda: _asked(one, id="cus_\0"), INPUT)
    yield Attack("NUL in a literal", lambda: _asked('{ customer(id: "cus_\\u0000") { id } }'), INPUT)
    yield Attack("a lone surrogate in a variable", lambda: _body('{"id": "\\ud800"}'), NO_REQUEST)
    yield Attack("a lone surrogate as a literal", lambda: _asked('{ customer(id: "\\uD800") { id } }'), NOT_GRAPHQL)
    yield Attack("a surrogate as a code point", lambda: _asked('{ customer(id: "\\u{D800}") { id } }'), NOT_GRAPHQL)
