"""Records that are part of others of their own type belong to whom their own columns name."""

from guanxi import Plugin, Record, column, hookimpl, reference
from guanxi.records import User


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
