"""What is kept of requests: plans and refusals, and nothing of the requests they were made for."""

import gc
from collections import Counter

from schema.plan.statement import Statement
from schema.request import documents
from schema.request.context import RequestContext
from schema.request.recent import Recent

_REFUSED = (
    # Of a root field, and of fields below one.
    '{ customers(after: "nonsense") { nodes { id } } }',
    "{ customers(first: 100000) { nodes { id } } }",
    "{ customers { nodes { id contacts(first: -1) { nodes { id } } } } }",
    '{ customers(where: {name: {in: ["a", null]}}) { nodes { id } } }',
    "{ customer(id: null) { id } }",
)
_ANSWERED = (
    "{ customers(orderBy: [{name: ASC}]) { edges { cursor } pageInfo { endCursor } } }",
    'query ($after: String) { customers(after: $after, where: {name: {contains: "a"}}) { nodes { id } } }',
    "{ contacts { nodes { customer { opportunities(first: 2) { edges { cursor } } } } } }",
)


def test_documents_that_are_answered_and_refused_leave_nothing_of_requests_behind(crm):
    client = crm()

    def ask():
        for text in (*_REFUSED, *_ANSWERED):
            client.execute(text)

    # Looked through is only what is made from here on: to look through all there is takes seconds.
    gc.freeze()
    for _ in range(6):
        ask()
    gc.collect()
    made = Counter(map(type, gc.get_objects()))
    # What goes on in the background may have one of its own.
    assert made[RequestContext] < 5
    assert made[Statement] == 0


def test_values_used_last_are_kept_as_far_as_their_weight_allows():
    kept: Recent[str] = Recent(10)
    for text in ("aaaa", "bbb", "cc", "d"):
        kept.keep(text[0], text)
    kept.find("a")
    assert kept.trim(len, 8) == 7
    assert [kept.find(key) for key in "abcd"] == ["aaaa", None, "cc", "d"]
    assert kept.trim(len, 0) == 1, "one is kept, however heavy"
    assert kept.find("d") == "d"


def test_plans_are_kept_as_far_as_their_statements_are_not_too_long(crm, monkeypatch):
    monkeypatch.setattr(documents, "_HEAVIEST", 8_000)
    monkeypatch.setattr(documents, "_HEAVIEST_ONE", 1_000)
    client = crm()
    for size in range(1, 41):
        found = client.query(f"{{ customers(first: {size}) {{ nodes {{ id contacts {{ nodes {{ id }} }} }} }} }}")
        assert found == {"customers": {"nodes": []}}
    assert 1 < client.app.services.documents.figures[2] < 40
    text = "query ($first: Int, $with: Boolean = true) { customers(first: $first) { nodes { id name @include(if: $with) } } }"
    for size in range(1, 6):
        assert client.query(text, first=size, **{"with": size % 2 == 0}) == {"customers": {"nodes": []}}
