"""What a mutation of a plugin returns is checked before anything is committed, and what its key protects."""

import pytest
import strawberry

from guanxi import Facet, Field, Input, Payload, Plugin, PluginError, Ref, column, hookimpl, mutation
from guanxi.records import Customer
from guanxi.testing import app_with


class KeptLevel(Facet, of="Customer", plugin="returner"):
    """A level that may be emptied."""

    level: int | None = column("The level.", default=9)


@strawberry.input
class ReturningInput(Input):
    """What to return."""

    kind: str = strawberry.field(description="The kind.")


@strawberry.type
class ReturningPayload(Payload):
    """A number."""

    number: int = strawberry.field(default=0, description="The number.")


def returned(ctx, kind):
    made = Customer(name=f"By {kind}")
    ctx.session.add(made)
    return {"nothing": None, "number": 3, "junk": "junk", "id": made.id, "record": made}.get(kind)


@mutation
def return_record(ctx, input: ReturningInput) -> Ref[Customer]:
    """Returns something where a customer is expected."""
    return returned(ctx, input.kind)


@mutation
def return_payload(ctx, input: ReturningInput) -> ReturningPayload:
    """Returns something where a payload is expected."""
    return ReturningPayload(number=1) if input.kind == "payload" else returned(ctx, input.kind)


class Returner(Plugin):
    name, version, api = "returner", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.keptLevel", KeptLevel.level, "The level.", writable=True)

    @hookimpl
    def register_operations(self):
        return [return_record, return_payload]


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(Returner)


def execute(client, name, kind, ask, **given):
    text = f"mutation ($input: ReturningInput!) {{ {name}(input: $input) {{ {ask} }} }}"
    return client.execute(text, input={"kind": kind, **given})


@pytest.mark.parametrize(
    ("name", "kind", "ask"),
    [
        *(("returnRecord", kind, "customer { name }") for kind in ("nothing", "number", "junk")),
        *(("returnPayload", kind, "number") for kind in ("nothing", "number", "junk")),
    ],
)
def test_what_a_mutation_may_not_return_fails_the_plugin_and_nothing_is_written(client, name, kind, ask):
    (error,) = execute(client, name, kind, ask)["errors"]
    assert (error["extensions"]["code"], error["extensions"]["plugin"]) == ("PLUGIN_ERROR", "returner")
    assert client.query(
        "query ($name: String!) { customersAggregate(where: {name: {eq: $name}}) { count } }", name=f"By {kind}"
    ) == {"customersAggregate": {"count": 0}}


@pytest.mark.parametrize("kind", ["id", "record"])
def test_a_record_is_returned_by_itself_or_by_its_id(client, kind):
    assert execute(client, "returnRecord", kind, "customer { name }")["data"] == {
        "returnRecord": {"customer": {"name": f"By {kind}"}}
    }


@pytest.mark.parametrize("dry", [False, True])
def test_an_empty_key_is_refused_for_plugins_as_for_the_core(client, dry):
    answer = execute(client, "returnPayload", "payload", "number", idempotencyKey="", dryRun=dry)
    assert "idempotencyKey: give 1 to 255 characters" in answer["errors"][0]["message"]


def test_an_emptied_column_of_a_facet_stays_empty_whatever_its_default(client):
    new = client.create("Customer", "id keptLevel", name="Level")
    assert new["keptLevel"] == 9
    text = """mutation ($id: ID!, $level: Int) { updateCustomer(input: {id: $id, keptLevel: $level}) {
        customer { keptLevel } userErrors { message } } }"""
    for level in (3, None):
        changed = client.query(text, id=new["id"], level=level)["updateCustomer"]
        assert changed == {"customer": {"keptLevel": level}, "userErrors": []}
    found = "query ($id: ID!, $where: CustomerWhere!) { customersAggregate(where: {and: [{id: {eq: $id}}, $where]}) { count } }"
    for where, count in (({"keptLevel": {"isNull": True}}, 1), ({"keptLevel": {"eq": 9}}, 0)):
        assert client.query(found, id=new["id"], where=where)["customersAggregate"]["count"] == count


class Undecorated(Payload):
    number: int = 0


@mutation
def return_undecorated(ctx, input: ReturningInput) -> Undecorated:
    """Returns a payload that is not a type."""
    return Undecorated()


@mutation
def return_unknown(ctx, input: "Nowhere") -> ReturningPayload:  # noqa: F821
    """Takes an input that does not exist."""
    return ReturningPayload()


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (return_undecorated, "Undecorated is not a type of the API; decorate it with @strawberry.type"),
        (return_unknown, "the annotation 'Nowhere' is not a type"),
    ],
)
def test_a_wrong_declaration_names_plugin_and_operation(operation, problem):
    class Wrong(Plugin):
        name, version, api = "wrong_returner", "1.0", ">=1,<2"

        @hookimpl
        def register_operations(self):
            return [operation]

    with pytest.raises(PluginError) as caught, app_with(Wrong):
        pass
    assert caught.value.message.startswith("plugin 'wrong_returner', Mutation.return")
    assert problem in caught.value.message
