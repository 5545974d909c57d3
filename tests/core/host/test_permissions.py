"""Permissions and scopes of rows that plugins declare."""

import pytest

from core.base.errors import PluginError
from guanxi import Facet, Field, Permission, Plugin, RowRule, UserRole, hookimpl


class Parcels(Facet, of="Customer", plugin="parcels"):
    count: int = 0


class ParcelsPlugin(Plugin):
    name, version, api = "parcels", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.parcels", Parcels.count, "Parcels sent to it.", writable=True, permission="parcels")

    @hookimpl
    def register_permissions(self):
        yield Permission("parcels", "See parcels.", roles=[UserRole.PARTNER])
        yield RowRule("parcels.sent", "Whom we sent parcels.", {"Customer": lambda row: row.facet(Parcels).count > 0})
        yield RowRule("parcels.steel", "Who makes steel.", {"Customer": lambda row: row.industry == "Steel"})


def test_hook_register_permissions_declares_permissions_with_their_roles_and_scopes_of_rows(crm):
    client = crm(ParcelsPlugin)
    client.create("Customer", name="Ann", parcels=2)
    client.create("Customer", name="Bob")
    for role, permissions in (("PARTNER", ["Customer.read:parcels.sent"]), ("SALES_OFFICE", ["*.read"])):
        client.create("Role", role=role, permissions=permissions)
    partner, office = (
        client.acting_as(client.create("User", name=role, role=role)["id"]) for role in ("PARTNER", "SALES_OFFICE")
    )
    text = "{ customers(orderBy: [{name: ASC}]) { nodes { name parcels } } }"
    assert office.execute(text)["data"]["customers"]["nodes"] == [
        {"name": "Ann", "parcels": None},
        {"name": "Bob", "parcels": None},
    ]
    client.create("Role", role="GRID_MANAGER", permissions=["Customer.read:parcels.sent", "parcels"])
    grid = client.acting_as(client.create("User", name="Grid", role="GRID_MANAGER")["id"])
    assert grid.query(text)["customers"]["nodes"] == [{"name": "Ann", "parcels": 2}]
    assert [node["name"] for node in partner.execute(text)["data"]["customers"]["nodes"]] == ["Ann"]


def test_the_feed_says_what_entered_and_left_a_scope_of_rows(crm):
    client = crm(ParcelsPlugin)
    permissions = {"Customer.read:parcels.steel", "Customer.read:own"}
    mill = client.acting_as(client.create("User", name="Mill", role="PARTNER")["id"], permissions)
    id = client.create("Customer", name="Ann")["id"]
    text = """mutation ($id: ID!, $industry: String!) { updateCustomer(input: {id: $id, industry: $industry}) {
      userErrors { code } } }"""
    for industry in ("Steel", "Coal", "Wood", "Steel"):
        client.query(text, id=id, industry=industry)
    feed = "{ events(types: [CUSTOMER_UPDATED]) { nodes { scopeChange changes { field } } } }"
    shown, hidden = [{"field": "industry"}], []
    assert mill.query(feed)["events"]["nodes"] == [
        {"scopeChange": "ENTERED", "changes": shown},
        {"scopeChange": "LEFT", "changes": hidden},
        {"scopeChange": None, "changes": shown},
        {"scopeChange": "ENTERED", "changes": shown},
    ]


def test_a_permission_of_the_core_is_not_to_be_declared_again(crm):
    class Again(Plugin):
        name, version, api = "again", "1.0", ">=1,<2"

        @hookimpl
        def register_permissions(self):
            yield Permission("personal", "Again.")

    with pytest.raises(PluginError, match="core has one of that name"):
        crm(Again)
