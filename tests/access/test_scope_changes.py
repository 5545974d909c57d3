"""What the log shows a reader who goes on from where it was: all that entered its scope, and all that left it.

A reader remembers what it saw and where the log ended then; whatever happens, the entries since lead from the one to
what it sees now.
"""

import threading
from contextlib import closing

import pytest
from sqlalchemy import text

from core.db.database import Database
from guanxi import Facet, Field, Plugin, Record, RowRule, column, hookimpl, reference
from guanxi.records import Contact
from tests.access.house import House

KINDS = {"Customer": "customers", "Contact": "contacts", "Opportunity": "opportunities", "Task": "tasks"}
#: Words that all of a type have in their names.
FOUND = """{
  customers(first: 500) { nodes { id } } contacts(first: 500) { nodes { id } }
  opportunities(first: 500) { nodes { id } } parts(first: 500) { nodes { id } }
  co: search(text: "co", types: [CUSTOMER, CONTACT, PART], first: 500) { node { id } }
  deal: search(text: "deal", types: [OPPORTUNITY], first: 500) { node { id } }
}"""
FEED = """query ($after: String) { events(first: 500, after: $after) {
  edges { cursor node { entityType entityId scopeChange changes { field previous current } } } } }"""


class Reader:
    """One caller: what it saw, and how far it has read."""

    def __init__(self, house, who):
        self.asked, self._whole = house.asks(who), house.client
        self.place = None
        self._read()
        self.before = self.seen()

    def seen(self):
        """The records that it sees."""
        text = " ".join(f"{plural}(first: 500) {{ nodes {{ id }} }}" for plural in KINDS.values())
        found = self.asked.query(f"{{ {text} }}")
        return {node["id"] for plural in KINDS.values() for node in found[plural]["nodes"]}

    def searches(self):
        """Search finds what lists show."""
        found = self.asked.query(FOUND)
        hits = {hit["node"]["id"] for hits in (found.pop("co"), found.pop("deal")) for hit in hits}
        assert hits == {node["id"] for page in found.values() for node in page["nodes"]}

    def _read(self):
        """What it is told since it last asked."""
        # The last that it is told of, so that its place is the end of the log.
        self._whole.create("Product", name="A mark")
        nodes = []
        while page := self.asked.query(FEED, after=self.place)["events"]["edges"]:
            nodes += [edge["node"] for edge in page]
            self.place = page[-1]["cursor"]
        return nodes

    def told(self):
        """How each record entered or left since it last asked, once that is what really became of them."""
        nodes = self._read()
        now = self.seen()
        self.searches()
        told = {}
        for node in nodes:
            assert node["scopeChange"] != "LEFT" or not node["changes"], node
            if node["entityType"] in KINDS and node["scopeChange"] in ("ENTERED", "LEFT"):
                told[node["entityId"]] = node["scopeChange"]
        # One's own scope was another: what is told of single records does not count.
        if not any(node["scopeChange"] == "RESET" for node in nodes):
            known = {node["entityId"] for node in nodes}
            assert now - self.before <= known
            assert {id for id in told if told[id] == "ENTERED"} == {*told} & now
            assert self.before - now == {id for id in told if told[id] == "LEFT"} & self.before
            assert {id for id in told if told[id] == "LEFT"} <= self.before
        self.before = now
        return told

    def resets(self):
        """Whether it is told to read anew."""
        nodes = self._read()
        self.before = self.seen()
        self.searches()
        return "RESET" in [node["scopeChange"] for node in nodes]


@pytest.fixture(scope="module")
def house(module_crm):
    house = House(module_crm(Parts))
    house.tasks = {
        name: house.client.create("Task", subject=f"{name} task", opportunityId=id)["id"]
        for name, id in house.opportunities.items()
    }
    return house


class Part(Record, prefix="part", plugin="parts"):
    """A part of a contact."""

    __search__ = ("name",)

    name: str = column("Name.", default="Co part", max_length=100)
    contact_id: str = reference(Contact, "The contact.", on_destroy="CASCADE")


class Marks(Facet, of="Customer", plugin="parts"):
    count: int = 0


class Parts(Plugin):
    name, version, api = "parts", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Part]

    @hookimpl
    def register_fields(self):
        yield Field("Customer.marks", Marks.count, "Marks.", writable=True)

    @hookimpl
    def register_permissions(self):
        yield RowRule("parts.marked", "Marked ones.", {"Customer": lambda row: row.facet(Marks).count > 0})


def write(house, record, **given):
    name = f"update{record}"
    text = f"mutation ($input: Update{record}Input!) {{ {name}(input: $input) {{ userErrors {{ code message }} }} }}"
    assert house.client.query(text, input=given)[name]["userErrors"] == []


def everything_of(house, *names):
    return {
        mapping[name]
        for mapping in (house.customers, house.contacts, house.opportunities, house.tasks)
        for name in names
    }


def test_what_hangs_on_a_customer_goes_where_it_goes(house):
    readers = {who: Reader(house, who) for who in ("ann", "eve", "dan", "adm")}
    part = house.client.create("Part", contactId=house.contacts["bob"])["id"]
    write(house, "Customer", id=house.customers["bob"], ownerId=house.eve)
    moved = everything_of(house, "bob")
    assert readers["ann"].told() == dict.fromkeys(moved, "LEFT")
    assert readers["eve"].told() == dict.fromkeys(moved, "ENTERED")
    # They see it before and after.
    assert readers["dan"].told() == readers["adm"].told() == {}
    types = "query ($id: ID!) { events(entity: $id) { nodes { type scopeChange } } }"
    told = house.asks("eve").query(types, id=part)["events"]["nodes"]
    # A plugin's records have it without a line.
    assert told == [
        {"type": "PART_CREATED", "scopeChange": None},
        {"type": "PART_REASSIGNED", "scopeChange": "ENTERED"},
    ]
    assert [node["type"] for node in house.client.query(types, id=part)["events"]["nodes"]] == ["PART_CREATED"]
    write(house, "Customer", id=house.customers["bob"], ownerId=house.bob)
    assert readers["ann"].told() == dict.fromkeys(moved, "ENTERED")
    assert readers["eve"].told() == dict.fromkeys(moved, "LEFT")
    house.destroy("Part", part)


def test_by_the_region_alone(house):
    dan = Reader(house, "dan")
    # Where a person lives makes nobody of that region see it.
    write(house, "Contact", id=house.contacts["par"], region="north")
    assert dan.told() == {}
    write(house, "Customer", id=house.customers["par"], region="north")
    assert dan.told() == dict.fromkeys(everything_of(house, "par"), "ENTERED")
    write(house, "Customer", id=house.customers["par"], region=None)
    assert dan.told() == dict.fromkeys(everything_of(house, "par"), "LEFT")


def test_what_is_seen_otherwise_neither_enters_nor_leaves(house):
    write(house, "Opportunity", id=house.opportunities["eve"], ownerId=house.ann)
    ann = Reader(house, "ann")
    own = {house.opportunities["eve"], house.tasks["eve"]}
    assert own <= ann.before
    write(house, "Customer", id=house.customers["eve"], ownerId=house.ann)
    assert ann.told() == dict.fromkeys(everything_of(house, "eve") - own, "ENTERED")
    write(house, "Customer", id=house.customers["eve"], ownerId=house.eve)
    assert ann.told() == dict.fromkeys(everything_of(house, "eve") - own, "LEFT")
    write(house, "Opportunity", id=house.opportunities["eve"], ownerId=None)
    assert ann.told() == dict.fromkeys(own, "LEFT")


def test_by_what_it_is_part_of_alone(house):
    ann, eve = Reader(house, "ann"), Reader(house, "eve")
    task = house.client.create("Task", subject="moving", customerId=house.customers["ann"])["id"]
    assert (ann.told(), eve.told()) == ({}, {})
    write(house, "Task", id=task, customerId=house.customers["eve"])
    assert (ann.told(), eve.told()) == ({task: "LEFT"}, {task: "ENTERED"})
    write(house, "Task", id=task, customerId=None)
    assert (ann.told(), eve.told()) == ({}, {task: "LEFT"})
    contact = house.client.create("Contact", name="Mover Co", customerId=house.customers["eve"])["id"]
    part = house.client.create("Part", contactId=contact)["id"]
    eve.told()
    write(house, "Contact", id=contact, customerId=house.customers["ann"])
    assert (ann.told(), eve.told()) == ({contact: "ENTERED"}, {contact: "LEFT"})
    text = "query ($id: ID!) { events(entity: $id) { nodes { type scopeChange } } }"
    assert house.asks("ann").query(text, id=part)["events"]["nodes"][-1]["scopeChange"] == "ENTERED"
    # Nothing hangs on a part itself.
    write(house, "Part", id=part, contactId=house.contacts["eve"])
    assert (ann.told(), eve.told()) == ({}, {})
    for record, id in (("Part", part), ("Contact", contact), ("Task", task)):
        house.destroy(record, id)


def test_by_who_shares_it(house):
    eve = Reader(house, "eve")
    member = house.client.create("AccountTeamMember", customerId=house.customers["ann"], userId=house.eve)["id"]
    assert eve.told() == dict.fromkeys(everything_of(house, "ann"), "ENTERED")
    second = house.client.create("OpportunityMember", opportunityId=house.opportunities["ann"], userId=house.eve)["id"]
    assert eve.told() == {}
    write(house, "AccountTeamMember", id=member, customerId=house.customers["bob"])
    own = {house.opportunities["ann"], house.tasks["ann"]}
    gone, new = everything_of(house, "ann") - own, everything_of(house, "bob")
    assert eve.told() == {**dict.fromkeys(gone, "LEFT"), **dict.fromkeys(new, "ENTERED")}
    write(house, "AccountTeamMember", id=member, userId=house.par)
    assert eve.told() == dict.fromkeys(new, "LEFT")
    write(house, "AccountTeamMember", id=member, userId=house.eve)
    assert eve.told() == dict.fromkeys(new, "ENTERED")
    house.destroy("AccountTeamMember", member)
    assert eve.told() == dict.fromkeys(new, "LEFT")
    house.destroy("OpportunityMember", second)
    assert eve.told() == dict.fromkeys(own, "LEFT")


def test_what_is_destroyed_has_left(house):
    task = house.client.create("Task", subject="going", opportunityId=house.opportunities["ann"])["id"]
    ann, eve = Reader(house, "ann"), Reader(house, "eve")
    house.destroy("Task", task)
    assert (ann.told(), eve.told()) == ({task: "LEFT"}, {})


def test_by_what_a_plugins_scope_looks_at(house):
    marked = house.client.acting_as(house.eve, {"Customer.read:parts.marked", "Contact.read:own"})
    feed = "{ events(types: [CUSTOMER_UPDATED], first: 500) { nodes { entityId scopeChange changes { field } } } }"
    for count in (2, 3, 0):
        write(house, "Customer", id=house.customers["ann"], marks=count)
    nodes = [node for node in marked.query(feed)["events"]["nodes"] if node["entityId"] == house.customers["ann"]]
    assert nodes == [{"entityId": house.customers["ann"], "scopeChange": "LEFT", "changes": []}]
    write(house, "Customer", id=house.customers["ann"], marks=1)
    nodes = [node for node in marked.query(feed)["events"]["nodes"] if node["entityId"] == house.customers["ann"]]
    assert [node["scopeChange"] for node in nodes if node["scopeChange"]] == ["ENTERED", "LEFT", "ENTERED"]
    write(house, "Customer", id=house.customers["ann"], marks=0)


@pytest.mark.parametrize(
    ("change", "resets"),
    [
        (("User", "ann", {"teamId": "other_team"}), {"ann", "bob", "lea", "dan", "eve"}),
        (("User", "ann", {"region": "East"}), {"ann", "dan"}),
        (("User", "ann", {"name": "Anna"}), set()),
        (("Team", "team", {"parentId": None}), {"lea"}),
        (("User", "par", {"role": "GRID_MANAGER"}), {"par"}),
    ],
)
def test_who_sees_the_records_of_others_is_told_to_read_anew(house, change, resets):
    """A change of a user's team, region or role, and of the tree of teams, is of whole scopes."""
    record, whose, given = change
    readers = {who: Reader(house, who) for who in ("ann", "bob", "lea", "dan", "eve", "par", "sal")}
    id = getattr(house, whose)
    write(house, record, id=id, **{name: getattr(house, str(value), value) for name, value in given.items()})
    try:
        assert {who for who, reader in readers.items() if reader.resets()} == resets
    finally:
        back = {"teamId": house.team, "region": "North", "name": "Ann", "parentId": house.above, "role": "PARTNER"}
        write(house, record, id=id, **{name: back[name] for name in given})


def test_what_is_written_while_something_above_is_handed_over_is_its_new_owners(house):
    """A part waits for whoever hands over the customer of its contact."""
    if house.client.app.database.dialect != "postgresql":
        pytest.skip("SQLite has one writer")
    id, held, done = house.customers["ann"], threading.Event(), threading.Event()

    def hand_over():
        with closing(Database(house.client.app.settings.database_url)) as rival, rival.engine.begin() as connection:
            connection.execute(text("UPDATE customer SET owner_id = :eve WHERE id = :id"), {"eve": house.eve, "id": id})
            held.set()
            with rival.engine.connect() as watching:
                waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                while not done.is_set() and watching.scalar(waiting) is None:
                    watching.rollback()

    rival = threading.Thread(target=hand_over)
    rival.start()
    held.wait()
    part = house.client.create("Part", contactId=house.contacts["ann"])["id"]
    done.set()
    rival.join()
    found = house.asks("eve").query('{ search(text: "co part") { node { id } } }')["search"]
    assert found == [{"node": {"id": part}}]
    house.destroy("Part", part)
    write(house, "Customer", id=id, ownerId=house.ann)
