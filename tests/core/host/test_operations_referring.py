"""What a plugin's mutation or hook writes is refused as input would be: references to nothing, twins, what is too large."""

import pytest
import strawberry
from sqlalchemy import func
from sqlmodel import select

from guanxi import (
    Facet,
    Input,
    Payload,
    Plugin,
    Record,
    Ref,
    column,
    hookimpl,
    mutation,
    one_living,
    reference,
    template,
)
from guanxi.records import Customer


class Call(Record, plugin="caller", prefix="call"):
    """A call to a customer."""

    customer_id: str = reference(Customer, "Who was called.", inverse="calls", on_destroy="CASCADE")
    seconds: int = column("How long.", default=0)
    ticket: str | None = column("What it was about.", default=None, max_length=10)


one_living(Call, "ticket", message=template("{twin} is the call about {ticket} already; change that one"))


@strawberry.input
class NoteCallInput(Input):
    """A call."""

    customer_id: strawberry.ID = strawberry.field(description="Who was called.")
    minutes: int = strawberry.field(default=1, description="How long.")
    asks: bool = strawberry.field(default=False, description="Whether the mutation reads after it has written.")
    ticket: str | None = strawberry.field(default=None, description="What it was about.")
    is_new: bool = strawberry.field(default=False, description="Whether the customer is entered with the call.")


@mutation
def note_call(ctx, input: NoteCallInput) -> Ref[Call]:
    """Notes a call."""
    if input.is_new:
        ctx.session.add(Customer(id=input.customer_id, name="New"))
    call = Call(customer_id=input.customer_id, seconds=60 * input.minutes, ticket=input.ticket)
    ctx.session.add(call)
    if input.asks:
        ctx.session.scalar(select(func.count()).select_from(Call))
    return call


class Caller(Plugin):
    name, version, api = "caller", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Call]

    @hookimpl
    def register_operations(self):
        return [note_call]

    @hookimpl
    def before_commit(self, ctx, changes):
        for customer in changes.created("Customer"):
            if customer.description is not None:
                ctx.session.add(Call(customer_id=customer.id, ticket=customer.description))


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(Caller)


def noted(client, **given):
    text = """mutation ($input: NoteCallInput!) { noteCall(input: $input) {
        call { seconds customer { name } } userErrors { code message field } } }"""
    return client.query(text, input=given)["noteCall"]


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("id", ["deleted", "cus_01h455vb4pex5vsknk084sn02q", "x", ""])
def test_a_reference_to_nothing_is_refused(client, id, asks):
    if id == "deleted":
        id = client.create("Customer", name="Gone")["id"]
        client.query("mutation ($id: ID!) { deleteCustomer(input: {id: $id}) { userErrors { code } } }", id=id)
    answer = noted(client, customerId=id, minutes=7, asks=asks)
    message = f"customerId: there is no customer {id!r}; give the id of an existing one"
    assert answer == {
        "call": None,
        "userErrors": [{"code": "NOT_FOUND", "message": message, "field": ["customerId"]}],
    }
    assert client.query("{ calls(where: {seconds: {eq: 420}}) { totalCount } }") == {"calls": {"totalCount": 0}}


@pytest.mark.parametrize("asks", [False, True])
def test_a_reference_to_what_is_written_with_it_is_taken(client, asks):
    id = f"cus_01h455vb4pex5vsknk084sn0{asks:d}a"
    answer = noted(client, customerId=id, isNew=True, asks=asks)
    assert answer == {"call": {"seconds": 60, "customer": {"name": "New"}}, "userErrors": []}


@pytest.mark.parametrize(
    ("minutes", "problem"),
    [
        (36_000_000, "2160000000 is too large; the maximum is 2147483647"),
        (-36_000_000, "-2160000000 is too small; the minimum is -2147483648"),
    ],
)
def test_a_number_that_no_int_can_show_is_refused(client, minutes, problem):
    id = client.create("Customer", name="Ann")["id"]
    assert noted(client, customerId=id, minutes=minutes)["userErrors"] == [
        {"code": "INVALID", "message": f"seconds: {problem}", "field": ["seconds"]}
    ]


@pytest.mark.parametrize("asks", [False, True])
def test_a_twin_is_refused_and_named(client, asks):
    id, ticket = client.create("Customer", name="Ann")["id"], f"twin {asks}"
    assert noted(client, customerId=id, ticket=ticket)["userErrors"] == []
    first = client.query(
        "query ($ticket: String!) { calls(where: {ticket: {eq: $ticket}}) { nodes { id } } }", ticket=ticket
    )
    message = f"ticket: {first['calls']['nodes'][0]['id']} is the call about {ticket} already; change that one"
    twin = {"code": "ALREADY_EXISTS", "message": message, "field": ["ticket"]}
    assert noted(client, customerId=id, ticket=ticket, asks=asks)["userErrors"] == [twin]
    made = client.query(
        """mutation ($input: CreateCustomerInput!) {
            createCustomer(input: $input) { userErrors { code message field } } }""",
        input={"name": "Bo", "description": ticket},
    )
    assert made["createCustomer"]["userErrors"] == [twin]


@pytest.mark.parametrize(
    "text",
    [
        "mutation ($input: NoteCallInput!) { noteCall(input: $input) { userErrors { code } } }",
        'mutation { noteCall(input: {customerId: "cus_\\u0000"}) { userErrors { code } } }',
    ],
)
def test_a_character_that_no_database_stores_is_refused_where_it_is(client, text):
    given = {"input": {"customerId": "cus_\0"}} if "$" in text else {}
    (error,) = client.execute(text, **given)["errors"]
    assert error["message"] == "input.customerId: the character NUL (U+0000) is not possible; leave it out"


class Visits(Facet, of="Customer", plugin="greeter"):
    count: int = 0


@strawberry.input
class GreetInput(Input):
    """Who is greeted."""

    customer_id: strawberry.ID = strawberry.field(description="Who.")


@strawberry.type
class GreetPayload(Payload):
    """The greeting."""

    count: int | None = strawberry.field(description="How often by now.")


@mutation
def greet(ctx, input: GreetInput) -> GreetPayload:
    """Counts a visit."""
    visits = ctx.facet(Visits, input.customer_id)
    visits.count += 1
    return GreetPayload(count=visits.count)


class Greeter(Plugin):
    name, version, api = "greeter", "1.0", ">=1,<2"

    @hookimpl
    def register_operations(self):
        return [greet]


def test_a_facet_of_nothing_is_an_error_of_the_field_for_whoever_asks(crm):
    client = crm(Greeter)
    own, nobody = client.create("Customer", name="Ann")["id"], "cus_01h455vb4pex5vsknk084sn02q"
    text = """mutation ($id: ID!) { greet(input: {customerId: $id}) { count userErrors { code field message } } }"""
    assert client.query(text, id=own)["greet"] == {"count": 1, "userErrors": []}
    limited = client.acting_as(client.create("User", name="Bo", role="ACCOUNT_MANAGER")["id"])
    for asking in (client, limited):
        answer = asking.query(text, id=nobody)["greet"]
        (error,) = answer["userErrors"]
        assert (answer["count"], error["code"], error["field"]) == (None, "NOT_FOUND", ["customerId"])
        assert error["message"].startswith(f"customerId: there is no customer {nobody!r}; give ")
