"""What a record leaves out of the schema is nowhere in it, and an error for it names the option that leaves it out."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import pytest

from guanxi import Named, Plugin, PluginError, Record, column, create_app, hookimpl, load_settings, query, reference
from guanxi.records import Customer


class Parcel(Record, plugin="parcels", prefix="pcl"):
    """Something sent to a customer."""

    customer_id: str = reference(Customer, "Who gets it.", inverse="parcels", on_destroy="CASCADE")
    weight: int = column("In grams.")


class ParcelStop(Record, plugin="parcels", prefix="pclstop"):
    """Where a parcel was."""

    __aggregates__ = False

    parcel_id: str = reference(Parcel, "The parcel.", inverse="stops", on_destroy="CASCADE")
    place: str = column("Where it was.", max_length=50)


class ParcelBag(Record, plugin="parcels", prefix="pclbag"):
    """A bag of parcels."""

    __groups__ = False

    weight: int = column("In grams.")


class ParcelSeal(Record, plugin="parcels", prefix="pclseal"):
    """What a bag is sealed with."""

    __read_only__ = True

    bag_id: str = reference(ParcelBag, "The bag.", inverse="seals", on_destroy="CASCADE")
    stop_id: str | None = reference(ParcelStop, "Where it was sealed.", default=None, inverse="seals")


class Parcels(Plugin):
    """Records that leave something out."""

    name, version, api = "parcels", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Parcel, ParcelStop, ParcelBag, ParcelSeal]


@pytest.fixture(scope="module")
def client(module_crm):
    client = module_crm(Parcels)
    client.create("Customer", name="Ann", id="cus_01h455vb4pex5vsknk084sn02a")
    parcel = client.create("Parcel", customerId="cus_01h455vb4pex5vsknk084sn02a", weight=300)["id"]
    client.create("ParcelStop", parcelId=parcel, place="Bergen")
    client.create("ParcelStop", parcelId=parcel, place="Oslo")
    client.create("ParcelBag", weight=40)
    return client


def names(client, pattern):
    """The names in the schema that fit a pattern."""
    return sorted(name for name in set(re.findall(r"\w+", client.app.sdl)) if re.fullmatch(pattern, name))


def test_without_aggregates_there_are_neither_they_nor_groups(client):
    assert names(client, r"ParcelStop(Aggregate\w*|Sum|Avg|Values\w*|Numbers\w*|Group\w*|Having)") == []
    assert names(client, r"(parcelStops|stops)(Aggregate|GroupBy)") == []
    assert names(client, r"ParcelStop(Where|Order|Connection|Edge|Payload|UpsertItem)") == [
        f"ParcelStop{ending}" for ending in ("Connection", "Edge", "Order", "Payload", "UpsertItem", "Where")
    ]
    # Nor do groups of what refers to it go by its fields.
    assert "stop" not in client.app.assembled.graphql.type_map["ParcelSealGroupKey"].fields
    assert "stop" not in client.app.assembled.graphql.type_map["ParcelSealGroupKeys"].fields
    found = client.query(
        '{ parcels(where: {stops: {some: {place: {eq: "oslo"}}}}) { nodes { stops(orderBy: [{place: DESC}]) { totalCount nodes { place } } } } }'
    )
    assert found["parcels"]["nodes"] == [
        {"stops": {"totalCount": 2, "nodes": [{"place": "Oslo"}, {"place": "Bergen"}]}}
    ]


def test_without_groups_there_are_aggregates(client):
    assert names(client, r"ParcelBag(Group\w*|Having|\w*Order)") == ["ParcelBagOrder"]
    assert names(client, "parcelBagsGroupBy") == []
    assert client.query("{ parcelBagsAggregate { count sum { weight } max { weight } } }")["parcelBagsAggregate"] == {
        "count": 1,
        "sum": {"weight": "40"},
        "max": {"weight": 40},
    }
    assert "bag" not in client.app.assembled.graphql.type_map["ParcelSealGroupKey"].fields
    assert (
        client.query("{ parcelSealsGroupBy(by: [{bagId: true}]) { aggregate { count } } }")["parcelSealsGroupBy"] == []
    )


ASKED = {
    "{ parcelStopsAggregate { count } }": "ParcelStop leaves out its aggregates, because it is declared with __aggregates__ = False.",
    "{ parcels { nodes { stopsAggregate { count } } } }": "ParcelStop leaves out its aggregates, because it is declared with __aggregates__ = False.",
    "{ parcels(where: {stopsAggregate: {count: {gt: 1}}}) { totalCount } }": "ParcelStop leaves out its aggregates, because it is declared with __aggregates__ = False.",
    "query ($by: [ParcelBagGroupKey!]!) { parcelBagsGroupBy(by: $by) { aggregate { count } } }": "ParcelBag leaves out its groups, because it is declared with __groups__ = False.",
    "{ parcelStopsGroupBy(by: [{place: true}]) { aggregate { count } } }": "ParcelStop leaves out its groups, because it is declared with __aggregates__ = False.",
    "mutation { createParcelSeal(input: {}) { userErrors { code } } }": "ParcelSeal leaves out its mutations, because it is declared with __read_only__ = True.",
}


@pytest.mark.parametrize("query", ASKED)
def test_a_query_for_what_is_left_out_is_told_the_option(client, query):
    errors = client.execute(query)["errors"]
    assert errors[0]["message"].endswith(ASKED[query])
    assert errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert errors[0]["locations"]


def test_what_is_misspelt_is_blamed_on_no_option(client):
    (error,) = client.execute("{ parcelStopAggregate { count } }")["errors"]
    assert "leaves out" not in error["message"]


@query
def stop_keys(ctx) -> Annotated[Mapping[str, Any], Named("ParcelStopGroupKeys")]:
    """Names what is left out."""


def test_an_operation_that_names_what_is_left_out_is_told_the_option():
    class Asking(Plugin):
        name, version, api = "asking", "1.0", ">=1,<2"

        @hookimpl
        def register_operations(self):
            return [stop_keys]

    with pytest.raises(PluginError) as refused:
        _ = create_app(load_settings(database_url="sqlite:///unused.db"), [Parcels, Asking]).assembled
    assert (
        "there is no type ParcelStopGroupKeys; ParcelStop leaves out its groups, because it is declared with "
        "__aggregates__ = False"
    ) in str(refused.value)


def test_groups_are_ordered_by_their_own_keys_alone(client):
    asked = "{{ parcelsGroupBy(by: [{{weight: true}}, {{customer: {{name: true}}}}], orderBy: [{{key: {0}}}]) {{ keys {{ weight customer {{ name }} }} }} }}"
    group = {"weight": 300, "customer": {"name": "Ann"}}
    for key in ("{weight: DESC}", "{customer: {name: ASC_NULLS_FIRST}}"):
        assert client.query(asked.format(key))["parcelsGroupBy"] == [{"keys": group}]
    for key, named in (("{createdAt: ASC}", "createdAt"), ("{customer: {industry: ASC}}", "customer.industry")):
        (error,) = client.execute(asked.format(key))["errors"]
        assert error["message"] == (
            f"orderBy.key.{named} is not a key of these groups, whose keys are weight, customer.name; "
            "name it in `by`, or order by one of those"
        )
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
