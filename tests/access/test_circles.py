"""Records that are part of others of their own type belong to whom their own columns name."""

from guanxi import Plugin, Record, column, hookimpl, reference
from guanxi.records import User
from tests import writes


class Burrow(Record, prefix="bur", plugin="burrows"):
    """A burrow, within another."""

    __search__ = ("name",)
    __part_of__ = ("within",)
    name: str = column("Its name.", max_length=80)
    owner_id: str | None = reference(User, "Whose it is.", default=None)
    within_id: str | None = reference("Burrow", "The one around it.", default=None)


class Burrows(Plugin):
    """Burrows."""

    name, version, api = "burrows", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Burrow]


def test_what_leads_back_to_itself_adds_nothing(crm):
    client = crm(Burrows())
    ann, bea = (client.create("User", name=name, role="ACCOUNT_MANAGER")["id"] for name in ("Ann", "Bea"))
    hill = client.create("Burrow", name="Hollow hill", ownerId=ann)["id"]
    client.create("Burrow", name="Hole", ownerId=bea, withinId=hill)
    query = '{ burrows { nodes { name } } search(text: "ho") { node { ... on Burrow { name } } } }'
    assert client.acting_as(ann).query(query) == {
        "burrows": {"nodes": [{"name": "Hollow hill"}]},
        "search": [{"node": {"name": "Hollow hill"}}],
    }


class Depot(Record, prefix="dpt", plugin="fleet"):
    """A depot, with the van that stands in it by night."""

    name: str = column("Its name.", max_length=80)
    night_van_id: str | None = reference("Van", "The van that stands in it by night.", default=None)


class Van(Record, prefix="van", plugin="fleet"):
    """A van of a depot."""

    name: str = column("Its name.", max_length=80)
    depot_id: str | None = reference("Depot", "Where it belongs.", inverse="vans", default=None)


class Fleet(Plugin):
    """Depots and vans."""

    name, version, api = "fleet", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Depot, Van]


def test_tables_may_refer_to_each_other(crm):
    client = crm(Fleet())
    depot = client.create("Depot", name="North")["id"]
    van = client.create("Van", name="Blue", depotId=depot)["id"]
    writes.payload(client, "update", "Depot", id=depot, nightVanId=van)
    assert client.query("{ depots { nodes { name nightVan { name depot { name } } vans { nodes { name } } } } }") == {
        "depots": {
            "nodes": [
                {
                    "name": "North",
                    "nightVan": {"name": "Blue", "depot": {"name": "North"}},
                    "vans": {"nodes": [{"name": "Blue"}]},
                }
            ]
        }
    }
