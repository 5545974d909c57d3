"""Panels of the page: data that plugins declare, checked before anything is served, and drawn from the API alone."""

from dataclasses import replace

import pytest

from core.host.host import PluginHost, discover
from guanxi import Panel, PanelKind, Plugin, PluginError, hookimpl, load_settings
from guanxi.design import design
from schema.serve.panel_checks import checked_panels

PANELS = """{ panels { name plugin title description kind query variables given records
    categories { paths enumeration } secondCategories { paths enumeration } series { label unit paths low high } } }"""
DATES = {"from": "2025-01-01", "to": "2025-06-15", "today": "2025-06-15"}
SOUND = Panel(
    "regions",
    "Customers by region",
    PanelKind.BARS,
    """query ($status: CustomerStatus!) {
        customersGroupBy(by: [{region: true}], where: {status: {eq: $status}}) {
            keys { region } aggregate { count sum { annualRevenue { total { amount currency } } } } } }""",
    {"Customers": "customersGroupBy.aggregate.count", "Revenue": "customersGroupBy.aggregate.sum.annualRevenue.total"},
    by="customersGroupBy.keys.region",
    variables={"status": "PROSPECT"},
)


SETTINGS = load_settings(database_url="sqlite:///unused.db")


@pytest.fixture(scope="module")
def schema():
    """The schema without plugins."""
    return design(SETTINGS, []).assemble().graphql


def showing(*panels, answer=None):
    """A plugin with these panels, or with another answer."""

    class Shows(Plugin):
        """Shows figures."""

        name, version, api = "shows", "1", ">=1,<2"

        @hookimpl
        def register_panels(self):
            return answer or panels

    return Shows


def values(answer, path):
    """What a path leads to, as the page follows it."""
    found, keys = [answer], path.split(".")
    for key, after in zip(keys, [*keys[1:], ""], strict=True):
        found = [None if one is None else one[int(key) if isinstance(one, list) else key] for one in found]
        if not after.isdecimal():
            found = [item for one in found for item in (one if isinstance(one, list) else [one])]
    return found


def test_hook_register_panels_lists_figures_that_the_api_answers(crm):
    client = crm(showing(SOUND))
    for name, region in (("Ann", "North"), ("Bo", "North"), ("Cy", "South")):
        client.create("Customer", name=name, region=region)
    (panel,) = client.query(PANELS)["panels"]
    assert (panel["plugin"], panel["name"], panel["title"]) == ("shows", "regions", "Customers by region")
    assert [(one["label"], one["unit"]) for one in panel["series"]] == [("Customers", "NUMBER"), ("Revenue", "MONEY")]
    answer = client.query(panel["query"], **panel["variables"])
    assert values(answer, panel["categories"]["paths"][0]) == ["North", "South"]
    assert values(answer, panel["series"][0]["paths"][0]) == [2, 1]


def test_every_panel_of_the_plugins_that_come_along_is_answered_in_both_languages(crm):
    client = crm(*discover())
    titles = []
    for reader in (client, client.reading("zh")):
        panels = reader.query(PANELS)["panels"]
        titles.append([panel["title"] for panel in panels])
        assert len(panels) > 12 and {panel["plugin"] for panel in panels} == {
            "credit_scoring",
            "forecasting",
            "satisfaction_surveys",
            "value_tiering",
        }
    for panel in panels:
        given = {name: DATES[name] for name in panel["given"]}
        assert client.query(panel["query"], **panel["variables"], **given), panel["name"]
    assert all(english != chinese for english, chinese in zip(*titles, strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "By region"}, "must be named in snake case"),
        ({"title": ""}, "has no title"),
        ({"query": "{ customers { totalCount } }"}, r"the query has no variable \$status"),
        ({"query": "{ custmers { totalCount } }"}, "Cannot query field 'custmers'"),
        ({"query": "{"}, "Syntax Error"),
        ({"query": "query A { viewer { actor } } query B { viewer { actor } }"}, "Anonymous|one query"),
        ({"query": 'mutation { deleteCustomer(input: {id: "a"}) { deletedId } }'}, "must be one query"),
        ({"variables": {"status": "NOBODY"}}, "NOBODY"),
        ({"variables": {}}, "status"),
        ({"by": "customersGroupBy.keys.city"}, "selects no 'city' in 'customersGroupBy.keys.city'; there is region"),
        (
            {"by": "customersGroupBy.keys"},
            "by: 'customersGroupBy.keys' leads to CustomerGroupKeys; go on to one of region",
        ),
        ({"by": "customersGroupBy.0.keys.region"}, "has other rows than by"),
        ({"by": ()}, "by: BARS needs the path of its categories"),
        ({"values": {}}, "values: there are none"),
        ({"values": {"Region": "customersGroupBy.keys.region"}}, "leads to String; it must be a number or Money"),
        ({"values": {"All": ("customersGroupBy.aggregate.count", "customersGroupBy.keys.region")}}, "of one type"),
        ({"kind": "PIE"}, "is not a PanelKind"),
        ({"kind": PanelKind.WATERFALL}, "values: WATERFALL draws 3, not 2"),
        ({"kind": PanelKind.NUMBERS, "by": ()}, "has many rows, of which by names none"),
        ({"across": "customersGroupBy.keys.region"}, "across: BARS takes none; MATRIX and POINTS do"),
        (
            {"kind": PanelKind.MATRIX, "values": {"All": "customersGroupBy.aggregate.count"}},
            "across: MATRIX needs the path",
        ),
        ({"intervals": {"Customers": ("customersGroupBy.aggregate.count",)}}, "'Customers']: give two paths"),
        ({"intervals": {"Customers": "customersGroupBy.aggregate.count"}}, "'Customers']: give two paths"),
        ({"intervals": {"Profit": ("a", "b")}}, "intervals: there is no value 'Profit'; there is Customers, Revenue"),
    ],
)
def test_a_panel_that_cannot_be_drawn_stops_the_start(schema, change, message):
    host = PluginHost([showing(replace(SOUND, **change))], SETTINGS)
    with pytest.raises(PluginError, match=message) as refused:
        checked_panels(host, schema)
    assert str(refused.value).startswith("plugin 'shows', panel ")


def test_what_are_no_panels_stops_the_start(schema):
    for plugin, message in (
        (showing(SOUND, SOUND), "there are two of that name"),
        (showing(42), "42 is not a guanxi.Panel"),
        (showing(SOUND, answer="text"), "'text', which is not a list"),
    ):
        with pytest.raises(PluginError, match=message):
            checked_panels(PluginHost([plugin], SETTINGS), schema)
    with pytest.raises(PluginError, match="there are two of that name"):
        design(SETTINGS, [showing(SOUND, SOUND)]).assemble()
