"""What is kept of requests: plans and refusals, and nothing of the requests they were made for."""

import gc

from schema.plan.statement import Statement
from schema.request.context import RequestContext

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


def _living(kind):
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def test_documents_that_are_answered_and_refused_leave_nothing_of_requests_behind(crm):
    client = crm()

    def ask():
        for text in (*_REFUSED, *_ANSWERED):
            client.execute(text)

    ask()
    before = _living(RequestContext)
    for _ in range(5):
        ask()
    assert _living(RequestContext) <= before
    assert _living(Statement) == 0
